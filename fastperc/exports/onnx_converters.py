"""Our estimators in pipelines that skl2onnx converts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClassifierMixin

from .. import estimators
from ..estimators.base import BaseMLP
from ..estimators.ensembles.base import BaseMLPEnsemble
from ..estimators.linear.base import BaseLinear
from ..optional import require
from .describe import describe
from .onnx_graph import DOUBLE, Graph, add_labels, add_outputs, add_probabilities
from .onnx_model import OPSET
from .plan import Plan

if TYPE_CHECKING:
    from onnx import ModelProto

OLDEST = 13  # opset in which axes of ReduceSum and Squeeze became inputs
OPTIONS: dict[str, list[object]] = {
    "zipmap": [True, False, "columns"], "nocl": [False], "output_class_labels": [False, True],
}  # fmt: skip


def register_skl2onnx() -> None:
    """Tell skl2onnx of this library's estimators, so that it converts pipelines with them.

    `to_onnx` does this by itself. Call it once before ``skl2onnx.to_onnx`` or
    ``skl2onnx.convert_sklearn``. Classifiers know the options ``zipmap`` and
    ``output_class_labels``, linear ones also ``raw_scores``. Grouped networks, which take a second
    input, are not among them.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    Examples
    --------
    >>> import fastperc, skl2onnx
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> one = fastperc.MLPClassifier((8,), tol=0.01, batch_size=10, random_state=0)
    >>> pipeline = make_pipeline(StandardScaler(), one).fit(X, y)
    >>> fastperc.register_skl2onnx()
    >>> graph = skl2onnx.to_onnx(pipeline, X[:1], options={"zipmap": False}).graph
    >>> [output.name for output in graph.output]
    ['label', 'probabilities']
    """
    skl2onnx = require("skl2onnx", extra="onnx")
    for name in estimators.__all__:
        kind = getattr(estimators, name)
        if isinstance(kind, type) and issubclass(kind, (BaseMLP, BaseMLPEnsemble, BaseLinear)):
            skl2onnx.update_registered_converter(
                kind, f"Fastperc{name}", _set_types, _convert, overwrite=True,
                options=_options_of(kind),
            )  # fmt: skip


def _options_of(kind: type) -> dict[str, list[object]] | None:
    """Return the options that a class of estimators knows, with their values."""
    if not issubclass(kind, ClassifierMixin):
        return None
    # Who has margins beside probabilities is asked for them, by CalibratedClassifierCV for one.
    return OPTIONS | ({"raw_scores": [True, False]} if issubclass(kind, BaseLinear) else {})


def convert_pipeline(model: Any, X: Any = None) -> ModelProto:
    """Return what skl2onnx makes of a pipeline, without a ZipMap; see `onnx_export.to_onnx`."""
    skl2onnx = require("skl2onnx", extra="onnx")
    register_skl2onnx()
    proto = skl2onnx.to_onnx(
        model,
        X[:1] if X is not None else None,
        initial_types=None if X is not None else [("X", _input_type(model))],
        options={id(model): {"zipmap": False}} if hasattr(model, "classes_") else None,
        target_opset={"": OPSET, "ai.onnx.ml": 3},
    )
    require("onnx.checker", extra="onnx").check_model(proto, full_check=True)
    return proto


def _input_type(model: Any) -> Any:
    """Return the type of a matrix of features, in the precision of a pipeline's last step."""
    types = require("skl2onnx.common.data_types", extra="onnx")
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    is_ours = isinstance(last, (BaseMLP, BaseMLPEnsemble, BaseLinear))
    is_wide = is_ours and describe(last).dtype == DOUBLE
    kind = types.DoubleTensorType if is_wide else types.FloatTensorType
    return kind([None, model.n_features_in_])


# --- what skl2onnx calls --------------------------------------------------------------------------


def _set_types(operator: Any) -> None:
    """Set types and shapes of an estimator's outputs."""
    types = require("skl2onnx.common.data_types", extra="onnx")
    plan = describe(operator.raw_operator)
    n = operator.inputs[0].get_first_dimension()
    is_double = isinstance(operator.inputs[0].type, types.DoubleTensorType)
    number = types.DoubleTensorType if is_double else types.FloatTensorType
    if plan.decision is not None:
        label = types.StringTensorType if _are_texts(plan) else types.Int64TensorType
        is_flat = plan.decision.rule == "argmax" or plan.n_outputs == 1
        operator.outputs[0].set_type(label([n] if is_flat else [n, plan.n_outputs]))
    n_columns = plan.n_outputs if plan.decision is None else max(2, plan.n_outputs)
    operator.outputs[-1].set_type(number([n, n_columns]))


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of an estimator to a graph."""
    types = require("skl2onnx.common.data_types", extra="onnx")
    helper = require("onnx.helper", extra="onnx")
    if container.target_opset < OLDEST:
        raise ValueError(
            f"target_opset: found {container.target_opset}, expected {OLDEST} or later for "
            f"{type(operator.raw_operator).__name__}"
        )
    plan = describe(operator.raw_operator)
    options = container.get_options(operator.raw_operator, {"raw_scores": False}, fail=False)
    if options and options["raw_scores"]:
        plan = replace(plan, probabilities=None)
    graph = Graph(scope.get_unique_variable_name)
    columns = [graph.cast(tensor.full_name, plan.dtype) for tensor in operator.inputs]
    x = columns[0] if len(columns) == 1 else graph.add("Concat", *columns, axis=1)
    is_double = isinstance(operator.outputs[-1].type, types.DoubleTensorType)
    names = [tensor.full_name for tensor in operator.outputs]
    _add_plan(graph, plan, x, names, DOUBLE if is_double else np.dtype(np.float32))
    container.initializers.extend(graph.constants)
    for node in graph.nodes:
        container.add_node(
            node.op_type, list(node.input), list(node.output), op_domain=node.domain,
            name=scope.get_unique_operator_name(node.op_type),
            **{a.name: helper.get_attribute_value(a) for a in node.attribute},
        )  # fmt: skip


def _add_plan(graph: Graph, plan: Plan, x: str, names: list[str], dtype: np.dtype) -> None:
    """Add all nodes of a plan, which end in the given outputs."""
    out, _ = add_outputs(graph, plan, x)
    computed = DOUBLE if plan.combine == "mean" else plan.dtype
    if plan.decision is not None:
        _add_skl2onnx_labels(graph, plan, out, names[0])
        if plan.probabilities is not None:
            out = add_probabilities(graph, plan.probabilities, plan.n_outputs, out, computed)
        else:
            out = _scores_of_classes(graph, plan, out)
    graph.cast(out, dtype, out=names[-1])


def _scores_of_classes(graph: Graph, plan: Plan, out: str) -> str:
    """Add scores with a column for each class: of two, what one is ahead of the other."""
    if plan.n_outputs == 1:
        return graph.add("Concat", graph.add("Neg", out), out, axis=-1)
    assert plan.decision is not None
    if plan.n_outputs > 2 or plan.decision.rule == "threshold":
        return out
    other = graph.add("Gather", out, graph.constant(np.array([1, 0])), axis=-1)
    return graph.add("Sub", out, other)


def _are_texts(plan: Plan) -> bool:
    assert plan.decision is not None
    return plan.decision.classes.dtype.kind in "OU"


def _add_skl2onnx_labels(graph: Graph, plan: Plan, outputs: str, name: str) -> None:
    """Add labels of the types that skl2onnx has: texts, and int64 for all else."""
    if _are_texts(plan):
        add_labels(graph, plan, outputs, name)
    else:
        labels = add_labels(graph, plan, outputs, graph.name("labels"))
        graph.cast(labels, np.dtype(np.int64), out=name)
