"""Items that are done one by one, such as networks that no fleet takes, some to each task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

GUESS = 0.1  # seconds that an item takes, before one was measured
BYTES = 1 << 12  # that an item needs besides what is shared

Function = Callable[[Any, Any], Any]


class MapWork:
    """A function of many items, as work for a cluster; see `running.Work`.

    Parameters
    ----------
    function : function of a module, from (shared, item) to a result
    shared : object
        What all items need.
    items : sequence
    name : str

    Attributes
    ----------
    results : list
        In the order of the items.
    """

    unit, seconds, n_bytes, lanes = "item", GUESS, BYTES, 1

    def __init__(self, function: Function, shared: object, items: Sequence[object], name: str):
        self.name, self.n = name, len(items)
        self.results: list[Any] = [None] * len(items)
        self._function, self._shared, self._items = function, shared, items

    @property
    def function(self) -> Callable[[Callable[[], Any]], tuple[Any, float]]:
        """What workers do."""
        return map_chunk

    def shared(self) -> object:
        """Return what has the large arrays that chunks share."""
        return self._shared, self._items

    def cut(self, numbers: np.ndarray) -> object:
        """Return some items, and what they need."""
        return self._function, self._shared, [self._items[k] for k in numbers.tolist()]

    def put(self, numbers: np.ndarray, result: list[Any]) -> None:
        """Put results to their places."""
        for k, each in zip(numbers.tolist(), result, strict=True):
            self.results[k] = each

    def finish(self) -> None:
        """Do nothing."""


def map_chunk(load: Callable[[], Any]) -> tuple[list[Any], float]:
    """Return the results of some items."""
    function, shared, items = load()
    return [function(shared, item) for item in items], 0.0
