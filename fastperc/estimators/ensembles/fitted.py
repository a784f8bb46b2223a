"""The members of an ensemble after training: their mean, their spread, and a table of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils import gen_batches
from sklearn.utils.validation import _num_samples, check_is_fitted

from ...results import ResultsTable
from ..base import BaseMLP
from ..fleets.kept import KeptNetworks
from ..inputs import Inputs, checked_data
from ..labels import Labels
from ..versioned import VersionedEstimator
from .intervals import mean_and_spread

AT_ONCE = 1 << 22  # outputs of all members together


class FittedEnsemble(VersionedEstimator):
    """Parameters and fitted attributes of an ensemble, and the means of its members' outputs."""

    _member: ClassVar[type[BaseMLP]]  # the class of the members

    # Parameters; see `MLPEnsembleClassifier`.
    n_members: int
    bootstrap: bool
    distributions: Mapping[str, object] | None
    n_selected: int | None
    n_jobs: int | None
    loss: str
    random_state: int | np.random.RandomState | None
    validation_fraction: float

    # What training leaves behind.
    n_features_in_: int
    n_outputs_: int
    weights_: np.ndarray
    n_iter_: np.ndarray
    _networks: KeptNetworks
    _labels: Labels  # of a classifier
    _is_kept: np.ndarray  # of all members, which did not diverge
    _columns: dict[str, Sequence[object] | np.ndarray]
    _drawn: tuple[str, ...]  # names of drawn parameters

    @property
    def estimators_(self) -> list[BaseMLP]:
        """The members, fitted, made when first asked for; those left out are not among them."""
        check_is_fitted(self)
        return [self._networks.estimator(i) for i in range(len(self._networks))]

    def to_sklearn(self) -> Any:
        """Return a vote of scikit-learn's networks with the same predictions.

        For tools that go by the type. Its members are those of `estimators_`, as their own
        ``to_sklearn`` gives them, with their weights in the mean.

        Returns
        -------
        sklearn.ensemble.VotingClassifier, with ``voting="soft"``, or VotingRegressor

        Raises
        ------
        ValueError
            For what scikit-learn does not have: several labels or numbers per sample, and losses
            and activations other than its own.
        """
        from ..exchange.ensembles import to_sklearn

        check_is_fitted(self)
        return to_sklearn(self)

    def results_table(self) -> ResultsTable:
        """Return a table with a row for each member, those left out among them.

        Its columns: the member's number and seed, the parameters that were drawn, epochs, the last
        one's loss with its penalty, why training ended ("patience", "epochs", "diverged", or ""
        where the solver does not say), seconds, and the weight in the mean.
        """
        check_is_fitted(self)
        weight = np.zeros(len(self._is_kept))
        weight[self._is_kept] = self.weights_
        losses = self._networks.loss_curves(self._is_kept)
        return ResultsTable(
            {**self._columns, "weight": weight}, {"loss": losses}, parameters=self._drawn
        )

    def _checked(self, X: object) -> Inputs:
        """Return inputs that were checked, as `fit` left the ensemble."""
        check_is_fitted(self)
        return checked_data(self, X, reset=False)

    def _mean_outputs(self, X: Inputs) -> np.ndarray:
        """Return the mean of the members' outputs, for checked inputs."""
        return np.concatenate([mean for mean, _ in self._moments(X)])

    def _moments(self, X: Inputs) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield mean and spread of the members' outputs, for some rows after the other."""
        for rows in self._row_batches(X):
            yield mean_and_spread(self._member_outputs(X[rows]), self.weights_)

    def _row_batches(self, X: Inputs) -> Iterator[slice]:
        """Yield rows that are few enough for the outputs of all members."""
        size = max(1, AT_ONCE // (len(self._networks) * self.n_outputs_))
        yield from gen_batches(_num_samples(X), size)

    def _member_outputs(self, X: Inputs) -> np.ndarray:
        """Return the outputs of each member, (n_members, n_samples, n_outputs)."""
        return self._networks.outputs(X, effective_n_jobs(self.n_jobs))
