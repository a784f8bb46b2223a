"""History: what a training run leaves behind."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..optional import require

if TYPE_CHECKING:
    from pandas import DataFrame

    from ..plots import Axes


@dataclass(repr=False)
class History:
    """What a training run leaves behind.

    Attributes
    ----------
    loss : list of float
        Mean training loss of each epoch, over its samples as each was met, so before the update.
    validation_loss : list of float
        Loss on the validation set after each epoch; empty without one. NaN where the run was ended
        before it was computed.
    metrics : dict of str to list of float
        Each metric after each epoch, on the validation set if there is one; empty without metrics.
        NaN where the run was ended before it was computed.
    seconds : float
        How long training took.
    stopped : str
        Why it ended: ``"epochs"`` (all done), ``"patience"``, ``"tol"``, ``"time_limit"``,
        ``"callback"``, ``"schedule"`` (it says so), ``"converged"``, ``"line_search"`` or
        ``"evaluations"`` (lbfgs: no lower loss was found on the way, or too many were tried),
        ``"interrupted"``, ``"diverged"`` or ``"error"`` (of a callback, say).
    unfinished : float
        Where the time limit or Ctrl-C ended the run within an epoch, the part of it that was done:
        the weights have learned from it, the curves do not show it. NaN where that part is not
        known: of batches from a generator.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    seconds: float = 0.0
    stopped: str = ""
    unfinished: float = 0.0
    metrics: dict[str, list[float]] = field(default_factory=dict)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the curves with matplotlib; return the Axes."""
        from ..plots import plot_history

        return plot_history(self, ax=ax)

    def to_frame(self) -> DataFrame:
        """Return the curves as a pandas DataFrame: a row for each epoch, counted from 1.

        Its columns are ``loss``, ``validation_loss`` where there was a validation set, and the
        metrics; its index is called ``epoch``.
        """
        pandas = require("pandas", extra="frames")
        curves = {"loss": self.loss, "validation_loss": self.validation_loss, **self.metrics}
        n = len(self.loss)
        columns = {
            name: [*curve, *[math.nan] * (n - len(curve))]
            for name, curve in curves.items()
            if curve or name == "loss"
        }
        epochs = pandas.RangeIndex(1, n + 1, name="epoch")
        return pandas.DataFrame(columns, index=epochs, dtype=float)

    def __repr__(self) -> str:
        n = len(self.loss)
        parts = [f"{n} epoch" if n == 1 else f"{n} epochs"]
        curves = (("loss", self.loss), ("validation loss", self.validation_loss))
        parts += [f"{name} {_ends(curve)}" for name, curve in curves if curve]
        if self.stopped not in ("", "epochs"):
            parts.append(f"stopped: {self.stopped}")
        return f"History({', '.join(parts)})"


def _ends(curve: list[float]) -> str:
    first, last = f"{curve[0]:.2g}", f"{curve[-1]:.2g}"
    return first if len(curve) == 1 else f"{first} -> {last}"
