"""What is sent to workers: objects as bytes, without the large arrays that all of them share.

An array that every chunk of a run needs, such as X, is sent once and has a number in the bytes of
each chunk. Compiled functions never travel: workers have their own.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace

import cloudpickle
import numpy as np

from ..model.losses import LOSSES, Loss

LARGE = 1 << 16  # bytes from which on an array is sent once


class Arrays:
    """The large arrays that some objects refer to."""

    def __init__(self, *owners: object):
        self.found: dict[int, np.ndarray] = {}
        _Pickler(io.BytesIO(), self._note).dump(owners)

    def _note(self, array: np.ndarray) -> int:
        self.found[id(array)] = array
        return 0

    def dumps(self, value: object) -> tuple[bytes, list[np.ndarray]]:
        """Return an object as bytes, and those of the arrays that it refers to."""
        used: dict[int, int] = {}

        def place(array: np.ndarray) -> int | None:
            if id(array) not in self.found:
                return None
            return used.setdefault(id(array), len(used))

        file = io.BytesIO()
        _Pickler(file, place).dump(value)
        return file.getvalue(), [self.found[key] for key in used]


def loads(payload: bytes, arrays: Sequence[np.ndarray]) -> object:
    """Return the object that `Arrays.dumps` has made bytes of."""
    return _Unpickler(io.BytesIO(payload), arrays).load()


class _Pickler(cloudpickle.CloudPickler):
    """Leaves out arrays that have a place elsewhere, and keeps read-only arrays so.

    Kernels are compiled for read-only samples; pickles forget about it.
    """

    def __init__(self, file: io.BytesIO, place: Callable[[np.ndarray], int | None]):
        super().__init__(file, protocol=5)
        self._place = place

    def persistent_id(self, value: object) -> tuple[int, bool] | None:
        """Return the place of a large array, and whether it may be written to."""
        if type(value) is not np.ndarray or value.nbytes < LARGE or value.dtype.hasobject:
            return None
        place = self._place(value)
        return None if place is None else (place, value.flags.writeable)

    def reducer_override(self, value: object) -> object:
        """Say how some objects are made again."""
        if isinstance(value, Loss):
            return _loss, (value.name, value.code)
        if type(value) is np.ndarray and not (value.flags.writeable or value.dtype.hasobject):
            return _read_only, (value.tobytes(), value.dtype.str, value.shape)
        if type(value).__module__.startswith("numba."):
            raise pickle.PicklingError(
                f"{value!r:.80}: found compiled code among what is sent to workers, expected data"
            )
        return super().reducer_override(value)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, arrays: Sequence[np.ndarray]):
        super().__init__(file)
        self._arrays = arrays

    def persistent_load(self, key: tuple[int, bool]) -> np.ndarray:
        """Return the array at a place, as it was: read-only or not."""
        place, is_writeable = key
        array = self._arrays[place].view()
        if is_writeable and not array.flags.writeable:
            return array.copy()
        array.flags.writeable = is_writeable
        return array


def _loss(name: str, code: int) -> Loss:
    return LOSSES[name] if LOSSES[name].code == code else replace(LOSSES[name], code=code)


def _read_only(data: bytes, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.frombuffer(data, dtype).reshape(shape)
