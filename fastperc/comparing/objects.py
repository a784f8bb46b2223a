"""Objects of the user's that train, or compute, by a method: where their parameters are, and how
they are called.

They are copied for each run, so that what they keep is no state between calls.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeGuard

import numpy as np

from ..errors import KernelFailedError
from .calling import Function, meanings, settings, signature_of
from .forms import LAYOUTS, Form, as_array, in_words, read_outputs
from .problem import Problem
from .runners import put_back
from .slots import Reader, Slot, find_slots, shapes_in

Array = np.ndarray

OUTPUTS = (
    "forward", "feedforward", "feed_forward", "forward_pass", "predict_proba", "predict",
    "__call__",
)  # fmt: skip
SET = ("lr", "epochs", "batch_size", "shuffle")  # what is set, by keyword or as an attribute


class Trainable(Protocol):
    """An object that is trained by its method ``fit``."""

    def fit(self, X: Array, y: Array, /) -> object:
        """Train with samples X and targets y."""


def is_object(kernel: object) -> TypeGuard[Trainable]:
    """Return whether it is trained by its method ``fit``, and is no function."""
    return callable(getattr(kernel, "fit", None))


Kernel = Function | Trainable  # what the user gives


class ObjectRunner:
    """An object that trains by ``fit(X, y)``, or computes outputs from X by another method.

    Parameters
    ----------
    problem : Problem
    model : object with a method ``fit``
    reader : callable, optional
        Function from the object to its parameters.
    is_flat : bool
        Whether y is given as a vector, of a single output.
    restarts : bool
        Whether ``fit`` makes the start values itself, always the same.
    """

    def __init__(
        self, problem: Problem, model: Trainable, reader: Reader | None = None, *,
        is_flat: bool = False, restarts: bool = False,
    ):  # fmt: skip
        self.problem, self.original, self.reader = problem, model, reader
        self.is_flat, self.restarts = is_flat, restarts
        self.X, self.Y = (array.copy() for array in problem.samples)
        self.n_called = 0
        self.reset()

    def reset(self) -> None:
        self.model, self.n_calls = copy.deepcopy(self.original), 0
        if not self.restarts:
            self.write(self.problem.start_blocks())

    def slots(self) -> tuple[list[Slot], Form]:
        """Return where the parameters are, in either layout."""
        other = [layout for layout in LAYOUTS if layout != self.problem.layout]
        for layout in (self.problem.layout, *other):
            form = self.problem.form(layout)
            slots = find_slots(self.model, form, self.reader)
            if slots is not None:
                return slots, form
        form = self.problem.form(self.problem.layout)
        found = shapes_in(self.model, form, self.reader)
        raise KernelFailedError(
            f"has other parameters, or none that are found: found {found or 'none'}, expected "
            f"{', '.join(f'{name} {form.shape(name)}' for name in form.names)}. Give the sizes of "
            "your network, or parameters=, a function from the object to (weights, biases)"
        )

    def write(self, blocks: Sequence[Array]) -> None:
        """Set the parameters to W1, b1, ..., given in rows."""
        slots, form = self.slots()
        for slot, block in zip(slots, form.shown(blocks), strict=True):
            slot.write(block)

    def read(self) -> list[Array]:
        """Return copies of W1, b1, ..., in rows."""
        slots, form = self.slots()
        named_slots = zip(form.names, slots, strict=True)
        return [np.array(form.in_rows(name, as_array(s.value))) for name, s in named_slots]

    def samples(self, n_rows: int) -> tuple[Array, Array]:
        """Return the first rows of X and y, as the object gets them."""
        X, Y = self.X[:n_rows], self.Y[:n_rows]
        if self.problem.layout == "columns":
            X, Y = X.T, Y.T
        return X, Y.reshape(-1) if self.is_flat else Y

    def train(self, n_rows: int) -> None:
        self.n_called, self.n_calls = n_rows, self.n_calls + 1
        X, y = self.samples(n_rows)
        try:
            if not self.problem.task.trains:
                self.result = self._method()(X)
            elif self.restarts and self.n_calls > 1:  # begins anew, and goes so much further
                self.model = copy.deepcopy(self.original)
                self.fit(X, y, {"epochs": self.n_calls * self.problem.epochs})
            else:
                self.fit(X, y)
        except Exception as error:
            error.add_note(f"called with X of shape {X.shape}, y of shape {y.shape}")
            raise

    def fit(self, X: Array, y: Array, changed: Mapping[str, object] | None = None) -> None:
        """Call ``fit``, with learning rate, epochs and batch size where they have a place."""
        given = {**settings(self.problem, self.problem.n_samples), **(changed or {})}
        keywords, attributes = self.places()
        for name, meaning in attributes.items():
            setattr(self.model, name, given[meaning])
        self.model.fit(X, y, **{name: given[meaning] for name, meaning in keywords.items()})

    def places(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the keywords of ``fit``, and the attributes, that are set, and what they mean."""
        return places_of(self.model)

    def _method(self) -> Callable[[Array], object]:
        for name in OUTPUTS:
            method = getattr(self.model, name, None)
            if callable(method):
                return method
        raise TypeError(
            f"{type(self.model).__name__}: found no method for outputs, expected one of "
            f"{', '.join(OUTPUTS[:-1])}"
        )

    def parameters(self) -> list[Array]:
        if self.problem.task.trains:
            return self.read()
        layout, n_outputs = self.problem.layout, self.problem.sizes[-1]
        outputs = read_outputs(self.result, self.n_called, n_outputs, layout)
        if outputs is None:
            raise TypeError(f"the kernel returned {in_words(self.result)}, expected the outputs")
        return [np.array(outputs)]

    def changed(self) -> list[str]:
        """Return which of X and y the last call changed, and put them back."""
        return put_back(zip(("X", "y"), (self.X, self.Y), self.problem.samples, strict=True))


def places_of(model: Trainable) -> tuple[dict[str, str], dict[str, str]]:
    """Return which keywords of ``fit`` and which attributes stand for what `SET` names.

    An attribute counts if it is a number, and only where no keyword stands for the same.
    """
    signature = signature_of(model.fit)
    keywords = list(signature.parameters)[2:] if signature else []
    held = {
        name: value for name, value in getattr(model, "__dict__", {}).items()
        if isinstance(value, (bool, int, float, np.number))
    }  # fmt: skip
    known = meanings([*keywords, *held])
    if "lr" not in known.values():
        known = {n: "lr" if n.strip("_") == "alpha" else m for n, m in known.items()}
    known = {n: m for n, m in known.items() if m in SET}
    of_fit = {name: known[name] for name in keywords if name in known}
    attributes = {
        name: known[name] for name, value in held.items()
        if name in known and known[name] not in of_fit.values()
        and isinstance(value, bool) == (known[name] == "shuffle")
    }  # fmt: skip
    return of_fit, attributes


def learning_rate_of(model: Trainable) -> float | None:
    """Return the learning rate that an object holds, if it holds one."""
    _, attributes = places_of(model)
    rates = [getattr(model, name) for name, meaning in attributes.items() if meaning == "lr"]
    return float(rates[0]) if rates else None
