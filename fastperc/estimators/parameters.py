"""The parameters: what each may be, in scikit-learn's own language, and what they stand for."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from ..kernels import activations
from ..training.rules import STOCHASTIC

SCHEDULES = ("step", "cosine", "one_cycle")  # for any stochastic solver
ACTIVATIONS = tuple(name for name in activations.CODES if name not in activations.OUTPUT_ONLY)

SHARED: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS)), list, tuple],
    "solver": [StrOptions({"lbfgs", *STOCHASTIC})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive", *SCHEDULES}), callable],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
    ],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "l1": [Interval(Real, 0, None, closed="left")],
    "clip_norm": [None, Interval(Real, 0, None, closed="neither")],
    "scoring": [None, str, callable],
    "scale": [None, StrOptions({"standard"})],
    "dtype": [None, StrOptions({"float32", "float64"})],
    "n_threads": [Interval(Integral, 1, None, closed="left")],
    "time_limit": [None, Interval(Real, 0, None, closed="neither")],
    "progress": ["boolean"],
    "callback": [None, callable],
}


def store(estimator: object, given: dict[str, Any]) -> None:
    """Keep what ``__init__`` was given, unchanged, as attributes of the same names."""
    for name, value in given.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)


def hidden_widths(value: Any) -> list[int]:
    """Return ``hidden_layer_sizes`` as a list; one number is one layer."""
    widths = list(value) if hasattr(value, "__iter__") else [value]
    for width in widths:
        if not isinstance(width, Integral):
            raise TypeError(
                f"hidden_layer_sizes: found {width!r:.60}, expected whole numbers, one for each "
                "hidden layer"
            )
    if any(width <= 0 for width in widths):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {widths}.")
    return [int(width) for width in widths]


def hidden_activations(value: str | Sequence[str], n_hidden: int) -> tuple[str, ...]:
    """Return ``activation`` as one name per hidden layer."""
    names = (value,) * n_hidden if isinstance(value, str) else tuple(value)
    if len(names) != n_hidden:
        raise ValueError(
            f"activation: found {len(names)} names, expected one for all hidden layers, or "
            f"{n_hidden}, one for each"
        )
    strangers = [name for name in names if name not in ACTIVATIONS]
    if strangers:
        raise ValueError(
            f"activation: found {strangers[0]!r}, expected names among {', '.join(ACTIVATIONS)}"
        )
    return names
