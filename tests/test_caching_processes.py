"""Machine code on disk, as separate processes see it: edits, no folder, many writers at once."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core import config

from fastperc.kernels import caching

pytestmark = pytest.mark.skipif(
    bool(config.DISABLE_JIT), reason="NUMBA_DISABLE_JIT is set: nothing is compiled"
)

HELPER = """
from .jit import kernel

@kernel
def helper(x):
    return x + {amount}
"""
CALLER = """
from .jit import kernel
from .helper import helper

@kernel
def entry(x):
    return helper(x)
"""
ASK = """
import json, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from pack.caller import entry
    result = entry(1.0)
stats = entry.stats
print(json.dumps({
    "result": result,
    "hits": sum(stats.cache_hits.values()),
    "misses": sum(stats.cache_misses.values()),
    "warnings": [f"{w.category.__name__}: {w.message}" for w in caught],
}))
"""


@pytest.fixture
def pack(tmp_path):
    """A package of two kernel files that call each other, with our decorator copied into it."""
    package = tmp_path / "pack"
    package.mkdir()
    for name in ("jit.py", "caching.py", "cache_folders.py", "fingerprint.py", "precompiled.py"):
        shutil.copy(Path(caching.__file__).with_name(name), package)
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text(HELPER.format(amount=1))
    (package / "caller.py").write_text(CALLER)
    return package


def environment_of(pack):
    """Environment in which ``import pack`` works and its machine code has a folder of its own."""
    return {
        "PYTHONPATH": pack.parent,
        "NUMBA_CACHE_DIR": pack.parent / "cache",
        "FASTPERC_NUMBA_CACHE": 1,
        # No .pyc files: Python itself takes an edit within one second and of equal size for none.
        "PYTHONDONTWRITEBYTECODE": 1,
    }


@pytest.fixture
def ask(pack, run_python):
    """Run `entry(1.0)` of the package in a new process; what it answered, and how it got there."""

    def ask(**environment):
        return json.loads(run_python(ASK, **{**environment_of(pack), **environment}))

    return ask


def test_an_edited_helper_in_another_file_is_compiled_afresh(pack, ask):
    assert ask() == {"result": 2.0, "hits": 0, "misses": 1, "warnings": []}
    assert ask() == {"result": 2.0, "hits": 1, "misses": 0, "warnings": []}
    before = files_in(pack.parent / "cache")

    (pack / "helper.py").write_text(HELPER.format(amount=5))
    assert ask() == {"result": 6.0, "hits": 0, "misses": 1, "warnings": []}

    after = files_in(pack.parent / "cache")
    assert len(after) == len(before) == 2, "old code was not removed, or more than it"
    assert not set(after) & set(before)


def test_without_a_cache_folder_of_its_own_code_lies_beside_the_source(pack, ask):
    ask(NUMBA_CACHE_DIR="")
    assert len(files_in(pack / "__pycache__")) == 2
    assert ask(NUMBA_CACHE_DIR="")["hits"] == 1


def test_the_off_switch_writes_and_reads_nothing(pack, ask):
    for _ in range(2):
        assert ask(FASTPERC_NUMBA_CACHE=0) == {
            "result": 2.0,
            "hits": 0,
            "misses": 1,
            "warnings": [],
        }
    assert not (pack.parent / "cache").exists()


def test_without_any_writable_folder_kernels_work_and_one_warning_says_so(pack, ask):
    # Below a plain file no folder can be made, whoever asks: root is not stopped by permissions.
    blocked = pack.parent / "file"
    blocked.write_text("")
    (pack / "__pycache__").write_text("")
    answer = ask(NUMBA_CACHE_DIR=blocked / "cache", HOME=blocked, XDG_CACHE_HOME=blocked)
    assert answer["result"] == 2.0
    assert len(answer["warnings"]) == 1
    assert answer["warnings"][0].startswith("KernelCacheWarning: compiled kernels of")
    assert "NUMBA_CACHE_DIR" in answer["warnings"][0]


def files_in(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def start(**environment):
    return subprocess.Popen(
        [sys.executable, "-c", ASK],
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("before", ["nothing", "stale", "damaged"])
def test_twenty_processes_at_once_agree_and_leave_a_sound_cache(pack, ask, before):
    cache = pack.parent / "cache"
    if before != "nothing":
        ask()
    if before == "damaged":
        for path in files_in(cache):
            path.write_bytes(b"garbage")
    if before == "stale":
        (pack / "helper.py").write_text(HELPER.format(amount=5))
    environment = {
        "PYTHONPATH": pack.parent,
        "PYTHONDONTWRITEBYTECODE": 1,
        "NUMBA_CACHE_DIR": cache,
    }
    processes = [start(**environment) for _ in range(20)]
    expected = 6.0 if before == "stale" else 2.0
    for process in processes:
        answer, complaint = process.communicate(timeout=300)
        assert process.returncode == 0, complaint
        assert json.loads(answer)["result"] == expected
        if before != "damaged":
            assert json.loads(answer)["warnings"] == []
    assert len(files_in(cache)) == 2, "unfinished, stale or doubled files are left"
    assert ask() == {"result": expected, "hits": 1, "misses": 0, "warnings": []}


# --- the real kernels ------------------------------------------------------------------------

TRAIN = """
import json, sys, warnings
import numpy as np
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from fastperc import Network
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 8))
    net = Network((8, 32, 1), seed=0)
    net.train(X, X[:, 0], epochs=3)
kernels = {
    id(value): value
    for name, module in list(sys.modules.items()) if name.startswith("fastperc.kernels")
    for value in vars(module).values() if getattr(getattr(value, "stats", 0), "cache_path", None)
}
print(json.dumps({
    "theta": net.theta.tolist(),
    "hits": sum(sum(k.stats.cache_hits.values()) for k in kernels.values()),
    "misses": sum(sum(k.stats.cache_misses.values()) for k in kernels.values()),
    "complaints": sum(w.category.__name__ == "KernelCacheWarning" for w in caught),
}))
"""


@pytest.mark.slow
def test_a_network_trains_alike_with_an_empty_a_filled_a_damaged_and_a_healed_cache(
    run_python, tmp_path
):
    def train():
        return json.loads(run_python(TRAIN, NUMBA_CACHE_DIR=tmp_path, FASTPERC_NUMBA_CACHE=1))

    empty, filled = train(), train()
    assert empty["hits"] == 0
    assert empty["misses"] > 0
    assert filled["misses"] == 0
    assert filled["hits"] > 0
    assert empty["complaints"] == filled["complaints"] == 0

    for path in files_in(tmp_path):
        path.write_bytes(path.read_bytes()[:-1])
    damaged, healed = train(), train()
    assert damaged["hits"] == 0
    assert damaged["complaints"] == filled["hits"]
    assert healed == filled
    assert empty["theta"] == filled["theta"] == damaged["theta"]
