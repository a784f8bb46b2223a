"""Layers in C: their weights as constants, and the forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from . import c_functions
from .plan import Layer, Stack

WIDTH = 98  # of a line
SUBTRACTED, MULTIPLIED = "subtracted from the inputs", "inputs are multiplied by"
WHOLE: dict[str, np.dtype] = {"int8": np.dtype("int8"), "int16": np.dtype("int16")}


class Quantized(NamedTuple):
    """Weights as whole numbers: ``W`` is close to ``q * scale``.

    Attributes
    ----------
    q : ndarray of shape (n_networks, n_in, n_out), int8 or int16
    scale : ndarray of shape (n_networks, n_out)
        One for each output.
    """

    q: np.ndarray
    scale: np.ndarray


def quantize(W: np.ndarray, dtype: np.dtype) -> Quantized:
    """Round weights (n_networks, n_in, n_out) to whole numbers, the largest to the largest.

    >>> q, scale = quantize(np.array([[[0.5], [-1.0], [0.1]]]), np.dtype("int8"))
    >>> q.ravel().tolist(), (q * scale).ravel().round(3).tolist()
    ([64, -127, 13], [0.504, -1.0, 0.102])
    """
    most = np.iinfo(dtype).max
    scale = (np.abs(W.astype(np.float64)).max(axis=1) / most).astype(W.dtype)
    scale[scale == 0] = 1
    whole = np.rint(W / scale[:, None, :].astype(np.float64))
    return Quantized(np.clip(whole, -most, most).astype(dtype), scale)


class Part(NamedTuple):
    """A part of a network's row of numbers: what it is, and the numbers of each network."""

    name: str
    values: np.ndarray


class Tables:
    """The numbers of a stack, as constant arrays with a row for each network.

    ``theta`` has W and b layer by layer, as `Network.theta`; where weights are whole numbers, these
    have an array of their own, and ``theta`` has scales and biases. Inputs are then multiplied by a
    factor each first: with the scaling of the data in them, weights of the first layer may differ
    by orders of magnitude from one feature to the next.

    Parameters
    ----------
    stack : Stack
    dtype : dtype
        Of the model.
    whole : dtype, optional
        int8 or int16.
    has_bias : sequence of bool, optional
        Of each layer; by default those whose biases are not all 0.
    """

    def __init__(
        self,
        stack: Stack,
        dtype: np.dtype,
        whole: np.dtype | None = None,
        has_bias: Sequence[bool] | None = None,
    ):
        self.stack, self.whole = stack, whole
        self.has_bias = tuple(bool(layer.b.any()) for layer in stack.layers)
        self.has_bias = self.has_bias if has_bias is None else tuple(has_bias)
        factors = _factors(stack.layers[0].W.astype(dtype))
        self.weights: list[Part] = []
        self.theta: list[Part] = []
        for k, (layer, has) in enumerate(zip(stack.layers, self.has_bias, strict=True), 1):
            shape = f"W{k} ({layer.W.shape[1]}, {layer.W.shape[2]})"
            if whole is None:
                self.theta.append(Part(shape, _rows(layer.W.astype(dtype))))
            else:
                W = layer.W.astype(dtype)
                W = W / factors[:, :, None] if k == 1 else W
                q, scale = quantize(W, whole)
                self.weights.append(Part(shape, _rows(q)))
                self.theta.append(Part(f"scale of W{k}", scale))
            if has:
                self.theta.append(Part(f"b{k}", layer.b.astype(dtype)))
        if stack.shift is not None:
            self.theta.append(Part(SUBTRACTED, stack.shift.astype(dtype)))
        if whole is not None:
            self.theta.append(Part(MULTIPLIED, factors))

    @property
    def n_bytes(self) -> int:
        """Size of all of it."""
        return sum(part.values.nbytes for part in (*self.weights, *self.theta))

    @property
    def n_theta(self) -> int:
        """Numbers of ``theta``."""
        return sum(part.values.shape[1] for part in self.theta)

    def rounded(self) -> Stack:
        """Return the stack that rounded weights stand for."""
        dtype = self.stack.dtype
        scales = (part.values for part in self.theta if part.name.startswith("scale"))
        weights = [
            q.values.reshape(layer.W.shape) * scale[:, None, :].astype(np.float64)
            for layer, q, scale in zip(self.stack.layers, self.weights, scales, strict=True)
        ]
        weights[0] *= self.theta[-1].values[:, :, None]
        layers = tuple(
            layer._replace(W=W.astype(dtype))
            for layer, W in zip(self.stack.layers, weights, strict=True)
        )
        return self.stack._replace(layers=layers)

    def place_of(self, name: str) -> int | None:
        """Return where in ``theta`` a part begins, if it is there."""
        used = 0
        for part in self.theta:
            if part.name == name:
                return used
            used += part.values.shape[1]
        return None

    def places(self) -> Iterator[tuple[str, ...]]:
        """Yield where each layer's numbers begin, as C expressions: w, b; or w, scale, b."""
        used = w_used = 0
        for layer, has in zip(self.stack.layers, self.has_bias, strict=True):
            _, n_in, n_out = layer.W.shape
            if self.whole is None:
                place: tuple[str, ...] = (at("theta", used),)
                used += n_in * n_out
            else:
                place = at("w", w_used), at("theta", used)
                w_used += n_in * n_out
                used += n_out
            yield *place, (at("theta", used) if has else "NULL")
            used += n_out if has else 0

    def text(self, suffix: str = "") -> str:
        """Write the tables."""
        weights = table(f"p_w{suffix}", "weight", self.weights) if self.weights else ""
        return weights + table(f"p_theta{suffix}", "real", self.theta)

    def arguments(self, suffix: str, network: str) -> str:
        """Return the arguments of `forward` that say which network's numbers to take."""
        row = f"[{network}]" if len(self.stack.numbers) > 1 else ""
        weights = f"p_w{suffix}{row}, " if self.weights else ""
        return f"{weights}p_theta{suffix}{row}"


def at(name: str, place: int) -> str:
    """Return the address of an element."""
    return f"{name} + {place}" if place else name


def _factors(W: np.ndarray) -> np.ndarray:
    """Return the largest weight of each input."""
    found = np.abs(W).max(axis=2)
    found[found == 0] = 1
    return found


def _rows(arrays: np.ndarray) -> np.ndarray:
    return arrays.reshape(len(arrays), -1)


def table(name: str, kind: str, parts: Sequence[Part], external: bool = False) -> str:
    """Write a constant array, or where there are several networks an array of arrays.

    What stands between ``@{`` and ``}@`` is left as it is by `c_functions.spelled_out`.
    """
    n_rows, n = len(parts[0].values), sum(part.values.shape[1] for part in parts)
    bodies = [
        "\n".join(
            (f"    /* {part.name} */\n" if part.name else "") + filled(numbers(part.values[i]))
            for part in parts
        )
        for i in range(n_rows)
    ]  # fmt: skip
    shape = f"[{n}]" if n_rows == 1 else f"[{n_rows}][{n}]"
    body = bodies[0] if n_rows == 1 else ",\n".join(f"{{\n{text}\n}}" for text in bodies)
    return f"\n{'' if external else 'static '}const {kind} {name}{shape} = {{@{{\n{body}\n}}@}};\n"


def numbers(values: np.ndarray) -> list[str]:
    """Write each number in C."""
    if values.dtype.kind != "f":
        return [str(value) for value in values.tolist()]
    return [c_functions.literal(value, values.dtype) for value in values]


def filled(words: Sequence[str]) -> str:
    """Fill lines with words and commas."""
    lines, line = [], "   "
    for word in words:
        if len(line) + len(word) + 2 > WIDTH:
            lines.append(line)
            line = "   "
        line += f" {word},"
    return "\n".join([*lines, line])


def forward(tables: Tables, name: str = "p_forward") -> str:
    """Write the forward pass of the networks of a stack."""
    layers, n_in = tables.stack.layers, tables.stack.sizes[0]
    widths = [layer.W.shape[2] for layer in layers[:-1]]
    work = {"a": widths[0::2], "b": widths[1::2]}
    lines = [f"    real {work_name}[{max(ns)}];" for work_name, ns in work.items() if ns]
    source = "x"
    for function, what in (("p_subtract", SUBTRACTED), ("p_multiply", MULTIPLIED)):
        place_in_theta = tables.place_of(what)
        if place_in_theta is not None:
            lines = lines if source == "inputs" else [f"    real inputs[{n_in}];", *lines]
            lines.append(
                f"    {function}({source}, {at('theta', place_in_theta)}, {n_in}, inputs);"
            )
            source = "inputs"
    for k, (layer, place) in enumerate(zip(layers, tables.places(), strict=True)):
        target = "out" if k == len(layers) - 1 else "ab"[k % 2]
        lines += through_layer(layer, place, source, target)
        source = target
    weights = "const weight *w, " if tables.weights else ""
    body = "\n".join(lines)
    return (
        f"\nstatic void {name}({weights}const real *theta, const real *x, real *out)\n"
        f"{{\n{body}\n}}\n"
    )


def through_layer(
    layer: Layer, place: tuple[str, ...], source: str, target: str, activated: bool = True
) -> list[str]:
    """Return the lines that compute one layer."""
    _, n_in, n_out = layer.W.shape
    function = "p_dense" if len(place) == 2 else "p_dense_scaled"
    lines = [f"    {function}({', '.join(place)}, {n_in}, {n_out}, {source}, {target});"]
    if activated and layer.activation == "softmax":
        lines.append(f"    (void)p_softmax({target}, {n_out}, p_largest({target}, {n_out}));")
    elif activated and layer.activation != "identity":
        lines.append(f"    p_{layer.activation}_layer({target}, {n_out});")
    return lines
