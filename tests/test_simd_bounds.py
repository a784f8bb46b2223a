"""Indices outside of their arrays: IndexError where bounds are checked, and no cost where not."""

import numpy as np
import pytest
from numba import njit
from numba.core import config

from fastperc.kernels import simd
from fastperc.kernels.simd import view

A = np.arange(40.0)  # five blocks
PLACES = np.arange(40)

# Functions of an array, of indices in it, and of i; the largest i at which all is inside.
REACHING = {
    "load": (lambda a, p, i: simd.store(np.empty(8), 0, simd.load(a, i)), 32),
    "store": (lambda a, p, i: simd.store(a, i, simd.load(a, 0)), 32),
    "load_n": (lambda a, p, i: simd.store(np.empty(8), 0, simd.load_n(a, i, 3)), 37),
    "load_n, whole": (lambda a, p, i: simd.store(np.empty(8), 0, simd.load_n(a, i, 90)), 32),
    "store_n": (lambda a, p, i: simd.store_n(a, i, 3, simd.load(a, 0)), 37),
    "at": (lambda a, p, i: simd.at(a, i), 39),
    "put": (lambda a, p, i: simd.put(a, i, 0.0), 39),
    "gather": (lambda a, p, i: simd.sum_lanes(simd.gather(a, simd.load(p, 0) + i)), 32),
    "scatter": (lambda a, p, i: simd.scatter(a, simd.load(p, 0) + i, simd.load(a, 0)), 32),
    "gather_n": (lambda a, p, i: simd.sum_lanes(simd.gather_n(a, i, p, 0, 3)), 37),
    "gather_n, places": (lambda a, p, i: simd.sum_lanes(simd.gather_n(a, 0, p, i, 3)), 37),
    "scatter_n": (lambda a, p, i: simd.scatter_n(a, i, p, 0, 3, simd.load(a, 0)), 37),
    "view": (lambda a, p, i: view(a, i, 30).size, 10),
    "matrix": (lambda a, p, i: simd.matrix(a, i, 5, 6).size, 10),
}
COMPILED_ONLY = {
    "extract_lane": (lambda a, p, i: simd.extract_lane(simd.load(a, 0), i), 7),
    "transpose_block": (
        lambda a, p, i: simd.transpose_block(a, i, 10, 3, 4, np.empty(99), 0, 8),
        16,
    ),
}


def checked(function):
    return njit(function, boundscheck=True)


@pytest.mark.parametrize("name", [*REACHING, *COMPILED_ONLY])
def test_what_is_outside_raises(name):
    if config.DISABLE_JIT and name in COMPILED_ONLY:
        pytest.skip("NumPy checks, or cuts, in its own way")
    function, largest = (REACHING | COMPILED_ONLY)[name]
    run = checked(function)
    for i in (0, largest):
        run(A.copy(), PLACES, i)
    for i in (largest + 1, largest + 1000, 2**40):
        with pytest.raises(IndexError):
            run(A.copy(), PLACES, i)
    if name not in {"at", "put"} or not config.DISABLE_JIT:  # NumPy counts from the end
        for i in (-1, -(2**40)):
            with pytest.raises(IndexError):
                run(A.copy(), PLACES, i)


def test_nothing_is_outside_of_what_is_not_read():
    @checked
    def run(a, out):
        simd.store(out, 0, simd.load_n(a, 1000, 0))
        simd.store_n(a, -5, -1, simd.load(a, 0))

    out = np.ones(8)
    run(A, out)
    assert not out.any()


def test_a_view_counts_as_padded_to_whole_blocks():
    @checked
    def run(a, n, i, out):
        simd.store(out, 0, simd.load(view(a, 0, n), i))

    out = np.zeros(8)
    run(A, 11, 8, out)
    if not config.DISABLE_JIT:
        assert np.array_equal(out, A[8:16])
    with pytest.raises(IndexError):
        run(A, 11, 9, out)


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="NUMBA_DISABLE_JIT is set: no machine code")
@pytest.mark.skipif(bool(config.BOUNDSCHECK), reason="NUMBA_BOUNDSCHECK is set")
def test_without_checks_there_is_no_code_of_theirs():
    def run(a, p):
        for i in range(a.size):
            simd.no_unroll()
            v = simd.load(a, i) + simd.gather_n(a, i, p, i, 3)
            simd.store(a, i, v + simd.gather(a, simd.load(p, i)))

    plain, with_checks = njit(run), checked(run)
    for compiled in (plain, with_checks):
        compiled.compile("void(float64[::1], int64[::1])")
    (code,), (checking) = plain.inspect_llvm().values(), [*with_checks.inspect_llvm().values()]
    assert "inside the array" not in code.replace("\\20", " ")
    assert code.count("br i1") < checking[0].count("br i1")


@pytest.mark.slow
@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="NUMBA_DISABLE_JIT is set: no machine code")
def test_training_stays_inside_its_arrays(run_python):
    """Odd widths, whose rows end within a block, by sample and in batches."""
    code = (
        "import numpy as np\n"
        "from fastperc import Network\n"
        "rng = np.random.default_rng(0)\n"
        "X, y = rng.normal(size=(37, 5)), rng.normal(size=(37, 3))\n"
        "net = Network([5, 11, 3], dtype='float64', seed=0)\n"
        "net.train(X, y, epochs=2, lr=0.01)\n"
        "net.train(X, y, epochs=2, lr=0.01, batch_size=7)\n"
        "print(np.isfinite(net.forward(X)).all())"
    )
    assert run_python(code, NUMBA_BOUNDSCHECK=1).split() == ["True"]
