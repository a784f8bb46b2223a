"""``fastperc compare``: what it takes, the status it ends with, and how it takes Ctrl-C."""

import json
import re

import pytest
from test_cli import check_interrupted, interrupt_after

from fastperc.commands import main as cli

pytestmark = pytest.mark.usefixtures("few_rounds")

WORDS = ["--sizes", "3-1", "--samples", "50", "--seconds", "0.01", "--against", "numpy"]
KERNELS = """
import numpy as np
from fastperc.kernels import online  # a module of yours may import what it likes

def forward(X, weights, biases):
    return X @ weights[0] + biases[0]

def gradient(X, Y, weights, biases):
    error = (forward(X, weights, biases) - Y) / len(X)
    return [X.T @ error], [error.sum(axis=0)]

def summed(X, Y, weights, biases):
    (by_weights,), (by_biases,) = gradient(X, Y, weights, biases)
    return [by_weights * len(X)], [by_biases]

def raises(X, Y, weights, biases, lr):
    raise ValueError("bad\\nluck")

def hangs(X, Y, weights, biases, lr):
    while True:
        pass
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The folder with a file of somebody's kernels."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(KERNELS)
    return tmp_path


@pytest.mark.parametrize("kind", ["forward", "gradient"])
@pytest.mark.parametrize("place", ["mine.py", "mine"])
def test_a_function_is_found_in_a_file_and_in_a_module(place, kind, mine, capsys, monkeypatch):
    monkeypatch.syspath_prepend(mine)
    assert cli.main(["compare", f"{place}:{kind}", "--as", kind, *WORDS]) == 0
    assert f"{kind}: 3-1, 50 samples, float32" in capsys.readouterr().out


def test_a_wrong_gradient_is_status_1_and_told_by_its_block(mine, capsys):
    words = ["compare", "mine.py:summed", "--as", "gradient", *WORDS, "--json", "out.json"]
    assert cli.main(words) == 1
    assert "summed: NO. First wrong row: 2, in W1 (float64)\n    W1[" in capsys.readouterr().out
    stored = json.loads((mine / "out.json").read_text())
    finding = stored["rows"][0]["finding"]
    assert (finding["first_wrong"], finding["blocks"][0]["note"]) == (
        2,
        "2 times what it should be",
    )


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("raises", "raises ValueError: bad luck, at line 17 of mine.py"),
        ("hangs", "hangs: not checked after 1 s"),
        ("forward", "cannot be called: too many positional arguments"),
    ],
)
def test_what_fails_is_status_1_and_the_others_go_on(function, said, mine, capsys):
    words = ["compare", f"mine.py:{function}", "--as", "online", *WORDS, "--time-limit", "1"]
    assert cli.main(words) == 1
    out = capsys.readouterr().out
    assert f"{function}: failed. It {said}" in out
    assert re.search(r"^numpy +yes +50 steps", out, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mine.py:nothing", "--as", "full"], "expected one of forward, gradient, summed, raises"),
        (["mine.py:forward", "--as", "forwards"], "'forwards', expected one of online, batches"),
        (["broken.py:epoch", "--as", "full"], "broken.py cannot be imported: NameError: name 'x'"),
        (["none.py:epoch", "--as", "full"], "none.py cannot be imported: FileNotFoundError"),
        (["online", "--as", "full"], "--as full is for a function of yours"),
        (["online", "--plot", "no/a.png"], "cannot write no/a.png: there is no folder no"),
        (["online", "--json", "no/a.json"], "cannot write no/a.json: there is no folder no"),
        (["online", "--plot", "a.xyz"], "cannot write a.xyz: Format 'xyz' is not supported"),
        (["online", "--sizes", "8x1"], "sizes: found '8x1', expected numbers such as 8-32-1"),
        (["online", "--dtype", "float16"], "float16"),
        (["online", "--against", "rust"], "'rust', expected one of python, numpy, fastperc"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(words, said, mine, capsys):
    (mine / "broken.py").write_text("x")
    assert cli.main(["compare", *WORDS, *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "seconds", [0.5, 2, *(pytest.param(s, marks=pytest.mark.slow) for s in (1, 3, 5, 7))]
)
def test_ctrl_c_during_a_comparison(seconds, tmp_path):
    words = ["compare", "online", "--against", "all", "--seconds", "60"]
    check_interrupted(interrupt_after(seconds, words, tmp_path))


def test_ctrl_c_while_a_function_of_yours_hangs(mine):
    words = ["compare", "mine.py:hangs", "--as", "online", "--time-limit", "5", *WORDS]
    check_interrupted(interrupt_after(2.5, words, mine))
