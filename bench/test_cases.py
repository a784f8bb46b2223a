"""The table of cases under pytest-benchmark: ``pytest bench``.

Each case is a group with a line for each way of doing the work. Preparing a case compares its ways,
so that ``--benchmark-disable`` is a test that all of them still agree. ``fastperc bench`` runs the
same table with the ways in turn, which is better for ratios.
"""

from functools import lru_cache

import pytest

from fastperc.benchmarks import Case, all_cases
from fastperc.measuring.clock import quiet

QUICK = [case for case in all_cases() if case.quick]
ROWS = [(case, way) for case in QUICK if isinstance(case, Case) for way in case.ways]
MEASUREMENTS = [case for case in QUICK if not isinstance(case, Case)]


@lru_cache(maxsize=1)  # the lines of a case follow each other
def prepared(case):
    with quiet():
        return case.prepare()


@pytest.mark.parametrize(("case", "way"), ROWS, ids=[f"{case.key}, {way}" for case, way in ROWS])
def test_case(benchmark, case, way):
    if reason := case.left_out().get(way):
        pytest.skip(reason)
    benchmark.group = case.key
    timed = prepared(case)[way]
    benchmark.extra_info.update(unit=case.unit, units=timed.units)
    with quiet():
        benchmark.pedantic(timed.call, setup=timed.setup, rounds=10, iterations=1)


@pytest.mark.parametrize("measurement", MEASUREMENTS, ids=lambda measurement: measurement.key)
def test_measurement(benchmark, measurement):
    benchmark.group = measurement.group
    results = benchmark.pedantic(measurement.measure, rounds=1, iterations=1)
    assert results
    assert all(result.best(way) >= 0 for result in results for way in result.ways)
