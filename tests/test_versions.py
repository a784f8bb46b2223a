"""What another version stored is loaded, and says so."""

import pickle
import warnings

import numpy as np
import pytest

import fastperc
from fastperc.errors import ModelVersionWarning
from fastperc.versions import STAMP

pytestmark = pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).standard_normal((30, 3))
Y = (X[:, 0] > 0).astype(int)
OWN = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}
MODELS = {
    "network": lambda: fastperc.Network((3, 1), seed=0),
    "fleet": lambda: fastperc.Fleet((3, 1), 2, seed=0),
    "classifier": lambda: fastperc.MLPClassifier(**OWN).fit(X, Y),
    "regressor": lambda: fastperc.MLPRegressor(**OWN).fit(X, Y),
    "linear": lambda: fastperc.SGDClassifier(random_state=0).fit(X, Y),
    "ensemble": lambda: fastperc.MLPEnsembleRegressor(**OWN, n_members=2).fit(X, Y),
    "groups": lambda: fastperc.GroupedMLPRegressor(fastperc.MLPRegressor(**OWN)).fit(
        X, Y, groups=np.arange(30) % 2
    ),
}


def predicted(model, what):
    return model.predict(X, groups=np.arange(30) % 2) if what == "groups" else model.predict(X)


def loaded(state, model):
    found = type(model).__new__(type(model))
    found.__setstate__(state)
    return found


@pytest.mark.parametrize("what", MODELS)
def test_the_same_version_says_nothing(what):
    model = MODELS[what]()
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(predicted(again, what), predicted(model, what))
    assert STAMP not in vars(again)
    assert model.__getstate__()[STAMP] == fastperc.__version__


@pytest.mark.parametrize("what", MODELS)
def test_another_version_says_so_and_is_loaded(what):
    model = MODELS[what]()
    state = model.__getstate__()
    with pytest.warns(
        ModelVersionWarning, match=r"stored by version 0\.0\.9 of fastperc, loaded by"
    ):
        other = loaded({**state, STAMP: "0.0.9"}, model)
    assert np.array_equal(predicted(other, what), predicted(model, what))
    with pytest.warns(
        ModelVersionWarning, match=rf"{type(model).__name__}: stored by an older version"
    ):
        loaded({name: value for name, value in state.items() if name != STAMP}, model)


def test_a_pickle_of_another_version_warns_where_it_is_loaded(monkeypatch):
    model = MODELS["classifier"]()
    monkeypatch.setattr("fastperc.versions.__version__", "9.9")
    written = pickle.dumps(model)
    monkeypatch.undo()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pickle.loads(written)
    assert [w.category for w in caught] == [ModelVersionWarning]
    assert "stored by version 9.9" in str(caught[0].message)
