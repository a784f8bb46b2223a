"""Where an object keeps its parameters: a slot for each of W1, b1, ..., to read and to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from functools import partial

import numpy as np

from .forms import NUMBERS, Array, Form, as_array, fits, interpretations, is_sequence, n_dims
from .names import named

Setter = Callable[[object], Callable[[object], None]]  # from a name to what sets it
Reader = Callable[[object], object]  # from an object to its (weights, biases), in any form

OTHERS = ("grad", "veloc", "moment", "cache", "delta", "best")  # in names of what is shaped alike


class Slot:
    """A place where an object keeps a block: what is there, and how it is replaced."""

    def __init__(self, value: object, put: Callable[[object], None] | None = None):
        self.value, self._put = value, put

    def write(self, block: Array) -> None:
        """Put a block there: into the array or list, which others may hold too, if it is one."""
        value = self.value
        if isinstance(value, np.ndarray) and value.ndim:
            value[...] = block.reshape(value.shape)
        elif isinstance(value, list):
            value[:] = block.reshape(np.shape(value)).tolist()
        elif isinstance(value, NUMBERS) and self._put is not None:
            self._put(block.item())
        else:
            raise TypeError(f"found a {type(value).__name__} as parameters, expected arrays")


def find_slots(model: object, form: Form, reader: Reader | None = None) -> list[Slot] | None:
    """Return where an object keeps W1, b1, ..., whose shapes are those of the form; or None."""
    for slots in _places(model, form, reader):
        try:
            values = [as_array(slot.value) for slot in slots]
        except (TypeError, ValueError):
            continue
        shapes = [form.shape(name) for name in form.names]
        if len(values) == len(shapes) and all(map(fits, values, shapes)):
            return slots
    return None


def shapes_in(model: object, form: Form, reader: Reader | None = None) -> str:
    """Return the shapes of what stands where parameters are looked for first; empty if nothing."""
    for slots in _places(model, form, reader):
        with suppress(TypeError, ValueError):
            shapes = [as_array(slot.value).shape for slot in slots]
            return ", ".join(f"{name} {s}" for name, s in zip(form.names, shapes, strict=False))
    return ""


def _places(model: object, form: Form, reader: Reader | None) -> Iterator[list[Slot]]:
    if reader is not None:
        for pair in interpretations(reader(model), form, is_gradient=False):
            yield [Slot(value) for value in form.ordered(pair)]
        return
    yield from _inside(model, form)
    attributes = attributes_of(model)
    for value in attributes.values():
        if is_sequence(value) or isinstance(value, Mapping):
            yield from _layer_slots(value, form)
    yield from _layer_slots(list(attributes.values()), form)
    yield from _by_shape(attributes, form)


def attributes_of(model: object) -> dict[object, object]:
    """Return the attributes of an object that may hold parameters; it has others like them."""
    attributes = getattr(model, "__dict__", {})
    return {
        name: value
        for name, value in attributes.items()
        if not any(word in name.lower() for word in OTHERS)
    }


def _inside(holder: object, form: Form) -> Iterator[list[Slot]]:
    """Yield the slots that names in a dict or an object stand for, or in the dicts of an object."""
    if isinstance(holder, dict):
        yield from _named_slots(holder, form, partial(_item_setter, holder))
        return
    attributes = attributes_of(holder)
    yield from _named_slots(attributes, form, partial(_setter, holder))
    for value in attributes.values():
        if isinstance(value, dict):
            yield from _named_slots(value, form, partial(_item_setter, value))


def _setter(model: object, name: object) -> Callable[[object], None]:
    return lambda value: setattr(model, str(name), value)


def _item_setter(holder: MutableMapping[object, object], key: object) -> Callable[[object], None]:
    return lambda value: holder.__setitem__(key, value)


def _named_slots(
    holder: Mapping[object, object],
    form: Form,
    setter: Setter,
) -> Iterator[list[Slot]]:
    """Yield the slots that names stand for: one per block, or a list of all weights, of biases."""
    (names,) = named(holder)
    kinds = [_kind_slots(holder, names[kind], form.n_layers, setter) for kind in "Wb"]
    if kinds[0] and (kinds[1] or not form.bias):
        yield form.ordered((kinds[0], kinds[1]))


def _kind_slots(
    holder: Mapping[object, object], keys: Sequence[object], n: int,
    setter: Setter,
) -> list[Slot]:  # fmt: skip
    if len(keys) == 1:
        blocks = holder[keys[0]]
        if is_sequence(blocks) and len(blocks) == n and all(map(n_dims, blocks)):
            return [Slot(block) for block in blocks]
    return [Slot(holder[key], setter(key)) for key in keys] if len(keys) == n else []


def _layer_slots(
    value: Sequence[object] | Mapping[object, object], form: Form
) -> Iterator[list[Slot]]:
    """Yield the slots of a list, or dict, of layers: dicts or objects with a W and a b each."""
    one = Form((1, 1), bias=form.bias)
    layers = list(value.values()) if isinstance(value, Mapping) else value
    slots: list[Slot] = []
    for layer in layers:
        slots += next(_inside(layer, one), [])
    if slots:
        yield slots


def _by_shape(attributes: Mapping[object, object], form: Form) -> Iterator[list[Slot]]:
    """Yield the arrays whose shapes are those of the blocks, in the order of the attributes."""
    arrays = [value for value in attributes.values() if isinstance(value, np.ndarray)]
    shapes = [form.shape(name) for name in form.names]
    slots: list[Slot] = []
    for shape in shapes:
        found = next((a for a in arrays if a.ndim and fits(a, shape)), None)
        if found is None:
            return
        arrays = [array for array in arrays if array is not found]
        slots.append(Slot(found))
    if not any(a.ndim and fits(a, shape) for a in arrays for shape in shapes):  # no doubt is left
        yield slots
