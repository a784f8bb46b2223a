"""Libraries that are loaded later compute on one thread, unless the environment says otherwise."""

import os

import pytest

from fastperc.measuring.threads import ONE_THREAD, cores, on_one_core, pin_threads


@pytest.fixture
def no_limits(monkeypatch):
    """As if nobody had set any of them; what a test sets is taken back."""
    for name in ONE_THREAD:
        monkeypatch.setenv(name, "")  # so that it is restored
        monkeypatch.delenv(name)
    return monkeypatch


def test_what_is_set_already_stays(no_limits):
    no_limits.setenv("OMP_NUM_THREADS", "4")
    pin_threads()
    assert os.environ["OMP_NUM_THREADS"] == "4"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


def test_blas_of_a_new_process_has_one_thread(no_limits, run_python):
    code = """
from fastperc.measuring.threads import pin_threads
pin_threads()
import numpy
from threadpoolctl import threadpool_info
print({pool["num_threads"] for pool in threadpool_info()})
"""
    assert run_python(code).strip() == "{1}"


@pytest.mark.skipif(len(cores()) < 2, reason="one core, or no choice of cores")
def test_on_one_core_all_are_allowed_again_afterwards():
    before = cores()
    with on_one_core():
        assert cores() == before[:1]
    with on_one_core(before[1]):
        assert cores() == [before[1]]
    assert cores() == before


@pytest.mark.slow
def test_jax_computes_on_one_thread(run_python):
    pytest.importorskip("jax")
    code = """
from time import perf_counter, process_time
from fastperc.measuring.threads import pin_threads
pin_threads()
from fastperc.comparing.problem import Problem
from fastperc.comparing.variants import VARIANTS
runner = VARIANTS["jax"].make(Problem("forward", n_samples=100_000, batch_size=100_000))
runner.train(100_000)
wall, used = perf_counter(), process_time()
for _ in range(100):
    runner.train(100_000)
print((process_time() - used) / (perf_counter() - wall))
"""
    assert float(run_python(code)) < 1.2
