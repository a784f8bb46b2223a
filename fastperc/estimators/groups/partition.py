"""Rows sorted by the group that they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class Partition:
    """Which rows belong to which group.

    Attributes
    ----------
    keys : ndarray of shape (n_groups,)
        Names of the groups, sorted.
    order : int array of shape (n_rows,)
        Rows sorted by group, those of a group in the order in which they came.
    begins : int array of shape (n_groups + 1,)
        Group ``g`` has the rows ``order[begins[g]:begins[g + 1]]``.
    """

    keys: np.ndarray
    order: np.ndarray
    begins: np.ndarray

    @classmethod
    def of(cls, groups: np.ndarray) -> Partition:
        """Return the partition of rows by their groups, which were checked."""
        keys, codes = distinct(groups)
        return cls(keys, *sort_codes(codes, len(keys)))

    def of_weight(self, weight: np.ndarray | None) -> Partition:
        """Return the partition of the same rows, without groups all of whose weights are 0."""
        if weight is None:
            return self
        sums = np.add.reduceat(weight[self.order], self.begins[:-1])
        sizes = self.sizes()
        order = self.order[np.repeat(sums > 0, sizes)]
        begins = np.concatenate([[0], np.cumsum(sizes[sums > 0])])
        return Partition(self.keys[sums > 0], order, begins)

    def sizes(self) -> np.ndarray:
        """Return the number of rows of each group."""
        return np.diff(self.begins)


def sort_codes(codes: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows sorted by codes from 0 to ``n - 1``, and where each code begins among them."""
    order = np.argsort(codes, kind="stable")
    return order, np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=n))])


def distinct(groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct names, sorted, and the place of each row's among them."""
    if groups.dtype.kind != "O":
        keys, codes = np.unique(groups, return_inverse=True)
        return keys, codes.ravel()
    places: dict[object, int] = {}  # sorting millions of texts would take seconds
    codes = np.fromiter((places.setdefault(k, len(places)) for k in groups), np.int64, len(groups))
    names = np.empty(len(places), object)
    names[:] = [*places]
    order = np.argsort(names)
    ranks = np.empty(len(names), np.int64)
    ranks[order] = np.arange(len(names))
    return names[order], ranks[codes]


def places_among(groups: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Return the place of each row's group among sorted names; `UNKNOWN` where it is none."""
    if "O" in (groups.dtype.kind, keys.dtype.kind):
        known = {key: k for k, key in enumerate(keys.tolist())}
        names = groups.tolist()
        return np.fromiter((known.get(name, UNKNOWN) for name in names), np.int64, len(names))
    places = np.minimum(np.searchsorted(keys, groups), len(keys) - 1)
    return np.where(keys[places] == groups, places, UNKNOWN)


def checked_groups(groups: object, n_rows: int) -> np.ndarray:
    """Return one name for each row: numbers, or an array of objects that are texts.

    Raises
    ------
    ValueError
        If their number is not that of the rows, or a name is missing or of another kind.
    TypeError
        If they are neither numbers nor texts.
    """
    found = np.asarray(groups)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1 or len(found) != n_rows:
        raise ValueError(
            f"groups: found shape {found.shape}, expected ({n_rows},), a group for each row of X"
        )
    if found.dtype.kind in "US":
        return found.astype(str).astype(object)
    if found.dtype.kind == "O":
        found = _of_one_kind(found)
    if found.dtype.kind == "f" and np.isnan(found).any():
        raise _missing("NaN", int(np.argmax(np.isnan(found))))
    if found.dtype.kind == "f" and np.isinf(found).any():
        raise _missing("inf", int(np.argmax(np.isinf(found))))
    if found.dtype.kind not in "biufO":
        raise _of_no_kind(f"an array of {found.dtype}")
    return found


def _of_one_kind(names: np.ndarray) -> np.ndarray:
    """Return objects that are all numbers as numbers, and all texts as they are."""
    is_text = np.fromiter((isinstance(name, str) for name in names), bool, len(names))
    if is_text.all():
        return names
    if is_text.any():
        odd = int(np.argmin(is_text))
        name = names[odd]
        if name is None or name != name:
            raise _missing(repr(name), odd)
        raise ValueError(
            f"groups: found {name!r:.60} in row {odd} among texts, expected names of one kind. Use "
            "texts, or numbers"
        )
    try:
        return names.astype(np.float64) if _are_fractions(names) else names.astype(np.int64)
    except (TypeError, ValueError, OverflowError):
        missing = np.fromiter((name is None for name in names), bool, len(names))
        if missing.any():
            raise _missing("None", int(np.argmax(missing))) from None
        raise _of_no_kind(f"{names[0]!r:.60}") from None


def _are_fractions(names: np.ndarray) -> bool:
    return any(isinstance(name, (float, np.floating)) for name in names)


def _of_no_kind(what: str) -> TypeError:
    return TypeError(
        f"groups: found {what}; the argument must be an array of strings or of numbers. Use "
        "groups.astype(str)"
    )


def _missing(what: str, row: int) -> ValueError:
    return ValueError(
        f"groups: found {what} in row {row}, expected the name of a group. Leave such rows out, or "
        "give them a group of their own"
    )
