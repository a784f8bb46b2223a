"""A job: an estimator that is to be fitted, and what to; and what its parameters ask for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from sklearn.utils._param_validation import validate_parameter_constraints

from ...training.rules import STOCHASTIC
from ..base import BaseMLP
from ..batching import largest_batch
from ..classifier import MLPClassifier
from ..optimizer import pace_of, rule_of
from ..parameters import hidden_activations
from ..regressor import MLPRegressor
from ..settings import FitSettings, Settings, SolverSettings, read
from .data import PLAIN, names_of


class Job(NamedTuple):
    """An estimator to be fitted, as by ``clone(estimator).fit(X[rows], y[rows])``.

    Attributes
    ----------
    estimator : MLPClassifier or MLPRegressor
        Its parameters count; it is not changed. Jobs may share one.
    rows : ndarray of int, optional
        Which rows of X to learn from; by default all. Jobs that share an array are faster.
    sample_weight : ndarray of shape (n_samples,), optional
        A weight for each row of X, of which those of ``rows`` count.
    """

    estimator: BaseMLP
    rows: np.ndarray | None = None
    sample_weight: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """What the parameters of one estimator ask for."""

    estimator: BaseMLP
    fit: FitSettings
    solver: SolverSettings
    settings: Settings
    code: int
    numbers: np.ndarray

    @classmethod
    def of(cls, estimator: BaseMLP) -> Plan:
        """Read the parameters, which were checked."""
        solver = read(SolverSettings, estimator)
        settings = Settings.of(estimator._raw_settings())
        hidden_activations(settings.activation, len(settings.widths))  # raises if they do not fit
        return cls(estimator, read(FitSettings, estimator), solver, settings, *rule_of(solver))

    @cached_property
    def shared(self) -> tuple[object, ...]:
        """All that has to be the same in a fleet, but for what depends on the data."""
        fit = self.fit
        return (
            type(self.estimator), self.settings, self.code, self.numbers.tobytes(),
            largest_batch(fit.batch_size), fit.early_stopping, fit.scoring, fit.shuffle,
            fit.validation_fraction if fit.early_stopping else None, pace_of(self.solver),
        )  # fmt: skip


def goes_alone(estimator: BaseMLP) -> bool:
    """Return whether an estimator's own `fit` has to do it."""
    wishes = (
        estimator.clip_norm, estimator.callback, estimator.scale, estimator.time_limit,
        estimator.verbose, estimator.progress, estimator.warm_start,
    )  # fmt: skip
    return (
        type(estimator) not in (MLPClassifier, MLPRegressor)
        or estimator.solver not in STOCHASTIC
        or any(wishes)
        or (estimator.early_stopping and estimator.scoring not in (None, "loss"))
        or hasattr(estimator, "_skl_callbacks")
    )


class ParameterCheck:
    """scikit-learn's check of parameters, once for each value that was not met before."""

    def __init__(self) -> None:
        self._met: set[tuple[object, ...]] = set()

    def __call__(self, estimator: BaseMLP) -> None:
        """Raise InvalidParameterError as `fit` would."""
        kind = type(estimator)
        given = {name: getattr(estimator, name) for name in names_of(kind)}
        new = {name: value for name, value in given.items() if not self._has_met(kind, name, value)}
        if "loss" in new:  # of which a regressor has more to say
            estimator._validate_params()
        if new:
            validate_parameter_constraints(kind._parameter_constraints, new, kind.__name__)
        self._met |= {
            (kind, name, type(value), value)
            for name, value in new.items()
            if isinstance(value, PLAIN)
        }

    def _has_met(self, kind: type, name: str, value: object) -> bool:
        return isinstance(value, PLAIN) and (kind, name, type(value), value) in self._met
