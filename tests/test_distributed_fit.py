"""One model on shards: the same as on one machine, whatever happens to the cluster."""

import hashlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from sklearn.base import clone

from fastperc import Fleet, MLPClassifier, MLPRegressor, SGDClassifier, SGDRegressor
from fastperc.errors import NonFiniteWeightsError

distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")
pytest.importorskip("pyarrow")
if os.name != "posix":
    pytest.skip("time limits are those of POSIX", allow_module_level=True)

from clusters import SECONDS, cluster, in_processes, kill, time_limit  # noqa: E402

from fastperc import distributed as fd  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def quiet():
    """Let the workers be silent about tasks that are meant to fail."""
    import dask

    with dask.config.set({"logging.distributed": "critical"}):
        yield


@pytest.fixture(scope="module")
def client(quiet):
    with cluster(2) as client:
        yield client


@pytest.fixture(autouse=True)
def limit():
    with time_limit():
        yield


def problem(n=700, kind="numbers"):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5))
    y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]
    return (X, y) if kind == "numbers" else (X, np.array(["no", "yes"])[(y > 0).astype(int)])


def housing():
    folder = os.environ.get("FASTPERC_DATA")
    if not folder:
        return problem(3000)
    from pathlib import Path

    table = np.loadtxt(Path(folder) / "california_housing.csv.gz", delimiter=",", skiprows=1)
    return table[:, :-1], table[:, -1]


def in_shards(X, y, n_shards):
    rows = -(-len(X) // n_shards)
    return da.from_array(X, chunks=(rows, X.shape[1])), da.from_array(y, chunks=rows)


def regressor(**parameters):
    given = {"hidden_layer_sizes": (6,), "solver": "adam", "random_state": 0, "max_iter": 4,
             "activation": "tanh", "scale": "standard", "tol": 0.0}  # fmt: skip
    return MLPRegressor(**given | parameters)


def weights_of(model):
    return np.concatenate([a.ravel() for a in (*model.coefs_, *model.intercepts_)])


def hash_of(model):
    return hashlib.sha256(weights_of(model).tobytes()).hexdigest()


pytestmark = [
    pytest.mark.posix,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


# --- exact ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("solver", "n_shards"),
    [("lbfgs", 1), ("lbfgs", 3), ("lbfgs", 7), ("adam", 3), ("adam", 7), ("rprop", 7), ("sgd", 3)],
)
def test_exact_equals_one_machine(client, solver, n_shards):
    X, y = housing()
    one = regressor(solver=solver, batch_size=len(X)).fit(X, y)
    many = fd.fit(regressor(solver=solver), *in_shards(X, y, n_shards), client=client)
    np.testing.assert_allclose(weights_of(many), weights_of(one), rtol=0, atol=1e-10)
    np.testing.assert_allclose(many.loss_curve_, one.loss_curve_, rtol=0, atol=1e-10)
    assert many.n_iter_ == one.n_iter_
    assert many.cluster_report_["n_samples"] == len(X)


def test_penalties_count_as_on_one_machine(client):
    X, y = problem()
    parameters = {"alpha": 0.5, "l1": 0.01, "clip_norm": 0.3, "solver": "sgd"}
    one = regressor(**parameters, batch_size=len(X)).fit(X, y)
    many = fd.fit(regressor(**parameters), *in_shards(X, y, 3), client=client)
    np.testing.assert_allclose(weights_of(many), weights_of(one), rtol=0, atol=1e-10)
    np.testing.assert_allclose(many.loss_curve_, one.loss_curve_, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("options", "rounds"),
    [({"method": "local"}, "4/4"), ({}, "4/4"), ({"solver": "lbfgs"}, "round")],
)
def test_a_bar_shows_rounds_and_losses(client, capsys, options, rounds):
    data, options = in_shards(*problem(), 3), dict(options)
    model = regressor(**{key: options.pop(key) for key in ("solver",) if key in options})
    fd.fit(model, *data, client=client, progress=True, **options)
    shown = capsys.readouterr().err
    assert "fit MLPRegressor" in shown
    assert rounds in shown
    assert f"loss {model.loss_:.4g}" in shown or "lbfgs" in str(model.solver)


def test_float32_and_several_outputs(client):
    X, y = problem()
    X, Y = X.astype(np.float32), np.stack([y, -y], axis=1)
    one = regressor(batch_size=len(X)).fit(X, Y)
    many = fd.fit(regressor(), *in_shards(X, Y, 3), client=client)
    assert weights_of(many).dtype == np.float32
    np.testing.assert_allclose(weights_of(many), weights_of(one), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(fd.predict(many, da.from_array(X, chunks=200)), many.predict(X))


def test_many_shards_are_added_in_a_fixed_order(client):
    X, y = problem()
    many = fd.fit(regressor(max_iter=2), *in_shards(X, y, 20), client=client)
    one = regressor(max_iter=2, batch_size=len(X)).fit(X, y)
    np.testing.assert_allclose(weights_of(many), weights_of(one), rtol=0, atol=1e-10)


# --- local ----------------------------------------------------------------------------------------


def test_local_comes_close_to_one_machine(client):
    X, y = problem(6000, "labels")
    train, test = slice(4000), slice(4000, None)
    parameters = {
        "hidden_layer_sizes": (16,), "solver": "adam", "learning_rate_init": 0.01, "max_iter": 30,
        "random_state": 0, "scale": "standard", "batch_size": 50,
    }  # fmt: skip
    one = MLPClassifier(**parameters).fit(X[train], y[train])
    many = fd.fit(
        MLPClassifier(**parameters), *in_shards(X[train], y[train], 4), method="local",
        local_epochs=2, server_momentum=0.3, client=client,
    )  # fmt: skip
    assert many.score(X[test], y[test]) > one.score(X[test], y[test]) - 0.005
    assert many.n_iter_ == 30
    report = many.cluster_report_
    assert report["bytes_out"] == 30 * 4 * weights_of(many).nbytes
    assert report["bytes_back"] > report["bytes_out"]
    assert report["seconds_computing"] > 0
    assert report["seconds_moving"] >= 0
    assert report["seconds_waiting"] > 0


@pytest.mark.parametrize("kind", ["numbers", "labels"])
def test_shards_sorted_by_the_target_are_warned_of(client, kind):
    X, y = problem(kind=kind)
    order = np.argsort(y)
    model = regressor() if kind == "numbers" else MLPClassifier(random_state=0, max_iter=2)
    with pytest.warns(fd.ShardSkewWarning, match="sorted") as caught:
        fd.fit(model, *in_shards(X[order], y[order], 3), method="local", client=client)
    assert caught[0].filename == __file__


def test_early_stopping_sets_the_last_shard_aside(client):
    X, y = problem()
    model = regressor(early_stopping=True, max_iter=3)
    fd.fit(model, *in_shards(X, y, 7), method="local", client=client)
    assert len(model.validation_scores_) == 3
    assert model.cluster_report_["n_samples"] == 600


# --- data -----------------------------------------------------------------------------------------


def test_frames_and_files_are_the_same_data(client, tmp_path):
    pandas, dd = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe")
    X, y = problem(600, "labels")
    frame = pandas.DataFrame(X, columns=[*"abcde"]).assign(label=y)
    for k in range(2):
        part = frame[300 * k : 300 * (k + 1)]
        part.to_parquet(tmp_path / f"part-{k}.parquet", row_group_size=150, index=False)
    parts = dd.from_pandas(frame, npartitions=4)
    parameters = {"random_state": 0, "max_iter": 3, "solver": "adam", "scale": "standard"}
    fits = [
        fd.fit(MLPClassifier(**parameters), data, target="label", client=client)
        for data in (parts, tmp_path)
    ]
    fits.append(fd.fit(MLPClassifier(**parameters), *in_shards(X, y, 4), client=client))
    assert len({hash_of(model) for model in fits}) == 1
    model = fits[0]
    assert [*model.feature_names_in_] == [*"abcde"]
    expected = model.predict(frame.drop(columns="label"))
    for data in (parts, tmp_path):
        found = fd.predict(model, data, target="label").compute()
        np.testing.assert_array_equal(found, expected)
        assert fd.score(model, data, target="label") == np.mean(expected == y)
    proba = fd.predict_proba(model, parts, target="label").compute()
    np.testing.assert_array_equal(proba, model.predict_proba(frame.drop(columns="label")))


GIVEN_BACK = """
import sys
from pathlib import Path
from fastperc.distributed.shards import Columns, read_group

def own():  # megabytes, without files that are mapped
    return int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0]) / 1024

target = Columns(["x0"], None)
read_group(sys.argv[1], 0, target)  # one row
before = own()
for k in (0, 1):
    read_group(sys.argv[2], k, target)
print(own() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_of_a_row_group_is_given_back(tmp_path):
    pandas = pytest.importorskip("pandas")
    few, many = (str(tmp_path / name) for name in ("few.parquet", "many.parquet"))
    X = np.random.default_rng(0).random((400_000, 50), np.float32)
    frame = pandas.DataFrame(X, columns=[f"x{k}" for k in range(50)])
    frame[:1].to_parquet(few)
    frame.to_parquet(many, row_group_size=200_000, compression="none")  # 40 MB each
    done = subprocess.run(
        [sys.executable, "-c", GIVEN_BACK, few, many], capture_output=True, check=True,
        timeout=SECONDS,
    )  # fmt: skip
    assert float(done.stdout) < 160  # it was 260


def test_the_score_of_a_regressor(client):
    X, y = problem()
    model = regressor().fit(X, y)
    lazy = fd.score(model, *in_shards(X, y, 3), compute=False)
    assert lazy.compute() == pytest.approx(model.score(X, y), abs=1e-12)


def test_empty_partitions_are_left_out(client):
    pandas, dd = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe")
    X, y = problem()
    frame = pandas.DataFrame(X, columns=[*"abcde"]).assign(y=y)
    parts = dd.from_pandas(frame, npartitions=3)
    rest = parts.map_partitions(lambda part: part[part.index < 400])
    model = fd.fit(regressor(), rest, target="y", client=client)
    assert (model.cluster_report_["n_shards"], model.cluster_report_["n_samples"]) == (2, 400)
    assert len(fd.predict(model, rest, target="y").compute()) == 400


def test_warm_start_goes_on(client):
    data = in_shards(*problem(), 3)
    twice = regressor(warm_start=True, solver="rprop")
    fd.fit(twice, *data, client=client)
    first = weights_of(twice)
    fd.fit(twice, *data, client=client)
    assert twice.loss_curve_[-1] < twice.loss_curve_[0]
    assert (weights_of(twice) != first).any()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"method": "other"}, ValueError, "exact"),
        ({"estimator": object()}, TypeError, "MLPClassifier"),
        ({"estimator": regressor(solver="lbfgs"), "method": "local"}, ValueError, "lbfgs"),
        ({"estimator": regressor(solver="lbfgs"), "checkpoint": "file"}, ValueError, "SciPy"),
        ({"X": np.ones((3, 2))}, TypeError, "Dask"),
        ({"X": "no-such-folder", "y": None, "target": "y"}, ValueError, "Parquet"),
        ({"y": None}, ValueError, "target"),
        ({"y": da.ones(5)}, ValueError, "5 rows"),
        ({"y": np.ones(700)}, TypeError, "y: found ndarray, expected a Dask"),
        ({"server_momentum": 1.0}, ValueError, "below 1"),
    ],
)
def test_what_cannot_be_is_refused(client, change, error, words):
    X, y = in_shards(*problem(), 2)
    given = {"estimator": regressor(), "X": X, "y": y, "client": client}
    with pytest.raises(error, match=words):
        fd.fit(**given | change)


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["load", "values"])
def test_a_poison_shard_is_named(client, place):
    X, y = problem()

    def load(block, block_info=None):
        if block_info and block_info[0]["chunk-location"][0] == 2:
            raise OSError("the disk is gone")
        return block

    if place == "values":
        X[450, 1] = np.nan
    data, targets = in_shards(X, y, 4)
    if place == "load":
        data = data.map_blocks(load, dtype=data.dtype)
    model = regressor()
    with pytest.raises(fd.ShardError, match=r"disk is gone|contains NaN") as caught:
        fd.fit(model, data, targets, client=client)
    assert caught.value.shard == "shard 2"
    assert not hasattr(model, "coefs_")  # as before


def test_divergence_is_an_error(client):
    X, y = problem()
    wild = {"solver": "sgd", "activation": "identity", "learning_rate_init": 1e30, "momentum": 0.0}
    for method in ("exact", "local"):
        model = regressor(**wild, max_iter=50)
        with pytest.raises(NonFiniteWeightsError), np.errstate(all="ignore"):
            fd.fit(model, *in_shards(X, y, 2), method=method, client=client)
        assert np.isfinite(weights_of(model)).all()


def test_a_slow_worker_changes_nothing(client):
    X, y = in_shards(*problem(), 3)

    def slowly(block):
        time.sleep(0.1)
        return block

    slow = fd.fit(regressor(), X.map_blocks(slowly), y, persist=False, client=client)
    assert hash_of(slow) == hash_of(fd.fit(regressor(), X, y, client=client))


@pytest.mark.parametrize("method", ["exact", pytest.param("local", marks=pytest.mark.slow)])
def test_a_killed_worker_changes_nothing(client, method):
    data = in_shards(*problem(), 5)

    def end_one(epoch, model):
        if epoch == 2:
            kill(client)

    models = [
        fd.fit(regressor(callback=callback), *data, method=method, client=client)
        for callback in (None, end_one)
    ]
    assert hash_of(models[0]) == hash_of(models[1])


@pytest.mark.slow
def test_one_hash_for_any_number_of_workers_and_any_deaths():
    data = in_shards(*problem(), 7)
    hashes = set()
    with cluster(1) as client:
        for n_workers in (1, 2, 3):
            client.cluster.scale(n_workers)
            client.wait_for_workers(n_workers, timeout=SECONDS)
            hashes.add(hash_of(fd.fit(regressor(max_iter=3), *data, client=client)))

        def end_one(epoch, model):  # in each round
            client.wait_for_workers(1, timeout=SECONDS)
            kill(client)

        def all_but_one(epoch, model):
            if epoch == 2:
                kill(client, slice(2))

        for callback in (end_one, all_but_one):
            model = regressor(max_iter=3, callback=callback)
            hashes.add(hash_of(fd.fit(model, *data, client=client)))
    assert len(hashes) == 1


@pytest.mark.slow
def test_a_shard_that_ends_workers_is_named():
    import dask

    def deadly(block, block_info=None):
        if block_info and block_info[0]["chunk-location"][0] == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return block

    X, y = in_shards(*problem(), 3)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        cluster(1) as client,
        pytest.raises(fd.ShardError, match="KilledWorker") as caught,
    ):
        fd.fit(regressor(), X.map_blocks(deadly, dtype=X.dtype), y, client=client)
    assert caught.value.shard == "shard 1"


CLIENT = """
import os, signal, sys
from distributed import Client
from fastperc import distributed as fd
sys.path.insert(0, {folder!r})
from test_distributed_fit import in_shards, problem, regressor

def end(epoch, model):
    if epoch == 3:
        os.kill(os.getpid(), signal.SIGKILL)

with Client({address!r}) as client:
    fd.fit(regressor(callback=end, max_iter=6), *in_shards(*problem(), 3), method={method!r},
           server_momentum={momentum}, client=client, checkpoint={file!r}, every=1)
"""


@pytest.mark.parametrize("method", [pytest.param("exact", marks=pytest.mark.slow), "local"])
def test_a_lost_client_goes_on_from_its_checkpoint(client, tmp_path, method):
    file, momentum = str(tmp_path / "fit.checkpoint"), 0.5 if method == "local" else 0.0
    code = CLIENT.format(
        folder=os.path.dirname(__file__), address=client.scheduler.address, file=file,
        method=method, momentum=momentum,
    )  # fmt: skip
    ended = subprocess.run([sys.executable, "-c", code], timeout=SECONDS, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    data = in_shards(*problem(), 3)
    options = {"method": method, "server_momentum": momentum, "client": client}
    epochs = []
    went_on = regressor(max_iter=6, callback=lambda epoch, model: epochs.append(epoch))
    fd.fit(went_on, *data, **options, checkpoint=file, resume=True)
    whole = fd.fit(regressor(max_iter=6), *data, **options)
    assert epochs == [3, 4, 5, 6]
    assert hash_of(went_on) == hash_of(whole)
    assert went_on.loss_curve_ == whole.loss_curve_
    assert went_on.cluster_report_["bytes_out"] == whole.cluster_report_["bytes_out"]
    other = in_shards(problem()[0] + 1, problem()[1], 3)
    with pytest.raises(ValueError, match="shards"):
        fd.fit(regressor(max_iter=6), *other, **options, checkpoint=file, resume=True)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["closed", "killed"])
def test_without_a_scheduler_the_checkpoint_is_good(client, tmp_path, how):
    file, data = tmp_path / "fit.checkpoint", in_shards(*problem(), 3)
    with in_processes() as other:

        def end(epoch, model):
            if epoch == 3 and how == "closed":
                other.shutdown()
            elif epoch == 3:
                os.kill(other.run_on_scheduler(os.getpid), signal.SIGKILL)

        begin = time.monotonic()
        with pytest.raises(fd.ClusterError, match="resume=True"):
            fd.fit(
                regressor(max_iter=6, callback=end), *data, client=other, timeout=5,
                checkpoint=file, every=1,
            )  # fmt: skip
        assert time.monotonic() - begin < 30
    went_on = fd.fit(
        regressor(max_iter=6), *data, client=client, checkpoint=file, every=1, resume=True
    )
    assert hash_of(went_on) == hash_of(fd.fit(regressor(max_iter=6), *data, client=client))


@pytest.mark.slow
def test_without_workers_there_is_an_error():
    data = in_shards(*problem(), 3)
    with (
        cluster(0) as client,
        pytest.raises(fd.ClusterError, match="no worker"),
    ):
        fd.fit(regressor(), *data, client=client, timeout=2)


def pause(dask_worker):
    """What Dask does to a worker that is short of memory."""
    from distributed.core import Status

    dask_worker.status = Status.paused


@pytest.mark.slow
def test_workers_that_stay_paused_are_told_of(monkeypatch):
    monkeypatch.setattr("fastperc.distributed.running.PATIENCE", 2.0)
    with cluster(1, memory_limit=0) as client:
        client.run(pause)
        with pytest.raises(fd.ClusterError, match="paused for lack of memory"):
            fd.fit(regressor(), *in_shards(*problem(), 3), client=client, timeout=2)
        X, y = problem()
        with pytest.raises(fd.ClusterError, match="paused for lack of memory"):
            Fleet((5, 4, 1), 20, seed=0).train(X, y, epochs=5, lr=0.01, client=client)


# --- linear models --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "metric"),
    [
        (SGDRegressor(random_state=0), "r2"),
        (SGDRegressor(random_state=0), None),
        (SGDClassifier(loss="log_loss", random_state=0), "log_loss"),
    ],
    ids=str,
)
def test_linear_models_are_scored_on_their_way(client, model, metric):
    X, y = problem(900, "numbers" if metric != "log_loss" else "labels")
    alone = clone(model)
    parts = [alone.progressive_score(X[k : k + 300], y[k : k + 300], metric) for k in (0, 300, 600)]
    found = fd.progressive_score(model, *in_shards(X, y, 3), metric=metric, client=client)
    np.testing.assert_array_equal(model.coef_, alone.coef_)
    np.testing.assert_array_equal(model.intercept_, alone.intercept_)
    assert model.t_ == alone.t_
    whole = clone(model).progressive_score(X, y, metric)
    np.testing.assert_allclose(found.score, whole.score, rtol=1e-10)
    assert found.metric == whole.metric
    assert found.curve[:, 0].tolist() == [300, 600, 900]
    np.testing.assert_allclose(found.curve[0, 1], parts[0].score, rtol=1e-10)


def test_linear_models_predict_where_the_rows_are(client):
    X, y = problem(500, "labels")
    model = SGDClassifier(loss="log_loss", random_state=0).fit(X, y)
    shards = in_shards(X, y, 3)
    np.testing.assert_array_equal(fd.predict(model, shards[0]).compute(), model.predict(X))
    np.testing.assert_array_equal(
        fd.predict_proba(model, shards[0]).compute(), model.predict_proba(X)
    )
    assert fd.score(model, *shards) == model.score(X, y)


def test_a_refused_progressive_score_leaves_the_model_as_it_was(client):
    X, y = problem(300)
    y[250] = np.nan
    model = SGDRegressor(random_state=0)
    with pytest.raises(fd.ShardError, match="NaN") as caught:
        fd.progressive_score(model, *in_shards(X, y, 3), client=client, retries=0)
    assert caught.value.shard == "shard 2"
    assert not hasattr(model, "coef_")
    with pytest.raises(ValueError, match="metric: found 'mape', expected one of"):
        fd.progressive_score(model, *in_shards(X, y, 3), metric="mape", client=client)
    with pytest.raises(TypeError, match="expected a linear model"):
        fd.progressive_score(regressor(), *in_shards(X, y, 3), client=client)
