"""Each tutorial's loop, in plain Python and NumPy, beside its kernel.

``pytest bench/test_tutorials.py`` shows a pair of lines for each training, the second relative to
the first; ``python bench/test_tutorials.py`` prints one line for each, with the ratio.
"""

import numpy as np
import pytest

from fastperc.tutorials.cases import all_cases
from fastperc.tutorials.timing import speedups

CASES = all_cases()
NAMES = [f"{case.name}: {case.work}" for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
@pytest.mark.parametrize("way", ["compiled", "loop"])
def test_tutorial(benchmark, case, way):
    benchmark.group = f"{case.name}: {case.work}"
    run = getattr(case, way)
    expected = case.loop()
    assert np.abs(run() - expected).max() <= 1e-9  # and so it is compiled when the clock starts
    benchmark.pedantic(run, rounds=3 if way == "loop" else 20, iterations=1)


if __name__ == "__main__":
    for line in speedups():
        print(line, "" if line.ratio >= line.target else f"(target: {line.target:g})")
