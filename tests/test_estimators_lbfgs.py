"""What lbfgs minimises in the estimators: the loss and gradient of all samples, in float64."""

import numpy as np

from fastperc import Network
from fastperc.model.evaluate import Objective, loss_and_gradient
from fastperc.model.samples import Samples
from networks import fixed

ALPHA = 0.3


def test_loss_and_gradient_are_float64s_whatever_the_dtype():
    net = Network((3, 5, 1), hidden="tanh", dtype="float32", seed=0)
    rng = np.random.default_rng(0)
    x, t = (fixed(rng.standard_normal((40, k)).astype("f4")) for k in (3, 1))
    wide, samples = (
        a.astype(np.dtype("f8")) for a in (net._model, Samples(x, t, np.empty(0, "f4")))
    )
    loss, gradient = loss_and_gradient(wide, samples, Objective(ALPHA / 40))

    (V, W), (b, c) = ([a.astype("f8") for a in arrays] for arrays in (net.weights, net.biases))
    x, t = x.astype("f8"), t.astype("f8")
    h = np.tanh(x @ V + b)
    error = h @ W + c - t
    below = error @ W.T * (1 - h**2)
    squares = (V**2).sum() + (W**2).sum()
    parts = (x.T @ below + ALPHA * V, below.sum(0), h.T @ error + ALPHA * W, error.sum(0))
    expected = np.concatenate([np.ravel(part) for part in parts]) / 40
    np.testing.assert_allclose(loss, ((error**2).sum() + ALPHA * squares) / 80, rtol=1e-12)
    np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-13)
