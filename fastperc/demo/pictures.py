"""The demo's pictures: loss curves, a decision boundary, the speed-ups."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets import load
from ..network import Network
from ..plots import plot_decision_boundary, plot_history, plot_speedups
from ..training import History
from ..tutorials import Speedup

DOTS_PER_INCH = 150
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


def draw_losses(kind: str, histories: Mapping[str, History]) -> Any:
    """Curves of all tasks of a kind, the legend beside them."""
    ax: Any = plot_history(histories)
    ax.set_title(f"Loss of each {kind}: in training, and dashed on held-out samples")
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    ax.get_figure().set_size_inches(9, 4.5)
    return ax


class Named:
    """A network that predicts the names of classes."""

    def __init__(self, net: Network, names: Sequence[str]):
        self.net, self.names = net, np.array(names)

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.names[self.net.predict(X)]


def draw_boundary() -> Any:
    """Train on two features of iris, and draw which species is predicted where."""
    iris = load("iris")
    X, y = iris.X[:, PETAL], iris.y
    net = Network((2, 8, 3), hidden="tanh", output="softmax", loss="cross_entropy", seed=0)
    net.train(X, y, epochs=300, lr=0.02)
    named = Named(net, iris.target_names)
    ax = plot_decision_boundary(named, X, named.names[y])
    ax.set(xlabel="Petal length (cm)", ylabel="Petal width (cm)", title="Iris, a 2-8-3 network")
    return ax


def draw_speedups(speedups: Iterable[Speedup]) -> Any:
    """Bars, the longest on top."""
    ordered = sorted(speedups, key=lambda line: -line.ratio)
    names = [f"{line.name}\n{line.work}" for line in ordered]
    ax: Any = plot_speedups(names, [line.ratio for line in ordered])
    ax.set_title("Compiled training against the same in Python and NumPy", loc="right")
    ax.tick_params(axis="y", labelsize=8)
    ax.get_figure().set_size_inches(8, 1 + 0.45 * len(ordered))
    return ax


def save(ax: Any, path: Path) -> Path:
    """Write the figure in one step: a picture is there whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        ax.get_figure().savefig(unfinished, format="png", dpi=DOTS_PER_INCH)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
