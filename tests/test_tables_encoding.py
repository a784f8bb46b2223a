"""`TableEncoder` against scikit-learn's own transformers, and what it refuses."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fastperc.errors import TableError
from fastperc.tables import TableEncoder


def frame(n=500, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "size": rng.normal(50, 10, n),
        "rooms": rng.integers(1, 6, n),
        "kind": rng.choice(["flat", "house", "boat"], n, p=[0.6, 0.3, 0.1]),
        "new": rng.choice([True, False], n),
    })  # fmt: skip


def with_holes(n=500, seed=1):
    table, rng = frame(n, seed), np.random.default_rng(seed)
    table.loc[rng.random(n) < 0.1, "size"] = np.nan
    table.loc[rng.random(n) < 0.1, "kind"] = None
    return table


NAMES = {"numbers": ["size", "rooms"], "categories": ["kind", "new"]}


def test_it_is_a_standard_scaler_and_a_one_hot_encoder():
    train, test = frame(), frame(seed=5)
    theirs = ColumnTransformer([
        ("numbers", StandardScaler(), ["size", "rooms"]),
        ("categories", OneHotEncoder(sparse_output=False), ["kind", "new"]),
    ]).fit(train)  # fmt: skip
    ours = TableEncoder(**NAMES, dtype="float64").fit(train)
    np.testing.assert_allclose(ours.transform(test), theirs.transform(test), rtol=1e-12)
    assert ours.transform(test).dtype == np.float64
    assert [*ours.get_feature_names_out()] == [
        "size", "rooms", "kind=boat", "kind=flat", "kind=house", "new=false", "new=true",
    ]  # fmt: skip


def test_missing_numbers_are_the_mean_with_an_indicator():
    train = with_holes()
    theirs = ColumnTransformer([
        ("size", make_pipeline(StandardScaler(), SimpleImputer(strategy="constant", fill_value=0,
                                                               add_indicator=True)), ["size"]),
        ("rooms", StandardScaler(), ["rooms"]),
    ]).fit(train)  # fmt: skip
    ours = TableEncoder(["size", "rooms"], missing="indicator", dtype="float64").fit(train)
    np.testing.assert_allclose(ours.transform(train), theirs.transform(train), atol=1e-12)
    mean = TableEncoder(["size", "rooms"], missing="mean", dtype="float64").fit(train)
    np.testing.assert_allclose(mean.transform(train), theirs.transform(train)[:, [0, 2]])
    assert mean.notes_.missing == {"size": int(train["size"].isna().sum())}


def test_a_missing_category_is_one_of_its_own():
    train = with_holes()
    encoder = TableEncoder(categories=["kind"], missing="mean").fit(train)
    out = encoder.transform(train)
    assert [*encoder.get_feature_names_out()][-1] == "kind missing"
    np.testing.assert_array_equal(out[:, -1], train["kind"].isna())
    np.testing.assert_array_equal(out.sum(axis=1), 1)


@pytest.mark.parametrize("missing", ["error", "drop"])
def test_a_missing_cell_is_refused_with_its_place(missing):
    train = with_holes()
    row = min(train["size"].isna().argmax(), train["kind"].isna().argmax())
    with pytest.raises(TableError, match=rf"row {row + 1}: \d+ cells have no value, in"):
        TableEncoder(missing=missing).fit(train)
    encoder = TableEncoder(missing=missing).fit(frame())
    with pytest.raises(TableError, match="--missing indicator"):
        encoder.transform(train)


def test_unseen_categories_are_counted_and_go_where_the_rare_ones_are():
    train = pd.DataFrame({"kind": ["a"] * 20 + ["b"] * 20 + ["c", "d"]})
    later = pd.DataFrame({"kind": ["a", "c", "z", "z"], "more": 1})
    encoder = TableEncoder(categories=["kind"], min_count=5).fit(train)
    assert [*encoder.get_feature_names_out()] == ["kind=a", "kind=b", "kind other"]
    assert encoder.transform(later).tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]]
    assert encoder.notes_.unseen == {"kind": 2}
    assert encoder.notes_.ignored == ("more",)
    plain = TableEncoder(categories=["kind"]).fit(train)
    assert plain.transform(later)[2:].sum() == 0
    most = TableEncoder(categories=["kind"], max_categories=1).fit(train)
    assert [*most.get_feature_names_out()] == ["kind=a", "kind other"]


def test_long_tails_are_brought_together():
    rng = np.random.default_rng(0)
    x = np.exp(rng.normal(0, 3, 2000))
    out = TableEncoder(["x"], dtype="float64").fit_transform(pa.table({"x": x}))[:, 0]
    low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
    expected = np.arcsinh((x - middle) / ((high - low) / 2))
    np.testing.assert_allclose(out, (expected - expected.mean()) / expected.std(), atol=1e-9)
    assert np.abs(out).max() < 6


def test_mostly_zeros_have_tails_too():
    x = np.zeros(1000)
    x[:30] = np.linspace(1000, 100_000, 30)
    out = TableEncoder(["x"]).fit_transform(pa.table({"x": x}))
    assert np.isfinite(out).all()
    assert np.abs(out).max() < 10


def test_dates_in_parts():
    days = pd.date_range("2024-01-01", periods=800, freq="h")
    encoder = TableEncoder(dates=["when"], dtype="float64")
    out = encoder.fit_transform(pd.DataFrame({"when": days}))
    names = [*encoder.get_feature_names_out()]
    hour = 2 * np.pi * days.hour / 24
    weekday = 2 * np.pi * days.day_of_week / 7
    np.testing.assert_allclose(out[:, names.index("when hour sin")], np.sin(hour), atol=1e-6)
    np.testing.assert_allclose(out[:, names.index("when hour cos")], np.cos(hour), atol=1e-6)
    np.testing.assert_allclose(out[:, names.index("when weekday sin")], np.sin(weekday), atol=1e-9)
    month = 2 * np.pi / 12 * (days.month - 1 + (days.day - 1) / 31)
    np.testing.assert_allclose(out[:, names.index("when month cos")], np.cos(month), atol=1e-9)
    seconds = np.asarray(days, "M8[s]").astype(float)
    expected = (seconds - seconds.mean()) / seconds.std()
    np.testing.assert_allclose(out[:, 0], expected, atol=1e-9)


def test_a_date_of_one_day_has_no_parts_that_do_not_vary():
    days = pd.to_datetime(["2024-05-01 10:00", "2024-05-01 12:00"])
    encoder = TableEncoder(dates=["when"]).fit(pd.DataFrame({"when": days}))
    assert encoder.encodings_[0].parts == ("hour",)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pd", "pl", "pa"])
def test_every_frame_gives_the_same(make):
    table = pa.table(frame())
    given = {pd.DataFrame: table.to_pandas, pl.DataFrame: lambda: pl.from_arrow(table),
             pa.table: lambda: table}[make]()  # fmt: skip
    expected = TableEncoder(**NAMES).fit_transform(table)
    np.testing.assert_array_equal(TableEncoder(**NAMES).fit(given).transform(given), expected)


def test_columns_are_found_by_name():
    table = frame()
    encoder = TableEncoder(**NAMES).fit(table)
    other = table[["new", "kind", "size", "rooms"]]
    np.testing.assert_array_equal(encoder.transform(other), encoder.transform(table))
    with pytest.raises(TableError, match="no column 'size'"):
        encoder.transform(table[["new", "kind", "rooms"]])


def test_columns_of_another_type_are_refused():
    encoder = TableEncoder(**NAMES).fit(frame())
    with pytest.raises(TableError, match="column 'size': found 'big', expected numbers"):
        encoder.transform(frame().assign(size="big"))


def test_numbers_as_categories_are_known_as_floats_too():
    """pandas makes floats of whole numbers where one is missing."""
    encoder = TableEncoder(categories=["code"], missing="mean").fit(pa.table({"code": [1, 2, 3]}))
    out = encoder.transform(pa.table({"code": [3.0, None, 1.0]}))
    assert out.tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_what_scikit_learn_expects_of_an_estimator():
    encoder = TableEncoder(["size"], missing="mean")
    assert clone(encoder).get_params() == encoder.get_params()
    with pytest.raises(NotFittedError):
        encoder.transform(frame())
    with pytest.raises(ValueError, match="'missing' parameter"):
        TableEncoder(missing="guess").fit(frame())


def test_more_rows_than_are_encoded_at_once():
    table = frame(150_000)
    encoder = TableEncoder(**NAMES).fit(table)
    out = encoder.transform(table)
    np.testing.assert_array_equal(out[70_000:70_010], encoder.transform(table[70_000:70_010]))


@pytest.mark.parametrize("unit", [1e-300, 1e-30, 1e30, 1e300, 1.7e308])
def test_numbers_of_every_size(unit):
    x = np.linspace(-1, 1, 200)
    out = TableEncoder(dtype="float64").fit_transform(pa.table({"x": x * unit}))
    np.testing.assert_allclose(out[:, 0], x / x.std(), atol=1e-9)


def test_a_category_is_the_same_whatever_else_is_in_its_column():
    """Numbers that are written with exponents beside others, and without by themselves."""
    numbers = [1e12, 2.5, -0.0, 3.0, 1e12, None]
    encoder = TableEncoder([], ["code"], [], missing="mean").fit(pa.table({"code": numbers}))
    assert encoder.get_feature_names_out().tolist() == [
        "code=0", "code=1000000000000", "code=2.5", "code=3", "code missing",
    ]  # fmt: skip
    whole = encoder.transform(pa.table({"code": numbers}))
    for k, number in enumerate(numbers):
        alone = pa.table({"code": pa.array([number], pa.float64())})
        np.testing.assert_array_equal(encoder.transform(alone), whole[[k]])
        assert encoder.notes_.unseen == {}
    as_integers = pa.table({"code": pa.array([0, 3, 10**12])})
    np.testing.assert_array_equal(encoder.transform(as_integers), whole[[2, 3, 0]])
