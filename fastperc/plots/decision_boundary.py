"""The regions of predicted classes, for two inputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from .. import checks
from ..optional import require
from .style import COLOURS, DARK, MARKERS, legend_beside, new_axes, nth

if TYPE_CHECKING:
    from .style import Axes

GRID_POINTS = 300  # along each side of the picture
FINER = 4  # times as many along each side where regions meet, so that edges are smooth


class Classifier(Protocol):
    """A `Network` with a loss for classes, or an estimator."""

    def predict(self, X: Any) -> ArrayLike:
        """Return the label of each row."""


class DecisionBoundaryDisplay:
    """The region of each class, its boundary, and the samples.

    It is made by `from_estimator`, and can be drawn again with `plot`.

    Parameters
    ----------
    xx0, xx1 : ndarray of shape (grid_resolution, grid_resolution)
        The two inputs at each point of a grid.
    response : ndarray of the same shape
        The predicted label at each point.
    X : ndarray of shape (n_samples, 2), optional
    y, predicted : ndarray of shape (n_samples,), optional
        Labels of the samples, and the predicted ones.
    xlabel, ylabel : str
    shares : ndarray of shape (n_classes, grid_resolution, grid_resolution), optional
        Which share of the area around each point each of `classes` has; by default all is of the
        predicted label.

    Attributes
    ----------
    classes : ndarray
        All labels, in order, which is that of colours and markers.
    ax_, figure_ : matplotlib Axes, Figure
        Axes and figure of the last drawing.
    surface_ : matplotlib AxesImage
        Image of the regions.

    Examples
    --------
    >>> from fastperc import Network
    >>> net = Network((2, 1), output="sigmoid", loss="log_loss", seed=0)
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 1]
    >>> history = net.train(X, y, epochs=200, lr=0.5)
    >>> display = DecisionBoundaryDisplay.from_estimator(net, X, y)
    >>> display.classes
    array([0, 1])
    """

    def __init__(
        self, xx0: np.ndarray, xx1: np.ndarray, response: np.ndarray, *,
        X: np.ndarray | None = None, y: np.ndarray | None = None,
        predicted: np.ndarray | None = None, xlabel: str = "Input 1", ylabel: str = "Input 2",
        shares: np.ndarray | None = None,
    ):  # fmt: skip
        self.xx0, self.xx1, self.response = xx0, xx1, response
        none = response.ravel()[:0]
        self.X = np.empty((0, 2)) if X is None else X
        self.y = none if y is None else y
        self.predicted = none if predicted is None else predicted
        self.xlabel, self.ylabel = xlabel, ylabel
        self.classes = np.unique(np.concatenate([response.ravel(), self.y, self.predicted]))
        whole = self.classes[:, None, None] == response
        self.shares = whole.astype(float) if shares is None else shares

    @classmethod
    def from_estimator(
        cls, estimator: Classifier, X: ArrayLike, y: ArrayLike | None = None, *,
        grid_resolution: int = GRID_POINTS, xlabel: str | None = None, ylabel: str | None = None,
        ax: Axes | None = None,
    ) -> DecisionBoundaryDisplay:  # fmt: skip
        """Predict the label at each point around X, and draw.

        Parameters
        ----------
        estimator : object
            Classifier whose ``predict`` takes (n_samples, 2) and returns (n_samples,): a `Network`
            with a loss for classes, or an estimator.
        X : array_like or DataFrame of shape (n_samples, 2)
            Samples, which the picture encloses; a DataFrame's columns name its axes.
        y : array_like of shape (n_samples,), optional
            Labels, numbers or text; with them, the samples are drawn.
        grid_resolution : int
            Points along each side.
        xlabel, ylabel : str, optional
        ax : matplotlib Axes, optional

        Returns
        -------
        DecisionBoundaryDisplay
        """
        names = _column_names(X)
        plane = _check_plane(X)
        n = checks.check_count(grid_resolution, "grid_resolution", least=2)
        xx0, xx1 = np.meshgrid(*(_span(column, n) for column in plane.T))
        grid = np.stack([xx0.ravel(), xx1.ravel()], axis=1)
        labels = None if y is None else _check_labels_of(plane, y)
        regions = _predicted(estimator, _like(X, grid), labels).reshape(n, n)
        samples: dict[str, Any] = {}
        if labels is not None:
            predicted = _predicted(estimator, _like(X, plane), labels)
            samples = {"X": plane, "y": labels, "predicted": predicted}
        display = cls(
            xx0, xx1, regions, **samples, xlabel=xlabel or names[0], ylabel=ylabel or names[1]
        )
        display._look_closer(lambda points: _predicted(estimator, _like(X, points), labels))
        return display.plot(ax)

    def _look_closer(self, predict: Callable[[np.ndarray], np.ndarray]) -> None:
        """Predict on a finer grid where regions meet, and set `shares` there."""
        rows, columns = np.nonzero(_edges(self.response))
        if not len(rows):
            return
        steps = (np.arange(FINER) - (FINER - 1) / 2) / FINER
        n = len(self.response) - 1
        dx, dy = np.meshgrid(*(steps * np.ptp(a) / n for a in (self.xx0, self.xx1)))
        x = self.xx0[rows, columns][:, None] + dx.ravel()
        y = self.xx1[rows, columns][:, None] + dy.ravel()
        found = predict(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(x.shape)
        share = np.stack([(found == label).mean(axis=1) for label in self.classes])
        self.shares[:, rows, columns] = share / share.sum(axis=0).clip(1e-9)

    def plot(self, ax: Axes | None = None) -> DecisionBoundaryDisplay:
        """Draw on these axes, or on new ones."""
        self.ax_ = new_axes((6.4, 4.4)) if ax is None else ax
        self.figure_ = self.ax_.figure
        self._draw_regions()
        self._draw_samples()
        self.ax_.set(xlabel=self.xlabel, ylabel=self.ylabel)
        legend_beside(self.ax_, title="Class", alignment="left")
        return self

    def _draw_regions(self) -> None:
        """Tint each class's region, and draw where it ends."""
        ax = self.ax_
        colours = require("matplotlib.colors", extra="plot").to_rgba_array(COLOURS)[:, :3]
        tints = 1 - 0.3 * (1 - colours)[np.arange(len(self.classes)) % len(colours)]
        extent = (self.xx0[0, 0], self.xx0[0, -1], self.xx1[0, 0], self.xx1[-1, 0])
        mixed = np.einsum("kij,kc->ijc", self.shares, tints).clip(0, 1)
        self.surface_ = ax.imshow(
            mixed, extent=extent, origin="lower", aspect="auto", interpolation="nearest"
        )
        for share in self.shares:
            if share.min() < 0.5 < share.max():
                ax.contour(self.xx0, self.xx1, share, levels=[0.5], colors=DARK, linewidths=0.8)

    def _draw_samples(self) -> None:
        """Draw the samples of each class: filled where the prediction is right, else hollow."""
        right = self.predicted == self.y
        size = min(36.0, max(8.0, 500 / math.sqrt(max(1, len(self.X)))))
        for k, label in enumerate(self.classes):
            look: dict[str, Any] = {"marker": nth(MARKERS, k), "edgecolors": DARK, "s": size}
            x, y = self.X[(self.y == label) & right].T
            self.ax_.scatter(x, y, c=nth(COLOURS, k), label=str(label), linewidths=0.5, **look)
            x, y = self.X[(self.y == label) & ~right].T
            self.ax_.scatter(x, y, c="white", linewidths=1.1, zorder=2, **look)
        if not right.all():
            self.ax_.scatter([], [], c="white", edgecolors=DARK, label="predicted wrongly")


def plot_decision_boundary(
    predictor: Classifier, X: ArrayLike, y: ArrayLike, ax: Axes | None = None
) -> Axes:
    """Draw the regions of predicted classes, for two inputs, and the samples of each class.

    Samples that are predicted wrongly are hollow.

    Parameters
    ----------
    predictor : object
        Classifier whose ``predict`` takes (n_samples, 2) and returns (n_samples,): a `Network` with
        log_loss or cross_entropy, or an estimator.
    X : array_like of shape (n_samples, 2)
    y : array_like of shape (n_samples,)
        Labels, numbers or text.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from fastperc import Network
    >>> net = Network((2, 1), output="sigmoid", loss="log_loss", seed=0)
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 1]
    >>> history = net.train(X, y, epochs=200, lr=0.5)
    >>> ax = plot_decision_boundary(net, X, y)
    >>> ax.get_legend_handles_labels()[1]
    ['0', '1']
    """
    return DecisionBoundaryDisplay.from_estimator(predictor, X, y, ax=ax).ax_


def _edges(labels: np.ndarray) -> np.ndarray:
    """Return where a point of a grid has another label than one of its neighbours."""
    found = np.zeros(labels.shape, bool)
    down, across = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    found[1:] |= down
    found[:-1] |= down
    found[:, 1:] |= across
    found[:, :-1] |= across
    return found


def _check_plane(values: ArrayLike) -> np.ndarray:
    """Return the samples, if there are two inputs."""
    X = checks.check_array(values, "X")
    if X.shape[1] != 2:
        raise ValueError(
            f"X: found {X.shape[1]} columns, expected 2: the picture is a plane. Train on two "
            "columns, or on the first two principal components"
        )
    return X


def _check_labels_of(X: np.ndarray, y: ArrayLike) -> np.ndarray:
    """Return the labels as an array, if there is one for each sample."""
    labels = _labels(y, "y")
    if len(labels) != len(X):
        raise ValueError(f"y: found {len(labels)} labels, expected {len(X)}, one for each row of X")
    return labels


def _column_names(X: ArrayLike) -> tuple[str, str]:
    """Return the names of a data frame's two columns, or default ones."""
    columns = [str(name) for name in getattr(X, "columns", ())]
    return (columns[0], columns[1]) if len(columns) == 2 else ("Input 1", "Input 2")


def _like(X: Any, rows: np.ndarray) -> Any:
    """Return the rows as a data frame if X is one: an estimator may know columns by name."""
    return type(X)(rows, columns=X.columns) if hasattr(X, "columns") else rows


def _predicted(predictor: Classifier, X: ArrayLike, y: np.ndarray | None) -> np.ndarray:
    """Return the label of each row of X, of the same type as ``y`` if that is given."""
    if not callable(getattr(predictor, "predict", None)):
        raise TypeError(f"predictor: found {predictor!r:.60}, expected something with predict")
    labels = _labels(predictor.predict(X), "predict(X)")
    if y is not None and (labels.dtype.kind in "US") != (y.dtype.kind in "US"):
        raise TypeError(
            f"y: found labels such as {y[0]!s:.60}, expected labels such as the predicted "
            f"{labels[0]!s:.60}. Give y as it was trained on"
        )
    return labels


def _labels(values: ArrayLike, name: str) -> np.ndarray:
    """Return labels as a 1-D array of whole numbers, truth values or text."""
    labels = np.asarray(values)
    labels = np.asarray(labels.tolist()) if labels.dtype.kind == "O" else labels
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"{name}: found shape {labels.shape}, expected one label for each sample")
    if labels.dtype.kind == "f":
        odd = labels[labels != np.rint(labels)]
        if len(odd):
            raise ValueError(
                f"{name}: found {odd[0]:g}, expected class labels. Only classifiers, such as "
                "networks with log_loss or cross_entropy, have decision boundaries"
            )
        labels = labels.astype(np.int64)
    return labels


def _span(column: np.ndarray, n: int) -> np.ndarray:
    """Return evenly spaced points, a little beyond the data."""
    low, high = column.min(), column.max()
    margin = 0.06 * (high - low) or 0.5
    return np.linspace(low - margin, high + margin, n)
