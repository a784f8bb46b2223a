"""Loops from public courses, books and repositories, written down in NumPy from their formulas, and
the options of `Network.train` that follow them to rounding over 100 epochs."""

import itertools

import numpy as np
import pytest

from fastperc import Network

EPOCHS, N = 100, 22
RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (N, 3))
T = RNG.uniform(0.1, 0.9, (N, 2))
LABELS = RNG.integers(0, 3, N)
ORDERS = np.array([RNG.permutation(N) for _ in range(EPOCHS)])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def start(*sizes, biases=True):
    rng = np.random.default_rng(1)
    pairs = list(itertools.pairwise(sizes))
    weights = [rng.uniform(-0.7, 0.7, pair) for pair in pairs]
    if not biases:
        return weights
    return weights, [rng.uniform(-0.3, 0.3, n_out) for _, n_out in pairs]


def copies(*arrays):
    return [a.copy() for a in arrays]


def check(net, weights, biases=None):
    for found, wanted in zip(net.weights, weights, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    for found, wanted in zip(net.biases, biases or [], strict=biases is not None):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


def network(sizes, init, **options):
    return Network(sizes, init=init, dtype="float64", **options)


SIGMOIDS = {"hidden": "sigmoid", "output": "sigmoid", "loss": "squared_error"}


def test_objects_whose_biases_are_never_updated():
    """Neurons as objects, one bias per layer that stays as it was drawn."""
    (W1, W2), biases = start(3, 4, 2)
    net = network((3, 4, 2), ([W1, W2], biases), **SIGMOIDS)
    W1, W2 = copies(W1, W2)
    for _ in range(EPOCHS):
        for x, t in zip(X, T, strict=True):
            h = sigmoid(x @ W1 + biases[0])
            o = sigmoid(h @ W2 + biases[1])
            d2 = -(t - o) * o * (1 - o)
            d1 = (W2 @ d2) * h * (1 - h)
            W2 -= 0.5 * np.outer(h, d2)
            W1 -= 0.5 * np.outer(x, d1)
    net.train(X, T, epochs=EPOCHS, lr=0.5, shuffle=False, frozen=("b1", "b2"))
    check(net, [W1, W2], biases)


def test_tanh_layers_with_a_bias_among_the_inputs_and_the_last_gradient_for_momentum():
    """An MLP whose input layer alone has a bias unit, and ``w += lr dw + momentum dw_before``."""
    (W1, W2), (b1, _) = start(3, 4, 2)
    net = network(
        (3, 4, 2), ([W1, W2], [b1, None]), hidden="tanh", output="tanh", bias=(True, False)
    )
    W = [np.vstack([W1, b1]), W2.copy()]
    before = [np.zeros_like(w) for w in W]
    for _ in range(EPOCHS):
        for x, t in zip(X, T, strict=True):
            a0 = np.append(x, 1.0)
            a1 = np.tanh(a0 @ W[0])
            a2 = np.tanh(a1 @ W[1])
            d2 = (t - a2) * (1 - a2**2)
            d1 = (d2 @ W[1].T) * (1 - a1**2)
            for k, (a, d) in enumerate(((a0, d1), (a1, d2))):
                dw = np.outer(a, d)
                W[k] += 0.1 * dw + 0.05 * before[k]
                before[k] = dw
    options = {"momentum": 0.05, "momentum_of": "gradient"}
    net.train(X, T, epochs=EPOCHS, lr=0.1, shuffle=False, **options)
    check(net, [W[0][:-1], W[1]], [W[0][-1], np.zeros(2)])


@pytest.mark.parametrize(("output", "low"), [("sign", -1), ("step", 0)])
def test_a_perceptron_in_shuffled_order(output, low):
    """The perceptron rule, ``w += eta (target - predict) x``, eta = 0.1."""
    y = np.where(LABELS == 1, 1, low)
    net = network((3, 1), "zeros", output=output, loss="perceptron")
    w, b = np.zeros(3), 0.0
    for order in ORDERS:
        for x, target in zip(X[order], y[order], strict=True):
            update = 0.1 * (target - np.where(x @ w + b >= 0.0, 1, low))
            w += update * x
            b += update
    net.train(X, y, epochs=EPOCHS, lr=0.1, order=ORDERS)
    check(net, [w[:, None]], [np.array([b])])


@pytest.mark.parametrize("hidden", [(), (6,)], ids=["one layer", "two layers"])
def test_eleven_lines_without_biases(hidden):
    """``syn += a.T.dot((y - out) * out * (1 - out))``: all samples, their sum, no learning rate."""
    sizes = (3, *hidden, 1)
    W = start(*sizes, biases=False)
    net = network(sizes, W, bias=False, **SIGMOIDS | ({} if hidden else {"hidden": ()}))
    W, y = copies(*W), T[:, :1]
    for _ in range(EPOCHS):
        outputs = [X]
        for w in W:
            outputs.append(sigmoid(outputs[-1] @ w))
        delta = (y - outputs[-1]) * outputs[-1] * (1 - outputs[-1])
        deltas = [delta]
        for w, a in zip(W[:0:-1], outputs[-2:0:-1], strict=True):
            deltas.insert(0, deltas[0] @ w.T * a * (1 - a))
        for w, a, d in zip(W, outputs, deltas, strict=False):
            w += a.T @ d
    net.train(X, y, epochs=EPOCHS, lr=1, batch_size=N, reduction="sum")
    check(net, W)


def test_columns_without_biases_one_query_at_a_time():
    """``who += lr * np.dot(errors * o * (1 - o), h.T)``, arrays of columns."""
    wih, who = (W.T for W in start(3, 5, 2, biases=False))
    net = network((3, 5, 2), [wih.T, who.T], bias=False, **SIGMOIDS)
    wih, who = copies(wih, who)
    for _ in range(EPOCHS):
        for x, t in zip(X, T, strict=True):
            x, t = x[:, None], t[:, None]
            h = sigmoid(wih @ x)
            o = sigmoid(who @ h)
            errors = t - o
            hidden_errors = who.T @ (errors * o * (1 - o))
            who += 0.3 * (errors * o * (1 - o)) @ h.T
            wih += 0.3 * (hidden_errors * h * (1 - h)) @ x.T
    net.train(X, T, epochs=EPOCHS, lr=0.3, shuffle=False)
    check(net, [wih.T, who.T])


def test_an_exponential_average_of_gradients_without_biases():
    """``v = beta v + (1 - beta) dW; W -= lr v``, all samples at once."""
    W1, W2 = start(3, 5, 2, biases=False)
    net = network((3, 5, 2), [W1, W2], bias=False, **SIGMOIDS)
    W, v = copies(W1, W2), [0.0, 0.0]
    for _ in range(EPOCHS):
        h = sigmoid(X @ W[0])
        o = sigmoid(h @ W[1])
        d2 = (o - T) * o * (1 - o) / N
        d1 = d2 @ W[1].T * h * (1 - h)
        for k, dW in enumerate((X.T @ d1, h.T @ d2)):
            v[k] = 0.9 * v[k] + (1 - 0.9) * dW
            W[k] = W[k] - 2.0 * v[k]
    net.train(X, T, epochs=EPOCHS, lr=2.0, batch_size=N, momentum=0.9, dampening=0.9)
    check(net, W)


def softmax_gradients(x, labels, W, b, activate, slope):
    """Of the sum of the cross-entropies: by W1, W2, b1, b2."""
    a = activate(x @ W[0] + b[0])
    z = a @ W[1] + b[1]
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(x)), labels] -= 1
    d = p @ W[1].T * slope(a)
    return [x.T @ d, a.T @ p], [d.sum(axis=0), p.sum(axis=0)]


def softmax_network(hidden):
    W, b = start(3, 5, 3)
    net = network((3, 5, 3), (W, b), hidden=hidden, output="softmax", loss="cross_entropy")
    return net, copies(*W), copies(*b)


TANH = np.tanh, lambda a: 1 - a**2
RELU = (lambda z: np.maximum(z, 0)), lambda a: (a > 0) * 1.0


def test_the_sum_over_all_samples_with_a_penalty_on_weights():
    """``dW += reg_lambda * W``, then ``W += -epsilon * dW``: sums, full batch."""
    net, W, b = softmax_network("tanh")
    for _ in range(EPOCHS):
        by_W, by_b = softmax_gradients(X, LABELS, W, b, *TANH)
        W = [w - 0.01 * (g + 0.01 * w) for w, g in zip(W, by_W, strict=True)]
        b = [w - 0.01 * g for w, g in zip(b, by_b, strict=True)]
    net.train(X, LABELS, epochs=EPOCHS, lr=0.01, batch_size=N, reduction="sum", alpha=0.01)
    check(net, W, b)


def book_adam(lr=0.01, beta1=0.9, beta2=0.999):
    state = {}

    def step(key, p, g, t):
        m, v = state.setdefault(key, [np.zeros_like(p), np.zeros_like(p)])
        lr_t = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g**2 - v)
        p -= lr_t * m / (np.sqrt(v) + 1e-7)

    return step


def book_ada_grad(lr=0.01):
    state = {}

    def step(key, p, g, t):
        h = state.setdefault(key, np.zeros_like(p))
        h += g * g
        p -= lr * g / (np.sqrt(h) + 1e-7)

    return step


def book_rms_prop(lr=0.01, decay_rate=0.99):
    state = {}

    def step(key, p, g, t):
        h = state.setdefault(key, np.zeros_like(p))
        h *= decay_rate
        h += (1 - decay_rate) * g * g
        p -= lr * g / (np.sqrt(h) + 1e-7)

    return step


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        (book_adam, {"optimizer": "adam", "epsilon": 1e-7, "epsilon_hat": True}),
        (book_ada_grad, {"optimizer": "adagrad", "epsilon": 1e-7}),
        (book_rms_prop, {"optimizer": "rmsprop", "rho": 0.99, "epsilon": 1e-7}),
    ],
)
def test_optimizers_of_a_book_on_batches_drawn_with_repetition(rule, options):
    """Each step takes some rows drawn anew, as ``np.random.choice`` does."""
    net, W, b = softmax_network("tanh")
    drawn = np.random.default_rng(2).integers(0, N, (EPOCHS, 8))
    step = rule()
    for t, rows in enumerate(drawn, 1):
        by_W, by_b = softmax_gradients(X[rows], LABELS[rows], W, b, *TANH)
        for k in range(2):
            step(("W", k), W[k], by_W[k] / 8, t)
            step(("b", k), b[k], by_b[k] / 8, t)
    net.train(X, LABELS, epochs=EPOCHS, lr=0.01, batch_size=8, order=drawn, **options)
    check(net, W, b)


def test_batches_in_a_foreign_order_summed_with_a_short_last_one():
    """Layers as classes, ``tse = sum((predicted - actual)**2)``, shuffled batches of 8."""
    (W1, W2), (b1, b2) = start(3, 5, 2)
    net = network((3, 5, 2), ([W1, W2], [b1, b2]), hidden="tanh")
    W1, W2, b1, b2 = copies(W1, W2, b1, b2)
    for order in ORDERS:
        for k in range(0, N, 8):
            x, t = X[order[k : k + 8]], T[order[k : k + 8]]
            a = np.tanh(x @ W1 + b1)
            grad = 2 * (a @ W2 + b2 - t)
            below = (1 - a**2) * (grad @ W2.T)
            W2, b2 = W2 - 0.005 * a.T @ grad, b2 - 0.005 * grad.sum(axis=0)
            W1, b1 = W1 - 0.005 * x.T @ below, b1 - 0.005 * below.sum(axis=0)
    net.train(X, T, epochs=EPOCHS, lr=2 * 0.005, batch_size=8, order=ORDERS, reduction="sum")
    check(net, [W1, W2], [b1, b2])


def test_batches_without_the_short_last_one():
    """``for start in range(0, n - batch + 1, batch)``: sums, L2, orders of its own."""
    (W1, W2), (b1, b2) = start(3, 5, 2)
    net = network(
        (3, 5, 2), ([W1, W2], [b1, b2]), hidden="sigmoid", output="sigmoid", loss="log_loss"
    )
    W1, W2, b1, b2 = copies(W1, W2, b1, b2)
    Y = (T > 0.5) * 1.0
    for order in ORDERS:
        for k in range(0, N - 8 + 1, 8):
            x, y = X[order[k : k + 8]], Y[order[k : k + 8]]
            a = sigmoid(x @ W1 + b1)
            d2 = sigmoid(a @ W2 + b2) - y
            d1 = d2 @ W2.T * a * (1 - a)
            W1, b1 = W1 - 0.05 * (x.T @ d1 + 0.01 * W1), b1 - 0.05 * d1.sum(axis=0)
            W2, b2 = W2 - 0.05 * (a.T @ d2 + 0.01 * W2), b2 - 0.05 * d2.sum(axis=0)
    net.train(
        X, Y, epochs=EPOCHS, lr=0.05, batch_size=8, order=lambda epoch: ORDERS[epoch - 1],
        drop_last=True, reduction="sum", alpha=0.01,
    )  # fmt: skip
    check(net, [W1, W2], [b1, b2])


def test_a_hinge_with_a_penalty_on_all_parameters_and_a_falling_rate():
    """An autograd demo: ``1e-4 * sum(p * p)`` over biases too; ``lr = 1 - 0.9 k / 100``."""
    (W1, W2), (b1, b2) = start(3, 5, 1)
    net = network((3, 5, 1), ([W1, W2], [b1, b2]), hidden="relu", loss="hinge")
    W1, W2, b1, b2 = copies(W1, W2, b1, b2)
    y = np.where(LABELS == 0, -1.0, 1.0)[:, None]
    for k in range(EPOCHS):
        a = np.maximum(X @ W1 + b1, 0)
        d2 = np.where(1 - y * (a @ W2 + b2) > 0, -y, 0) / N
        d1 = d2 @ W2.T * (a > 0)
        gradients = X.T @ d1, d1.sum(axis=0), a.T @ d2, d2.sum(axis=0)
        for p, g in zip((W1, b1, W2, b2), gradients, strict=True):
            p -= (1.0 - 0.9 * k / 100) * (g + 2e-4 * p)
    net.train(
        X, y, epochs=EPOCHS, lr=lambda epoch: 1.0 - 0.9 * (epoch - 1) / 100, batch_size=N,
        alpha=2e-4, penalize_biases=True,
    )  # fmt: skip
    check(net, [W1, W2], [b1, b2])


def test_softmax_outputs_with_squared_errors():
    """``dZ = p * (e - sum(e * p))`` with e = p - y, all samples at once."""
    W, b = start(3, 5, 3)
    net = network((3, 5, 3), (W, b), hidden="relu", output="softmax", loss="squared_error")
    (W1, W2), (b1, b2) = copies(*W), copies(*b)
    Y = np.eye(3)[LABELS]
    for _ in range(EPOCHS):
        a = RELU[0](X @ W1 + b1)
        z = a @ W2 + b2
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        e = p - Y
        d2 = p * (e - (e * p).sum(axis=1, keepdims=True)) / N
        d1 = d2 @ W2.T * RELU[1](a)
        W1, b1 = W1 - 0.5 * X.T @ d1, b1 - 0.5 * d1.sum(axis=0)
        W2, b2 = W2 - 0.5 * a.T @ d2, b2 - 0.5 * d2.sum(axis=0)
    net.train(X, Y, epochs=EPOCHS, lr=0.5, batch_size=N)
    check(net, [W1, W2], [b1, b2])


def test_a_unit_per_sample_in_an_order_of_its_own():
    """Adaptive linear units: ``w += eta x (y - w x - b)``, RandomState's permutations."""
    W, b = start(3, 1)
    net = network((3, 1), (W, b))
    w, c, y = W[0][:, 0].copy(), b[0].copy(), T[:, :1]
    for order in ORDERS:
        for x, t in zip(X[order], y[order], strict=True):
            error = t - (x @ w + c)
            w += 0.1 * x * error
            c += 0.1 * error
    net.train(X, y, epochs=EPOCHS, lr=0.1, order=ORDERS)
    check(net, [w[:, None]], [c])
