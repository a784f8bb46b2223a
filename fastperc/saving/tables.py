"""Models of tables: a pipeline of `TableEncoder` and network, and the record of its training."""

from __future__ import annotations

from dataclasses import fields as fields_of

import numpy as np
from sklearn.pipeline import Pipeline

from ..estimators import MLPClassifier, MLPRegressor
from ..files.safetensors import JsonObject
from ..tables.columns import MISSING, ROLES, TASKS, Column, Understanding
from ..tables.encoding import TableEncoder
from ..tables.encodings import PARTS, CategoryEncoding, DateEncoding, NumberEncoding
from ..tables.records import Candidate, TrainingRecord
from . import fields
from .fields import a, array, count, finite, flag, list_of, optional, real, text
from .networks import refuse_unknown, with_parameters
from .values import Record

STEPS = ("columns", "model")

# --- pipelines -----------------------------------------------------------------------------------


def is_of_table(model: object) -> bool:
    """Return whether something is a pipeline as `fastperc.tables.train` makes them."""
    if not isinstance(model, Pipeline) or [name for name, _ in model.steps] != [*STEPS]:
        return False
    encoder, network = (step for _, step in model.steps)
    return type(encoder) is TableEncoder and type(network) in (MLPClassifier, MLPRegressor)


def _state_of_pipeline(pipeline: Pipeline) -> dict[str, object]:
    if not is_of_table(pipeline):
        raise ValueError(
            f"steps: found {[*pipeline.named_steps]!r:.60}, expected a TableEncoder 'columns' and "
            "an MLPClassifier or MLPRegressor 'model'. Save the model in the last step, or the "
            "pipeline with skops"
        )
    encoder, model = (step for _, step in pipeline.steps)
    return {"columns": encoder, "model": model, "run": getattr(pipeline, "run_", None)}


def _pipeline(state: JsonObject) -> Pipeline:
    found = fields.take(
        state,
        {"columns": a(TableEncoder), "model": a((MLPClassifier, MLPRegressor)),
         "run": optional(a(TrainingRecord))},
    )  # fmt: skip
    encoder, model = found["columns"], found["model"]
    width = getattr(model, "n_features_in_", None)
    if hasattr(encoder, "encodings_") and width is not None and encoder.n_outputs_ != width:
        raise ValueError(f"columns: found {encoder.n_outputs_} outputs, expected {width}")
    pipeline = Pipeline([*zip(STEPS, (encoder, model), strict=True)])
    if found["run"] is not None:
        pipeline.run_ = found["run"]
    return pipeline


# --- the encoder ---------------------------------------------------------------------------------

ENCODINGS = (NumberEncoding, CategoryEncoding, DateEncoding)
LEARNED = {"encodings_", "feature_names_in_", "n_features_in_", "notes_"}


def _state_of_encoder(encoder: TableEncoder) -> dict[str, object]:
    given = encoder.get_params(deep=False)
    refuse_unknown(encoder, {*given, *LEARNED})
    names = ("numbers", "categories", "dates")
    plain = {name: None if given[name] is None else [*given[name]] for name in names}
    return {"parameters": given | plain, "encodings": getattr(encoder, "encodings_", None)}


def _encoder(state: JsonObject) -> TableEncoder:
    found = fields.take(
        state, {"parameters": a(dict), "encodings": optional(list_of(a(ENCODINGS)))}
    )
    for name in ("numbers", "categories", "dates"):
        optional(list_of(text))(found["parameters"].get(name), name)
    encoder = with_parameters(TableEncoder, found["parameters"])
    encodings = found["encodings"]
    if encodings is not None:
        names = [encoding.name for encoding in encodings]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"encodings: found the columns {names!r:.60}, expected each once")
        encoder.encodings_ = encodings
        encoder.feature_names_in_ = np.array(names, object)
        encoder.n_features_in_ = len(names)
    return encoder


def _number(state: JsonObject) -> NumberEncoding:
    found = fields.take(
        state,
        {"name": text, "mean": finite, "scale": finite, "middle": finite,
         "width_of_middle": finite, "has_indicator": flag},
    )  # fmt: skip
    if found["scale"] <= 0 or found["width_of_middle"] < 0:
        raise ValueError("scale: found one that is not positive")
    return NumberEncoding(**found)


def _category(state: JsonObject) -> CategoryEncoding:
    found = fields.take(
        state,
        {"name": text, "categories": array("UO", 1), "rare": array("UO", 1), "has_missing": flag,
         "is_text": flag},
    )  # fmt: skip
    for name in ("categories", "rare"):
        found[name] = tuple(text(one, name) for one in found[name].tolist())
    known = [*found["categories"], *found["rare"]]
    if len(set(known)) < len(known):
        raise ValueError("categories: found one twice")
    return CategoryEncoding(**found)


def _state_of_category(encoding: CategoryEncoding) -> dict[str, object]:
    texts = {name: np.array(getattr(encoding, name), object) for name in ("categories", "rare")}
    return vars(encoding) | texts


def _date(state: JsonObject) -> DateEncoding:
    found = fields.take(
        state,
        {"name": text, "mean": finite, "scale": finite, "parts": a(tuple), "has_indicator": flag},
    )
    if found["scale"] <= 0 or any(part not in PARTS for part in found["parts"]):
        raise ValueError(f"parts: found {found['parts']!r:.60}, expected some of {[*PARTS]}")
    return DateEncoding(**found)


# --- the record ----------------------------------------------------------------------------------


def _one_of(*values: str) -> fields.Check:
    def check(value: object, name: str) -> str:
        found = text(value, name)
        if found not in values:
            raise ValueError(f"{name}: found {found!r:.60}, expected one of {', '.join(values)}")
        return found

    return check


def _tuple_of(check: fields.Check) -> fields.Check:
    def check_all(value: object, name: str) -> tuple[object, ...]:
        if not isinstance(value, tuple):
            raise ValueError(f"{name}: found {value!r:.60}, expected a tuple")
        return tuple(check(item, name) for item in value)

    return check_all


COLUMN: dict[str, fields.Check] = {
    "name": text, "role": _one_of(*ROLES), "why": text, "n_missing": count, "n_distinct": count,
}  # fmt: skip
UNDERSTANDING: dict[str, fields.Check] = {
    "table": text, "n_rows": count, "target": text, "task": _one_of(*TASKS),
    "columns": _tuple_of(a(Column)), "missing": _one_of(*MISSING), "classes": a(tuple),
    "class_counts": _tuple_of(count), "stated": list_of(text), "warnings": list_of(text),
}  # fmt: skip
CANDIDATE: dict[str, fields.Check] = {
    "name": text, "parameters": a(dict), "score": real, "spread": real,
    "fold_scores": _tuple_of(real), "epochs": count, "seconds": finite, "ended": text,
}  # fmt: skip
RUN: dict[str, fields.Check] = {
    "understanding": a(Understanding), "options": a(dict), "score_name": text, "score": real,
    "baseline": real, "candidates": list_of(a(Candidate)), "loss_curve": list_of(real),
    "validation_curve": list_of(real), "n_training": count, "n_held": count,
    "held_rows": array("i", 1), "held_target": array("biufUO", 1),
    "held_prediction": array("biufUO", 1), "held_probability": optional(array("f", 2)),
    "held_weight": optional(array("f", 1)), "seconds": a(dict), "stopped": text,
}  # fmt: skip


def _state_of_run(run: TrainingRecord) -> dict[str, object]:
    state = {field.name: getattr(run, field.name) for field in fields_of(run)}
    plain = (bool, int, float, str, type(None))
    options = {
        name: [*value] if isinstance(value, (list, tuple, set, frozenset)) else
        value if isinstance(value, plain) else str(value)
        for name, value in run.options.items()
    }  # fmt: skip
    return state | {"options": options}


def _run(state: JsonObject) -> TrainingRecord:
    found = fields.take(state, RUN)
    n = len(found["held_rows"])
    for name in ("held_target", "held_prediction", "held_probability", "held_weight"):
        if found[name] is not None and len(found[name]) != n:
            raise ValueError(f"{name}: found {len(found[name])} rows, expected {n}")
    if not found["candidates"]:
        raise ValueError("candidates: found none")
    return TrainingRecord(**found)


RECORDS = [
    Record("TablePipeline", Pipeline, _state_of_pipeline, _pipeline),
    Record("TableEncoder", TableEncoder, _state_of_encoder, _encoder),
    Record("NumberEncoding", NumberEncoding, vars, _number),
    Record("CategoryEncoding", CategoryEncoding, _state_of_category, _category),
    Record("DateEncoding", DateEncoding, vars, _date),
    Record("Column", Column, vars, lambda state: Column(**fields.take(state, COLUMN))),
    Record(
        "Understanding", Understanding, vars,
        lambda state: Understanding(**fields.take(state, UNDERSTANDING)),
    ),
    Record("Candidate", Candidate, vars, lambda s: Candidate(**fields.take(s, CANDIDATE))),
    Record("TrainingRecord", TrainingRecord, _state_of_run, _run),
]  # fmt: skip
