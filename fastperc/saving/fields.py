"""Checks of what is in a state, each raising ValueError or TypeError that names the attribute."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import checks
from ..files.safetensors import JsonObject

Check = Callable[[Any, str], Any]


def take(state: Mapping[str, Any], fields: Mapping[str, Check]) -> JsonObject:
    """Return the entries of a state, checked; entries that are missing or unknown are refused."""
    unknown = [name for name in state if name not in fields]
    if unknown:
        raise ValueError(f"found {unknown[0]!r:.60}, which is no attribute")
    missing = [name for name in fields if name not in state]
    if missing:
        raise ValueError(f"found no {missing[0]}")
    return {name: check(state[name], name) for name, check in fields.items()}


def count(value: Any, name: str) -> int:
    """A whole number from 0 on."""
    if type(value) is not int:
        raise ValueError(f"{name}: found {value!r:.60}, expected a whole number")
    return checks.check_count(value, name, least=0)


def flag(value: Any, name: str) -> bool:
    """True or False."""
    if type(value) is not bool:
        raise ValueError(f"{name}: found {value!r:.60}, expected true or false")
    return value


def real(value: Any, name: str) -> Any:
    """A number, which may be infinite or NaN."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        raise ValueError(f"{name}: found {value!r:.60}, expected a number")
    return value


def finite(value: Any, name: str) -> Any:
    """A number that is neither infinite nor NaN."""
    if not math.isfinite(real(value, name)):
        raise ValueError(f"{name}: found {value}, expected a finite number")
    return value


def text(value: Any, name: str) -> str:
    """Text."""
    if not isinstance(value, str):
        raise ValueError(f"{name}: found {value!r:.60}, expected text")
    return value


def anything(value: Any, name: str) -> Any:
    """What other checks look at."""
    return value


def optional(check: Check) -> Check:
    """None, or what passes the check."""
    return lambda value, name: None if value is None else check(value, name)


def a(kind: type | tuple[type, ...]) -> Check:
    """An object of a class."""

    def check(value: Any, name: str) -> Any:
        if not isinstance(value, kind):
            raise ValueError(f"{name}: found {value!r:.60}, expected a {kind}")
        return value

    return check


def list_of(check: Check) -> Check:
    """A list of what passes the check."""

    def check_all(value: Any, name: str) -> list[Any]:
        if not isinstance(value, list):
            raise ValueError(f"{name}: found {value!r:.60}, expected a list")
        return [check(item, f"{name}[{i}]") for i, item in enumerate(value)]

    return check_all


def array(kinds: str, ndim: int, *, all_finite: bool = True) -> Check:
    """An array of some kinds of dtypes, as NumPy's letters have them, and so many dimensions."""

    def check(value: Any, name: str) -> np.ndarray:
        if not isinstance(value, np.ndarray) or value.dtype.kind not in kinds:
            raise ValueError(f"{name}: found {value!r:.60}, expected an array of kind {kinds}")
        if value.ndim != ndim:
            raise ValueError(f"{name}: found {value.ndim} dimensions, expected {ndim}")
        if all_finite and value.dtype.kind == "f" and not np.isfinite(value).all():
            raise ValueError(f"{name}: found a value that is infinite or NaN, expected none")
        return value

    return check


def shaped(value: np.ndarray, name: str, shape: tuple[int, ...], dtype: Any = None) -> np.ndarray:
    """Return an array that has a shape and a dtype, or refuse it."""
    if value.shape != shape or (dtype is not None and value.dtype != dtype):
        raise ValueError(
            f"{name}: found shape {value.shape} of {value.dtype}, expected {shape} of {dtype}"
        )
    return value
