"""The reference's step with every intermediate number, and the same with a mistake in it.

In NumPy and float64, in the shape of the textbook's formulas. What may be wrong is a `Mistake`: for
each layer, or each block of parameters, what is done there instead. Layers count from 0 here, and
blocks are W1, b1, W2, b2, ...
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..kernels import reference
from .mistakes import Knobs, Mistake, Outer, OutputDelta, Slope
from .problem import Problem
from .scales import Step, scale

Array = np.ndarray


class Trace(NamedTuple):
    """A step's numbers: a list per layer of each quantity; ``a[0]`` is X.

    ``by_weights`` and ``by_biases`` are the gradient of the mean loss, penalty included;
    ``weights`` and ``biases`` the parameters after the step.
    """

    z: list[Array]
    a: list[Array]
    delta: list[Array]
    by_weights: list[Array]
    by_biases: list[Array]
    weights: list[Array]
    biases: list[Array]


# Derivatives as formulas of a value v; which value is a matter of `Slope`.
FORMULAS: dict[str, Callable[[Array], Array]] = {
    "one": np.ones_like,
    "sigmoid": lambda v: v * (1 - v),
    "tanh": lambda v: 1 - v**2,
    "relu": lambda v: (v > 0).astype(v.dtype),
    "relu at 0": lambda v: (v >= 0).astype(v.dtype),
    "relu below": lambda v: (v < 0).astype(v.dtype),
    "relu above 1": lambda v: (v > 1).astype(v.dtype),
    "leaky": lambda v: np.where(v > 0, 1.0, 0.01),
    "leaky 0.1": lambda v: np.where(v > 0, 1.0, 0.1),
    "leaky -1": lambda v: np.where(v > 0, 1.0, -1.0),
    "itself": lambda v: v,
    "rest": lambda v: 1 - v,
    "tanh plus": lambda v: 1 + v**2,
    "sigmoid plus": lambda v: v * (1 + v),
}
OTHER = {name: s for name, s in reference.SLOPES.items() if name not in FORMULAS}
FORMULAS |= OTHER


# Wrong ways of softmax: the axis of the sum, and that of the maximum before it.
AXES: dict[str, tuple[int | None, int | None]] = {
    "over samples": (0, 0),
    "over all": (None, None),
    "over samples, less the maximum over classes": (0, 1),
    "over all, less the maximum over classes": (None, 1),
    "over classes, less the maximum over samples": (1, 0),
}


def activate(name: str, z: Array, axes: str = "") -> Array:
    """Return the outputs of a layer; softmax also in one of the wrong `AXES`."""
    if name != "softmax" or not axes:
        return np.asarray(reference.ACTIVATIONS[name](z))
    of_sum, of_maximum = AXES[axes]
    powers = np.exp(z - z.max(axis=of_maximum, keepdims=True))
    return np.asarray(powers / powers.sum(axis=of_sum, keepdims=True))


def slope_of(slope: Slope, z: Array, a: Array, bias: Array, error: Array) -> Array:
    """Return the derivative as it is taken."""
    value = {"a": a, "z": z, "bias": np.broadcast_to(bias, z.shape), "error": error}[slope.at]
    if slope.through:
        value = activate(slope.of, value)
    return np.asarray(FORMULAS[slope.of](value) ** slope.power)


def usual_slope(name: str) -> Slope:
    """Return the right derivative of an activation, which is a function of the output."""
    return Slope() if name in ("identity", "softmax") else Slope(name)


def takes_difference(problem: Problem) -> bool:
    """Return whether the output's delta is p - y, without the derivative of its activation."""
    pair = problem.loss, problem.output
    canonical = {("log_loss", "sigmoid"), ("log_loss", "logistic"), ("poisson", "exp")}
    return problem.loss == "cross_entropy" or pair in canonical


def output_error(problem: Problem, name: str, z: Array, p: Array, y: Array) -> Array:
    """Return an error of the output, of the loss by it or what is taken for that.

    ``"e"`` is the right one: p - y, also where the derivative of the activation has cancelled.
    """
    if name == "e" and not takes_difference(problem):
        return np.asarray(reference.LOSS_SLOPES[problem.loss](p, y))
    e = p - y
    errors = {
        "e": lambda: e, "e**2": lambda: e**2, "e*|e|": lambda: e * abs(e), "|e|": lambda: abs(e),
        "mean": lambda: np.broadcast_to(e.mean(axis=0), e.shape), "p": lambda: p, "z": lambda: z,
        "-y": lambda: -y, "-y/p": lambda: -y / p, "e/(p(1-p))": lambda: e / (p * (1 - p)),
        "z-y": lambda: z - y, "row": lambda: np.broadcast_to(e.sum(axis=1, keepdims=True), e.shape),
        "sign": lambda: np.sign(e), "mean of all": lambda: np.broadcast_to(e.mean(), e.shape),
    }  # fmt: skip
    return np.asarray(errors[name]())


def usual_output(problem: Problem) -> OutputDelta:
    """Return the right delta of the output."""
    slope = Slope() if takes_difference(problem) else usual_slope(problem.output)
    return OutputDelta("e", slope)


class Pass:
    """A step in the making: `forward`, then `layer` from the last to the first, then `trace`."""

    def __init__(
        self, problem: Problem, weights: Sequence[Array], biases: Sequence[Array], X: Array,
        Y: Array, knobs: Knobs, step: Step | None = None,
    ):  # fmt: skip
        self.problem, self.knobs = problem, knobs
        self.weights, self.biases = list(weights), list(biases)
        self.X, self.Y = X, Y
        self.step = step or Step.of(problem, len(X))
        n = len(self.weights)
        self.z: list[Array] = []
        self.a: list[Array] = [X]
        self.delta, self.error = [X] * n, [X] * n
        self.by_weights, self.by_biases = [X] * n, [X] * n
        self.new_weights, self.new_biases = [X] * n, [X] * n
        self.forward()

    def forward(self) -> None:
        knobs = self.knobs
        for k, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            W = W.T if knobs.flipped.get(k) else W
            z = self.a[knobs.source.get(k, k)] @ W
            z = z + b if knobs.biased.get(k, True) else z
            self.z.append(z)
            name = knobs.activation.get(k, self.problem.activations[k])
            self.a.append(activate(name, z, knobs.softmax.get(k, "")))

    @property
    def last(self) -> int:
        """The last layer."""
        return len(self.weights) - 1

    def layer(self, k: int) -> None:
        """Go back through a layer: its delta, its gradient, its new parameters."""
        self.set_delta(k)
        self.set_gradient(k)

    def set_delta(self, k: int) -> None:
        if k == self.last:
            error_name, slope = self.knobs.output.get(k, usual_output(self.problem))
            error = output_error(self.problem, error_name, self.z[k], self.a[k + 1], self.Y)
        else:
            error = self.error_at(k, self.knobs.back.get(k, ""))
            slope = self.knobs.slope.get(k, usual_slope(self.problem.activations[k]))
        self.error[k] = error
        self.delta[k] = error * slope_of(slope, self.z[k], self.a[k + 1], self.biases[k], error)

    def error_at(self, k: int, back: str) -> Array:
        """Return the error of a hidden layer's outputs, the usual one or what is taken for it."""
        W, delta, error = self.weights[k + 1], self.delta[k + 1], self.error[k + 1]
        if self.knobs.flipped.get(k + 1):
            W = W.T
        if back == "updated":
            return np.asarray(delta @ self.new_weights[k + 1].T)
        if back == "transposed":
            return np.asarray(delta @ W)
        if back.startswith("other"):  # from a layer further above
            return np.asarray(self.delta[int(back.split()[1])] @ W.T)
        if back == "error":
            return np.asarray(error @ W.T)
        if back.startswith("through"):  # another layer's matrix, as it is or transposed
            other = self.weights[int(back.split()[1])]
            return np.asarray(delta @ (other.T if back.endswith("T") else other))
        if back.startswith("delta"):
            return np.broadcast_to(self.delta[int(back.split()[1])], self.z[k].shape)
        if back.startswith("of"):
            return np.broadcast_to(self.error[int(back.split()[1])], self.z[k].shape)
        return np.asarray(delta @ W.T)

    def set_gradient(self, k: int) -> None:
        n = len(self.X)
        gradients = self.outer(k, self.knobs.outer.get(k, Outer())) / n, self.bias(k) / n
        for block, gradient, old, gradients_of, new in (
            (2 * k, gradients[0], self.weights[k], self.by_weights, self.new_weights),
            (2 * k + 1, gradients[1], self.biases[k], self.by_biases, self.new_biases),
        ):
            gradients_of[k] = self.finished(gradient, old, block)
            moved = old - self.problem.lr * gradients_of[k]
            new[k] = moved * (1 - self.knobs.shrink.get(block, 0.0))
        if not self.problem.bias:
            self.by_biases[k] = np.zeros_like(self.biases[k])
            self.new_biases[k] = self.biases[k]

    def finished(self, gradient: Array, old: Array, block: int) -> Array:
        """Return a gradient with its penalty and its factors."""
        knobs = self.knobs
        if names := knobs.scale.get(block):
            gradient = gradient * scale(names, self.step)
        alpha = self.problem.alpha * (block % 2 == 0) + knobs.decay.get(block, 0.0)
        if alpha:
            gradient = gradient + alpha * old
        if sign := knobs.sign_decay.get(block):
            gradient = gradient + sign * np.sign(old)
        return gradient

    def outer(self, k: int, outer: Outer) -> Array:
        """Return the gradient of a matrix, as a sum over the rows."""
        error = self.taken(k, outer.error)
        product = self.inputs(k, outer.inputs).T @ np.broadcast_to(error, self.z[k].shape)
        return np.asarray(product.T if outer.transposed else product)

    def inputs(self, k: int, name: str) -> Array:
        source = self.knobs.source.get(k, k)
        if name == "a":
            return self.a[source]
        if name == "z":
            return self.z[k - 1]
        if name == "step":
            return (self.a[k] > 0).astype(float)
        return self.a[int(name[1:])]

    def taken(self, k: int, name: str) -> Array:
        """Return what is taken for the delta of a layer."""
        if name in ("delta", "error"):
            return (self.delta if name == "delta" else self.error)[k]
        if name == "last row":  # = where += is due
            return np.concatenate([np.zeros_like(self.delta[k][:-1]), self.delta[k][-1:]])
        if name in ("z", "a"):
            return self.z[k] if name == "z" else self.a[k + 1]
        kind, layer = name.split()  # of another layer
        return (self.delta if kind == "delta" else self.error)[int(layer)]

    def bias(self, k: int) -> Array:
        """Return the gradient of a bias, as a sum over the rows, or what is taken for it."""
        return self.bias_as(k, self.knobs.bias.get(k, ""))

    def bias_as(self, k: int, how: str) -> Array:
        if how.startswith("of"):  # another layer's
            summed = self.delta[int(how.split()[1])].sum(axis=0)
            return np.broadcast_to(summed, self.biases[k].shape)
        return bias_gradient(how, self.delta[k], self.error[k], self.biases[k])

    def trace(self) -> Trace:
        """Go back through all layers and return all numbers."""
        for k in reversed(range(len(self.weights))):
            self.layer(k)
        return Trace(
            self.z, self.a, self.delta, self.by_weights, self.by_biases, self.new_weights,
            self.new_biases,
        )  # fmt: skip


def bias_gradient(how: str, delta: Array, error: Array, b: Array) -> Array:
    """Return n times the gradient of a bias, the usual one or what is taken for it."""
    n = len(delta)
    ways = {
        "": lambda: delta.sum(axis=0),
        "all": lambda: np.broadcast_to(delta.sum(), b.shape),
        "mean of all": lambda: np.broadcast_to(delta.sum() / delta.shape[1], b.shape),
        "units": lambda: delta.sum(axis=1),
        "units kept": lambda: delta.sum(axis=1, keepdims=True),
        "mean of units kept": lambda: n * delta.mean(axis=1, keepdims=True),
        "rows": lambda: n * delta,
        "first": lambda: n * delta[0],
        "last": lambda: n * delta[-1],
        "last row": lambda: delta[-1],
        "itself": lambda: n * b,
        "times itself": lambda: delta.sum(axis=0) * b,
        "error": lambda: error.sum(axis=0),
        "slope of bias": lambda: (error * reference.sigmoid(b) * (1 - reference.sigmoid(b))).sum(0),
        "formula of bias": lambda: (error * b * (1 - b)).sum(axis=0),
    }  # fmt: skip
    return np.asarray(ways[how]())


def trace(
    problem: Problem, weights: Sequence[Array], biases: Sequence[Array], X: Array, Y: Array,
    mistake: Mistake | None = None, step: Step | None = None,
) -> Trace:  # fmt: skip
    """Compute a step with all its numbers, or what it becomes with a mistake.

    Parameters
    ----------
    problem : Problem
        Its network, loss, learning rate and penalty; its momentum plays no part.
    weights, biases : sequence of ndarray
        Before the step: (n_in, n_out) and (n_out,).
    X, Y : ndarray
        The rows of the step.
    mistake : Mistake, optional
    step : Step, optional
        What a factor may depend on; by default as if these were all rows that were given.

    Returns
    -------
    Trace
    """
    knobs = mistake.knobs if mistake else Knobs()
    weights, biases = (
        [np.asarray(block, dtype=np.float64) for block in blocks] for blocks in (weights, biases)
    )
    X, Y = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    return Pass(problem, weights, biases, X, Y, knobs, step).trace()
