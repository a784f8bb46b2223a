"""What both ensembles share of `fit`: members that are drawn, trained together and chosen."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, _safe_indexing, check_random_state
from sklearn.utils._param_validation import Interval

from ...checkpointing import resumable
from ...clients import on_client
from ..attempt import Attempt
from ..base import BaseMLP, checked_weight
from ..draws import streams_of
from ..fleets import Job, Outcome, fit_together
from ..fleets.endings import end_columns, is_diverged, warn_together
from ..fleets.kept import KeptNetworks
from ..inputs import Inputs, flat
from ..typed import fits
from ..validation import split
from ..warning import warn
from .fitted import FittedEnsemble
from .members import (
    bootstrap_counts,
    check_distributions,
    draw_parameters,
    draw_seeds,
    seed_of_network,
)
from .selection import Loss, select_greedily

OWN = {
    "n_members": [Interval(Integral, 1, None, closed="left")],
    "bootstrap": ["boolean"],
    "distributions": [None, Mapping],
    "n_selected": [None, Interval(Integral, 1, None, closed="left")],
    "n_jobs": [None, Integral],
}
LEFT_OUT = ("warm_start", "n_threads")  # members are new in each fit; n_jobs has threads


def constraints(member: Mapping[str, object]) -> dict[str, object]:
    """Return the constraints of an ensemble's parameters, from those of a member's."""
    kept = {name: allowed for name, allowed in member.items() if name not in LEFT_OUT}
    return {**kept, **OWN}


Given = tuple[object, object, object]  # X_val, y_val and their weights


class Held(NamedTuple):
    """Samples that members are chosen by, and none is trained on."""

    X: Inputs
    Y: np.ndarray
    weight: np.ndarray | None


class Drawn(NamedTuple):
    """Members before they are trained."""

    jobs: list[Job]
    parameters: list[dict[str, object]]
    seeds: list[int]
    weight: np.ndarray | None  # of all samples

    def columns(self) -> dict[str, Sequence[object] | np.ndarray]:
        """Return what a table tells of the members before they are trained."""
        names = self.parameters[0]
        drawn = {name: [values[name] for values in self.parameters] for name in names}
        return {"member": np.arange(len(self.seeds)), "seed": np.array(self.seeds), **drawn}

    def left_out(self) -> np.ndarray:
        """Return which samples the members did not draw, (n_members, n_samples)."""
        return np.stack([job.sample_weight == 0 for job in self.jobs])


class BaseMLPEnsemble(FittedEnsemble):
    """An ensemble of dense networks; see `MLPEnsembleClassifier` and `MLPEnsembleRegressor`."""

    # --- what the two kinds have of their own -------------------------------------------------

    def _loss_of_mean(self) -> Loss:
        """Return what members are chosen by."""
        raise NotImplementedError

    def _learn_from_residuals(
        self, X: Inputs, Y: np.ndarray, drawn: Drawn, held: Held | None
    ) -> None:
        """Look at samples that members were not trained on."""

    # --- fit -----------------------------------------------------------------------------------

    @fits
    @on_client
    @resumable(streams_of)
    def fit(
        self,
        X: object,
        y: object,
        sample_weight: object = None,
        *,
        X_val: object = None,
        y_val: object = None,
        sample_weight_val: object = None,
        checkpoint: str | os.PathLike | None = None,
        every: str | int = "60s",
        resume: bool = False,
        client: object = None,
    ) -> Self:
        """Fit the members to X and y, all of them together.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
            With ``bootstrap``, samples are drawn with a probability proportional to it.
        X_val, y_val, sample_weight_val : optional
            Samples that members are chosen by, with ``n_selected``, and that prediction intervals
            are determined by, in place of a part of (X, y).
        checkpoint, every, resume
            A file in which to keep training, how often, and whether to go on from it; as of
            `MLPClassifier.fit`.
        client : distributed.Client, str or bool, optional
            A Dask cluster to train on, by the extra ``fastperc[dask]``: a client, a scheduler's
            address, or True for one on this machine. The results are the same to the last bit. See
            `fastperc.distributed.on`.

        Returns
        -------
        self : object
        """
        with Attempt(self, self.random_state):
            self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))
        return self

    def _fit(self, X: object, y: object, sample_weight: object, held: Given) -> None:
        """Check data, draw members, train and choose them."""
        if self.distributions is not None:
            check_distributions(self.distributions, self._member().get_params())
        stream = check_random_state(self.random_state)
        like = self._member(**self._of_members())
        checked, Y = like._validate_input(X, y, False, reset=True)
        weight = checked_weight(sample_weight, checked)
        self._take_attributes(like, Y)
        rows, chosen_by = self._split(like, checked, Y, weight, held, stream)
        drawn = self._draw(stream, len(Y), rows, weight)
        threads = effective_n_jobs(self.n_jobs)
        outcomes = fit_together(X, flat(y), drawn.jobs, threads=threads, classes="all")
        self._keep(outcomes, drawn)
        self._choose(chosen_by)
        self._learn_from_residuals(checked, Y, drawn, chosen_by)

    def _of_members(self) -> dict[str, Any]:
        """Return the parameters that members have of the ensemble."""
        given = self.get_params(deep=False)
        return {name: value for name, value in given.items() if name not in OWN}

    def _take_attributes(self, like: BaseMLP, Y: np.ndarray) -> None:
        """Take what checking the data has found."""
        self.n_outputs_ = Y.shape[1]
        self.__dict__.pop("feature_names_in_", None)
        for name in ("n_features_in_", "feature_names_in_", "classes_", "_labels"):
            if hasattr(like, name):
                setattr(self, name, getattr(like, name))

    def _split(
        self,
        like: BaseMLP,
        X: Inputs,
        Y: np.ndarray,
        weight: np.ndarray | None,
        held: Given,
        stream: np.random.RandomState,
    ) -> tuple[np.ndarray | None, Held | None]:
        """Return the rows to train on, None for all; and the samples to choose members by."""
        X_val, y_val, weight_val = held
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val belong together: found one of them, expected both")
        if X_val is not None:
            like.n_outputs_ = self.n_outputs_
            X_val, Y_val = like._validate_held(X_val, y_val)
            return None, Held(X_val, Y_val, checked_weight(weight_val, X_val, "sample_weight_val"))
        if weight_val is not None:
            raise ValueError("sample_weight_val belongs to X_val: found it alone")
        if self.n_selected is None:
            return None, None
        like.n_outputs_ = self.n_outputs_
        kept, aside = split(len(Y), self.validation_fraction, stream, like._stratify(Y))
        weight = None if weight is None else weight[aside]
        return kept, Held(_safe_indexing(X, aside), Y[aside], weight)

    # --- members -------------------------------------------------------------------------------

    def _draw(
        self,
        stream: np.random.RandomState,
        n_samples: int,
        rows: np.ndarray | None,
        weight: np.ndarray | None,
    ) -> Drawn:
        """Draw seeds, parameters and bootstrap samples."""
        seeds = draw_seeds(stream, self.n_members)
        own = draw_parameters(self.distributions or {}, self.n_members, stream)
        common = self._of_members()
        jobs = []
        for seed, values in zip(seeds, own, strict=True):
            member = self._member(**{**common, **values, "random_state": seed_of_network(seed)})
            counts = self._counts(seed, n_samples, rows, weight) if self.bootstrap else weight
            jobs.append(Job(member, rows, counts))
        return Drawn(jobs, own, seeds, weight)

    def _counts(
        self, seed: int, n_samples: int, rows: np.ndarray | None, weight: np.ndarray | None
    ) -> np.ndarray:
        """Return how often a member takes each sample."""
        if rows is None:
            return bootstrap_counts(seed, n_samples, weight)
        counts = np.zeros(n_samples)
        part = None if weight is None else weight[rows]
        counts[rows] = bootstrap_counts(seed, len(rows), part)
        return counts

    def _keep(self, outcomes: Sequence[Outcome], drawn: Drawn) -> None:
        """Keep the members that were trained, and tell what became of the others."""
        kept = [outcome for outcome in outcomes if outcome.error is None]
        self._tell(outcomes, kept)
        self._networks = KeptNetworks(kept)
        self._is_kept = np.array([outcome.error is None for outcome in outcomes])
        self.n_iter_ = np.array([outcome.n_iter for outcome in kept])
        self._columns = {**drawn.columns(), **end_columns(outcomes)}
        self._drawn = tuple(drawn.parameters[0])

    def _tell(self, outcomes: Sequence[Outcome], kept: Sequence[Outcome]) -> None:
        """Warn once of what members would have warned of; raise what is wrong with one, or all."""
        failed = [outcome for outcome in outcomes if outcome.error is not None]
        for outcome in failed:
            if outcome.error is not None and not (kept and is_diverged(outcome)):
                raise outcome.error
        if failed:
            warn(
                f"{len(failed)} of {len(outcomes)} members were left out: {failed[0].error}",
                ConvergenceWarning,
            )
        warn_together(outcomes, "members")

    def _choose(self, held: Held | None) -> None:
        """Set the weights of the members in the mean."""
        n = len(self._networks)
        if self.n_selected is None or held is None:
            self.weights_ = np.full(n, 1 / n)
            return
        outs = self._networks.outputs(held.X, effective_n_jobs(self.n_jobs))
        counts = select_greedily(outs, held.Y, self._loss_of_mean(), self.n_selected, held.weight)
        self.weights_ = counts / counts.sum()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
