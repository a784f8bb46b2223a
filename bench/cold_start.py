"""How long a new process takes to its first trained network, with and without stored machine code.

    python bench/cold_start.py [--runs 3] [--json FILE]

Every figure is of a whole process, from its start to its end. The first training finds an empty
cache folder, so everything is compiled; the later ones load what it left. Where wall time is much
more than processor time, the machine was busy with something else.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version

TRAIN = """
import numpy as np
from fastperc import Network

rng = np.random.default_rng(0)
X = rng.standard_normal((100, 8)).astype(np.float32)
y = X[:, 0] - X[:, 1]
history = Network((8, 32, 1), seed=0).train(X, y, epochs=10)
assert np.isfinite(history.loss[-1])
"""


def processor_seconds():
    """Processor time that the children of this process have used so far (0 on Windows)."""
    times = os.times()
    return times.children_user + times.children_system


def seconds(code, cache_folder):
    """Wall and processor time of a fresh interpreter that runs ``code`` and keeps kernels there."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache_folder}
    start, used = time.perf_counter(), processor_seconds()
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    return {"wall": time.perf_counter() - start, "processor": processor_seconds() - used}


def best(runs, code, cache_folder):
    """The run with the least wall time of several: whatever else the machine does can only add."""
    return min((seconds(code, cache_folder) for _ in range(runs)), key=lambda run: run["wall"])


def measure(runs):
    """All figures, in the order in which they are printed."""
    with tempfile.TemporaryDirectory() as cache_folder:
        return {
            "bare Python": best(runs, "pass", cache_folder),
            "import fastperc": best(runs, "import fastperc", cache_folder),
            "import NumPy and Numba": best(runs, "import numpy, numba", cache_folder),
            "first training, empty cache": seconds(TRAIN, cache_folder),
            "second process, filled cache": seconds(TRAIN, cache_folder),
            f"later processes, best of {runs}": best(runs, TRAIN, cache_folder),
        }


def surroundings():
    """What the figures depend on."""
    packages = {name: version(name) for name in ("fastperc", "numba", "numpy")}
    return {
        "machine": platform.processor() or platform.machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
        **packages,
    }


def table(figures):
    """The figures as lines of text, each with the wall time that it adds to bare Python."""
    bare = figures["bare Python"]["wall"]
    width = max(map(len, figures))
    lines = [f"{'seconds':{width}}  {'wall':>7}  {'over bare':>9}  {'processor':>9}"]
    for name, run in figures.items():
        wall, processor = run["wall"], run["processor"]
        lines.append(f"{name:{width}}  {wall:7.3f}  {wall - bare:9.3f}  {processor:9.3f}")
    return "\n".join(lines)


def main():
    """Measure, print, and write JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="runs of each repeated figure")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to this file")
    options = parser.parse_args()
    figures = measure(options.runs)
    print("  ".join(f"{name} {value}" for name, value in surroundings().items()))
    print(table(figures))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"surroundings": surroundings(), "seconds": figures}, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    main()
