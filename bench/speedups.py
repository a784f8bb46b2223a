"""How many times as fast compiled training is as the same loop in Python and NumPy: a table.

    python bench/speedups.py [--seconds 0.5]

Both ways run in turn in one process, on one thread, after their results were compared; the best
times count. The table is in the form that README files take.
"""

import argparse

from fastperc import surroundings, tutorials
from fastperc.console import duration, factor
from fastperc.demo.peers import one_thread
from fastperc.demo.speed import Training, measure

TRAININGS = [
    Training((2, 4, 1), 5000),
    Training((13, 8, 1), 5000),
    Training((8, 32, 1), 5000),
    Training((64, 64, 10), 2000),
    Training((8, 64, 64, 1), 2000),
    Training((784, 128, 10), 500),
    Training((8, 32, 1), 4096, batch_size=32),
    Training((64, 64, 10), 4096, batch_size=32),
]


def rows(seconds):
    """One list of cells for each training."""
    with one_thread():
        lines = [*tutorials.speedups(seconds=seconds), *(measure(t, seconds) for t in TRAININGS)]
    for line in lines:
        times = duration(line.loop_seconds), duration(line.compiled_seconds)
        yield [f"`{line.name}`", line.work, *times, factor(line.ratio)]


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.5, help="to spend on each loop")
    options = parser.parse_args()
    facts = dict(surroundings.surroundings())
    print(f"{facts['processor']}; Python {facts['Python']}, NumPy {facts['numpy']}, "
          f"Numba {facts['numba']}\n")  # fmt: skip
    table = [["training", "work", "loop", "kernel", "faster"], *rows(options.seconds)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    aligned = [[cell.ljust(w) if i < 2 else cell.rjust(w)
                for i, (cell, w) in enumerate(zip(row, widths, strict=True))]
               for row in table]  # fmt: skip
    rule = ["-" * w if i < 2 else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    for row in (aligned[0], rule, *aligned[1:]):
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
