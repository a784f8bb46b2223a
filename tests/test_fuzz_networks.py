"""Random networks against the oracle, each set of seeds in a child process; see tests/fuzz."""

import numba
import numpy as np
import pytest
from fuzz import oracle, running
from fuzz.guarded import CAN_GUARD
from fuzz.processor import without_avx512

from fastperc.model.losses import LOSSES

pytestmark = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="the compiler is off: NUMBA_DISABLE_JIT=1"
)


def check(seed, count, **environment):
    failures = running.fuzz("networks", seed, count, environment)
    assert not failures, "\n".join(failures)


@pytest.mark.usefixtures("threads_for_any_work")
def test_random_networks():
    check(0, 40)


@pytest.mark.slow
@pytest.mark.usefixtures("threads_for_any_work")
def test_many_random_networks():
    check(10**6, 1000)


@pytest.mark.slow
def test_random_networks_without_avx512():
    environment = without_avx512()
    if environment is None:
        pytest.skip("this processor has no AVX-512 to turn off")
    check(2 * 10**6, 250, **environment)


@pytest.mark.skipif(not CAN_GUARD, reason="only Linux is known to have mprotect here")
@pytest.mark.parametrize(("at", "index"), [("begin", -1), ("end", 6)])
def test_guards_end_a_process_that_reads_beyond(run_python, repository, at, index):
    code = (
        "import sys, subprocess, numpy as np\n"
        f"sys.path.insert(0, {str(repository / 'tests')!r})\n"
        "from fuzz.guarded import guarded\n"
        f"a = guarded(np.arange(6.0).reshape(2, 3), {at!r})\n"
        "assert a.tolist() == [[0, 1, 2], [3, 4, 5]]\n"
        "import os, ctypes\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        f"    ctypes.string_at(a.ctypes.data + 8 * {index}, 8)\n"
        "    os._exit(0)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert int(run_python(code)) < 0


@pytest.mark.parametrize("loss", oracle.LOSSES)
def test_the_oracles_gradient_is_that_of_its_loss(loss):
    """By central differences: the judge is judged by nothing but its own forward pass."""
    output = (LOSSES[loss].outputs or ["tanh"])[-1]
    rng = np.random.default_rng(0)
    sizes, hidden = (3, 4, 5, 2), ("elu", "softplus")
    theta = rng.standard_normal((1, 3 * 4 + 4 + 4 * 5 + 5 + 5 * 2 + 2))
    X, w = rng.standard_normal((1, 6, 3)), rng.uniform(0.5, 2, (1, 6))
    y = np.eye(2)[rng.integers(0, 2, 6)][None]

    def twin(change=0.0):
        return oracle.Oracle(theta + change, sizes, hidden, output, loss, 0.0)

    def loss_at(step):
        net = twin(step)
        return (net.mean_loss(X, y, w) + net.penalty(0.1, 0.01)).item()

    found = twin().gradient(X, y, w, 0.1, 0.01)[0]
    for i in range(theta.size):
        step = 1e-6 * np.eye(theta.size)[i]
        assert found[i] == pytest.approx((loss_at(step) - loss_at(-step)) / 2e-6, abs=1e-7)
