"""T18: rows may lie in memory in any way; the answers are the same and nothing is written there."""

from __future__ import annotations

import copy
import inspect
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from .tally import Tally
from .trainers import N_INPUTS, Grouped, Told, Trainer, all_trainers

N = 40


# --- forms ----------------------------------------------------------------------------------------


def read_only(X, _):
    X = X.copy()
    X.setflags(write=False)
    return X


def strided(X, _):
    n, m = X.shape
    wide = np.full((2 * n, 3 * m), np.nan)
    wide[::2, 1::3] = X
    return wide[::2, 1::3]


def backwards(X, _):
    return X[::-1, ::-1].copy()[::-1, ::-1]


def memmap(X, folder):
    path = folder / "rows.npy"
    np.save(path, X)
    return np.load(path, mmap_mode="r")


def unaligned(X, _):
    return np.frombuffer(b"\0" + X.tobytes(), float, offset=1).reshape(X.shape)


DENSE = {
    "read-only": read_only,
    "Fortran order": lambda X, _: np.asfortranarray(X),
    "strided": strided,
    "backwards": backwards,
    "memmap": memmap,
    "big-endian": lambda X, _: X.astype(">f8"),
    "unaligned": unaligned,
    "objects": lambda X, _: X.astype(object),
    "int8": lambda X, _: X.astype(np.int8),
    "int64": lambda X, _: X.astype(np.int64),
    "float16": lambda X, _: X.astype(np.float16),
    "lists": lambda X, _: X.tolist(),
}


def unsorted(X, _):
    """CSR rows whose columns come in reverse."""
    rows = sparse.csr_matrix(X)
    for begin, end in zip(rows.indptr[:-1], rows.indptr[1:], strict=True):
        rows.indices[begin:end] = rows.indices[begin:end][::-1].copy()
        rows.data[begin:end] = rows.data[begin:end][::-1].copy()
    rows.has_sorted_indices = False
    return rows


def frozen(X, _):
    rows = sparse.csr_matrix(X)
    for array in (rows.data, rows.indices, rows.indptr):
        array.setflags(write=False)
    return rows


def long_indices(X, _):
    rows = sparse.csr_matrix(X)
    rows.indices, rows.indptr = rows.indices.astype(np.int64), rows.indptr.astype(np.int64)
    return rows


def twice_named(X, _):
    """CSR rows that name each column twice, with values that add up."""
    rows = sparse.csr_matrix(X)
    halves = np.repeat(rows.data / 2, 2), np.repeat(rows.indices, 2), 2 * rows.indptr
    return sparse.csr_matrix(halves, X.shape)


def as_dtype(dtype):
    return lambda X, _: sparse.csr_matrix(X.astype(dtype))


SPARSE = {
    "csc": lambda X, _: sparse.csc_matrix(X),
    "coo": lambda X, _: sparse.coo_matrix(X),
    "lil": lambda X, _: sparse.lil_matrix(X),
    "csr_array": lambda X, _: sparse.csr_array(X),
    "read-only": frozen,
    "unsorted": unsorted,
    "long indices": long_indices,
    "duplicates": twice_named,
    "int8": as_dtype(np.int8),
    "int64": as_dtype(np.int64),
}


def frame(X, _):
    import pandas

    return pandas.DataFrame(X, columns=[f"x{k}" for k in range(X.shape[1])])


def mixed_frame(X, _):
    return frame(X, _).astype({"x0": "int8"})


FRAMES = {"frame": frame, "frame of several dtypes": mixed_frame}
FORMS = (
    [("dense", name, make) for name, make in {**DENSE, **FRAMES}.items()]
    + [("sparse", name, make) for name, make in SPARSE.items()]
)  # fmt: skip


def snapshot(X):
    """What an input holds, to the byte."""
    if sparse.issparse(X):
        if X.format == "lil":
            return X.toarray().tobytes()
        names = ("data", "row", "col") if X.format == "coo" else ("data", "indices", "indptr")
        return [getattr(X, name).tobytes() for name in names]
    return np.array(X).tobytes()


# --- methods --------------------------------------------------------------------------------------


def integers(n: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Return small integers, half of them 0, which every dtype holds; and numbers around 0."""
    rng = np.random.default_rng(0)
    X = rng.integers(-4, 5, (n, N_INPUTS)) * (rng.random((n, N_INPUTS)) < 0.5)
    return X.astype(float), rng.choice([-1.0, 1.0], n)


def inner(model: Any) -> Any:
    """Return what has the public methods."""
    return model.model if isinstance(model, (Told, Grouped)) else model


def methods(model: Any) -> list[str]:
    """Return the public methods that take X."""
    found = []
    for name in dir(model):
        if name.startswith("_"):
            continue
        try:
            if "X" in inspect.signature(getattr(model, name)).parameters:
                found.append(name)
        except (AttributeError, TypeError, ValueError):  # none, or not for this model
            continue
    return [name for name in found if name not in ("fit", "train")]  # tried by themselves


def call(trainer: Trainer, model: Any, name: str, X: Any, y: np.ndarray) -> list[np.ndarray]:
    """Call a method of a copy; returns what it answers, or what it has learned."""
    model = copy.deepcopy(model)
    method = getattr(inner(model), name)
    wanted, n = inspect.signature(method).parameters, len(y)
    given = {"y": trainer.targets(y), "groups": np.arange(n) % 2}
    answer = method(X, **{k: value for k, value in given.items() if k in wanted})
    if answer is inner(model) or answer is None:
        return trainer.weights(model)
    parts = answer if isinstance(answer, tuple) else [answer]
    arrays = [np.asarray(getattr(part, "values", part)) for part in parts]
    return [a for a in arrays if a.dtype.kind in "fiub"] + (
        trainer.weights(model) if name == "progressive_score" else []
    )


def differ(found: list[np.ndarray], wanted: list[np.ndarray], rtol: float) -> str:
    """Return how answers differ, or nothing."""
    if len(found) != len(wanted) or any(
        a.shape != b.shape for a, b in zip(found, wanted, strict=True)
    ):
        return "answers of another shape"
    for a, b in zip(found, wanted, strict=True):
        if not np.allclose(a, b, rtol=rtol, atol=rtol):
            return f"answers differ by {np.abs(a - b).max():.1e}"
    return ""


def subjects() -> dict[str, Trainer]:
    """Return one trainer for each class of models."""
    kinds: dict[type, Trainer] = {}
    for trainer in all_trainers().values():
        model = trainer.new(epochs=2)
        if trainer.family != "tutorials" and "lbfgs" not in trainer.name:
            kinds.setdefault(type(inner(model)), trainer)
    return {trainer.name: trainer for trainer in kinds.values()} | {
        trainer.name: trainer
        for trainer in all_trainers().values()
        if trainer.family == "tutorials"
    }


def run(count: int | None = None) -> Tally:
    """Try every form with every method of every model; ``count``: of that many models."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for trainer in [*subjects().values()][:count]:
            plain = {"dense": np.array, "sparse": sparse.csr_matrix}
            references = {}
            for kind, name, make in FORMS:
                if trainer.family == "tutorials" and (kind == "sparse" or name == "lists"):
                    continue  # the adapter takes columns; lists are tried by their own tests
                if kind not in references:
                    references[kind] = reference(trainer, plain[kind])
                X, y = integers()
                given = make(X, Path(folder))
                _try(tally, trainer, f"{kind} {name}", given, y, references[kind])
    return tally


def reference(trainer: Trainer, plain: Any) -> Any:
    """Return the model of plain rows and what it answers; or the error they end in."""
    X, y = integers()
    X = plain(X)
    try:
        model = trainer.new(epochs=2, dtype="float64")
        trainer.train(model, X, trainer.targets(y))
    except TypeError as error:
        return error
    answers = {"fit": trainer.weights(model)}
    for name in methods(inner(model)):
        try:
            answers[name] = call(trainer, model, name, *rows_for(name, X, y))
        except TypeError as error:
            answers[name] = error
    return answers


def rows_for(name: str, X: Any, y: np.ndarray) -> tuple[Any, np.ndarray]:
    """Return as many rows as a method wants."""
    few = name == "forward_each"  # one for each of the five networks
    if not few:
        return X, y
    return (
        X.iloc[:5] if hasattr(X, "iloc") else X.tocsr()[:5] if sparse.issparse(X) else X[:5]
    ), y[:5]


def _try(tally: Tally, trainer: Trainer, form: str, X: Any, y: np.ndarray, wanted: Any) -> None:
    before = snapshot(X)
    # Rows whose columns are not in order are added up in another one, and NumPy takes another way
    # for products of numbers that are not aligned.
    rtol = 1e-9 if form.startswith("sparse") else 1e-15 if form == "dense unaligned" else 0.0
    what = f"{trainer.name}, {form}"
    model = trainer.new(epochs=2, dtype="float64")
    try:
        trainer.train(model, X, trainer.targets(y))
    except TypeError as error:
        expected = isinstance(wanted, TypeError)
        tally.take(f"{what}, fit", "" if expected else f"TypeError: {error}", "refused as such")
        return
    except Exception as error:
        tally.take(f"{what}, fit", f"{type(error).__name__}: {error}")
        return
    if isinstance(wanted, TypeError):
        tally.take(f"{what}, fit", f"not refused: {wanted}")
        return
    answers = {"fit": trainer.weights(model)}
    for name in ["fit", *methods(inner(model))]:
        problem, note = "", "same answer"
        try:
            if name not in answers:
                answers[name] = call(trainer, model, name, *rows_for(name, X, y))
            if isinstance(wanted[name], TypeError):
                problem = "not refused"
            else:
                problem = differ(answers[name], wanted[name], rtol)
        except TypeError as error:
            note = "refused as such"
            problem = "" if isinstance(wanted[name], TypeError) else f"TypeError: {error}"
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        if snapshot(X) != before:
            problem = "the input was written to"
        tally.take(f"{what}, {name}", problem, note)
