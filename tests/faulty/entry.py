"""What is known of a faulty kernel."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple


class Faulty(NamedTuple):
    """A kernel, one of its mistakes, and what `compare` has to find.

    Without the keyword ``mistake`` the function is right.
    """

    function: Callable
    kind: str
    mistake: str
    cause: str  # a name of CAUSES
    wrong: str  # the blocks, such as "W1 b1"
    first: int | None = 1  # the first wrong step, or row; None for float32, which agrees
    options: dict = {}  # noqa: RUF012 (of `compare`)

    @property
    def name(self):
        style = self.function.__module__.rpartition(".")[2]
        return f"{style}.{self.function.__name__}: {self.mistake}"

    @property
    def faulty(self):
        """The function with its mistake."""
        return partial(self.function, mistake=self.mistake)
