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
import os
from pathlib import Path

import numpy as np
from numba import njit

from fastperc import Network
from fastperc.kernels import batch
from fastperc.kernels.arguments import Net, Samples
from fastperc.measuring import environment
from fastperc.measuring.clock import Timed, interleave
from fastperc.measuring.threads import cores
from fastperc.measuring.words import markdown
from fastperc.model.layout import aligned_zeros

GRADIENT_MARK = 28.0  # ns a sample
ADAM_MARK = 65.0  # ns a sample and core


def samples(n, n_in, n_out, dtype):
    """Return a smooth map of standard normal inputs, read-only as Network hands arrays on."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, n_in))
    Y = np.sin(X @ rng.standard_normal((n_in, n_out)))
    X, Y = X.astype(dtype), Y.astype(dtype)
    X.flags.writeable = Y.flags.writeable = False
    return X, Y


@njit
def repeat(calls, samples, net, gradient, work):
    """Call the gradient's kernel as other compiled code does; from Python, a call costs 1 us."""
    for _ in range(calls):
        batch.gradient_rows(samples, net, gradient, work)


def gradients(calls):
    """Return the first mark's work: the kernel itself, and as users call it."""
    X, Y = samples(200, 24, 2, np.float64)
    net = Network((24, 8, 2), hidden="tanh", dtype="float64", seed=0)
    gradient = np.empty_like(net.theta)
    work = aligned_zeros(batch.work_size(net.layers, net.dtype, len(X)), net.dtype)
    weight, order = np.zeros(0), np.zeros((0, len(X)), np.int64)
    weight.flags.writeable = False

    network = Net(net.theta, net.layers, net.loss_code)
    arrays = Samples(X, Y, weight, order), network, gradient, work
    n = len(X)
    return {
        "gradient, from compiled code": Timed(lambda: repeat(calls, *arrays), units=calls * n),
        "gradient, `batch.gradient_rows` from Python": Timed(
            lambda: batch.gradient_rows(*arrays), units=n
        ).repeated(calls),
        "gradient, `net.backward`": Timed(lambda: net.backward(X, Y), units=n).repeated(calls),
    }


def adam(epochs, threads):
    """Return the second mark's work; its times are per sample, on each of the cores."""
    X, Y = samples(10_000, 4, 4, np.float32)
    net = Network((4, 32, 16, 4), hidden="tanh", seed=0)

    def train():
        net.train(
            X, Y, epochs=epochs, lr=0.001, batch_size=len(X), optimizer="adam", threads=threads
        )

    return Timed(train, units=epochs * len(X) // threads, elsewhere=threads > 1)


def measure(repeats=20, calls=200, epochs=100):
    """Yield names, nanoseconds and marks."""
    works = {name: (timed, GRADIENT_MARK) for name, timed in gradients(calls).items()}
    for threads in (1, 2):
        if threads <= usable_cores():
            name = f"Adam, {threads} thread{'s' if threads > 1 else ''}"
            works[name] = adam(epochs, threads), ADAM_MARK
    for timed, _ in works.values():
        timed.call()  # which compiles
    rounds = interleave({name: timed for name, (timed, _) in works.items()}, 0, least=repeats)
    for name, (_, mark) in works.items():
        yield name, min(rounds[name]), mark


def usable_cores():
    """Return how many cores this process may use."""
    return len(cores()) or os.cpu_count() or 1


def main():
    """Measure, print, and write JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few calls and epochs")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to this file")
    options = parser.parse_args()
    found = [*measure(*((2, 5, 2) if options.quick else ()))]
    rows = [
        (name, f"{ns:.1f}", f"{mark:.0f}", "yes" if ns <= mark else "no")
        for name, ns, mark in found
    ]
    print(markdown([("work", "ns a sample (and core)", "mark", "passed"), *rows]))
    if usable_cores() < 2:
        print("\nThis process may use one core only: two threads were left out.")
    if options.json:
        figures = [
            {"work": name, "ns": ns, "mark": mark, "passed": ns <= mark} for name, ns, mark in found
        ]
        content = {"environment": dict(environment.describe()), "figures": figures}
        Path(options.json).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
