"""Models written as Python modules, against the library."""

import subprocess
import sys

import pytest
from exports import in_python

import fastperc
from export_models import HEADS, classifier_cases, estimator_cases, fleet_case, group_cases
from export_models import network_case as case_of
from fastperc import Network, to_python


def some_cases():
    """Networks of every other head; fleets, groups and classifiers."""
    for i in range(0, len(HEADS), 2):
        yield f"network {i}", case_of(i)
    yield "fleet", fleet_case(4)
    yield "shapes", fleet_case(1, shapes_differ=True)
    yield from [*group_cases()][::3]
    yield from [*classifier_cases()][::4]


@pytest.mark.parametrize("numpy", [False, True])
def test_models(numpy):
    for name, case in some_cases():
        try:
            in_python.compare(case, numpy)
        except Exception as error:
            error.add_note(name)
            raise


@pytest.mark.slow
@pytest.mark.parametrize("numpy", [False, True])
def test_every_estimator(numpy):
    for case in estimator_cases().values():
        in_python.compare(case, numpy)


def test_a_module_needs_nothing_but_python(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(to_python(case_of(1).model), encoding="utf-8")
    code = "import sys, model; print('numpy' in sys.modules, 'fastperc' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["False", "False"]


def test_what_a_module_looks_like():
    net = Network((2, 2, 1), hidden="sigmoid", output="sigmoid", loss="log_loss",
                  init=([[[1, 2], [3, 4]], [[5], [6]]], [[0.5, 0.25], [0]]))  # fmt: skip
    text = to_python(net)
    assert '\n\ndef outputs(x):\n    """Return the outputs of the network."""\n' in text
    assert "    h1 = [sigmoid(z) for z in layer(x, W1, b1)]\n" in text
    assert text.endswith(
        'def predict(x):\n    """Predict the label of one sample."""\n'
        "    out = outputs(x)\n    return CLASSES[out[0] >= 0.5]\n"
    )
    text = to_python(net, numpy=True)
    assert "    h1 = sigmoid(X @ W1 + b1)\n    return sigmoid(h1 @ W2 + b2)\n" in text


@pytest.mark.parametrize("numpy", [False, True])
def test_large_numbers_do_not_overflow(numpy):
    for hidden in ("sigmoid", "tanh", "softplus", "elu"):
        net = Network((1, 1, 2), hidden=hidden, output="softmax", loss="cross_entropy",
                      init=([[[1000.0]], [[1.0, -1.0]]], [[0.0], [0.0, 0.0]]))  # fmt: skip
        names = {}
        exec(to_python(net, numpy=numpy), names)
        for x in (-5.0, 5.0):
            names["predict"]([[x]] if numpy else [x])


def test_modules_are_formatted(tmp_path):
    pytest.importorskip("ruff")
    for k, (_, case) in enumerate(some_cases()):
        for numpy in (False, True):
            path = tmp_path / f"model_{k}_{numpy}.py"
            path.write_text(to_python(case.model, numpy=numpy), encoding="utf-8")
    for words in (["format", "--check"], ["check"]):
        found = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--isolated", tmp_path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 0, found.stdout


def test_large_models_are_refused():
    large = Network((100, 300, 1))
    with pytest.raises(ValueError, match=r"found 30,601 parameters, expected at most 20,000"):
        to_python(large)
    assert to_python(large, numpy=True)
    with pytest.raises(ValueError, match=r"Use to_onnx or to_c"):
        to_python(Network((2000, 600, 1)), numpy=True)


def test_weights_that_are_no_numbers_are_refused():
    net = fastperc.Network((2, 1))
    net.theta[0] = float("nan")
    with pytest.raises(ValueError, match="infinite or NaN"):
        to_python(net)
