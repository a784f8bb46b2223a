"""``fastperc export``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np

    from ..exports.plan import Plan


class Weights(StrEnum):
    """What weights are rounded to."""

    int8 = "int8"
    int16 = "int16"


ONLY = {"train": ".c", "prefix": ".c", "weights": ".c", "numpy": ".py"}  # options of one format


def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="What fastperc.save wrote.")],
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="File to write: its name ends with .onnx, .c or .py."),
    ],
    train: Annotated[
        bool, typer.Option("--train", help="C: with learn_one, a step of training; networks only.")
    ] = False,
    prefix: Annotated[
        str | None, typer.Option(metavar="NAME", help="C: what all names begin with [model].")
    ] = None,
    weights: Annotated[
        Weights | None, typer.Option(help="C: round weights to whole numbers.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Samples, .npy or .csv, to tell what rounding does on."),
    ] = None,
    numpy: Annotated[bool, typer.Option("--numpy", help="Python: compute with NumPy.")] = False,
) -> None:
    """Write a model as a file for other programs: ONNX, C99 or Python."""
    from ..saving import load
    from .writing import check_files

    kind = out.suffix.lower()
    given = {"train": train, "prefix": prefix, "weights": weights, "numpy": numpy}
    check_options(kind, {name for name, value in given.items() if value}, data, weights)
    if out.exists() and model.exists() and out.samefile(model):
        raise typer.BadParameter(f"cannot write {out}: it is the model itself. Give another name")
    check_files(out)
    loaded, inputs = network_of(load(model))
    try:
        if kind == ".onnx":
            from ..exports.onnx_export import to_onnx

            to_onnx(loaded, out)
            lines = []
        elif kind == ".py":
            lines = write_python(loaded, out, numpy)
        else:
            name = None if weights is None else weights.value
            lines = write_c(loaded, out, train, prefix or "model", name, data)
    except TypeError as error:
        raise typer.BadParameter(str(error)) from error
    print(f"{out}: {out.stat().st_size:,} bytes")
    for line in [*lines, *inputs]:
        print(line)


def network_of(model: object) -> tuple[object, list[str]]:
    """Return what can be exported; of a table's model, what is to be said of its inputs besides."""
    from ..saving.tables import is_of_table

    if not is_of_table(model):
        return model, []
    names = [str(name) for name in model["columns"].get_feature_names_out()]  # type: ignore[index]
    return model["model"], [  # type: ignore[index]
        f"inputs: the {len(names):,} numbers that fastperc.load(MODEL)['columns'].transform(TABLE) "
        "gives, not the columns themselves:",
        *(f"  {k}  {name}" for k, name in enumerate(names)),
    ]


def check_options(kind: str, given: set[str], data: Path | None, weights: Weights | None) -> None:
    """Refuse a name or options that do not belong together."""
    if kind not in (".onnx", ".c", ".py"):
        raise typer.BadParameter(f"OUT: found the ending {kind!r}, expected .onnx, .c or .py")
    for name in sorted(given):
        if ONLY[name] != kind:
            raise typer.BadParameter(f"--{name} is for files that end with {ONLY[name]}")
    if data is not None and weights is None:
        raise typer.BadParameter("--data tells what rounding does: give --weights too")


def write_python(model: object, out: Path, numpy: bool) -> list[str]:
    """Write a Python module; return what is to be said of it."""
    from ..exports.python import to_python
    from ..files.atomic import replace_file

    replace_file(str(out), to_python(model, numpy=numpy).encode())
    return []


def write_c(
    model: object, out: Path, train: bool, prefix: str, weights: str | None, data: Path | None
) -> list[str]:
    """Write a C file; return its size, and what rounding does."""
    from ..exports import c
    from ..exports.c_size import size_of
    from ..exports.describe import describe
    from ..exports.samples import read_samples
    from ..files.atomic import replace_file

    try:
        source = c.write_c(model, train, prefix=prefix, weights=weights)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    plan = describe(model)
    X = None if data is None else read_samples(data, plan.n_features, plan.dtype)
    replace_file(str(out), source.text.encode())
    size = size_of(source.text)
    code = "not measured, without a C compiler" if size is None else (
        f"{size - source.n_weight_bytes:,} bytes, with -Os on this machine"
    )  # fmt: skip
    lines = [
        f"weights: {source.n_weight_bytes:,} bytes", f"code: {code}",
        f"stack: {source.n_stack_bytes:,} bytes of arrays",
    ]  # fmt: skip
    return lines if X is None else [*lines, rounding_line(plan, source.plan, X)]


def rounding_line(plan: Plan, rounded: Plan, X: np.ndarray) -> str:
    """Return what rounding does to the outputs, in words."""
    from ..exports.effects import effect

    found = effect(plan, rounded, X)
    line = (
        f"rounding: outputs change by {found.largest:.3g} at most, {found.mean:.3g} in the mean, "
        f"on {len(X)} samples"
    )
    return line + (f"; {found.changed} of {found.n_labels} labels change" if found.n_labels else "")
