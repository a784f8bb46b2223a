"""Forms: the ways in which people write a network's parameters, its gradient and its outputs.

What a function returns is read in any of them, and handed on as W1, b1, W2, b2, ... with one sample
per row: W (n_in, n_out), b (n_out,). A block of a wrong shape is handed on as it is, for a finding
to name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeGuard, TypeVar

import numpy as np

from .names import has_number, named

Array = np.ndarray
T = TypeVar("T")
Pair = tuple[Sequence[object], Sequence[object]]  # what stands for the weights and for the biases

LAYOUTS = ("rows", "columns")
NUMBERS = (int, float, np.number)


@dataclass(frozen=True)
class Form:
    """What a network's parameters look like to the function that gets or gives them.

    Attributes
    ----------
    sizes : tuple of int
    layout : str
        ``"rows"``, W (n_in, n_out) and b (n_out,), or ``"columns"``, W (n_out, n_in) and
        b (n_out, 1).
    bias : bool
        Whether there are biases.
    """

    sizes: tuple[int, ...]
    layout: str = "rows"
    bias: bool = True

    @property
    def n_layers(self) -> int:
        """The number of layers with weights."""
        return len(self.sizes) - 1

    @property
    def names(self) -> list[str]:
        """``W1``, ``b1``, ``W2``, ..."""
        kinds = "Wb" if self.bias else "W"
        return [f"{kind}{layer}" for layer in range(1, len(self.sizes)) for kind in kinds]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a block."""
        layer = int(name[1:])
        n_in, n_out = self.sizes[layer - 1], self.sizes[layer]
        is_column = self.layout == "columns"
        if name[0] == "W":
            return (n_out, n_in) if is_column else (n_in, n_out)
        return (n_out, 1) if is_column else (n_out,)

    def shown(self, blocks: Iterable[Array]) -> list[Array]:
        """Return blocks in rows as copies in this form, in C order."""
        pairs = zip(self.names, blocks, strict=True)
        return (
            [np.array(b.T, order="C").reshape(self.shape(name)) for name, b in pairs]
            if (self.layout == "columns")
            else [np.array(b) for _, b in pairs]
        )

    def in_rows(self, name: str, block: Array) -> Array:
        """Return a block of this form in rows; one of another shape as it is, or turned."""
        shape = self.shape(name)
        if fits(block, shape):
            block = block.reshape(shape)
            block = block.T if self.layout == "columns" else block
            return block.reshape(-1) if name[0] == "b" else block
        return block.T if self.layout == "columns" else block

    def ordered(self, pair: tuple[Sequence[T], Sequence[T]]) -> list[T]:
        """Return W1, b1, W2, ... of a pair."""
        weights, biases = pair
        if not self.bias:
            return list(weights)
        return [part for layer in zip(weights, biases, strict=True) for part in layer]


def fits(block: Array, shape: tuple[int, ...]) -> bool:
    """Return whether shapes are the same but for axes of length 1, of two at most."""
    return block.ndim <= 2 and [n for n in block.shape if n != 1] == [n for n in shape if n != 1]


def read_blocks(value: object, form: Form, is_gradient: bool = False) -> list[Array] | None:
    """Return W1, b1, ..., in rows, of parameters or a gradient in any form; None if in none.

    Where a value can be read in several ways, that is right in which all shapes are.
    """
    first: list[Array] | None = None
    for pair in interpretations(value, form, is_gradient):
        try:
            blocks = [as_array(part) for part in form.ordered(pair)]
        except (TypeError, ValueError):
            continue
        named = list(zip(form.names, blocks, strict=True))
        in_rows = [form.in_rows(name, block) for name, block in named]
        if all(fits(block, form.shape(name)) for name, block in named):
            return in_rows
        first = in_rows if first is None else first
    return first


def as_array(value: object) -> Array:
    """Return numbers of any library, or lists of them, as an array."""
    if hasattr(value, "detach"):  # a tensor of PyTorch
        value = value.detach()
    array = np.asarray(value)
    if array.dtype.kind == "O":
        array = array.astype(np.float64)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"found an array of dtype {array.dtype}, expected numbers")
    return array


def n_dims(value: object) -> int:
    """Return how many dimensions a number, an array or lists have; 0 if they have no one shape."""
    try:
        return np.ndim(value)  # type: ignore[arg-type]
    except ValueError:
        return 0


def is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    """Return whether a value has a length and an order."""
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, (list, tuple)) or (
        isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    )


def interpretations(value: object, form: Form, is_gradient: bool) -> Iterator[Pair]:
    """Yield all pairs of weights and biases, as many of each as layers, that a value may be."""
    if isinstance(value, Mapping):
        yield from _of_mapping(value, form, is_gradient)
        return
    parts: list[object] = list(value) if is_sequence(value) else []
    if not parts:
        return
    n = form.n_layers
    nothing: list[object] = [None] * n
    kinds = [list(part) for part in parts if is_sequence(part) and len(part) == n]
    if len(kinds) == len(parts) == 2:
        yield kinds[0], kinds[1]
    if not form.bias:
        if len(parts) == n:
            yield parts, nothing
        if len(parts) in (1, 2) and len(kinds):
            yield kinds[0], nothing  # ([W1, W2], None), or the weights alone in a tuple
        if n == 1:
            yield [value], nothing
    if len(parts) == n:
        yield from _of_layers(parts, form, is_gradient)
    if len(parts) == 2 * n:
        yield parts[::2], parts[1::2]
        yield parts[:n], parts[n:]
    yield from _of_vector(value, form)
    if isinstance(value, tuple) and len(parts) > 1:  # with a loss before or behind, or losses
        rests = (value[:-1], value[1:]) if n_dims(parts[0]) == 0 else (value[:-1],)
        for rest in rests:
            yield from interpretations(rest[0] if len(rest) == 1 else rest, form, is_gradient)


def _of_layers(parts: Sequence[object], form: Form, is_gradient: bool) -> Iterator[Pair]:
    """Yield what a list with an entry per layer may be: pairs, or dicts."""
    of_one, n = Form((1, 1), bias=form.bias), len(parts)
    dicts = [part for part in parts if isinstance(part, Mapping)]
    found = [next(_of_names(part, of_one, is_gradient), None) for part in dicts]
    pairs = [part for part in parts if is_sequence(part) and len(part) in (1, 2)]
    if dicts and len(dicts) == n and all(found):
        yield [p[0][0] for p in found if p], [p[1][0] for p in found if p]
    elif len(pairs) == n and form.bias and all(len(pair) == 2 for pair in pairs):
        yield [W for W, _ in pairs], [b for _, b in pairs]
    elif len(pairs) == n and not form.bias:
        yield [pair[0] for pair in pairs], [None] * n


def _of_mapping(value: Mapping[object, object], form: Form, is_gradient: bool) -> Iterator[Pair]:
    """Yield what a dict may be: names of blocks, of lists of them, or of layers."""
    yield from _of_names(value, form, is_gradient)
    layers = [part for part in value.values() if isinstance(part, Mapping)]
    if len(layers) == form.n_layers:
        yield from _of_layers(layers, form, is_gradient)


def _of_names(value: Mapping[object, object], form: Form, is_gradient: bool) -> Iterator[Pair]:
    for keys in named(value, is_gradient):
        weights, biases = (_listed(value, keys[kind], form.n_layers) for kind in "Wb")
        if weights is not None and (biases is not None or not form.bias):
            yield weights, biases or [None] * form.n_layers


def _listed(value: Mapping[object, object], keys: Sequence[object], n: int) -> list[object] | None:
    """Return the blocks behind keys: one per layer, or all of them in a list."""
    if len(keys) == n and (n > 1 or has_number(keys[0])):
        return [value[key] for key in keys]
    if len(keys) != 1:
        return None
    blocks = value[keys[0]]
    if isinstance(blocks, Mapping):
        blocks = list(blocks.values())
    if is_sequence(blocks) and len(blocks) == n and (n > 1 or n_dims(blocks[0])):
        return list(blocks)
    return [blocks] if n == 1 else None


def _of_vector(value: object, form: Form) -> Iterator[Pair]:
    """Yield the blocks of one vector, laid out as parameters are: W1, b1, W2, b2, ..., in rows."""
    try:
        vector = np.asarray(value)
    except ValueError:  # of several shapes
        return
    shapes = [form.shape(name) for name in form.names]
    if vector.ndim != 1 or vector.dtype.kind not in "fiu":
        return
    if len(vector) != sum(int(np.prod(shape)) for shape in shapes):
        return
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])
    blocks = [vector[a:b].reshape(s) for (a, b), s in zip(pairwise(ends), shapes, strict=True)]
    if form.bias:
        yield blocks[::2], blocks[1::2]
    else:
        yield blocks, [None] * form.n_layers


def read_outputs(value: object, n_rows: int, n_outputs: int, layout: str) -> Array | None:
    """Return outputs (n_rows, n_outputs) in any form; None if there are none.

    Of a tuple, (outputs, cache) or all layers' outputs, that which has the shape of outputs.
    """
    shape = (n_outputs, n_rows) if layout == "columns" else (n_rows, n_outputs)
    candidates = [value]
    if isinstance(value, (tuple, list)) and len(value):
        candidates += [value[0], value[-1]]
    first: Array | None = None
    for candidate in candidates:
        if candidate is None or isinstance(candidate, Mapping):
            continue
        try:
            array = as_array(candidate)
        except (TypeError, ValueError):
            continue
        if array.shape == shape or (fits(array, shape) and array.ndim < 2):
            array = array.reshape(shape)
            return array.T if layout == "columns" else array
        first = array if first is None else first
    return first.T if first is not None and layout == "columns" else first


def in_words(value: object) -> str:
    """Return what a value is, for a message: its type, and what it holds."""
    kind = type(value).__name__
    if value is None:
        return "None"
    if isinstance(value, Mapping):
        keys = ", ".join(repr(key) for key in list(value)[:8])
        return f"{kind} with the keys {keys}" if keys else f"an empty {kind}"
    if isinstance(value, np.ndarray) or (hasattr(value, "shape") and hasattr(value, "dtype")):
        return f"{kind} of shape {tuple(value.shape)}"
    if is_sequence(value):
        parts: list[object] = list(value)
        inner = ", ".join(_in_a_word(part) for part in parts[:4])
        return f"{kind} of {len(parts)}: {inner}{', ...' if len(parts) > 4 else ''}"
    return f"{kind} {value!r:.60}"


def _in_a_word(value: object) -> str:
    if hasattr(value, "shape"):
        return f"{type(value).__name__} {tuple(value.shape)}"
    if is_sequence(value):
        return f"{type(value).__name__} of {len(value)}"
    return f"{value!r:.20}" if isinstance(value, NUMBERS) else type(value).__name__
