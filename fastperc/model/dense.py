"""Dense: a network as data, which kernels, training and files work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..kernels import activations, batch, online
from ..kernels.arguments import Net
from ..kernels.table import chunk_size, describe
from .layout import aligned_zeros, n_parameters, views
from .losses import Loss


@dataclass(frozen=True, eq=False, repr=False)
class Dense:
    """A dense network: its configuration, and all parameters in one vector.

    Attributes
    ----------
    sizes : tuple of int
        Number of inputs, of units in each hidden layer, of outputs.
    hidden : tuple of str
        Activation of each hidden layer.
    output : str
        Activation of the output layer.
    loss : Loss
    dtype : dtype
        float32 or float64: precision of parameters and arithmetic.
    theta : ndarray of shape (n_parameters,)
        Layer by layer, W (n_in, n_out) in C order, then b. Written to by training.
    bias : tuple of bool
        Whether each layer has biases; a layer that has none has no place for them in ``theta``.
    frozen : frozenset of str
        What training leaves as it is: ``"W1"``, ``"b1"``, ``"W2"``, ...
    """

    sizes: tuple[int, ...]
    hidden: tuple[str, ...]
    output: str
    loss: Loss
    dtype: np.dtype
    theta: np.ndarray
    bias: tuple[bool, ...]
    frozen: frozenset[str] = frozenset()

    @classmethod
    def zeros(
        cls,
        sizes: Sequence[int],
        hidden: Sequence[str],
        output: str,
        loss: Loss,
        dtype: np.dtype,
        bias: Sequence[bool] | None = None,
    ) -> Dense:
        """Make a network whose parameters are 0."""
        has_bias = (True,) * (len(sizes) - 1) if bias is None else tuple(bias)
        theta = aligned_zeros(n_parameters(sizes, has_bias), dtype)
        return cls(tuple(sizes), tuple(hidden), output, loss, np.dtype(dtype), theta, has_bias)

    def __repr__(self) -> str:
        return f"Dense({self.signature})"

    @property
    def signature(self) -> str:
        """The configuration, written as the arguments that make such a network."""
        hidden = self.hidden[0] if len(set(self.hidden)) == 1 else self.hidden
        shown = f", hidden={hidden!r}" if self.hidden else ""
        bias = self.bias if any(self.bias) else False
        without = "" if all(self.bias) else f", bias={bias}"
        return (
            f"{self.sizes}{shown}, output={self.output!r}, loss={self.loss.name!r}, "
            f"dtype='{self.dtype}'{without}"
        )

    @property
    def activations(self) -> tuple[str, ...]:
        """Activation of each layer, the output's last."""
        return (*self.hidden, self.output)

    @property
    def codes(self) -> list[int]:
        """Code of each layer's activation; see `kernels.activations`."""
        return [activations.CODES[name] for name in self.activations]

    @cached_property
    def layers(self) -> np.ndarray:
        """The table that kernels read, see `kernels.table`; not to be written to."""
        return describe(self.sizes, self.codes, self.dtype, True, self.bias, self.frozen)

    @cached_property
    def packed_layers(self) -> np.ndarray:
        """The table of the same network all of whose rows lie in one array."""
        return describe(self.sizes, self.codes, self.dtype, False, self.bias, self.frozen)

    @cached_property
    def online_work_size(self) -> int:
        """Elements of scratch of `kernels.online.train_online`."""
        return online.work_size(self.layers, self.dtype)

    @cached_property
    def batch_work_size(self) -> int:
        """Elements of scratch of the kernels of `kernels.batch`, for batches of any size."""
        return batch.work_size(self.layers, self.dtype, chunk_size(self.layers))

    @cached_property
    def arguments(self) -> Net:
        """The network as kernels take it."""
        return Net(self.theta, self.layers, self.loss.code)

    @property
    def weights(self) -> list[np.ndarray]:
        """Each layer's W (n_in, n_out), as views into ``theta``."""
        return views(self.theta, self.sizes, self.bias)[0]

    @property
    def biases(self) -> list[np.ndarray]:
        """Each layer's b (n_out,), as views into ``theta``; zeros for a layer that has none."""
        return views(self.theta, self.sizes, self.bias)[1]

    @property
    def parameter_names(self) -> list[str]:
        """What `frozen` may name: ``"W1"``, ``"b1"``, ``"W2"``, ..., in the order of ``theta``."""
        return [
            f"{kind}{k}" for k, has in enumerate(self.bias, 1) for kind in ("W", "b")[: 1 + has]
        ]

    def astype(self, dtype: np.dtype) -> Dense:
        """Return a copy in another precision."""
        copy = Dense.zeros(self.sizes, self.hidden, self.output, self.loss, dtype, self.bias)
        copy.theta[:] = self.theta
        return copy.with_frozen(self.frozen)

    def with_frozen(self, names: frozenset[str]) -> Dense:
        """Return a network of the same parameters, shared, some of which training leaves alone."""
        return replace(self, frozen=names) if names else self

    def with_output(self, output: str) -> Dense:
        """Return a network of the same parameters, shared, with another output activation."""
        return replace(self, output=output)
