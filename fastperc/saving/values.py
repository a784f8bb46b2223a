"""What objects are made of, as a file has it: JSON, and arrays beside it.

JSON's own values stand for themselves. An object with one of these names stands for another value:
``tuple``, ``dict`` (pairs of key and value), ``float`` (what JSON cannot say), ``scalar`` (of
NumPy), ``array``, ``texts``, ``objects``, ``numbers`` (a long list), ``stream`` (a RandomState),
``schedule`` (of `fastperc.schedules`); and ``is`` for a record: an object of the class of that
name in a table, with its state by name. Arrays are called by the way that leads to them, as in
``model.coefs_.0``. A `Column`, many values of one kind, is taken apart in turn, so that thousands
of networks need no more arrays than one. Nothing but what is in these tables is made of a file.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import checks, schedules
from ..files.container import Tensor
from ..files.safetensors import DTYPES, JsonObject, check_keys

FEW = 16  # numbers of a list, or texts of an array, that stay in the JSON
KEY = 624  # numbers in the state of an MT19937
NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Record(NamedTuple):
    """How objects of a class are taken apart and put together.

    ``state`` returns all that an object is made of, by name; ``make`` the object, or raises
    ValueError or TypeError for a state that could not be that of one.
    """

    name: str
    type: type
    state: Callable[[Any], Mapping[str, object]]
    make: Callable[[JsonObject], Any]


class Column(list[Any]):
    """Values that are mostly of one kind, as those of an attribute of many objects."""


# --- to a file -----------------------------------------------------------------------------------


class Writer:
    """Encodes values; ``arrays`` are those met so far, by name."""

    def __init__(self, records: Mapping[type, Record]):
        self.records, self.arrays = records, dict[str, np.ndarray]()

    def encode(self, value: object, name: str) -> Any:
        """Return a value as JSON; ``name`` is the way to it, of which an error speaks."""
        if value is None or type(value) in (bool, str, int):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if isinstance(value, np.generic):
            return self._scalar(value, name)
        if isinstance(value, np.ndarray):
            return self._array(value, name)
        if isinstance(value, np.random.RandomState):
            return {"stream": self._stream(value, name)}
        if isinstance(value, schedules.Planned):
            return {"schedule": [value.name, *value.numbers]}
        if isinstance(value, Column):
            numbers = self._numbers(np.arange(len(value)), f"{name}.number")
            return {"column": self._column(value, name), "number": numbers}
        if type(value) in self.records:
            record = self.records[type(value)]
            state = record.state(value)
            return {
                "is": record.name,
                **{k: self.encode(v, f"{name}.{k}") for k, v in state.items()},
            }
        return self._collection(value, name)

    def _collection(self, value: object, name: str) -> Any:
        if type(value) is list and len(value) > FEW:
            for kind in (float, int):
                if all(type(number) is kind for number in value):
                    return {"numbers": self._numbers(np.array(value), name)}
        if isinstance(value, tuple) or type(value) is list:
            items = [self.encode(item, f"{name}.{i}") for i, item in enumerate(value)]
            return items if type(value) is list else {"tuple": items}
        if isinstance(value, Mapping):
            pairs = []
            for i, (key, inner) in enumerate(value.items()):
                plain = self.encode(key, f"{name}.{i}.key")
                pairs.append([plain, self.encode(inner, _way(name, i, plain))])
            return {"dict": pairs}
        raise ValueError(
            f"{name}: found {value!r:.80}, which no file can keep: expected numbers, texts, "
            "arrays, or a schedule of fastperc.schedules. Set it to None or to a name before "
            "saving, and set it again after loading"
        )

    def _column(self, values: list[Any], name: str) -> JsonObject:
        """Return many values as JSON: once if they are alike, else part by part, or each."""
        first = values[0]
        kinds = {type(value) for value in values}
        if len(kinds) > 1:
            return {"each": [self.encode(value, f"{name}.{i}") for i, value in enumerate(values)]}
        if isinstance(first, (bool, int, float, str, type(None), tuple)) and all(
            value == first for value in values
        ):
            return {"same": self.encode(first, name)}
        if kinds == {float} or (kinds == {int} and max(map(abs, values)) < 2**63):
            return {"numbers": self._numbers(np.array(values), name)}
        alike = kinds == {np.ndarray} and len({(v.shape, v.dtype) for v in values}) == 1
        if alike and first.dtype.name in DTYPES:
            return {"stack": self._numbers(np.stack(values), name)}
        if first.__class__ in self.records:
            states = [self.records[type(value)].state(value) for value in values]
            if all(state.keys() == states[0].keys() for state in states):
                return {"records": self.records[type(first)].name, **self._columns(states, name)}
        if kinds == {dict} and all([*value] == [*first] for value in values):
            return {"keys": self.encode([*first], f"{name}.keys"), **self._columns(values, name)}
        if kinds <= {list, tuple} and len({len(value) for value in values}) == 1:
            parts = [dict(enumerate(value)) for value in values]
            return {"lists": type(first) is list, **self._columns(parts, name)}
        if kinds == {list} and all(type(number) is float for value in values for number in value):
            ends = np.cumsum([len(value) for value in values])
            return {"runs": self._numbers(np.concatenate([np.empty(0), *values]), f"{name}.runs"),
                    "ends": self._numbers(ends, f"{name}.ends")}  # fmt: skip
        return {"each": [self.encode(value, f"{name}.{i}") for i, value in enumerate(values)]}

    def _columns(self, states: Sequence[Mapping[Any, Any]], name: str) -> JsonObject:
        """Return a column for each entry of objects that have the same entries."""
        of = [self._column([state[k] for state in states], f"{name}.{k}") for k in states[0]]
        return {"names": [str(k) for k in states[0]], "of": of}

    def _numbers(self, array: np.ndarray, name: str) -> dict[str, object]:
        if array.dtype.name not in DTYPES:
            raise ValueError(
                f"{name}: found an array of dtype {array.dtype}, expected numbers, bools or texts"
            )
        self.arrays[name] = array
        node: dict[str, object] = {"dtype": array.dtype.name, "shape": list(array.shape)}
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            node["finite"] = False
        return node

    def _array(self, array: np.ndarray, name: str) -> dict[str, object]:
        is_object = array.dtype == object
        if array.dtype.kind == "U" or (is_object and all(type(t) is str for t in array.flat)):
            width = array.dtype.itemsize // 4 if array.dtype.kind == "U" else None
            return {"texts": self._texts(array.ravel().tolist(), name),
                    "shape": list(array.shape), "width": width}  # fmt: skip
        if array.dtype == object:
            items = self.encode(array.ravel().tolist(), name)
            return {"objects": items, "shape": list(array.shape)}
        plain = array.astype(array.dtype.newbyteorder("="), copy=True)
        return {"array": self._numbers(plain, name)}

    def _texts(self, texts: list[str], name: str) -> Any:
        """Return texts, or where their letters are: all in one array, with the end of each."""
        if len(texts) <= FEW:
            return texts
        letters = np.array([ord(letter) for text in texts for letter in text], np.uint32)
        ends = np.cumsum([len(text) for text in texts])
        return {"letters": self._numbers(letters, f"{name}.letters"),
                "ends": self._numbers(ends.astype(np.int64), f"{name}.ends")}  # fmt: skip

    def _scalar(self, value: np.generic, name: str) -> dict[str, object]:
        if isinstance(value, np.str_):
            return {"scalar": str(value), "dtype": "str"}
        if value.dtype.name not in DTYPES:
            raise ValueError(f"{name}: found {value!r:.60}, expected a number, bool or text")
        return {"scalar": self.encode(value.item(), name), "dtype": value.dtype.name}

    def _stream(self, stream: np.random.RandomState, name: str) -> dict[str, object]:
        kind, key, position, has_gauss, gauss = stream.get_state(legacy=True)
        if kind != "MT19937":
            raise ValueError(
                f"{name}: found a RandomState of {kind}, expected one of MT19937. Give an int"
            )
        numbers = self._numbers(np.asarray(key, np.uint32), name)
        return {"key": numbers, "position": position, "has_gauss": has_gauss, "gauss": gauss}


# --- from a file: each function raises ValueError or TypeError -----------------------------------


def tensors_in(value: object, name: str) -> Iterator[tuple[str, Tensor]]:
    """Yield name, dtype and shape of each array that an encoded value needs."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from tensors_in(item, f"{name}.{i}")
        return
    if not isinstance(value, dict):
        return
    for tag, item in value.items():
        if tag in ("array", "numbers"):
            yield name, _tensor(item, name)
        elif tag == "stream":
            check_keys(item, ("key", "position", "has_gauss", "gauss"), name)
            yield name, _tensor(item["key"], name, "uint32", [KEY])
        elif tag == "texts" and isinstance(item, dict):
            check_keys(item, ("letters", "ends"), name)
            yield f"{name}.letters", _tensor(item["letters"], name, "uint32")
            yield f"{name}.ends", _tensor(item["ends"], name, "int64")
        elif tag == "dict" and isinstance(item, list):
            for i, pair in enumerate(item):
                if isinstance(pair, list) and len(pair) == 2:
                    yield from tensors_in(pair[0], f"{name}.{i}.key")
                    yield from tensors_in(pair[1], _way(name, i, pair[0]))
        elif tag == "column":
            yield f"{name}.number", _tensor(value.get("number"), name, "int64")
            yield from _tensors_in_column(item, name)
        elif tag in ("tuple", "objects"):
            yield from tensors_in(item, name)
        else:
            yield from tensors_in(item, f"{name}.{tag}")


def _tensors_in_column(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    """Yield the same of a column."""
    if not isinstance(value, dict):
        raise ValueError(f"{name}: found {value!r:.60}, expected a column")
    if "numbers" in value or "stack" in value:
        yield name, _tensor(value.get("numbers", value.get("stack")), name)
    if "runs" in value:
        yield f"{name}.runs", _tensor(value["runs"], name, "float64")
        yield f"{name}.ends", _tensor(value.get("ends"), name, "int64")
    if "same" in value:
        yield from tensors_in(value["same"], name)
    if "each" in value:
        yield from tensors_in(value["each"], name)
    if "keys" in value:
        yield from tensors_in(value["keys"], f"{name}.keys")
    if "of" in value:
        for part, of in _parts(value, name):
            yield from _tensors_in_column(of, f"{name}.{part}")


def _parts(value: JsonObject, name: str) -> list[tuple[str, Any]]:
    """Return name and column of each entry of objects that have the same entries."""
    names, of = value.get("names"), value["of"]
    if not isinstance(names, list) or not isinstance(of, list) or len(names) != len(of):
        raise ValueError(f"{name}: found {names!r:.60}, expected a name for each column")
    if len(set(map(repr, names))) != len(names) or not all(type(part) is str for part in names):
        raise ValueError(f"{name}: found {names!r:.60}, expected different names")
    return [*zip(names, of, strict=True)]


def _tensor(
    node: Any, name: str, dtype: str | None = None, shape: Sequence[int] | None = None
) -> Tensor:
    """Return what an array's description asks for."""
    if not isinstance(node, dict):
        raise ValueError(f"{name}: found {node!r:.60}, expected dtype and shape of an array")
    check_keys(node, ("dtype", "shape", *(["finite"] if "finite" in node else [])), name)
    found = checks.check_choice(node["dtype"], f"{name}: dtype", DTYPES)
    lengths = _shape(node["shape"], name)
    if (dtype and found != dtype) or (shape is not None and lengths != tuple(shape)):
        raise ValueError(f"{name}: found {node!r:.80}, expected dtype {dtype}")
    return Tensor(found, lengths, "finite" not in node)


def _shape(value: object, name: str) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > 4:
        raise ValueError(f"{name}: found the shape {value!r:.60}, expected a list of lengths")
    return tuple(checks.check_count(n, f"{name}: shape", least=0) for n in value)


class Reader:
    """Decodes values, with the arrays of a file."""

    def __init__(self, records: Mapping[str, Record], arrays: Mapping[str, np.ndarray]):
        self.records, self.arrays = records, arrays

    def decode(self, value: Any, name: str) -> Any:
        """Return the value that JSON stands for."""
        if isinstance(value, list):
            return [self.decode(item, f"{name}.{i}") for i, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("is"), str):
            return self._record(value, name)
        tag = next((tag for tag in READ if tag in value), None)
        if tag is None:
            raise ValueError(f"{name}: found {[*value]!r:.60}, expected what a value is")
        return READ[tag](self, value, name)

    def _record(self, value: JsonObject, name: str) -> Any:
        state = {k: self.decode(v, f"{name}.{k}") for k, v in value.items() if k != "is"}
        return self._make(value["is"], state, name)

    def _make(self, kind: object, state: JsonObject, name: str) -> Any:
        """Return an object of the class of that name."""
        record = self.records.get(kind) if isinstance(kind, str) else None
        if record is None:
            raise ValueError(
                f"{name}: found the class {kind!r:.60}, expected one of fastperc's models. "
                "If the file comes from a newer fastperc, install that"
            )
        try:
            return record.make(state)
        except KeyError as error:
            raise ValueError(f"{name}: found no {error.args[0]!r:.60} of {record.name}") from error
        except (AttributeError, IndexError, OverflowError, ArithmeticError) as error:
            raise ValueError(f"{name}: found no state of {record.name}: {error}") from error

    def _column(self, value: JsonObject, name: str) -> Column:
        check_keys(value, ("column", "number"), name)
        number = self.arrays[f"{name}.number"]
        if number.ndim != 1 or (number != np.arange(len(number))).any():
            raise ValueError(f"{name}: found numbers of a column that do not count from 0")
        return Column(self._items(value["column"], name, len(number)))

    def _items(self, value: JsonObject, name: str, n: int) -> list[Any]:
        """Return the n values of a column, whose length has an array in the file as its proof."""
        found = self._all_items(value, name, n)
        if len(found) != n:
            raise ValueError(f"{name}: found a column of {len(found)}, expected {n}")
        return found

    def _all_items(self, value: JsonObject, name: str, n: int) -> list[Any]:
        if "same" in value:
            return [self.decode(value["same"], name) for _ in range(n)]
        if "each" in value:
            return self._list(value["each"], name)
        if "numbers" in value:
            return self.arrays[name].tolist() if self.arrays[name].ndim == 1 else []
        if "stack" in value:
            return [*self.arrays[name]] if self.arrays[name].ndim else []
        if "runs" in value:
            runs, ends = self.arrays[f"{name}.runs"], self.arrays[f"{name}.ends"]
            if runs.ndim != 1 or ends.ndim != 1:
                raise ValueError(f"{name}: found runs of several dimensions")
            bounds = _bounds(ends, len(runs), name)
            return [runs[a:b].tolist() for a, b in bounds]
        if "of" not in value:
            raise ValueError(f"{name}: found {[*value]!r:.60}, expected a column")
        parts = _parts(value, name)
        columns = [self._items(of, f"{name}.{part}", n) for part, of in parts]
        rows = [*zip(*columns, strict=True)] if columns else [()] * n
        if "records" in value:
            names = [part for part, _ in parts]
            make = [dict(zip(names, row, strict=True)) for row in rows]
            return [self._make(value["records"], state, name) for state in make]
        if "keys" in value:
            keys = self._list(value["keys"], f"{name}.keys")
            return [dict(zip(keys, row, strict=True)) for row in rows]
        return [list(row) if value.get("lists") is True else row for row in rows]

    def _tuple(self, value: JsonObject, name: str) -> tuple[Any, ...]:
        return tuple(self._list(value["tuple"], name))

    def _list(self, value: object, name: str) -> list[Any]:
        if not isinstance(value, list):
            raise ValueError(f"{name}: found {value!r:.60}, expected a list")
        return self.decode(value, name)

    def _dict(self, value: JsonObject, name: str) -> dict[Any, Any]:
        found = {}
        for i, pair in enumerate(value["dict"] if isinstance(value["dict"], list) else [None]):
            if not isinstance(pair, list) or len(pair) != 2:
                raise ValueError(f"{name}: found {pair!r:.60}, expected pairs of key and value")
            key = self.decode(pair[0], f"{name}.{i}.key")
            if key in found:
                raise ValueError(f"{name}: found the key {key!r:.60} twice")
            found[key] = self.decode(pair[1], _way(name, i, pair[0]))
        return found

    def _float(self, value: JsonObject, name: str) -> float:
        return NOT_FINITE[checks.check_choice(value["float"], name, NOT_FINITE)]

    def _scalar(self, value: JsonObject, name: str) -> Any:
        check_keys(value, ("scalar", "dtype"), name)
        if value["dtype"] == "str":
            return np.str_(_text(value["scalar"], name))
        dtype = np.dtype(checks.check_choice(value["dtype"], name, DTYPES))
        plain = self.decode(value["scalar"], name)
        expected = {"b": bool, "f": float}.get(dtype.kind, int)
        if type(plain) is not expected:
            raise ValueError(f"{name}: found {plain!r:.60}, expected a number of {dtype}")
        if expected is int and not np.iinfo(dtype).min <= plain <= np.iinfo(dtype).max:
            raise ValueError(f"{name}: found {plain}, which {dtype} does not hold")
        return dtype.type(plain)

    def _array(self, value: JsonObject, name: str) -> np.ndarray:
        return self.arrays[name]

    def _numbers(self, value: JsonObject, name: str) -> list[Any]:
        return self.arrays[name].tolist()

    def _texts(self, value: JsonObject, name: str) -> np.ndarray:
        check_keys(value, ("texts", "shape", "width"), name)
        texts = value["texts"]
        if isinstance(texts, dict):
            texts = texts_of(self.arrays[f"{name}.letters"], self.arrays[f"{name}.ends"], name)
        if not isinstance(texts, list) or not all(type(text) is str for text in texts):
            raise ValueError(f"{name}: found {texts!r:.60}, expected texts")
        found = np.empty(len(texts), object)
        found[:] = texts
        if value["width"] is not None:
            width = checks.check_count(value["width"], f"{name}: width", least=0)
            if width * len(texts) > 100 + 8 * sum(map(len, texts)) + 64 * len(texts):
                raise ValueError(f"{name}: found a width of {width}, far beyond its texts")
            if max(map(len, texts), default=0) > width:
                raise ValueError(f"{name}: found texts longer than {width}")
            found = found.astype(f"<U{width}")
        return reshaped(found, value["shape"], name)

    def _objects(self, value: JsonObject, name: str) -> np.ndarray:
        check_keys(value, ("objects", "shape"), name)
        items = self.decode(value["objects"], name)
        if not isinstance(items, list):
            raise ValueError(f"{name}: found {items!r:.60}, expected a list")
        found = np.empty(len(items), object)
        for i, item in enumerate(items):
            found[i] = item
        return reshaped(found, value["shape"], name)

    def _stream(self, value: JsonObject, name: str) -> np.random.RandomState:
        node, key = value["stream"], self.arrays[name]
        position = node["position"]
        if type(position) is not int or not 0 <= position <= KEY:
            raise ValueError(f"{name}: found position {position!r:.60}, expected 0 to {KEY}")
        if node["has_gauss"] not in (0, 1) or type(node["has_gauss"]) is not int:
            raise ValueError(f"{name}: found has_gauss {node['has_gauss']!r:.60}, expected 0 or 1")
        if not (key[0] >> 31 or key[1:].any()):  # it would give the same number for ever
            raise ValueError(f"{name}: found only zeros, expected others")
        gauss = checks.check_number(node["gauss"], f"{name}: gauss")
        stream = np.random.RandomState(0)
        stream.set_state(("MT19937", key, position, node["has_gauss"], gauss))
        return stream

    def _schedule(self, value: JsonObject, name: str) -> schedules.Schedule:
        found = value["schedule"]
        if not isinstance(found, list) or not found:
            raise ValueError(f"{name}: found {found!r:.60}, expected a schedule and its numbers")
        return schedules.MAKERS[checks.check_choice(found[0], name, schedules.MAKERS)](*found[1:])


READ: dict[str, Callable[[Reader, JsonObject, str], Any]] = {
    "column": Reader._column,
    "tuple": Reader._tuple,
    "dict": Reader._dict,
    "float": Reader._float,
    "scalar": Reader._scalar,
    "array": Reader._array,
    "numbers": Reader._numbers,
    "texts": Reader._texts,
    "objects": Reader._objects,
    "stream": Reader._stream,
    "schedule": Reader._schedule,
}


def texts_of(letters: np.ndarray, ends: np.ndarray, name: str) -> list[str]:
    """Return texts from all their letters, and where each ends."""
    if letters.ndim != 1 or ends.ndim != 1:
        raise ValueError(f"{name}: found letters of several dimensions, expected one")
    if len(letters) and letters.max() > 0x10FFFF:
        raise ValueError(f"{name}: found {letters.max()}, expected letters of Unicode")
    whole = "".join(map(chr, letters.tolist()))
    return [whole[a:b] for a, b in _bounds(ends, len(letters), name)]


def _bounds(ends: np.ndarray, n: int, name: str) -> list[tuple[int, int]]:
    """Return begin and end of parts that make up n items."""
    bounds = [0, *ends.tolist()]
    if any(a > b for a, b in itertools.pairwise(bounds)) or bounds[-1] != n:
        raise ValueError(f"{name}: found ends of parts that do not follow each other")
    return [*itertools.pairwise(bounds)]


def _way(name: str, i: int, key: object) -> str:
    """Return the way to the value of a dict's key, which is the i-th."""
    return f"{name}.{key}" if isinstance(key, str) else f"{name}.{i}.value"


def reshaped(array: np.ndarray, shape: object, name: str) -> np.ndarray:
    """Return an array in another shape of as many items."""
    lengths = _shape(shape, name)
    if math.prod(lengths) != array.size:
        raise ValueError(f"{name}: found {array.size} items, expected those of shape {lengths}")
    return array.reshape(lengths)


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name}: found {value!r:.60}, expected text")
    return value
