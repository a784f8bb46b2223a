"""Checks of the options of training that are not the update rule's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks
from ..deadline import Deadline


def check_schedule(lr: object, dtype: np.dtype) -> Callable[[int], float]:
    """Return the function from epoch to learning rate that a number or a function stands for."""
    if callable(lr):

        def checked(epoch: int) -> float:
            return checks.check_number(lr(epoch), f"lr({epoch})", least=0)

        checked(1)
        return checked
    rate = checks.check_positive(lr, "lr")
    checks.check_rounded(rate, "lr", dtype)
    return lambda epoch: rate


def check_deadline(time_limit: object) -> Deadline:
    """Return a deadline whose time has begun to run."""
    return Deadline(None if time_limit is None else checks.check_positive(time_limit, "time_limit"))


def check_finite_weights(theta: np.ndarray) -> None:
    """Refuse to train from weights that somebody made infinite or NaN."""
    if not checks.all_finite(theta):
        raise ValueError(
            f"theta: found {theta[~np.isfinite(theta)][0]} among the weights, expected finite "
            "numbers to start from. Write others to them, or make a new network"
        )


def check_callback(callback: object) -> Callable[..., Any] | None:
    """Return something to call, or None."""
    if callback is not None and not callable(callback):
        raise TypeError(
            f"callback: found {callback!r:.60}, expected a function of (epoch, history)"
        )
    return callback
