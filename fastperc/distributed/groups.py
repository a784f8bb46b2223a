"""A network for each group of a frame whose partitions lie on a cluster."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from ..estimators.classifier import MLPClassifier
from ..estimators.groups import fit_groups as fit_here
from ..estimators.regressor import MLPRegressor
from ..optional import require
from .connecting import connected
from .sharing import RETRIES

COLUMNS = {"rows": np.int64, "epochs": np.int64, "loss": np.float64, "stopped": object}


def fit_partition(
    frame: Any,
    estimator: MLPClassifier | MLPRegressor,
    *,
    target: str,
    groups: str,
    features: Sequence[str] | None = None,
    weight: str | None = None,
    order: str | None = None,
) -> Any:
    """Fit a copy of an estimator to each group of a pandas frame; returns a frame of networks.

    A pure function from frame to frame, for whatever hands out frames that have whole groups:
    `fit_groups` on Dask, ``applyInPandas`` of Spark, ``map_groups`` and ``map_batches`` of Ray.

    Parameters
    ----------
    frame : pandas.DataFrame
    estimator : MLPClassifier or MLPRegressor
        With an int as ``random_state``, partitions that are done again have the same networks.
    target, groups : str
        Columns.
    features : sequence of str, optional
        Columns to learn from; by default all others.
    weight : str, optional
        A column of sample weights.
    order : str, optional
        A column to sort rows by before. Networks depend on the order of their rows, which a shuffle
        of partitions does not keep.

    Returns
    -------
    pandas.DataFrame
        A row for each group: its name, under the column's name; ``rows``, ``epochs``, ``loss``,
        ``stopped``; and ``model``, the bytes of a pickled estimator, None if it diverged.

    Examples
    --------
    >>> import pickle
    >>> import numpy as np
    >>> import pandas as pd
    >>> from fastperc import MLPRegressor, distributed
    >>> x = np.linspace(-1, 1, 100)
    >>> frame = pd.DataFrame({"shop": ["a", "b"] * 50, "x": x, "y": x})
    >>> model = MLPRegressor(hidden_layer_sizes=(), batch_size=10, random_state=0,
    ...                      learning_rate_init=0.02)
    >>> table = distributed.fit_partition(frame, model, target="y", groups="shop")
    >>> table[["shop", "rows", "stopped"]].to_dict("list")
    {'shop': ['a', 'b'], 'rows': [50, 50], 'stopped': ['patience', 'patience']}
    >>> pickle.loads(table.model[0]).predict(pd.DataFrame({"x": [0.5]})).round(1).tolist()
    [0.5]
    """
    pandas = require("pandas", extra="frames")
    kind = frame[groups].dtype
    if not len(frame):
        empty = {name: np.empty(0, dtype) for name, dtype in COLUMNS.items()}
        table = pandas.DataFrame({groups: np.empty(0, object), **empty, "model": []})
        return table.astype({groups: kind, **COLUMNS, "model": object})
    if order is not None:
        frame = frame.sort_values(order, kind="stable")
    others = {target, groups, weight, order}
    names = [*features] if features is not None else [c for c in frame if c not in others]
    fitted = fit_here(
        estimator, frame[names], frame[target].to_numpy(), frame[groups].to_numpy(),
        sample_weight=None if weight is None else frame[weight].to_numpy(),
    )  # fmt: skip
    found = fitted.results_table()
    kept = set(fitted.groups_.tolist())
    models = [
        _stored(fitted, group, names) if group in kept else None for group in found.group.tolist()
    ]
    columns = {name: np.asarray(getattr(found, name), dtype) for name, dtype in COLUMNS.items()}
    table = pandas.DataFrame({groups: found.group, **columns})
    table["model"] = pandas.Series(models, dtype=object)
    return table.astype({groups: kind, **COLUMNS})


def _stored(fitted: Any, group: object, names: list[str]) -> bytes:
    """Return the network of a group, which knows the names of its features, as bytes."""
    model = fitted.estimator_of(group)
    model.feature_names_in_ = np.array(names, dtype=object)
    return pickle.dumps(model)


def fit_groups(
    estimator: MLPClassifier | MLPRegressor,
    frame: Any,
    *,
    target: str,
    groups: str,
    features: Sequence[str] | None = None,
    weight: str | None = None,
    order: str | None = None,
    shuffle: bool = False,
    client: Any = None,
) -> Any:
    """Fit a copy of an estimator to each group of a Dask DataFrame, partition by partition.

    Each network is what `fastperc.fit_groups` would make of the partition that has its group; rows
    stay where they are, and networks come back.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Where its ``random_state`` is None, one seed is drawn for all groups. Classifiers know the
        classes of their partition.
    frame : dask.dataframe.DataFrame
        The rows of a group have to lie in one partition.
    target, groups, features, weight, order
        See `fit_partition`.
    shuffle : bool
        Bring the rows of each group together first, all of them across the network.
    client : distributed.Client, str or bool, optional
        As of `on`; by default the client of this process, or else a cluster on this machine.

    Returns
    -------
    pandas.DataFrame
        A row for each group, sorted, as `fit_partition` returns it.

    Raises
    ------
    ValueError
        If a group lies in several partitions.

    Examples
    --------
    >>> import dask.dataframe as dd  # doctest: +SKIP
    >>> frame = dd.read_parquet("sales").shuffle(on="shop").persist()  # doctest: +SKIP
    >>> table = distributed.fit_groups(  # doctest: +SKIP
    ...     MLPRegressor(random_state=0), frame, target="sold", groups="shop")
    """
    estimator = clone(estimator)
    if estimator.random_state is None:
        seed = int(check_random_state(None).randint(np.iinfo(np.int32).max))
        estimator.set_params(random_state=seed)
    with ExitStack() as stack:
        client = stack.enter_context(connected(client))
        if shuffle:
            frame = frame.shuffle(on=groups)
        else:
            _check_groups(client, frame, groups)
        options: dict[str, Any] = {
            "target": target, "groups": groups, "features": features, "weight": weight,
            "order": order,
        }  # fmt: skip
        like = fit_partition(frame._meta, estimator, **options)
        tables = frame.map_partitions(fit_partition, estimator, **options, meta=like)
        table = client.compute(tables, retries=RETRIES).result()
    return table.sort_values(groups, kind="stable").reset_index(drop=True)


def _check_groups(client: Any, frame: Any, groups: str) -> None:
    """Refuse groups that lie in several partitions, before anything is trained."""
    names = frame[groups].map_partitions(_distinct, meta=frame[groups]._meta)
    found = client.compute(names, retries=RETRIES).result()
    twice = found[found.duplicated()]
    if len(twice):
        raise ValueError(
            f"groups: found rows of {twice.nunique()} groups in several partitions "
            f"({twice.iloc[0]!r} among them), expected each group in one. Give shuffle=True, or "
            f"a frame that was shuffled before: frame.shuffle(on={groups!r})"
        )


def _distinct(column: Any) -> Any:
    return column.drop_duplicates()
