"""Checkpoints: what a process that was killed has to know to go on where it was.

One call that trains, such as `Network.train` or the fit of a search, makes one or more runs of an
engine, always the same ones in the same order. A `Journal` has the state of each of them: of the
runs that are over, and of the one that was going on. All that comes between the runs is done again
when the call is repeated, with random generators that begin where they began, so a journal knows
nothing of who called.

The journal of a call is that of its context (see `contextvars`), where each engine finds it: who
calls an engine, however far away, hands nothing on.
"""

from __future__ import annotations

import contextvars
import hashlib
import math
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import numpy as np

from ..model.samples import RemoteSamples, Samples

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Item = TypeVar("Item")
Result = TypeVar("Result")
State = dict[str, Any]  # JSON values, arrays, and such dictionaries

REST = 0.05  # seconds between two looks at the state: what is lost at Ctrl-C
SHARE = 1 / 300  # of the time that these may take; where they take long, they are fewer
# Why a run ended that goes on when the call is repeated.
CUT_SHORT = ("", "time_limit", "interrupted", "error")
NEVER = 1 << 62


class Part(Protocol):
    """Something that changes while a run goes on."""

    def state(self) -> State:
        """Return copies of all that changes."""

    def restore(self, state: State) -> None:
        """Take over a state, which nobody else holds."""


class Arrays:
    """Arrays that a run writes to, as a `Part`."""

    def __init__(self, **arrays: np.ndarray):
        self.arrays = arrays

    def state(self) -> State:
        """Return copies."""
        return {name: array.copy() for name, array in self.arrays.items()}

    def restore(self, state: State) -> None:
        """Write to the arrays."""
        for name, array in self.arrays.items():
            array[...] = state[name]


class Store(Protocol):
    """Where a journal is kept."""

    def write(self, state: State) -> None:
        """Replace what is there. Raises OSError where the system refuses."""


class Interval(NamedTuple):
    """How often to write: after so many epochs, or so many seconds."""

    epochs: int = NEVER
    seconds: float = math.inf


class Journal:
    """The runs of one call.

    Parameters
    ----------
    store : Store
    interval : Interval
    runs : dict
        The states of runs that an earlier process had written, by their keys.
    describe : function of the runs' states
        Returns what is to be written.
    """

    def __init__(
        self,
        store: Store,
        interval: Interval,
        runs: dict[str, State],
        describe: Callable[[dict[str, State]], State],
    ):
        self.store, self.interval, self.runs, self.describe = store, interval, runs, describe
        self.written_at = time.perf_counter()
        self.is_written = True
        self.has_begun = False  # a run
        self._lock = threading.Lock()  # some runs go on at the same time

    def put(self, key: str, state: State) -> None:
        """Take note of a run's state."""
        with self._lock:
            self.runs[key] = state
            self.is_written = False

    def write(self) -> None:
        """Write what is new. Training is worth more than a checkpoint: a refusal is a warning."""
        try:
            with self._lock:
                if not self.is_written:
                    self.store.write(self.describe(self.runs))
                    self.is_written = True
        except OSError as error:
            warnings.warn(
                f"checkpoint: could not be written ({error}); training goes on, and the file has "
                "what was written before",
                RuntimeWarning,
                stacklevel=3,
            )
        self.written_at = time.perf_counter()

    @property
    def is_due(self) -> bool:
        """Whether enough time has passed."""
        return time.perf_counter() - self.written_at >= self.interval.seconds


class _Place:
    """Where in a call its code is: the journal, and which of the runs comes next."""

    def __init__(self, journal: Journal, prefix: str = ""):
        self.journal, self.prefix, self.n_runs = journal, prefix, 0

    def next_key(self) -> str:
        """Return the key of the next run."""
        self.n_runs += 1
        return f"{self.prefix}{self.n_runs}"


_place: ContextVar[_Place | None] = ContextVar("place in a journal", default=None)


def kept_in(journal: Journal, call: Callable[[], Result]) -> Result:
    """Make a call whose runs keep their states in a journal, which is written at the end too."""
    token = _place.set(_Place(journal))
    try:
        return call()
    finally:
        _place.reset(token)
        journal.write()


def branches(function: Callable[[Item], Result]) -> Callable[[int, Item], Result]:
    """Return a function that may be called for several items at the same time, in any threads.

    It takes the number of an item besides, by which the runs made for it are known.
    """
    place = _place.get()
    key = place and place.next_key()

    def call(number: int, item: Item) -> Result:
        if place is None:
            return function(item)
        context = contextvars.copy_context()
        context.run(_place.set, _Place(place.journal, f"{key}/{number}/"))
        return context.run(function, item)

    return call


def is_recorded() -> bool:
    """Return whether the next run would be kept in a journal."""
    return _place.get() is not None


class Record:
    """One run of an engine, as a block: here one that is kept nowhere.

    Attributes
    ----------
    done : int
        Epochs that the run had made when it was written.
    reason : str
        Why it had ended; "" where it is to go on, or to begin.
    """

    done = 0
    reason = ""

    def __enter__(self) -> Record:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def until_due(self, done: int) -> int:
        """Return how many epochs there are until a checkpoint is due."""
        return NEVER

    def keep(self, done: int) -> None:
        """Take note of the state after so many epochs, now and then, and write it where due."""

    def end(self, done: int, reason: str) -> str:
        """Take note of why the run ended; returns that."""
        return reason


NOT_KEPT = Record()


class _KeptRecord(Record):
    """A run that is kept in a journal."""

    def __init__(
        self, journal: Journal, key: str, identity: State, parts: Mapping[str, Part], epochs: int
    ):
        self.journal, self.key, self.parts = journal, key, parts
        self.identity = identity
        self.next_look = time.perf_counter() + REST
        self.last_written = 0
        self._begin(journal.runs.get(key), epochs)
        journal.has_begun = True

    def __enter__(self) -> Record:
        self.token = _place.set(None)  # what a callback trains meanwhile is none of these runs
        return self

    def __exit__(self, *error: object) -> None:
        _place.reset(self.token)

    def _begin(self, found: State | None, epochs: int) -> None:
        """Go on from what an earlier process has written, if it has."""
        if found is None:
            return
        check_identity(found["identity"], self.identity)
        if found["done"] > epochs:
            raise ValueError(
                f"checkpoint: found a run of {found['done']} epochs, expected at most {epochs}, as "
                "many as are to be trained. Allow more epochs, or begin anew with resume=False"
            )
        self.done = self.last_written = found["done"]
        has_more = found["reason"] == "epochs" and self.done < epochs
        self.reason = "" if has_more else found["reason"]
        try:
            for name, part in self.parts.items():
                part.restore(found[name])
        except (TypeError, KeyError, IndexError, AttributeError, ValueError) as error:
            raise ValueError(
                f"checkpoint: found a state that is none of this run ({error!r:.100}). Begin anew "
                "with resume=False, or use another copy of the file"
            ) from error

    def until_due(self, done: int) -> int:
        interval = self.journal.interval.epochs
        return interval - done % interval

    def keep(self, done: int) -> None:
        begin = time.perf_counter()
        is_due = done - self.last_written >= self.until_due(self.last_written)
        if is_due or begin >= self.next_look:
            self._put(done, "")
            now = time.perf_counter()
            self.next_look = now + max(REST, (now - begin) / SHARE)
            if is_due or self.journal.is_due:
                self.journal.write()
                self.last_written = done

    def end(self, done: int, reason: str) -> str:
        if reason not in CUT_SHORT:
            self._put(done, reason)
        return reason

    def _put(self, done: int, reason: str) -> None:
        state = {"identity": self.identity, "done": done, "reason": reason}
        self.journal.put(self.key, state | {name: p.state() for name, p in self.parts.items()})


def recorded(identity: Callable[[], State], parts: Mapping[str, Part], epochs: int) -> Record:
    """Keep a run of an engine in the journal of the call, if it has one.

    Parameters
    ----------
    identity : function
        Returns what the run is made of, under the names that callers know, with digests in place
        of arrays: a run with another identity cannot go on from the same state.
    parts : dict of Part
        All that changes. Where the run was in the journal, they are put into the state it has.
    epochs : int
        How many there are to be.

    Raises
    ------
    ValueError
        If the journal has a run with another identity.
    """
    place = _place.get()
    if place is None:
        return NOT_KEPT
    return _KeptRecord(place.journal, place.next_key(), identity(), parts, epochs)


def check_identity(found: State, expected: State) -> None:
    """Raise ValueError where a run of a checkpoint is not the one to go on with."""
    names = [name for name in expected if found.get(name) != expected[name]]
    names += [name for name in found if name not in expected]
    if not names:
        return
    shown = [
        f"{name}: {_shown(found.get(name))}, expected {_shown(expected.get(name))}"
        for name in names
        if not isinstance(expected.get(name), dict)
    ]
    raise ValueError(
        f"checkpoint: found a run with other values of {', '.join(names)}, so it cannot go on as "
        f"it would have{' (' + '; '.join(shown)[:300] + ')' if shown else ''}. Give the same data "
        "and options as before, begin anew with resume=False, or name another file"
    )


def _shown(value: object) -> str:
    return "none" if value is None else f"{value!r:.80}"


# --- identities ----------------------------------------------------------------------------------


def digest(*arrays: np.ndarray) -> str:
    """Return a SHA-256 of arrays, with their dtypes and shapes."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype.str} {array.shape} ".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def arrays_of(X: np.ndarray | csr_matrix) -> tuple[np.ndarray, ...]:
    """Return the arrays that make an array or a sparse matrix."""
    return (X,) if isinstance(X, np.ndarray) else (X.data, X.indices, X.indptr)


def identity_of(samples: Samples | RemoteSamples | None, prefix: str = "") -> State:
    """Return the identity of samples: digests of X, y and their weights, under these names."""
    if samples is None:
        return {}
    if isinstance(samples, RemoteSamples):
        return samples.identity()
    X = samples.X
    return {
        f"{prefix}X": {"shape": [*X.shape], "sha256": digest(*arrays_of(X))},
        f"{prefix}y": {"shape": [*samples.Y.shape], "sha256": digest(samples.Y)},
        f"{prefix}sample_weight": {
            "shape": [*samples.weight.shape],
            "sha256": digest(samples.weight),
            "is_factor": bool(samples.weight_is_factor),
            "unit": float(samples.unit),
        },
    }


# --- random generators ---------------------------------------------------------------------------


def stream_state(stream: np.random.Generator | np.random.RandomState) -> State:
    """Return where a stream of random numbers is."""
    if isinstance(stream, np.random.Generator):
        return dict(stream.bit_generator.state)
    return dict(stream.get_state(legacy=False))


def restore_stream(stream: np.random.Generator | np.random.RandomState, state: State) -> None:
    """Put a stream where it was; raises ValueError where it is one of another kind."""
    try:
        if isinstance(stream, np.random.Generator):
            stream.bit_generator.state = state
        else:
            stream.set_state(state)
    except (TypeError, ValueError, KeyError) as error:
        raise ValueError(
            f"checkpoint: found the state of another random generator ({error}), expected one of "
            f"{stream!r:.60}. Give the same seed as before"
        ) from error
