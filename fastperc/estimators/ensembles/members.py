"""What the members of an ensemble differ by: seeds, bootstrap samples, drawn parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, cast, runtime_checkable

import numpy as np

LARGEST_SEED = np.iinfo(np.int32).max
SHARED_BY_MEMBERS = ("random_state", "loss", "quantile")  # or their mean would mean nothing


@runtime_checkable
class Distribution(Protocol):
    """What scipy's distributions have."""

    def rvs(self, *, random_state: np.random.RandomState) -> object:
        """Draw a number."""


def draw_seeds(random_state: np.random.RandomState, n_members: int) -> list[int]:
    """Draw a seed for each member, as `sklearn.ensemble.BaggingRegressor` does."""
    return random_state.randint(LARGEST_SEED, size=n_members).tolist()


def seed_of_network(seed: int) -> int:
    """Return the ``random_state`` of the network of a member, as scikit-learn's bagging sets it."""
    return int(np.random.RandomState(seed).randint(LARGEST_SEED))


def bootstrap_counts(seed: int, n_samples: int, weight: np.ndarray | None) -> np.ndarray:
    """Count how often each sample is drawn for a member: ``n_samples`` draws with replacement.

    Parameters
    ----------
    seed : int
    n_samples : int
    weight : ndarray of shape (n_samples,), optional
        A sample is drawn with a probability proportional to it.

    Returns
    -------
    ndarray of float64 of shape (n_samples,)
        Sample weights that stand for the draws.
    """
    stream = np.random.RandomState(seed)
    if weight is None:
        drawn = stream.randint(0, n_samples, n_samples)
    else:
        drawn = stream.choice(n_samples, n_samples, p=weight / weight.sum())
    return np.bincount(drawn, minlength=n_samples).astype(np.float64)


def draw_parameters(
    distributions: Mapping[str, object], n_members: int, random_state: np.random.RandomState
) -> list[dict[str, object]]:
    """Draw parameters for each member, independently.

    Parameters
    ----------
    distributions : mapping of str to a scipy distribution, or to a sequence
        Names of parameters; a member gets a draw by ``rvs``, or one of the sequence.
    n_members : int
    random_state : RandomState

    Returns
    -------
    list of dict
    """
    return [
        {name: draw(distributions[name], random_state) for name in sorted(distributions)}
        for _ in range(n_members)
    ]


def draw(distribution: object, random_state: np.random.RandomState) -> object:
    """Draw a value from a scipy distribution or from a sequence."""
    if not isinstance(distribution, Distribution):
        values = cast(Sequence[object], distribution)
        return values[random_state.randint(len(values))]
    value = distribution.rvs(random_state=random_state)
    return value.item() if isinstance(value, (np.generic, np.ndarray)) else value


def check_distributions(distributions: Mapping[str, object], names: Iterable[str]) -> None:
    """Check names, and that there is something to draw from."""
    allowed = sorted(set(names) - set(SHARED_BY_MEMBERS))
    for name, values in distributions.items():
        if name in SHARED_BY_MEMBERS:
            raise ValueError(
                f"distributions: found {name!r}, which members have in common. Leave it out"
            )
        if name not in allowed:
            raise ValueError(
                f"distributions: found {name!r}, expected names of parameters of a member: "
                f"{', '.join(allowed)}"
            )
        if not isinstance(values, Distribution) and not _has_items(values):
            raise ValueError(
                f"distributions[{name!r}]: found {values!r:.60}, expected a scipy distribution or "
                "a list that is not empty"
            )


def _has_items(values: object) -> bool:
    """Return whether one can be drawn from a sequence."""
    return isinstance(values, (list, tuple, range, np.ndarray)) and len(values) > 0
