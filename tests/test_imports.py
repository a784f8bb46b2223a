"""``import fastperc`` is light, and brings every public name; moved modules are found."""

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fastperc

HEAVY = {"numba", "llvmlite", "numpy", "scipy", "sklearn", "matplotlib", "tqdm", "safetensors"}


def loaded_after(run_python, statement, packages):
    code = f"import sys\n{statement}\nprint(*sorted(set(sys.modules) & {packages!r}))"
    return set(run_python(code).split())


def test_importing_fastperc_brings_in_nothing_heavy(run_python):
    assert loaded_after(run_python, "import fastperc; dir(fastperc)", HEAVY) == set()
    assert loaded_after(run_python, "import numpy, fastperc", HEAVY) == {"numpy"}


def test_a_network_needs_neither_scikit_learn_nor_matplotlib(run_python):
    packages = {"sklearn", "matplotlib"}
    assert loaded_after(run_python, "from fastperc import Network", packages) == set()


def test_importing_fastperc_loads_next_to_nothing(run_python):
    code = """
import sys
before = set(sys.modules)
import fastperc
print(*(name for name in set(sys.modules) - before if not name.startswith("importlib")))
"""
    small = {"__future__", "warnings", "fastperc", "fastperc._moved"}
    assert set(run_python(code).split()) <= small


@pytest.mark.timing
def test_importing_fastperc_adds_under_30_ms():
    def seconds(statement):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True)
        return time.perf_counter() - start

    # The best of several alternating runs: whatever else the machine does can only add.
    runs = [(seconds("pass"), seconds("import fastperc")) for _ in range(9)]
    bare, with_fastperc = (min(column) for column in zip(*runs, strict=True))
    assert with_fastperc - bare < 0.030


@pytest.mark.parametrize("name", fastperc.__all__)
def test_every_public_name_can_be_used(name):
    assert getattr(fastperc, name) is not None
    assert name in dir(fastperc)


def test_the_lists_of_public_names_agree():
    tree = ast.parse(Path(fastperc.__file__).read_text(encoding="utf-8"))
    (shown,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    )
    for_editors = {
        (statement.module, alias.name)
        for statement in shown.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    in_table = {(home, name) for name, home in fastperc._HOMES.items()}
    in_table |= {(None, name) for name in fastperc._SUBMODULES}
    assert for_editors == in_table
    assert set(fastperc.__all__) == {name for _, name in in_table} | {"__version__"}


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'fastperc' has no attribute 'Netwrok'"):
        fastperc.Netwrok  # noqa: B018


def test_tab_completion_shows_public_names_only(run_python):
    code = """
import fastperc
before = dir(fastperc)
fastperc.Network, fastperc.compare
print(before == dir(fastperc) == sorted(fastperc.__all__))
"""
    assert run_python(code) == "True\n"


@pytest.mark.parametrize("name", ["schedules", "errors", "warmup"])
def test_what_docstrings_send_to_is_there_after_import_fastperc(run_python, name):
    assert run_python(f"import fastperc\nprint(fastperc.{name}.__name__)") == f"fastperc.{name}\n"


def test_every_old_path_of_a_module_still_works(run_python):
    code = """
import importlib, warnings
import fastperc
from fastperc._moved import MOVED
for old, new in MOVED.items():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        module = importlib.import_module(f"fastperc.{old}")
    assert module is importlib.import_module(f"fastperc.{new}"), old
    assert module.__spec__.name == module.__name__ == f"fastperc.{new}"
    assert [w.category for w in caught] == [DeprecationWarning], (old, caught)
"""
    run_python(code)
