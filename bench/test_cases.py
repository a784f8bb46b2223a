"""The table of cases under pytest-benchmark: ``pytest bench/test_cases.py``.

Each case is a group with a line for each way of doing the work. Preparing a case compares its ways,
so that ``--benchmark-disable`` is a test that all of them still agree. ``fastperc bench`` runs the
same table with the ways in turn, which is better for ratios.
"""

import pytest

from fastperc.benchmarks import all_cases
from fastperc.comparing.clock import quiet

CASES = [case for case in all_cases() if case.quick]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_case(benchmark, case):
    if case.refuses():
        pytest.skip(case.refuses())
    benchmark.group = case.key
    with quiet():
        ways = case.prepare()
    timed = ways["fastperc"] if "fastperc" in ways else next(iter(ways.values()))
    benchmark.extra_info.update(unit=case.unit, units=timed.units)
    benchmark.pedantic(timed.call, setup=timed.setup, rounds=20, iterations=1)
