"""Libraries that are loaded later compute on one thread, unless the environment says otherwise."""

import os

import pytest

from fastperc.pinning import ONE_THREAD, pin_threads


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
from fastperc.pinning import pin_threads
pin_threads()
import numpy
from threadpoolctl import threadpool_info
print({pool["num_threads"] for pool in threadpool_info()})
"""
    assert run_python(code).strip() == "{1}"
