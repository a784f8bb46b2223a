"""A plan as an ONNX model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import check_number
from ..optional import require
from .onnx_graph import (
    DOUBLE,
    ML,
    Graph,
    add_labels,
    add_outputs,
    add_probabilities,
    proto_type,
)
from .plan import Plan

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET, ML_OPSET, IR_VERSION = 17, 3, 8  # of ONNX 1.12, from 2022, so that older runtimes read them


def model_of(plan: Plan, coverage: float | None = None) -> ModelProto:
    """Return a plan as an ONNX model; see `onnx_export.to_onnx`."""
    helper = require("onnx.helper", extra="onnx")
    graph = Graph()
    for name in ("X", "groups", "label", "probabilities", "scores", "outputs", "variable",
                 "spread", "low", "high"):  # fmt: skip
        graph.name(name)
    outputs = _add_all(graph, plan, coverage)
    inputs = [helper.make_tensor_value_info("X", proto_type(plan.dtype), ["N", plan.n_features])]
    if plan.groups is not None:
        kind = proto_type(groups_dtype(plan.groups.keys))
        inputs.append(helper.make_tensor_value_info("groups", kind, ["N"]))
    infos = [helper.make_tensor_value_info(name, *of) for name, of in outputs.items()]
    opsets = [helper.make_opsetid("", OPSET)]
    if any(node.domain == ML for node in graph.nodes):
        opsets.append(helper.make_opsetid(ML, ML_OPSET))
    proto = helper.make_model(
        helper.make_graph(graph.nodes, plan.kind, inputs, infos, graph.constants),
        opset_imports=opsets, ir_version=IR_VERSION, producer_name="fastperc",
        producer_version=plan.version,
    )  # fmt: skip
    metadata = {"model": plan.kind, "loss": plan.loss}
    if plan.feature_names is not None:
        metadata["feature_names"] = json.dumps(plan.feature_names, ensure_ascii=False)
    helper.set_model_props(proto, metadata)
    return proto


def groups_dtype(keys: np.ndarray) -> np.dtype:
    """Return the dtype of the tensor of groups."""
    if keys.dtype.kind in "biu":
        return np.dtype(np.int64)
    return keys.dtype if keys.dtype.kind == "O" else DOUBLE


def second_output(plan: Plan) -> str:
    """Return the name of what a model gives beside its labels, or in their place."""
    if plan.decision is None:
        return "variable"
    if plan.probabilities is not None:
        return "probabilities"
    return "outputs" if plan.method == "forward" else "scores"


def _add_all(graph: Graph, plan: Plan, coverage: float | None) -> dict[str, tuple[int, list[Any]]]:
    """Add all nodes; return type and shape of each output by its name."""
    front = [plan.n_networks] if plan.combine == "each" else []
    number = proto_type(plan.dtype)
    found: dict[str, tuple[int, list[Any]]] = {}
    out, spread = add_outputs(graph, plan, "X", "groups")
    computed = DOUBLE if plan.combine == "mean" else plan.dtype
    if plan.decision is not None:
        add_labels(graph, plan, out, "label")
        is_flat = plan.decision.rule == "argmax" or plan.n_outputs == 1
        kind = proto_type(label_dtype(plan.decision.classes))
        found["label"] = kind, [*front, "N", *([] if is_flat else [plan.n_outputs])]
    last, n_columns = out, plan.n_outputs
    if plan.probabilities is not None:
        last = add_probabilities(graph, plan.probabilities, plan.n_outputs, out, computed)
        n_columns = max(2, plan.n_outputs)
    ends = {second_output(plan): (last, n_columns)}
    if spread:
        ends["spread"] = spread, n_columns
    if coverage is not None:
        low, high = _add_interval(graph, plan, coverage, out, spread)
        ends |= {"low": (low, n_columns), "high": (high, n_columns)}
    for name, (tensor, n) in ends.items():
        if computed == plan.dtype:
            graph.add("Identity", tensor, out=name)
        else:
            graph.cast(tensor, plan.dtype, out=name)
        found[name] = number, [*front, "N", n]
    return found


def label_dtype(classes: np.ndarray) -> np.dtype:
    """Return the dtype of the tensor of labels."""
    return np.dtype(np.int64) if classes.dtype.kind in "iu" else classes.dtype


def _add_interval(
    graph: Graph, plan: Plan, coverage: float, mean: str, spread: str
) -> tuple[str, str]:
    """Add the bounds of prediction intervals: ``mean -+ factor * sqrt(spread**2 + noise**2)``."""
    if plan.calibration is None:
        raise ValueError(
            "coverage: found a model without prediction intervals, expected an "
            "MLPEnsembleRegressor fitted with bootstrap=True, with n_selected, or with X_val"
        )
    if not 0 < check_number(coverage, "coverage") < 1:
        raise ValueError(f"coverage: found {coverage:g}, expected a number between 0 and 1")
    noise = plan.calibration.noise
    factor = plan.calibration.factor(coverage)
    squares = graph.add(
        "Add", graph.add("Mul", spread, spread), graph.constant(noise * noise, "noise")
    )
    half = graph.add("Mul", graph.add("Sqrt", squares), graph.constant(factor, "factor"))
    return graph.add("Sub", mean, half), graph.add("Add", mean, half)
