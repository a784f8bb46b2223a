"""A plan as nodes of an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..kernels.activations import LEAK
from ..optional import require
from .plan import Groups, Plan, Probabilities, Stack

ML = "ai.onnx.ml"  # the domain of LabelEncoder
DOUBLE = np.dtype(np.float64)


class Graph:
    """Nodes and constants, collected one after the other.

    Parameters
    ----------
    unique : function of str
        Makes a name unique, where others add to the same graph.
    """

    def __init__(self, unique: Callable[[str], str] | None = None):
        self._onnx = require("onnx", extra="onnx")
        self._unique = unique
        self._used: dict[str, int] = {}
        self._constants: dict[object, str] = {}
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def name(self, of: str) -> str:
        """Return a name that nothing else has."""
        if self._unique is not None:
            return self._unique(of)
        self._used[of] = n = self._used.get(of, 0) + 1
        return of if n == 1 else f"{of}_{n}"

    def add(
        self, op: str, *inputs: str, out: str | None = None, domain: str = "", **attributes: Any
    ) -> str:
        """Add a node of one output, and return the name of that."""
        out = self.name(op.lower()) if out is None else out
        node = self._onnx.helper.make_node(
            op, list(inputs), [out], name=self.name(f"{op}_{out}"), domain=domain, **attributes
        )
        self.nodes.append(node)
        return out

    def constant(self, values: Any, name: str = "constant") -> str:
        """Add a tensor, once for equal small ones, and return its name."""
        array = np.asarray(values)
        is_shared = array.size == 1 and array.dtype.kind not in "OU"
        key = (array.dtype.str, array.shape, array.tobytes()) if is_shared else None
        if key in self._constants:
            return self._constants[key]
        name = self.name(name)
        if array.dtype.kind in "OU":
            texts = [str(text).encode() for text in array.ravel()]
            string = self._onnx.TensorProto.STRING
            tensor = self._onnx.helper.make_tensor(name, string, array.shape, texts)
        else:
            tensor = self._onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
        self.constants.append(tensor)
        if key is not None:
            self._constants[key] = name
        return name

    def cast(self, x: str, dtype: np.dtype, out: str | None = None) -> str:
        """Convert a tensor."""
        return self.add("Cast", x, out=out, to=proto_type(dtype))


def proto_type(dtype: np.dtype) -> int:
    """Return ONNX's number for a dtype; texts, of dtype ``U`` or objects, are strings."""
    onnx = require("onnx", extra="onnx")
    if dtype.kind in "OU":
        return int(onnx.TensorProto.STRING)
    return int(onnx.helper.np_dtype_to_tensor_dtype(dtype))


# --- outputs --------------------------------------------------------------------------------------


def add_outputs(graph: Graph, plan: Plan, x: str, groups: str | None = None) -> tuple[str, str]:
    """Add a plan's networks, from the tensor of inputs to that of outputs.

    Returns
    -------
    outputs : str
        Shape (n_samples, n_outputs), of a fleet (n_networks, n_samples, n_outputs). A mean is
        float64 whatever the plan's dtype is, as in the library.
    spread : str
        Of an ensemble's members, likewise; otherwise empty.
    """
    if plan.combine == "single":
        return add_single(graph, plan.stacks[0], x), ""
    if plan.groups is not None:
        assert groups is not None
        networks = add_networks_of_groups(graph, plan.groups, plan.n_networks, groups)
        column = graph.add("Unsqueeze", x, graph.constant(np.array([1])))
        out = add_stack(graph, plan.stacks[0], column, networks)
        return graph.add("Squeeze", out, graph.constant(np.array([1]))), ""
    outs = []
    for stack in plan.stacks:
        inputs = x if stack.dtype == plan.dtype else graph.cast(x, stack.dtype)
        outs.append(add_stack(graph, stack, inputs))
    if plan.combine == "mean":
        return add_moments(graph, plan, outs)
    if len(outs) == 1:
        return outs[0], ""
    order = np.argsort(np.concatenate([stack.numbers for stack in plan.stacks]))
    together = graph.add("Concat", *outs, axis=0)
    return graph.add("Gather", together, graph.constant(order, "order"), axis=0), ""


def add_single(graph: Graph, stack: Stack, x: str) -> str:
    """Add one network: a Gemm and an activation for each layer."""
    if stack.shift is not None:
        x = graph.add("Sub", x, graph.constant(stack.shift, "shift"))
    for k, (W, b, activation) in enumerate(stack.layers, 1):
        z = graph.add("Gemm", x, graph.constant(W[0], f"W{k}"), graph.constant(b[0], f"b{k}"))
        x = add_activation(graph, activation, z, W.dtype)
    return x


def add_stack(graph: Graph, stack: Stack, x: str, networks: str | None = None) -> str:
    """Add networks of one shape, as products of many matrices at once.

    ``networks`` is a tensor that has the network of each row, whose x is then
    (n_samples, 1, n_features).
    """

    def of_networks(array: np.ndarray, name: str) -> str:
        constant = graph.constant(array, name)
        return constant if networks is None else graph.add("Gather", constant, networks, axis=0)

    if stack.shift is not None:
        x = graph.add("Sub", x, of_networks(stack.shift[:, None, :], "shift"))
    for k, (W, b, activation) in enumerate(stack.layers, 1):
        product = graph.add("MatMul", x, of_networks(W, f"W{k}"))
        z = graph.add("Add", product, of_networks(b[:, None, :], f"b{k}"))
        x = add_activation(graph, activation, z, W.dtype)
    return x


def add_moments(graph: Graph, plan: Plan, outs: list[str]) -> tuple[str, str]:
    """Add the weighted mean of the outputs of stacks, in float64, and the deviation around it."""
    assert plan.weights is not None
    weights = [
        graph.constant(plan.weights[stack.numbers][:, None, None], "weights")
        for stack in plan.stacks
    ]
    wide = [
        out if stack.dtype == DOUBLE else graph.cast(out, DOUBLE)
        for out, stack in zip(outs, plan.stacks, strict=True)
    ]

    def weighted_sum(values: list[str]) -> str:
        first = graph.constant(np.array([0]))
        parts = [
            graph.add("ReduceSum", graph.add("Mul", v, w), first, keepdims=0)
            for v, w in zip(values, weights, strict=True)
        ]
        return parts[0] if len(parts) == 1 else graph.add("Sum", *parts)

    mean = weighted_sum(wide)
    if plan.decision is not None:
        return mean, ""
    deviations = [graph.add("Sub", values, mean) for values in wide]
    squares = [graph.add("Mul", d, d) for d in deviations]
    return mean, graph.add("Sqrt", weighted_sum(squares))


def add_networks_of_groups(graph: Graph, groups: Groups, n_networks: int, names: str) -> str:
    """Add the look-up of each row's network.

    Where there is none, its number is one too large, which the `Gather` that uses it refuses.
    """
    other = n_networks if groups.unknown is None else groups.unknown
    keys = groups.keys
    if keys.dtype.kind != "f":
        is_text = keys.dtype.kind == "O"
        kind = "strings" if is_text else "int64s"
        values = keys.tolist() if is_text else keys.astype(np.int64).tolist()
        return graph.add(
            "LabelEncoder", names, domain=ML, values_int64s=np.arange(len(keys)).tolist(),
            default_int64=other, **{f"keys_{kind}": values},
        )  # fmt: skip
    column = graph.add("Unsqueeze", names, graph.constant(np.array([1])))
    is_own = graph.cast(graph.add("Equal", column, graph.constant(keys, "keys")), DOUBLE)
    found = graph.add("ArgMax", is_own, axis=1, keepdims=0)
    any_own = graph.add("ReduceMax", is_own, axes=[1], keepdims=0)
    is_known = graph.add("Greater", any_own, graph.constant(0.0))
    return graph.add("Where", is_known, found, graph.constant(np.int64(other)))


# --- activations ----------------------------------------------------------------------------------

ONE_NODE: dict[str, tuple[str, dict[str, Any]]] = {
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "relu": ("Relu", {}),
    "exp": ("Exp", {}),
    "softmax": ("Softmax", {"axis": -1}),
}
IN_FLOAT32: dict[str, tuple[str, dict[str, Any]]] = {
    "leaky_relu": ("LeakyRelu", {"alpha": LEAK}),
    "elu": ("Elu", {"alpha": 1.0}),
    "softplus": ("Softplus", {}),
}


def add_activation(graph: Graph, name: str, z: str, dtype: np.dtype) -> str:
    """Add an activation: one node, or some where ONNX Runtime has no such node in float64."""

    def number(value: float) -> str:
        return graph.constant(dtype.type(value))

    if name == "identity":
        return z
    nodes = ONE_NODE if dtype == DOUBLE else ONE_NODE | IN_FLOAT32
    if name in nodes:
        op, attributes = nodes[name]
        return graph.add(op, z, **attributes)
    if name == "leaky_relu":
        return graph.add("Max", z, graph.add("Mul", z, number(LEAK)))
    if name == "elu":  # max(z, exp(min(z, 0)) - 1)
        power = graph.add("Exp", graph.add("Min", z, number(0)))
        return graph.add("Max", z, graph.add("Sub", power, number(1)))
    if name == "softplus":  # max(z, 0) + log(1 + exp(-|z|))
        power = graph.add("Exp", graph.add("Neg", graph.add("Abs", z)))
        log = graph.add("Log", graph.add("Add", power, number(1)))
        return graph.add("Add", graph.add("Relu", z), log)
    low = {"step": 0, "sign": -1}[name]
    return graph.add("Where", graph.add("Less", z, number(0)), number(low), number(1))


# --- labels and probabilities ---------------------------------------------------------------------


def add_labels(graph: Graph, plan: Plan, outputs: str, out: str) -> str:
    """Add the labels that outputs stand for: a look-up in the tensor of classes."""
    decision = plan.decision
    assert decision is not None
    if decision.rule == "argmax":
        places = graph.add("ArgMax", outputs, axis=-1, keepdims=0)
    else:
        dtype = DOUBLE if plan.combine == "mean" else plan.dtype
        compare = "GreaterOrEqual" if decision.at_threshold else "Greater"
        threshold = graph.constant(dtype.type(decision.threshold))
        is_above = graph.add(compare, outputs, threshold)
        if plan.n_outputs == 1:
            is_above = graph.add("Squeeze", is_above, graph.constant(np.array([-1])))
        places = graph.cast(is_above, np.dtype(np.int64))
    classes = decision.classes
    if classes.dtype.kind in "iu":
        classes = classes.astype(np.int64)
    return graph.add("Gather", graph.constant(classes, "classes"), places, out=out, axis=0)


def add_probabilities(
    graph: Graph, how: Probabilities, n_outputs: int, p: str, dtype: np.dtype
) -> str:
    """Add the probabilities that outputs stand for.

    ``dtype`` is that of the outputs, and of the probabilities. Those that are divided by their sum
    are computed in float64 in between, and without ``Sigmoid``, which runtimes cut off at 1e-8 or
    so: all of them may be smaller.
    """
    if how.is_normalised and dtype != DOUBLE:
        wide = add_probabilities(graph, how, n_outputs, graph.cast(p, DOUBLE), DOUBLE)
        return graph.cast(wide, dtype)

    def number(value: float) -> str:
        return graph.constant(dtype.type(value))

    if how.link == "clip":  # (min(max(s, -1), 1) + 1) / 2
        kept = graph.add("Min", graph.add("Max", p, number(-1)), number(1))
        p = graph.add("Mul", graph.add("Add", kept, number(1)), number(0.5))
    elif how.link == "sigmoid" and how.is_normalised:
        power = graph.add("Exp", graph.add("Neg", p))
        p = graph.add("Reciprocal", graph.add("Add", power, number(1)))
    elif how.link != "identity":
        p = add_activation(graph, how.link, p, dtype)
    if n_outputs == 1:
        return graph.add("Concat", graph.add("Sub", number(1), p), p, axis=-1)
    if not how.is_normalised:
        return p
    total = graph.add("ReduceSum", p, graph.constant(np.array([-1])), keepdims=1)
    is_any = graph.add("Greater", total, number(0))
    share = graph.add("Div", p, graph.add("Where", is_any, total, number(1)))
    return graph.add("Where", is_any, share, number(1 / n_outputs))
