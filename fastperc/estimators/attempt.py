"""All or nothing: a call that is refused leaves its estimator as it was."""

from __future__ import annotations

import numpy as np


class Attempt:
    """A block that puts an estimator's attributes back where it ends with an exception.

    Until `keep` is called, which is when training begins: what is trained after that is kept,
    whatever ends it. What the block changes before, it replaces rather than writes to. ``seed`` is
    the estimator's ``random_state``.
    """

    def __init__(self, estimator: object, seed: object):
        self.estimator, self.before = estimator, dict(vars(estimator))
        self.kept = False
        self.stream = seed if isinstance(seed, np.random.RandomState) else None
        self.position = None if self.stream is None else self.stream.get_state()

    def keep(self) -> None:
        """Let what was done stand."""
        self.kept = True

    def undo(self) -> None:
        """Put everything back."""
        now = vars(self.estimator)
        for name in now.keys() - self.before.keys():
            del now[name]
        now.update(self.before)
        if self.stream is not None and self.position is not None:
            self.stream.set_state(self.position)

    def __enter__(self) -> Attempt:
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        if kind is not None and not self.kept:
            self.undo()
