"""scikit-learn's own tests of its linear models trained by SGD, run against ours.

The files come with the installed scikit-learn; here its class names are made to mean ours. Tests
are parametrised as they are there, less what is about `SGDOneClassSVM`, which we do not have.
"""

import importlib.util
import re
import sys
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace

import pytest
import sklearn.linear_model

import fastperc
from fastperc import (
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    SGDClassifier,
    SGDRegressor,
)

# They look at warnings themselves, and train for less than it takes to converge.
pytestmark = pytest.mark.filterwarnings("ignore")

FILES = ("test_perceptron", "test_sgd", "test_passive_aggressive")
OURS = {
    model.__name__: model
    for model in (
        PassiveAggressiveClassifier,
        PassiveAggressiveRegressor,
        Perceptron,
        SGDClassifier,
        SGDRegressor,
    )
}
ONE_CLASS = {"SGDOneClassSVM", "SparseSGDOneClassSVM"}

# Of single tests, and why they are not for us.
CYTHON = "tests Cython objects of _sgd_fast; ours are held by tests/test_linear_parity.py"
NOT_OURS = "tests SGDOneClassSVM"
LEFT_OUT = {
    "test_plain_has_no_average_attr": "names four private arrays of averages; nothing else",
    "test_validation_mask_correctly_subsets": "replaces a private class of _stochastic_gradient",
    "test_loss_function_epsilon": "reads the private table of Cython losses",
    "test_class_deprecation": "PassiveAggressive* is deprecated there and is not here",
    "test_passive_aggressive_deprecated_average": "average=0 was taken with a warning, until 1.6",
    "test_power_t_limits": "a power_t below 0 is deprecated there and is not here",
    "test_multi_thread_multi_class_and_early_stopping": (
        "asks for the score in the epoch in which early stopping ends there; see "
        "tests/test_linear_faults.py"
    ),
    "test_loss_hinge": CYTHON,
    "test_gradient_squared_hinge": CYTHON,
    "test_loss_modified_huber": CYTHON,
    "test_loss_epsilon_insensitive": CYTHON,
    "test_loss_squared_epsilon_insensitive": CYTHON,
    "test_loss_log": CYTHON,
    "test_loss_squared_loss": CYTHON,
    "test_loss_huber": CYTHON,
    "test_ocsvm_vs_sgdocsvm": NOT_OURS,
    "test_sgd_oneclass_convergence": NOT_OURS,
    "test_sgd_oneclass_vs_linear_oneclass": NOT_OURS,
    "test_sgd_oneclass_vs_linear_oneclass_offsets_match": NOT_OURS,
    "test_sgd_one_class_svm_estimator_type": NOT_OURS,
    "test_sgd_one_class_svm_formulation_with_scipy_minimize": NOT_OURS,
}
SLOW = {"test_SGDClassifier_fit_for_all_backends", "test_multi_core_gridsearch_and_early_stopping"}

# Patterns of what is written otherwise there.
SWAPS = {
    # Where the classes come from.
    r"from sklearn import datasets, linear_model, metrics": "from sklearn import datasets, metrics",
    r"from sklearn\.linear_model import (?!_)": "from fastperc import ",
    # Lines of tests that are about more: averages are private arrays of other names here.
    r'assert hasattr\(\w+, "_(average|standard)_(coef|intercept)"\)': "pass",
    # The losses by name: there, keys of a table of Cython objects.
    r"linear_model\.SGDClassifier\.loss_functions": "THEIR_LOSSES",
    # Two ways to the same sum: theirs adds in the same order in both, ours does not.
    r"decimal=16": "decimal=14",
    # Marks of scikit-learn's own, which are about how it runs its tests.
    r"(?m)^@pytest\.mark\.(?!parametrize|filterwarnings|skipif|xfail)\w+ *(#.*)?\n": "",
}


def source_of(file):
    """Return where a test file of scikit-learn is and its text; None where it is not installed."""
    package = Path(importlib.util.find_spec("sklearn.linear_model").origin).parent
    path = package / "tests" / f"{file}.py"
    return (path, path.read_text(encoding="utf-8")) if path.exists() else (path, None)


def swapped(text):
    """Return the text of a test file, with what `SWAPS` says."""
    for theirs, ours in SWAPS.items():
        text = re.sub(theirs, ours, text)
    return text


def own_module(file):
    """Run a test file of scikit-learn with our classes; a module, since pickling looks for one."""
    path, text = source_of(file)
    if text is None:
        return None
    module = ModuleType(f"sklearn_own_{file}")
    module.__file__ = str(path)
    module.linear_model = SimpleNamespace(**{**vars(sklearn.linear_model), **OURS})
    module.THEIR_LOSSES = tuple(sklearn.linear_model.SGDClassifier.loss_functions)
    sys.modules[module.__name__] = module
    exec(compile(swapped(text), str(path), "exec"), vars(module))
    return module


def names_in(value):
    """Return the names of all functions and classes among the values of a parameter."""
    values = getattr(value, "values", value)  # of pytest.param
    return {
        name
        for item in (values if isinstance(values, (tuple, list)) else (values,))
        if (name := getattr(item, "__name__", None)) is not None
    }


def less_one_class(mark):
    """Return a parametrisation without the values that are about the one-class model."""
    kept = [value for value in mark.args[1] if not names_in(value) & ONE_CLASS]
    return pytest.mark.parametrize(mark.args[0], kept, **mark.kwargs).mark


def is_for_us(mark):
    return mark.name != "parametrize" or len(less_one_class(mark).args[1]) > 0


def adopted(name, test):
    """Return a copy of a test that runs here; None if nothing of it is about our classes."""
    marks = getattr(test, "pytestmark", [])
    if not all(map(is_for_us, marks)):
        return None
    ours = FunctionType(test.__code__, test.__globals__, name, test.__defaults__, test.__closure__)
    ours.__doc__ = test.__doc__
    ours.pytestmark = [less_one_class(m) if m.name == "parametrize" else m for m in marks]
    if name in SLOW:
        ours.pytestmark.append(pytest.mark.slow.mark)
    return ours


def own_tests(module):
    """The functions of a file that test, by name."""
    tests = {n: f for n, f in vars(module).items() if n.startswith("test_") and callable(f)}
    return {name: adopted(name, test) for name, test in tests.items()}


MODULES = {file: own_module(file) for file in FILES}
OWN = {file: own_tests(module) for file, module in MODULES.items() if module is not None}
globals().update(
    {
        f"{file}__{name.removeprefix('test_')}": test
        for file, tests in OWN.items()
        for name, test in tests.items()
        if test is not None and name not in LEFT_OUT
    }
)


@pytest.fixture
def global_random_seed():
    """What scikit-learn's conftest gives its tests."""
    return 42


@pytest.mark.parametrize("file", FILES)
def test_the_file_is_installed_and_its_names_were_swapped(file):
    module = MODULES[file]
    if module is None:
        pytest.skip(f"the installed scikit-learn has no {file}.py")
    found = {name for name in OURS if getattr(module, name, None) is getattr(fastperc, name)}
    if file == "test_sgd":  # which wraps the classes in functions of the same names
        assert module.linear_model.SGDClassifier is SGDClassifier
        assert type(module.SGDRegressor()) is SGDRegressor
    else:
        assert found
        assert not {name for name in OURS if hasattr(module, name)} - found


def test_most_of_them_run():
    kept = [n for tests in OWN.values() for n, test in tests.items() if test and n not in LEFT_OUT]
    assert len(kept) > 70
