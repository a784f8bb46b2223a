"""What both estimators share: parameters, the network behind ``coefs_``, checks, prediction."""

from __future__ import annotations

import copy as copying
import math
from collections.abc import Sequence
from contextlib import suppress
from operator import is_
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from ..kernels.updates import L2_PER_WEIGHT
from ..model.layout import aligned_zeros, n_parameters, views
from ..network import Network
from . import lbfgs, parameters, settings
from .arrays import parameters_of
from .attempt import Attempt
from .callbacks import CallbackSupportMixin, FitTask
from .epochs import Samples, fixed, outputs, weighted_sums
from .inputs import checked_data, narrowed
from .one_row import OneRow, is_plain_row, learn_row
from .optimizer import SOLVERS, Optimizer
from .progress import begin_curves, complete_curves, idle, lacks_progress, record
from .scaling import Scaling
from .settings import Settings
from .stochastic import Descent
from .typed import fits
from .validation import Validation
from .warning import warn

SMALL = 1 << 14  # numbers that are looked at faster than scikit-learn looks around


class BaseMLP(CallbackSupportMixin, BaseEstimator):
    """A dense network behind scikit-learn's names; see `MLPClassifier` and `MLPRegressor`."""

    _parameter_constraints: ClassVar[dict] = parameters.SHARED

    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    n_features_in_: int
    n_outputs_: int
    n_layers_: int
    n_iter_: int
    t_: int
    out_activation_: str
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    validation_loss_curve_: list[float]
    _net: Network | None = None
    _arrays: tuple = ()  # the network's W and b
    _scaling: Scaling | None = None
    _target_scaling: Scaling | None = None
    _settings: Settings | None = None
    _raw: tuple = ()  # the parameters that the settings were made of

    # --- what the two kinds have of their own -------------------------------------------------

    def _validate_input(self, X, y, incremental: bool, reset: bool):
        """X checked; y as (n, n_outputs) of targets that the loss takes."""
        raise NotImplementedError

    def _head(self, now: Settings) -> tuple[str, str, int]:
        """Output activation, the network's name of the loss, and the kernel's code of it."""
        raise NotImplementedError

    def _loss_scale(self) -> float:
        """What the sum over outputs is multiplied by."""
        return 1.0

    def _take_loss(self, loss: str) -> None:
        """What else the loss decides on."""

    def _all_weights(self, Y, weight, incremental: bool):
        """Sample weights with those of the classes; and whether they are factors of a step."""
        return weight, False

    def _take_target(self, row: OneRow, y) -> bool:
        """Copy one sample's target in; returns whether its weight is a factor of the step."""
        raise NotImplementedError

    def _is_plain_target(self, y) -> bool:
        """Whether an array of one sample's target, or label, can be seen to be in order."""
        raise NotImplementedError

    def _strata(self, Y):
        """What the split for early stopping keeps in proportion."""
        return None

    # --- fit -----------------------------------------------------------------------------------

    @fits
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
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

        Returns
        -------
        self : object
        """
        task = FitTask(self, X, y, sample_weight)
        with Attempt(self) as attempt:
            self._fit(
                attempt, X, y, sample_weight, (X_val, y_val, sample_weight_val), task
            )  # fmt: skip
        task.end()
        return self

    def _fit(self, attempt, X, y, sample_weight=None, held=(None, None, None), task=None):
        incremental = task is None
        now = Settings.of(self)
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
        net = self._network()
        samples = self._samples(net, X, Y, weight, is_factor)
        validation = self._given_validation(net, held)
        if self.solver in SOLVERS:
            Descent(self, net, samples, validation, (X, labels), task, attempt).run()
        else:
            lbfgs.fit(self, net, samples, validation, task, attempt)
        return self

    def _initialize(self, sizes, now: Settings, dtype) -> None:
        """Start weights, drawn layer by layer: W, then b, uniform within Glorot's bounds."""
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = len(sizes)
        self._settings, self._raw = now, settings.raw(self)
        self.out_activation_, _, _ = self._head(now)
        names = parameters.hidden_activations(now.activation, len(sizes) - 2)
        theta = aligned_zeros(n_parameters(sizes), now.dtype or dtype)
        self.coefs_, self.intercepts_ = views(theta, sizes)
        names = (*names, names[-1] if names else str(now.activation))
        for W, b, name in zip(self.coefs_, self.intercepts_, names, strict=True):
            factor = 2.0 if name in ("logistic", "sigmoid") else 6.0
            bound = np.sqrt(factor / sum(W.shape))
            W[...] = self._random_state.uniform(-bound, bound, W.shape)
            b[...] = self._random_state.uniform(-bound, bound, b.shape)
        self._net = self._scaling = self._target_scaling = None
        for name in ("validation_loss_curve_", "_optimizer"):
            self.__dict__.pop(name, None)
        if self.solver in SOLVERS:
            begin_curves(self)

    def _samples(self, net, X, Y, weight, is_factor=False) -> Samples:
        """Checked data as the kernels take it; the first of a model decide on its scaling."""
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
        if self._scaling is not None:
            X = self._scaling.apply(X)
        if self._target_scaling is not None:
            Y = self._target_scaling.apply(np.asarray(Y, np.float64))
        unit = 1.0 if weight is None else 2.0 ** (math.frexp(float(weight.max()))[1] - 1)
        weight = np.empty(0) if weight is None else np.asarray(weight, np.float64) / unit
        X = self._narrowed(net, X)
        return Samples(X, narrowed(Y, net.dtype, "y"), fixed(weight, net.dtype), is_factor, unit)

    def _scaling_of_targets(self, Y, weight) -> Scaling | None:
        return None

    def _given_validation(self, net, held) -> Validation | None:
        """The validation set given to `fit`."""
        X, y, weight = held
        if (X is None) != (y is None):
            raise ValueError("X_val and y_val belong together: found one of them, expected both")
        if X is None:
            if weight is not None:
                raise ValueError("sample_weight_val belongs to X_val: found it alone")
            return None
        X, Y = self._validate_held(X, y)
        weight = checked_weight(weight, X, "sample_weight_val")
        return Validation(self, net, self._samples(net, X, Y, weight), X, y)

    def _mean_loss(self, sums, optimizer: Optimizer) -> float:
        """An epoch's loss from its sums; see `kernels.sums`."""
        _, loss, squares, rows = sums
        penalty = 0.5 * optimizer.rates[L2_PER_WEIGHT] * squares
        return float(loss * self._loss_scale() + penalty) / max(rows, 1.0)

    # --- the network behind coefs_ -------------------------------------------------------------

    def _network(self) -> Network:
        """The network whose weights ``coefs_`` and ``intercepts_`` are.

        Whoever replaces them by arrays of their own gets a network of copies of these, if they fit.
        """
        net = self._net
        if net is None or not self._holds(net):
            check_is_fitted(self)
            if self._settings is None:  # weights that did not come from `fit`
                self._settings, self._raw = Settings.of(self), settings.raw(self)
            net = self._new_network(self._settings)
            self._take_network(net)
        return net

    def _holds(self, net: Network) -> bool:
        """Whether ``coefs_`` and ``intercepts_`` still are the arrays of ``net``."""
        for name in ("coefs_", "intercepts_"):
            if not isinstance(getattr(self, name), (list, tuple)):
                raise ValueError(
                    f"{name}: found {getattr(self, name)!r:.60}, expected a list of arrays, one "
                    "for each layer"
                )
        return same([*self.coefs_, *self.intercepts_], self._arrays)

    def _take_network(self, net: Network) -> None:
        """Make the arrays of ``net`` those of the model."""
        self._net = net
        self.n_layers_ = len(net.sizes)
        self.coefs_, self.intercepts_ = list(net.weights), list(net.biases)
        self._arrays = (*self.coefs_, *self.intercepts_)
        self._rows: list[OneRow] = []  # not in use; `pop` and `append` are safe between threads

    def _new_network(self, now: Settings, dtype=None) -> Network:
        sizes, theta = parameters_of(
            self.coefs_, self.intercepts_, self.n_features_in_, self.n_outputs_
        )
        output, loss, code = self._head(now)
        net = Network(
            sizes,
            hidden=parameters.hidden_activations(now.activation, len(sizes) - 2),
            output=output,
            loss=loss,
            init="zeros",
            dtype=dtype or theta.dtype.name,
        )
        net.theta[:] = theta
        net.loss_code = code
        return net

    def _follow(self) -> None:
        """Let parameters that were set since the last training take effect, or refuse them."""
        net, now = self._network(), Settings.of(self)
        is_cast = now.dtype is not None and now.dtype != net.dtype.name
        if is_cast or now != self._settings:
            assert self._settings is not None
            self._settings.check_can_become(now, net.sizes[1:-1])
            self._take_loss(now.loss)
            self._take_network(self._new_network(now, now.dtype))
            self._settings = now
            self.out_activation_, _, _ = self._head(now)
        self._raw = settings.raw(self)

    def __getstate__(self):
        state = super().__getstate__()
        net = self._net
        if net is not None and same([*self.coefs_, *self.intercepts_], self._arrays):
            # Not the arrays themselves, of which somebody may have changed dtype or shape.
            state |= {"coefs_": list(net.weights), "intercepts_": list(net.biases)}
        left = ("_net", "_rows", "_arrays", "_raw")
        return {k: v for k, v in state.items() if k not in left}

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "coefs_"):
            with suppress(ValueError):  # replaced by arrays that do not fit: `predict` will say so
                self._network()

    def __copy__(self):
        """A copy that shares parameters, and nothing that training writes to."""
        given = self.get_params(deep=False)
        twin = object.__new__(type(self))
        state = BaseMLP.__getstate__(self)
        fitted = copying.deepcopy({k: v for k, v in state.items() if k not in given})
        twin.__setstate__({**state, **fitted})
        return twin

    # --- prediction ----------------------------------------------------------------------------

    def _outputs(self, X, sums: bool = False) -> np.ndarray:
        """What the last layer puts out, in the targets' own units; or its weighted sums."""
        net = self._network()
        if not self._is_plain(X, net):
            X = checked_data(self, X, reset=False)
        layers = weighted_sums(net) if sums else None
        out = outputs(net, self._inputs(net, X), self.n_threads, layers)
        return out if self._target_scaling is None else self._target_scaling.undo(out)

    def _is_plain(self, X, net) -> bool:
        """Whether X can be seen to be in order at once."""
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype == net.dtype
            and X.shape[1] == net.sizes[0]
            and 0 < X.size < SMALL
            and not hasattr(self, "feature_names_in_")
            and bool(np.isfinite(X).all())
        )

    def _inputs(self, net, X):
        if not isinstance(X, np.ndarray):
            X = X.tocsr()
        if self._scaling is not None:
            X = self._scaling.apply(X)
        return self._narrowed(net, X)

    def _narrowed(self, net, X):
        if isinstance(X, np.ndarray):
            return narrowed(X, net.dtype, "X")
        narrowed(X.data, net.dtype, "X")
        return X.astype(net.dtype, copy=False)

    # --- one sample at a time ------------------------------------------------------------------

    def _room(self) -> OneRow:
        """Buffers for one sample, for as long as the caller keeps them."""
        net = self._network()
        return self._rows.pop() if self._rows else OneRow(net, self._scaling)

    def learn_one(self, x: Any, y: Any) -> float:
        """Take the solver's step on one sample, in microseconds: only the length of x is looked at.

        Parameters
        ----------
        x : sequence of n_features numbers
        y : number, label, or sequence of n_outputs numbers

        Returns
        -------
        float
            The sample's loss before the step, penalty included.

        Raises
        ------
        ValueError
            If the loss or a weight became infinite or NaN. The model is as before.
        """
        self._check_solver()
        if not same(settings.raw(self), self._raw):
            with Attempt(self):
                check_is_fitted(self)
                self._validate_params()
                self._follow()
                return self._learn_one(x, y)
        return self._learn_one(x, y)

    def _learn_one(self, x, y) -> float:
        row = self._room()
        row.take_inputs(x)
        loss = learn_row(self, row, y)
        if self._optimizer.kind == "adaptive":
            complete_curves(self)
            idle(self, loss)
            lacks_progress(self, self._optimizer)
        self._rows.append(row)
        return loss

    def _partial_fit(self, X, y, sample_weight, classes=None):
        """One epoch on (X, y). A single plain row needs no look around."""
        with Attempt(self) as attempt:
            first = self._name_classes(y, classes)
            if not hasattr(self, "coefs_") or not same(settings.raw(self), self._raw):
                self._validate_params()
            elif not first and sample_weight is None and is_plain_row(self, X, y):
                row = self._room()
                row.take_inputs(X[0])
                loss = learn_row(self, row, y[0])
                attempt.keep()
                complete_curves(self)
                record(self, loss, 1)
                idle(self, loss)
                lacks_progress(self, self._optimizer)
                self._rows.append(row)
                return self
            self._fit(attempt, X, y, sample_weight)
        return self

    def _name_classes(self, y, classes) -> bool:
        """Take the classes that the first `partial_fit` names; returns whether it did."""
        return False

    def _check_solver(self) -> bool:
        if self.solver not in SOLVERS:
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic."
            )
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def checked_weight(weight, X, name="sample_weight"):
    """Sample weights as an array, if there are any."""
    if weight is None:
        return None
    return check_usable(_check_sample_weight(weight, X), name)


def check_usable(weight, name):
    """Weights that are finite, not negative, and not all 0; as they are."""
    if not np.isfinite(weight).all() or (weight < 0).any():
        odd = weight[~(np.isfinite(weight) & (weight >= 0))][0]
        raise ValueError(f"{name}: found {odd:g}, expected finite numbers, 0 or greater")
    if not weight.any():
        raise ValueError(
            f"{name} sums to 0, expected a positive sum: there is nothing to learn from samples "
            "without weight. Leave such samples out"
        )
    return weight


def same(a: Sequence, b: Sequence) -> bool:
    """Whether two sequences hold the very same objects."""
    return len(a) == len(b) and all(map(is_, a, b))
