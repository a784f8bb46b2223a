"""What a file holds, in words: for ``fastperc info``."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from ..estimators.base import BaseMLP
from ..estimators.ensembles.fitted import FittedEnsemble
from ..estimators.groups.base import BaseGroupedMLP
from ..estimators.linear.base import BaseLinear
from ..files.container import Content
from ..files.safetensors import JsonObject
from ..fleet import Fleet
from ..network import Network

FEW = 6  # names that are listed


def describe(model: object, content: Content, path: str) -> Iterator[tuple[str, str]]:
    """Yield names and values of what is known of a model and its file."""
    yield "model", type(model).__name__
    yield "written by", f"fastperc {content.version}, {content.kind} format {content.format}"
    yield "sha256", content.sha256
    if isinstance(model, Network):
        yield "network", repr(model)
        yield "training", f"goes on with lr={model.lr:g}, {_stream(content)}"
    elif isinstance(model, Fleet):
        yield "networks", repr(model)
        yield "training", f"goes on with {_stream(content)}"
    elif isinstance(model, Pipeline):
        yield from _of_table(model)
    elif isinstance(model, BaseEstimator):
        yield from _estimator(model)
    yield from _size(content, path)
    for name, array in content.arrays.items():
        yield "array", f"{name}: {array.dtype} {array.shape}"


def describe_checkpoint(
    state: JsonObject, content: Content, path: str
) -> Iterator[tuple[str, str]]:
    """Yield names and values of what is known of a checkpoint: how far each of its runs is."""
    yield "model", "none: a checkpoint of a training, which goes on with resume=True"
    yield "written by", f"fastperc {content.version}, {content.kind} format {content.format}"
    yield "sha256", content.sha256
    yield from _size(content, path)
    for key, run in state["runs"].items():
        identity = run["identity"]
        what = identity.get("network") or identity.get("networks") or "a linear model"
        ended = f"; over: {run['reason']}" if run["reason"] else ""
        yield f"run {key}", f"{run['done']} epochs, {what!s:.80}{ended}"


def _size(content: Content, path: str) -> Iterator[tuple[str, str]]:
    size, numbers = os.path.getsize(path), sum(array.size for array in content.arrays.values())
    yield "file", f"{size} bytes, {numbers} numbers in {len(content.arrays)} arrays"


def _stream(content: Content) -> str:
    return f"a random generator {content.description['rng']['bit_generator']}"


def _of_table(model: Pipeline) -> Iterator[tuple[str, str]]:
    """Yield what a model of a table predicts, from what, and how well."""
    run = getattr(model, "run_", None)
    if run is not None:
        found = run.understanding
        yield "table", f"{found.table}, {found.n_rows:,} rows"
        yield "target", f"{found.target}, {found.task}"
        yield (
            "score",
            (
                f"{run.score_name} {run.score:.4f} on {run.n_held:,} rows that were held out "
                f"({run.baseline:.4f} for the simplest answer)"
            ),
        )
        yield "tried", f"{len(run.candidates)}; the best is {run.best.name}"
    for encoding in getattr(model["columns"], "encodings_", ()):
        yield "column", f"{encoding.name}: {encoding.words}"
    yield from _estimator(model["model"])


def _estimator(model: BaseEstimator) -> Iterator[tuple[str, str]]:
    """Yield parameters that are not the default, and what was fitted."""
    yield "parameters", " ".join(repr(model).split())
    fitted = vars(model)
    if "n_features_in_" not in fitted:
        yield "fitted", "no"
        return
    names = fitted.get("feature_names_in_")
    more = "" if names is None else f": {_listed(names)}"
    yield "features", f"{fitted['n_features_in_']}{more}"
    if hasattr(model, "classes_"):
        yield "classes", _listed(model.classes_)
    if isinstance(model, BaseLinear):
        linear = model._model()
        yield "coefficients", f"{linear.n_outputs} x {linear.n_features}, {linear.theta.dtype}"
        yield "training", f"{model.t_ - 1:.0f} rows learned"
    elif isinstance(model, BaseMLP) and hasattr(model, "coefs_"):
        yield from _network(model)
    elif isinstance(model, BaseGroupedMLP):
        yield "groups", f"{len(model.groups_)}: {_listed(model.groups_)}"
    elif isinstance(model, FittedEnsemble):
        yield "members", str(len(model.weights_))


def _network(model: BaseMLP) -> Iterator[tuple[str, str]]:
    yield "network", model._network().signature
    scaled = [name for name in ("inputs", "targets") if _scaling(model, name) is not None]
    yield "scaling", ", ".join(scaled) if scaled else "none"
    optimizer = vars(model).get("_optimizer")
    state = "" if optimizer is None else f", {model.solver} remembers {optimizer.epoch} epochs"
    yield "training", f"{model.n_iter_} epochs, {model.t_} samples{state}"


def _scaling(model: BaseMLP, of: str) -> object:
    return model._scaling if of == "inputs" else model._target_scaling


def _listed(names: np.ndarray) -> str:
    """Return the first of many names."""
    shown = ", ".join(str(name) for name in names[:FEW].tolist())
    return shown if len(names) <= FEW else f"{shown}, ..."
