"""Sample weights and class weights of one model on shards: the same as on one machine."""

import os

import numpy as np
import pytest

from fastperc import MLPClassifier, MLPRegressor

pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
pandas = pytest.importorskip("pandas")
if os.name != "posix":
    pytest.skip("time limits are those of POSIX", allow_module_level=True)

from clusters import cluster, time_limit  # noqa: E402

from fastperc import distributed as fd  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
    """Inputs, numbers, labels of which one is rare, and weights of which some are 0."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 4)) * [1, 10, 0.1, 1]
    y = np.sin(X[:, 0]) + X[:, 3]
    weight = np.where(rng.random(600) < 0.2, 0.0, rng.uniform(0, 37, 600))
    return X, y, np.where(y > 1.2, "rare", "usual"), weight


def in_shards(*arrays, rows=200):
    return [da.from_array(a, chunks=(rows, *a.shape[1:])) for a in arrays]


def parameters(**given):
    usual = {"hidden_layer_sizes": (5,), "solver": "adam", "random_state": 0, "max_iter": 6,
             "scale": "standard", "alpha": 0.1, "tol": 0.0, "batch_size": 600}  # fmt: skip
    return usual | given


def assert_equal(one, many, atol=1e-10):
    for own, other in zip(
        [*one.coefs_, *one.intercepts_], [*many.coefs_, *many.intercepts_], strict=True
    ):
        np.testing.assert_allclose(other, own, rtol=0, atol=atol)
    np.testing.assert_allclose(many.loss_curve_, one.loss_curve_, rtol=0, atol=1e-10)


@pytest.mark.parametrize("rows", [600, 90])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs", "rprop"])
def test_sample_weights_of_a_regressor(client, data, solver, rows):
    X, y, _, weight = data
    one = MLPRegressor(**parameters(solver=solver)).fit(X, y, weight)
    X, y, weight = in_shards(X, y, weight, rows=rows)
    many = MLPRegressor(**parameters(solver=solver))
    fd.fit(many, X, y, sample_weight=weight, client=client)
    assert_equal(one, many)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("class_weight", ["balanced", {"rare": 7.5, "usual": 0.3}])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_class_weights(client, data, solver, class_weight, is_weighted):
    X, _, labels, weight = data
    weight = weight if is_weighted else None
    given = parameters(solver=solver, class_weight=class_weight)
    one = MLPClassifier(**given).fit(X, labels, weight)
    X, labels, *weight = in_shards(X, labels, *([weight] if is_weighted else []))
    many = MLPClassifier(**given)
    fd.fit(many, X, labels, sample_weight=weight[0] if weight else None, client=client)
    assert_equal(one, many)


@pytest.mark.parametrize("factor", [1e-300, 1e290])
def test_weights_of_any_size(client, data, factor):
    X, y, _, weight = data
    one = MLPRegressor(**parameters(alpha=0.0)).fit(X, y, weight)
    many = MLPRegressor(**parameters(alpha=0.0))
    X, y, weight = in_shards(X, y, weight * factor)
    assert_equal(one, fd.fit(many, X, y, sample_weight=weight, client=client))


def test_a_shard_without_weight_teaches_nothing(client, data):
    X, y, _, weight = data
    weight = np.where(np.arange(600) < 200, 0.0, weight)
    for method in ("exact", "local"):
        given = parameters(batch_size=20, solver="sgd", scale=None)
        with_it = fd.fit(
            MLPRegressor(**given), *in_shards(X, y), sample_weight=in_shards(weight)[0],
            method=method, client=client,
        )  # fmt: skip
        other = np.r_[y[:200][::-1], y[200:]]
        without = fd.fit(
            MLPRegressor(**given), *in_shards(X, other), sample_weight=in_shards(weight)[0],
            method=method, client=client,
        )  # fmt: skip
        assert_equal(with_it, without, atol=0)


def test_local_rounds_are_those_of_rows_given_again(client, data):
    """A whole shard of weight 3 counts as three of the same rows."""
    X, y, *_ = data
    given = parameters(batch_size=200, solver="sgd", shuffle=False, alpha=0.0, scale=None)
    weight = np.repeat([1.0, 1.0, 3.0], 200)
    options = {"method": "local", "local_epochs": 2, "client": client}
    weighted = fd.fit(
        MLPRegressor(**given), *in_shards(X, y), sample_weight=in_shards(weight)[0], **options
    )
    again = np.r_[0:600, 400:600, 400:600]
    repeated = fd.fit(MLPRegressor(**given), *in_shards(X[again], y[again]), **options)
    for own, other in zip(weighted.coefs_, repeated.coefs_, strict=True):
        np.testing.assert_allclose(own, other, rtol=0, atol=1e-12)


def test_early_stopping_judges_by_weighted_rows(client, data):
    X, y, _, weight = data
    given = parameters(batch_size=400, early_stopping=True, max_iter=4)
    del given["scale"]
    held = slice(400, None)
    one = MLPRegressor(**given).fit(
        X[:400], y[:400], weight[:400], X_val=X[held], y_val=y[held], sample_weight_val=weight[held]
    )
    many = fd.fit(
        MLPRegressor(**given), *in_shards(X, y), sample_weight=in_shards(weight)[0], client=client
    )
    np.testing.assert_allclose(many.validation_scores_, one.validation_scores_, rtol=0, atol=1e-10)


def test_a_column_has_the_weights(client, data, tmp_path):
    pytest.importorskip("pyarrow")
    X, y, _, weight = data
    frame = pandas.DataFrame(X, columns=[*"abcd"]).assign(y=y, w=weight)
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=200)
    parts = dd.from_pandas(frame, npartitions=3, sort=False)
    arrays = in_shards(X, y)
    expected = fd.fit(
        MLPRegressor(**parameters()), *arrays, sample_weight=in_shards(weight)[0], client=client
    )
    names = {"target": "y", "sample_weight": "w", "client": client}
    for found in (
        fd.fit(MLPRegressor(**parameters()), parts, **names),
        fd.fit(MLPRegressor(**parameters()), tmp_path, **names),
        fd.fit(
            MLPRegressor(**parameters()), parts[[*"abcd"]], parts.y, sample_weight=parts.w,
            client=client,
        ),
    ):  # fmt: skip
        assert found.n_features_in_ == 4
        assert_equal(expected, found)


def test_scores_are_weighted(client, data):
    X, y, labels, weight = data
    for model, target in (
        (MLPRegressor(**parameters()), y), (MLPClassifier(**parameters()), labels)
    ):  # fmt: skip
        model.fit(X, target)
        found = fd.score(model, *in_shards(X, target), sample_weight=in_shards(weight)[0])
        assert found == pytest.approx(model.score(X, target, weight), abs=1e-12)


@pytest.mark.parametrize(
    ("weight", "error", "words"),
    [
        (np.zeros(600), ValueError, "sample_weight sums to 0"),
        (np.full(600, -1.0), fd.ShardError, "shard 0: .*sample_weight: found -1"),
        (np.full(600, np.nan), fd.ShardError, "shard 0: .*sample_weight: found infinite, NaN"),
        (np.full(600, 1e308), ValueError, "sums to infinity"),
        (np.ones(599), ValueError, "sample_weight: found 599 rows, expected 600"),
        ("w", ValueError, "sample_weight: found 'w' with an array"),
        ([1.0] * 600, TypeError, "sample_weight: found list, expected a Dask array"),
    ],
)
def test_weights_that_cannot_be_are_refused(client, data, weight, error, words):
    X, y = in_shards(*data[:2])
    if isinstance(weight, np.ndarray):
        (weight,) = in_shards(weight)
    with pytest.raises(error, match=words):
        fd.fit(MLPRegressor(**parameters()), X, y, sample_weight=weight, client=client)


def test_a_class_without_a_weight_is_told(client, data):
    X, labels = in_shards(data[0], data[2])
    model = MLPClassifier(**parameters(class_weight={"rara": 2.0}))
    with pytest.raises(ValueError, match=r"'rara'\] are no classes"):
        fd.fit(model, X, labels, client=client)
    assert not hasattr(model, "coefs_")
