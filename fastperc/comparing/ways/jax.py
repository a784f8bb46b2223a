"""Each task in JAX, every call compiled as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ...measuring.threads import on_one_core
from ..problem import Problem
from . import HEADS

if TYPE_CHECKING:
    from jax import Array

    Params = tuple[list[Array], list[Array]]
    Call = Callable[[Params], Params | Array]

HIDDEN = ("sigmoid", "tanh", "relu", "identity")


def jax_refuses(problem: Problem) -> str:
    """Return why the JAX loop here cannot do this, or nothing."""
    if problem.dtype != "float32":
        return "JAX computes in float32 unless a whole process is told otherwise"
    if problem.hidden not in HIDDEN or (problem.output, problem.loss) not in HEADS:
        return "the JAX loop has no such network"
    return ""


class JaxRunner:
    """An epoch compiled whole: ``lax.scan`` over batches, the gradient by ``jax.grad``.

    A function is compiled for each number of samples that it gets.
    """

    def __init__(self, problem: Problem):
        with on_one_core():  # JAX starts as many threads as it may use cores, whatever it is told
            import jax

            jax.devices()
        self.problem, self.jax = problem, jax
        hidden: dict[str, Callable[[Array], Array]] = {
            "identity": lambda z: z,
            "tanh": jax.numpy.tanh,
        }
        self.hidden = hidden.get(problem.hidden) or getattr(jax.nn, problem.hidden)
        self.calls: dict[int, Call] = {}
        self.slope = jax.grad(self._loss)
        self._forward = jax.jit(lambda params, X: self._activate(self._sums(params, X)))
        self.reset()

    def _sums(self, params: Params, x: Array) -> Array:
        """Return the last layer's weighted sums."""
        *first, (W, b) = zip(*params, strict=True)
        for V, c in first:
            x = self.hidden(x @ V + c)
        return x @ W + b

    def _activate(self, z: Array) -> Array:
        name = self.problem.output
        return z if name == "identity" else getattr(self.jax.nn, name)(z)

    def _loss(self, params: Params, x: Array, y: Array) -> Array:
        """Return the mean over samples of the sum over outputs."""
        z, nn = self._sums(params, x), self.jax.nn
        losses = {
            "squared_error": lambda: 0.5 * (z - y) ** 2,
            "log_loss": lambda: nn.softplus(z) - y * z,
            "cross_entropy": lambda: -y * nn.log_softmax(z),
        }
        return losses[self.problem.loss]().sum() / len(z)

    def _step(self, params: Params, rows: tuple[Array, Array]) -> tuple[Params, None]:
        lr = self.problem.lr
        slope = self.slope(params, *rows)
        return self.jax.tree.map(lambda p, g: p - lr * g, params, slope), None

    def reset(self) -> None:
        weights, biases = self.problem.start()
        self.params = self.jax.tree.map(self.jax.numpy.asarray, (weights, biases))

    def train(self, n_rows: int) -> None:
        if n_rows not in self.calls:
            self.calls[n_rows] = self._compiled(n_rows)
        found = self.jax.block_until_ready(self.calls[n_rows](self.params))
        if self.problem.task.trains:
            self.params = found
        else:
            self.result = found

    def _compiled(self, n_rows: int) -> Call:
        X, Y = (self.jax.numpy.asarray(array[:n_rows]) for array in self.problem.samples)
        if self.problem.kind == "forward":
            return lambda params: self._forward(params, X)
        if self.problem.kind == "gradient":
            return self.jax.jit(lambda params: self.slope(params, X, Y))
        return self._epoch(X, Y)

    def _epoch(self, X: Array, Y: Array) -> Call:
        """Compile an epoch: whole batches in one scan, then the rest, a batch of another shape."""
        size = min(self.problem.batch_size, len(X))
        n_whole = len(X) // size * size
        batches = tuple(a[:n_whole].reshape(-1, size, a.shape[1]) for a in (X, Y))

        def epoch(params: Params) -> Params:
            params, _ = self.jax.lax.scan(self._step, params, batches)
            if n_whole < len(X):
                params, _ = self._step(params, (X[n_whole:], Y[n_whole:]))
            return params

        return self.jax.jit(epoch)

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs of an array as an array."""
        return np.asarray(self._forward(self.params, X))

    def parameters(self) -> list[np.ndarray]:
        if self.problem.kind == "forward":
            return [np.array(self.result)]
        pair = self.params if self.problem.task.trains else self.result
        return [np.array(a) for layer in zip(*pair, strict=True) for a in layer]
