"""Two published marks of SimpleChains.jl, the Julia library for small networks, and our figures.

    python bench/marks.py [--quick] [--json FILE]

1. The gradient of a 24-8(tanh)-2 network on 200 samples in float64: published 5.66 us on one
   thread, 28 ns a sample.
2. 10,000 epochs of full-batch Adam of a 4-32-16-4 (tanh) network on 10,000 samples in float32:
   published 1.64 s on a laptop with 4 cores, 65 ns a sample and core.

The machines differ, so these are marks to pass and not ratios.
"""

import argparse
import json
import math
import os
from time import perf_counter

import numpy as np
from numba import njit

from fastperc import Network
from fastperc.kernels import batch
from fastperc.kernels.arguments import Net, Samples
from fastperc.measuring import environment
from fastperc.model.layout import aligned_zeros

GRADIENT_MARK = 28.0  # ns a sample
ADAM_MARK = 65.0  # ns a sample and core


def samples(n, n_in, n_out, dtype):
    """A smooth map of standard normal inputs; read-only, as Network hands arrays to kernels."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, n_in))
    Y = np.sin(X @ rng.standard_normal((n_in, n_out)))
    X, Y = X.astype(dtype), Y.astype(dtype)
    X.flags.writeable = Y.flags.writeable = False
    return X, Y


def best_of(repeats, calls, function):
    """Seconds per call in the best of ``repeats`` runs; a call before them compiles."""
    function()
    best = math.inf
    for _ in range(repeats):
        start = perf_counter()
        for _ in range(calls):
            function()
        best = min(best, (perf_counter() - start) / calls)
    return best


@njit
def repeat(calls, samples, net, gradient, work):
    """Call the gradient's kernel as other compiled code does; from Python, a call costs 1 us."""
    for _ in range(calls):
        batch.gradient_rows(samples, net, gradient, work)


def gradients(repeats, calls):
    """Name and ns a sample of the first mark's work: the kernel itself, and as users call it."""
    X, Y = samples(200, 24, 2, np.float64)
    net = Network((24, 8, 2), hidden="tanh", dtype="float64", seed=0)
    gradient = np.empty_like(net.theta)
    work = aligned_zeros(batch.work_size(net.layers, net.dtype, len(X)), net.dtype)
    weight, order = np.zeros(0), np.zeros((0, len(X)), np.int64)
    weight.flags.writeable = False

    network = Net(net.theta, net.layers, net.loss_code)
    arrays = Samples(X, Y, weight, order), network, gradient, work
    ways = {
        "from compiled code": (1, lambda: repeat(calls, *arrays), calls),
        "`batch.gradient_rows` from Python": (calls, lambda: batch.gradient_rows(*arrays), 1),
        "`net.backward`": (calls, lambda: net.backward(X, Y), 1),
    }
    for name, (n, function, n_inside) in ways.items():
        yield f"gradient, {name}", best_of(repeats, n, function) / n_inside / len(X) * 1e9


def adam(repeats, epochs, threads):
    """Nanoseconds a sample and core of the second mark's work."""
    X, Y = samples(10_000, 4, 4, np.float32)
    net = Network((4, 32, 16, 4), hidden="tanh", seed=0)

    def train():
        net.train(
            X, Y, epochs=epochs, lr=0.001, batch_size=len(X), optimizer="adam", threads=threads
        )

    return best_of(repeats, 1, train) / epochs / len(X) * threads * 1e9


def measure(repeats=20, calls=200, epochs=100):
    """Lines of name, ns, mark."""
    for name, ns in gradients(repeats, calls):
        yield name, ns, GRADIENT_MARK
    for threads in (1, 2):
        if threads <= usable_cores():
            name = f"Adam, {threads} thread{'s' if threads > 1 else ''}"
            yield name, adam(repeats, epochs, threads), ADAM_MARK


def usable_cores():
    """How many cores this process may use."""
    mine = getattr(os, "sched_getaffinity", None)
    return len(mine(0)) if mine else os.cpu_count() or 1


def main():
    """Measure, print, and write JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few calls and epochs")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to this file")
    options = parser.parse_args()
    lines = []
    print("| work | ns a sample (and core) | mark | passed |\n|---|--:|--:|---|")
    for name, ns, mark in measure(*((2, 5, 2) if options.quick else ())):
        lines.append({"work": name, "ns": ns, "mark": mark, "passed": ns <= mark})
        print(f"| {name} | {ns:.1f} | {mark:.0f} | {'yes' if ns <= mark else 'no'} |")
    if usable_cores() < 2:
        print("\nThis process may use one core only: two threads were left out.")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(
                {"environment": dict(environment.describe()), "figures": lines}, file, indent=2
            )
            file.write("\n")


if __name__ == "__main__":
    main()
