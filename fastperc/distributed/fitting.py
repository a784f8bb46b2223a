"""One model on data that are larger than a machine: `fit`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeVar, cast

from sklearn.utils import check_random_state

from ..checkpointing import resumable
from ..checks import check_choice, check_count, check_flag, check_number, check_positive
from ..deadline import Deadline
from ..errors import DataError
from ..estimators.attempt import Attempt
from ..estimators.base import BaseMLP
from ..estimators.callbacks import FitTask
from ..estimators.curves import Run
from ..estimators.draws import streams_of
from ..estimators.settings import FitSettings, Settings, read
from ..model.samples import Samples
from ..training.rules import STOCHASTIC
from .connecting import connected
from .exact import ShardSamples, prepare
from .inspecting import Found, check_skew, inspect, plan_of, take_scaling, take_shapes
from .local import LocalOptions, LocalSamples
from .shards import Collection, Rows, shards_of
from .weights import Weights, weighted, weights_of
from .work import Work

if TYPE_CHECKING:
    from distributed import Client
    from tqdm.auto import tqdm

Estimator = TypeVar("Estimator", bound=BaseMLP)


def fit(
    estimator: Estimator,
    X: Collection,
    y: Collection = None,
    *,
    method: str = "exact",
    target: str | Sequence[str] | None = None,
    sample_weight: Collection = None,
    client: Client | str | bool | None = None,
    local_epochs: int = 1,
    server_momentum: float = 0.0,
    persist: bool | None = None,
    retries: int = 1,
    timeout: float = 30.0,
    progress: bool = False,
    checkpoint: str | os.PathLike | None = None,
    every: str | int = "60s",
    resume: bool = False,
) -> Estimator:
    """Fit one model to data in partitions, each of which is a shard that a task works on.

    The bits of the model depend on data, parameters and partitions. They do not depend on how many
    workers there are, nor on which of them die: shards are added in their order.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        It is changed, as by its own `fit`. Classes are counted in all shards, for
        ``class_weight="balanced"``.
    X : dask.array.Array, dask.dataframe.DataFrame, or path of Parquet files
        Of a path, the workers read one row group after the other: each is a shard.
    y : dask.array.Array, dask.dataframe.Series or DataFrame, optional
        With the rows of X in partitions of the same rows; an array is brought into them.
    method : {"exact", "local"}, default="exact"
        "exact": each step is by the gradient of all samples, as on one machine with
        ``batch_size=n_samples``; for solvers lbfgs, rprop, sgd, adam and adamw. "local": in a
        round, which counts as an epoch of the estimator, each shard trains ``local_epochs`` epochs
        from the same weights, and the model moves by the mean of their steps, weighted by rows,
        or by the sums of their sample weights.
        Not for lbfgs and rprop; moments and velocities of the solver begin anew in each round.
    target : str or sequence of str, optional
        The column of the frame or of the files to predict, in place of y.
    sample_weight : dask.array.Array, dask.dataframe.Series or str, optional
        As of the estimator's `fit`; or the column of the frame or of the files that has them.
    client : distributed.Client, str or bool, optional
        As of `on`. By default the current one; if there is none, a local cluster for this call.
    local_epochs : int, default=1
    server_momentum : float, default=0.0
        What part of a round's step is kept for the next one, from 0 to below 1.
    persist : bool, optional
        Keep the checked shards in the workers' memory. By default so for Dask collections and not
        for files, which are read again for each step: they may be larger than all memory.
    retries : int, default=1
        How often Dask tries a task again that raised.
    timeout : float, default=30.0
        Seconds to wait for a cluster that has no scheduler or no worker.
    progress : bool, default=False
        Show a bar of rounds, with the loss.
    checkpoint, every, resume : optional
        As of the estimator's `fit`: a file on the client's side that has weights, solver, curves
        and the digests of all shards. Not with lbfgs.

    Returns
    -------
    estimator
        Fitted, with all attributes that its own `fit` gives. With ``early_stopping``, the last
        shard is set aside, whatever ``validation_fraction`` is. ``cluster_report_`` is a dict of
        the number of shards and samples, the bytes given to tasks and returned by them, which are
        the same for any number of workers, the seconds that the client waited, and those of all
        workers in computing and in moving data.

    Raises
    ------
    ShardError
        If a shard cannot be read, does not fit the others, or ends the workers that try it.
    ClusterError
        If scheduler or workers are away for longer than ``timeout``. The checkpoint is good.
    NonFiniteWeightsError
        If training diverged.

    Warns
    -----
    ShardSkewWarning
        With "local", of shards that differ in their targets, as where rows are sorted by them.

    Examples
    --------
    >>> import dask.array as da
    >>> from fastperc import MLPRegressor, distributed
    >>> X = da.random.default_rng(0).random((300, 4), chunks=(100, 4))
    >>> model = MLPRegressor(hidden_layer_sizes=8, solver="lbfgs", random_state=0)
    >>> model = distributed.fit(model, X, X[:, 0] - X[:, 1])  # doctest: +SKIP
    >>> distributed.predict(model, X)  # doctest: +SKIP
    dask.array<...>
    """
    method = _check(estimator, method)
    momentum = check_number(server_momentum, "server_momentum", least=0)
    if momentum >= 1:
        raise ValueError(f"server_momentum: found {momentum:g}, expected 0 to below 1")
    options = LocalOptions(
        check_count(local_epochs, "local_epochs"), momentum, estimator.shuffle, seed=0
    )
    if persist is None:
        persist = not isinstance(X, (str, os.PathLike))
    shards = shards_of(X, y, target, sample_weight)
    if y is None and target is None:
        raise ValueError("y: found none, expected y or the name of a column, target='COLUMN'")
    with ExitStack() as stack:
        found = stack.enter_context(connected(client))
        work = Work(found, shards, check_count(retries, "retries", least=0),
                    check_positive(timeout, "timeout"))  # fmt: skip
        work.bar = stack.enter_context(_bar(estimator, check_flag(progress, "progress")))
        _fit(
            estimator, work, method, options, check_flag(persist, "persist"),
            checkpoint=checkpoint, every=every, resume=resume,
        )  # fmt: skip
    return estimator


def _check(estimator: object, method: object) -> str:
    """Return the method, if the estimator can be fitted by it."""
    if not isinstance(estimator, BaseMLP):
        raise TypeError(
            f"estimator: found {type(estimator).__name__}, expected MLPClassifier or MLPRegressor"
        )
    name = check_choice(method, "method", ("exact", "local"))
    if name == "local" and estimator.solver in ("lbfgs", "rprop"):
        raise ValueError(
            f"solver: found {estimator.solver!r} with method='local', expected 'sgd', 'adam' or "
            "'adamw': it wants the gradient of all samples. Use method='exact'"
        )
    return name


@resumable(streams_of)
def _fit(
    estimator: BaseMLP,
    work: Work,
    method: str,
    options: LocalOptions,
    persist: bool,
    *,
    checkpoint: str | os.PathLike | None = None,
    every: str | int = "60s",
    resume: bool = False,
) -> None:
    """Fit the estimator to the shards of some work."""
    if checkpoint is not None and estimator.solver == "lbfgs":
        raise ValueError(
            "checkpoint: found one with solver='lbfgs', which cannot go on from it: its memory is "
            "SciPy's own. Use another solver"
        )
    estimator._validate_params()
    with Attempt(estimator, estimator.random_state) as attempt:
        run = _Preparation(estimator, work, attempt, checkpoint is not None).run(
            method, options, persist
        )
        try:
            if estimator.solver in STOCHASTIC:
                estimator._fit_stochastic(run, None, None)
            else:
                estimator._fit_lbfgs(run)
        finally:
            report = {"n_shards": len(work), "n_samples": len(run.samples), **work.report()}
            estimator.__dict__["cluster_report_"] = report
        report.update(work.seconds_of_workers())


@contextmanager
def _bar(estimator: BaseMLP, is_shown: bool) -> Iterator[tqdm | None]:
    """Show a bar of rounds; of lbfgs, there is no telling how many gradients it takes."""
    if not is_shown:
        yield None
        return
    from tqdm.auto import tqdm

    total = estimator.max_iter if estimator.solver in STOCHASTIC else None
    with tqdm(total=total, unit="round", desc=f"fit {type(estimator).__name__}") as bar:
        yield bar


class _Preparation:
    """All that comes before the first step."""

    def __init__(self, estimator: BaseMLP, work: Work, attempt: Attempt, digests: bool):
        self.estimator, self.work, self.attempt = estimator, work, attempt
        self.digests = digests

    def run(self, method: str, options: LocalOptions, persist: bool) -> Run:
        """Inspect the shards, make or find the network, and let workers prepare their rows."""
        estimator, work = self.estimator, self.work
        deadline = Deadline(estimator.time_limit)
        if persist:
            work.keep("load", _rows)
        found = self._inspect()
        held = self._hold_out(found) if estimator.early_stopping else None
        if method == "local":
            check_skew(found)
        self._make_network(found)
        weights = weights_of(estimator, found, len(work))
        if estimator.scale is not None and estimator._scaling is None:
            take_scaling(estimator, work, weights)
        plan = work.share(plan_of(estimator), "plan")
        if persist:
            work.keep("prepare", prepare, plan, weights)
        else:
            work.put_before(prepare, plan, weights)
        return self._run(method, options, held, found, weights, deadline)

    def _inspect(self) -> list[Found]:
        work, estimator = self.work, self.estimator
        is_classifier = hasattr(estimator, "class_weight")
        plan = work.share(plan_of(estimator), "plan")
        found = work.each("inspect", inspect, plan, is_classifier, self.digests)
        work.leave_out([one is None for one in found])
        found = [one for one in found if one is not None]
        if not found:
            raise DataError("X: found no rows in any shard, expected some")
        return found

    def _hold_out(self, found: list[Found]) -> Rows:
        """Take the last shard, for early stopping."""
        if len(found) < 2:
            raise ValueError(
                "early_stopping: found one shard, expected two or more, of which the last is set "
                "aside"
            )
        held: Rows = self.work.take_last()[1]
        return held

    def _make_network(self, found: list[Found]) -> None:
        """Draw start weights, or find those to go on from."""
        estimator = self.estimator
        is_first = not hasattr(estimator, "coefs_") or not estimator.warm_start
        n_outputs = take_shapes(estimator, found, is_first)
        if not is_first and n_outputs != estimator.n_outputs_:
            raise ValueError(
                f"y: found {n_outputs} outputs per sample, expected {estimator.n_outputs_} as "
                "before"
            )
        estimator.n_outputs_ = n_outputs
        estimator._random_state = check_random_state(estimator.random_state)
        if is_first:
            now = Settings.of(estimator._raw_settings())
            dtype = max((one.dtype for one in found), key=lambda dtype: dtype.itemsize)
            sizes = [estimator.n_features_in_, *now.widths, n_outputs]
            estimator._initialize(sizes, now, dtype)
        else:
            estimator._follow()

    def _run(
        self,
        method: str,
        options: LocalOptions,
        held: Rows | None,
        found: list[Found],
        weights: Weights | None,
        deadline: Deadline,
    ) -> Run:
        estimator, work = self.estimator, self.work
        trained = found[: len(work)]
        n = sum(one.n_rows for one in trained)
        digests = [one.sha256 for one in trained]
        shapes = n, estimator.n_features_in_, estimator.n_outputs_, digests, weights
        settings = read(FitSettings, estimator)._replace(shuffle=False)
        remote: ShardSamples
        if method == "local":
            remote = LocalSamples(work, *shapes)
            remote.options = options._replace(seed=int(estimator._random_state.randint(1 << 31)))
        else:
            remote = ShardSamples(work, *shapes)
            settings = settings._replace(batch_size=n)
        model = estimator._network()
        if held is not None:
            held = *held[:2], weighted(held, estimator)[2]
        validation = estimator._given_validation(model, held or (None, None, None))
        task = FitTask(estimator, None, None, None)
        samples = cast(Samples, remote)  # what the engine does with them, these can do
        return Run(model, samples, validation, settings, deadline, self.attempt, task)


def _rows(rows: Rows) -> Rows:
    return rows
