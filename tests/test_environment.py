"""What `fastperc info` says is what is there."""

import platform
from importlib.metadata import version

import pytest

from fastperc.measuring import environment


@pytest.fixture(scope="module")
def facts():
    return dict(environment.describe())


def test_versions(facts):
    assert facts["fastperc"].startswith(version("fastperc"))
    assert facts["Python"].startswith(platform.python_version())
    for package in ("numpy", "numba", "llvmlite", "scikit-learn"):
        assert facts[package] == version(package)


def test_every_fact_is_one_line(facts):
    assert all(value and "\n" not in value for value in facts.values())


def test_a_package_that_is_not_there():
    assert environment.version_of("no-such-package") == environment.MISSING


@pytest.mark.slow
def test_the_cache_folder_is_where_the_kernels_go(run_python, tmp_path):
    code = """
from fastperc import Network
from fastperc.measuring import environment
Network((1, 1), seed=0).predict_one([1.0])
for name, value in environment.kernel_cache():
    print(name, value, sep=": ")
"""
    first, second = run_python(
        code, NUMBA_CACHE_DIR=tmp_path, FASTPERC_NUMBA_CACHE="only"
    ).splitlines()
    assert first.startswith("kernel cache: on, 1 files")
    assert second.startswith(f"cache folder: {tmp_path}")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("FASTPERC_NUMBA_CACHE", "0", "kernel cache: off, since FASTPERC_NUMBA_CACHE is set"),
        ("NUMBA_DISABLE_JIT", "1", "kernels: plain Python, since NUMBA_DISABLE_JIT is set"),
    ],
)
def test_what_is_turned_off_is_said(run_python, variable, value, said):
    code = """
from fastperc.measuring import environment
for name, value in environment.kernel_cache():
    print(name, value, sep=": ")
"""
    assert run_python(code, **{variable: value}) == f"{said}\n"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, ""),
        ({"OPENBLAS_CORETYPE": "Haswell"}, "OPENBLAS_CORETYPE=Haswell can slow NumPy"),
        ({"OPENBLAS_CORETYPE": "A", "OPENBLAS_L2_SIZE": "1"}, "OPENBLAS_CORETYPE=A and OPENBLAS_L"),
    ],
)
def test_settings_that_slow_what_we_compare_with_are_named(monkeypatch, settings, said):
    for name in environment.BLAS_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert environment.slowed_blas().startswith(said)
    assert environment.blas().startswith("kernels for ")
    assert environment.blas().endswith(environment.slowed_blas())


def test_threads_names_each_library_once(facts):
    assert facts["threads"].startswith("fastperc trains on 1")
