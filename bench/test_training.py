"""`Network.train` beside the same training in a NumPy loop, for networks of several shapes.

Each network is a group of two lines, the second relative to the first. ``python bench/speedups.py``
prints the ratios alone.
"""

import numpy as np
import pytest

from fastperc.demo.speed import TOLERANCE, Training

TRAININGS = [
    Training((8, 32, 1), 2000),
    Training((13, 8, 1), 2000),
    Training((8, 64, 64, 1), 1000),
    Training((64, 64, 10), 1000),
    Training((784, 128, 10), 300),
    Training((8, 32, 1), 4096, batch_size=32),
    Training((64, 64, 10), 4096, batch_size=32),
    Training((784, 128, 10), 1024, batch_size=128),
]
NAMES = [f"{training.name}: {training.work}" for training in TRAININGS]


@pytest.mark.parametrize("training", TRAININGS, ids=NAMES)
@pytest.mark.parametrize("way", ["compiled", "loop"])
def test_training(benchmark, training, way):
    benchmark.group = f"{training.name}: {training.work}"
    run = getattr(training, way)()
    expected = training.loop()()
    difference = np.abs(run() - expected).max()  # and so it is compiled when the clock starts
    assert difference <= TOLERANCE
    benchmark.pedantic(run, rounds=5 if way == "loop" else 20, iterations=1)
