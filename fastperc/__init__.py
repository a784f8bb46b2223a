"""fastperc: the perceptron family, compiled.

Perceptrons and small dense networks, trained on a CPU at the speed of hand-written C.

>>> from fastperc import Network
>>> net = Network((2, 4, 1), hidden="tanh", output="sigmoid", loss="log_loss", seed=0)
>>> history = net.train([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], epochs=2000, lr=0.5)
>>> net.predict([[0, 1], [1, 1]]).tolist()
[1, 0]

Public names are loaded when they are first used: ``import fastperc`` alone costs a program nothing,
and brings in neither the compiler nor scikit-learn.
"""

from __future__ import annotations

from . import _moved  # noqa: F401

TYPE_CHECKING = False
if TYPE_CHECKING:  # what editors and type checkers see
    import typing

    from . import datasets, plots, schedules, tutorials
    from .comparing import Comparison, compare
    from .errors import DivergedError, ModelFileError, ModelVersionWarning
    from .estimators import (
        FTRLClassifier,
        FTRLRegressor,
        GroupedMLPClassifier,
        GroupedMLPRegressor,
        MLPClassifier,
        MLPEnsembleClassifier,
        MLPEnsembleRegressor,
        MLPRegressor,
        PassiveAggressiveClassifier,
        PassiveAggressiveRegressor,
        Perceptron,
        SGDClassifier,
        SGDRegressor,
        fit_groups,
    )
    from .exports.c import to_c
    from .exports.onnx_converters import register_skl2onnx
    from .exports.onnx_export import to_onnx
    from .exports.python import to_python
    from .fleet import Fleet
    from .network import Network
    from .results import ResultsTable
    from .saving import load, save
    from .search import GridSearchCV, HalvingRandomSearchCV, RandomizedSearchCV
    from .training import History

__version__ = "0.1.1"  # here too: a zip archive or a frozen application may have no metadata

__all__ = [
    "Comparison",
    "DivergedError",
    "FTRLClassifier",
    "FTRLRegressor",
    "Fleet",
    "GridSearchCV",
    "GroupedMLPClassifier",
    "GroupedMLPRegressor",
    "HalvingRandomSearchCV",
    "History",
    "MLPClassifier",
    "MLPEnsembleClassifier",
    "MLPEnsembleRegressor",
    "MLPRegressor",
    "ModelFileError",
    "ModelVersionWarning",
    "Network",
    "PassiveAggressiveClassifier",
    "PassiveAggressiveRegressor",
    "Perceptron",
    "RandomizedSearchCV",
    "ResultsTable",
    "SGDClassifier",
    "SGDRegressor",
    "__version__",
    "compare",
    "datasets",
    "fit_groups",
    "load",
    "plots",
    "register_skl2onnx",
    "save",
    "schedules",
    "to_c",
    "to_onnx",
    "to_python",
    "tutorials",
]

# Where each public name lives. A test holds this table, __all__ and the imports above together.
_HOMES = {
    "Comparison": "comparing",
    "DivergedError": "errors",
    "FTRLClassifier": "estimators",
    "FTRLRegressor": "estimators",
    "Fleet": "fleet",
    "GridSearchCV": "search",
    "GroupedMLPClassifier": "estimators",
    "GroupedMLPRegressor": "estimators",
    "HalvingRandomSearchCV": "search",
    "History": "training",
    "MLPClassifier": "estimators",
    "MLPEnsembleClassifier": "estimators",
    "MLPEnsembleRegressor": "estimators",
    "MLPRegressor": "estimators",
    "ModelFileError": "errors",
    "ModelVersionWarning": "errors",
    "Network": "network",
    "PassiveAggressiveClassifier": "estimators",
    "PassiveAggressiveRegressor": "estimators",
    "Perceptron": "estimators",
    "RandomizedSearchCV": "search",
    "ResultsTable": "results",
    "SGDClassifier": "estimators",
    "SGDRegressor": "estimators",
    "compare": "comparing",
    "fit_groups": "estimators",
    "load": "saving",
    "register_skl2onnx": "exports.onnx_converters",
    "save": "saving",
    "to_c": "exports.c",
    "to_onnx": "exports.onnx_export",
    "to_python": "exports.python",
}
_SUBMODULES = frozenset({"datasets", "plots", "schedules", "tutorials"})


def __getattr__(name: str) -> typing.Any:
    """Load a public name at its first use (PEP 562), or a file that a docstring sends to."""
    import importlib.util

    if name in _HOMES:
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    elif not name.startswith("_") and importlib.util.find_spec(f"{__name__}.{name}"):
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
