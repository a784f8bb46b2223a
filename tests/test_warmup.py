"""Warming up compiles all that networks and estimators need, and says where it came from."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from fastperc import MLPClassifier, MLPRegressor, Network
from fastperc import warmup as warming


@pytest.mark.usefixtures("threads_for_any_work")
@pytest.mark.slow
def test_both_dtypes_by_default():
    steps = list(warming.warmup())
    assert len({(step.what, step.dtype) for step in steps}) == len(steps) == 38
    assert {step.dtype for step in steps} == {"float32", "float64"}
    assert all(step.seconds > 0 for step in steps)


@pytest.mark.usefixtures("threads_for_any_work")
@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
def test_nothing_is_left_to_compile_for_any_network(dtype):
    list(warming.warmup([dtype]))
    before = warming._machine_code()
    net = Network((3, 5, 4), hidden="tanh", output="softmax", loss="cross_entropy", dtype=dtype)
    X, y = [[1, 2, 3], [4, 5, 6]], [0, 3]
    net.train(X, y, epochs=2, sample_weight=[1, 2], validation=(X, y))
    net.train(X, y, epochs=2, batch_size=2, optimizer="rprop")
    net.train(X, y, epochs=2, optimizer="sgd", momentum=0.9, alpha=0.1, clip_norm=1)
    net.train(X, y, epochs=2, optimizer="lbfgs")
    net.train(X * 300, y * 300, epochs=2, batch_size=600, threads=2, sample_weight=[1] * 600)
    net.forward(X * 300, threads=2)
    net.learn_one(X[0], 1)
    net.predict_one(X[0])
    net.predict(X)
    net.backward(X, y)
    assert warming._machine_code() == before


@pytest.mark.usefixtures("threads_for_any_work")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
def test_nothing_is_left_to_compile_for_any_estimator(dtype):
    list(warming.warmup([dtype]))
    before = warming._machine_code()
    X = np.random.default_rng(0).standard_normal((600, 3)).astype(dtype)
    label, y = np.repeat(["a", "b", "c"], 200), X[:, 0]
    options = {"hidden_layer_sizes": (5, 4), "max_iter": 2}
    weighted = MLPClassifier(**options, class_weight="balanced", early_stopping=True)
    weighted.fit(X, label, np.ones(600), X_val=X, y_val=label)
    MLPClassifier(**options, batch_size=600, n_threads=2, solver="sgd").fit(X, label).predict(X)
    MLPRegressor(**options, batch_size=300, solver="rprop", l1=0.1, clip_norm=1).fit(
        csr_array(X), y
    )
    online = MLPRegressor(**options, batch_size=1, scale="standard").fit(X, y)
    online.partial_fit(X[:1], y[:1])
    online.learn_one(X[0], 1.0)
    online.predict_one(X[0])
    online.predict(X)
    assert warming._machine_code() == before


def test_the_second_time_it_is_in_memory():
    list(warming.warmup(["float32"]))
    assert {step.source for step in warming.warmup(["float32"])} == {"memory"}


def test_an_unknown_dtype_is_refused():
    with pytest.raises(ValueError, match="dtype: found 'float16', expected 'float32'"):
        list(warming.warmup(["float16"]))


@pytest.mark.slow
def test_compiled_the_first_time_and_from_disk_the_next(run_python, tmp_path):
    code = """
import numpy as np
from fastperc.kernels.predict import predict_rows
from fastperc import Network, warming
net = Network((1, 1), seed=0)
print(warming.timed("outputs", "float32", lambda: net.forward([[1.0]])).source)
"""
    environment = {"NUMBA_CACHE_DIR": tmp_path, "FASTPERC_NUMBA_CACHE": "only"}
    assert run_python(code, **environment) == "compiled\n"
    assert run_python(code, **environment) == "disk\n"
