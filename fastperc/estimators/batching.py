"""How many samples a step takes, by the parameter ``batch_size``."""

from __future__ import annotations

from .warning import warn

AUTO = 200  # samples, if there are as many
TOO_LARGE = "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped"


def largest_batch(batch_size: int | str) -> int:
    """Return the most samples that a step takes: 'auto' stands for `AUTO`."""
    return AUTO if isinstance(batch_size, str) else int(batch_size)


def is_clipped(batch_size: int | str, n_samples: int) -> bool:
    """Return whether there are fewer samples than a number asks for, which is worth a warning."""
    return not isinstance(batch_size, str) and batch_size > n_samples


def batch_size_of(batch_size: int | str, n_samples: int) -> int:
    """Return how many of ``n_samples`` a step takes; warns of a number that is too large."""
    if is_clipped(batch_size, n_samples):
        warn(TOO_LARGE)
    return min(largest_batch(batch_size), n_samples)
