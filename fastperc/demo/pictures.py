"""The demo's pictures: loss curves, a decision boundary, the speed-ups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..datasets import load
from ..network import Network
from ..plots import plot_decision_boundary, plot_history, plot_speedups
from ..plots.files import resize, save_figure
from ..training import History
from ..tutorials import Speedup

if TYPE_CHECKING:
    from ..plots import Axes

PETAL = slice(2, 4)  # the columns of iris that tell the species apart


def draw_all(
    folder: Path,
    regressions: Mapping[str, History],
    classifications: Mapping[str, History],
    speedups: Sequence[Speedup],
) -> Iterator[Path]:
    """Write all pictures as PNG files to ``folder``; yield the path of each."""
    for kind, histories in (("regression", regressions), ("classification", classifications)):
        yield save(draw_losses(kind, histories), folder / f"losses_{kind}.png")
    yield save(draw_boundary(), folder / "decision_boundary.png")
    yield save(draw_speedups(speedups), folder / "speedups.png")


def draw_losses(kind: str, histories: Mapping[str, History]) -> Axes:
    """Draw the curves of all experiments of a kind, the legend beside them."""
    ax = plot_history(histories)
    ax.set_title(f"Loss of each {kind}: in training, and dashed on held-out samples")
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    resize(ax, 9, 4.5)
    return ax


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
    """Draw bars, the longest on top."""
    ordered = sorted(speedups, key=lambda line: -line.ratio)
    names = [f"{line.name}\n{line.work}" for line in ordered]
    ax = plot_speedups(names, [line.ratio for line in ordered])
    ax.set_title("Compiled training against the same in Python and NumPy", loc="right")
    ax.tick_params(axis="y", labelsize=8)
    resize(ax, 8, 1 + 0.45 * len(ordered))
    return ax


def save(ax: Axes, path: Path) -> Path:
    """Write the figure, and return its path."""
    save_figure(ax, path)
    return path
