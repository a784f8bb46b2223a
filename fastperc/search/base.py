"""What the searches have in common: scikit-learn's `fit`, whose candidates are fitted together."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from typing import Any, Protocol, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn import get_config
from sklearn.base import clone, is_classifier
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.model_selection import check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import (
    _insert_error_scores,
    _warn_or_raise_about_fit_failures,
)
from sklearn.utils import indexable
from sklearn.utils.validation import _check_method_params, _num_samples

from ..checkpointing import resumable
from ..clients import on_client
from ..estimators.draws import streams_of
from ..estimators.typed import fits_what_it_has
from ..results import ResultsTable
from .candidates import Candidates, Parameters, network_of, prefix_of
from .evaluation import Evaluation, Result, Split
from .folds import Data
from .scoring import Scoring
from .table import Rows, table_of


class Splitter(Protocol):
    """What scikit-learn calls a cross-validation generator."""

    def split(
        self, X: object, y: object, **params: object
    ) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        """Return rows to train on and rows to test on, again and again."""


class FleetSearch(BaseSearchCV):
    """A search that trains the networks of all candidates and all splits as fleets.

    What cannot be trained so is left to scikit-learn's own code: see `why_not`.
    """

    _rows: list[Rows] | None = None  # of the last search, if it trained networks

    @fits_what_it_has
    @on_client
    @resumable(streams_of)
    def fit(
        self,
        X: object,
        y: object = None,
        *,
        checkpoint: str | os.PathLike | None = None,
        every: str | int = "60s",
        resume: bool = False,
        client: object = None,
        **params: object,
    ) -> Self:
        """Find the best parameters, and fit an estimator that has them to all of the data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        checkpoint, every, resume
            A file in which to keep training, how often, and whether to go on from it; as of
            `MLPClassifier.fit`. Not for what is left to scikit-learn's own code.
        client : distributed.Client, str or bool, optional
            A Dask cluster to train on, by the extra ``fastperc[dask]``: a client, a scheduler's
            address, or True for one on this machine. The results are the same to the last bit. See
            `fastperc.distributed.on`.
            Not for what is left to scikit-learn's own code.
        **params : dict
            ``sample_weight``, ``groups`` and whatever else scikit-learn's search takes.

        Returns
        -------
        self : object
        """
        reason = why_not(self, X, y, params)
        if not reason:
            _Search(self, X, y, params).run()
            return self
        if checkpoint is not None:
            raise ValueError(
                f"checkpoint: found one, but {reason}: this search is left to scikit-learn's own "
                "code, which cannot go on where it was. Search among MLPClassifier or MLPRegressor"
            )
        if client is not None and client is not False:
            raise ValueError(
                f"client: found one, but {reason}: this search is left to scikit-learn's own code, "
                "which has joblib for that: joblib.parallel_config(backend='dask'). Or search "
                "among MLPClassifier or MLPRegressor"
            )
        super().fit(X, y, **params)
        self._rows = None
        return self

    def results_table(self) -> ResultsTable:
        """Return what became of each network, one row for each candidate and split.

        Returns
        -------
        ResultsTable
            The parameters under their names, then ``fold``, ``epochs``, ``loss`` (the last one in
            training), ``test_score`` (or ``test_NAME`` for each of several), ``stopped`` ("epochs":
            there were no more; "patience": progress had ended; "diverged"; or nothing where the
            solver does not say) and ``seconds``; and the learning curves.

        Raises
        ------
        AttributeError
            If scikit-learn's own code has done the search.
        """
        if self._rows is None:
            raise AttributeError(
                "results_table: found no networks that this search has trained, expected a fitted "
                "search for an MLPClassifier or MLPRegressor, or a pipeline that ends in one. See "
                "cv_results_ for what there is of other estimators"
            )
        return table_of(self._rows, self.refit)

    def _evaluation(self, candidates: Candidates, data: Data, scoring: Scoring) -> Evaluation:
        return Evaluation(candidates, data, scoring, bool(self.return_train_score))


def why_not(search: FleetSearch, X: object, y: object, params: Mapping[str, object]) -> str:
    """Return why a search is left to scikit-learn's own code, or nothing."""
    network = network_of(search.estimator)
    if network is None or y is None:
        return "another estimator"
    if search.verbose > 1:
        return "a line is printed for each fit"
    if hasattr(search, "_skl_callbacks") or hasattr(network, "_skl_callbacks"):
        return "callbacks look on"
    if getattr(search.estimator, "transform_input", None):  # of a pipeline
        return "parameters of fit are transformed"
    prefix = prefix_of(search.estimator)
    if names_searched(search) & {"steps", prefix.removesuffix("__")}:
        return "candidates may be other estimators"
    given = {name for name, value in params.items() if value is not None}
    if not given <= {"groups", f"{prefix}sample_weight"}:
        return "other parameters of fit"
    weight = params.get(f"{prefix}sample_weight")
    if weight is not None and np.asarray(weight).shape != (_num_samples(X),):
        return "weights of other samples"
    if given and get_config().get("enable_metadata_routing"):
        return "metadata is routed"
    return ""


def names_searched(search: FleetSearch) -> set[str]:
    """Return the names of the parameters among which a search is made."""
    wanted = getattr(search, "param_grid", None) or getattr(search, "param_distributions", {})
    return {name for some in ([wanted] if isinstance(wanted, Mapping) else wanted) for name in some}


class _Search:
    """One call of `fit`: the steps of `BaseSearchCV.fit`, in its order."""

    def __init__(self, search: FleetSearch, X: object, y: object, params: Mapping[str, object]):
        self.search = search
        self.scorer, self.refit_metric = search._get_scorers()
        self.X, self.y = indexable(X, y)
        routed = search._get_routed_params_for_fit(_check_method_params(self.X, params=params))
        self.fit_params = routed.estimator.fit
        self.split_params = routed.splitter.split
        search._checked_cv_orig = check_cv(search.cv, y, classifier=is_classifier(search.estimator))
        search._check_input_parameters(X=self.X, y=self.y, split_params=self.split_params)
        search.n_splits_ = search._checked_cv_orig.get_n_splits(self.X, self.y, **self.split_params)
        threads = effective_n_jobs(search.n_jobs)
        self.candidates = Candidates(search.estimator)
        scoring = Scoring(
            self.scorer, self.candidates.network, search.error_score, bool(routed.scorer.score),
            threads,
        )  # fmt: skip
        weight = next((value for value in self.fit_params.values() if value is not None), None)
        data = Data(self.X, self.y, None if weight is None else np.asarray(weight))
        self.evaluation = search._evaluation(self.candidates, data, scoring)
        self.parameters: list[Parameters] = []
        self.out: list[Result] = []
        self.more: dict[str, list[object]] = defaultdict(list)
        self.results: dict[str, Any] = {}

    def run(self) -> None:
        """Evaluate, choose, and fit what was chosen."""
        search = self.search
        context = {}
        if "callback_ctx" in signature(search._run_search).parameters:
            context["callback_ctx"] = search._init_callback_context(max_subtasks=2)
        search._run_search(self.evaluate, **context)
        first = self.out[0]["test_scores"]
        search.multimetric_ = isinstance(first, dict)
        if callable(search.scoring) and search.multimetric_:
            search._check_refit_for_multimetric(first)
            self.refit_metric = search.refit
        self.choose()
        if search.refit:
            self.refit()
        several = isinstance(self.scorer, _MultimetricScorer)
        search.scorer_ = self.scorer._scorers if several else self.scorer
        search.cv_results_, search._rows = self.results, self.evaluation.rows

    def evaluate(
        self,
        candidate_params: Iterable[Parameters],
        cv: Splitter | None = None,
        more_results: Mapping[str, Sequence[object]] | None = None,
        callback_ctx: object = None,
    ) -> dict[str, Any]:
        """Evaluate candidates; returns the results of all so far, as `_run_search` wants it."""
        search, chosen = self.search, list(candidate_params)
        splits = self.splits(cv or search._checked_cv_orig)
        if search.verbose > 0:
            n, k = len(chosen), search.n_splits_
            print(f"Fitting {k} folds for each of {n} candidates, totalling {n * k} fits")
        out = self.evaluation(chosen, splits)
        if not out:
            raise ValueError(
                "No fits were performed. Was the CV iterator empty? Were there no candidates?"
            )
        _warn_or_raise_about_fit_failures(out, search.error_score)
        if callable(search.scoring):
            _insert_error_scores(out, search.error_score)
        self.parameters += chosen
        self.out += out
        for name, values in (more_results or {}).items():
            self.more[name] += values
        self.results = search._format_results(
            self.parameters, search.n_splits_, self.out, self.more
        )
        return self.results

    def splits(self, cv: Splitter) -> list[Split]:
        """Return training and test rows of each split."""
        found = list(cv.split(self.X, self.y, **self.split_params))
        if len(found) != self.search.n_splits_:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. "
                f"Expected {self.search.n_splits_} splits, got {len(found)}"
            )
        return [(np.asarray(train), np.asarray(test)) for train, test in found]

    def choose(self) -> None:
        """Take note of the best candidate."""
        search, results = self.search, self.results
        if not search.refit and search.multimetric_:
            return
        search.best_index_ = search._select_best_index(search.refit, self.refit_metric, results)
        if not callable(search.refit):
            search.best_score_ = results[f"mean_test_{self.refit_metric}"][search.best_index_]
        search.best_params_ = results["params"][search.best_index_]

    def refit(self) -> None:
        """Fit the best candidate to all of the data."""
        search, begin = self.search, time.time()
        best = clone(search.best_params_, safe=False)
        search.best_estimator_ = clone(self.candidates.estimator).set_params(**best)
        search.best_estimator_.fit(self.X, self.y, **self.fit_params)
        search.refit_time_ = time.time() - begin
        if hasattr(search.best_estimator_, "feature_names_in_"):
            search.feature_names_in_ = search.best_estimator_.feature_names_in_
