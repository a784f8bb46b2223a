"""What training a fleet leaves behind, and the watcher that writes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ..deadline import Deadline
from ..kernels.arguments import LOSS
from ..model.dense_fleet import FleetSamples
from .checkpoints import State
from .fleets import Trained, identity_of_fleet

MOST = 10_000_000  # numbers that a fleet's curves may have
WINDOW = 1 << 16  # samples whose order is drawn in one go
SUMS_AT_ONCE = 1 << 20  # networks times epochs between which nobody looks
# What a run changes of a history and of its watcher, one number for each network.
COUNTS = (
    "epochs", "final_loss", "final_validation_loss", "best_validation_loss", "ended_after",
)  # fmt: skip
WATCHED = ("reference", "lowest", "waited")


@dataclass(repr=False)
class FleetHistory:
    """What training a fleet leaves behind.

    Attributes
    ----------
    loss : ndarray of shape (n_epochs, n_networks)
        Mean training loss of each network in each epoch, as its samples were met; NaN after its
        training ended. Of more than ten million numbers, only every k-th epoch is kept.
    validation_loss : ndarray of shape (n_epochs, n_networks) or (0, n_networks)
        Loss on the validation set after each of these epochs.
    shown : ndarray of int of shape (n_epochs,)
        Which epochs these are, counted from 1.
    epochs : ndarray of int of shape (n_networks,)
        How many each network completed.
    final_loss, final_validation_loss, best_validation_loss : ndarray of shape (n_networks,)
        Of each network's last epoch, whether shown or not, and of its best.
    stopped : ndarray of str of shape (n_networks,)
        Why each one's training ended: ``"epochs"`` (all done), ``"patience"``, ``"tol"``,
        ``"diverged"``, ``"callback"``, ``"time_limit"``, ``"interrupted"`` or ``"error"``.
    ended_after : ndarray of float of shape (n_networks,)
        Seconds from the beginning to the end of each one's training.
    seconds : float
        How long training took in all.
    """

    loss: np.ndarray
    validation_loss: np.ndarray
    shown: np.ndarray
    epochs: np.ndarray
    final_loss: np.ndarray
    final_validation_loss: np.ndarray
    best_validation_loss: np.ndarray
    stopped: np.ndarray
    ended_after: np.ndarray
    seconds: float = 0.0

    @classmethod
    def empty(cls, n: int) -> FleetHistory:
        """Return the history of ``n`` networks that have not been trained."""
        none, nan = np.empty((0, n)), np.full(n, np.nan)
        counts = np.zeros(n, np.int64)
        return cls(
            none, none.copy(), np.empty(0, np.int64), counts, nan, nan.copy(), nan.copy(),
            np.full(n, "error", object), nan.copy(),
        )  # fmt: skip

    def __repr__(self) -> str:
        reasons, counts = np.unique(self.stopped.astype(str), return_counts=True)
        ends = ", ".join(f"{c} {r}" for r, c in zip(reasons, counts, strict=True))
        most = int(self.epochs.max(initial=0))
        return f"FleetHistory({len(self.epochs)} networks, up to {most} epochs; ended: {ends})"


class OfNetworks(Protocol):
    """A function whose results are those of networks."""

    def __call__(self, *args: Any) -> np.ndarray: ...

    def cut(self, networks: np.ndarray) -> OfNetworks:
        """Return the function of some of the networks."""


@dataclass
class FleetHistoryWatcher:
    """Keeps the history of a fleet, and ends the training of its networks one by one."""

    history: FleetHistory
    numbers: np.ndarray  # of the networks, in the history
    rates: OfNetworks  # (epoch) -> (n_networks,)
    weight_sums: OfNetworks  # (first epoch, n_epochs, networks) -> what losses are divided by
    epochs: int
    n_rows: int
    deadline: Deadline
    is_scheduled: bool = False
    patience: np.ndarray | None = None
    tol: float = 0.0
    validation: FleetSamples | None = None
    callback: Callable[[int, FleetHistory], object] | None = None
    theta: np.ndarray | None = None  # where the best weights are kept
    done: int = 0
    _curves: list[tuple[int, np.ndarray, np.ndarray | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        n = len(self.numbers)
        self.reference = np.full(n, np.inf)  # what has to be improved on, by ``tol``
        self.lowest = np.full(n, np.inf)
        self.waited = np.zeros(n, np.int64)
        self.best = None if self.theta is None else self.theta.copy()
        # Of all networks, not of one shape's: they share the history's rows.
        self.every = -(-self.epochs * len(self.history.epochs) // MOST)

    def identity(self) -> State:
        """Return the options of a run that decide on its end, and on its curves."""
        patience = None if self.patience is None else self.patience.tolist()
        return {
            "lr": None if self.is_scheduled else self.rates(1).tolist(),
            "patience": patience, "tol": self.tol, "epochs between points of a curve": self.every,
            **identity_of_fleet(self.validation, "validation "),
        }  # fmt: skip

    def state(self) -> State:
        """Return curves, counts and best weights."""
        at, history = self.numbers, self.history
        shown = np.array([k for k, _, _ in self._curves], np.int64)
        rows = [np.array([row[place] for row in self._curves]) for place in (1, 2)]
        return {
            "counts": {name: getattr(history, name)[at] for name in COUNTS},
            "stopped": history.stopped[at].tolist(),
            "done": self.done,
            "shown": shown,
            "loss": rows[0] if len(shown) else None,
            "validation_loss": rows[1] if len(shown) and self.validation is not None else None,
            "best": None if self.best is None else self.best.copy(),
            **{name: getattr(self, name).copy() for name in WATCHED},
        }

    def restore(self, state: State) -> None:
        """Go on from a `state`."""
        at, history = self.numbers, self.history
        for name in COUNTS:
            getattr(history, name)[at] = state["counts"][name]
        history.stopped[at] = state["stopped"]
        n = len(state["shown"])
        losses = [[None] * n if state[k] is None else state[k] for k in ("loss", "validation_loss")]
        self._curves = [*zip(state["shown"].tolist(), *losses, strict=True)]
        self.best = state["best"]
        for name in WATCHED:
            getattr(self, name)[:] = state[name]
        self.done = state["done"]

    def cut(self, networks: np.ndarray) -> FleetHistoryWatcher:
        """Return a watcher of some of the networks, with a history of their own."""
        n, held = len(networks), self.validation
        twin = FleetHistoryWatcher(
            FleetHistory.empty(n), np.arange(n), self.rates.cut(networks),
            self.weight_sums.cut(networks), self.epochs, self.n_rows, self.deadline,
            self.is_scheduled, None if self.patience is None else self.patience[networks], self.tol,
            None if held is None else held.of_some(networks), None,
            None if self.theta is None else self.theta[networks],
        )  # fmt: skip
        twin.every = self.every
        return twin

    def put(self, networks: np.ndarray, state: State, reasons: Sequence[str]) -> None:
        """Take over the `state` that the `cut` of some networks has at its end, and why."""
        at, history = self.numbers[networks], self.history
        for name in COUNTS:
            getattr(history, name)[at] = state["counts"][name]
        history.stopped[at] = reasons
        for name in WATCHED:
            getattr(self, name)[networks] = state[name]
        if self.best is not None:
            self.best[networks] = state["best"]
        self.done = max(self.done, state["done"])
        # No rows beyond those of the longest training: how many epochs are trained in one go, and
        # recorded of a network that diverges meanwhile, depends on who are trained together.
        diverged = np.array(reasons) == "diverged"
        last = int((state["counts"]["epochs"] + diverged).max())
        shown = [k for k in state["shown"].tolist() if k <= last]
        n, validates = len(self.numbers), self.validation is not None
        for k in shown[len(self._curves) :]:
            held = np.full(n, np.nan) if validates else None
            self._curves.append((k, np.full(n, np.nan), held))
        for row, (_, loss, held) in enumerate(self._curves[: len(shown)]):
            loss[networks] = state["loss"][row]
            if held is not None:
                held[networks] = state["validation_loss"][row]

    @property
    def epochs_at_once(self) -> int:
        """One where each has to be looked at; otherwise as many as make some thousand samples."""
        stops = self.patience is not None or self.tol > 0
        if stops or self.is_scheduled or self.validation is not None or self.callback is not None:
            return 1
        return max(1, min(WINDOW // self.n_rows, SUMS_AT_ONCE // len(self.numbers)))

    def begin_epoch(self, epoch: int, networks: np.ndarray) -> np.ndarray:
        """Return the learning rates of an epoch."""
        return self.rates(epoch)[networks]

    def end_epochs(
        self, trained: Trained, sums: np.ndarray, completed: np.ndarray, diverged: np.ndarray
    ) -> np.ndarray:
        """Continue the curves; return why networks end."""
        networks, n_epochs = trained.networks, sums.shape[1]
        losses = sums[LOSS] / self.weight_sums(self.done + 1, n_epochs, networks)
        losses[np.arange(n_epochs)[:, None] >= completed] = np.nan
        at = self.numbers[networks]
        self.history.epochs[at] += completed
        some = completed > 0
        self.history.final_loss[at[some]] = losses[completed[some] - 1, np.flatnonzero(some)]
        held = None
        if self.validation is not None:
            held = np.where(diverged, np.nan, trained.losses(self.validation))
            self.history.final_validation_loss[at[~diverged]] = held[~diverged]
            best = self.history.best_validation_loss
            best[at] = np.fmin(best[at], held)
        self._add_to_curves(networks, losses, held)
        self.done += n_epochs
        self.history.ended_after[at] = time.perf_counter() - self.deadline.begin
        why = self._call(trained, self._reasons(trained, losses[-1], held))
        ended = (why != "") | diverged
        self.history.stopped[at[ended]] = np.where(diverged, "diverged", why)[ended]
        return why

    def _add_to_curves(
        self, networks: np.ndarray, losses: np.ndarray, held: np.ndarray | None
    ) -> None:
        n = len(self.numbers)
        for k, row in enumerate(losses, self.done + 1):
            if k % self.every and k != self.epochs:
                continue
            whole = np.full(n, np.nan)
            whole[networks] = row
            also = None
            if held is not None:
                also = np.full(n, np.nan)
                also[networks] = held
            self._curves.append((k, whole, also))

    def _reasons(self, trained: Trained, loss: np.ndarray, held: np.ndarray | None) -> np.ndarray:
        """Apply `stopping.Stopping` to each network."""
        networks = trained.networks
        why = np.full(len(networks), "", object)
        watched = loss if held is None else held
        if self.patience is None:
            if self.tol > 0:
                why[self.reference[networks] - watched < self.tol] = "tol"
                self.reference[networks] = watched
            return why
        improved = watched < self.reference[networks] - self.tol
        self.waited[networks] = np.where(improved, 0, self.waited[networks] + 1)
        self.reference[networks[improved]] = watched[improved]
        if self.best is not None:
            is_best = watched < self.lowest[networks]
            if is_best.any():
                self.best[networks[is_best]] = trained.theta()[is_best]
                self.lowest[networks[is_best]] = watched[is_best]
        why[self.waited[networks] >= self.patience[networks]] = "patience"
        return why

    def _call(self, trained: Trained, why: np.ndarray) -> np.ndarray:
        """Let the callback look on; it may end training."""
        if self.callback is None:
            return why
        trained.write()
        self.write_curves()
        with self.deadline.interrupts_allowed():
            answer = self.callback(self.done, self.history)
        if isinstance(answer, (bool, np.bool_)) and answer:
            why[why == ""] = "callback"
        return why

    def write_curves(self) -> None:
        """Write the curves to the history."""
        history = self.history
        shown = np.array([k for k, _, _ in self._curves], np.int64)
        if len(shown) > len(history.shown):
            history.shown = shown
            for name in ("loss", "validation_loss"):
                old = getattr(history, name)
                if name == "loss" or self.validation is not None:
                    grown = np.full((len(shown), old.shape[1]), np.nan)
                    grown[: len(old)] = old
                    setattr(history, name, grown)
        for row, (_, loss, held) in enumerate(self._curves):
            history.loss[row, self.numbers] = loss
            if held is not None:
                history.validation_loss[row, self.numbers] = held

    def finish(self, theta: np.ndarray, reasons: np.ndarray | str) -> None:
        """Write curves, why the rest ended, and best weights where these were kept."""
        self.write_curves()
        stopped = self.history.stopped[self.numbers]
        self.history.stopped[self.numbers] = np.where(stopped == "error", reasons, stopped)
        if self.best is not None:
            has_best = np.isfinite(self.lowest)
            theta[has_best] = self.best[has_best]
