"""to_onnx: fitted models in ONNX's format."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..files.atomic import replace_file
from ..optional import require
from .describe import describe
from .onnx_check import check_against_runtime
from .onnx_model import model_of

if TYPE_CHECKING:
    from onnx import ModelProto


def to_onnx(
    model: Any,
    path: str | os.PathLike | None = None,
    *,
    X: Any = None,
    coverage: float | None = None,
) -> ModelProto:
    """Export a fitted model as an ONNX graph, checked against ONNX Runtime where it is installed.

    Inputs are ``X``, (n_samples, n_features) of the model's dtype; of grouped networks also
    ``groups``, (n_samples,) of strings, int64 or float64, and ``X`` is without a column of them.

    Outputs are, of a classifier, ``label``, and ``probabilities``, (n_samples, n_classes), or
    ``scores`` where the loss gives none; of a regressor ``variable``, (n_samples, n_outputs), and
    of an ensemble also ``spread``. A `Network` has ``label`` and ``outputs`` (those of `forward`),
    or ``variable`` alone. A `Fleet` has the same of all its networks, in front of the other axes.

    Parameters
    ----------
    model : Network, Fleet, fitted estimator or Pipeline
        Pipelines, and whatever else scikit-learn makes of our estimators, are converted by
        skl2onnx; see `register_converters`.
    path : str or path-like, optional
        A file to write, replaced whole.
    X : array or data frame, optional
        Some rows, from which skl2onnx tells the types of a pipeline's inputs. Without it, they are
        numbers of the dtype of its last step.
    coverage : float, optional
        Of an `MLPEnsembleRegressor`: add outputs ``low`` and ``high``, as from
        `MLPEnsembleRegressor.predict_interval`.

    Returns
    -------
    onnx.ModelProto
        Names of features are in its ``metadata_props``, as a JSON list under ``feature_names``.

    Raises
    ------
    ImportError
        If onnx is not installed, or skl2onnx for a pipeline: ``pip install 'fastperc[onnx]'``.
    TypeError, ValueError
        For a model that cannot be exported.
    RuntimeError
        If ONNX Runtime computes something else than the model does.

    Examples
    --------
    >>> from fastperc import Network, to_onnx
    >>> net = Network((2, 4, 1), hidden="tanh", output="sigmoid", loss="log_loss", seed=0)
    >>> graph = to_onnx(net).graph
    >>> [node.op_type for node in graph.node][:4]
    ['Gemm', 'Tanh', 'Gemm', 'Sigmoid']
    >>> [output.name for output in graph.output]
    ['label', 'outputs']
    """
    require("onnx", extra="onnx")
    model = getattr(model, "best_estimator_", model)  # of a search
    if is_ours(model):
        proto = _of_plan(model, coverage)
    else:
        from .onnx_converters import convert_pipeline

        if coverage is not None:
            raise ValueError("coverage: found a pipeline, expected an MLPEnsembleRegressor")
        proto = convert_pipeline(model, X)
    if path is not None:
        replace_file(os.fspath(path), proto.SerializeToString())
    return proto


def is_ours(model: Any) -> bool:
    """Return whether a model is one of this library's, which `describe` takes, or nobody's."""
    if not hasattr(model, "get_params"):
        return True
    from .of_estimators import is_described

    return is_described(model)


def _of_plan(model: Any, coverage: float | None) -> ModelProto:
    """Return a model of this library as a checked ONNX model."""
    plan = describe(model)
    proto = model_of(plan, coverage)
    require("onnx.checker", extra="onnx").check_model(proto, full_check=True)
    check_against_runtime(proto, model, plan, coverage)
    return proto
