"""The examples of docs/ work, and so do the scripts of bench/ that its figures come from."""

import importlib
import inspect
import re
import sys

import numba
import pytest

compiled_only = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="the compiler is off: NUMBA_DISABLE_JIT=1"
)


@pytest.fixture
def script(repository, monkeypatch):
    """A function that imports a script of bench/ by name."""
    monkeypatch.syspath_prepend(repository / "bench")
    return importlib.import_module


@pytest.fixture
def arguments(monkeypatch):
    """A function that sets the command line which a script's ``main`` reads."""
    return lambda *given: monkeypatch.setattr(sys, "argv", ["script", *given])


def page(repository, name):
    return (repository / "docs" / name).read_text(encoding="utf-8")


def python_of(text):
    """All the Python of a page, in one piece."""
    return "\n".join(re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))


@compiled_only
def test_the_examples_of_embedding_print_what_they_say(repository, capsys):
    code = python_of(page(repository, "embedding.md"))
    said = re.findall(r"^print\(.*\)  # (.*)$", code, flags=re.MULTILINE)
    assert len(said) == 2
    exec(compile(code, "embedding.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == said


def test_the_loop_of_embedding_is_the_one_that_is_measured(repository, script):
    code, pole = python_of(page(repository, "embedding.md")), script("pole")
    for function in (pole.push, pole.balance):
        assert inspect.getsource(getattr(function, "py_func", function)) in code


@compiled_only
def test_pole(script):
    figures = script("pole").measure(n_steps=2000, repeats=1)
    assert all(line["falls"] == 0 and line["ns"] > 0 for line in figures.values())
    inside, outside = (
        figures[f"{way} and pole"]["ns"] for way in ("compiled: network", "Python: net.predict_one")
    )
    assert inside < outside / 2


@compiled_only
def test_marks(script, arguments, capsys):
    arguments("--quick")
    script("marks").main()
    rows = re.findall(
        r"^\| (.*?) \| ([\d.]+) \| (\d+) \| (yes|no) \|$", capsys.readouterr().out, re.M
    )
    assert [row[0] for row in rows][:4] == [
        "gradient, from compiled code",
        "gradient, `batch.gradient_rows` from Python",
        "gradient, `net.backward`",
        "Adam, 1 thread",
    ]
    assert all((float(ns) <= float(mark)) == (passed == "yes") for _, ns, mark, passed in rows)


def test_the_upper_rungs_agree(script):
    rungs = script("rungs")
    chosen = [rungs.RUNGS[k] for k in (0, 2, 3, 9, 10)]
    figures, differences = rungs.measure(chosen, n_samples=50, rounds=1, repeats=1)
    assert all(ns > 0 for ns in figures.values())
    assert len(set(differences.values())) > 1  # they are different loops, and compared


def test_a_rung_that_differs_is_noticed(script):
    rungs = script("rungs")

    def forgets_a_bias(X, Y, W1, b1, W2, b2, lr):
        rungs.textbook(X, Y, W1, b1, W2, b2.copy(), lr)

    wrong = rungs.layers_rung("wrong", "", forgets_a_bias)
    with pytest.raises(ArithmeticError, match="rung 'wrong'"):
        rungs.measure([rungs.RUNGS[0], wrong], n_samples=50, rounds=1)


@pytest.mark.slow
@compiled_only
def test_all_rungs_agree_and_make_the_table_of_the_page(script, arguments, capsys, repository):
    arguments("--quick", "--markdown")
    script("rungs").main()
    shown, told = capsys.readouterr().out, page(repository, "kernels.md")
    rows = [row.split("|")[1:3] for row in shown.splitlines() if re.match(r"\| \d", row)]
    assert len(rows) == 11
    assert all(f"|{name}|{change}|" in told for name, change in rows)
