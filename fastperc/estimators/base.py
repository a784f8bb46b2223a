"""What both estimators share of `fit` and `partial_fit`."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from ..checkpointing import resumable
from ..deadline import Deadline
from ..errors import NonFiniteWeightsError
from ..model.dense import Dense
from ..model.evaluate import Objective
from ..model.layout import views
from ..model.samples import Samples, read_only
from ..training import lbfgs
from ..training.loop import fit as train
from ..training.rules import STOCHASTIC
from . import parameters
from .arrays import check_usable, unit_of
from .attempt import Attempt
from .batching import batch_size_of
from .callbacks import CallbackSupportMixin, FitTask
from .curves import (
    EpochWatcher,
    IterationWatcher,
    Run,
    begin_curves,
    complete_curves,
    not_converged,
)
from .draws import shuffled, start_weights, streams_of
from .fitted import FittedMLP, same
from .inputs import narrowed
from .online import OnlineMLP
from .optimizer import Optimizer
from .scaling import Scaling
from .settings import FitSettings, Settings, SolverSettings, read
from .typed import fits
from .validation import Scorer, Validation, check_weights_of_parts, split
from .warning import warn

if TYPE_CHECKING:
    from ..network import Network


class BaseMLP(CallbackSupportMixin, OnlineMLP):
    """A dense network behind scikit-learn's names; see `MLPClassifier` and `MLPRegressor`."""

    _parameter_constraints: ClassVar[dict] = parameters.SHARED

    # --- what the two kinds have of their own -------------------------------------------------

    def _validate_input(
        self, X: object, y: object, incremental: bool, reset: bool
    ) -> tuple[Any, np.ndarray]:
        """Return X checked, and y as (n, n_outputs) of targets that the loss takes."""
        raise NotImplementedError

    def _validate_held(self, X: object, y: object) -> tuple[Any, np.ndarray]:
        """Return the same of a validation set."""
        raise NotImplementedError

    def _all_weights(
        self, Y: np.ndarray, weight: np.ndarray | None, incremental: bool
    ) -> tuple[np.ndarray | None, bool]:
        """Return weights with those of the classes; and whether they are factors of a step."""
        return weight, False

    def _with_class_weights(self, Y: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        """Return weights with those of the classes, which were counted before."""
        return weight

    def _scaling_of_targets(self, Y: np.ndarray, weight: np.ndarray | None) -> Scaling | None:
        return None

    def _stratify(self, Y: np.ndarray) -> np.ndarray | None:
        """Return what the split for early stopping keeps in proportion."""
        return None

    def _score_of(self, out: np.ndarray, samples: Samples) -> float:
        """Return the default score of outputs."""
        raise NotImplementedError

    def _name_classes(self, y: object, classes: object) -> bool:
        """Take the classes that the first `partial_fit` names; returns whether it did."""
        return False

    # --- fit -----------------------------------------------------------------------------------

    @fits
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
    ) -> Self:
        """Fit the model to X and y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
            A batch's gradient is the weighted mean of its samples'.
        X_val, y_val, sample_weight_val : optional
            A validation set, for ``validation_loss_curve_``; with ``early_stopping``, it stands in
            for the part of (X, y) that would be set aside.
        checkpoint : str or os.PathLike, optional
            A file in which to keep, now and then, all that training has to know to go on where it
            was if the process is killed. Not with lbfgs, whose memory is SciPy's own.
        every : str or int, default='60s'
            How often: a time, such as '60s', '10min' or '2h', or so many epochs. It is also written
            at the end, and at Ctrl-C as it was after the last whole epoch.
        resume : bool, default=False
            Go on from the checkpoint, if the file is there: the same call then ends with the bits
            of one that was never interrupted. Other data or parameters are refused.

        Returns
        -------
        self : object
        """
        if checkpoint is not None and self.solver == "lbfgs":
            raise ValueError(
                "checkpoint: found one with solver='lbfgs', which cannot go on from it: its memory "
                "is SciPy's own. Use another solver, or save the model in a callback"
            )
        task = FitTask(self, X, y, sample_weight)
        with Attempt(self, self.random_state) as attempt:
            self._fit(attempt, X, y, sample_weight, (X_val, y_val, sample_weight_val), task)
        task.end()
        return self

    def _partial_fit(self, X: Any, y: Any, sample_weight: object, classes: object = None) -> Self:
        """Go once through (X, y). A single plain row skips scikit-learn's validation."""
        with Attempt(self, self.random_state) as attempt:
            first = self._name_classes(y, classes)
            if not hasattr(self, "coefs_") or not same(self._raw_settings(), self._raw):
                self._validate_params()
            elif not first and sample_weight is None and self._is_plain_row(X, y):
                self._learn_row(X, y)
                return self
            self._fit(attempt, X, y, sample_weight)
        return self

    def _fit(
        self,
        attempt: Attempt,
        X: Any,
        y: Any,
        sample_weight: object = None,
        held: tuple[Any, Any, Any] = (None, None, None),
        task: FitTask | None = None,
    ) -> None:
        """Check data, make or find the network, and train it."""
        incremental = task is None
        now, settings = Settings.of(self._raw_settings()), read(FitSettings, self)
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        labels = y
        X, Y = self._validate_input(X, y, incremental, reset=first)
        weight = checked_weight(sample_weight, X)
        weight, is_factor = self._all_weights(Y, weight, incremental)
        if not first and Y.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y: found {Y.shape[1]} outputs per sample, expected {self.n_outputs_} as in the "
                "first call"
            )
        self.n_outputs_ = Y.shape[1]
        self._random_state = check_random_state(self.random_state)
        if first:
            self._initialize([X.shape[1], *now.widths, self.n_outputs_], now, X.dtype)
        else:
            self._follow()
        model = self._network()
        samples = self._samples(model, X, Y, weight, is_factor)
        validation = self._given_validation(model, held)
        deadline = Deadline(settings.time_limit)
        run = Run(model, samples, validation, settings, deadline, attempt, task)
        if self.solver in STOCHASTIC:
            self._fit_stochastic(run, X, labels)
        else:
            self._fit_lbfgs(run)

    def _initialize(self, sizes: list[int], now: Settings, dtype: np.dtype) -> None:
        """Draw start weights, and forget what was learned before."""
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = len(sizes)
        self._settings, self._raw = now, self._raw_settings()
        self.out_activation_ = self._output_and_loss(now)[0]
        theta = start_weights(sizes, now.activation, now.dtype or dtype, self._random_state)
        self.coefs_, self.intercepts_ = views(theta, sizes)
        self._model = self._scaling = self._target_scaling = None
        for name in ("validation_loss_curve_", "_optimizer"):
            self.__dict__.pop(name, None)
        if self.solver in STOCHASTIC:
            begin_curves(self)

    # --- networks, and scikit-learn's estimators ------------------------------------------------

    @property
    def network(self) -> Network:
        """The network of a fitted estimator, for compiled code, other libraries and files.

        It takes inputs as they are given to `predict`, and its outputs are in the targets' units;
        with one output, a classifier's is the probability of the second class.

        Without ``scale``, its weights are those of the estimator, shared: what one learns, the
        other knows, until `fit` begins anew or ``coefs_`` is replaced. With ``scale``, it is an
        independent copy with the scaling folded into its first layer (and that of the targets into
        its last), in float64 whatever the estimator's dtype.
        """
        from .exchange.networks import network_of

        check_is_fitted(self)
        return network_of(self)

    def to_sklearn(self) -> Any:
        """Return an estimator of scikit-learn with the same parameters, state and predictions.

        For tools that go by the type. Arrays are copies, and ``partial_fit`` goes on as here:
        moments, velocities, learning rate and random state are those of this estimator.

        Returns
        -------
        sklearn.neural_network.MLPClassifier or MLPRegressor, or sklearn.pipeline.Pipeline
            A Pipeline of StandardScaler and the network where there is ``scale``, whose network is
            within a TransformedTargetRegressor where targets are scaled, too.

        Raises
        ------
        ValueError
            For activations and losses that scikit-learn's networks do not have.

        Warns
        -----
        UserWarning
            Of what only training goes by and scikit-learn does not have, such as ``l1``.
        """
        from .exchange.mlps import to_sklearn

        check_is_fitted(self)
        return to_sklearn(self)

    @classmethod
    def from_sklearn(cls, estimator: object) -> Self:
        """Return a fitted estimator with parameters and state of one of scikit-learn.

        Parameters
        ----------
        estimator : estimator of the same name, of sklearn.neural_network, or Pipeline
            Fitted; or a fitted Pipeline of StandardScaler and such an estimator (this may be
            within a TransformedTargetRegressor that has a StandardScaler), which becomes
            ``scale="standard"``. Its arrays are copied.

        Returns
        -------
        estimator
            With the same predictions. ``partial_fit`` goes on as scikit-learn's would: moments,
            velocities, learning rate and random state are taken over.

        Raises
        ------
        TypeError
            For anything else.
        sklearn.exceptions.NotFittedError
            If it is not fitted.
        """
        from .exchange.mlps import from_sklearn

        return from_sklearn(cls, estimator)

    # --- samples -------------------------------------------------------------------------------

    def _samples(
        self,
        model: Dense,
        X: Any,
        Y: np.ndarray,
        weight: np.ndarray | None,
        is_factor: bool = False,
        unit: float | None = None,
    ) -> Samples:
        """Return checked data as the engine takes it; a model's first decide on its scaling."""
        if not isinstance(X, np.ndarray):
            X = X.tocsr()
        if self.scale is not None and self._scaling is None:
            self._scaling = Scaling.of(X, weight)
            if np.count_nonzero(np.ones(len(Y)) if weight is None else weight) < 2:
                warn(
                    "scale='standard' was determined from one sample, whose deviation is 0: inputs "
                    "are moved but not scaled. Give the first call more samples"
                )
            self._target_scaling = self._scaling_of_targets(Y, weight)
        if self._target_scaling is not None:
            Y = self._target_scaling.apply(np.asarray(Y, np.float64))
        if unit is None:
            unit = 1.0 if weight is None else unit_of(weight)
        weight = np.empty(0) if weight is None else np.asarray(weight, np.float64) / unit
        return Samples(
            self._inputs(model, X), narrowed(Y, model.dtype, "y"), read_only(weight, model.dtype),
            is_factor, unit,
        )  # fmt: skip

    def _given_validation(self, model: Dense, held: tuple[Any, Any, Any]) -> Validation | None:
        """Return the validation set given to `fit`."""
        X, y, weight = held
        if (X is None) != (y is None):
            raise ValueError("X_val and y_val belong together: found one of them, expected both")
        if X is None:
            if weight is not None:
                raise ValueError("sample_weight_val belongs to X_val: found it alone")
            return None
        X, Y = self._validate_held(X, y)
        weight = checked_weight(weight, X, "sample_weight_val")
        return self._validation(model, self._samples(model, X, Y, weight), X, y)

    def _validation(self, model: Dense, samples: Samples, X: object, y: object) -> Validation:
        scorer: Scorer | str | None = None
        if self.scoring == "loss":
            scorer = "loss"
        elif self.scoring is not None:
            score = check_scoring(self, self.scoring)
            scorer = lambda X, y, weights: float(score(unnamed(self), X, y, **weights))  # noqa: E731
        return Validation(
            model, samples, X, y, loss_scale=self._loss_scale(), score_of=self._score_of,
            scorer=scorer, threads=self.n_threads,
        )  # fmt: skip

    def _split_validation(self, run: Run, X: Any, y: Any) -> Run:
        """Set a part of the samples aside for early stopping."""
        samples, fraction = run.samples, run.settings.validation_fraction
        stratify = self._stratify(samples.Y)
        kept, held = split(len(samples), fraction, self._random_state, stratify)
        X, y = _safe_indexing(X, held), _safe_indexing(y, held)
        check_weights_of_parts(samples.weight, kept, held, fraction)
        validation = self._validation(run.model, samples.take(held), X, y)
        return run._replace(samples=samples.take(kept), validation=validation)

    # --- training ------------------------------------------------------------------------------

    def _fit_stochastic(self, run: Run, X: Any, y: Any) -> None:
        """Train by a stochastic solver: one epoch, or as many as it takes."""
        model, settings, incremental = run.model, run.settings, run.task is None
        if not incremental:
            self._optimizer = Optimizer(read(SolverSettings, self), model)
        optimizer = self._optimizer_for(model)
        if settings.early_stopping:
            if incremental:
                raise ValueError("partial_fit does not support early_stopping=True")
            if run.validation is None:
                run = self._split_validation(run, X, y)
        complete_curves(self)
        if run.validation is not None and not hasattr(self, "validation_loss_curve_"):
            self.validation_loss_curve_ = []
        samples = run.samples
        batch_size = len(samples)
        if not optimizer.rule.takes_all_samples:
            batch_size = batch_size_of(settings.batch_size, len(samples))
        unit = 1.0 if batch_size == 1 and samples.weights_are_factors else samples.unit
        optimizer.set_penalties(settings.alpha, self.l1, self.clip_norm, unit)
        callback = self._called(model, settings)
        watcher = EpochWatcher(self, run, callback, optimizer, self._loss_scale())
        self.n_iter_, reason = 0, ""
        try:
            reason = train(
                model, samples, optimizer.rule, watcher, batch_size=batch_size,
                epochs=1 if incremental else settings.max_iter,
                order=shuffled(samples, self._random_state) if settings.shuffle else None,
                threads=settings.n_threads, deadline=run.deadline,
                progress=settings.progress and not incremental,
            )  # fmt: skip
        except KeyboardInterrupt:
            warn("Training interrupted by user.")
        except NonFiniteWeightsError:
            reason = "diverged"
            raise
        finally:
            if not watcher.finish() and incremental:
                run.attempt.undo()
            elif reason == "diverged" and not incremental:
                self.__dict__.pop("_optimizer", None)  # what it remembers is of no more use
        self._warn_of_end(reason, settings, incremental)

    def _warn_of_end(self, reason: str, settings: FitSettings, incremental: bool) -> None:
        if reason == "time_limit" and self.n_iter_ == 0:
            warn(
                f"time_limit={settings.time_limit:g} ended training before its first epoch "
                "was over: the weights are those from before. Allow more time"
            )
        if reason == "epochs" and not incremental:
            warn(not_converged(settings.max_iter), ConvergenceWarning)

    def _fit_lbfgs(self, run: Run) -> None:
        """Train by lbfgs: all samples at once, in float64 whatever the network's dtype."""
        settings, samples = run.settings, run.samples.with_weight()
        self.loss_curve_, self.n_iter_ = [], 0
        if run.validation is not None:
            self.validation_loss_curve_ = []
        callback = self._called(run.model, settings, may_replace=False)
        run.attempt.keep()
        outcome = lbfgs.minimise(
            run.model, samples, IterationWatcher(self, run, callback),
            objective=Objective(
                settings.alpha / (samples.unit * samples.weight_sum),
                loss_scale=self._loss_scale(),
            ),
            epochs=settings.max_iter, max_evaluations=settings.max_fun, gtol=settings.tol,
            in_float64=True, deadline=run.deadline,
            progress=settings.progress,
        )  # fmt: skip
        if math.isfinite(outcome.loss):
            self.loss_ = outcome.loss
        if outcome.reason in ("epochs", "evaluations", "line_search"):
            warn(
                f"lbfgs failed to converge {outcome.message}. Increase the "
                f"number of iterations, max_iter={settings.max_iter}, or scale the data",
                ConvergenceWarning,
            )

    def _called(
        self, model: Dense, settings: FitSettings, may_replace: bool = True
    ) -> Callable[[int], object] | None:
        """Return the callback as a function of the epoch; it may be free to replace ``coefs_``."""
        callback = settings.callback
        if callback is None:
            return None

        def call(epoch: int) -> Any:
            answer = callback(epoch, self)
            if not may_replace and self._network() is not model:
                raise ValueError(
                    "callback: found other arrays in coefs_ or intercepts_, expected those that "
                    "lbfgs trains: it cannot go on from others. Use another solver"
                )
            self._go_on_from(model)
            return answer

        return call

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def checked_weight(weight: object, X: object, name: str = "sample_weight") -> np.ndarray | None:
    """Return sample weights as an array, if there are any."""
    if weight is None:
        return None
    return check_usable(_check_sample_weight(weight, X), name)


def unnamed(estimator: FittedMLP) -> FittedMLP:
    """Return the estimator, weights shared, without feature names: held rows may be an array."""
    twin = object.__new__(type(estimator))
    twin.__dict__.update(estimator.__dict__)
    twin.__dict__.pop("feature_names_in_", None)
    return twin
