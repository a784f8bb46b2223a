"""scikit-learn's own tests of its multi-layer perceptron, run against ours.

The file comes with the installed scikit-learn; here its two class names are made to mean ours.
"""

import importlib.util
from pathlib import Path

import pytest

from fastperc import MLPClassifier, MLPRegressor

# They look at warnings themselves, and train for less than it takes to converge.
pytestmark = pytest.mark.filterwarnings("ignore")

# Tests that reach into private attributes, and why ours has no such thing.
LEFT_OUT = {
    "test_gradient": (
        "calls _loss_grad_lbfgs with lists of activations and deltas to write to; the kernels keep "
        "these in scratch. Gradients are held by tests/test_estimators_parity.py, step by step"
    ),
}


THEIRS = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
OURS = "from fastperc import MLPClassifier, MLPRegressor"


def own_tests():
    """The functions of scikit-learn's test file that test, by name."""
    package = importlib.util.find_spec("sklearn.neural_network").origin
    path = Path(package).parent / "tests" / "test_mlp.py"
    source = path.read_text(encoding="utf-8")
    assert source.count(THEIRS) == 1, "scikit-learn imports its classes in another way now"
    names = {"__file__": str(path), "__name__": "test_mlp"}
    exec(compile(source.replace(THEIRS, OURS), str(path), "exec"), names)
    return {name: value for name, value in names.items() if name.startswith("test_")}


@pytest.fixture
def global_random_seed():
    """What scikit-learn's conftest gives its tests."""
    return 42


OWN = own_tests()
globals().update({name: test for name, test in OWN.items() if name not in LEFT_OUT})


def test_what_is_left_out_exists():
    assert set(LEFT_OUT) <= set(OWN)
    assert len(OWN) > 30


def test_the_names_were_swapped():
    assert OWN["test_alpha"].__globals__["MLPClassifier"] is MLPClassifier
    assert OWN["test_alpha"].__globals__["MLPRegressor"] is MLPRegressor
