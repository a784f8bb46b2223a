"""`train`: from a table to a fitted pipeline, with the record of how it came about."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Sequence
from numbers import Integral

from sklearn.pipeline import Pipeline

from ..measuring.threads import n_usable_cores
from .columns import MISSING, Understanding
from .parts import Parts, usable_rows
from .plans import Wishes
from .preparing import Asked, Clock, prepare
from .reading import Source, open_source
from .records import Options
from .scoring import Held, pipeline_of
from .searching import Report
from .streaming import train_streamed
from .understanding import understand


def train(
    table: object,
    target: str | None = None,
    *,
    quick: bool = False,
    task: str | None = None,
    numeric: Collection[str] = (),
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    missing: str = "error",
    weight: str | None = None,
    group: str | None = None,
    class_weight: str | None = None,
    hidden: Sequence[int] | None = None,
    lr: float | None = None,
    alpha: float | None = None,
    batch_size: int | None = None,
    epochs: int | None = None,
    time_limit: float | None = None,
    memory: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    checkpoint: str | os.PathLike | None = None,
    every: str | int = "60s",
    resume: bool = False,
    separator: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    report: Report | None = None,
    tell: Callable[[Understanding], object] | None = None,
) -> Pipeline:
    """Find and fit a model that predicts one column of a table from the others.

    A fifth of the rows is held out. On the others, by default, some 32 networks and linear models
    are trained on five folds, those of a shape as one fleet; the best are trained anew for longer,
    with wider ones, and the best of all is fitted to all five folds. Its score on the rows that
    were held out is that of rows it has never seen. With ``quick``, one network is trained.

    Parameters
    ----------
    table : path, DataFrame, Arrow object or Source
        What `fastperc.tables.reading.open_source` takes.
    target : str
        The column to predict.
    quick : bool
        Train one network instead of searching.
    task : {"regression", "binary", "multiclass"}, optional
        By default text, true or false, and whole numbers of few values are classes.
    numeric, categorical, drop : collection of str
        Columns that are numbers, are categories, are left out, whatever they look like.
    missing : {"error", "drop", "mean", "indicator"}
        What to do with inputs that have no value: raise an error, leave the row out, take the mean,
        or that with a column that tells where. A category that is missing is one of its own.
    weight, group : str, optional
        The column of sample weights; of groups whose rows are held out, or not, together.
    class_weight : {"balanced"}, optional
        Let each class count as much as the others, in training and in the score.
    hidden : sequence of int, optional
        Units of each hidden layer, of all networks; none of a linear model.
    lr, alpha, batch_size, epochs : optional
        Learning rate, penalty, samples per step, and how often to go through the rows.
    time_limit : float, optional
        Seconds for training, roughly. What is found by then depends on the machine.
    memory : float, optional
        Bytes. A table that takes more is streamed: searched on a sample, then read once an epoch.
        By default a quarter of the machine's memory. Rows that are sorted by the target are learned
        less well then, since they are shuffled within a window only.
    seed : int
        With the same seed, and without a time limit, the result is the same.
    threads : int, optional
        By default all cores that the process may use. The result does not depend on it.
    checkpoint : str or os.PathLike, optional
        A file in which to keep training, and with ``resume`` to go on from it.
    every : str or int
        How often it is kept: a time, such as ``"60s"``, or so many epochs.
    resume : bool
    separator, encoding, decimal : str, optional
        Of text, where they are not what is found out.
    report : callable, optional
        Called with a `Progress` now and then.
    tell : callable, optional
        Called with the `Understanding` before training.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Of a `TableEncoder`, ``"columns"``, and an `MLPClassifier` or `MLPRegressor`,
        ``"model"``, whose `predict` takes tables. Its attribute ``run_`` is the `TrainingRecord`.
        `fastperc.save` keeps both.

    Raises
    ------
    TableError
        If the table, or what is said of it, does not allow it; the message names the place.
    ValueError
        For options that do not fit.
    DivergedError
        If training came to infinite numbers with every candidate.

    Examples
    --------
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> from fastperc.tables import train
    >>> x = np.linspace(-2, 2, 400)
    >>> table = pa.table({"x": x, "side": np.where(x > 0, "right", "left"), "y": np.abs(x)})
    >>> model = train(table, target="y", quick=True)
    >>> model.predict(pa.table({"x": [1.5], "side": ["right"]})).round(1).tolist()
    [1.5]
    >>> model.run_.score_name, bool(model.run_.score > 0.99)
    ('R2', True)
    """
    begin = time.perf_counter() - (table.seconds if isinstance(table, Source) else 0)
    options = {name: value for name, value in locals().items()
               if name not in ("table", "report", "tell", "begin")}  # fmt: skip
    _check(missing, class_weight, seed)
    source = open_source(
        table, separator=separator, encoding=encoding, decimal=decimal, numeric=numeric,
        categorical=categorical, drop=drop,
    )  # fmt: skip
    wishes = Wishes(
        None if hidden is None else tuple(hidden), lr, alpha, batch_size, epochs, class_weight
    )
    clock, most = Clock(begin), quarter_of_memory() if memory is None else memory
    asked = Asked(
        target,
        {"task": task, "numeric": numeric, "categorical": categorical, "drop": drop,
         "weight": weight, "group": group, "missing": missing},
        wishes, quick, seed, time_limit, n_usable_cores() if threads is None else threads,
        report, tell, checkpoint, every, resume,
    )  # fmt: skip
    if source.size > most:
        return train_streamed(source, asked, most, options, clock)
    return _train_whole(source, asked, options, clock)


def quarter_of_memory() -> float:
    """Return a quarter of the machine's memory in bytes; 2 GB where the system does not say."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names:
        return 2e9
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 4


def _train_whole(source: Source, asked: Asked, options: Options, clock: Clock) -> Pipeline:
    """Train on a table that is read into memory."""
    whole = source.read()
    clock.lap("reading")
    found = understand(source, asked.target, **asked.reading, table=whole)
    if asked.tell is not None:
        asked.tell(found)
    rows = usable_rows(source, whole, found)
    clock.lap("understanding")
    parts = Parts.of(whole, found, rows, asked.wishes.class_weight, asked.seed)
    encoder, search, scale = prepare(whole, found, parts, asked)
    searched = search.run(checkpoint=asked.checkpoint, every=asked.every, resume=asked.resume)
    if scale is not None:
        scale.fold_into(searched.model)
    clock.lap("training")
    held = Held.of(whole, parts)
    return pipeline_of(found, encoder, searched, held, len(parts.training), options, clock)


def _check(missing: str, class_weight: str | None, seed: object) -> None:
    for name, value, known in (
        ("missing", missing, MISSING), ("class_weight", class_weight, (None, "balanced")),
    ):  # fmt: skip
        if value not in known:
            some = ", ".join(map(repr, known))
            raise ValueError(f"{name}: found {value!r:.60}, expected one of {some}")
    is_bool = isinstance(seed, bool)
    if is_bool or not isinstance(seed, Integral) or not 0 <= int(seed) < 2**32:
        raise ValueError(f"seed: found {seed!r:.60}, expected a whole number from 0 to 2**32 - 1")
