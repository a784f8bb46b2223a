"""Where each layer's weights and biases lie in the vector of parameters, and how they start."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..checks import check_array

ALIGNMENT = 64


def aligned_zeros(n: int, dtype: DTypeLike) -> np.ndarray:
    """Return a vector of zeros that begins at a whole cache line, as SIMD blocks like it."""
    if n == 0:
        return np.zeros(0, dtype)
    itemsize = np.dtype(dtype).itemsize
    room = np.zeros(n + ALIGNMENT // itemsize, dtype)
    address = ctypes.addressof(ctypes.c_char.from_buffer(room.data))  # the quickest way
    start = -address % ALIGNMENT // itemsize
    return room[start : start + n]


Bias = Sequence[bool] | None  # whether each layer has biases; None: all have


def n_parameters(sizes: Sequence[int], bias: Bias = None) -> int:
    """Return the number of weights and biases of a network."""
    pairs = [*pairwise(sizes)]
    has_bias = bias or (True,) * len(pairs)
    return sum((n_in + has) * n_out for (n_in, n_out), has in zip(pairs, has_bias, strict=True))


def views(
    theta: np.ndarray, sizes: Sequence[int], bias: Bias = None
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return each layer's W (n_in, n_out) and b (n_out,), as views into ``theta``.

    Layer by layer, W comes first, in C order, and then b. A layer without biases has no place for
    them there: its b is an array of zeros that cannot be written to.

    Examples
    --------
    >>> weights, biases = views(np.arange(9.0), (2, 2, 1))
    >>> weights[0].tolist(), biases[0].tolist()
    ([[0.0, 1.0], [2.0, 3.0]], [4.0, 5.0])
    """
    weights, biases = [], []
    start = 0
    has_bias = bias or (True,) * (len(sizes) - 1)
    for (n_in, n_out), has in zip(pairwise(sizes), has_bias, strict=True):
        end = start + n_in * n_out
        weights.append(theta[start:end].reshape(n_in, n_out))
        start = end + has * n_out
        biases.append(theta[end:start] if has else _no_bias(n_out, theta.dtype))
    return weights, biases


def _no_bias(n_out: int, dtype: np.dtype) -> np.ndarray:
    zeros = np.zeros(n_out, dtype)
    zeros.flags.writeable = False
    return zeros


class LayerArrays(tuple):
    """The arrays of a network, layer by layer: views into its one vector of parameters.

    They may be written to. Assigning to an item, ``weights[0] = W``, writes too, if W has the
    layer's shape.
    """

    __slots__ = ()
    name = "weights"

    def __setitem__(self, index: int | slice, values: object) -> None:
        if isinstance(index, slice):
            write_arrays(self[index], values, self.name)
        else:
            k = range(len(self))[index]
            write_arrays(self[k : k + 1], [values], self.name, first=k)


class BiasArrays(LayerArrays):
    """The same for biases."""

    __slots__ = ()
    name = "biases"


def write_arrays(targets: Sequence[np.ndarray], values: object, name: str, first: int = 0) -> None:
    """Copy values into arrays of the same shapes: all of them, or none where one does not fit.

    For biases that a layer has not, only zeros or None fit.
    """
    if not isinstance(values, Sequence) or len(values) != len(targets):
        found = f"{len(values)} arrays" if isinstance(values, Sequence) else repr(values)
        raise ValueError(
            f"{name}: found {found:.60}, expected a list of {len(targets)}, one for each layer"
        )
    checked = []
    for k, (target, value) in enumerate(zip(targets, values, strict=True), first):
        if value is None and not target.flags.writeable:
            continue
        array = check_array(value, f"{name}[{k}]", ndim=target.ndim, dtype=target.dtype)
        if array.shape != target.shape:
            raise ValueError(
                f"{name}[{k}]: found shape {array.shape}, expected {target.shape}, that of the "
                "layer"
            )
        if target.flags.writeable:
            # A copy: it may be a view into what is written first.
            checked.append((target, array.copy()))
        elif array.any():
            raise ValueError(
                f"{name}[{k}]: found {array[array != 0][0]:g}, expected zeros or None: the layer "
                "was made without biases (bias=False)"
            )
    for target, array in checked:
        target[...] = array


Scale = Callable[[int, int], float]  # of a layer's n_in and n_out
Draw = Callable[[np.random.Generator, int, int], Any]


def _uniform(limit: Scale) -> Draw:
    return lambda rng, n_in, n_out: rng.uniform(-1, 1, (n_in, n_out)) * limit(n_in, n_out)


def _normal(deviation: Scale) -> Draw:
    return lambda rng, n_in, n_out: rng.standard_normal((n_in, n_out)) * deviation(n_in, n_out)


# Start weights by name; biases start at 0. Sources: Glorot and Bengio (2010) for glorot, He et al.
# (2015) for he, LeCun et al. (1998) for lecun and uniform.
INITS: dict[str, Draw] = {
    "glorot": _uniform(lambda n_in, n_out: np.sqrt(6 / (n_in + n_out))),
    "he": _normal(lambda n_in, n_out: np.sqrt(2 / n_in)),
    "lecun": _normal(lambda n_in, n_out: np.sqrt(1 / n_in)),
    "uniform": _uniform(lambda n_in, n_out: 1 / np.sqrt(n_in)),
    "normal": _normal(lambda n_in, n_out: 1.0),
    "zeros": lambda rng, n_in, n_out: 0.0,
}


def initialise(
    theta: np.ndarray,
    sizes: Sequence[int],
    init: str | np.ndarray,
    rng: np.random.Generator,
    bias: Bias = None,
) -> None:
    """Write start weights named ``init`` (of `INITS`) and zero biases to ``theta``, or a copy."""
    if not isinstance(init, str):
        theta[:] = init
        return
    theta[:] = 0
    for W in views(theta, sizes, bias)[0]:
        W[...] = INITS[init](rng, *W.shape)
