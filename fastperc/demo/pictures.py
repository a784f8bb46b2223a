"""The demo's pictures: loss curves, a decision boundary, the speed-ups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..datasets import load
from ..measuring.environment import processor, version_of
from ..network import Network
from ..plots import plot_decision_boundary, plot_histories, plot_speedups
from ..plots.files import resize, save_figure
from ..plots.style import note_below
from ..training import History
from ..tutorials import Speedup

if TYPE_CHECKING:
    from ..plots import Axes

Panels = Mapping[str, Mapping[str, History]]  # the runs on each data set

PETAL = slice(2, 4)  # the columns of iris that tell the species apart


def draw_all(
    folder: Path,
    regressions: Panels,
    classifications: Panels,
    speedups: Sequence[Speedup],
) -> Iterator[Path]:
    """Write all pictures as PNG files to ``folder``; yield the path of each."""
    for kind, histories in (("regression", regressions), ("classification", classifications)):
        yield save(draw_losses(kind, histories), folder / f"losses_{kind}.png")
    yield save(draw_boundary(), folder / "decision_boundary.png")
    yield save(draw_speedups(speedups), folder / "speedups.png")


def draw_losses(kind: str, panels: Panels) -> Axes:
    """Draw the curves of all experiments of a kind, a panel for each data set."""
    curves = {
        data: next(iter(runs.values())) if len(runs) == 1 else runs for data, runs in panels.items()
    }
    title = f"Loss of each {kind}: solid in training, dashed on held-out samples"
    return plot_histories(curves, title)


class Named:
    """A network that predicts the names of classes."""

    def __init__(self, net: Network, names: Sequence[str]):
        self.net, self.names = net, np.array(names)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the name of each row's class."""
        names: np.ndarray = self.names[self.net.predict(X)]
        return names


def draw_boundary() -> Axes:
    """Train on two features of iris, and draw which species is predicted where."""
    iris = load("iris")
    X, y = iris.X[:, PETAL], iris.y
    net = Network((2, 8, 3), hidden="tanh", output="softmax", loss="cross_entropy", seed=0)
    net.train(X, y, epochs=300, lr=0.02)
    named = Named(net, iris.target_names)
    ax = plot_decision_boundary(named, X, named.names[y])
    ax.set(xlabel="Petal length (cm)", ylabel="Petal width (cm)", title="Iris, a 2-8-3 network")
    return ax


def draw_speedups(speedups: Iterable[Speedup]) -> Axes:
    """Draw bars, the longest on top, and where they were measured."""
    ordered = sorted(speedups, key=lambda line: -line.ratio)
    names = [f"{line.name}, against {line.baseline}\n{line.work}" for line in ordered]
    ax = plot_speedups(names, [line.ratio for line in ordered], than="the same loop")
    ax.set_title("Compiled training against the same in pure Python or NumPy", loc="right")
    ax.tick_params(axis="y", labelsize=8)
    versions = ", ".join(f"{name} {version_of(name)}" for name in ("fastperc", "numpy", "numba"))
    note_below(ax, f"{processor()}; {versions}; {date.today().isoformat()}. One thread, best times")
    resize(ax, 8, 1.3 + 0.45 * len(ordered))
    return ax


def save(ax: Axes, path: Path) -> Path:
    """Write the figure, and return its path."""
    save_figure(ax, path)
    return path
