"""Random generators: their state as JSON has it, and back, checked before NumPy trusts it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .safetensors import JsonObject, check_keys

GENERATORS = ("PCG64", "PCG64DXSM", "SFC64", "MT19937", "Philox")
# The largest numbers in a state of theirs, by name, as NumPy trusts a state. There, a position is
# one in a buffer, of 624 numbers or 4.
LARGEST = {
    "state": 2**128 - 1, "inc": 2**128 - 1, "pos": 624, "buffer_pos": 4,
    "has_uint32": 1, "uinteger": 2**32 - 1,
}  # fmt: skip


def state_of(rng: np.random.Generator) -> Mapping[str, Any]:
    """Return the state of a generator, of one moment where another thread draws from it."""
    generator = rng.bit_generator
    with generator.lock:  # or another thread may draw from it between one word and the next
        state = generator.state
    if state["bit_generator"] not in GENERATORS:
        raise ValueError(
            f"rng: found a {state['bit_generator']} generator, expected one of "
            f"{', '.join(GENERATORS)} to save it. Give the network another seed"
        )
    return state


def generator_of(state: Any) -> np.random.Generator:
    """Return a random generator in the given state."""
    name = state.get("bit_generator") if isinstance(state, dict) else None
    if not isinstance(name, str) or name not in GENERATORS:
        raise ValueError(f"rng: found {name!r:.60}, expected one of {', '.join(GENERATORS)}")
    generator = getattr(np.random, name)(0)
    try:
        _check_state(state, generator.state, "rng")
        _check_random(name, state["state"])
    except ValueError as error:
        raise ValueError(f"rng: expected a state of {name}, but {error}") from error
    generator.state = state
    return np.random.Generator(generator)


def check_generator(state: Any) -> None:
    """Raise ValueError for what is no state of a generator, its arrays being arrays.

    A RandomState has two entries more than its MT19937: a normal number that it drew in advance.
    """
    plain = {
        key: {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in value.items()}
        if isinstance(value, dict) else value
        for key, value in state.items()
    }  # fmt: skip
    has, gauss = plain.pop("has_gauss", 0), plain.pop("gauss", 0.0)
    if has not in (0, 1) or not isinstance(gauss, float) or not math.isfinite(gauss):
        raise ValueError(
            f"gauss: found {has!r:.40} and {gauss!r:.40}, expected 0 or 1 and a number"
        )
    generator_of({k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in plain.items()})


def _check_state(value: Any, example: object, name: str) -> None:
    """Refuse a part of a state unless it has the names, lengths and ranges of another."""
    if isinstance(example, dict):
        check_keys(value, example, name)
        for key in example:
            _check_state(value[key], example[key], key)
    elif isinstance(example, np.ndarray):
        if not isinstance(value, list) or len(value) != len(example):
            raise ValueError(f"{name}: found {value!r:.60}, expected {len(example)} numbers")
        for number in value:
            _check_range(number, name, int(np.iinfo(example.dtype).max))
    elif not isinstance(example, str):
        _check_range(value, name, LARGEST[name])


def _check_range(number: object, name: str, largest: int) -> None:
    if type(number) is not int or not 0 <= number <= largest:
        raise ValueError(
            f"{name}: found {number!r:.60}, expected a whole number from 0 to {largest}"
        )


def _check_random(name: str, numbers: JsonObject) -> None:
    """Refuse a state of ever the same number, which would keep NumPy searching for ever.

    The other generators have a counter, which brings them out of any state.
    """
    if name.startswith("PCG64") and numbers["inc"] % 2 == 0:
        raise ValueError(f"inc: found {numbers['inc']}, expected an odd number")
    # Of the first number, MT19937 uses the highest bit only.
    if name == "MT19937" and not (numbers["key"][0] >> 31 or any(numbers["key"][1:])):
        raise ValueError("key: found only zeros, expected others")
