"""The tasks that kernels are compared at, whatever runs them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """Describe what a kernel does.

    Attributes
    ----------
    arguments : tuple of str
        The arguments that a function for this task is called with.
    counts : str
        The unit that a check counts: training goes step by step; what is computed at once is
        computed for ever more rows.
    """

    arguments: tuple[str, ...]
    counts: str = "step"

    @property
    def trains(self) -> bool:
        """Return whether parameters are changed."""
        return "lr" in self.arguments


_TRAINING = ("X", "Y", "weights", "biases", "lr")
TASKS = {
    "online": Task(_TRAINING),  # one update per sample
    "batches": Task((*_TRAINING, "batch_size")),  # one update per batch of samples
    "full": Task(_TRAINING),  # one update per epoch, with all samples
    "forward": Task(("X", "weights", "biases"), "row"),  # the outputs of all samples
    "gradient": Task(_TRAINING[:-1], "row"),  # the gradient of the mean loss of all samples
}
