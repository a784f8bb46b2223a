"""A user's own strictly checked script sees the types of the estimators."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastperc

pytestmark = pytest.mark.slow

SCRIPT = """
import numpy as np
from fastperc import MLPClassifier, MLPRegressor

X = np.zeros((4, 2))
y = np.array([0, 1, 0, 1])
model = MLPClassifier((8,), activation="tanh", learning_rate=lambda epoch: 0.1)
labels: np.ndarray = model.fit(X, y).predict(X)
shown: np.ndarray = model.partial_fit(X, y, classes=[0, 1]).predict_proba(X)
weights: list[np.ndarray] = model.coefs_
loss: float = model.learn_one(X[0], y[0])
label = model.predict_one(X[0])
curve: list[float] = MLPRegressor(hidden_layer_sizes=(8,)).fit(X, y, np.ones(4)).loss_curve_
reveal_type(model.fit(X, y))
reveal_type(MLPRegressor().predict(X))
"""
FIRST_WRONG = SCRIPT.count("\n") + 2
WRONG = {
    "MLPClassifier((8,), solvr='sgd')": "solvr",
    "MLPClassifier(('a',))": "Sequence[int]",
    "MLPRegressor((8,))": "str",
    "MLPClassifier().fit()": "Missing positional",
}


@pytest.fixture(scope="module")
def lines(tmp_path_factory, pytestconfig):
    """What ``mypy --strict`` says of a script."""
    pytest.importorskip("mypy")
    folder = tmp_path_factory.mktemp("typed")
    (folder / "script.py").write_text("\n".join([SCRIPT, *WRONG]))
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "script.py"]
    if hasattr(pytestconfig, "cache"):
        mypy += ["--cache-dir", str(pytestconfig.cache.mkdir("mypy"))]
    home = Path(fastperc.__file__).parents[1]
    # An editable installation is not found by itself, and an installed one must not be named.
    path = {} if home.name == "site-packages" else {"MYPYPATH": str(home)}
    done = subprocess.run(
        mypy, cwd=folder, capture_output=True, text=True, timeout=300, env=os.environ | path
    )
    return [line for line in done.stdout.splitlines() if line.startswith("script.py")]


def said_of(lines, number):
    return [line for line in lines if line.startswith(f"script.py:{number}:")]


def test_a_strictly_typed_script_is_clean(lines):
    told = [line for number in range(FIRST_WRONG) for line in said_of(lines, number)]
    assert [line for line in told if ": error:" in line] == []
    assert any("MLPClassifier" in line and "note" in line for line in told)
    assert any("ndarray" in line and "note" in line for line in told)


def test_mistakes_are_found(lines):
    for number, words in enumerate(WRONG.values(), FIRST_WRONG):
        told = said_of(lines, number)
        assert any(words in line for line in told), told
