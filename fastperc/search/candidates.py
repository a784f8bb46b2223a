"""Candidates: a network's parameters, and those of the steps before it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import NamedTuple, TypeAlias

from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from ..estimators import MLPClassifier, MLPRegressor
from ..estimators.fleets import copied

PLAIN = (str, int, float, type(None))
Parameters: TypeAlias = Mapping[str, object]
Network: TypeAlias = MLPClassifier | MLPRegressor


class Candidate(NamedTuple):
    """What a choice of parameters makes of an estimator.

    Attributes
    ----------
    network : MLPClassifier or MLPRegressor
        Not fitted.
    steps : Pipeline or None
        All that comes before it, not fitted.
    steps_key : hashable
        Equal for candidates whose steps are the same.
    key : hashable
        Equal for candidates that differ in ``max_iter`` at most.
    """

    network: Network
    steps: Pipeline | None
    steps_key: Hashable
    key: Hashable


class Candidates:
    """Makes candidates of an estimator: a network, or a pipeline with one at its end.

    Attributes
    ----------
    prefix : str
        What the names of the network's parameters begin with.
    """

    def __init__(self, estimator: BaseEstimator):
        self.estimator = clone(estimator)
        network = network_of(self.estimator)
        assert network is not None
        self.network, self.prefix = network, prefix_of(self.estimator)
        self._names = set(self.network.get_params(deep=False))
        self._steps: dict[Hashable, Pipeline | None] = {}

    def of(self, parameters: Parameters) -> Candidate:
        """Return the candidate that parameters stand for.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        own, others = {}, {}
        for name, value in parameters.items():
            bare = name.removeprefix(self.prefix)
            if name.startswith(self.prefix) and bare in self._names:
                own[bare] = value
            else:
                others[name] = value
        key = key_of(others)
        if key not in self._steps:
            self._steps[key] = self._make_steps(others)
        network = copied(self.network, **own)
        own.pop("max_iter", None)
        return Candidate(network, self._steps[key], key, (key, key_of(own)))

    def _make_steps(self, parameters: Parameters) -> Pipeline | None:
        changed = clone(self.estimator).set_params(**clone(parameters, safe=False))
        return changed[:-1] if isinstance(changed, Pipeline) and len(changed) > 1 else None


def network_of(estimator: BaseEstimator) -> Network | None:
    """Return the network at the end of an estimator, if there is one that can share a fleet."""
    is_pipeline = isinstance(estimator, Pipeline) and estimator.steps
    last = estimator.steps[-1][1] if is_pipeline else estimator
    return last if type(last) in (MLPClassifier, MLPRegressor) else None


def prefix_of(estimator: BaseEstimator) -> str:
    """Return what the names of the parameters of `network_of` begin with."""
    return f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""


def key_of(parameters: Parameters) -> Hashable:
    """Return a key that equal parameters share; objects are equal to themselves only."""
    return tuple(
        (name, type(value), value if isinstance(value, PLAIN) else id(value))
        for name, value in sorted(parameters.items())
    )
