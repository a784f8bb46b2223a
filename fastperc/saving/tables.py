"""Models of tables: a pipeline of `TableEncoder` and network, and the record of its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields as fields_of

import numpy as np
from sklearn.pipeline import Pipeline

from ..estimators import MLPClassifier, MLPRegressor
from ..files.safetensors import JsonObject
from ..tables.columns import MISSING, TASKS, Understanding
from ..tables.encoding import TableEncoder
from ..tables.records import Candidate, TrainingRecord
from . import fields
from .columns import COLUMN, columns_of, encodings_of, encodings_state
from .fields import a, array, count, finite, list_of, optional, real, text
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

LEARNED = {"encodings_", "feature_names_in_", "n_features_in_", "notes_"}
CHOSEN = ("numbers", "categories", "dates")  # parameters: names of columns


def _state_of_encoder(encoder: TableEncoder) -> dict[str, object]:
    given = encoder.get_params(deep=False)
    refuse_unknown(encoder, {*given, *LEARNED})
    chosen = {
        name: None if given[name] is None else np.array([*given[name]], object) for name in CHOSEN
    }
    learned = getattr(encoder, "encodings_", None)
    return {
        "parameters": given | chosen,
        "encodings": None if learned is None else encodings_state(learned),
    }


def _encoder(state: JsonObject) -> TableEncoder:
    found = fields.take(state, {"parameters": a(dict), "encodings": optional(encodings_of)})
    parameters, encodings = found["parameters"], found["encodings"]
    for name in CHOSEN:
        names = optional(array("UO", 1))(parameters.get(name), name)
        if names is not None:
            parameters[name] = tuple(list_of(text)(names.tolist(), name))
    encoder = with_parameters(TableEncoder, parameters)
    if encodings is not None:
        names = [encoding.name for encoding in encodings]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"encodings: found the columns {names!r:.60}, expected each once")
        encoder.encodings_ = encodings
        encoder.feature_names_in_ = np.array(names, object)
        encoder.n_features_in_ = len(names)
    return encoder


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


UNDERSTANDING: dict[str, fields.Check] = {
    "table": text, "n_rows": count, "target": text, "task": _one_of(*TASKS),
    "columns": columns_of, "missing": _one_of(*MISSING), "classes": array("biufUO", 1),
    "class_counts": array("i", 1), "stated": list_of(text), "warnings": list_of(text),
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


def _state_of_understanding(found: Understanding) -> dict[str, object]:
    return vars(found) | {
        "columns": COLUMN.arrays(found.columns),
        "classes": _as_array(found.classes),
        "class_counts": np.array(found.class_counts, np.int64),
    }


def _as_array(values: Sequence[object]) -> np.ndarray:
    """Return labels, or names, as an array: texts as objects, as they may have any length."""
    is_text = all(isinstance(value, str) for value in values)
    return np.array([*values], object if is_text else None)


def _understanding(state: JsonObject) -> Understanding:
    found = fields.take(state, UNDERSTANDING)
    for name in ("classes", "class_counts"):
        found[name] = tuple(found[name].tolist())
    return Understanding(**found)


def _state_of_run(run: TrainingRecord) -> dict[str, object]:
    state = {field.name: getattr(run, field.name) for field in fields_of(run)}
    plain = (bool, int, float, str, type(None))
    options = {
        name: _as_array([*value]) if isinstance(value, (list, tuple, set, frozenset)) else
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
    for name, value in found["options"].items():
        if isinstance(value, np.ndarray):
            found["options"][name] = value.tolist()
    return TrainingRecord(**found)


RECORDS = [
    Record("TablePipeline", Pipeline, _state_of_pipeline, _pipeline),
    Record("TableEncoder", TableEncoder, _state_of_encoder, _encoder),
    Record("Understanding", Understanding, _state_of_understanding, _understanding),
    Record("Candidate", Candidate, vars, lambda s: Candidate(**fields.take(s, CANDIDATE))),
    Record("TrainingRecord", TrainingRecord, _state_of_run, _run),
]  # fmt: skip
