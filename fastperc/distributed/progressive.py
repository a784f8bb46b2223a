"""Scores of linear models on their way: a shard is predicted, then learned, then the next one."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import __version__
from ..estimators.inputs import flat
from ..estimators.linear.progressive import ProgressiveLinear
from ..results import ProgressiveScore
from .connecting import connected
from .errors import ShardError
from .shards import Collection, Rows, Shard, shards_of
from .versions import by_version
from .waiting import lost, sent_by, wait_for

if TYPE_CHECKING:
    from distributed import Client

R2 = "r2"


class Seen(NamedTuple):
    """What is known of the rows of one shard.

    Attributes
    ----------
    n : int
    total : float
        What they add to the metric.
    mean, squares : float
        Of numeric targets for R^2: their mean, and the sum of squares about it.
    """

    n: int
    total: float
    mean: float = 0.0
    squares: float = 0.0


class State(NamedTuple):
    """A model that has learned some shards, and what it saw there."""

    model: bytes
    seen: tuple[Seen, ...]


def progressive_score(
    estimator: ProgressiveLinear,
    X: Collection,
    y: Collection = None,
    *,
    target: str | None = None,
    metric: str | None = None,
    client: Client | str | bool | None = None,
    retries: int = 1,
    timeout: float = 30.0,
) -> ProgressiveScore:
    """Predict each row, then learn it, shard by shard; score the predictions.

    Rows stay where they are: the model goes from shard to shard, in their order, and its results
    are those of its own `progressive_score`, to the last bit of the model. There is nothing to be
    gained by more workers, but reading.

    Parameters
    ----------
    estimator : SGDClassifier, SGDRegressor, Perceptron, or any other linear model
        It has learned all rows afterwards, or is as before if anything fails.
    X : dask.array.Array, dask.dataframe.DataFrame, or path of Parquet files
    y, target
        As of `fit`.
    metric : str, optional
        As of the estimator's `progressive_score`.
    client : distributed.Client, str or bool, optional
        As of `fit`.
    retries, timeout
        As of `fit`.

    Returns
    -------
    ProgressiveScore
        Its curve has a point after each shard.

    Raises
    ------
    ShardError
        If a shard cannot be read, or its rows cannot be learned.
    ClusterError
        If scheduler or workers are away for longer than ``timeout``.

    Examples
    --------
    >>> import dask.array as da
    >>> from fastperc import SGDRegressor, distributed
    >>> X = da.random.default_rng(0).random((300, 4), chunks=(100, 4))
    >>> model = SGDRegressor(random_state=0)
    >>> score = distributed.progressive_score(model, X, X[:, 0] - X[:, 1])  # doctest: +SKIP
    >>> score.curve[:, 0]  # doctest: +SKIP
    array([100., 200., 300.])
    """
    if not isinstance(estimator, ProgressiveLinear):
        raise TypeError(
            f"estimator: found {type(estimator).__name__}, expected a linear model such as "
            "SGDClassifier, which learns row by row"
        )
    if y is None and target is None:
        raise ValueError("y: found none, expected y or the name of a column, target='COLUMN'")
    name = estimator._metric(metric)
    shards = shards_of(X, y, target)
    with connected(client) as found:
        state = _in_turn(estimator, shards, name, found, retries, timeout)
    estimator.__setstate__(pickle.loads(state.model).__getstate__())
    return _score(name, [seen for seen in state.seen if seen.n])


def _in_turn(
    estimator: ProgressiveLinear,
    shards: Sequence[Shard],
    metric: str,
    client: Client,
    retries: int,
    timeout: float,
) -> State:
    """Let a model learn the shards; each task needs the result of the one before."""
    from dask.delayed import delayed
    from distributed import CancelledError

    token, names = uuid.uuid4().hex, {}
    state = State(pickle.dumps(estimator), ())
    for k, shard in enumerate(shards):
        key = f"fastperc-progressive-{token}-{k}"
        names[key] = shard.name
        state = delayed(by_version)(
            __version__, learn, shard.rows, state, metric, shard.name, dask_key_name=key
        )
    with sent_by(client):
        future = client.compute(state, retries=retries)
    wait_for(client, [future], timeout)
    if future.status == "error":
        error = future.exception()
        if isinstance(error, ShardError):
            raise error
        name = names.get(str(getattr(error, "task", "")), "a shard")
        raise ShardError(name, f"{type(error).__name__}: {error}") from error
    try:
        done: State = future.result(timeout=timeout)
    except (CancelledError, OSError, TimeoutError) as error:
        raise lost(f"results could not be fetched ({error!r:.80})") from error
    return done


def _score(metric: str, seen: Sequence[Seen]) -> ProgressiveScore:
    """Return the scores over the first shard, the first two, and so on."""
    n, totals, means, squares = (np.array(column, np.float64) for column in zip(*seen, strict=True))
    rows = n.cumsum()
    scores = totals.cumsum() / rows
    if metric == R2:
        centers = (n * means).cumsum() / rows
        about = [
            squares[: k + 1].sum() + n[: k + 1] @ (means[: k + 1] - centers[k]) ** 2
            for k in range(len(n))
        ]
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = 1.0 - scores * rows / about
    return ProgressiveScore(metric, float(scores[-1]), np.column_stack([rows, scores]))


# --- on workers -----------------------------------------------------------------------------------


def learn(rows: Rows, state: State, metric: str, name: str) -> State:
    """Let the model predict and learn the rows of a shard."""
    X, y = rows[0], flat(rows[1])
    if not len(X):
        return state
    model = pickle.loads(state.model)
    try:
        found = model.progressive_score(X, y, "mean_squared_error" if metric == R2 else metric)
    except Exception as error:
        raise ShardError(name, f"{type(error).__name__}: {error}") from error
    seen = Seen(len(X), found.score * len(X))
    if metric == R2:
        targets = np.asarray(y, np.float64)
        mean = float(targets.mean())
        seen = seen._replace(mean=mean, squares=float(((targets - mean) ** 2).sum()))
    return State(pickle.dumps(model), (*state.seen, seen))
