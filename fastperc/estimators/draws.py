"""What is drawn from ``random_state``, as scikit-learn's networks draw it: weights, then orders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator

from ..model.layout import aligned_zeros, n_parameters, views
from ..model.samples import Samples
from ..training.checkpoints import State, restore_stream, stream_state
from ..training.orders import DrawnOrder


def streams_of(estimator: BaseEstimator) -> list[np.random.RandomState | np.random.Generator]:
    """Return what a fit draws from besides seeds: the streams among all parameters, however deep.

    Where a ``random_state`` is None, that is NumPy's global one.
    """
    given = estimator.get_params(deep=True)
    given |= {f"{name}__random_state": value.random_state for name, value in given.items()
              if hasattr(value, "random_state") and not hasattr(value, "get_params")}  # fmt: skip
    is_open = any(
        value is None and name.rpartition("__")[2] == "random_state"
        for name, value in given.items()
    )
    kinds = (np.random.RandomState, np.random.Generator)
    found = [value for value in given.values() if isinstance(value, kinds)]
    found += [np.random.mtrand._rand] if is_open else []
    return [*{id(stream): stream for stream in found}.values()]


def start_weights(
    sizes: Sequence[int],
    activation: str | Sequence[str],
    dtype: np.dtype | str,
    random_state: np.random.RandomState,
) -> np.ndarray:
    """Draw start weights layer by layer: W, then b, uniform within Glorot's bounds.

    Parameters
    ----------
    sizes : sequence of int
        Number of inputs, of units in each hidden layer, of outputs.
    activation : str or sequence of str
        Of the hidden layers, one name for all or one for each; the last holds for the outputs too.
    dtype : dtype
    random_state : RandomState

    Returns
    -------
    ndarray of shape (n_parameters,)
        Laid out as `model.dense.Dense.theta`.
    """
    theta = aligned_zeros(n_parameters(sizes), dtype)
    names = [activation] * len(sizes) if isinstance(activation, str) else [*activation]
    names = [*names[: len(sizes) - 2], names[-1] if names else "identity"]
    for W, b, name in zip(*views(theta, sizes), names, strict=True):
        bound = np.sqrt(glorot_factor(name) / sum(W.shape))
        W[...] = random_state.uniform(-bound, bound, W.shape)
        b[...] = random_state.uniform(-bound, bound, b.shape)
    return theta


def glorot_factor(activation: str) -> float:
    """Return the square of Glorot's bound, times the units on both sides of a layer."""
    return 2.0 if activation in ("logistic", "sigmoid") else 6.0


class Shuffles:
    """Orders of ``n`` samples, each shuffled further than the one before."""

    def __init__(self, n: int, random_state: np.random.RandomState):
        self.random_state, self.order = random_state, np.arange(n)

    def state(self) -> State:
        """Return the last order, and where the stream is."""
        return {"order": self.order.copy(), "stream": stream_state(self.random_state)}

    def restore(self, state: State) -> None:
        """Go on from a `state`."""
        if (np.sort(state["order"]) != np.arange(len(self.order))).any():
            raise ValueError("order: found rows that are no order of the samples")
        self.order = state["order"]
        restore_stream(self.random_state, state["stream"])

    def __call__(self, n_epochs: int) -> np.ndarray:
        """Return the next orders, int64 of shape (n_epochs, n)."""
        if n_epochs == 1:  # no second copy of what may be as large as a part of X
            return self._next()[None]
        return np.stack([self._next() for _ in range(n_epochs)])

    def _next(self) -> np.ndarray:
        permutation = np.arange(len(self.order))
        self.random_state.shuffle(permutation)  # as `sklearn.utils.shuffle` draws it
        self.order = self.order[permutation]
        return self.order


def shuffled(samples: Samples, random_state: np.random.RandomState) -> DrawnOrder:
    """Return an order that is shuffled further each time, as by scikit-learn's networks."""
    return DrawnOrder(samples, Shuffles(len(samples), random_state))
