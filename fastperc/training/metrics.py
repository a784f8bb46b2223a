"""Metrics: what else than the loss is computed after each epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .. import checks
from ..deadline import Deadline
from ..model.dense import Dense
from ..model.evaluate import outputs
from ..model.samples import Samples

Metric = Callable[[np.ndarray, np.ndarray], object]
TAKEN = ("loss", "validation_loss")  # names that a `History` has for something else


def accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Return the share of samples all of whose labels are right."""
    equal = y_true == y_pred
    return float(np.mean(equal if equal.ndim == 1 else equal.all(axis=1)))


def mean_squared_error(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Return the mean of ``(y_true - y_pred)**2`` over samples and outputs."""
    return float(np.mean(_difference(y_true, y_pred) ** 2))


def mean_absolute_error(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Return the mean of ``abs(y_true - y_pred)`` over samples and outputs."""
    return float(np.mean(np.abs(_difference(y_true, y_pred))))


def r2(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Return the coefficient of determination, its mean over outputs where there are several.

    ``1 - sum((y_true - y_pred)**2) / sum((y_true - mean(y_true))**2)``; for an output whose targets
    are all the same, 1 if all are met and otherwise 0. NaN for fewer than two samples.
    """
    if len(y_true) < 2:
        return float("nan")
    left = (_difference(y_true, y_pred) ** 2).sum(axis=0)
    centred = _difference(y_true, np.mean(y_true, axis=0, dtype=np.float64))
    total = (centred**2).sum(axis=0)
    constant = total == 0
    scores = np.where(constant, left == 0, 1 - left / np.where(constant, 1, total))
    return float(scores.mean())


def _difference(a: np.ndarray, b: np.ndarray | np.floating) -> np.ndarray:
    return np.subtract(a, b, dtype=np.float64)


METRICS: Mapping[str, Metric] = {
    function.__name__: function
    for function in (accuracy, mean_squared_error, mean_absolute_error, r2)
}


def check_metrics(metrics: object) -> dict[str, Metric]:
    """Return the functions that names, functions, a list or a dict of these stand for."""
    if metrics is None:
        return {}
    if isinstance(metrics, Mapping):
        for name in metrics:
            if not isinstance(name, str):
                raise TypeError(f"metrics: found the key {name!r:.60}, expected a name")
        pairs = [(name, _function_of(metric)) for name, metric in metrics.items()]
    elif isinstance(metrics, Sequence) and not isinstance(metrics, str):
        pairs = [_named(metric) for metric in metrics]
    else:
        pairs = [_named(metrics)]
    functions = dict(pairs)
    for name, _ in pairs:
        if name in TAKEN:
            raise ValueError(
                f"metrics: found one called {name!r}, which History keeps by itself, expected "
                "another name. Give {name: function}"
            )
    if len(functions) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            f"metrics: found {twice!r} twice, expected different names. Give {{name: function}}"
        )
    return functions


def _named(metric: object) -> tuple[str, Metric]:
    function = _function_of(metric)
    if isinstance(metric, str):
        return metric, function
    return getattr(metric, "__name__", type(metric).__name__), function


def _function_of(metric: object) -> Metric:
    if callable(metric):
        return metric
    if isinstance(metric, str) and metric in METRICS:
        return METRICS[metric]
    kind = ValueError if isinstance(metric, str) else TypeError
    raise kind(
        f"metrics: found {metric!r:.60}, expected one of {', '.join(METRICS)}, or a function of "
        "(y_true, y_pred)"
    )


class Metrics:
    """The metrics of a training run, computed on some samples after each epoch.

    Parameters
    ----------
    functions : dict
        From `check_metrics`.
    model : Dense
    named : function
        Turns outputs, or targets, into what `Network.predict` gives.
    samples : Samples, optional
        By default those that `meet` was told of since the last time.
    threads : int
    """

    def __init__(
        self,
        functions: dict[str, Metric],
        model: Dense,
        named: Callable[[np.ndarray], np.ndarray],
        samples: Samples | None = None,
        threads: int = 1,
    ):
        self.functions, self.model, self.named = functions, model, named
        self.samples, self.threads = samples, threads
        self.met: list[tuple[np.ndarray, np.ndarray]] = []  # targets and outputs

    def meet(self, samples: Samples, deadline: Deadline) -> None:
        """Take note of targets and present outputs of samples, where none were given before."""
        if self.samples is None:
            self.met.append((samples.Y, outputs(self.model, samples.X, self.threads, deadline)))

    def forget(self) -> None:
        """Begin an epoch."""
        self.met = []

    def compute(self, deadline: Deadline) -> dict[str, float]:
        """Return each metric's value.

        Raises
        ------
        OutOfTimeError
            See `Deadline.check`.
        """
        if self.samples is not None:
            self.forget()
            out = outputs(self.model, self.samples.X, self.threads, deadline)
            self.met.append((self.samples.Y, out))
        y_true, y_pred = (self.named(np.concatenate(part)) for part in zip(*self.met, strict=True))
        with deadline.interrupts_allowed():
            return {
                name: _as_float(function(y_true, y_pred), name)
                for name, function in self.functions.items()
            }


def _as_float(value: object, name: str) -> float:
    """Return what a metric gave, NaN and infinity included, as a float."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, (float, np.floating)):
        return float(value)
    return checks.check_number(value, f"metrics[{name!r}]")
