"""What both kinds of grouped networks share: sorting rows, training, and routing to networks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Integral
from typing import ClassVar, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, check_array, check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import _num_samples, check_is_fitted, validate_data

from ...checkpointing import resumable
from ...clients import on_client
from ...results import ResultsTable
from ..attempt import Attempt
from ..base import BaseMLP, checked_weight
from ..draws import streams_of
from ..fleets import Job, Outcome, fit_together
from ..fleets.endings import end_columns, is_diverged, warn_together
from ..fleets.kept import KeptNetworks
from ..inputs import Inputs, checked_data, flat
from ..typed import fits
from ..versioned import VersionedEstimator
from ..warning import warn
from .columns import split_column
from .partition import UNKNOWN, Partition, checked_groups, places_among, sort_codes

LARGEST_SEED = np.iinfo(np.int32).max


class BaseGroupedMLP(MetaEstimatorMixin, VersionedEstimator):
    """A network for each group; see `GroupedMLPClassifier` and `GroupedMLPRegressor`."""

    _kind: ClassVar[type[BaseMLP]]

    # Parameters.
    estimator: BaseMLP | None
    groups: str | int | None
    unknown: str
    n_jobs: int | None

    # What training leaves behind.
    groups_: np.ndarray
    n_outputs_: int
    pooled_estimator_: BaseMLP
    _like: BaseMLP  # checks inputs
    _networks: KeptNetworks
    _is_kept: np.ndarray  # of all groups, which have a network
    _columns: dict[str, np.ndarray]

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [None, BaseMLP],
        "groups": [None, str, Integral],
        "unknown": [StrOptions({"error", "pooled"})],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        estimator: BaseMLP | None = None,
        groups: str | int | None = None,
        *,
        unknown: str = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.groups = groups
        self.unknown = unknown
        self.n_jobs = n_jobs

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
        groups: object = None,
        checkpoint: str | os.PathLike | None = None,
        every: str | int = "60s",
        resume: bool = False,
        client: object = None,
    ) -> Self:
        """Fit a network to the rows of each group, all of them together.

        Parameters
        ----------
        X : data frame or {array-like, sparse matrix} of shape (n_samples, n_features)
            With a column of groups, if the parameter ``groups`` names one.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
            Groups without weight are left out.
        groups : array-like of shape (n_samples,), optional
            The group of each row, numbers or texts, if no column of X says it.
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

        Raises
        ------
        ValueError
            If a group's rows cannot be learned from; see ``unknown``.
        """
        with Attempt(self, None):
            self._fit(X, y, sample_weight, groups)
        return self

    def _fit(self, X: object, y: object, sample_weight: object, groups: object) -> None:
        """Check data, sort it, and train."""
        estimator = self._template()
        rest, names = self._split(X, groups, reset=True)
        self._like = clone(estimator)
        checked, Y = self._like._validate_input(rest, y, False, reset=True)
        weight = checked_weight(sample_weight, checked)
        names = checked_groups(names, len(Y))
        self._take_attributes(Y)
        partition = Partition.of(names).of_weight(weight)
        job = self._job(estimator, partition, Y, weight)
        outcomes = self._train(job, partition, checked, flat(y))
        self._keep(outcomes, partition)
        self.__dict__.pop("pooled_estimator_", None)
        if self.unknown == "pooled":
            self.pooled_estimator_ = clone(estimator).fit(checked, flat(y), weight)

    def _template(self) -> BaseMLP:
        """Return what is fitted to each group: with an int as seed, so that draws are shared."""
        estimator = self._kind() if self.estimator is None else clone(self.estimator)
        if not isinstance(estimator, self._kind):
            raise TypeError(
                f"estimator: found {type(estimator).__name__}, expected an instance of "
                f"{self._kind.__name__}"
            )
        estimator._validate_params()
        if estimator.random_state is None:
            seed = int(check_random_state(None).randint(LARGEST_SEED))
            estimator.set_params(random_state=seed)
        return estimator

    def _split(self, X: object, groups: object, reset: bool) -> tuple[object, object]:
        """Return X without a column of groups, and the groups."""
        if getattr(X, "ndim", 2) != 2:
            check_array(X)  # which says what is wrong
        validate_data(self, X, reset=reset, skip_check_array=True)
        rest = X
        if self.groups is not None:
            if groups is not None:
                raise ValueError(
                    f"groups: found both groups={self.groups!r}, a column of X, and an array, "
                    "expected one of them"
                )
            rest, groups = split_column(X, self.groups)
        elif groups is None:
            raise ValueError(
                "groups: found none, expected the group of each row. Give groups=..., or a column "
                f"of X: {type(self).__name__}(groups=...)"
            )
        return rest, groups

    def _take_attributes(self, Y: np.ndarray) -> None:
        """Take what checking the data has found."""
        self.n_outputs_ = self._like.n_outputs_ = Y.shape[1]

    def _job(
        self,
        estimator: BaseMLP,
        partition: Partition,
        Y: np.ndarray,
        weight: np.ndarray | None,
    ) -> Job:
        """Return what is to be done for each group: the estimator, and weights of all rows."""
        return Job(estimator, sample_weight=weight)

    def _train(self, job: Job, partition: Partition, X: Inputs, y: Inputs) -> list[Outcome]:
        """Train a network for each group on the sorted rows."""
        order, threads = partition.order, effective_n_jobs(self.n_jobs)
        weight = None if job.sample_weight is None else job.sample_weight[order]
        rows = np.split(np.arange(len(order)), partition.begins[1:-1])
        jobs = [Job(job.estimator, some, weight) for some in rows]
        return fit_together(X[order], y[order], jobs, threads=threads, classes="all")

    # --- what became of the groups -------------------------------------------------------------

    def _keep(self, outcomes: Sequence[Outcome], partition: Partition) -> None:
        """Keep the networks that were trained, and tell what became of the others."""
        is_kept = np.array([outcome.error is None for outcome in outcomes])
        self._tell(outcomes, partition, is_kept)
        self.groups_, self._is_kept = partition.keys[is_kept], is_kept
        self._networks = KeptNetworks([outcome for outcome in outcomes if outcome.error is None])
        self._columns = {
            "group": partition.keys, "rows": partition.sizes(), **end_columns(outcomes)
        }  # fmt: skip

    def _tell(self, outcomes: Sequence[Outcome], partition: Partition, is_kept: np.ndarray) -> None:
        """Warn of groups without a network, or raise; and of what `fit` would have warned of."""
        failed = np.flatnonzero(~is_kept).tolist()
        refused = [k for k in failed if not is_diverged(outcomes[k])]
        if refused and self.unknown == "error":
            raise ValueError(
                f"{told(refused, partition)} cannot be learned from: {outcomes[refused[0]].error} "
                "Leave such groups out, or predict them by a network of all rows with "
                "unknown='pooled'"
            )
        if len(failed) == len(outcomes):
            raise outcomes[0].error or AssertionError
        if failed:
            warn(
                f"{told(failed, partition)} left out: {outcomes[failed[0]].error}",
                ConvergenceWarning,
            )
        warn_together(outcomes, "groups")

    def results_table(self) -> ResultsTable:
        """Return a table with a row for each group, those without a network among them.

        Its columns: the group, its number of rows, epochs, the last one's loss with its penalty,
        why training ended ("patience", "epochs", "diverged", or "" where the solver does not say),
        and seconds.
        """
        check_is_fitted(self)
        losses = self._networks.loss_curves(self._is_kept)
        return ResultsTable(self._columns, {"loss": losses}, parameters=["rows"])

    def estimator_of(self, group: object) -> BaseMLP:
        """Return the fitted network of a group, which takes inputs without the column of groups.

        Raises
        ------
        KeyError
            If there is none.
        """
        check_is_fitted(self)
        place = int(places_among(checked_groups([group], 1), self.groups_)[0])
        if place == UNKNOWN:
            raise KeyError(f"{group!r}: found no network of this group. See groups_")
        return self._networks.estimator(place)

    # --- prediction ----------------------------------------------------------------------------

    def _outputs(self, X: object, groups: object) -> np.ndarray:
        """Return each row's outputs by the network of its group, (n_samples, n_outputs)."""
        check_is_fitted(self)
        rest, given = self._split(X, groups, reset=False)
        checked = checked_data(self._like, rest, reset=False)
        names = checked_groups(given, _num_samples(checked))
        places = places_among(names, self.groups_)
        order, begins = sort_codes(places - UNKNOWN, len(self.groups_) + 1)
        n_unknown = int(begins[1])
        if n_unknown and not hasattr(self, "pooled_estimator_"):
            raise self._unknown_groups(names[places == UNKNOWN], int(np.argmin(places)))
        ordered = checked[order]
        which = np.flatnonzero(np.diff(begins[1:]))
        ends = np.append(begins[1:][which], len(order)) - n_unknown
        outs = self._networks.outputs_of_each(ordered[n_unknown:], which, ends)
        outs = [self._for_all(int(i), out) for i, out in zip(which, outs, strict=True)]
        if n_unknown:
            outs.insert(0, self.pooled_estimator_._outputs(ordered[:n_unknown]))
        found = np.empty((len(order), self.n_outputs_), np.result_type(*outs))
        found[order] = np.concatenate(outs)
        return found

    def _for_all(self, i: int, out: np.ndarray) -> np.ndarray:
        """Return outputs of network ``i`` as those of a network that knows all classes."""
        return out

    def _unknown_groups(self, names: np.ndarray, row: int) -> ValueError:
        """Return what to raise on rows of groups that were not there in `fit`."""
        first = names[:1].tolist()[0]
        return ValueError(
            f"groups: found {len(names)} rows of groups without a network, {first!r} in row {row} "
            f"among them, expected those in groups_. With unknown='pooled', a network that "
            "learned from all rows predicts them"
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.groups is None
        return tags


def told(places: Sequence[int], partition: Partition) -> str:
    """Return how many groups, and the name and size of the first, for a message."""
    first = places[0]
    name, size = partition.keys[first : first + 1].tolist()[0], int(partition.sizes()[first])
    return f"{len(places)} of {len(partition.keys)} groups ({name!r} with {size} rows first)"
