"""From a table to a model that predicts: `train`, then `predict` and `evaluate`.

A table is a path to CSV, Parquet, Feather or Arrow, a DataFrame of pandas or polars, or whatever
speaks Arrow's PyCapsule interface. Needs pyarrow: ``pip install "fastperc[tables]"``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing

    from .describing import describe
    from .encoding import TableEncoder
    from .evaluating import evaluate
    from .predicting import predict
    from .records import TrainingRecord
    from .reporting import as_json, write_plot, write_report
    from .scripting import write_script
    from .training import train

__all__ = [
    "TableEncoder",
    "TrainingRecord",
    "as_json",
    "describe",
    "evaluate",
    "predict",
    "train",
    "write_plot",
    "write_report",
    "write_script",
]

_HOMES = {
    "TableEncoder": "encoding",
    "TrainingRecord": "records",
    "as_json": "reporting",
    "describe": "describing",
    "evaluate": "evaluating",
    "predict": "predicting",
    "train": "training",
    "write_plot": "reporting",
    "write_report": "reporting",
    "write_script": "scripting",
}


def __getattr__(name: str) -> typing.Any:
    """Load a public name at its first use: reading a model of a table needs no pyarrow."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
