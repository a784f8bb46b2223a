"""Networks from ONNX models whose graph is a plain dense network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..model.dense import Dense
from ..model.losses import LOSSES
from ..optional import require
from .layers import USUAL_LOSSES, Layer, dense_of
from .onnx_graph import Graph, Node
from .onnx_patterns import ACTIVATIONS, TWO_COLUMNS, match

KNOWN = (
    "MatMul and Add, or Gemm, by constant weights, and the activations Relu, LeakyRelu(0.01), "
    "Elu(1), Sigmoid, Tanh, Softplus, Softmax and Exp"
)
COMPARISONS = ("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "Not", "And", "Or")


def from_onnx(model: object, loss: str | None = None) -> Dense:
    """Return the network of an ONNX model; see `Network.from_onnx`."""
    graph = Graph(read(model))
    layers = layers_of(graph, output_of(graph))
    if loss is None:
        loss = _told_loss(graph, layers)
    return dense_of(layers, "model", loss)


def read(model: object) -> Any:
    """Return a checked ModelProto, from a file or as it is given."""
    onnx = require("onnx", extra="onnx")
    if isinstance(model, (str, os.PathLike)):
        with open(model, "rb"):  # a file that is not there is an OSError
            pass
        try:
            found = onnx.load(os.fspath(model))
        except Exception as error:  # of protobuf, whatever the file has in it
            raise ValueError(f"{os.fspath(model)}: not a readable ONNX model ({error})") from None
    else:
        found = model
    if not isinstance(found, onnx.ModelProto):
        raise TypeError(
            f"model: found {type(model).__name__}, expected the path of a file or an "
            "onnx.ModelProto"
        )
    try:
        onnx.checker.check_model(found)
    except onnx.checker.ValidationError as error:
        raise ValueError(f"model: not a valid ONNX model ({error})") from None
    return found


def _told_loss(graph: Graph, layers: list[Layer]) -> str | None:
    """Return the loss that fastperc wrote into its own models, if it goes with the output."""
    told = graph.metadata.get("loss")
    if told is None or told not in LOSSES or not layers:
        return None
    output = layers[-1].activation
    return told if output in (LOSSES[told].outputs or [output]) else USUAL_LOSSES.get(output)


# --- outputs --------------------------------------------------------------------------------------


def output_of(graph: Graph) -> str:
    """Return the one output of numbers; labels are left aside."""
    found = []
    for name, is_float in graph.outputs:
        node = graph.producer(name)
        if node is not None and node.op == "ZipMap":  # only gives the columns names
            found.append(node.inputs[0])
        elif is_float:
            found.append(name)
    if len(found) != 1:
        names = ", ".join(name for name, _ in graph.outputs)
        raise ValueError(
            f"model: found {len(found)} outputs of floating-point numbers (among {names}), "
            "expected one: a network's outputs. Labels alone, as of ArgMax, do not tell them"
        )
    return found[0]


def columns_of(graph: Graph, tensor: str) -> int | None:
    """Return the number of columns that the outputs are reshaped to, if they are."""
    node = graph.producer(tensor)
    while node is not None and _is_passed(graph, node):
        if node.op == "Reshape":
            shape = graph.constant(node.inputs[1])
            assert shape is not None
            return int(shape[1]) if shape[1] > 0 else None
        node = graph.producer(node.inputs[0])
    return None


# --- layers ---------------------------------------------------------------------------------------


def layers_of(graph: Graph, output: str) -> list[Layer]:
    """Return the layers that lead from the input to an output, followed from its end."""
    layers: list[Layer] = []
    tensor, columns = passed(graph, output), columns_of(graph, output)
    one = match(graph, tensor, TWO_COLUMNS)
    if one is not None:
        tensor = passed(graph, one)
    while tensor != graph.input:
        name, sums = activation_of(graph, tensor)
        found = weighted_sums(graph, passed(graph, sums))
        if found is None:
            if name != "identity" or not layers:
                raise stranger(graph, sums)
            return with_inputs_moved(graph, tensor, layers)
        layer, tensor = found
        layer.activation = name
        if not layers and columns not in (None, layer.W.shape[1]):
            raise ValueError(
                f"model: found outputs reshaped to {columns} columns, expected {layer.W.shape[1]}, "
                "one for each unit of the last layer"
            )
        layers.insert(0, layer)
        tensor = passed(graph, tensor)
    return layers


def activation_of(graph: Graph, tensor: str) -> tuple[str, str]:
    """Return the activation that a tensor is made by, and what it is applied to."""
    for name, pattern in ACTIVATIONS:
        z = match(graph, tensor, pattern)
        if z is not None:
            return name, z
    return "identity", tensor


def weighted_sums(graph: Graph, tensor: str) -> tuple[Layer, str] | None:
    """Return a layer that makes the tensor, and its inputs; None if there is none."""
    biases = []
    node = graph.producer(tensor)
    while node is not None and node.op == "Add":
        split = graph.split(node)
        if split is None:
            return None
        tensor, constant = split
        biases.append(constant)
        node = graph.producer(tensor)
    if node is None or node.op not in ("MatMul", "Gemm"):
        return None
    x, W, own = product_of(graph, node)
    b = None
    for array in [*own, *biases]:
        n = W.shape[1]
        if array.size != 1 and (array.size != n or array.shape[-1] != n):
            raise ValueError(
                f"{node}: found biases of shape {array.shape}, expected ({n},), one for each unit"
            )
        flat = np.broadcast_to(array.reshape(-1), (n,))
        b = flat if b is None else b + flat
    return Layer(W, b), x


def product_of(graph: Graph, node: Node) -> tuple[str, np.ndarray, list[np.ndarray]]:
    """Return inputs, weights (n_in, n_out) and biases of a MatMul or a Gemm."""
    x, right, *rest = node.inputs
    W = graph.constant(right)
    if W is None or graph.constant(x) is not None:
        raise ValueError(f"{node}: found weights that are not the constant right factor")
    if W.ndim != 2:
        raise ValueError(
            f"{node}: found weights of {W.ndim} dimensions, expected 2: one network. Fleets and "
            "ensembles have more"
        )
    if node.op == "MatMul":
        return x, W, []
    if node.attribute("transA", 0):
        raise ValueError(f"{node}: found transA=1, expected 0: samples are rows")
    W = W.T if node.attribute("transB", 0) else W
    alpha, beta = node.attribute("alpha", 1.0), node.attribute("beta", 1.0)
    biases = [graph.constant(name) for name in rest if name]
    if any(b is None for b in biases):
        raise ValueError(f"{node}: found biases that are not constant")
    kept = [b * b.dtype.type(beta) if beta != 1 else b for b in biases if b is not None]
    return x, W * W.dtype.type(alpha) if alpha != 1 else W, kept


# --- nodes that change nothing --------------------------------------------------------------------


def passed(graph: Graph, tensor: str) -> str:
    """Return what a tensor is, seen through nodes that leave rows of numbers as they are."""
    node = graph.producer(tensor)
    while node is not None and _is_passed(graph, node):
        tensor = node.inputs[0]
        node = graph.producer(tensor)
    return tensor


def _is_passed(graph: Graph, node: Node) -> bool:
    if node.op in ("Identity", "Dropout"):
        return True
    if node.op == "Cast":
        source = graph.producer(node.inputs[0])
        is_of_truth = source is not None and source.op in COMPARISONS  # part of an activation
        return node.attribute("to", 0) in graph.float_types and not is_of_truth
    if node.op == "Flatten":
        return node.attribute("axis", 1) == 1
    if node.op == "Reshape":  # (rows, columns): products before and after it tell the columns
        shape = graph.constant(node.inputs[1])
        return shape is not None and shape.size == 2 and shape[0] in (-1, 0)
    return False


# --- inputs that are moved and scaled -------------------------------------------------------------


def with_inputs_moved(graph: Graph, tensor: str, layers: list[Layer]) -> list[Layer]:
    """Return layers with all that is done to the inputs by constants folded into the first.

    In float64, whatever their dtype: rounded to float32, the biases of inputs far from 0 would
    lose the digits that count.
    """
    first, *others = [layer.widened() for layer in layers]
    W, b = first.W, np.zeros(first.W.shape[1]) if first.b is None else first.b
    for scale, offset in _moves(graph, tensor):  # inputs are x * scale + offset
        b = b + np.broadcast_to(offset, len(W)) @ W
        W = W * np.broadcast_to(scale, len(W))[:, None]
    return [Layer(W, b, first.activation), *others]


def _moves(graph: Graph, tensor: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield factor and offset of each node between the input and a tensor, the last first."""
    zero, one = np.zeros(1), np.ones(1)
    while (tensor := passed(graph, tensor)) != graph.input:
        node = graph.producer(tensor)
        if node is None:
            raise stranger(graph, tensor)
        if node.op == "Scaler":
            offset = np.asarray(node.attribute("offset", [0.0]), np.float64)
            scale = np.asarray(node.attribute("scale", [1.0]), np.float64)
            yield scale, -offset * scale
            tensor = node.inputs[0]
            continue
        split = graph.split(node) if node.op in ("Add", "Sub", "Mul", "Div") else None
        if split is None or (node.op in ("Sub", "Div") and split[0] != node.inputs[0]):
            raise stranger(graph, tensor)
        tensor, constant = split
        value = constant.astype(np.float64).reshape(-1)
        if node.op in ("Add", "Sub"):
            yield one, value if node.op == "Add" else -value
        else:
            with np.errstate(divide="ignore"):  # infinite weights are refused later
                yield value if node.op == "Mul" else 1 / value, zero


def stranger(graph: Graph, tensor: str) -> ValueError:
    """Return what to raise on a node that is no part of a dense network."""
    node = graph.producer(tensor)
    what = f"the tensor {tensor!r}" if node is None else str(node)
    return ValueError(f"model: found {what}, expected a plain dense network: {KNOWN}")
