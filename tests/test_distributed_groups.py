"""A network for each group of a Dask DataFrame."""

import pickle
from functools import partial

import numpy as np
import pytest
from clusters import cluster, same, time_limit
from sklearn.exceptions import ConvergenceWarning

from fastperc import MLPClassifier, MLPRegressor, fit_groups

pandas = pytest.importorskip("pandas")
pytest.importorskip("distributed")
dd = pytest.importorskip("dask.dataframe")
pytestmark = [
    pytest.mark.posix,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

from fastperc import distributed as ours  # noqa: E402 (needs what comes before)

NET = MLPRegressor(hidden_layer_sizes=(4,), max_iter=6, tol=0, random_state=0)
NAMES = {"target": "y", "groups": "shop", "order": "day"}


@pytest.fixture(autouse=True)
def limited():
    with time_limit():
        yield


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    shop = np.repeat([f"shop {k:02}" for k in range(12)], 20)
    a, b = rng.uniform(-1, 1, (2, 240))
    table = {"shop": shop, "day": np.tile(np.arange(20), 12), "a": a, "b": b, "y": a * b}
    return pandas.DataFrame(table)


@pytest.fixture(scope="module")
def model(frame):
    return fit_groups(NET, frame[["a", "b"]], frame["y"], frame["shop"])


@pytest.fixture(scope="module")
def client(model):  # after the model, whose machine code the workers find ready
    with cluster(2) as client:
        yield client


def assert_those_of_one_process(table, model):
    assert table.shop.tolist() == model.groups_.tolist()
    for shop, stored in zip(table.shop, table.model, strict=True):
        for own, other in zip(
            pickle.loads(stored).coefs_, model.estimator_of(shop).coefs_, strict=True
        ):
            assert same(own, other)


def test_partitions_with_whole_groups(client, frame, model):
    parts = dd.from_pandas(frame, npartitions=4, sort=False)
    table = ours.fit_groups(NET, parts, **NAMES, client=client)
    assert table.rows.tolist() == [20] * 12
    assert table.epochs.tolist() == [6] * 12
    assert_those_of_one_process(table, model)


def test_groups_in_several_partitions_are_refused_or_brought_together(client, frame, model):
    mixed = frame.sample(frac=1, random_state=0)
    parts = dd.from_pandas(mixed, npartitions=3, sort=False)
    with pytest.raises(ValueError, match=r"12 groups in several partitions \('shop"):
        ours.fit_groups(NET, parts, **NAMES, client=client)
    table = ours.fit_groups(NET, parts, **NAMES, shuffle=True)  # the client of this process
    assert_those_of_one_process(table, model)


def test_one_seed_for_all_partitions(client, frame):
    net = MLPRegressor(**{**NET.get_params(), "random_state": None})
    parts = dd.from_pandas(frame, npartitions=4, sort=False)
    table = ours.fit_groups(net, parts, **NAMES, client=client)
    assert len({pickle.loads(stored).random_state for stored in table.model}) == 1


def test_the_function_is_a_body_for_other_engines(frame, model):
    """What Spark's applyInPandas and Ray's map_groups call: frames of whole groups, one by one."""
    body = partial(ours.fit_partition, estimator=NET, **NAMES)
    bucket = frame.shop.map(lambda name: int(name[-2:]) % 5)
    parts = [body(part) for _, part in frame.groupby(bucket)]
    table = pandas.concat(parts).sort_values("shop")
    assert_those_of_one_process(table, model)
    assert_those_of_one_process(pickle.loads(pickle.dumps(body))(frame), model)


def test_an_empty_partition_has_the_same_columns(frame):
    body = partial(ours.fit_partition, estimator=NET, **NAMES)
    assert (body(frame[:0]).dtypes == body(frame).dtypes).all()
    assert len(body(frame[:0])) == 0


def test_weights_features_and_classes(frame):
    named = frame.assign(y=np.where(frame.y > 0, "up", "down"), w=1.0 + frame.day)
    net = MLPClassifier(hidden_layer_sizes=(3,), max_iter=5, tol=0, random_state=0)
    table = ours.fit_partition(
        named, net, target="y", groups="shop", features=["b", "a"], weight="w"
    )
    model = pickle.loads(table.model[0])
    assert model.feature_names_in_.tolist() == ["b", "a"]
    rows = named[named.shop == "shop 00"]
    alone = fit_groups(
        net, rows[["b", "a"]], rows.y, rows.shop, sample_weight=rows.w.to_numpy()
    ).estimator_of("shop 00")
    assert same(model.coefs_[0], alone.coefs_[0])


def test_a_network_that_diverges_is_none(frame):
    net = MLPRegressor(
        hidden_layer_sizes=(4,), max_iter=30, solver="sgd", activation="identity", random_state=0,
        learning_rate_init=0.02,
    )  # fmt: skip
    large = frame.assign(y=np.where(frame.shop == "shop 03", 1e30, frame.y))
    with pytest.warns(ConvergenceWarning, match="1 of 12 groups"):
        table = ours.fit_partition(large, net, **NAMES)
    assert table.model.isna().tolist() == (table.shop == "shop 03").tolist()
    assert table.stopped[3] == "diverged"
