"""Two inputs, one hidden unit, one output: a network of five scalars."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_array, check_count, check_flag, check_number, check_positive
from ..errors import DivergedError
from ..kernels.tutorials import scalars as kernels
from .inputs import check_same_length, check_vector
from .slicing import slices

PARAMETERS = ("w1", "w2", "w3", "b1", "b2")


class MLP:
    """The network pred = w3 h1 + b2 with h1 = w1 x1 + w2 x2 + b1, trained one sample at a time.

    Weights start at 1, biases at 0, and each sample takes one step of size ``lr`` down the gradient
    of its squared error (y - pred)^2. The tutorial's derivatives are right.

    Parameters
    ----------
    X : array_like of shape (n_samples, 2)
    y : array_like of shape (n_samples,)

    Attributes
    ----------
    w1, w2, w3, b1, b2 : float
        The parameters. They may be set.
    lr : float
        Learning rate, 0.01 unless set.
    h1, pred : float
        Hidden value and prediction of the last forward pass, 0 before any.
    trace : ndarray of shape (n_steps, 7), float64
        A line for every step that `train` took, in all its calls: the loss and the prediction
        before the update, then ``w1 w2 w3 b1 b2`` after it.

    Notes
    -----
    The tutorial has one sample, and its passes read the first row of the data whichever row they
    are given. Here each pass reads the row that it is given, so that several samples train as well.

    Examples
    --------
    >>> model = MLP([(2, 2)], [17])
    >>> model.train(epoch=1000)
    >>> round(model.pred, 4), model.trace.shape
    (16.9902, (1000, 7))
    """

    def __init__(self, X: ArrayLike, y: ArrayLike):
        self.x, self.y = check_array(X, "X", columns=2), check_vector(y, "y")
        check_same_length(X=self.x, y=self.y)
        self.w1, self.w2, self.w3, self.b1, self.b2 = 1.0, 1.0, 1.0, 0.0, 0.0
        self.lr = 0.01
        self.h1 = self.pred = 0.0
        self.trace = np.empty((0, 7))

    def forward(self, x: ArrayLike) -> None:
        """Set ``h1`` and ``pred`` for one sample.

        Parameters
        ----------
        x : array_like of shape (2,)

        Examples
        --------
        >>> model = MLP([(2, 2)], [17])
        >>> model.forward((2, 2))
        >>> model.h1, model.pred
        (4.0, 4.0)
        """
        self._forward(self._parameters(), *check_sample(x))

    def backward(self, x: ArrayLike, y: float) -> None:
        """Take one step down the gradient of (y - pred)^2, at the last forward pass.

        Parameters
        ----------
        x : array_like of shape (2,)
            The sample that `forward` was given.
        y : float
            Its target.

        Examples
        --------
        >>> model = MLP([(2, 2)], [17])
        >>> model.forward((2, 2))
        >>> model.backward((2, 2), 17)
        >>> model.w1, model.w3, model.b1
        (1.52, 2.04, 0.26)
        """
        x1, x2 = check_sample(x)
        error = check_number(y, "y") - self.pred
        lr, params = check_positive(self.lr, "lr"), self._parameters().tolist()
        self._set_parameters(kernels.chain_update(*params, x1, x2, self.h1, error, lr))

    def train(self, epoch: int = 1000, verbose: bool = False) -> None:
        """Take one step for each sample, ``epoch`` times over, and add each to ``trace``.

        Parameters
        ----------
        epoch : int, default 1000
            Number of passes through the samples.
        verbose : bool, default False
            Print every step's line of the trace.

        Raises
        ------
        DivergedError
            At the first step whose loss or parameters are not finite. The parameters stay as the
            step before left them.
        """
        epoch, verbose = check_count(epoch, "epoch"), check_flag(verbose, "verbose")
        lr, params, n = check_positive(self.lr, "lr"), self._parameters(), len(self.y)
        lines, done = np.empty((epoch * n, 7)), 0
        try:
            for first, last in slices(epoch, work=20 * n):
                good = kernels.chain_epochs(params, self.x, self.y, lr, lines[first * n : last * n])
                if verbose:
                    print_steps(len(self.trace) + done, lines[done : done + good])
                done += good
                if done < last * n:
                    raise DivergedError(done // n + 1, f"lr={lr:g} is too large for these data")
        finally:
            self._keep(params, lines[:done])

    def _forward(self, params: np.ndarray, x1: float, x2: float) -> None:
        h, p = kernels.chain_forward(*params.tolist(), x1, x2)
        self.h1, self.pred = float(h), float(p)

    def _keep(self, params: np.ndarray, lines: np.ndarray) -> None:
        """Take over what a run has reached, also one that diverged or was interrupted."""
        if len(lines):
            before = lines[-2, 2:].copy() if len(lines) > 1 else self._parameters()
            self._forward(before, *self.x[(len(lines) - 1) % len(self.y)].tolist())
            self._set_parameters(params.tolist())
            self.trace = np.concatenate([self.trace, lines])

    def _parameters(self) -> np.ndarray:
        return check_vector([getattr(self, name) for name in PARAMETERS], "parameters").copy()

    def _set_parameters(self, params: Iterable[float]) -> None:
        for name, value in zip(PARAMETERS, params, strict=True):
            setattr(self, name, value)


def check_sample(x: ArrayLike) -> tuple[float, float]:
    """Return a sample's two inputs as floats."""
    x1, x2 = check_array(x, "x", ndim=1, columns=2).tolist()
    return x1, x2


def print_steps(first: int, lines: np.ndarray) -> None:
    """Print a line for each step of the trace."""
    for step, (loss, pred, *params) in enumerate(lines.tolist(), first):
        values = ", ".join(f"{n} {v:.8g}" for n, v in zip(PARAMETERS, params, strict=True))
        print(f"step {step}: loss {loss:.8g}, pred {pred:.8g}, {values}")
