"""Each task in PyTorch, as its users write it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..problem import Problem
from . import HEADS

if TYPE_CHECKING:
    from torch import Tensor

OUTPUTS: dict[str, Callable[[Tensor], Tensor]] = {  # from the last weighted sums
    "identity": lambda z: z,
    "sigmoid": lambda z: z.sigmoid(),
    "softmax": lambda z: z.softmax(dim=1),
}
LAYERS = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "ReLU", "identity": "Identity"}


def torch_refuses(problem: Problem) -> str:
    """Return why the PyTorch loop here cannot do this, or nothing."""
    known = problem.hidden in LAYERS and (problem.output, problem.loss) in HEADS
    return "" if known else "the PyTorch loop has no such network"


class TorchRunner:
    """The usual loop: forward, loss, ``backward``, ``step`` of `torch.optim.SGD`."""

    def __init__(self, problem: Problem):
        import torch

        self.problem, self.torch = problem, torch
        self.X, self.Y = (torch.from_numpy(array.copy()) for array in problem.samples)
        layers: list[Any] = []
        for n_in, n_out in pairwise(problem.sizes):
            activation = getattr(torch.nn, LAYERS[problem.hidden])
            layers += [torch.nn.Linear(n_in, n_out), activation()]
        self.net: Any = torch.nn.Sequential(*layers[:-1]).to(self.X.dtype)
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=problem.lr)
        self.loss = self._loss()
        self.reset()

    def _loss(self) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the loss as a function of a batch's last weighted sums and its targets.

        It is the mean over samples of the sum over outputs.
        """
        n = self.torch.nn.functional
        if self.problem.loss == "squared_error":
            return lambda z, y: ((z - y) ** 2).sum() / (2 * len(y))
        if self.problem.loss == "log_loss":
            return lambda z, y: n.binary_cross_entropy_with_logits(z, y, reduction="sum") / len(y)
        return n.cross_entropy

    def reset(self) -> None:
        with self.torch.no_grad():
            for layer, W, b in zip(self.net[::2], *self.problem.start(), strict=True):
                layer.weight.copy_(self.torch.from_numpy(W.T.copy()))
                layer.bias.copy_(self.torch.from_numpy(b))

    def train(self, n_rows: int) -> None:
        if self.problem.kind == "forward":
            self.result = self.outputs(self.problem.samples[0][:n_rows])
            return
        size = self.problem.batch_size
        for first in range(0, n_rows, size):
            rows = slice(first, min(first + size, n_rows))
            self.optimizer.zero_grad()
            self.loss(self.net(self.X[rows]), self.Y[rows]).backward()
            if self.problem.task.trains:
                self.optimizer.step()

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs of an array as an array, without a record for gradients."""
        with self.torch.inference_mode():
            return OUTPUTS[self.problem.output](self.net(self.torch.from_numpy(X))).numpy()

    def parameters(self) -> list[np.ndarray]:
        if self.problem.kind == "forward":
            return [self.result]
        pairs = [(layer.weight, layer.bias) for layer in self.net[::2]]
        tensors = [t if self.problem.task.trains else t.grad for pair in pairs for t in pair]
        return [t.detach().numpy().T.copy() for t in tensors]
