"""The weights of a first layer, as pictures of what each unit looks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .. import checks
from .style import new_axes

if TYPE_CHECKING:
    from .style import Axes


def plot_weights(
    weights: ArrayLike, shape: tuple[int, int] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw each unit's weights as a picture: grey is 0, white positive, black negative.

    Parameters
    ----------
    weights : array_like of shape (n_inputs, n_units)
        Weights of a first layer: ``net.weights[0]``.
    shape : (rows, columns), optional
        Shape of the pictures that the network sees; by default square.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import numpy as np
    >>> ax = plot_weights(np.eye(4))
    >>> ax.images[0].get_array().shape
    (5, 5)
    """
    W = checks.check_array(weights, "weights")
    n_inputs, n_units = W.shape
    side = math.isqrt(n_inputs)
    rows, columns = (side, side) if shape is None else shape
    if rows * columns != n_inputs:
        raise ValueError(
            f"shape: found {rows} x {columns} for {n_inputs} inputs, expected rows and columns "
            "whose product that is"
        )
    page = _on_one_page(W.T.reshape(n_units, rows, columns))
    ax = new_axes((6.4, 6.4 * page.shape[0] / page.shape[1])) if ax is None else ax
    most = float(np.abs(W).max()) or 1.0
    ax.imshow(page, cmap="gray", vmin=-most, vmax=most, interpolation="nearest")
    ax.set_axis_off()
    return ax


def _on_one_page(pictures: np.ndarray) -> np.ndarray:
    """Return pictures (n, rows, columns) in a grid, with gaps of NaN."""
    n, rows, columns = pictures.shape
    across = math.ceil(math.sqrt(n))
    down = math.ceil(n / across)
    page = np.full((down * (rows + 1) - 1, across * (columns + 1) - 1), np.nan)
    for k, picture in enumerate(pictures):
        top, left = k // across * (rows + 1), k % across * (columns + 1)
        page[top : top + rows, left : left + columns] = picture
    return page
