"""Orders: which rows of the samples an epoch takes, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from .. import checks
from ..deadline import Deadline
from ..model.samples import RemoteSamples, Samples, no_order
from .checkpoints import Part, State, digest


class Draw(Part, Protocol):
    """Draws orders, as many as it is told to."""

    def __call__(self, n_orders: int, /) -> np.ndarray:
        """Return orders, (n_orders, n)."""


ANY_NUMBER = 1 << 40  # of epochs or rows: more than there are, and far from an overflow


class Order:
    """The rows of one epoch after the other: here all of them, or the first ones, as they come.

    Parameters
    ----------
    samples : Samples
    rows : int, optional
        How many an epoch has, by default all; `ANY_NUMBER` where that is not known before.

    Attributes
    ----------
    rows : int
    epochs_at_once : int
        How many epochs may be asked for at a time.
    """

    epochs_at_once = ANY_NUMBER

    def __init__(self, samples: Samples | RemoteSamples, rows: int | None = None):
        self.samples = samples
        self.rows = len(samples) if rows is None else rows
        self._takes_all = rows is None or rows == len(samples)
        self._first = 1
        self._sums: float | np.ndarray = samples.weight_sum

    def window(self, first: int, n_epochs: int) -> np.ndarray:
        """Return the rows of some epochs, the first one counted from 1.

        As kernels take them, see `kernels.arguments`: shape (n_epochs, m), or (0, m) for the first
        m rows as they come.
        """
        order = self._draw(first, n_epochs)
        if not self._takes_all:
            self._first, self._sums = first, self._weigh(order, first)
        return order

    def identity(self) -> State:
        """Return what the rows of an epoch depend on; see `checkpoints.recorded`."""
        return {"order": "as they come", "rows of an epoch": self.rows}

    def state(self) -> State:
        """Return what the rows of the next epochs depend on besides."""
        return {}

    def restore(self, state: State) -> None:
        """Let the rows of the next epochs be those that came after a `state`."""

    def weight_sums(self, first: int, n_epochs: int) -> float | np.ndarray:
        """Return the sums of weights of some epochs of the last window, or one for all."""
        if isinstance(self._sums, float):
            return self._sums
        return self._sums[first - self._first : first - self._first + n_epochs]

    def _draw(self, first: int, n_epochs: int) -> np.ndarray:
        return no_order(self.rows)

    def _weigh(self, order: np.ndarray, first: int) -> float | np.ndarray:
        """Return the sum of the weights of each epoch's rows, one number where all have the same.

        An epoch without weight has no mean loss.
        """
        if isinstance(self.samples, RemoteSamples):
            return self.samples.weight_sum
        weight = self.samples.weight
        if not len(weight):
            return float(order.shape[1])
        each = weight[order] if len(order) else weight[None, : order.shape[1]]
        sums = each.sum(axis=1, dtype=np.float64)
        if not sums.all():
            epoch = first + int(np.argmin(sums))
            raise ValueError(
                f"sample_weight: found the weight 0 for all rows of epoch {epoch}, expected some "
                "of positive weight in each. Leave out samples of weight 0, or give another order"
            )
        return sums if len(order) else float(sums[0])


class DrawnOrder(Order):
    """An order that is drawn for each epoch; only its first ``rows`` rows are taken."""

    def __init__(self, samples: Samples, draw: Draw, rows: int | None = None):
        super().__init__(samples, rows)
        self.draw = draw

    def identity(self) -> State:
        return super().identity() | {"order": "shuffled"}

    def state(self) -> State:
        return self.draw.state()

    def restore(self, state: State) -> None:
        self.draw.restore(state)

    def _draw(self, first: int, n_epochs: int) -> np.ndarray:
        return np.ascontiguousarray(self.draw(n_epochs)[:, : self.rows])


class GivenOrder(Order):
    """An order that was given: of all epochs, (epochs, m), or of each one, (m,)."""

    def __init__(self, samples: Samples, order: np.ndarray):
        super().__init__(samples, order.shape[-1])
        self._takes_all = False
        self.is_of_each, self.order = order.ndim == 1, np.atleast_2d(order)
        self._weigh(self.order, 1)

    def identity(self) -> State:
        given = self.order[:1] if self.is_of_each else self.order
        return super().identity() | {"order": {"sha256": digest(given)}}

    def _draw(self, first: int, n_epochs: int) -> np.ndarray:
        if not self.is_of_each:
            return self.order[first - 1 : first - 1 + n_epochs]
        if n_epochs > len(self.order):
            self.order = np.tile(self.order[0], (n_epochs, 1))
        return self.order[:n_epochs]


class CalledOrder(Order):
    """An order that a caller's function returns, epoch by epoch.

    It is asked for a few epochs ahead, since a call of a kernel for each would cost more than a
    small epoch. Where something else wants to look at each epoch, a callback for example, it is
    asked for one at a time. What is wrong with an epoch's rows is told when its turn comes.
    """

    def __init__(
        self,
        samples: Samples,
        function: Callable[[int], object],
        multiple: int,
        deadline: Deadline,
    ):
        super().__init__(samples, ANY_NUMBER)
        self.function, self.multiple, self.deadline = function, multiple, deadline
        self._ahead: list[object] = []  # what was returned for epochs that are still to come

    def identity(self) -> State:
        return {"order": "of a function", "rows of an epoch": None}

    def _draw(self, first: int, n_epochs: int) -> np.ndarray:
        with self.deadline.interrupts_allowed():
            while len(self._ahead) < n_epochs and self._ask(first + len(self._ahead)):
                pass
        rows: list[object] = [self._check(first)]
        while len(rows) < len(self._ahead) and _is_like(self._ahead[len(rows)], self._ahead[0]):
            rows.append(self._ahead[len(rows)])
        order = np.array(rows, dtype=np.int64, order="C")
        self.rows = whole_batches(order.shape[1], self.multiple, f"order({first})")
        fits = ((order >= 0) & (order < len(self.samples))).all(axis=1)
        n = len(rows) if fits.all() else int(np.argmin(fits))
        del self._ahead[:n]
        return np.ascontiguousarray(order[:n, : self.rows])

    def _ask(self, epoch: int) -> bool:
        """Ask for the rows of an epoch; return whether to go on."""
        try:
            found = self.function(epoch)
        except Exception as error:
            if not self._ahead:
                raise
            found = error  # the epochs before it come first
        if type(found) is list and set(map(type, found)) == {int}:
            found = np.array(found, dtype=np.int64)
        # A copy: the function may write to the same array again.
        self._ahead.append(found.copy() if isinstance(found, np.ndarray) else found)
        return _is_like(self._ahead[-1], self._ahead[0])

    def _check(self, epoch: int) -> np.ndarray:
        """Return the rows of the epoch whose turn it is."""
        name, found = f"order({epoch})", self._ahead[0]
        try:
            if isinstance(found, Exception):
                raise found
            order = _check_rows(found, name, len(self.samples))
            if order.ndim != 1:
                raise ValueError(
                    f"{name}: found shape {order.shape}, expected the rows of one epoch: one "
                    "dimension"
                )
        except Exception:
            self._ahead.clear()
            raise
        return order


def _is_like(found: object, first: object) -> bool:
    """Return whether an epoch's rows can stand below those of another in one array."""
    return (
        isinstance(found, np.ndarray)
        and isinstance(first, np.ndarray)
        and found.dtype.kind in "iu"
        and found.dtype == first.dtype
        and found.shape == first.shape
    )


def check_order_fits(order: object, optimizer: str, validation: object) -> None:
    """Refuse an order where there are no rows of X to be taken one after the other."""
    if order is None:
        return
    if optimizer == "lbfgs":
        raise ValueError(
            "order: found one with optimizer='lbfgs', which takes all samples at once. Leave order "
            "out, give the samples sample_weight, or use another optimizer"
        )
    if validation is not None and not isinstance(validation, (tuple, list)):
        raise ValueError(
            f"validation: found {validation!r:.60} with order, whose rows would not be those of X "
            "any more. Give a validation set, (X, y)"
        )


def order_for(
    samples: Samples,
    *,
    order: object,
    draw: Draw | None,
    epochs: int,
    batch_size: int,
    drop_last: bool,
    deadline: Deadline,
) -> Order:
    """Return the order that the options of `Network.train` stand for.

    Parameters
    ----------
    samples : Samples
    order : array_like, callable or None
        As given to `Network.train`.
    draw : function, optional
        Draws orders of all samples, as many as it is told to, (n_epochs, n_samples); used where
        none was given.
    epochs : int
    batch_size : int
        Samples per update.
    drop_last : bool
        Leave out the last batch of an epoch where it is smaller than the others.
    deadline : Deadline
        Of the run.

    Raises
    ------
    TypeError, ValueError
        For what is no order of rows of the samples, and where no batch is left.
    """
    multiple = batch_size if drop_last else 1
    if callable(order):
        return CalledOrder(samples, order, multiple, deadline)
    if order is None:
        rows = whole_batches(len(samples), multiple, "X")
        return DrawnOrder(samples, draw, rows) if draw is not None else Order(samples, rows)
    rows_of = _check_rows(order, "order", len(samples))
    if rows_of.ndim == 2 and len(rows_of) != epochs:
        raise ValueError(
            f"order: found rows for {len(rows_of)} epochs, shape {rows_of.shape}, expected "
            f"{epochs}, as many as epochs. Give epochs={len(rows_of)}, or one order for all epochs"
        )
    rows = whole_batches(rows_of.shape[-1], multiple, "order")
    return GivenOrder(samples, np.ascontiguousarray(rows_of[..., :rows]))


def whole_batches(n: int, batch_size: int, name: str) -> int:
    """Return how many of ``n`` rows make whole batches."""
    if n < batch_size:
        raise ValueError(
            f"drop_last: found {n} rows in {name} and batch_size={batch_size}, expected at least "
            "one whole batch: none is left. Use a smaller batch_size, or drop_last=False"
        )
    return n - n % batch_size


def _check_rows(order: object, name: str, n_samples: int) -> np.ndarray:
    """Return a copy of an order, which its owner cannot change: kernels trust it."""
    raw = checks.as_numbers(order, name)
    if raw.dtype.kind not in "iu" and raw.size:
        raise TypeError(
            f"{name}: found an array of dtype {raw.dtype}, expected whole numbers: rows of X, "
            "counted from 0"
        )
    if raw.ndim not in (1, 2):
        raise ValueError(
            f"{name}: found {raw.ndim} dimensions, shape {raw.shape}, expected 1, the rows of each "
            "epoch, or 2, with one line for each epoch"
        )
    if not raw.size:
        raise ValueError(f"{name}: found no rows, shape {raw.shape}, expected at least 1")
    for found in (int(raw.min()), int(raw.max())):
        if not 0 <= found < n_samples:
            raise ValueError(
                f"{name}: found the row {found}, expected numbers from 0 to {n_samples - 1}, "
                f"since there are {n_samples} samples"
            )
    return np.array(raw, dtype=np.int64, order="C")
