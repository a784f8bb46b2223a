"""``fastperc compare``: what it takes, the status it ends with, and how it takes Ctrl-C."""

import json
import re
import sys

import pytest
from test_cli import check_interrupted, interrupt_after

from fastperc.commands import main as cli

pytestmark = pytest.mark.usefixtures("few_rounds")

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="copies its process")
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
    out = capsys.readouterr().out
    assert (
        "summed: NO. First wrong row: 2, in W1 (float64)\n    likely cause: the gradient is a sum"
        in out
    )
    stored = json.loads((mine / "out.json").read_text())
    finding = stored["rows"][0]["finding"]
    assert (finding["first_wrong"], finding["blocks"][0]["note"]) == (
        2,
        "2 times what it should be: the number of rows, 2",
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
        (
            ["broken.py:epoch", "--as", "full"],
            "broken.py cannot be imported: it raises NameError: name 'x'",
        ),
        (["broken.py:epoch", "--as", "full"], "at line 3 of broken.py: x. Try 'fastperc compare"),
        (["ends.py:epoch", "--as", "full"], "SystemExit(1): it ends the program, at line 2"),
        (["mine.py", "--as", "full"], "the function after a colon: mine.py:my_epoch"),
        (["mine.py:forward"], "--as: found nothing, expected one of online, batches, full"),
        (["online", "full"], "found online full, expected one of online"),
        (["online", "--json", "/proc/a.json"], "cannot write /proc/a.json: "),
        (["none.py:epoch", "--as", "full"], "cannot read none.py: there is no such file"),
        (["online", "--as", "full"], "--as full is for a function of yours"),
        (["online", "--plot", "no/a.png"], "cannot write no/a.png: there is no folder no"),
        (["online", "--json", "no/a.json"], "cannot write no/a.json: there is no folder no"),
        (["online", "--plot", "a.xyz"], "cannot write a.xyz: found the ending 'xyz', expected"),
        (["online", "--sizes", "8x1"], "--sizes: found '8x1', expected numbers such as 8-32-1"),
        (["online", "--dtype", "float16"], "float16"),
        (
            ["online", "--against", "rust"],
            "--against: found 'rust', expected one of python, numpy, fastperc",
        ),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(words, said, mine, capsys):
    (mine / "broken.py").write_text("\n\nx")
    (mine / "ends.py").write_text("import sys\nsys.exit(1)")
    assert cli.main(["compare", *WORDS, *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_file_imports_its_neighbours_prints_once_and_leaves_nothing(mine, capfd):
    (mine / "net").mkdir()
    (mine / "net" / "neighbour_of_it.py").write_text("def double(x): return 2 * x")
    (mine / "net" / "doubled.py").write_text(
        "from neighbour_of_it import double\nprint('once')\n"
        "def forward(X, weights, biases): return double(X @ weights[0] + biases[0])"
    )
    path = [*sys.path]
    assert cli.main(["compare", "net/doubled.py:forward", "--as", "forward", *WORDS]) == 1
    out = capfd.readouterr().out
    assert out.count("once") == 1
    assert "forward: NO. First wrong row: 1" in out
    assert sorted(p.name for p in (mine / "net").iterdir()) == ["doubled.py", "neighbour_of_it.py"]
    assert sys.path == path


@ON_LINUX
def test_the_time_limit_covers_the_import(mine, capsys):
    (mine / "endless.py").write_text("while True: pass")
    words = ["compare", "endless.py:epoch", "--as", "online", *WORDS, "--time-limit", "0.5"]
    assert cli.main(words) == 2
    assert "endless.py cannot be imported: it has not ended after 0.5 s" in capsys.readouterr().err


def test_a_changed_file_is_read_again(mine, capsys):
    words = ["compare", "mine.py:gradient", "--as", "gradient", *WORDS]
    assert cli.main(words) == 0
    text = (mine / "mine.py").read_text()
    (mine / "mine.py").write_text(text.replace("/ len(X)", "/ 10000"))
    assert cli.main(words) == 1


def test_explain_shows_the_wrong_step_last(mine, capsys):
    words = ["compare", "mine.py:summed", "mine.py:gradient", "--as", "gradient", "--explain"]
    assert cli.main([*words, *WORDS]) == 1
    out = capsys.readouterr().out
    assert out.index("peak of one core") < out.index("summed: the gradient of rows 1 to 2; 3-1")
    assert "dW1 = x.T @ delta1 / 2   <-- the first that differs" in out
    assert "gradient: the gradient of row" not in out  # nothing is wrong with it


def test_what_computes_in_float32_is_right(mine, capsys):
    (mine / "single.py").write_text(
        "def forward(X, weights, biases):\n"
        "    return (X @ weights[0] + biases[0]).astype('float32')"
    )
    words = ["compare", "single.py:forward", "--as", "forward", "--dtype", "float64", *WORDS]
    assert cli.main(words) == 0
    assert "forward: yes. Agrees over 50 rows; it computes in float32" in capsys.readouterr().out


def test_what_is_written_is_told_and_a_picture_gets_its_ending(mine, capsys):
    words = ["compare", "mine.py:forward", "--as", "forward", *WORDS, "--plot", "x"]
    assert cli.main([*words, "--json", "x.json"]) == 0
    assert capsys.readouterr().out.endswith("wrote x.json\nwrote x.png\n")
    assert (mine / "x.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.posix
@pytest.mark.parametrize(
    "seconds", [0.5, 2, *(pytest.param(s, marks=pytest.mark.slow) for s in (1, 3, 5, 7))]
)
def test_ctrl_c_during_a_comparison(seconds, tmp_path):
    words = ["compare", "online", "--against", "all", "--seconds", "60"]
    check_interrupted(interrupt_after(seconds, words, tmp_path))


@pytest.mark.posix
def test_ctrl_c_while_a_function_of_yours_hangs(mine):
    words = ["compare", "mine.py:hangs", "--as", "online", "--time-limit", "5", *WORDS]
    check_interrupted(interrupt_after(2.5, words, mine))


@pytest.mark.posix
def test_ctrl_c_during_the_import_of_a_file(mine):
    (mine / "trains.py").write_text("import time\ntime.sleep(60)")
    words = ["compare", "trains.py:epoch", "--as", "online", "--time-limit", "50", *WORDS]
    check_interrupted(interrupt_after(2.5, words, mine))
