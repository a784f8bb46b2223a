"""Many models on a Dask cluster: the same bits as in one process."""

import os
import pickle
import sys
import textwrap
import warnings

import numba
import numpy as np
import pytest
from clusters import cluster, pids, same, time_limit
from sklearn.exceptions import ConvergenceWarning

import fastperc
from fastperc import (
    Fleet,
    GridSearchCV,
    GroupedMLPRegressor,
    HalvingRandomSearchCV,
    MLPClassifier,
    MLPEnsembleRegressor,
    MLPRegressor,
    RandomizedSearchCV,
    fit_groups,
)

distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.posix,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

from fastperc import distributed as ours  # noqa: E402 (needs what comes before)
from fastperc.distributed.payload import Arrays, loads  # noqa: E402
from fastperc.distributed.report import Report  # noqa: E402
from fastperc.distributed.sizes import ChunkSizes  # noqa: E402

compiled_only = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="the compiler is off: NUMBA_DISABLE_JIT=1"
)


@pytest.fixture(scope="module")
def client():
    with cluster(2) as client:
        yield client


@pytest.fixture(autouse=True)
def limited():
    with time_limit():
        yield


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (240, 4)).astype(np.float32)
    return X, np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]


def trained(client, data, n=150, chunk_seconds=0.02, seed=0, **options):
    X, y = data
    fleet = Fleet((4, 6, 1), n, hidden="tanh", seed=seed)
    options = {"epochs": 30, "lr": np.geomspace(1e-3, 3, n), **options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of those that diverge
        with ours.on(client, chunk_seconds=chunk_seconds) as session:
            fleet.train(X, y, **options)
    return fleet, session.report


def results(fleet):
    history = fleet.history
    names = ("epochs", "final_loss", "final_validation_loss", "best_validation_loss", "stopped")
    found = {name: getattr(history, name) for name in names}
    found |= {"theta": fleet.theta, "random": fleet.rng.random(3)}
    longest = int((history.epochs + (history.stopped == "diverged")).max())
    return found | {"loss": history.loss[:longest], "held": history.validation_loss[:longest]}


def assert_same(one, other):
    for name, value in one.items():
        assert same(value, other[name]), name


# --- fleets ---------------------------------------------------------------------------------------

FOLD = np.arange(240) % 5 != np.arange(150)[:, None] % 5
OPTIONS = {
    "one sample at a time": {},
    "batches": {"batch_size": 16, "optimizer": "adam", "lr": np.geomspace(1e-4, 1e-1, 150)},
    "patience": {"validation": 0.25, "patience": 3, "batch_size": 8},
    "folds": {"sample_weight": FOLD, "tol": 1e-4},
    "penalties of some": {"alpha": np.where(np.arange(150) % 2, 0.01, 0.0)},
    "rprop": {"optimizer": "rprop", "lr": 0.01},
    "orders of each": {"order": np.random.default_rng(1).integers(0, 240, (150, 50))},
    "a schedule": {"lr": lambda epoch: 0.1 / epoch},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_fleets_have_the_bits_of_one_process(client, data, name):
    here, _ = trained(None, data, **OPTIONS[name])
    there, report = trained(client, data, **OPTIONS[name])
    assert sum(times.tasks for times in report.workers.values()) > 2
    assert_same(results(here), results(there))


def test_chunks_of_any_size_give_the_same_bits(client, data):
    found = [trained(client, data, chunk_seconds=seconds) for seconds in (0.001, 5.0)]
    n_tasks = [sum(t.tasks for t in report.workers.values()) for _, report in found]
    assert n_tasks[0] > n_tasks[1]
    assert_same(results(found[0][0]), results(found[1][0]))


def test_training_goes_on_from_a_cluster(client, data):
    X, y = data
    fleets = [trained(where, data)[0] for where in (None, client)]
    for fleet in fleets:
        with pytest.warns(RuntimeWarning, match="diverged"):
            fleet.train(X, y, epochs=3, lr=1.0)
    assert same(fleets[0].theta, fleets[1].theta)


def test_client_is_a_keyword(client, data):
    X, y = data
    here, there = (Fleet((4, 3, 1), 5, seed=0) for _ in range(2))
    here.train(X, y, epochs=2)
    there.train(X, y, epochs=2, client=client)
    assert same(here.theta, there.theta)


def test_workers_of_our_own_clusters_give_up_dead_ones_soon():
    import dask

    with ours.on(True) as session:
        found = session.client.run(dask.config.get, "distributed.comm.timeouts.connect")
    assert found
    assert {*found.values()} == {"5s"}
    assert dask.config.get("distributed.comm.timeouts.connect") == "30s"  # here, as it was


# --- estimators -----------------------------------------------------------------------------------

NET = MLPRegressor(hidden_layer_sizes=(5,), max_iter=12, random_state=0, learning_rate_init=0.01)


def test_searches(client, data):
    grid = {"alpha": [1e-4, 1e-2], "learning_rate_init": [0.001, 0.01, 0.05]}
    for model in (NET, MLPRegressor(**{**NET.get_params(), "early_stopping": True})):
        here, there = (
            GridSearchCV(model, grid, cv=3).fit(*data, client=where) for where in (None, client)
        )
        for name in ("mean_test_score", "std_test_score", "rank_test_score"):
            assert same(here.cv_results_[name], there.cv_results_[name])
        assert same(here.best_estimator_.coefs_[0], there.best_estimator_.coefs_[0])
        curves = [search.results_table().curves["loss"] for search in (here, there)]
        assert same(*curves)


def test_searches_that_draw(client, data):
    drawn = {"alpha": np.geomspace(1e-6, 1, 50).tolist()}
    here, there = (
        RandomizedSearchCV(NET, drawn, n_iter=6, cv=2, random_state=1).fit(*data, client=where)
        for where in (None, client)
    )
    assert same(here.cv_results_["mean_test_score"], there.cv_results_["mean_test_score"])


def test_halving_goes_on_with_networks_of_a_cluster(client, data):
    drawn = {"learning_rate_init": np.geomspace(1e-4, 1e-1, 50).tolist()}
    here, there = (
        HalvingRandomSearchCV(
            NET, drawn, n_candidates=9, min_resources=3, max_resources=27, cv=3, random_state=0
        ).fit(*data, client=where)
        for where in (None, client)
    )
    assert same(here.cv_results_["mean_test_score"], there.cv_results_["mean_test_score"])


def test_ensembles(client, data):
    here, there = (
        MLPEnsembleRegressor(
            n_members=12, hidden_layer_sizes=(5,), max_iter=12, bootstrap=True, random_state=0
        ).fit(*data, client=where)
        for where in (None, client)
    )
    assert same(here.predict(data[0]), there.predict(data[0]))


def test_networks_that_go_alone(client, data):
    """lbfgs knows no fleets: each is a job of its own, some of them to a task."""
    given = {"hidden_layer_sizes": (5,), "solver": "lbfgs", "max_iter": 12, "random_state": 0}
    with distributed.get_task_stream(client=client) as stream:
        here, there = (
            MLPEnsembleRegressor(n_members=8, **given).fit(*data, client=where)
            for where in (None, client)
        )
    assert same(here.predict(data[0]), there.predict(data[0]))
    names = {distributed.utils.key_split(task["key"]) for task in stream.data}
    assert names == {"fit MLPRegressor"}
    with pytest.warns(ConvergenceWarning, match="lbfgs"):
        there.fit(*data, client=client)


def test_groups(client, data):
    X, y = data
    groups = np.random.default_rng(3).integers(0, 40, len(X))
    for model in (NET, MLPClassifier(hidden_layer_sizes=(4,), max_iter=8, random_state=0)):
        target = y if model is NET else np.where(y > 0, "up", "down")
        here, there = (fit_groups(model, X, target, groups, client=w) for w in (None, client))
        assert same(here.predict(X, groups), there.predict(X, groups))
    assert isinstance(pickle.loads(pickle.dumps(here)), type(here))


def test_a_search_that_scikit_learn_has_to_do_says_so(client, data):
    search = GridSearchCV(GroupedMLPRegressor(NET, groups=0), {"unknown": ["error"]}, cv=2)
    with pytest.raises(ValueError, match="client: found one"):
        search.fit(*data, client=client)


# --- refused --------------------------------------------------------------------------------------


def test_what_a_cluster_cannot_do_is_refused(client, data, tmp_path):
    fleet = Fleet((4, 3, 1), 5, seed=0)
    before = fleet.theta.copy()
    with pytest.raises(ValueError, match="callback: found one"):
        fleet.train(*data, client=client, callback=lambda epoch, history: None)
    with pytest.raises(ValueError, match="checkpoint: found one"):
        fleet.train(*data, client=client, checkpoint=tmp_path / "file")
    with pytest.raises(TypeError, match="client: found 3"):
        fleet.train(*data, client=3)
    assert same(fleet.theta, before)


def test_errors_of_workers_are_raised_here(client, data):
    def rate(epoch):
        if epoch > 2:
            raise ZeroDivisionError("of the schedule")
        return 0.1

    with pytest.raises(ZeroDivisionError, match="of the schedule"):
        Fleet((4, 3, 1), 5, seed=0).train(*data, lr=rate, client=client)


# --- what is sent, and what it costs --------------------------------------------------------------


def test_large_arrays_are_sent_once(client):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (20_000, 4)).astype(np.float32)
    _, report = trained(client, (X, X[:, 0]), epochs=2, chunk_seconds=0.2)
    assert sum(times.tasks for times in report.workers.values()) > 2
    assert X.nbytes <= report.shared <= 1.5 * X.nbytes
    assert report.sent < X.nbytes


@compiled_only
def test_nothing_compiled_is_sent():
    from fastperc.kernels.fleet import train_fleet  # any kernel

    with pytest.raises(pickle.PicklingError, match="compiled code"):
        Arrays().dumps({"kernel": train_fleet})


def test_arrays_stay_read_only_or_not():
    own, frozen = np.arange(3.0), np.arange(3.0)
    large, large_frozen = np.zeros(10_000), np.zeros(10_000)
    for array in (frozen, large_frozen):
        array.flags.writeable = False
    given = own, frozen, large, large_frozen
    payload, sent = Arrays(given).dumps(given)
    assert len(payload) < 2000
    assert len(sent) == 2
    found = loads(payload, sent)
    assert [a.flags.writeable for a in found] == [True, False, True, False]
    assert all(same(a, b) for a, b in zip(given, found, strict=True))


def test_workers_use_the_cache_of_this_process(client):
    folder = os.environ.get("NUMBA_CACHE_DIR")
    assert set(client.run(lambda: os.environ.get("NUMBA_CACHE_DIR")).values()) == {folder}


def test_workers_of_another_version_are_refused(client):
    from fastperc.distributed.versions import by_version

    assert client.submit(by_version, fastperc.__version__, max, 1, 2).result() == 2
    with pytest.raises(RuntimeError, match=r"found version .* on a worker, expected 0\.0\.7"):
        client.submit(by_version, "0.0.7", max, 1, 2).result()


@compiled_only
def test_workers_compile_nothing(client, data):
    """A kernel that gets an array of another kind than here would be compiled once more."""
    trained(client, data, batch_size=16)

    def n_signatures():
        from fastperc.kernels.fleet import train_fleet

        return len(train_fleet.signatures)

    trained(None, data, batch_size=16)
    assert max(client.run(n_signatures).values()) <= max(2, n_signatures())


def test_sizes_of_chunks_add_up():
    sizes = ChunkSizes(1000, 1e-3, 100)
    found = []
    while size := sizes.next(2):
        sizes.learn(size, size * 0.004)
        found.append(size)
    assert sum(found) == 1000
    assert max(found) <= 500
    assert ChunkSizes(10, 100.0, 100).next(2) == 1  # a network is never cut
    assert ChunkSizes(100, 1e-9, 100, lanes=64).next(2) == 64
    slow = ChunkSizes(1000, 1e-3, 100, lanes=16)
    slow.learn(16, 1e3)  # on a machine that is busy with other work, it seems
    assert slow.next(2) == 16  # since one network takes as long as sixteen
    assert ChunkSizes(1_000_000, 1e-9, 1 << 20).next(2) == 4  # large ones by their bytes


def test_the_report_tells_where_the_time_went(client, data):
    _, report = trained(client, data)
    assert set(report.workers) <= set(pids(client))
    assert 0 < report.computing <= report.seconds * report.threads
    assert report.own_share <= 1
    assert report.waiting == pytest.approx(report.seconds * report.threads - report.computing)
    assert "this process was busy" in str(report)
    moves = Report()
    step = {"action": "transfer", "start": 1.0, "stop": 1.5, "nbytes": 10}
    tasks = [{"key": key, "worker": "w", "startstops": [step]} for key in "ab"]
    moves.add_moves(tasks, {"a"})
    assert (moves.workers["w"].moving, moves.workers["w"].moved) == (0.5, 10)


def test_tasks_have_names(client, data):
    with distributed.get_task_stream(client=client) as stream:
        trained(client, data)
    names = {distributed.utils.key_split(task["key"]) for task in stream.data}
    assert "train 4x6x1" in names


def test_warnings_are_those_of_one_process(client, data):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        fit_groups(NET, *data, np.arange(240) % 3, client=client)
    assert [w.category for w in found] == [ConvergenceWarning]


def test_dask_is_loaded_when_it_is_needed(run_python):
    code = """
        import sys
        import fastperc, fastperc.distributed
        from fastperc import Fleet
        with fastperc.distributed.on(None):
            Fleet((1, 2, 1), 3, seed=0).train([[1.0]], [1.0], epochs=1)
        print(sorted({"dask", "distributed"} & set(sys.modules)))
    """
    assert run_python(textwrap.dedent(code)).strip() == "[]"


def test_a_missing_package_has_its_remedy(monkeypatch, data):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install 'fastperc\[dask\]'"):
        Fleet((4, 3, 1), 5, seed=0).train(*data, client=True)
