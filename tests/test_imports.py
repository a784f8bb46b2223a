"""Imports run one way, heavy packages stay where they belong, and ``import fastperc`` is light."""

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fastperc

ROOT = Path(__file__).parents[1]
KERNELS = sorted((ROOT / "kernels").rglob("*.py"))
FACADE = sorted((ROOT / "fastperc").rglob("*.py"))

HEAVY = {"numba", "llvmlite", "numpy", "scipy", "sklearn", "matplotlib", "tqdm", "safetensors"}

# Files of kernels/ that may import more, or less, than numpy and numba.
KERNEL_RULES = {
    "caching.py": {"numpy", "numba", "llvmlite"},
    "call_by_address.py": {"numba", "llvmlite"},
    "simd.py": {"numpy", "numba", "llvmlite"},
}
NUMPY_ONLY = ("reference", "simd_numpy")  # oracles, and stand-ins for when nothing is compiled

# The only files of fastperc/, or folders in it, that may import these packages.
HOMES = {
    "numba": set(),
    "llvmlite": set(),
    "matplotlib": {"plots"},
    "sklearn": {"estimators", "datasets", "scores.py", "sklearn.py", "estimator_cases.py"},
    "typer": {"commands"},
}


def imports(path):
    """Each module that a file imports, anywhere in it: (dots of a relative import, dotted name)."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {(0, alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.level, node.module or ""))
        elif isinstance(node, ast.Call) and called_name(node) in {"require", "import_module"}:
            found |= {(0, arg.value) for arg in node.args if isinstance(arg, ast.Constant)}
    return found


def called_name(call):
    return getattr(call.func, "attr", getattr(call.func, "id", None))


def outside_packages(path):
    """Top-level packages that a file imports, apart from Python's own and its neighbours."""
    names = {name.partition(".")[0] for dots, name in imports(path) if dots == 0}
    return names - set(sys.stdlib_module_names)


def allowed_in_kernel(path):
    if path.name.startswith(NUMPY_ONLY):
        return {"numpy"}
    return KERNEL_RULES.get(path.name, {"numpy", "numba"})


def relative(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", KERNELS, ids=relative)
def test_kernels_import_the_compiler_and_arrays_only(path):
    assert outside_packages(path) <= allowed_in_kernel(path)


@pytest.mark.parametrize("path", KERNELS, ids=relative)
def test_kernels_know_nothing_of_the_facade(path):
    depth = len(path.relative_to(ROOT / "kernels").parts)
    assert not {name for dots, name in imports(path) if dots > depth}


@pytest.mark.parametrize("path", FACADE, ids=relative)
def test_heavy_packages_are_imported_at_home_only(path):
    strays = {
        package
        for package in outside_packages(path) & set(HOMES)
        if not {path.name, path.parent.name} & HOMES[package]
    }
    assert not strays


@pytest.mark.parametrize(
    ("source", "packages"),
    [
        ("def f():\n    import numba.core", {"numba"}),
        ("from matplotlib import pyplot", {"matplotlib"}),
        ("pyplot = require('matplotlib.pyplot', extra='plot')", {"matplotlib"}),
        ("importlib.import_module('sklearn')", {"sklearn"}),
        ("from ..kernels import online\nimport os", set()),
    ],
)
def test_imports_of_every_form_are_seen(tmp_path, source, packages):
    (tmp_path / "module.py").write_text(source)
    assert outside_packages(tmp_path / "module.py") == packages


def loaded_after(run_python, statement, packages):
    code = f"import sys\n{statement}\nprint(*sorted(set(sys.modules) & {packages!r}))"
    return set(run_python(code).split())


def test_importing_fastperc_brings_in_nothing_heavy(run_python):
    assert loaded_after(run_python, "import fastperc; dir(fastperc)", HEAVY) == set()
    assert loaded_after(run_python, "import numpy, fastperc", HEAVY) == {"numpy"}


def test_a_network_needs_neither_scikit_learn_nor_matplotlib(run_python):
    packages = {"sklearn", "matplotlib"}
    assert loaded_after(run_python, "from fastperc import Network", packages) == set()


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
