"""One epoch of an 8-32-1 network, one update per sample, from the tutorial's loop to the kernel.

    python bench/rungs.py [--quick] [--markdown] [--json FILE]

Every rung changes one thing about the rung before it. All train the same network on the same
samples in float32; their parameters are compared with the first rung's, then they are timed in
turn, and each one's best round counts. The loops are in `rung_loops`;
``docs/kernels.md`` tells what happens at each rung.
"""

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit
from rung_loops import (
    FLAGS,
    flat_epoch,
    library_sigmoid,
    own_sigmoid,
    scalar_epoch,
    slice_of,
    textbook,
)

from fastperc import Network
from fastperc.kernels import online, online_rules, updates
from fastperc.kernels.arguments import N_SUMS, Net, Rule, Samples
from fastperc.kernels.simd import view
from fastperc.kernels.table import describe
from fastperc.measuring import environment
from fastperc.measuring.clock import Timed, interleave, lengthened
from fastperc.measuring.words import markdown
from fastperc.model.layout import aligned_zeros, views

SIZES = (8, 32, 1)
LR = np.float32(0.01)
TOLERANCE = 1e-5  # float32, added up in another order, makes less than a tenth of this


class Task:
    """Samples, the network, and the buffers of the rungs, which change ``theta``."""

    def __init__(self, n_samples):
        rng = np.random.default_rng(0)
        self.X = rng.standard_normal((n_samples, SIZES[0])).astype(np.float32)
        mix = rng.standard_normal((SIZES[0], SIZES[-1])) / math.sqrt(SIZES[0])
        self.Y = np.sin(self.X @ mix).astype(np.float32)
        for array in (self.X, self.Y):  # as Network hands them on: no kernel is compiled twice
            array.flags.writeable = False
        self.net = Network(SIZES, hidden="sigmoid", seed=0)
        self.theta, self.start = self.net.theta, self.net.theta.copy()

    def reset(self):
        """Go back to the start weights."""
        self.theta[:] = self.start

    def by_layers(self, epoch):
        """Train with a function that takes each layer's W and b."""
        (W1, W2), (b1, b2) = views(self.theta, SIZES)
        return lambda: epoch(self.X, self.Y, W1, b1, W2, b2, LR)

    def by_vector(self, epoch):
        """Train with a function that takes all parameters in one vector."""
        sizes = np.array(SIZES)
        a, d = np.zeros((2, sizes.sum()), np.float32)
        return lambda: epoch(self.X, self.Y, self.theta, sizes, LR, a, d)

    def by_rule(self):
        """Train with fastperc's kernel for any update rule: the gradient first, then the step."""
        layers = describe(SIZES, self.net.codes, self.net.dtype, direct=False)
        settings = np.zeros(updates.N_SETTINGS)
        settings[updates.LR] = LR
        rule = Rule(updates.SGD, settings, np.zeros(0, np.float32), np.zeros(3))
        size = online_rules.work_size(rule.code, layers, self.net.dtype)
        net, work = Net(self.theta, layers, self.net.loss_code), aligned_zeros(size, np.float32)
        good, sums = np.empty_like(self.theta), np.zeros((N_SUMS, 1))
        return lambda: online_rules.train_online_by_rule(
            self.samples(), net, rule, 0, len(self.X), work, good, sums
        )

    def by_sweeps(self):
        """Train with the kernel that ``Network.train`` uses."""
        net = Net(self.theta, self.net.layers, self.net.loss_code)
        work = aligned_zeros(online.work_size(net.layers, self.net.dtype), self.net.dtype)
        good, losses = np.empty_like(self.theta), np.zeros(1)
        return lambda: online.train_online(
            self.samples(), net, LR, 0, len(self.X), work, good, losses
        )

    def samples(self):
        """Return the samples as fastperc's kernels take them: without weights, in their order."""
        no_weights, in_order = np.zeros(0, np.float32), np.zeros((0, len(self.X)), np.int64)
        no_weights.flags.writeable = False
        return Samples(self.X, self.Y, no_weights, in_order)


class Rung(NamedTuple):
    """A way to train for an epoch."""

    name: str
    change: str
    prepare: Callable[[Task], Callable]


def layers_rung(name, change, epoch):
    return Rung(name, change, lambda task: task.by_layers(epoch))


def vector_rung(name, change, *choices):
    return Rung(name, change, lambda task: task.by_vector(flat_epoch(*choices)))


RUNGS = [
    layers_rung("NumPy", "the tutorial's loop", textbook),
    layers_rung("compiled", "the same lines under `@njit`", njit(textbook)),
    layers_rung("loops", "loops over numbers for array expressions", scalar_epoch(True)),
    layers_rung("own room", "vectors made once, not per sample", scalar_epoch(False)),
    layers_rung("flags", "sums in any order, no test for zero", scalar_epoch(False, **FLAGS)),
    vector_rung("one vector", "any depth: slices of one vector", slice_of, library_sigmoid, False),
    vector_rung("longer rows", "rows along the longer side", slice_of, library_sigmoid, True),
    vector_rung("views", "views that own nothing for slices", view, library_sigmoid, True),
    vector_rung("own exp", "an exp that runs in SIMD lanes", view, own_sigmoid, True),
    Rung("whole blocks", "rows padded to whole SIMD blocks", Task.by_rule),
    Rung("one sweep", "each weight read and written once: fastperc", Task.by_sweeps),
]


# --- measuring --------------------------------------------------------------------------------


def check(task, runs):
    """Return how much each rung's parameters differ from the first one's after an epoch.

    Raises
    ------
    ArithmeticError
        If that is more than the rounding of float32 explains.
    """
    differences, expected = {}, None
    for name, run in runs.items():
        task.reset()
        run()
        expected = task.theta.copy() if expected is None else expected
        differences[name] = float(np.abs(task.theta - expected).max())
        if not differences[name] <= TOLERANCE:
            raise ArithmeticError(
                f"rung {name!r}: parameters differ from the first rung's by "
                f"{differences[name]:.1e}, expected at most {TOLERANCE:.0e}"
            )
    return differences


def measure(rungs, n_samples, rounds):
    """Return nanoseconds per sample of each rung, once all were found to agree."""
    task = Task(n_samples)
    runs = {rung.name: rung.prepare(task) for rung in rungs}
    differences = check(task, runs)
    timed = {name: lengthened(Timed(run, task.reset, n_samples)) for name, run in runs.items()}
    found = interleave(timed, 0, least=rounds)
    return {name: min(ns) for name, ns in found.items()}, differences


def table(figures):
    """Return the figures as a table in Markdown."""
    lines = [("rung", "what changed", "ns a sample", "times as fast as the rung before")]
    before = None
    for k, rung in enumerate(RUNGS, 1):
        ns = figures[rung.name]
        gain = f"{before / ns:.2f}" if before else ""
        lines.append((f"{k} {rung.name}", rung.change, f"{ns:,.0f}", gain))
        before = ns
    return markdown(lines, left=2)


def main():
    """Measure, print, and write JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few samples, few rounds")
    parser.add_argument("--markdown", action="store_true", help="print nothing but the table")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to this file")
    options = parser.parse_args()
    facts = dict(environment.describe())
    figures, differences = measure(RUNGS, *((500, 2) if options.quick else (5000, 15)))
    if not options.markdown:
        print(f"{facts['processor']}; NumPy {facts['numpy']}, Numba {facts['numba']}")
        print(f"largest difference from rung 1: {max(differences.values()):.1e}\n")
    print(table(figures))
    if options.json:
        content = {"environment": facts, "ns": figures, "differences": differences}
        Path(options.json).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
