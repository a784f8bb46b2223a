"""The decorator: what it compiles with, what can be overridden, how it is turned off."""

import re
import signal
import threading

import numpy as np
import pytest
from numba.core import config

from fastperc.kernels.jit import FAST_MATH, cache_is_on, inlined, kernel, outlined, signals_held

pytestmark = pytest.mark.skipif(
    bool(config.DISABLE_JIT), reason="NUMBA_DISABLE_JIT is set: nothing is compiled"
)


@kernel
def total(values):
    result = 0.0
    for i in range(values.shape[0]):
        result += values[i]
    return result


@kernel
def ratio(a, b):
    return a / b


@kernel(fastmath=False)
def total_in_order(values):
    result = 0.0
    for i in range(values.shape[0]):
        result += values[i]
    return result


@inlined
def square(x):
    return x * x


@outlined
def cube_apart(x):
    return x * x * x


@inlined
def times_cube(x, y):
    return y * cube_apart(x)


@kernel
def quartic(x):
    return times_cube(x, x)


@inlined
def shifted(x, n):
    return x + n


@kernel
def shifted_sums(x):
    return shifted(x, 0) + shifted(x, 1) + shifted(x, 7)


@inlined(fastmath=False)
def exact_square(x):
    return x * x


@kernel
def fourth_power(x):
    return square(square(x))


def llvm_of(dispatcher, *arguments, **overrides):
    """LLVM code of a fresh compilation: code from the disk cache cannot be inspected."""
    fresh = kernel(**overrides)(dispatcher.py_func)
    fresh._cache.disable()
    fresh(*arguments)
    return next(iter(fresh.inspect_llvm().values()))


def test_a_kernel_computes_and_lets_go_of_the_interpreter_lock():
    assert total(np.arange(5.0)) == 10.0
    assert total.targetoptions["nogil"] is True


def test_sums_may_be_reordered_into_simd_lanes():
    assert "fadd reassoc nsz arcp contract" in llvm_of(total, np.arange(5.0))


def test_nan_and_infinity_survive():
    assert not FAST_MATH & {"nnan", "ninf", "fast"}
    assert np.isnan(total(np.array([1.0, np.nan])))
    assert np.isinf(total(np.array([1.0, np.inf])))


def test_division_by_zero_gives_infinity_as_in_numpy():
    assert ratio(1.0, 0.0) == np.inf


def test_fastmath_can_be_turned_off_for_one_kernel():
    llvm = llvm_of(total_in_order, np.arange(5.0), fastmath=False)
    assert "fadd" in llvm
    assert "reassoc" not in llvm
    assert total_in_order(np.array([1e16, -1e16, 1.0])) == 1.0


def test_a_piece_is_inlined_and_has_no_file_of_its_own():
    assert fourth_power(3.0) == 81.0
    llvm = llvm_of(fourth_power, 3.0)
    assert not [line for line in llvm.splitlines() if "call" in line and "square" in line]
    assert square.stats.cache_path is None


def test_what_is_apart_stays_a_call_also_from_a_piece():
    assert quartic(3.0) == 81.0
    code = llvm_of(quartic, 3.0)
    assert re.search(r"call .*cube_apart", code)
    assert not re.search(r"call .*times_cube", code)


def test_constants_and_counters_of_one_type_share_one_compilation():
    assert shifted_sums(2.0) == 2.0 + 3.0 + 9.0
    llvm_of(shifted_sums, 2.0)  # not from disk
    assert len(shifted.signatures) == 1


def test_flags_of_one_piece_can_be_replaced():
    assert square.targetoptions["fastmath"] == FAST_MATH
    assert exact_square.targetoptions["fastmath"] is False
    assert exact_square.targetoptions["forceinline"] is True


def test_parallel_can_be_turned_on_for_one_kernel():
    compiled = kernel(parallel=True)(total.py_func)
    assert compiled.targetoptions["parallel"] is True
    assert compiled.targetoptions["fastmath"] == FAST_MATH


def test_an_unknown_option_is_refused():
    with pytest.raises(KeyError, match="fastmth"):
        kernel(fastmth=False)(total.py_func)(np.arange(5.0))


@pytest.mark.parametrize(
    ("value", "on"), [("1", True), ("", True), ("0", False), ("off", False), ("False", False)]
)
def test_the_off_switch_reads_the_environment(monkeypatch, value, on):
    monkeypatch.setenv("FASTPERC_NUMBA_CACHE", value)
    assert cache_is_on() is on
    assert (kernel(total.py_func).stats.cache_path is not None) is on


def test_the_cache_is_on_by_default(monkeypatch):
    monkeypatch.delenv("FASTPERC_NUMBA_CACHE", raising=False)
    assert cache_is_on()


def test_without_the_compiler_a_kernel_is_the_plain_function(run_python):
    code = (
        "from fastperc.kernels.jit import kernel\n"
        "def twice(x): return 2 * x\n"
        "print(kernel(twice) is twice, kernel(fastmath=False)(twice) is twice)"
    )
    assert run_python(code, NUMBA_DISABLE_JIT=1).split() == ["True", "True"]


def press_ctrl_c_within(dispatcher):
    """Let Ctrl-C come in the middle of a compilation; returns what became known of its end."""
    finished = []
    inner = dispatcher._compiler.compile

    def compile_interrupted(args, return_type):
        signal.raise_signal(signal.SIGINT)
        outcome = inner(args, return_type)
        finished.append(args)
        return outcome

    dispatcher._compiler.compile = compile_interrupted
    return finished


def test_ctrl_c_waits_until_a_kernel_is_compiled():
    compiled = kernel(total.py_func)
    compiled._cache.disable()
    finished = press_ctrl_c_within(compiled)
    with pytest.raises(KeyboardInterrupt):
        compiled(np.arange(5.0))
    assert len(finished) == len(compiled.signatures) == 1
    assert compiled(np.arange(5.0)) == 10.0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="a signal of POSIX")
def test_all_signals_wait_and_none_is_lost():
    came = []

    def too_late(number, frame):
        came.append(number)
        raise TimeoutError

    def press_both():
        with signals_held(), signals_held():
            signal.raise_signal(signal.SIGALRM)
            signal.raise_signal(signal.SIGINT)
            assert came == []

    before = signal.signal(signal.SIGALRM, too_late)
    try:
        with pytest.raises((TimeoutError, KeyboardInterrupt)):
            press_both()
        assert came == [signal.SIGALRM]
        assert signal.getsignal(signal.SIGALRM) is too_late
    finally:
        signal.signal(signal.SIGALRM, before)


def test_in_another_thread_no_signal_has_to_wait():
    results = []

    def hold():
        with signals_held():
            results.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    assert results == [signal.default_int_handler]
