"""A relu hidden layer and a sigmoid output, trained on the log loss of all samples at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_array, check_count, check_positive
from ..model.losses import LOSSES, check_targets
from ..network import Network


class NeuralNet:
    """Yhat = sigmoid(relu(X W1 + b1) W2 + b2), descending the mean log loss in full-batch steps.

    Parameters
    ----------
    layers : sequence of 3 int, default (13, 8, 1)
        Numbers of inputs, hidden units and outputs.
    learning_rate : float, default 0.001
    iterations : int, default 100
        Steps that `fit` takes.

    Attributes
    ----------
    params : dict of ndarray, float64
        ``W1`` (inputs, hidden), ``b1`` (hidden,), ``W2`` (hidden, outputs), ``b2`` (outputs,).
        Empty before `init_weights` or `fit`.
    loss : list of float
        The loss before each step of the last `fit`.

    Notes
    -----
    The formulas here are the gradient's. Those of the tutorial's backward pass depart from it in
    four places, and its fit fails before it gets there:

    - It divides by 2 where the mean over m samples divides by m: with m samples every step is m / 2
      times as long as ``learning_rate`` says.
    - The gradient of W2 multiplies the hidden outputs by Z2, the output's weighted sum, where its
      error Yhat - Y belongs: W2 then shrinks the outputs, whatever the targets are.
    - The hidden slope is 1 - A1^2, that of tanh. A relu's is 1 where A1 > 0 and 0 elsewhere: dead
      units get updates, and units with outputs above 1 get them with the wrong sign.
    - Bias gradients are summed over units (axis 1) instead of samples (axis 0). They have an entry
      for each sample; so do the biases after one step, and other data than the training set no
      longer fit.
    - fit calls ``init_weight``, but the method is named `init_weights`.

    On the Statlog heart disease data (270 samples, inputs standardised), ``learning_rate=0.01`` and
    ``iterations=3000`` predict 80 % of held-out samples rightly (5-fold cross-validation).

    Examples
    --------
    >>> random = np.random.RandomState(0)
    >>> X = random.randn(200, 2)
    >>> y = X[:, 0] * X[:, 1] > 0
    >>> net = NeuralNet(layers=(2, 8, 1), learning_rate=0.5, iterations=2000).fit(X, y)
    >>> float((net.predict(X) == y).mean()) > 0.9
    True
    """

    def __init__(
        self, layers: Sequence[int] = (13, 8, 1), learning_rate: float = 0.001,
        iterations: int = 100,
    ):  # fmt: skip
        self.layers = [check_count(n, "layers") for n in layers]
        if len(self.layers) != 3:
            raise ValueError(
                f"layers: found {len(self.layers)} numbers, expected 3: inputs, hidden units, "
                "outputs. For another depth, use fastperc.Network"
            )
        self.learning_rate = check_positive(learning_rate, "learning_rate")
        self.iterations = check_count(iterations, "iterations")
        self.params: dict[str, np.ndarray] = {}
        self.loss: list[float] = []
        self._flat_target = self.layers[-1] == 1

    def init_weights(self) -> None:
        """Draw W1, b1, W2 and b2, in this order, from ``RandomState(1).randn``."""
        n_inputs, n_hidden, n_outputs = self.layers
        random = np.random.RandomState(1)
        self.params = {
            "W1": random.randn(n_inputs, n_hidden),
            "b1": random.randn(n_hidden),
            "W2": random.randn(n_hidden, n_outputs),
            "b2": random.randn(n_outputs),
        }

    def fit(self, X: ArrayLike, y: ArrayLike) -> NeuralNet:
        """Draw start weights and take ``iterations`` steps.

        Parameters
        ----------
        X : array_like of shape (n_samples, inputs)
        y : array_like of shape (n_samples,) or (n_samples, outputs)
            Targets, 0 or 1.

        Returns
        -------
        self

        Raises
        ------
        DivergedError
            At the first step whose loss is not finite. ``params`` are those of the step before.
        """
        X = check_array(X, "X", columns=self.layers[0])
        Y = check_targets(y, LOSSES["log_loss"], len(X), self.layers[-1], np.float64)
        self.init_weights()
        self._flat_target = np.ndim(y) == 1
        net = self._network()
        self.params = dict(zip(self.params, arrays_of(net), strict=True))
        try:
            net.train(
                X, Y, epochs=self.iterations, lr=self.learning_rate, batch_size=len(X),
                shuffle=False,
            )  # fmt: skip
        finally:  # also after Ctrl-C
            self.loss = list(net.history.loss) if net.history else []
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return outputs rounded to 0 or 1, with as many dimensions as the y of the last `fit`."""
        if not self.params:
            raise ValueError("this NeuralNet has no weights yet; call fit first")
        outputs = self._network().forward(X)
        rounded: np.ndarray = np.round(outputs[:, 0] if self._flat_target else outputs)
        return rounded

    def _network(self) -> Network:
        """Return a `Network` with these parameters."""
        net = Network(
            self.layers, hidden="relu", output="sigmoid", loss="log_loss", dtype="float64"
        )
        for array, value in zip(arrays_of(net), self.params.values(), strict=True):
            array[...] = value
        return net


def arrays_of(net: Network) -> list[np.ndarray]:
    """Return W1, b1, W2 and b2 of a network: its own arrays, which training changes."""
    return [array for layer in zip(net.weights, net.biases, strict=True) for array in layer]
