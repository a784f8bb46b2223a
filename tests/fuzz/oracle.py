"""Dense networks in NumPy, written from the formulas: the judge of the fuzz.

Every array has one more axis, in front: copies of the problem. The first is the problem as given,
the others have all their numbers shaken by some units in the last place. How far these end up from
the first says how far rounding may lead anybody astray, so tolerances need not be guessed.
"""

from itertools import pairwise

import numpy as np

SHAKEN = 3  # copies beside the first


def copies(array, ulps, rng):
    """The array in float64, and behind it copies with relative errors of up to ``ulps``."""
    wide = np.asarray(array, np.float64)
    errors = rng.uniform(-ulps, ulps, (SHAKEN, *wide.shape))
    return np.concatenate([wide[None], wide * (1 + errors)])


# --- activations as functions of the weighted sum, and their derivatives by it --------------------


def logistic(z):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-z))


def softmax(z):
    powers = np.exp(z - z.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def softplus(z):
    return np.logaddexp(0, z)


FUNCTIONS = {
    "identity": lambda z: z,
    "sigmoid": logistic,
    "logistic": logistic,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "softplus": softplus,
    "softmax": softmax,
    "exp": np.exp,
    "step": lambda z: np.where(z >= 0, 1.0, 0.0),
    "sign": lambda z: np.where(z >= 0, 1.0, -1.0),
}
DERIVATIVES = {
    "identity": np.ones_like,
    "sigmoid": lambda z: logistic(z) * logistic(-z),
    "logistic": lambda z: logistic(z) * logistic(-z),
    "tanh": lambda z: 4 * logistic(2 * z) * logistic(-2 * z),
    "relu": lambda z: 1.0 * (z > 0),
    "leaky_relu": lambda z: np.where(z > 0, 1, 0.01),
    "elu": lambda z: np.exp(np.minimum(z, 0)),
    "softplus": logistic,
    "exp": np.exp,
}
# Whoever computes these from an output that has been rounded is off by some units in the last place
# of 1, however small they are.
FROM_ROUNDED = ("sigmoid", "logistic", "tanh", "elu")


def slope(name, z, slip):
    """The derivative by z, off by ``slip`` (copies, 1, 1)."""
    return DERIVATIVES[name](z) + (slip if name in FROM_ROUNDED else 0.0)


# --- losses: each sample's, and its derivative by the output layer's weighted sums ----------------


def log_of_softplus(z):
    """For very negative z, softplus(z) is exp(z)."""
    return np.where(z < -40, z, np.log(softplus(np.maximum(z, -40))))


def log_loss(output, z, y, slip):
    # -y log p - (1 - y) log(1 - p), where log p = -softplus(-z)
    return y * softplus(-z) + (1 - y) * softplus(z), logistic(z) - y + slip


def cross_entropy(output, z, y, slip):
    log_p = z - z.max(-1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(-1, keepdims=True))
    return -y * log_p, y.sum(-1, keepdims=True) * softmax(z) - y + slip


def poisson(output, z, y, slip):
    p, by_z = FUNCTIONS[output](z), slope(output, z, slip)
    log_p = z if output == "exp" else log_of_softplus(z)
    log_y = np.log(np.where(y > 0, y, 1))
    # by_z / p is 1 for exp, and for softplus where both vanish
    ratio = np.exp(np.log(np.maximum(by_z, 1e-300)) - log_p) if output != "exp" else 1.0
    return p - y + y * (log_y - log_p), by_z - y * ratio


def of_outputs(loss):
    """A function of (output, z, y, slip), from one of (p, y): loss, and derivative by p."""

    def by_sums(output, z, y, slip):
        each, by_p = loss(FUNCTIONS[output](z), y)
        return each, by_p * slope(output, z, slip)

    return by_sums


def squared_error(p, y):
    return (p - y) ** 2 / 2, p - y


def absolute_error(p, y):
    return np.abs(p - y), np.sign(p - y)


def huber(p, y):
    e = p - y
    return np.where(np.abs(e) <= 1, e * e / 2, np.abs(e) - 0.5), np.clip(e, -1, 1)


def hinge(p, y):
    gap = 1 - y * p
    return np.maximum(gap, 0), np.where(gap > 0, -y, 0)


def perceptron(output, z, y, slip):
    e = FUNCTIONS[output](z) - y
    return e * z, e


LOSSES = {
    "perceptron": perceptron, "log_loss": log_loss,
    "cross_entropy": cross_entropy, "poisson": poisson,
    "squared_error": of_outputs(squared_error), "absolute_error": of_outputs(absolute_error),
    "huber": of_outputs(huber), "hinge": of_outputs(hinge),
}  # fmt: skip


# The labels that outputs mean, where the loss has labels.
LABELS = {
    "log_loss": lambda out: (out >= 0.5).astype(int),
    "cross_entropy": lambda out: out.argmax(1),
    "hinge": lambda out: (out > 0).astype(int),
}


def loss_and_delta(loss, output, z, y, slip=0.0):
    """Shapes (copies, n) and (copies, n, n_outputs)."""
    each, delta = LOSSES[loss](output, z, y, slip)
    return each.sum(-1), delta


class Oracle:
    """A network: ``W[l]`` (copies, n_in, n_out), ``b[l]`` (copies, 1, n_out)."""

    def __init__(self, theta, sizes, hidden, output, loss, ulps):
        self.names, self.loss = (*hidden, output), loss
        self.slip = ulps * np.array([0, 1, -1, 1])[: len(theta), None, None]
        self.W, self.b, start = [], [], 0
        for n_in, n_out in pairwise(sizes):
            middle, end = start + n_in * n_out, start + (n_in + 1) * n_out
            self.W.append(theta[:, start:middle].reshape(len(theta), n_in, n_out).copy())
            self.b.append(theta[:, middle:end].reshape(len(theta), 1, n_out).copy())
            start = end

    @property
    def parameters(self):
        """W and b in turn, layer by layer."""
        return [part for pair in zip(self.W, self.b, strict=True) for part in pair]

    @property
    def theta(self):
        return flat(self.parameters)

    def sums(self, X):
        """Each layer's inputs and weighted sums."""
        a, seen = X, []
        for W, b, name in zip(self.W, self.b, self.names, strict=True):
            seen.append((a, a @ W + b))
            a = FUNCTIONS[name](seen[-1][1])
        return seen, a

    def forward(self, X):
        return self.sums(X)[1]

    def losses(self, X, y):
        """Each sample's loss, shape (copies, n)."""
        return loss_and_delta(self.loss, self.names[-1], self.sums(X)[0][-1][1], y)[0]

    def mean_loss(self, X, y, w):
        """Weighted; samples of weight 0 are not there. ``w`` is (copies, n)."""
        live = w[0] > 0
        losses = self.losses(X[:, live], y[:, live])
        return (w[:, live] * losses).sum(-1) / w.sum(-1)

    def penalty(self, alpha, l1):
        axes = (1, 2)
        squares = sum((W * W).sum(axes) for W in self.W)
        return alpha / 2 * squares + l1 * sum(np.abs(W).sum(axes) for W in self.W)

    def gradients(self, X, y, w):
        """Of the sum of ``w`` times the losses, one array per parameter array; and the sum."""
        seen, _ = self.sums(X)
        losses, delta = loss_and_delta(self.loss, self.names[-1], seen[-1][1], y, self.slip)
        delta = delta * w[..., None]
        found = []
        for layer in reversed(range(len(self.W))):
            a = seen[layer][0]
            found[:0] = [a.swapaxes(1, 2) @ delta, delta.sum(1, keepdims=True)]
            if layer:
                by_z = slope(self.names[layer - 1], seen[layer - 1][1], self.slip)
                delta = (delta @ self.W[layer].swapaxes(1, 2)) * by_z
        return found, (w * losses).sum(-1)

    def gradient(self, X, y, w, alpha=0.0, l1=0.0):
        """Of the mean loss and its penalties, flat: (copies, n_parameters)."""
        live = w[0] > 0
        found, _ = self.gradients(X[:, live], y[:, live], w[:, live])
        found = [g / w.sum(-1)[:, None, None] for g in found]
        return flat(bent(found, self.W, alpha, l1))


def flat(parts):
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def bent(gradients, weights, alpha, l1):
    """With the derivatives of the penalties, which biases do not have."""
    return [
        g if i % 2 else g + alpha * weights[i // 2] + l1 * np.sign(weights[i // 2])
        for i, g in enumerate(gradients)
    ]


def clipped(gradients, most):
    norm = np.sqrt((flat(gradients) ** 2).sum(1))[:, None, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        return [np.where(norm > most, g * (most / norm), g) for g in gradients]


# --- rules: ``rule(lr)`` makes a step from gradients, which remembers what it needs ---------------


def descent(o):
    velocity = [0.0] * len(o["parameters"])

    def step(i, p, g, lr):
        velocity[i] = o["momentum"] * velocity[i] - lr * g
        p += o["momentum"] * velocity[i] - lr * g if o["nesterov"] else velocity[i]

    return step


def last_gradient(o):
    before = [0.0] * len(o["parameters"])

    def step(i, p, g, lr):
        p -= lr * g + o["momentum"] * before[i]
        before[i] = g

    return step


def adam(o):
    n = len(o["parameters"])
    m, v, t = [0.0] * n, [0.0] * n, [0] * n
    (beta1, beta2), epsilon = o["betas"], o["epsilon"]

    def step(i, p, g, lr):
        t[i] += 1
        m[i] = beta1 * m[i] + (1 - beta1) * g
        v[i] = beta2 * v[i] + (1 - beta2) * g * g
        p -= lr * (m[i] / (1 - beta1 ** t[i])) / (np.sqrt(v[i] / (1 - beta2 ** t[i])) + epsilon)

    return step


def by_squares(o):
    """The gradient over the root of a mean, or of the sum, of its squares."""
    v = [0.0] * len(o["parameters"])
    kept, taken = (1, 1) if o["optimizer"] == "adagrad" else (o["rho"], 1 - o["rho"])

    def step(i, p, g, lr):
        v[i] = kept * v[i] + taken * g * g
        p -= lr * g / (np.sqrt(v[i]) + o["epsilon"])

    return step


def adadelta(o):
    n, rho = len(o["parameters"]), o["rho"]
    v, u = [0.0] * n, [0.0] * n

    def step(i, p, g, lr):
        v[i] = rho * v[i] + (1 - rho) * g * g
        move = np.sqrt((u[i] + o["epsilon"]) / (v[i] + o["epsilon"])) * g
        u[i] = rho * u[i] + (1 - rho) * move * move
        p -= lr * move

    return step


def rprop(o):
    n = len(o["parameters"])
    before, size = [0.0] * n, [None] * n

    def step(i, p, g, lr):
        size[i] = np.full_like(g, lr) if size[i] is None else size[i]
        agree = np.sign(g) * np.sign(before[i])
        grown, shrunk = np.minimum(size[i] * 1.2, 50.0), np.maximum(size[i] * 0.5, 1e-6)
        size[i] = np.where(agree > 0, grown, np.where(agree < 0, shrunk, size[i]))
        before[i] = np.where(agree < 0, 0, g)
        p -= np.sign(before[i]) * size[i]

    return step


RULES = {
    "last_gradient": last_gradient, "sgd": descent,
    "momentum": descent, "nesterov": descent, "adam": adam, "adamw": adam,
    "rprop": rprop, "rmsprop": by_squares, "adagrad": by_squares, "adadelta": adadelta,
}  # fmt: skip
DEFAULTS = {
    "lr": 0.01, "optimizer": "sgd", "momentum": 0.0, "nesterov": False, "alpha": 0.0, "l1": 0.0,
    "clip_norm": None, "betas": (0.9, 0.999), "rho": 0.9, "epsilon": 1e-8, "batch_size": 1,
}  # fmt: skip


def train(model, X, y, w, orders, **options):
    """Yields each epoch's mean loss as samples were met, (copies,), and changes the model.

    ``orders`` gives each epoch's order of the rows. A batch of one sample has its weight as a
    factor of its gradient; the others take the weighted mean. A batch without weight is no step.
    """
    o = {**DEFAULTS, **options, "parameters": model.parameters}
    rule = RULES[o["optimizer"]](o)
    size = X.shape[1] if o["optimizer"] == "rprop" else o["batch_size"]
    is_factor = size == 1 and o["optimizer"] != "rprop"
    for epoch, order in enumerate(orders, 1):
        lr = o["lr"](epoch) if callable(o["lr"]) else o["lr"]
        total = 0.0
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            rows = rows[w[0, rows] > 0]
            if len(rows):
                total = total + _step(
                    model, X[:, rows], y[:, rows], w[:, rows], lr, rule, is_factor, o
                )
        yield total / w.sum(-1)


def _step(model, X, y, w, lr, rule, is_factor, o):
    gradients, loss = model.gradients(X, y, w)
    if not is_factor:
        gradients = [g / w.sum(-1)[:, None, None] for g in gradients]
    decays = o["optimizer"] == "adamw"
    gradients = bent(gradients, model.W, 0.0 if decays else o["alpha"], o["l1"])
    if o["clip_norm"]:
        gradients = clipped(gradients, o["clip_norm"])
    for i, (p, g) in enumerate(zip(model.parameters, gradients, strict=True)):
        if decays and i % 2 == 0:
            p *= 1 - lr * o["alpha"]
        rule(i, p, g, lr)
    return loss
