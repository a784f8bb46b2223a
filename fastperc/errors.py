"""Errors that fastperc raises beyond ValueError and TypeError, and what it warns of."""

from __future__ import annotations

TYPE_CHECKING = False  # what this loads, `import fastperc` loads
if TYPE_CHECKING:
    from typing import Self


class DivergedError(FloatingPointError):
    """Training ran into infinite or undefined numbers.

    It is raised in the epoch in which that happens. The network keeps the weights of the end of
    the last good epoch and can be used, or trained on with a smaller learning rate.

    Attributes
    ----------
    epoch : int
        The epoch that failed, counted from 1.
    cause : str
        The likely cause.
    kept : bool
        Whether there is a network that keeps the weights; a plain training function has none.
    """

    def __init__(self, epoch: int, cause: str, kept: bool = True):
        super().__init__(epoch, cause, kept)
        self.epoch = epoch
        self.cause = cause
        self.kept = kept

    def __str__(self) -> str:
        end = ". The weights of the last good epoch are kept" if self.kept else ""
        return f"training diverged in epoch {self.epoch}: {self.cause.rstrip('.')}{end}"

    def without_weights(self) -> Self:
        """Return this error for a caller who has no network to keep."""
        return type(self)(self.epoch, self.cause, False)


class ModelFileError(ValueError):
    """A file that is not a readable fastperc model; the message names file and broken rule."""


class ModelVersionWarning(UserWarning):
    """A model was stored by another version of fastperc; it is loaded nevertheless."""


class DataError(ValueError):
    """Data that are missing or not as they should be; the message says what to do."""


class NonFiniteWeightsError(DivergedError, ValueError):
    """Training of an estimator diverged; a ValueError too, as scikit-learn has it."""


class OutOfTimeError(Exception):
    """The time limit was reached on the way; what was begun is left undone."""


class KernelFailedError(RuntimeError):
    """A kernel under comparison raised, crashed or hung; the message says which."""
