"""What many estimators draw, once for all of those that draw the same; and the rows they take."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeAlias, cast

import numpy as np

from ...training import checkpoints
from ...training.fleets import FleetOrders
from ..draws import Shuffles, start_weights

State: TypeAlias = tuple[str, np.ndarray, int, int, float]  # of a RandomState


class Start(NamedTuple):
    """Start weights, and how the stream goes on after them."""

    theta: np.ndarray
    state: State


class Starts:
    """Start weights that were drawn: estimators with one seed and one shape have the same."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Start] = {}

    def __call__(
        self,
        random_state: int | np.random.RandomState | None,
        sizes: tuple[int, ...],
        activation: str | tuple[str, ...],
        dtype: np.dtype,
    ) -> Start:
        """Return what an estimator of this ``random_state`` begins with, which is left as it is."""
        if random_state is None:  # every fit has its own
            seed = np.random.mtrand._rand.randint(np.iinfo(np.int32).max)
            return _draw(np.random.RandomState(seed), sizes, activation, dtype)
        key = (seed_key(random_state), sizes, activation, dtype)
        if key not in self._known:
            self._known[key] = _draw(twin_of(random_state), sizes, activation, dtype)
        return self._known[key]


def _draw(
    stream: np.random.RandomState,
    sizes: tuple[int, ...],
    activation: str | tuple[str, ...],
    dtype: np.dtype,
) -> Start:
    theta = start_weights(sizes, activation, dtype, stream)
    return Start(theta, state_of(stream))


def seed_key(random_state: int | np.random.RandomState) -> Hashable:
    """Return what two seeds of the same numbers have in common."""
    if not isinstance(random_state, np.random.RandomState):
        return int(random_state)
    name, words, *rest = state_of(random_state)
    return name, words.tobytes(), *rest


def twin_of(random_state: int | np.random.RandomState) -> np.random.RandomState:
    """Return a stream of the same numbers."""
    if isinstance(random_state, np.random.RandomState):
        return stream_of(state_of(random_state))
    return np.random.RandomState(int(random_state))


def state_of(stream: np.random.RandomState) -> State:
    """Return where a stream is."""
    return cast(State, stream.get_state(legacy=True))


def stream_of(state: State) -> np.random.RandomState:
    """Return a stream that goes on from a state."""
    stream = np.random.RandomState(0)
    stream.set_state(state)
    return stream


class JobOrders(FleetOrders):
    """The rows of jobs, shuffled from epoch to epoch; windows go on where the last one ended.

    Parameters
    ----------
    which : ndarray of int of shape (n_networks,)
    rows : sequence of ndarray of int
        Of each order, which rows of X it takes.
    streams : sequence of int
        Of each order, which stream shuffles it; -1 for none.
    shuffles : sequence of Shuffles
        The streams.
    """

    def __init__(
        self,
        which: np.ndarray,
        rows: Sequence[np.ndarray],
        streams: Sequence[int],
        shuffles: Sequence[Shuffles],
    ):
        self.which, self.shuffles = which, shuffles
        self.streams = np.array(streams, np.int64)
        self.lengths = np.array([len(taken) for taken in rows], np.int64)
        self.n_rows = int(self.lengths.sum())
        # All rows in one array, those that orders share once.
        different = {id(taken): taken for taken in rows}
        ends = np.cumsum([len(taken) for taken in different.values()])
        begins = dict(zip(different, [0, *ends.tolist()], strict=False))
        self.begins = np.array([begins[id(taken)] for taken in rows], np.int64)
        self.rows = np.concatenate([*different.values()]) if rows else np.zeros(0, np.int64)

    def identity(self) -> checkpoints.State:
        """Return digests of the rows of each network, and of the streams that shuffle them."""
        arrays = self.which, self.streams, self.lengths, self.begins, self.rows
        return {"order": {"sha256": checkpoints.digest(*arrays)}}

    def state(self) -> checkpoints.State:
        """Return where the streams are."""
        return {str(k): shuffle.state() for k, shuffle in enumerate(self.shuffles)}

    def restore(self, state: checkpoints.State) -> None:
        """Go on from a `state`."""
        for k, shuffle in enumerate(self.shuffles):
            shuffle.restore(state[str(k)])

    def take(self, networks: np.ndarray) -> JobOrders:
        """Return the orders of some networks, which go on from where these are."""
        twin = copy.copy(self)
        twin.which = self.which[networks]
        return twin

    def cut(self, networks: np.ndarray) -> JobOrders:
        """Return the orders of some networks, without the rows and streams of others."""
        wanted, which = np.unique(self.which[networks], return_inverse=True)
        used, streams = np.unique(self.streams[wanted], return_inverse=True)
        used, shift = used[used >= 0], np.count_nonzero(used < 0)
        spans = np.stack([self.begins[wanted], self.lengths[wanted]])
        different, of = np.unique(spans, axis=1, return_inverse=True)
        twin = copy.copy(self)
        twin.which, twin.streams, twin.lengths = which, streams - shift, self.lengths[wanted]
        twin.shuffles = [self.shuffles[stream] for stream in used.tolist()]
        if different[1].sum() < len(self.rows):
            parts = [self.rows[begin : begin + n] for begin, n in different.T.tolist()]
            begins = np.cumsum([0, *map(len, parts)])
            twin.rows, twin.begins = np.concatenate(parts), begins[of.ravel()]
        else:
            twin.begins = self.begins[wanted]
        return twin

    def put(
        self,
        networks: np.ndarray,
        state: checkpoints.State,
        taken: np.ndarray,
        furthest: dict[int, int],
    ) -> None:
        """Let each stream go on from where its longest network has left it."""
        streams = self.streams[self.which[networks]]
        used = np.unique(streams)
        for place, stream in enumerate(used[used >= 0].tolist()):
            epochs = int(taken[streams == stream].max())
            if epochs > furthest.get(stream, 0):
                furthest[stream] = epochs
                self.shuffles[stream].restore(state[str(place)])

    def window(self, first: int, n_epochs: int, wanted: np.ndarray) -> np.ndarray:
        """Return the rows of some epochs of the orders ``wanted``, in one array."""
        streams, lengths = self.streams[wanted], self.lengths[wanted]
        table = np.full((len(wanted), n_epochs, lengths.max()), -1, np.int64)
        alike, of = np.unique(np.stack([streams, lengths]), axis=1, return_inverse=True)
        by_kind = np.split(
            np.argsort(of.ravel(), kind="stable"), np.cumsum(np.bincount(of.ravel()))
        )
        for stream, n, at in zip(*alike.tolist(), by_kind, strict=False):
            places = self._places(stream, n, n_epochs)
            table[at, :, :n] = self.rows[self.begins[wanted[at], None, None] + places]
        return table

    def _places(self, stream: int, n: int, n_epochs: int) -> np.ndarray:
        """Return the order of some epochs as places among ``n`` rows."""
        if stream < 0:
            return np.arange(n)[None]
        return self.shuffles[stream](n_epochs)
