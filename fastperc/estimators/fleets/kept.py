"""What is kept of estimators that were fitted together: all but the samples."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ...model.dense_fleet import DenseFleet, FleetRule, FleetSamples
from ...model.evaluate import forward_scratch, outputs
from ..base import BaseMLP
from ..inputs import Inputs, narrowed
from ..labels import Labels
from .building import dense_of
from .data import Data, unfitted
from .endings import loss_curves
from .fleet_fit import FleetFit, Task
from .jobs import Job, Plan
from .orders import JobOrders
from .outcomes import Outcome
from .validation import FleetValidation
from .watcher import FitWatcher, Stopping


class KeptNetworks:
    """Fitted networks, made into estimators one by one when they are asked for.

    Parameters
    ----------
    outcomes : sequence of Outcome
        None of them with an error.
    """

    def __init__(self, outcomes: Sequence[Outcome]):
        fleets: dict[int, KeptFleet] = {}
        self._outcomes = [_without_samples(outcome, fleets) for outcome in outcomes]

    @classmethod
    def of_outcomes(cls, outcomes: Sequence[Outcome]) -> KeptNetworks:
        """Return networks that were kept before, by their outcomes."""
        networks = object.__new__(cls)
        networks._outcomes = [*outcomes]
        return networks

    def __len__(self) -> int:
        return len(self._outcomes)

    def estimator(self, i: int) -> BaseMLP:
        """Return network ``i`` as a fitted estimator: the same one each time."""
        return self._outcomes[i].estimator

    def labels(self, i: int) -> Labels | None:
        """Return the labels of network ``i`` of a classifier where these are its own."""
        outcome = self._outcomes[i]
        return getattr(self.estimator(i), "_labels", None) if outcome.fleet is None else None

    def loss_curves(self, is_kept: np.ndarray) -> np.ndarray:
        """Return the training losses of jobs, NaN after the end and where there is no network.

        Parameters
        ----------
        is_kept : ndarray of bool of shape (n_jobs,)
            Which jobs led to the networks that are kept.

        Returns
        -------
        ndarray of float64 of shape (n_epochs, n_jobs)
        """
        found = loss_curves(self._outcomes)
        curves = np.full((len(found), len(is_kept)), np.nan)
        curves[:, is_kept] = found
        return curves

    def outputs(self, X: Inputs, threads: int = 1) -> np.ndarray:
        """Return the outputs of all networks, in the targets' units, for inputs that were checked.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        threads : int

        Returns
        -------
        ndarray of shape (n_networks, n_samples, n_outputs)
        """
        parts, places = [], []
        for fleet, numbers in self._fleets():
            if fleet is None or not isinstance(X, np.ndarray):
                parts += [self.estimator(i)._outputs_of_checked(X)[None] for i in numbers]
            else:
                at = np.array([self._outcomes[i].place for i in numbers])
                inputs = narrowed(X, fleet.fleet.dense.dtype, "X")
                parts.append(fleet.outputs(at, inputs, threads))
            places += numbers
        return np.concatenate(parts)[np.argsort(places)]

    def outputs_of_each(self, X: Inputs, which: np.ndarray, begins: np.ndarray) -> list[np.ndarray]:
        """Return the outputs of some networks, each for rows of its own.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            Checked inputs.
        which : ndarray of int of shape (n,)
            The networks.
        begins : ndarray of int of shape (n + 1,)
            Network ``which[k]`` takes rows ``begins[k]`` to ``begins[k + 1]``.

        Returns
        -------
        list of ndarray of shape (begins[k + 1] - begins[k], n_outputs)
        """
        is_dense = isinstance(X, np.ndarray)
        found: list[np.ndarray] = []
        nets: dict[int, _Applied] = {}
        for i, first, last in zip(
            which.tolist(), begins[:-1].tolist(), begins[1:].tolist(), strict=True
        ):
            outcome = self._outcomes[i]
            fleet = outcome.fleet
            if fleet is None or not is_dense:
                found.append(self.estimator(i)._outputs_of_checked(X[first:last]))
                continue
            if id(fleet) not in nets:
                nets[id(fleet)] = _Applied(fleet, X)
            found.append(nets[id(fleet)](outcome.place, slice(first, last)))
        return found

    def _fleets(self) -> Iterator[tuple[FleetFit | None, list[int]]]:
        """Yield each fleet and the numbers of its networks; None for those fitted alone."""
        numbers: dict[int, list[int]] = {}
        fleets: dict[int, FleetFit | None] = {}
        for i, outcome in enumerate(self._outcomes):
            numbers.setdefault(id(outcome.fleet), []).append(i)
            fleets[id(outcome.fleet)] = outcome.fleet
        for key, some in numbers.items():
            yield fleets[key], some


class _Applied:
    """The networks of a fleet, applied one after the other to rows of X."""

    def __init__(self, fleet: FleetFit, X: np.ndarray):
        dense = fleet.fleet.dense
        self.theta = fleet.theta(np.arange(len(fleet.fleet)))
        self.model = dense.astype(dense.dtype)
        self.X = narrowed(X, dense.dtype, "X")
        self.scratch = forward_scratch(self.model)

    def __call__(self, i: int, rows: slice) -> np.ndarray:
        """Return the outputs of network ``i``."""
        self.model.theta[:] = self.theta[i]  # one model for all: its tables are made once
        return outputs(self.model, self.X[rows], scratch=self.scratch)


class KeptFleet(FleetFit):
    """A fleet whose training is over, without the samples and what refers to them.

    Attributes
    ----------
    like : BaseMLP
        The first network, by whose configuration a pickle makes the others'.
    """

    like: BaseMLP

    @classmethod
    def of(cls, fleet: FleetFit) -> KeptFleet:
        """Return what is kept of a fleet."""
        nothing = np.empty(0)
        kept, data, watcher = object.__new__(cls), copy.copy(fleet.data), copy.copy(fleet.watcher)
        data.X, data.Y, data._narrow, data._targets = data.X[:0], data.Y[:0], {}, {}
        if watcher.validation is not None:  # that there was one still counts
            watcher.validation = object.__new__(FleetValidation)
        vars(kept).update(vars(fleet))
        kept.like, kept.data, kept.watcher = fleet.estimator(0), data, watcher
        kept.samples = FleetSamples(nothing, nothing, nothing)
        kept.orders = JobOrders(fleet.orders.which, (), (), ())
        kept.tasks = [
            replace(task, job=_bare(task.job), rows=nothing, weight=None) for task in fleet.tasks
        ]
        return kept

    @classmethod
    def restored(
        cls,
        estimators: Sequence[BaseMLP],
        labels: Labels | None,
        features: Mapping[str, object],
        theta: np.ndarray,
        n_outputs: int,
        *,
        rule: tuple[int, np.ndarray, np.ndarray, np.ndarray],
        n_samples: np.ndarray,
        validates: bool,
        numbers: Mapping[str, np.ndarray | None],
        reasons: np.ndarray,
        seconds: np.ndarray,
    ) -> KeptFleet:
        """Return a fleet that was kept before, by what it was.

        Parameters
        ----------
        estimators : sequence of BaseMLP
            Parameters of the networks.
        labels : Labels or None
        features : mapping
            Fitted attributes that name and count the features.
        theta : ndarray of shape (n_networks, n_parameters)
        n_outputs : int
        rule : (code, settings, state, step_state)
            As in `FleetRule`.
        n_samples : ndarray of int of shape (n_networks,)
        validates : bool
            Whether there was a validation set.
        numbers : mapping of str to ndarray
            Attributes of the watcher.
        reasons, seconds : ndarray of shape (n_networks,)

        Raises
        ------
        ValueError
            If ``theta`` has not the parameters of such networks.
        """
        nothing, n = np.empty(0), len(estimators)
        plans = [Plan.of(estimator) for estimator in estimators]
        if any(plan.settings != plans[0].settings for plan in plans):
            raise ValueError("estimators: found networks of several kinds in a fleet")
        kept = object.__new__(cls)
        kept.data = Data.of_features(features, labels, n_outputs)
        like = unfitted(estimators[0], **kept.data.attributes(labels))
        dense = dense_of(plans[0].settings, like, theta.dtype)
        if dense.theta.size != theta.shape[1]:
            raise ValueError(
                f"theta: found {theta.shape[1]} parameters, expected {dense.theta.size}"
            )
        kept.tasks = [
            Task(i, Job(estimator), plan, labels, nothing, None, 1.0, 1, False)
            for i, (estimator, plan) in enumerate(zip(estimators, plans, strict=True))
        ]
        kept.out_activation, kept.batch_size = dense.output, 1
        kept.fleet = DenseFleet(dense, theta)
        code, settings, state, step_state = rule
        kept.rule = FleetRule(code, settings, kept.fleet)
        kept.rule.state[:], kept.rule.step_state[:] = state, step_state
        none = np.zeros(n)
        stopping = Stopping(none, none, none, none, none, n_samples, none)
        validation = object.__new__(FleetValidation) if validates else None
        kept.watcher = FitWatcher(stopping, "constant", 1.0, validation)
        vars(kept.watcher).update(numbers)
        kept.samples = FleetSamples(nothing, nothing, nothing)
        kept.orders = JobOrders(np.zeros(n, np.int64), (), (), ())
        kept.reasons, kept.seconds = reasons, seconds
        kept.like = kept.estimator(0)
        return kept

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "fleet": None, "theta": self.fleet.theta}

    def __setstate__(self, state: dict[str, np.ndarray]) -> None:
        theta = state.pop("theta")
        vars(self).update(state)
        self.fleet = DenseFleet(self.like._network(), theta)


def _without_samples(outcome: Outcome, fleets: dict[int, KeptFleet]) -> Outcome:
    """Return an outcome that holds no samples; ``fleets`` has those that were met before."""
    job, fleet = _bare(outcome.job), outcome.fleet
    if fleet is None:
        return replace(outcome, job=job)
    if getattr(job.estimator, "class_weight", None) is not None:  # which counts labels now
        return replace(outcome, job=job, fleet=None, fitted=outcome.estimator)
    if id(fleet) not in fleets:
        fleets[id(fleet)] = KeptFleet.of(fleet)
    return replace(outcome, job=job, fleet=fleets[id(fleet)])


def _bare(job: Job) -> Job:
    """Return a job without its rows and weights."""
    return job._replace(rows=None, sample_weight=None)
