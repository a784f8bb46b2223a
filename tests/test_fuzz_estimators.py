"""Random sequences of calls beside scikit-learn's estimators; see tests/fuzz."""

import numba
import pytest
from fuzz import running
from test_estimators_parity import since_1_7

pytestmark = [
    since_1_7,
    pytest.mark.skipif(numba.config.DISABLE_JIT, reason="the compiler is off: NUMBA_DISABLE_JIT=1"),
]


def check(seed, count):
    failures = running.fuzz("estimators", seed, count)
    assert not failures, "\n".join(failures)


def test_random_sequences():
    check(0, 25)


@pytest.mark.slow
def test_many_random_sequences():
    check(10**6, 700)
