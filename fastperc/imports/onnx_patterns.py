"""Activations as they are written in ONNX: one node, or some that compute the same."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ..kernels.activations import LEAK
from .onnx_graph import Graph, Node

Z = "z"  # in a pattern, what the activation is applied to, the same tensor wherever it stands
Pattern = tuple[Any, ...]  # an operator, and for each of its inputs Z, a number or a pattern

COMMUTATIVE = ("Add", "Mul", "Max", "Min")

# What attributes of an operator have to be, and are where they are not given.
ATTRIBUTES: dict[str, dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "LeakyRelu": {"alpha": (LEAK, (LEAK,))},
    "Elu": {"alpha": (1.0, (1.0,))},
    "Softmax": {"axis": (-1, (-1, 1))},
    "Concat": {"axis": (None, (-1, 1))},
}

_POSITIVE: Pattern = ("GreaterOrEqual", Z, 0)

ACTIVATIONS: list[tuple[str, Pattern]] = [
    ("sigmoid", ("Sigmoid", Z)),
    ("tanh", ("Tanh", Z)),
    ("relu", ("Relu", Z)),
    ("leaky_relu", ("LeakyRelu", Z)),
    ("leaky_relu", ("Max", Z, ("Mul", Z, LEAK))),
    ("elu", ("Elu", Z)),
    ("elu", ("Max", Z, ("Sub", ("Exp", ("Min", Z, 0)), 1))),
    ("softplus", ("Softplus", Z)),
    ("softplus", ("Add", ("Relu", Z), ("Log", ("Add", ("Exp", ("Neg", ("Abs", Z))), 1)))),
    ("softmax", ("Softmax", Z)),
    ("exp", ("Exp", Z)),
    ("step", ("Where", ("Less", Z, 0), 0, 1)),
    ("step", ("Cast", _POSITIVE)),
    ("sign", ("Where", ("Less", Z, 0), -1, 1)),
    ("sign", ("Sub", ("Mul", ("Cast", _POSITIVE), 2), 1)),
]

# The columns that classifiers make of the probability of the second of two classes.
TWO_COLUMNS: Pattern = ("Concat", ("Sub", 1, Z), Z)


def match(graph: Graph, tensor: str, pattern: Pattern) -> str | None:
    """Return what stands for Z where a tensor is made as a pattern says; otherwise None."""
    for bound in _matches(graph, tensor, pattern, None):
        return bound
    return None


def _matches(graph: Graph, tensor: str, pattern: Any, bound: str | None) -> list[str | None]:
    """Return the tensors that can stand for Z, None where it does not occur; empty: no match."""
    if pattern == Z:
        return [tensor] if bound in (None, tensor) and graph.constant(tensor) is None else []
    if not isinstance(pattern, tuple):
        return [bound] if _is_number(graph, tensor, pattern) else []
    node = graph.producer(tensor)
    op, *wanted = pattern
    if node is None or node.op != op or not _has_attributes(node):
        return []
    if len(node.inputs) != len(wanted):
        return []
    orders = itertools.permutations(wanted) if op in COMMUTATIVE else [tuple(wanted)]
    for order in orders:
        found = [bound]
        for name, part in zip(node.inputs, order, strict=True):
            found = [b for before in found for b in _matches(graph, name, part, before)]
        if found:
            return found
    return []


def _is_number(graph: Graph, tensor: str, value: float) -> bool:
    """Return whether a tensor holds one number, rounded to its dtype."""
    found = graph.constant(tensor)
    return (
        found is not None
        and found.size == 1
        and found.dtype.kind in "fiu"
        and bool(found.reshape(-1)[0] == found.dtype.type(value))
    )


def _has_attributes(node: Node) -> bool:
    """Return whether a node's attributes, which ONNX stores in float32, are those of ours."""
    for name, (default, allowed) in ATTRIBUTES.get(node.op, {}).items():
        found = node.attribute(name, default)
        if found is None or np.float32(found) not in [np.float32(value) for value in allowed]:
            return False
    return True
