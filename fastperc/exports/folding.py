"""Networks of one shape as a `Stack`, their scaling folded into weights and biases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from ..kernels.activations import CODES
from ..model.dense import Dense
from .plan import Activation, Layer, Stack

if TYPE_CHECKING:
    from ..estimators.scaling import Scaling

FAR = 4.0  # deviations from 0 up to which a mean is folded into the bias: it costs two bits

NAMES = {code: name for name, code in reversed(CODES.items())}  # the first of names that are equal


class Scaled(NamedTuple):
    """A network, and how its inputs and targets are scaled."""

    model: Dense
    inputs: Scaling | None = None
    targets: Scaling | None = None

    @property
    def shape(self) -> tuple[object, ...]:
        """What networks of one stack have in common."""
        return self.model.sizes, tuple(self.model.codes), self.model.dtype


def stacks_of(networks: Sequence[Scaled]) -> tuple[Stack, ...]:
    """Return networks sorted by shape.

    Raises
    ------
    ValueError
        If folded weights are too large for the dtype.
    """
    kinds: dict[object, list[int]] = {}
    for i, network in enumerate(networks):
        kinds.setdefault(network.shape, []).append(i)
    return tuple(
        stack_of([networks[i] for i in numbers], np.array(numbers)) for numbers in kinds.values()
    )


def stack_of(networks: Sequence[Scaled], numbers: np.ndarray) -> Stack:
    """Return networks of one shape; see `stacks_of`."""
    like = networks[0].model
    weights = [_stacked(net.model.weights[k] for net in networks) for k in range(len(like.codes))]
    biases = [_stacked(net.model.biases[k] for net in networks) for k in range(len(like.codes))]
    shift = _fold_inputs(networks, weights[0], biases[0])
    for i, net in enumerate(networks):
        if net.targets is not None:
            assert like.output == "identity", like.output
            weights[-1][i] *= net.targets.scale
            biases[-1][i] = biases[-1][i] * net.targets.scale + net.targets.mean
    arrays = [*weights, *biases] if shift is None else [*weights, *biases, shift]
    most = np.finfo(like.dtype).max
    if any(np.abs(array).max(initial=0) > most for array in arrays):
        raise ValueError(
            f"scale: found weights that {like.dtype} cannot hold once the scaling of the data is "
            "multiplied in. Bring the data nearer to 1, or train in float64"
        )
    names = (cast(Activation, NAMES[code]) for code in like.codes)
    layers = tuple(
        Layer(W.astype(like.dtype), b.astype(like.dtype), name)
        for W, b, name in zip(weights, biases, names, strict=True)
    )
    return Stack(layers, numbers, None if shift is None else shift.astype(like.dtype))


def _stacked(arrays: Iterable[np.ndarray]) -> np.ndarray:
    return np.stack([array.astype(np.float64) for array in arrays])


def _fold_inputs(networks: Sequence[Scaled], W: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """Fold ``(x - mean) / scale`` into W and b; return what is left to subtract from x.

    That is ``mean`` rounded to the dtype, where it is too far away: the rest of it is folded.
    """
    scalings = [(i, net.inputs) for i, net in enumerate(networks) if net.inputs is not None]
    is_far = any((np.abs(s.mean) > FAR * s.scale).any() for _, s in scalings)
    shift = np.zeros(W.shape[:2]) if is_far else None
    for i, scaling in scalings:
        rest = scaling.mean
        if shift is not None:
            shift[i] = scaling.mean.astype(networks[i].model.dtype)
            rest = scaling.mean - shift[i]
        W[i] /= scaling.scale[:, None]
        b[i] -= rest @ W[i]
    return shift
