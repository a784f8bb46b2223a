"""``fastperc train``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .lines import WIDTH, printable, wrapped
from .table_options import (
    Categorical,
    Decimal,
    Drop,
    Encoding,
    Numeric,
    Separator,
    Table,
    names_of,
)
from .telling import Files, print_json
from .writing import check_files

if TYPE_CHECKING:
    from tqdm import tqdm

    from ..tables.columns import Understanding
    from ..tables.records import TrainingRecord
    from ..tables.searching import Progress

SHOWN = 5  # candidates
BAR = "{desc} {percentage:3.0f} %|{bar}| {remaining} left{postfix}"
TIMES = {"s": 1.0, "min": 60.0, "h": 3600.0}
SIZES = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}


class Task(StrEnum):
    """What there is to predict."""

    regression = "regression"
    binary = "binary"
    multiclass = "multiclass"


class Missing(StrEnum):
    """What is done where an input has no value."""

    error = "error"
    drop = "drop"
    mean = "mean"
    indicator = "indicator"


class Balanced(StrEnum):
    """How classes are weighted."""

    balanced = "balanced"


def train(
    table: Table,
    target: Annotated[
        str | None, typer.Option(metavar="NAME", help="The column to predict.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to save the model [TABLE's name, .fp]."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="One network instead of a search.")
    ] = False,
    task: Annotated[Task | None, typer.Option(help="What the target is, if not as told.")] = None,
    numeric: Numeric = None,
    categorical: Categorical = None,
    drop: Drop = None,
    missing: Annotated[
        Missing, typer.Option(help="What to do where there is no value.")
    ] = Missing.error,
    weight: Annotated[
        str | None, typer.Option(metavar="NAME", help="The column of sample weights.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The column of groups that are kept together."),
    ] = None,
    class_weight: Annotated[
        Balanced | None, typer.Option(help="Let each class count as much as the others.")
    ] = None,
    hidden: Annotated[
        str | None, typer.Option(metavar="N,...", help="Units of each layer; 0: a linear model.")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    alpha: Annotated[float | None, typer.Option(help="L2 penalty on the weights.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Samples per step.")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="How often to go through the rows.")
    ] = None,
    time_limit: Annotated[
        str | None, typer.Option(metavar="TIME", help="For training, such as 30s or 5min.")
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Stream a table that takes more, such as 2GB."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is drawn at random.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="[all cores]")] = None,
    separator: Separator = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the training there, each 10 s.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint, if there is one.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A page on the training, as HTML.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Losses and errors, as PNG or SVG.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print what the training came to as JSON, and no more.")
    ] = False,
    script: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The same run as a Python script.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
) -> None:
    """Find and save a model that predicts one column of a table from the others.

    By default some 32 networks and linear models are tried on five folds of four fifths of the
    rows; the best is fitted to all of these, and scored on the fifth that was held out.

    Examples:

    fastperc train houses.csv --target price

    fastperc train patients.csv --target ill --missing indicator --drop name,city

    fastperc train big.parquet --target y --quick --out y.fp

    fastperc train houses.csv --target price --report report.html --script run.py
    """
    path = place_of(out, table)
    check_files(path, checkpoint)
    files = Files.checked(table, report, plot, script)
    if resume and checkpoint is None:
        raise typer.BadParameter("--resume goes on from a file: give --checkpoint FILE too")
    options: dict[str, Any] = {
        "quick": quick, "task": value_of(task), "numeric": names_of(numeric),
        "categorical": names_of(categorical), "drop": names_of(drop), "missing": missing.value,
        "weight": weight, "group": group, "class_weight": value_of(class_weight),
        "hidden": shape_of(hidden), "lr": lr, "alpha": alpha, "batch_size": batch,
        "epochs": epochs, "time_limit": seconds_of(time_limit), "memory": bytes_of(memory),
        "seed": seed, "threads": threads, "checkpoint": checkpoint, "every": "10s",
        "resume": resume,
        "separator": separator, "encoding": encoding,
        "decimal": value_of(decimal),
    }  # fmt: skip
    for name in ("lr", "alpha"):
        if options[name] is not None and not 0 <= options[name] < 1e6:
            raise typer.BadParameter(f"--{name}: found {options[name]}, expected a positive number")
    from ..saving import save
    from ..tables import train as run
    from ..tables.reading import open_source

    names = ("separator", "encoding", "decimal", "numeric", "categorical", "drop")
    source = open_source(table, **{name: options[name] for name in names})
    with Bar(is_shown=not quiet and sys.stderr.isatty()) as bar:
        model = run(
            source, target, report=bar.show, **options,
            tell=None if quiet or json else lambda found: tell(found),
        )  # fmt: skip
    save(model, path)
    written = files.write(model, source, table)
    if json:
        print_json(model.run_)
    elif not quiet:
        for text in result(model.run_):
            print(text)
        if written:
            print(f"Wrote {', '.join(written)}")
        print(f"Wrote {path}; to use it: fastperc predict {path} TABLE")


# --- options -------------------------------------------------------------------------------------


def place_of(out: Path | None, table: str) -> Path:
    """Return where to save the model: never over the table."""
    path = out
    if path is None:
        name = Path(os.path.abspath(table)).name if table != "-" else "model"
        path = Path(f"{name.lstrip('.').split('.')[0] or 'model'}.fp")
    if table != "-" and path.exists() and Path(table).exists() and path.samefile(table):
        raise typer.BadParameter(f"cannot write {path}: it is the table itself. Give --out FILE")
    if path.is_dir():
        raise typer.BadParameter(f"cannot write {path}: it is a folder. Give --out FILE")
    return path


def value_of(choice: StrEnum | None) -> str | None:
    """Return the text of a choice."""
    return None if choice is None else choice.value


def shape_of(text: str | None) -> tuple[int, ...] | None:
    """Return the units of each hidden layer."""
    if text is None:
        return None
    try:
        widths = tuple(int(width) for width in text.replace("-", ",").split(","))
    except ValueError:
        widths = (-1,)
    if widths == (0,):
        return ()
    if min(widths) < 1 or max(widths) > 10_000 or len(widths) > 10:
        raise typer.BadParameter(f"--hidden: found {text!r:.40}, expected widths such as 32,16")
    return widths


def seconds_of(text: str | None) -> float | None:
    """Return the seconds of a time such as ``30s``."""
    return _quantity(text, "--time-limit", TIMES, "a time such as 30s, 5min or 1h")


def bytes_of(text: str | None) -> float | None:
    """Return the bytes of a size such as ``2GB``."""
    return _quantity(text, "--memory", SIZES, "a size such as 500MB or 2GB")


def _quantity(text: str | None, name: str, units: dict[str, float], what: str) -> float | None:
    if text is None:
        return None
    words = text.strip().lower()
    unit = next((u for u in sorted(units, key=len, reverse=True) if words.endswith(u)), "")
    try:
        number = float(words.removesuffix(unit)) * units.get(unit, 1.0)
    except ValueError:
        number = -1.0
    if not 0 < number < 1e18:
        raise typer.BadParameter(f"{name}: found {text!r:.40}, expected {what}")
    return number


# --- what is printed -----------------------------------------------------------------------------


def tell(found: Understanding) -> None:
    """Print what a table was taken for."""
    print(printable(found.table))
    for text in found.stated:
        for line in wrapped(text):
            print(line)
    for text in found.warnings:
        for line in wrapped(f"Note: {text}"):
            print(line)
    sys.stdout.flush()


def result(record: TrainingRecord) -> Iterator[str]:
    """Yield lines of what was tried, and how good the model is."""
    seconds, best = record.seconds["training"], record.best
    if best.fold_scores:
        n, k = len(record.candidates), len(best.fold_scores)
        yield (
            f"Tried {n} networks and linear models on {k} folds of {record.n_training:,} rows, "
            f"in {seconds:.1f} s"
        )
        yield f"  {record.score_name:>8} +- spread  epochs  network"
        for candidate in record.candidates[:SHOWN]:
            yield (
                f"  {candidate.score:8.4f} +- {candidate.spread:.4f}  {candidate.epochs:6}  "
                f"{candidate.name}"
            )
    else:
        yield f"Trained {best.name}, on {record.n_training:,} rows, in {seconds:.1f} s"
    if record.stopped == "time_limit":
        yield "  The time limit ended it: with more time it may get better"
    simple = "the mean" if record.score_name == "R2" else "the most frequent class"
    yield from wrapped(
        f"{record.score_name} {record.score:.4f} on the {record.n_held:,} rows that were held out "
        f"({record.baseline:.4f} for always saying {simple})",
        indent="",
    )


class Bar:
    """A bar on a terminal that tells how far a training is, while its block runs."""

    def __init__(self, is_shown: bool):
        self.is_shown = is_shown
        self.bar: tqdm | None = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.close()

    @property
    def show(self) -> Callable[[Progress], None] | None:
        """What is called with the progress; None where nothing is shown."""
        return self._show if self.is_shown else None

    def _show(self, progress: Progress) -> None:
        if self.bar is None:  # what is told of the table comes first
            from tqdm import tqdm

            self.bar = tqdm(total=1.0, ncols=WIDTH - 1, leave=False, bar_format=BAR)
        found = {"loss": progress.loss, "best": progress.score}
        said = [f", {name} {value:.4f}" for name, value in found.items() if not isnan(value)]
        self.bar.set_description_str(progress.stage, refresh=False)
        self.bar.set_postfix_str("".join(said)[2:], refresh=False)
        self.bar.update(progress.done - self.bar.n)
