"""scikit-learn's way to count and stop, for many networks at once: see `estimators.curves`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from ...kernels.arguments import BATCH_LOSS, LOSS, ROWS, SQUARES
from ...training.checkpoints import State, identity_of
from ...training.fleets import Trained
from ..curves import penalised
from ..optimizer import is_scheduled, schedule
from .validation import FleetValidation

LEAST_RATE = 1e-6  # below which 'adaptive' gives up
CURVES = ("losses", "validation_losses", "scores")
COUNTS = (
    "is_on", "rate", "n_iter", "n_stalled", "best_loss", "last_loss", "best_score", "best_epoch",
)  # fmt: skip


@dataclass
class Stopping:
    """Numbers by which networks are trained, arrays of shape (n_networks,)."""

    learning_rate_init: np.ndarray
    power_t: np.ndarray
    tol: np.ndarray
    n_iter_no_change: np.ndarray
    max_iter: np.ndarray
    n_samples: np.ndarray  # of an epoch
    l2: np.ndarray  # penalty over the sum of a batch's weights

    def take(self, networks: np.ndarray) -> Stopping:
        """Return the numbers of some networks."""
        return Stopping(*(getattr(self, field.name)[networks] for field in fields(self)))


class FitWatcher:
    """A `FleetWatcher` that does to many networks what `curves.EpochWatcher` does to one.

    Parameters
    ----------
    stopping : Stopping
    pace : str or callable
        ``learning_rate``, which the networks have in common.
    loss_scale : float
        What the sum over outputs is multiplied by.
    validation : FleetValidation, optional
        With early stopping.
    at_most : int
        How many epochs may pass at once.

    Attributes
    ----------
    n_iter, n_stalled : int arrays of shape (n_networks,)
        Epochs, and how many of the last ones brought nothing.
    rate, best_loss, best_score, last_loss : float arrays of shape (n_networks,)
    losses, validation_losses, scores : float arrays of shape (n_epochs, n_networks)
        NaN where a network was not trained any more.
    best_theta : ndarray of shape (n_networks, n_parameters), optional
        Of the best score, with early stopping, where ``best_epoch`` is positive.
    look : callable, optional
        Called after each of `end_epochs` as ``look(epochs, loss)``: how many the networks have had
        together, and the lowest of their last losses.
    """

    look: Callable[[int, float], object] | None = None

    def __init__(
        self,
        stopping: Stopping,
        pace: object,
        loss_scale: float,
        validation: FleetValidation | None = None,
        at_most: int = 1 << 30,
    ):
        n = len(stopping.tol)
        self.stopping, self.pace, self.loss_scale = stopping, pace, loss_scale
        self.validation, self.at_most = validation, max(1, at_most)
        self.epoch = 0
        self.is_on = np.ones(n, bool)
        self.rate = stopping.learning_rate_init.astype(np.float64)
        self.n_iter, self.n_stalled = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.best_loss, self.last_loss = np.full(n, np.inf), np.full(n, np.nan)
        self.best_score = np.full(n, -np.inf)
        self.best_epoch = np.zeros(n, np.int64)
        self.best_theta: np.ndarray | None = None
        self.losses = np.empty((0, n))
        self.validation_losses, self.scores = np.empty((0, n)), np.empty((0, n))

    def take(self, networks: np.ndarray) -> FitWatcher:
        """Return a watcher of some of the networks, which goes on from here."""
        validation = self.validation and self.validation.take(networks)
        twin = FitWatcher(
            self.stopping.take(networks), self.pace, self.loss_scale, validation, self.at_most
        )
        twin.epoch = self.epoch
        for name in COUNTS:
            getattr(twin, name)[:] = getattr(self, name)[networks]
        if self.best_theta is not None:
            twin.best_theta = self.best_theta[networks]
        for name in CURVES:
            setattr(twin, name, getattr(self, name)[:, networks])
        return twin

    def cut(self, networks: np.ndarray) -> FitWatcher:
        """Return a watcher of some of the networks, to be taken to another process."""
        twin = self.take(networks)
        twin.validation = self.validation and self.validation.cut(networks)
        return twin

    def put(self, networks: np.ndarray, state: State, reasons: Sequence[str]) -> None:
        """Take over the `state` that the `cut` of some networks has at its end, and why."""
        arrays, best = state["arrays"], state["best_theta"]
        self.epoch = max(self.epoch, state["epoch"])
        for name in COUNTS:
            getattr(self, name)[networks] = arrays[name]
        for name in CURVES:
            curve, part = getattr(self, name), arrays[name]
            if len(part) > len(curve):
                room = np.full((len(part) - len(curve), curve.shape[1]), np.nan)
                curve = np.concatenate([curve, room])
                setattr(self, name, curve)
            curve[: len(part), networks] = part
        if best is not None:
            if self.best_theta is None:
                self.best_theta = np.empty((len(self.is_on), best.shape[1]), best.dtype)
            self.best_theta[networks] = best

    # --- checkpoints ----------------------------------------------------------------------------

    def identity(self) -> State:
        """Return what decides on learning rates and on the end, of each network."""
        pace = "a function" if callable(self.pace) else self.pace
        numbers = {
            field.name: getattr(self.stopping, field.name).tolist()
            for field in fields(self.stopping)
        }
        held = () if self.validation is None else self.validation.held
        parts = [identity_of(samples) for samples in held]
        return {"learning_rate": pace, "parameters": numbers, "validation": {"parts": parts}}

    def state(self) -> State:
        """Return curves, counts and best weights."""
        names = (*COUNTS, *CURVES)
        best = None if self.best_theta is None else self.best_theta.copy()
        arrays = {name: getattr(self, name).copy() for name in names}
        return {"epoch": self.epoch, "arrays": arrays, "best_theta": best}

    def restore(self, state: State) -> None:
        """Go on from a `state`."""
        self.epoch, self.best_theta = state["epoch"], state["best_theta"]
        vars(self).update(state["arrays"])

    # --- what the engine asks -------------------------------------------------------------------

    @property
    def epochs_at_once(self) -> int:
        """As many as are certain to be over before a network stops, or its rate changes."""
        if self.validation is not None or self.pace == "invscaling" or is_scheduled(self.pace):
            return 1
        on, stopping = self.is_on, self.stopping
        patience = stopping.n_iter_no_change[on] + 1 - self.n_stalled[on]
        left = stopping.max_iter[on] - self.n_iter[on]
        return int(max(1, min(np.floor(patience).min(), left.min(), self.at_most)))

    def begin_epoch(self, epoch: int, networks: np.ndarray) -> np.ndarray:
        """Return the learning rates of ``networks``."""
        if is_scheduled(self.pace):
            self.rate[networks] = self._scheduled(networks)
        return self.rate[networks]

    def end_epochs(
        self, trained: Trained, sums: np.ndarray, completed: np.ndarray, diverged: np.ndarray
    ) -> np.ndarray:
        """Continue curves and counts, and say who has stopped: "patience" or "epochs"."""
        networks = trained.networks
        l2 = self.stopping.l2[networks]
        losses = penalised(sums[BATCH_LOSS] * self.loss_scale, sums[SQUARES], sums[ROWS], l2)
        self._find_infinite(losses, completed, diverged)
        why = np.full(len(networks), "", object)
        n_epochs = sums.shape[1]
        self._make_room(n_epochs)
        for e in range(n_epochs):
            at = np.flatnonzero(completed > e)
            if len(at):
                self._record(losses[e, at], networks[at], self.epoch + e)
                if self.validation is not None:
                    self._validate(trained.among(at))
                why[at] = self._stop(networks[at])
        self.epoch += n_epochs
        is_last = self.n_iter[networks] >= self.stopping.max_iter[networks]
        why[(why == "") & is_last] = "epochs"
        if diverged.any():
            self._go_back(networks[diverged], sums[LOSS][completed[diverged], diverged])
        self.is_on[networks[(why != "") | diverged]] = False
        if self.look is not None:
            losses = self.last_loss[np.isfinite(self.last_loss)]
            self.look(int(self.n_iter.sum()), float(losses.min(initial=np.inf)))
        return why

    # --- epochs ---------------------------------------------------------------------------------

    def _scheduled(self, networks: np.ndarray) -> np.ndarray:
        """Return the rates that a schedule has for the next epoch."""
        rates, epochs = self.stopping.learning_rate_init, self.stopping.max_iter
        pairs = np.stack([rates[networks], epochs[networks].astype(float)], axis=1)
        different, of = np.unique(pairs, axis=0, return_inverse=True)
        values = [schedule(self.pace, lr, int(n))(self.epoch + 1) for lr, n in different.tolist()]
        return np.array(values)[of.ravel()]

    def _find_infinite(
        self, losses: np.ndarray, completed: np.ndarray, diverged: np.ndarray
    ) -> None:
        """Let networks diverge where their penalty does."""
        epochs = np.arange(len(losses))[:, None]
        is_bad = ~np.isfinite(losses) & (epochs < completed)
        for k in np.flatnonzero(is_bad.any(axis=0)).tolist():
            completed[k], diverged[k] = int(np.argmax(is_bad[:, k])), True

    def _make_room(self, n_epochs: int) -> None:
        """Make the curves longer."""
        for name in CURVES if self.validation is not None else CURVES[:1]:
            curve = getattr(self, name)
            room = np.full((n_epochs, curve.shape[1]), np.nan)
            setattr(self, name, np.concatenate([curve, room]))

    def _record(self, losses: np.ndarray, networks: np.ndarray, epoch: int) -> None:
        """Take note of one epoch; count those in a row that brought nothing."""
        self.losses[epoch, networks] = self.last_loss[networks] = losses
        self.n_iter[networks] += 1
        if self.validation is None:
            best = self.best_loss[networks]
            stalls = losses > best - self.stopping.tol[networks]
            self.best_loss[networks] = np.minimum(losses, best)
            self._count(networks, stalls)

    def _count(self, networks: np.ndarray, stalls: np.ndarray) -> None:
        self.n_stalled[networks] = np.where(stalls, self.n_stalled[networks] + 1, 0)

    def _validate(self, trained: Trained) -> None:
        """Count by the validation score, and keep the best weights."""
        assert self.validation is not None
        networks = trained.networks
        losses, scores = self.validation.measure(trained)
        self.validation_losses[-1, networks], self.scores[-1, networks] = losses, scores
        best = self.best_score[networks]
        self._count(networks, scores < best + self.stopping.tol[networks])
        is_best = scores > best
        self.best_score[networks] = np.where(is_best, scores, best)
        if is_best.any():
            theta = trained.theta()
            if self.best_theta is None:
                self.best_theta = np.empty((len(self.is_on), theta.shape[1]), theta.dtype)
            self.best_theta[networks[is_best]] = theta[is_best]
            self.best_epoch[networks[is_best]] = self.n_iter[networks[is_best]]

    def _stop(self, networks: np.ndarray) -> np.ndarray:
        """Set the rates of the next epoch; return why networks stop."""
        stopping = self.stopping
        if self.pace == "invscaling":
            seen = self.n_iter[networks] * stopping.n_samples[networks] + 1.0
            self.rate[networks] = (
                stopping.learning_rate_init[networks] / seen ** stopping.power_t[networks]
            )
        ends = self.n_stalled[networks] > stopping.n_iter_no_change[networks]
        if self.pace == "adaptive":
            slower = networks[ends & (self.rate[networks] > LEAST_RATE)]
            ends &= self.rate[networks] <= LEAST_RATE
            self.rate[slower] /= 5.0
            self.n_stalled[slower] = 0
        return np.where(ends, "patience", "")

    def _go_back(self, networks: np.ndarray, losses: np.ndarray) -> None:
        """Let networks that diverged count the epoch, if they have weights to go back to."""
        has_best = self.best_epoch[networks] > 0
        kept = networks[has_best]
        self.n_iter[kept] += 1
        self.last_loss[kept] = losses[has_best]
        self.losses[self.epoch - 1, kept] = losses[has_best]
