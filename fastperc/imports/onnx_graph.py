"""An ONNX graph as its readers ask it: which node makes a tensor, and what is constant."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..optional import require

# What may make a constant of constants; small operations only, since files are not trusted.
FOLDED = ("Constant", "Identity", "Cast", "Transpose", "Reshape", "Squeeze", "Unsqueeze")


class Node:
    """A node: its operator, the names of its inputs, and its attributes."""

    def __init__(self, proto: Any):
        self.proto, self.op, self.inputs = proto, proto.op_type, list(proto.input)

    def __str__(self) -> str:
        named = f" ({self.proto.name!r:.60})" if self.proto.name else ""
        return f"a node {self.op}{named}"

    def attribute(self, name: str, default: Any) -> Any:
        """Return an attribute, or what it is where it is not given."""
        helper = require("onnx.helper", extra="onnx")
        for attribute in self.proto.attribute:
            if attribute.name == name:
                return helper.get_attribute_value(attribute)
        return default


class Graph:
    """The graph of a model with one input.

    Attributes
    ----------
    input : str
        The tensor that is given.
    outputs : list of (str, bool)
        Each output, and whether it is a tensor of floating-point numbers.
    metadata : dict of str to str
        What the model tells of itself.
    float_types : tuple of int
        ONNX's numbers of float32 and float64.

    Raises
    ------
    ValueError
        If the model has several inputs, or none.
    """

    def __init__(self, model: Any):
        onnx = require("onnx", extra="onnx")
        graph, numbers = model.graph, onnx.TensorProto
        self.float_types = numbers.FLOAT, numbers.DOUBLE
        self._constants: dict[str, np.ndarray | None] = {
            tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer
        }
        self._producers = {name: Node(node) for node in graph.node for name in node.output}
        inputs = [value.name for value in graph.input if value.name not in self._constants]
        if len(inputs) != 1:
            raise ValueError(
                f"model: found {len(inputs)} inputs ({', '.join(inputs)}), expected one, of shape "
                "(n_samples, n_inputs)"
            )
        self.input = inputs[0]
        self.outputs = [
            (value.name, value.type.tensor_type.elem_type in self.float_types)
            for value in graph.output
        ]
        self.metadata = {entry.key: entry.value for entry in model.metadata_props}

    def producer(self, tensor: str) -> Node | None:
        """Return the node that makes a tensor; None for the input and for what is stored."""
        return self._producers.get(tensor)

    def constant(self, tensor: str) -> np.ndarray | None:
        """Return the numbers of a tensor that does not depend on the input; otherwise None."""
        if tensor not in self._constants:
            self._constants[tensor] = self._folded(tensor)
        return self._constants[tensor]

    def _folded(self, tensor: str) -> np.ndarray | None:
        node = self.producer(tensor)
        if node is None or node.op not in FOLDED:
            return None
        given = {name: self.constant(name) for name in node.inputs if name}
        if any(value is None for value in given.values()):
            return None
        reference = require("onnx.reference", extra="onnx")
        return np.asarray(reference.ReferenceEvaluator(node.proto).run(None, given)[0])

    def split(self, node: Node) -> tuple[str, np.ndarray] | None:
        """Return the inputs of a node of two, one of which has to be constant, as (other, it)."""
        if len(node.inputs) == 2:
            for k in (1, 0):
                constant = self.constant(node.inputs[k])
                if constant is not None:
                    return node.inputs[1 - k], constant
        return None
