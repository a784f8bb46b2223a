"""What both estimators share: parameters, the network behind ``coefs_``, checks, prediction."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ..kernels.updates import L2_PER_WEIGHT
from ..layout import aligned_zeros, n_parameters, views
from ..network import Network
from . import lbfgs, parameters
from .callbacks import CallbackSupportMixin, FitTask
from .epochs import Samples, fixed, outputs
from .one_row import OneRow, is_plain_row, learn_row
from .optimizer import SOLVERS, Optimizer
from .progress import begin_curves, lacks_progress, progress, record
from .scaling import Scaling
from .stochastic import Descent
from .validation import Validation

SMALL = 1 << 14  # numbers that are looked at faster than scikit-learn looks around


class BaseMLP(CallbackSupportMixin, BaseEstimator):
    """A dense network behind scikit-learn's names; see `MLPClassifier` and `MLPRegressor`."""

    _parameter_constraints: ClassVar[dict] = parameters.SHARED

    n_outputs_: int
    loss_curve_: list[float]
    _net: Network | None = None
    _arrays: tuple = ()  # the network's W and b
    _scaling: Scaling | None = None
    _target_scaling: Scaling | None = None
    _best_theta: np.ndarray | None = None

    # --- what the two kinds have of their own -------------------------------------------------

    def _validate_input(self, X, y, incremental: bool, reset: bool):
        """X checked; y as (n, n_outputs) of targets that the loss takes."""
        raise NotImplementedError

    def _head(self) -> tuple[str, str, int]:
        """Output activation, the network's name of the loss, and the kernel's code of it."""
        raise NotImplementedError

    def _loss_scale(self) -> float:
        """What the sum over outputs is multiplied by."""
        return 1.0

    def _all_weights(self, y, weight, incremental: bool):
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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None
    ):  # fmt: skip
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
        self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), task)
        task.end()
        return self

    def _fit(self, X, y, sample_weight=None, held=(None, None, None), task=None):
        incremental = task is None
        widths = parameters.hidden_widths(self.hidden_layer_sizes)
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        labels = y
        X, Y = self._validate_input(X, y, incremental, reset=first)
        weight = checked_weight(sample_weight, X)
        weight, is_factor = self._all_weights(labels, weight, incremental)
        if not first and Y.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y: found {Y.shape[1]} outputs per sample, expected {self.n_outputs_} as in the "
                "first call"
            )
        self.n_outputs_ = Y.shape[1]
        self._random_state = check_random_state(self.random_state)
        if first:
            self._initialize([X.shape[1], *widths, self.n_outputs_], self.dtype or X.dtype)
        net = self._network()
        samples = self._samples(net, X, Y, weight, is_factor)
        validation = self._given_validation(net, held)
        if self.solver in SOLVERS:
            Descent(self, net, samples, validation, (X, labels), task).run()
        else:
            lbfgs.fit(self, net, samples, task)
        return self

    def _initialize(self, sizes, dtype) -> None:
        """Start weights, drawn layer by layer: W, then b, uniform within Glorot's bounds."""
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = len(sizes)
        self.out_activation_, _, _ = self._head()
        names = parameters.hidden_activations(self.activation, len(sizes) - 2)
        theta = aligned_zeros(n_parameters(sizes), dtype)
        self.coefs_, self.intercepts_ = views(theta, sizes)
        names = (*names, names[-1] if names else self.activation)
        for W, b, name in zip(self.coefs_, self.intercepts_, names, strict=True):
            factor = 2.0 if name in ("logistic", "sigmoid") else 6.0
            bound = np.sqrt(factor / sum(W.shape))
            W[...] = self._random_state.uniform(-bound, bound, W.shape)
            b[...] = self._random_state.uniform(-bound, bound, b.shape)
        self._net = self._scaling = self._target_scaling = self._best_theta = None
        self.__dict__.pop("validation_loss_curve_", None)
        if self.solver in SOLVERS:
            begin_curves(self)

    def _samples(self, net, X, Y, weight, is_factor=False) -> Samples:
        """Checked data as the kernels take it; the first of a model decide on its scaling."""
        if not isinstance(X, np.ndarray):
            X = X.tocsr()
        if self.scale is not None and self._scaling is None:
            self._scaling = Scaling.of(X, weight)
            self._target_scaling = self._scaling_of_targets(Y, weight)
        if self._scaling is not None:
            X = self._scaling.apply(X)
        if self._target_scaling is not None:
            Y = self._target_scaling.apply(np.asarray(Y, np.float64))
        weight = np.empty(0) if weight is None else weight
        X = fixed(X, net.dtype) if isinstance(X, np.ndarray) else X.astype(net.dtype, copy=False)
        return Samples(X, fixed(Y, net.dtype), fixed(weight, net.dtype), is_factor)

    def _scaling_of_targets(self, Y, weight) -> Scaling | None:
        return None

    def _given_validation(self, net, held) -> Validation | None:
        """The validation set given to `fit`."""
        X, y, weight = held
        if (X is None) != (y is None):
            raise ValueError("X_val and y_val belong together: found one of them, expected both")
        if X is None:
            return None
        X, Y = self._validate_held(X, y)
        weight = None if weight is None else _check_sample_weight(weight, X)
        return Validation(self, net, self._samples(net, X, Y, weight), X, y)

    def _mean_loss(self, tally, n: int, optimizer: Optimizer) -> float:
        """An epoch's loss from its tally; see `kernels.epochs`."""
        penalty = 0.5 * optimizer.rates[L2_PER_WEIGHT] * tally[1]
        return float(tally[0] * self._loss_scale() + penalty) / n

    # --- the network behind coefs_ -------------------------------------------------------------

    def _network(self) -> Network:
        """The network whose weights ``coefs_`` and ``intercepts_`` are.

        Whoever replaces them by arrays of their own gets a network of these.
        """
        net = self._net
        if net is None or not same([*self.coefs_, *self.intercepts_], self._arrays):
            check_is_fitted(self)
            net = self._net = self._new_network()
            self.coefs_, self.intercepts_ = list(net.weights), list(net.biases)
            self._arrays = (*self.coefs_, *self.intercepts_)
            self._rows: list[OneRow] = []  # not in use; `pop` and `append` are safe between threads
        return net

    def _new_network(self) -> Network:
        dtype = np.result_type(*self.coefs_)
        sizes = [self.coefs_[0].shape[0], *(W.shape[1] for W in self.coefs_)]
        pairs = zip(self.coefs_, self.intercepts_, strict=True)
        output, loss, code = self._head()
        net = Network(
            sizes,
            hidden=parameters.hidden_activations(self.activation, len(sizes) - 2),
            output=output,
            loss=loss,
            init=np.concatenate([a.ravel() for pair in pairs for a in pair]),
            dtype="float32" if dtype == np.float32 else "float64",
        )
        net.loss_code = code
        return net

    def __getstate__(self):
        state = super().__getstate__()
        return {k: v for k, v in state.items() if k not in ("_net", "_rows", "_arrays")}

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "coefs_"):
            self._network()

    # --- prediction ----------------------------------------------------------------------------

    def _outputs(self, X, check_input: bool = True) -> np.ndarray:
        """What the last layer puts out, in the targets' own units."""
        net = self._network()
        if check_input and not self._is_plain(X, net):
            X = validate_data(
                self, X, accept_sparse=["csr", "csc"], dtype=(np.float64, np.float32), reset=False
            )
        out = outputs(net, self._inputs(net, X), self.n_threads)
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
        return fixed(X, net.dtype) if isinstance(X, np.ndarray) else X

    # --- one sample at a time ------------------------------------------------------------------

    def _room(self) -> OneRow:
        """Buffers for one sample, for as long as the caller keeps them."""
        net = self._network()
        return self._rows.pop() if self._rows else OneRow(net, self._scaling)

    def learn_one(self, x, y) -> float:
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
        row = self._room()
        row.take_inputs(x)
        loss = learn_row(self, row, y)
        self._rows.append(row)
        return loss

    def _partial_fit(self, X, y, sample_weight):
        """One epoch on (X, y). A single plain row needs no look around."""
        if not hasattr(self, "coefs_"):
            self._validate_params()
        elif sample_weight is None and is_plain_row(self, X, y):
            row = self._room()
            row.take_inputs(X[0])
            record(self, learn_row(self, row, y[0]), 1)
            progress(self, None, None)
            lacks_progress(self, self._optimizer)
            self._rows.append(row)
            return self
        return self._fit(X, y, sample_weight)

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


def checked_weight(weight, X):
    """Sample weights as an array, if there are any."""
    if weight is None:
        return None
    weight = _check_sample_weight(weight, X)
    if not weight.sum() > 0:
        raise ValueError(
            f"sample_weight sums to {weight.sum():g}, expected a positive sum: there is nothing to "
            "learn from samples without weight. Leave such samples out"
        )
    return weight


def same(a: Sequence, b: Sequence) -> bool:
    """Whether two sequences hold the very same objects."""
    return len(a) == len(b) and all(map(is_, a, b))
