"""What all tests share: fresh interpreters, the folder of real data sets, Hypothesis settings."""

import importlib
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings

# Compilation happens inside the first example of a property: no deadline can be fair to it.
settings.register_profile("fastperc", deadline=None)
settings.load_profile("fastperc")

# Pictures are drawn to files, also on a machine without a screen.
os.environ.setdefault("MPLBACKEND", "Agg")

# What a shell starts in the background ignores Ctrl-C, and so would the programs that tests press
# it on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).parents[1]


def pytest_configure(config):
    """With the compiler off, kernels are NumPy code, which warns where compiled code goes on."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}:
        for what in ("overflow", "invalid value", "divide by zero"):
            config.addinivalue_line("filterwarnings", f"ignore:{what} encountered:RuntimeWarning")


# All of it is about owners, modes, links, pipes and locks of POSIX.
collect_ignore = [] if os.name == "posix" else ["test_atomic.py"]


def pytest_runtest_setup(item):
    """Skip what only POSIX systems can do, elsewhere."""
    if os.name != "posix" and item.get_closest_marker("posix"):
        pytest.skip("needs what only POSIX has")


@pytest.fixture(scope="session")
def repository():
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture
def script(repository, monkeypatch):
    """A function that imports a script of bench/ by name."""
    monkeypatch.syspath_prepend(repository / "bench")
    return importlib.import_module


@pytest.fixture(scope="session")
def data_folder():
    """The folder of real data sets that FASTPERC_DATA names; the test is skipped without one."""
    folder = os.environ.get("FASTPERC_DATA")
    if not folder:
        pytest.skip("FASTPERC_DATA does not name a folder of data sets")
    return Path(folder)


@pytest.fixture
def few_rounds(monkeypatch):
    """Time with little care: for tests of what else `compare` and the benchmarks find."""
    clock = importlib.import_module("fastperc.measuring.clock")
    monkeypatch.setattr(clock, "interleave", partial(clock.interleave, least=2))
    monkeypatch.setattr("fastperc.measuring.stillness.CALIBRATION", 0.02)


@pytest.fixture
def threads_for_any_work(monkeypatch):
    """Let threads take part in what is too little work for them: for tests of the results."""
    monkeypatch.setattr("fastperc.model.slices.WORTH_THREADS", 0)


@pytest.fixture(scope="session")
def run_python(tmp_path_factory):
    """Run source code in a fresh interpreter: ``run_python(code, **environment)`` -> its stdout.

    The interpreter starts in an empty folder, so that it sees what is installed and not what
    happens to lie in the current one. A process that fails, fails the test and shows its stderr.
    """
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def run(code, *, timeout=120, **environment):
        outcome = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **{name: str(value) for name, value in environment.items()}},
            cwd=elsewhere,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout

    return run
