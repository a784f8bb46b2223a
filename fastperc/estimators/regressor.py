"""MLPRegressor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import _safe_indexing, check_consistent_length, column_or_1d
from sklearn.utils._param_validation import Interval, InvalidParameterError, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..model import losses
from ..model.samples import Samples
from ..training.one_sample import SampleBuffer
from . import parameters
from .base import BaseMLP
from .inputs import checked_data, numbers_of, one_target, refuse_dates
from .scaling import Scaling
from .settings import Callback, Settings
from .typed import only_if

if TYPE_CHECKING:
    from ..network import Network

_HEADS = {
    "squared_error": "identity", "absolute_error": "identity", "huber": "identity",
    "poisson": "exp",
}  # fmt: skip


class MLPRegressor(RegressorMixin, BaseMLP):
    """A dense network for numbers: scikit-learn's, compiled.

    Every parameter, attribute and method of `sklearn.neural_network.MLPRegressor` means what it
    means there, and an int as ``random_state`` gives the same start weights, batches and splits.

    >>> import numpy as np
    >>> from fastperc import MLPRegressor
    >>> X = np.linspace(-3, 3, 200).reshape(-1, 1)
    >>> model = MLPRegressor(hidden_layer_sizes=(16,), solver="lbfgs", tol=1e-3, random_state=1)
    >>> bool(model.fit(X, np.sin(X[:, 0])).score(X, np.sin(X[:, 0])) > 0.99)
    True

    Parameters
    ----------
    loss : str, default='squared_error'
        'squared_error' (half of it), 'poisson' (half the deviance, with exp at the output),
        'absolute_error', 'huber' (half the square up to an error of 1, then linear), 'quantile'.
    quantile : float, default=0.5
        Which one loss='quantile' estimates.
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, \
power_t, max_iter, shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, \
early_stopping, validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun, l1, \
clip_norm, dtype, n_threads, time_limit, progress, callback
        As in `MLPClassifier`.
    scoring : str or callable, optional
        What early stopping watches: 'loss', or a scikit-learn scorer; by default R^2.
    scale : {'standard', None}, default=None
        Bring inputs and targets (these not with 'poisson') to mean 0 and deviation 1, and
        predictions back. ``coefs_`` and losses are those of the scaled numbers.

    Attributes
    ----------
    loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_, t_, coefs_, \
intercepts_, n_features_in_, feature_names_in_, n_iter_, n_layers_, n_outputs_, out_activation_
        As in scikit-learn. Arrays in ``coefs_`` and ``intercepts_`` may be written to, or replaced
        by others that make a network of as many inputs and outputs; these are copied.
    validation_loss_curve_ : list of float
        Mean loss on the validation set after each epoch, without penalties; if there is one.
    """

    _parameter_constraints: ClassVar[dict] = {
        **parameters.SHARED,
        "loss": [StrOptions({"squared_error", "poisson", "absolute_error", "huber", "quantile"})],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str | Callable[[int], float] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        quantile: float = 0.5,
        l1: float = 0.0,
        clip_norm: float | None = None,
        scoring: str | Callable[..., float] | None = None,
        scale: str | None = None,
        dtype: str | None = None,
        n_threads: int = 1,
        time_limit: float | None = None,
        progress: bool = False,
        callback: Callback | None = None,
    ) -> None:
        parameters.store(self, locals())

    @classmethod
    def from_network(
        cls, net: Network, *, feature_names: Sequence[str] | None = None, **parameters: Any
    ) -> Self:
        """Return a fitted estimator with a copy of a network's weights.

        It predicts as the network does, and learns on from there, by `partial_fit`, `learn_one`,
        and `fit` with ``warm_start=True``. Layers without biases have biases of 0, which learn.

        Parameters
        ----------
        net : Network
            With loss squared_error, absolute_error or huber and output identity, or with poisson
            and exp.
        feature_names : sequence of str, optional
            Names of the inputs, ``feature_names_in_``.
        **parameters
            Others of the constructor, such as ``solver``.

        Returns
        -------
        MLPRegressor

        Raises
        ------
        TypeError, ValueError
            For other networks.

        Examples
        --------
        >>> from fastperc import MLPRegressor, Network
        >>> net = Network((2, 8, 1), hidden="tanh", seed=0)
        >>> model = MLPRegressor.from_network(net, solver="sgd")
        >>> model.predict([[0, 0]]).tolist()
        [0.0]
        """
        from .exchange.networks import check_head, fill, parameters_of

        given = parameters_of(net, parameters)
        check_head(net, _HEADS, "MLPRegressor")
        model = cls(**given)
        fill(model, net, feature_names)
        return model

    def _validate_input(
        self, X: Any, y: Any, incremental: bool, reset: bool
    ) -> tuple[Any, np.ndarray]:
        refuse_dates(y, "y")
        X, y = checked_data(self, X, y, multi_output=True, reset=reset)
        y = numbers_of(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if self.loss == "poisson" and (y < 0).any():
            raise self._negative(y)
        return X, y.reshape(len(y), -1)

    def _negative(self, y: np.ndarray) -> ValueError:
        """Return what to raise on negative counts."""
        return ValueError(
            f"y: found {y.min():g}, expected no negative number with loss='poisson': it is for "
            "counts"
        )

    def _validate_params(self) -> None:
        if not isinstance(self.loss, str):
            raise InvalidParameterError(
                f"The 'loss' parameter of MLPRegressor must be a str. Got {self.loss!r:.60} "
                "instead. It comes first, as in scikit-learn from 1.7 on: give layers by name, "
                f"MLPRegressor(hidden_layer_sizes={self.loss!r:.60})"
            )
        super()._validate_params()

    def _validate_held(self, X: object, y: object) -> tuple[Any, np.ndarray]:
        X, Y = self._validate_input(X, y, False, reset=False)
        if Y.shape[1] != self.n_outputs_:
            raise ValueError(f"y_val has {Y.shape[1]} columns, expected {self.n_outputs_} as in y")
        return X, Y

    def _take_target(self, buffer: SampleBuffer, y: Any) -> float:
        target = buffer.y
        if (len(target) > 1 or type(y) is not float) and np.size(y) != len(target):
            raise ValueError(
                f"y: found {np.size(y)} numbers, expected {len(target)}, one for each output"
            )
        target[:] = y if isinstance(y, float) else one_target(y)
        if self.loss == "poisson" and (target < 0).any():
            raise self._negative(target)
        if self._target_scaling is not None:
            target[:] = self._target_scaling.apply(target)
        return 1.0

    def _is_plain_target(self, y: np.ndarray) -> bool:
        shape = (1,) if self.n_outputs_ == 1 else (1, self.n_outputs_)
        return y.dtype.kind in "iuf" and y.shape == shape

    def _scaling_of_targets(self, Y: np.ndarray, weight: np.ndarray | None) -> Scaling | None:
        return None if self.loss == "poisson" else Scaling.of(Y, weight)

    def _output_and_loss(self, now: Settings) -> tuple[str, losses.Loss]:
        if now.loss == "quantile":
            assert now.quantile is not None
            return "identity", losses.quantile(now.quantile)
        return "exp" if now.loss == "poisson" else "identity", losses.LOSSES[now.loss]

    def _loss_scale(self) -> float:
        return 1.0 if self.out_activation_ == "exp" else 1.0 / self.n_outputs_

    @only_if(lambda estimator: estimator._check_solver())
    def partial_fit(self, X: object, y: object, sample_weight: object = None) -> Self:
        """Go once through the given samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self : object
        """
        return self._partial_fit(X, y, sample_weight)

    def score(self, X: object, y: object, sample_weight: object = None) -> float:
        """Return R^2; rows of weight 0 are left out, whatever they hold.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        score : float
        """
        weight = None if sample_weight is None else np.asarray(sample_weight)
        if weight is not None and weight.ndim == 1 and weight.any() and not weight.all():
            check_consistent_length(X, y, weight)
            rows = np.flatnonzero(weight)
            X, y, sample_weight = _safe_indexing(X, rows), _safe_indexing(y, rows), weight[rows]
        return super().score(X, y, sample_weight)

    def _score_of(self, out: np.ndarray, samples: Samples) -> float:
        """Return R^2."""
        if not np.isfinite(out).all():
            return float("nan")
        weight = samples.weight if len(samples.weight) else None
        with np.errstate(over="ignore"):  # minus infinity is a score, too
            return float(r2_score(samples.Y, out, sample_weight=weight))

    def predict(self, X: object) -> np.ndarray:
        """Predict numbers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        check_is_fitted(self)
        out = self._outputs(X)
        return out[:, 0] if out.shape[1] == 1 else out

    def predict_one(self, x: object) -> float | np.ndarray:
        """Predict the number, or numbers, of one sample, in microseconds.

        Parameters
        ----------
        x : sequence of n_features numbers

        Returns
        -------
        float, or ndarray of shape (n_outputs,)
        """
        buffer = self._buffer_of(x)
        out = self._outputs_of_one(buffer)
        if self._target_scaling is not None:
            out = self._target_scaling.undo(out)
        value = out.item() if out.size == 1 else out.copy()
        self._buffers.append(buffer)
        return value
