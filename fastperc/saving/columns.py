"""What is known of each column of a table, as arrays: there may be thousands of columns.

Objects that have the same attributes become one array for each attribute; see `Kind`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Generic, TypeVar

import numpy as np

from ..files.safetensors import JsonObject
from ..tables.columns import ROLES, Column
from ..tables.encodings import PARTS, CategoryEncoding, DateEncoding, Encoding, NumberEncoding
from . import fields
from .fields import array

Made = TypeVar("Made")
LETTERS = {str: "UO", float: "f", int: "i", bool: "b"}  # of NumPy, for kinds of dtypes


class Kind(Generic[Made]):
    """Objects that are stored as an array for each attribute.

    Parameters
    ----------
    make : callable
        Makes an object of a dict of its attributes; raises ValueError for those that cannot be.
    attributes : mapping of str to type
        str, float, int or bool.
    """

    def __init__(self, make: Callable[[JsonObject], Made], attributes: Mapping[str, type]):
        self.make, self.attributes = make, attributes

    def arrays(self, objects: Sequence[object]) -> dict[str, np.ndarray]:
        """Return the attributes of all objects."""
        return {
            name: np.array([getattr(one, name) for one in objects], object if of is str else of)
            for name, of in self.attributes.items()
        }

    def objects(self, state: JsonObject, **more: Sequence[object]) -> list[Made]:
        """Return the objects of arrays; ``more`` are attributes that were read elsewhere."""
        checks = {name: array(LETTERS[of], 1) for name, of in self.attributes.items()}
        columns = {name: found.tolist() for name, found in fields.take(state, checks).items()}
        for name, of in self.attributes.items():
            if of is str:
                fields.list_of(fields.text)(columns[name], name)
        columns |= more
        if len({len(values) for values in columns.values()}) > 1:
            raise ValueError(f"{[*columns]}: found arrays of different lengths")
        rows = zip(*columns.values(), strict=True)
        return [self.make(dict(zip(columns, row, strict=True))) for row in rows]


# --- columns -------------------------------------------------------------------------------------


def _column(found: JsonObject) -> Column:
    if found["role"] not in ROLES:
        raise ValueError(f"role: found {found['role']!r:.60}, expected one of {', '.join(ROLES)}")
    if found["n_missing"] < 0 or found["n_distinct"] < 0:
        raise ValueError("n_missing, n_distinct: found a negative number")
    return Column(**found)


COLUMN = Kind(_column, {"name": str, "role": str, "why": str, "n_missing": int, "n_distinct": int})


def columns_of(state: object, name: str) -> tuple[Column, ...]:
    """Check the arrays of columns; returns these."""
    return tuple(COLUMN.objects(fields.a(dict)(state, name)))


# --- encodings -----------------------------------------------------------------------------------


def _number(found: JsonObject) -> NumberEncoding:
    if not found["scale"] > 0 or not found["width_of_middle"] >= 0:
        raise ValueError("scale: found one that is not positive")
    return NumberEncoding(**found)


def _category(found: JsonObject) -> CategoryEncoding:
    if len({*found["categories"], *found["rare"]}) < len(found["categories"] + found["rare"]):
        raise ValueError("categories: found one twice")
    return CategoryEncoding(**found)


def _date(found: JsonObject) -> DateEncoding:
    if not found["scale"] > 0:
        raise ValueError("scale: found one that is not positive")
    return DateEncoding(**found)


SCALED = {"name": str, "mean": float, "scale": float, "has_indicator": bool}
NUMBER = Kind(_number, SCALED | {"middle": float, "width_of_middle": float})
CATEGORY = Kind(_category, {"name": str, "has_missing": bool, "is_text": bool})
DATE = Kind(_date, SCALED)
KINDS = NumberEncoding, CategoryEncoding, DateEncoding  # by number


def encodings_state(encodings: Sequence[Encoding]) -> dict[str, object]:
    """Return encodings as arrays, and which is of which kind."""
    numbers = [one for one in encodings if isinstance(one, NumberEncoding)]
    categories = [one for one in encodings if isinstance(one, CategoryEncoding)]
    dates = [one for one in encodings if isinstance(one, DateEncoding)]
    state: dict[str, object] = dict.fromkeys(("numbers", "categories", "dates"))
    state["kinds"] = np.array([KINDS.index(type(one)) for one in encodings])
    if numbers:
        state["numbers"] = NUMBER.arrays(numbers)
    if categories:
        texts = [text for one in categories for text in (*one.categories, *one.rare)]
        state["categories"] = CATEGORY.arrays(categories) | {
            "texts": np.array(texts, object),
            "n_categories": np.array([len(one.categories) for one in categories]),
            "n_rare": np.array([len(one.rare) for one in categories]),
        }
    if dates:
        has_part = np.array([[part in one.parts for part in PARTS] for one in dates])
        state["dates"] = DATE.arrays(dates) | {"has_part": has_part}
    return state


def encodings_of(state: object, name: str) -> list[Encoding]:
    """Check the arrays of encodings; returns these."""
    some = fields.optional(fields.a(dict))
    found = fields.take(
        fields.a(dict)(state, name),
        {"numbers": some, "categories": some, "dates": some, "kinds": array("i", 1)},
    )
    numbers, categories, dates = (found[name] for name in ("numbers", "categories", "dates"))
    of_kind: list[Sequence[Encoding]] = [
        NUMBER.objects(numbers) if numbers else [],
        _categories(dict(categories)) if categories else [],
        _dates(dict(dates)) if dates else [],
    ]
    counts = [int((found["kinds"] == k).sum()) for k in range(len(KINDS))]
    expected = [len(some) for some in of_kind]
    if counts != expected or sum(counts) != len(found["kinds"]):
        raise ValueError(f"kinds: found {counts}, expected {expected}")
    streams = [iter(some) for some in of_kind]
    return [next(streams[kind]) for kind in found["kinds"].tolist()]


def _categories(state: JsonObject) -> list[CategoryEncoding]:
    lengths = {name: array("i", 1) for name in ("n_categories", "n_rare")}
    more = _taken_out(state, {"texts": array("UO", 1)} | lengths)
    texts = fields.list_of(fields.text)(more["texts"].tolist(), "texts")
    n, n_rare = more["n_categories"].tolist(), more["n_rare"].tolist()
    if min(n + n_rare, default=0) < 0 or sum(n + n_rare) != len(texts) or len(n) != len(n_rare):
        raise ValueError(f"n_categories: found {sum(n + n_rare)}, expected {len(texts)} texts")
    ends = accumulate((count for both in zip(n, n_rare, strict=True) for count in both), initial=0)
    own = [tuple(texts[begin:end]) for begin, end in pairwise(ends)]
    return CATEGORY.objects(state, categories=own[::2], rare=own[1::2])


def _dates(state: JsonObject) -> list[DateEncoding]:
    has_part = _taken_out(state, {"has_part": array("b", 2)})["has_part"]
    fields.shaped(has_part, "has_part", (len(has_part), len(PARTS)))
    names = np.array([*PARTS])
    return DATE.objects(state, parts=[tuple(names[has].tolist()) for has in has_part])


def _taken_out(state: JsonObject, checks: Mapping[str, fields.Check]) -> JsonObject:
    """Return some entries, checked, and remove them."""
    return fields.take({name: state.pop(name) for name in checks if name in state}, checks)
