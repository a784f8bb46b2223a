"""`save` and `load`: every model of the library in a file, whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

from ..files import container, fleets, models
from ..files.checkpoints import CHECKPOINT
from ..files.container import Content, Kind, Tensor
from ..files.safetensors import JsonObject, as_json
from ..fleet import Fleet
from ..network import Network
from . import describing, linear, networks, tables, together
from .values import Reader, Writer, tensors_in

RECORDS = [*networks.RECORDS, *linear.RECORDS, *together.RECORDS, *tables.RECORDS]
BY_TYPE = {record.type: record for record in RECORDS}
BY_NAME = {record.name: record for record in RECORDS}
MODELS = tuple(record.type for record in RECORDS if hasattr(record.type, "get_params"))
# What of others can be saved instead.
INSTEAD = {
    "best_estimator_": "a fitted search keeps its model there, and cv_results_ fits a table",
    "model": "it wraps what has learned; wrap that again after loading",
    "steps": "a pipeline: save the model in its last step, or the pipeline with skops",
}


def save(model: object, path: str | os.PathLike) -> None:
    """Write a model to a file, replacing one that is there.

    The file has the safetensors layout, so that other programs can read the numbers, and no part of
    it is ever executed. Kept is all that predicts and all that training goes on from: weights,
    scaling, classes, names of features, groups, intervals, the optimizer's state, schedules, random
    generators. `docs/files.md` says how. At any moment, a crash included, there is the old file or
    the new one, complete.

    Parameters
    ----------
    model : Network, Fleet, estimator or pipeline
        Any model of the library, fitted or not, and what `fastperc.tables.train` returns. Of a
        search, save its ``best_estimator_``; of a wrapper for River, its ``model``.
    path : str or os.PathLike
        Of a file in a folder that exists. The extension is free; ``.safetensors`` tells other
        programs what it is.

    Raises
    ------
    TypeError
        If ``model`` is no model of the library, or ``path`` no path.
    ValueError
        If something of the model cannot be kept, such as a function given as a parameter, or
        weights that are infinite or NaN. The message names it.
    OSError
        If the system refuses: no such folder, no permission, disk full. What is there is intact.

    Examples
    --------
    >>> import fastperc
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high"]
    >>> model = fastperc.Perceptron().fit(X, y)
    >>> fastperc.save(model, "model.safetensors")
    >>> fastperc.load("model.safetensors").predict([[5.0]]).tolist()
    ['high']
    """
    if isinstance(model, (Network, Fleet)):
        model.save(path)
        return
    is_other_pipeline = hasattr(model, "steps") and not tables.is_of_table(model)
    if type(model) not in MODELS or is_other_pipeline:
        raise TypeError(f"model: found {model!r:.80}, expected a model{_advice(model)}")
    path = container.check_path(path)
    writer = Writer(BY_TYPE)
    description = {"model": writer.encode(model, "model")}
    _check(description, writer.arrays)
    container.write(path, KIND, description, writer.arrays)


def load(path: str | os.PathLike) -> Any:
    """Read a model that `save` wrote; nothing in the file is trusted, or executed.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    Network, Fleet or estimator
        It predicts, and trains on, exactly as the one that was saved.

    Raises
    ------
    ModelFileError
        If the file is damaged, is not a model, or comes from a newer fastperc. The message names
        the file and the first rule that it breaks.
    OSError
        If the file cannot be read, such as FileNotFoundError.

    Warns
    -----
    ModelVersionWarning
        If another version of fastperc wrote the file. Files of every earlier version can be read;
        of a later one, those whose format is known.

    Examples
    --------
    >>> import fastperc
    >>> fastperc.save(fastperc.Network((2, 3, 1), seed=0), "net.safetensors")
    >>> fastperc.load("net.safetensors")
    Network((2, 3, 1), hidden='relu', output='identity', loss='squared_error', dtype='float32')
    """
    return container.read(path, *KINDS)


def describe(path: str | os.PathLike) -> Iterator[tuple[str, str]]:
    """Return names and values of what a file holds, in words; raises what `load` raises."""
    path = container.check_path(path)
    content = container.inspect(path, *KINDS)
    if content.kind == CHECKPOINT.name:
        return describing.describe_checkpoint(container.read(path, CHECKPOINT), content, path)
    return describing.describe(load(path), content, path)


def _advice(model: object) -> str:
    """Return what to say of something that is no model, but has one."""
    for name, what in INSTEAD.items():
        if hasattr(model, name):
            return f" of fastperc. Save its {name}: {what}"
    return " of fastperc: a Network, a Fleet or an estimator"


def _tensors(format: int, description: JsonObject) -> dict[str, Tensor]:
    """Return the arrays that a description asks for."""
    found: dict[str, Tensor] = {}
    for name, tensor in tensors_in(description["model"], "model"):
        if found.setdefault(name, tensor) is not tensor:
            raise ValueError(f"{name}: found two arrays of that name")
    return found


def _build(content: Content) -> Any:
    """Return the model of a file."""
    model = Reader(BY_NAME, content.arrays).decode(content.description["model"], "model")
    if type(model) not in MODELS:
        raise ValueError(f"found {model!r:.60}, expected a model")
    return model


def _build_nothing(content: Content) -> NoReturn:
    raise ValueError(
        "found a checkpoint of a training, expected a model. Let the training go on from it with "
        "resume=True, and save the model that it ends with"
    )


def _check(description: JsonObject, arrays: dict[str, np.ndarray]) -> None:
    """Refuse to write what could not be read."""
    try:
        _build(Content(KIND.name, KIND.format, "", "", json.loads(as_json(description)), arrays))
    except (ValueError, TypeError) as error:
        raise ValueError(f"found a model that could not be loaded again: {error}") from error


KIND = Kind("Estimator", format=1, entries=("model",), tensors=_tensors, build=_build)
KINDS = (
    models.KIND._replace(build=lambda content: Network._from_stored(models.KIND.build(content))),
    fleets.KIND._replace(build=lambda content: Fleet._from_stored(fleets.KIND.build(content))),
    KIND,
    CHECKPOINT._replace(build=_build_nothing),
)
