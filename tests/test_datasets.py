"""Data sets have their names, splits keep classes' shares, scaling follows the training part."""

import numpy as np
import pytest

from fastperc.datasets import DataError, Dataset, load, split, standardise

BUNDLED = {
    "breast_cancer": (569, 30, 2),
    "diabetes": (442, 10, 0),
    "digits": (1797, 64, 10),
    "iris": (150, 4, 3),
}
EXTERNAL = {"california_housing": (20640, 8, 0), "heart_statlog": (270, 13, 2)}


def check(dataset, n_samples, n_features, n_classes):
    assert dataset.X.shape == (n_samples, n_features)
    assert dataset.X.dtype == np.float64
    assert np.isfinite(dataset.X).all()
    assert len(dataset.feature_names) == n_features
    assert dataset.has_classes == (n_classes > 0)
    if n_classes:
        assert np.unique(dataset.y).tolist() == list(range(n_classes))
        assert len(dataset.target_names) == n_classes
    else:
        assert len(dataset.target_names) == 1
        assert dataset.y.dtype == np.float64
    assert dataset.description.endswith(".")


@pytest.mark.parametrize("name", BUNDLED)
def test_what_scikit_learn_ships(name):
    check(load(name), *BUNDLED[name])


@pytest.mark.parametrize("name", EXTERNAL)
def test_what_a_folder_holds(name, data_folder):
    check(load(name, data_folder), *EXTERNAL[name])


def test_classes_of_the_heart_data(data_folder):
    heart = load("heart_statlog", data_folder)
    assert heart.target_names == ("absence", "presence")
    assert np.bincount(heart.y).tolist() == [150, 120]


def test_an_unknown_name_is_answered_with_the_list():
    with pytest.raises(ValueError, match=r"found 'titanic', expected one of breast_cancer, .*iris"):
        load("titanic")
    with pytest.raises(TypeError, match="name: found 3"):
        load(3)


def test_a_named_folder_without_the_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"found no file heart_statlog\.dat in .* Name the folder"):
        load("heart_statlog", tmp_path)


@pytest.fixture
def nowhere(monkeypatch):
    monkeypatch.delenv("FASTPERC_DATA", raising=False)


def test_fetched_data_have_the_same_form(nowhere, monkeypatch):
    class Bunch:
        data = np.zeros((270, 13), object)
        target = np.array(["present", "absent"] * 135, object)

    fetched = {
        "fetch_openml": lambda name, **_: Bunch,
        "fetch_california_housing": lambda **_: (np.zeros((20640, 8)), np.zeros(20640)),
    }
    for function, result in fetched.items():
        monkeypatch.setattr(f"sklearn.datasets.{function}", result)
    check(load("heart_statlog"), *EXTERNAL["heart_statlog"])
    assert load("heart_statlog").y[:2].tolist() == [1, 0]
    check(load("california_housing"), *EXTERNAL["california_housing"])


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("heart_statlog", "fetch_openml"),
        ("california_housing", "fetch_california_housing"),
    ],
)
def test_without_a_network_the_error_names_the_file_and_the_variable(
    nowhere, monkeypatch, name, function
):
    def fail(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(f"sklearn.datasets.{function}", fail)
    with pytest.raises(DataError, match=r"no route to host.*Put .* into a folder.*FASTPERC_DATA"):
        load(name)


def test_a_part_of_a_data_set_is_refused(nowhere, monkeypatch):
    part = np.zeros((100, 8)), np.zeros(100)
    monkeypatch.setattr("sklearn.datasets.fetch_california_housing", lambda **_: part)
    with pytest.raises(DataError, match="100 samples in what was fetched, expected 20640"):
        load("california_housing")


def test_a_split_keeps_the_share_of_each_class_and_every_sample():
    iris = load("iris")
    X_train, X_test, y_train, y_test = split(iris, 0.2, seed=3)
    assert np.bincount(y_train).tolist() == [40, 40, 40]
    assert np.bincount(y_test).tolist() == [10, 10, 10]
    together = np.vstack([X_train, X_test])
    assert sorted(map(tuple, together)) == sorted(map(tuple, iris.X))


def test_a_split_follows_from_its_seed():
    diabetes = load("diabetes")
    first, again, other = (split(diabetes, 0.25, seed) for seed in (0, 0, 1))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (first[1] != other[1]).any()
    assert len(first[1]) == 111


def test_standardise_measures_the_first_and_applies_to_all():
    rng = np.random.default_rng(0)
    train, other = rng.normal(3, 5, (50, 4)), rng.normal(3, 5, (20, 4))
    scaled, other_scaled = standardise(train, other)
    assert scaled.mean(axis=0) == pytest.approx(0, abs=1e-15)
    assert scaled.std(axis=0) == pytest.approx(1)
    assert other_scaled == pytest.approx((other - train.mean(axis=0)) / train.std(axis=0))


def test_standardise_takes_targets_too():
    (scaled,) = standardise([2.0, 4.0])
    assert scaled.tolist() == [-1, 1]


def test_a_constant_column_is_only_shifted():
    # 0.1 sums to something else than 3 * 0.1: neither mean nor deviation may show that.
    train, other = standardise([[0.1], [0.1], [0.1]], [[2.1]])
    assert train.tolist() == [[0], [0], [0]]
    assert other.tolist() == [[2]]


def test_standardise_refuses_what_has_no_mean():
    with pytest.raises(ValueError, match="array 1: found nan"):
        standardise([1.0, np.nan])
    with pytest.raises(ValueError, match="array 2: found 2 dimensions"):
        standardise([1.0, 2.0], [[1.0]])


def test_a_data_set_stays_as_it_is():
    dataset = Dataset("name", np.zeros((1, 1)), np.zeros(1), ("x",), ("y",), "Nothing.")
    with pytest.raises(AttributeError):
        dataset.y = None
