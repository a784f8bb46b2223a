"""A linear unit with two inputs: predict every sample, then update once for each."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_count, check_flag, check_positive
from ..errors import DivergedError
from ..kernels.tutorials import scalars as kernels
from .inputs import check_same_length, check_vector
from .slicing import slices

TWO = 2.0  # why the kernels are told: see `kernels.tutorials.square`


def forward_pass(
    w1: float, w2: float, bias: float, Y: ArrayLike, X1: ArrayLike, X2: ArrayLike
) -> tuple[np.ndarray, float]:
    """Return the predictions of all samples, and the sum of their squared errors.

    y_pred = w1 X1 + w2 X2 + bias and error = sum((y_pred - Y)^2). The tutorial reads X1 and X2 from
    global names; here they are the last two arguments.

    Parameters
    ----------
    w1, w2, bias : float
        The unit's weights.
    Y, X1, X2 : array_like of shape (n_samples,)
        Targets and the two inputs.

    Returns
    -------
    y_pred : ndarray of shape (n_samples,), float64
    error : float

    Examples
    --------
    >>> y_pred, error = forward_pass(2.0, 1.0, 0.5, [3.0, 8.0], [1.0, 2.0], [0.0, 3.0])
    >>> y_pred.tolist(), error
    ([2.5, 7.5], 0.5)
    """
    X1, X2, Y = check_samples(X1, X2, Y)
    y_pred = np.empty_like(Y)
    kernels.linear_unit_predict(as_weights(w1, w2, bias), X1, X2, y_pred)
    return y_pred, float(kernels.linear_unit_squares(y_pred, Y, np.empty_like(Y), TWO))


def weight_update(
    w1: float, w2: float, Y: ArrayLike, bias: float, y_pred: ArrayLike, alpha: float,
    X1: ArrayLike, X2: ArrayLike, *, as_published: bool = False,
) -> tuple[float, float, float]:  # fmt: skip
    """Return the weights after one update for each sample, by predictions made beforehand.

    w_k -= alpha s X_k and bias -= alpha s, sample by sample, with s = 2 (y_pred - Y): together the
    gradient of sum((y_pred - Y)^2). The tutorial reads X1 and X2 from global names; here they are
    arguments.

    Parameters
    ----------
    w1, w2, bias : float
        The unit's weights before.
    y_pred : array_like of shape (n_samples,)
        Predictions of `forward_pass` for these weights.
    alpha : float
        Learning rate.
    Y, X1, X2 : array_like of shape (n_samples,)
        Targets and the two inputs.
    as_published : bool, default False
        Use the tutorial's s = (y_pred - Y)^2, which is not the gradient; see `train_model`.

    Returns
    -------
    w1, w2, bias : float

    Examples
    --------
    >>> w1, w2, bias = weight_update(
    ...     2.0, 1.0, [3.0, 8.0], 0.5, [2.5, 7.5], alpha=0.125, X1=[1.0, 2.0], X2=[0.0, 3.0]
    ... )
    >>> w1, w2, bias
    (2.375, 1.375, 0.75)
    """
    X1, X2, Y = check_samples(X1, X2, Y)
    predictions = check_vector(y_pred, "y_pred").copy()
    check_same_length(Y=Y, y_pred=predictions)
    alpha = check_positive(alpha, "alpha")
    weights, slopes = as_weights(w1, w2, bias), np.empty_like(Y)
    if check_flag(as_published, "as_published"):
        kernels.linear_unit_squares(predictions, Y, slopes, TWO)
    else:
        kernels.linear_unit_slopes(predictions, Y, slopes)
    kernels.linear_unit_update(weights, X1, X2, slopes, alpha)
    w1, w2, bias = weights.tolist()
    return w1, w2, bias


def train_model(
    X1: ArrayLike, X2: ArrayLike, Y: ArrayLike, epochs: int, learning_rate: float, *,
    as_published: bool = False, verbose: bool = False,
) -> np.ndarray:  # fmt: skip
    """Train the unit from ``RandomState(123).randn(3)`` and return its last predictions.

    Each epoch is `forward_pass` over all samples and then `weight_update`, so one epoch is one
    full-batch step on the sum of squared errors.

    Parameters
    ----------
    X1, X2, Y : array_like of shape (n_samples,)
        The two inputs and the target.
    epochs : int
    learning_rate : float
        The gradient is a sum over samples: the largest stable rate shrinks as 1 / n_samples.
    as_published : bool, default False
        Train by the tutorial's formula, bit for bit; see Notes.
    verbose : bool, default False
        Print every epoch's sum of squared errors.

    Returns
    -------
    y_pred : ndarray of shape (n_samples,), float64
        Predictions of the last epoch, made before its update, as in the tutorial.

    Raises
    ------
    DivergedError
        At the first epoch whose error is not finite.

    Notes
    -----
    The tutorial multiplies each input by the *square* of the error, where the derivative of
    (y_pred - Y)^2 has twice the error itself. A square has no sign, so with inputs that are not
    negative all three weights can only fall. A prediction above its target creeps towards it, more
    slowly the closer it comes; one below is pushed further away, and with enough epochs training
    ends in `DivergedError`.

    Examples
    --------
    >>> X1, X2 = [0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]
    >>> train_model(X1, X2, [1.0, 3.0, 4.0, 6.0], epochs=500, learning_rate=0.1).round(6).tolist()
    [1.0, 3.0, 4.0, 6.0]
    """
    X1, X2, Y = check_samples(X1, X2, Y)
    epochs, lr = check_count(epochs, "epochs"), check_positive(learning_rate, "learning_rate")
    as_published = check_flag(as_published, "as_published")
    verbose = check_flag(verbose, "verbose")
    weights = np.array(start_weights())
    y_pred, slopes = np.empty_like(Y), np.empty_like(Y)
    for start, stop in slices(epochs, work=8 * len(Y)):
        errors = np.empty(stop - start)
        good = kernels.linear_unit_epochs(
            weights, X1, X2, Y, y_pred, slopes, errors, lr, as_published, TWO
        )
        if verbose:
            print_errors(start, errors[:good])
        if good < len(errors):
            raise DivergedError(start + good + 1, cause(lr, as_published), kept=False)
    return y_pred


@cache
def start_weights() -> tuple[float, ...]:
    """Return the tutorial's start, cached: making a random generator takes longer than training."""
    return tuple(np.random.RandomState(123).randn(3).tolist())


def check_samples(
    X1: ArrayLike, X2: ArrayLike, Y: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the three columns as read-only float64 arrays of one length."""
    X1, X2, Y = check_vector(X1, "X1"), check_vector(X2, "X2"), check_vector(Y, "Y")
    check_same_length(X1=X1, X2=X2, Y=Y)
    return X1, X2, Y


def as_weights(w1: float, w2: float, bias: float) -> np.ndarray:
    """Return the three weights as an array that the kernels may change."""
    return check_vector([w1, w2, bias], "w1, w2, bias").copy()


def print_errors(first: int, errors: np.ndarray) -> None:
    """Print a line for each epoch, counted from 0 as the tutorial does."""
    for epoch, error in enumerate(errors.tolist(), first):
        print(f"epoch {epoch}: sum of squared errors {error}")


def cause(lr: float, as_published: bool) -> str:
    """Return why the sum of squared errors is no longer finite."""
    if as_published:
        return "the published update, a square, drives predictions below their targets ever further"
    return f"learning_rate={lr:g} is too large for these data; lower it, or standardise the inputs"
