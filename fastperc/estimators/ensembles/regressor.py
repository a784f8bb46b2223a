"""MLPEnsembleRegressor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np
from sklearn.base import RegressorMixin

from ...checks import check_number
from .. import parameters
from ..inputs import Inputs
from ..regressor import MLPRegressor
from ..settings import Callback
from .base import BaseMLPEnsemble, Drawn, Held, constraints
from .intervals import Calibration, mean_and_spread
from .selection import Loss, absolute_error, pinball, poisson, squared_error

LOSSES = {"absolute_error": absolute_error, "poisson": poisson}


class MLPEnsembleRegressor(RegressorMixin, BaseMLPEnsemble):
    """The mean of many dense networks for numbers, which are trained together.

    Member ``i`` is an `MLPRegressor` with a seed of its own; with ``bootstrap`` also with a sample
    of its own. The same ``random_state`` draws the same seeds and samples as in
    `sklearn.ensemble.BaggingRegressor` around an `MLPRegressor`.

    >>> import numpy as np
    >>> from fastperc import MLPEnsembleRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-3, 3, (400, 1))
    >>> y = np.sin(X[:, 0]) + 0.1 * rng.standard_normal(400)
    >>> model = MLPEnsembleRegressor(hidden_layer_sizes=(16,), learning_rate_init=0.02,
    ...                              batch_size=20, bootstrap=True, random_state=0).fit(X, y)
    >>> mean, spread = model.predict([[0.0], [9.0]], return_std=True)
    >>> bool(spread[1] > 3 * spread[0])  # far from all samples, members disagree
    True
    >>> low, high = model.predict_interval(X, coverage=0.9)
    >>> bool(0.85 < np.mean((low <= y) & (y <= high)) < 0.95)
    True

    Parameters
    ----------
    n_members, bootstrap, distributions, n_selected, n_jobs
        As in `MLPEnsembleClassifier`.
    loss, quantile
        As in `MLPRegressor`.
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, \
power_t, max_iter, shuffle, random_state, tol, verbose, momentum, nesterovs_momentum, \
early_stopping, validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun, l1, \
clip_norm, scoring, scale, dtype, time_limit, progress, callback
        Of each member, as in `MLPEnsembleClassifier`.

    Attributes
    ----------
    estimators_, weights_, n_iter_, n_features_in_, feature_names_in_, n_outputs_
        As in `MLPEnsembleClassifier`.
    noise_ : float, or float64 array of shape (n_outputs,)
        Standard deviation of what the spread of the members does not explain, see `Calibration`;
        with ``bootstrap``, ``n_selected`` or a validation set.
    """

    _member: ClassVar = MLPRegressor
    _calibration: Calibration | None
    quantile: float

    _parameter_constraints: ClassVar[dict] = constraints(MLPRegressor._parameter_constraints)

    def __init__(
        self,
        *,
        n_members: int = 16,
        bootstrap: bool = False,
        distributions: Mapping[str, object] | None = None,
        n_selected: int | None = None,
        n_jobs: int | None = None,
        loss: str = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
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
        time_limit: float | None = None,
        progress: bool = False,
        callback: Callback | None = None,
    ) -> None:
        parameters.store(self, locals())

    def _loss_of_mean(self) -> Loss:
        if self.loss == "quantile":
            return pinball(self.quantile)
        return LOSSES.get(self.loss, squared_error)

    # --- samples not trained on ----------------------------------------------------------------

    def _learn_from_residuals(
        self, X: Inputs, Y: np.ndarray, drawn: Drawn, held: Held | None
    ) -> None:
        """Calibrate intervals by a validation set, or by what bootstrap samples leave out."""
        self._calibration = None
        self.__dict__.pop("noise_", None)
        if held is not None:
            residuals, spread = self._residuals(held.X, held.Y, None)
            weight = held.weight
        elif self.bootstrap:
            residuals, spread = self._residuals(X, Y, drawn.left_out()[self._is_kept])
            weight = drawn.weight
        else:
            return
        counts = np.isfinite(residuals).all(axis=1)
        if weight is not None:
            counts &= weight > 0
        if counts.any():
            self._calibration = Calibration.of(residuals[counts], spread[counts])
            noise = self._calibration.noise
            self.noise_ = float(noise[0]) if len(noise) == 1 else noise

    def _residuals(
        self, X: Inputs, Y: np.ndarray, is_out: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return targets less means, and spreads, each sample's over members that left it out."""
        means, spreads = [], []
        for rows in self._row_batches(X):
            weights = self.weights_
            if is_out is not None:
                weights = weights[:, None] * is_out[:, rows]
            mean, spread = mean_and_spread(self._member_outputs(X[rows]), weights)
            means.append(mean)
            spreads.append(spread)
        return Y - np.concatenate(means), np.concatenate(spreads)

    # --- prediction ----------------------------------------------------------------------------

    def predict(
        self, X: object, return_std: bool = False
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Predict numbers: the mean of the members.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        return_std : bool, default=False
            Return the spread, too: the standard deviation of the members around their mean. It says
            how sure the ensemble is of its mean; what single samples deviate from it is ``noise_``.

        Returns
        -------
        mean : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        spread : ndarray of the same shape
            If ``return_std``.
        """
        checked = self._checked(X)
        if not return_std:
            return self._flat(self._mean_outputs(checked))
        mean, spread = self._mean_and_spread(checked)
        return self._flat(mean), self._flat(spread)

    def predict_interval(self, X: object, coverage: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Predict intervals which hold so large a part of new samples.

        Their width is ``sqrt(spread**2 + noise_**2)`` times a factor that fits samples which were
        not trained on: those of the validation set, or those that members' bootstrap samples left
        out. The coverage holds on average over all samples; members chosen by the same validation
        set make it a little less.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        coverage : float, default=0.9

        Returns
        -------
        low, high : ndarrays of shape (n_samples,) or (n_samples, n_outputs)

        Raises
        ------
        ValueError
            Where all samples were trained on, or too few were not for this coverage.
        """
        checked = self._checked(X)
        if not 0 < check_number(coverage, "coverage") < 1:
            raise ValueError(f"coverage: found {coverage:g}, expected a number between 0 and 1")
        if self._calibration is None:
            raise ValueError(
                "predict_interval: found no samples that were not trained on, expected some to "
                "determine the width by. Fit with bootstrap=True, with n_selected, or give fit "
                "X_val and y_val"
            )
        mean, spread = self._mean_and_spread(checked)
        half = self._calibration.width(spread, coverage)
        return self._flat(mean - half), self._flat(mean + half)

    def _mean_and_spread(self, X: Inputs) -> tuple[np.ndarray, np.ndarray]:
        means, spreads = zip(*self._moments(X), strict=True)
        return np.concatenate(means), np.concatenate(spreads)

    def _flat(self, out: np.ndarray) -> np.ndarray:
        return out[:, 0] if self.n_outputs_ == 1 else out
