"""Rows as dicts: the columns of names, and names hashed as scikit-learn hashes them."""

import pickle
from collections import Counter, defaultdict
from copy import deepcopy
from decimal import Decimal
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction import FeatureHasher
from sklearn.utils import murmurhash3_32

from fastperc import SGDClassifier
from fastperc.estimators.linear import features
from fastperc.estimators.linear.features import FeatureNames, HashedNames, UnknownNameError
from fastperc.training.linear_row import ALL

NAMES = st.text(st.characters(codec="utf-8"), max_size=6)
NUMBERS = st.one_of(
    st.floats(-1e6, 1e6, allow_subnormal=False),
    st.integers(-1000, 1000),
    st.booleans(),
    st.integers(-5, 5).map(np.int64),
    st.floats(-5, 5, width=32).map(np.float32),
)


def read(names, x, grows=False, dtype=np.float64):
    """A row's values, written over what a row before has left."""
    values, columns = names.read(x, np.full(len(names), np.nan, dtype), grows)
    assert columns is ALL
    return values


def dense(hashed, x, dtype=np.float64):
    """A hashed row with a place for every column; no column comes twice."""
    values, columns = hashed.read(x, np.zeros(0, dtype))
    assert values.dtype == dtype
    assert columns.dtype == np.int32
    assert len(set(columns.tolist())) == len(columns)
    row = np.zeros(hashed.n_features)
    row[columns] = values
    return row


# --- names with a column each ---------------------------------------------------------------------


@given(x=st.dictionaries(NAMES, NUMBERS), known=st.lists(NAMES, unique=True))
def test_values_stand_in_the_order_of_the_names(x, known):
    expected = [float(x.get(name, 0)) for name in known]
    assert read(FeatureNames(known), x).tolist() == expected


@given(rows=st.lists(st.dictionaries(NAMES, NUMBERS), min_size=1))
def test_names_grow_in_the_order_in_which_they_come(rows):
    names = FeatureNames(())
    for x in rows:
        names = names.extended(x)
        assert read(names, x, grows=True).tolist() == [float(x.get(n, 0)) for n in names.names]
    assert names.names == tuple(dict.fromkeys(name for x in rows for name in x))


@pytest.mark.parametrize("x", [{"c": 1}, {"a": 1, "c": 1}, {"a": 1, "b": 2, "c": 3}])
def test_a_new_name_is_told_where_columns_may_grow_and_left_out_elsewhere(x):
    names = FeatureNames(["a", "b"])
    with pytest.raises(UnknownNameError, match="c"):
        names.read(x, np.zeros(2), True)
    assert read(names, x).tolist() == [x.get("a", 0), x.get("b", 0)]


def test_dicts_that_make_up_values_are_left_as_they_are():
    names = FeatureNames(["a", "b"])
    for x in (Counter(c=2, d=1), defaultdict(float, c=2.0, d=1.0)):
        with pytest.raises(UnknownNameError):
            names.read(x, np.zeros(2), True)
        assert read(names, x).tolist() == [0, 0]
        assert set(x) == {"c", "d"}
    assert read(names, MappingProxyType({"a": 3})).tolist() == [3, 0]


@pytest.mark.parametrize("n", [0, 1, 2, 30])
@pytest.mark.parametrize("copied", [deepcopy, lambda names: pickle.loads(pickle.dumps(names))])
def test_copies_of_names_read_the_same(n, copied):
    x = {f"name {k}": k + 0.5 for k in range(n)}
    names = copied(FeatureNames(x))
    assert names.names == tuple(x)
    assert read(names, x).tolist() == [*x.values()]


def test_short_floats_are_rounded_as_numpy_rounds():
    x = {"a": 0.1, "b": 1e-46, "c": Decimal("2.5")}
    found = read(FeatureNames(x), x, dtype=np.float32)
    assert found.tolist() == np.float32([0.1, 1e-46, 2.5]).tolist()


@pytest.mark.parametrize("other", [{}, {"z": 1.0}], ids=["one name", "two names"])
@pytest.mark.parametrize("value", ["old", b"1", None, 1j, np.complex64(1), [1.0], ()])
def test_what_is_no_number_is_refused_by_name(value, other):
    x = {"age": value, **other}
    with pytest.raises(TypeError, match=r"x\['age'\]: found .*, expected a number"):
        FeatureNames(x).read(x, np.zeros(len(x)))


@pytest.mark.parametrize("x", [{0: 1.0}, {None: 1.0}, {b"a": 1.0}, {("a", "b"): 1.0}])
def test_names_are_text(x):
    for take in (FeatureNames(()).extended, lambda x: HashedNames(8).read(x, np.zeros(0))):
        with pytest.raises(TypeError, match="expected names of type str"):
            take(x)


@pytest.mark.parametrize("names", [FeatureNames(["a", "b"]), HashedNames(8)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 10**400])
def test_the_check_finds_the_value_that_is_not_finite(names, value):
    names.check({"a": 1.0, "b": 2})
    with pytest.raises(ValueError, match=r"x\['b'\]: found .*, expected a finite number"):
        names.check({"a": 1.0, "b": value})


@pytest.mark.filterwarnings("error")
def test_numbers_too_large_are_found_by_the_check():
    names = FeatureNames(["a", "b"])
    x = {"a": 1.0, "b": 1e300}
    assert read(names, x, dtype=np.float32).tolist() == [1, np.inf]
    with pytest.raises(ValueError, match=r"x\['b'\]: found 1e\+300, expected .* float32 can hold"):
        names.check(x, np.dtype(np.float32))
    names.check(x, np.dtype(np.float64))
    with pytest.raises(ValueError, match=r"x\['a'\]: found inf, expected a finite number"):
        names.read({"a": 10**400, "b": 1.0}, np.zeros(2))


# --- hashed names ---------------------------------------------------------------------------------


@given(
    rows=st.lists(st.dictionaries(NAMES, st.one_of(NUMBERS, NAMES)), min_size=1),
    n_features=st.integers(1, 40) | st.just(2**20),
    alternate_sign=st.booleans(),
)
def test_hashed_rows_are_scikit_learns(rows, n_features, alternate_sign):
    hashed = HashedNames(n_features, alternate_sign)
    hasher = FeatureHasher(n_features, input_type="dict", alternate_sign=alternate_sign)
    expected = hasher.transform(rows)
    found = hashed.rows_of(rows)
    assert (found != expected).nnz == 0
    for k, x in enumerate(rows):
        values, columns = hashed.read(x, np.zeros(0))
        row = expected[[k]]
        places = np.argsort(columns)
        assert columns[places].tolist() == row.indices.tolist()
        np.testing.assert_allclose(values[places], row.data, rtol=1e-12, atol=1e-9)


def test_names_that_share_a_column_are_summed():
    x = {f"name {k}": 1 + k / 8 for k in range(200)}
    expected = FeatureHasher(7).transform([x]).toarray()[0]
    np.testing.assert_allclose(dense(HashedNames(7), x), expected, rtol=1e-13)


def inverse_of_fmix(h):
    """Undo the last step of MurmurHash3 (Appleby 2011), all of whose steps can be undone."""
    for shift, factor in ((16, 0xC2B2AE35), (13, 0x85EBCA6B), (16, 1)):
        undone = h
        for _ in range(2):  # h ^ h >> shift, undone from the highest bits on
            undone = h ^ undone >> shift
        h = undone * pow(factor, -1, 2**32) % 2**32
    return h


def rotated(h, n):
    return (h << n | h >> (32 - n)) % 2**32


def name_with_smallest_hash():
    """A name of eight letters whose hash is -2**31, the one number without a positive twin."""
    c1, c2 = 0xCC9E2D51, 0x1B873593
    for first in range(0x61616161, 0x7A7A7A7A):
        k = rotated(first * c1 % 2**32, 15) * c2 % 2**32
        before = (rotated(k, 13) * 5 + 0xE6546B64) % 2**32
        after = inverse_of_fmix(2**31) ^ 8
        mixed = rotated((after - 0xE6546B64) * pow(5, -1, 2**32) % 2**32, 32 - 13) ^ before
        second = rotated(mixed * pow(c2, -1, 2**32) % 2**32, 32 - 15) * pow(c1, -1, 2**32) % 2**32
        text = first.to_bytes(4, "little") + second.to_bytes(4, "little")
        if text.isascii():
            return text.decode()
    raise AssertionError("no such name")


@pytest.mark.parametrize("n_features", [1, 7, 1000, 2**20, 2**31 - 1])
def test_the_smallest_hash_has_scikit_learns_column(n_features):
    name = name_with_smallest_hash()
    assert murmurhash3_32(name.encode()) == -(2**31)
    expected = FeatureHasher(n_features).transform([{name: 1.5}])
    values, columns = HashedNames(n_features).read({name: 1.5}, np.zeros(0))
    assert columns.tolist() == expected.indices.tolist()
    assert values.tolist() == expected.data.tolist()


def test_few_names_are_remembered(monkeypatch):
    monkeypatch.setattr(features, "MOST_KEPT", 8)
    hashed = HashedNames(2**10)
    for k in range(50):
        x = {f"name {k}": 1.0, f"text {k % 3}": "value"}
        np.testing.assert_array_equal(dense(hashed, x), hashed.rows_of([x]).toarray()[0])
        assert len(hashed._places) <= 8
    assert len(pickle.dumps(hashed)) < 200


def test_hashed_values_have_the_models_dtype():
    found = dense(HashedNames(64), {"a": 0.1, "b": 1e300}, np.float32)
    assert sorted(np.abs(found[found != 0]).tolist()) == [np.float32(0.1), np.inf]


@pytest.mark.parametrize("value", [b"1", None, 1j, [1.0]])
def test_hashed_values_are_numbers_or_text(value):
    with pytest.raises(TypeError, match=r"x\['age'\]: found .*, expected a number"):
        HashedNames(8).read({"age": value}, np.zeros(0))


# --- in a model -----------------------------------------------------------------------------------


def test_a_model_of_hashed_dicts_is_one_of_hashed_rows():
    rng = np.random.default_rng(0)
    rows = [
        {f"word {k}": int(n) for k, n in enumerate(rng.poisson(0.3, 20)) if n}
        | {"city": f"c{i % 4}"}
        for i in range(60)
    ]
    y = rng.integers(0, 2, 60)
    by_dict = SGDClassifier(n_features=256)
    by_row = SGDClassifier()
    X = FeatureHasher(256).transform(rows)
    X.sort_indices()
    for x, row, label in zip(rows, X, y.tolist(), strict=True):
        by_dict.learn_one(x, label)
        by_row.learn_one(row, label)
    np.testing.assert_allclose(by_dict.coef_, by_row.coef_, rtol=1e-9, atol=1e-12)
    assert [*map(by_dict.predict_one, rows)] == by_row.predict(X).tolist()
