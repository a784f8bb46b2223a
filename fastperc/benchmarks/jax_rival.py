"""JAX, training the same problem by the same steps; and the table of all that can train one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..comparing.problem import Problem
from ..comparing.variants import VARIANTS, Variant
from .rivals import missing

HEADS = {("identity", "squared_error"), ("sigmoid", "log_loss")}


def jax_refuses(problem: Problem) -> str:
    """Why the JAX loop here cannot train this."""
    if reason := missing("jax"):
        return reason
    if problem.kind not in ("online", "batches", "full"):
        return "the JAX loop trains only"
    if problem.dtype != "float32":
        return "JAX computes in float32 unless a whole process is told otherwise"
    known = problem.hidden in ("sigmoid", "tanh", "relu", "identity")
    if not known or (problem.output, problem.loss) not in HEADS:
        return "the JAX loop has no such network"
    return ""


class JaxRunner:
    """An epoch compiled whole: ``lax.scan`` over batches, the gradient by ``jax.grad``."""

    def __init__(self, problem: Problem):
        import jax

        self.problem, self.jax = problem, jax
        self.epochs: dict[int, Callable] = {}
        self.slope = jax.grad(self._loss)
        self.reset()

    def _loss(self, params: Any, x: Any, y: Any) -> Any:
        jax, p = self.jax, self.problem
        hidden = {"identity": lambda z: z, "tanh": jax.numpy.tanh}.get(p.hidden)
        hidden = hidden or getattr(jax.nn, p.hidden)
        *first, (W, b) = zip(*params, strict=True)
        for V, c in first:
            x = hidden(x @ V + c)
        z = x @ W + b
        is_log_loss = p.loss == "log_loss"
        losses = jax.nn.softplus(z) - y * z if is_log_loss else 0.5 * (z - y) ** 2
        return losses.sum() / len(z)

    def _step(self, params: Any, rows: Any) -> tuple[Any, None]:
        lr = self.problem.lr
        slope = self.slope(params, *rows)
        return self.jax.tree.map(lambda p, g: p - lr * g, params, slope), None

    def reset(self) -> None:
        weights, biases = self.problem.start()
        self.params = self.jax.tree.map(self.jax.numpy.asarray, (weights, biases))

    def train(self, n_rows: int) -> None:
        if n_rows not in self.epochs:
            self.epochs[n_rows] = self._compiled(n_rows)
        self.params = self.jax.block_until_ready(self.epochs[n_rows](self.params))

    def _compiled(self, n_rows: int) -> Callable:
        """Whole batches in one scan, then the rest, which is a batch of another shape."""
        size = min(self.problem.batch_size, n_rows)
        n_whole = n_rows // size * size
        X, Y = (self.jax.numpy.asarray(array[:n_rows]) for array in self.problem.samples)
        batches = tuple(a[:n_whole].reshape(-1, size, a.shape[1]) for a in (X, Y))

        def epoch(params: Any) -> Any:
            params, _ = self.jax.lax.scan(self._step, params, batches)
            if n_whole < n_rows:
                params, _ = self._step(params, (X[n_whole:], Y[n_whole:]))
            return params

        return self.jax.jit(epoch)

    def parameters(self) -> list[np.ndarray]:
        return [np.array(a) for pair in zip(*self.params, strict=True) for a in pair]


TRAINERS = {**VARIANTS, "jax": Variant("jax", "JAX, a compiled scan", JaxRunner, jax_refuses)}
