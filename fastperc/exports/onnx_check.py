"""Exported graphs, run by ONNX Runtime and compared with the models that they came from."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np

from ..optional import require
from .evaluate import ACTIVATIONS, evaluate, networks_of
from .onnx_model import groups_dtype, second_output
from .plan import Plan, Stack

if TYPE_CHECKING:
    from onnx import ModelProto

TOLERANCE = {"float32": 1e-6, "float64": 1e-12}
N_RANDOM = 64
MOST = 1 << 24  # numbers in a layer of all networks for all rows: of large fleets, fewer rows
EXTREMES = (0.0, 1.0, -1.0, 100.0, -100.0, 1e4, -1e4)  # in deviations of each feature


def check_against_runtime(
    proto: ModelProto, model: Any, plan: Plan, coverage: float | None = None
) -> None:
    """Compare a graph with its model on random and extreme inputs, if ONNX Runtime is there.

    Raises
    ------
    RuntimeError
        If they differ by more than 1e-6 in float32 or 1e-12 in float64, relative to the numbers
        that are added up on the way.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        return
    X, groups = inputs_for(model, plan)
    found = run(proto, X, groups)
    wanted = predictions(model, plan, X, groups, coverage)
    tolerances = TOLERANCE[plan.dtype.name] * scales(plan, X, groups)
    for name, expected in wanted.items():
        compare(name, found[name], expected, tolerances, plan, X, groups)


def run(proto: ModelProto, X: np.ndarray, groups: np.ndarray | None = None) -> dict[str, Any]:
    """Run a graph with ONNX Runtime; return its outputs by name."""
    onnxruntime = require("onnxruntime", extra="onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # an error that it raises, it would print too
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feeds = {"X": X}
    if groups is not None:
        feeds["groups"] = groups.astype(groups_dtype(groups))
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


# --- inputs, and what the model says of them ------------------------------------------------------


def inputs_for(model: Any, plan: Plan) -> tuple[np.ndarray, np.ndarray | None]:
    """Return random inputs, extreme ones, and a group for each row where there are groups."""
    rng = np.random.default_rng(0)
    extremes = np.array([np.full(plan.n_features, value) for value in EXTREMES])
    mixed = rng.choice(EXTREMES, (len(EXTREMES), plan.n_features))
    width = sum(len(s.numbers) * max(s.sizes) for s in plan.stacks)
    n = min(N_RANDOM, 1 + MOST // width)
    Z = np.concatenate([rng.normal(0, 1, (n, plan.n_features)), extremes, mixed])
    scaling = getattr(model, "_scaling", None)
    if scaling is not None:
        Z = Z * scaling.scale + scaling.mean
    elif plan.stacks[0].shift is not None:
        Z = Z + plan.stacks[0].shift[0]
    groups = None if plan.groups is None else rng.choice(plan.groups.keys, len(Z))
    return Z.astype(plan.dtype), groups


def predictions(
    model: Any, plan: Plan, X: np.ndarray, groups: np.ndarray | None = None,
    coverage: float | None = None,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Return what a model itself says, by the names of the graph's outputs."""
    second = second_output(plan)
    if plan.method == "forward":
        labels = {} if plan.decision is None else {"label": model.predict(X)}
        return {**labels, second: model.forward(X)}
    model = without_names(model)
    given = {} if groups is None else {"groups": groups}
    found: dict[str, np.ndarray] = {}
    if plan.decision is not None:
        found["label"] = as_array(model.predict(X, **given))
        method = "predict_proba" if second == "probabilities" else "decision_function"
        found[second] = getattr(model, method)(X, **given)
    else:
        found[second] = model.predict(X, **given)
        if plan.combine == "mean":
            found["spread"] = model.predict(X, return_std=True)[1]
        if coverage is not None:
            found["low"], found["high"] = model.predict_interval(X, coverage)
    return {name: _columns(name, values) for name, values in found.items()}


def _columns(name: str, values: np.ndarray) -> np.ndarray:
    return values[:, None] if name != "label" and values.ndim == 1 else values


def as_array(labels: Any) -> np.ndarray:
    """Return labels as an array, also those of a classifier fitted to a sparse matrix of them."""
    return labels.toarray() if hasattr(labels, "toarray") else labels


def without_names(model: Any) -> Any:
    """Return a model that takes rows without names, and groups apart, to be asked only."""
    twin = object.__new__(type(model))
    twin.__dict__.update(model.__dict__)
    twin.__dict__.pop("feature_names_in_", None)
    if getattr(model, "_linear", None) is not None:
        twin._linear = model._linear.copy()  # predicting brings coefficients up to date
    like = getattr(model, "_like", None)
    if like is not None:
        twin._like, twin.groups = without_names(like), None
        twin.n_features_in_ = like.n_features_in_
    pooled = getattr(model, "pooled_estimator_", None)
    if pooled is not None:
        twin.pooled_estimator_ = without_names(pooled)
    return twin


# --- how much they may differ ---------------------------------------------------------------------


def scales(plan: Plan, X: np.ndarray, groups: np.ndarray | None = None) -> np.ndarray:
    """Return how large the numbers are whose rounding each output suffers from, 1 at least.

    A running error analysis (Higham 2002, section 3.3): the error of a weighted sum is that of its
    inputs times ``abs(W)``, and that of its terms; an activation multiplies it by its slope.

    Returns
    -------
    ndarray of shape (..., n_samples, n_outputs)
        In front there are the networks of a fleet; otherwise the largest of all networks counts.
    """
    with np.errstate(all="ignore"):
        if plan.groups is not None:
            assert groups is not None
            networks = networks_of(groups, plan.groups)
            return _scales_of(plan.stacks[0], X[:, None], networks)[:, 0]
        parts = np.concatenate([_scales_of(stack, X) for stack in plan.stacks])
        numbers = np.concatenate([stack.numbers for stack in plan.stacks])
        return parts[np.argsort(numbers)] if plan.combine == "each" else parts.max(axis=0)


SLOPES = {"sigmoid": lambda a: a * (1 - a), "tanh": lambda a: 1 - a * a, "exp": lambda a: a}


def _scales_of(stack: Stack, X: np.ndarray, networks: np.ndarray | None = None) -> np.ndarray:
    some = slice(None) if networks is None else networks
    x = X.astype(np.float64)
    if stack.shift is not None:
        x = x - stack.shift[some][:, None, :]
    error = np.abs(x)
    for layer in stack.layers:
        W, b = layer.W[some].astype(np.float64), layer.b[some][:, None, :].astype(np.float64)
        z = x @ W + b
        error = (error + np.abs(x)) @ np.abs(W) + np.abs(b)
        x = ACTIVATIONS[layer.activation](z)
        if layer.activation in ("step", "sign"):  # where rounding decides, anything will do
            error = np.where(np.abs(z) > TOLERANCE[stack.dtype.name] * error, 0.0, np.inf)
        if layer.activation in SLOPES:
            error = error * SLOPES[layer.activation](x)
        error = error + np.maximum(np.abs(x), 1)
    return error


def compare(
    name: str, found: np.ndarray, expected: np.ndarray, tolerances: np.ndarray, plan: Plan,
    X: np.ndarray, groups: np.ndarray | None,
) -> None:  # fmt: skip
    """Raise RuntimeError if what the graph gives is not what the model says.

    Where outputs are so close to a threshold, or to each other, that rounding decides, either
    label will do.
    """
    if found.shape != expected.shape:
        raise RuntimeError(
            f"{plan.kind}: ONNX Runtime gives {name!r} of shape {found.shape}, the model "
            f"{expected.shape}"
        )
    if name == "label":
        wrong = (found != expected) & is_clear(plan, X, groups, tolerances)
        if wrong.any():
            raise RuntimeError(
                f"{plan.kind}: ONNX Runtime gives other labels for {wrong.sum()} of {wrong.size} "
                f"inputs, {found[wrong][0]!r} in place of {expected[wrong][0]!r} first"
            )
        return
    with np.errstate(invalid="ignore", over="ignore"):
        wide = expected.astype(np.float64)
        off = np.abs(found - wide)
        allowed = _allowed(name, tolerances, expected.shape[-1])
        wrong = np.isfinite(wide) & np.isfinite(allowed) & ~(off <= allowed)
    if wrong.any():
        k = np.unravel_index(np.argmax(np.where(wrong, off / allowed, 0)), wrong.shape)
        raise RuntimeError(
            f"{plan.kind} {plan.stacks[0].sizes} in {plan.dtype}: ONNX Runtime gives {name} "
            f"{found[k]!r} where the model gives {expected[k]!r}: {off[k]:.3g} apart, expected at "
            f"most {allowed[k]:.3g}"
        )


def _allowed(name: str, tolerances: np.ndarray, n_columns: int) -> np.ndarray:
    """Return what each number of an output may be off."""
    if name in ("variable", "outputs", "scores"):
        return tolerances
    widest = tolerances.max(axis=-1, keepdims=True)  # others depend on several outputs
    return np.repeat(widest, n_columns, axis=-1)


def is_clear(
    plan: Plan, X: np.ndarray, groups: np.ndarray | None, tolerances: np.ndarray
) -> np.ndarray:
    """Return where a label does not hang on rounding."""
    decision = plan.decision
    assert decision is not None
    with np.errstate(all="ignore"):
        out = evaluate(plan, X, groups).outputs
        if decision.rule == "argmax":
            top = np.sort(out, axis=-1)
            return np.asarray(top[..., -1] - top[..., -2] > 2 * tolerances.max(axis=-1))
        is_far = np.abs(out - decision.threshold) > tolerances
    return is_far[..., 0] if plan.n_outputs == 1 else is_far
