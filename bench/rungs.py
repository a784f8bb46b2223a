"""One epoch of an 8-32-1 network, one update per sample, from the tutorial's loop to the kernel.

    python bench/rungs.py [--quick] [--markdown] [--json FILE]

Every rung changes one thing about the rung before it. All train the same network on the same
samples in float32; their parameters are compared with the first rung's, then they are timed in
turn, and each one's best epoch counts. ``docs/kernels.md`` tells what happens at each rung.
"""

import argparse
import json
import math
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numba import njit

from fastperc import Network
from fastperc.kernels import elementary, online, online_rules, updates
from fastperc.kernels.jit import FAST_MATH
from fastperc.kernels.lanes import load_part, store_part, view, width
from fastperc.kernels.table import describe
from fastperc.layout import aligned_zeros, views
from fastperc.surroundings import surroundings

SIZES = (8, 32, 1)
LR = np.float32(0.01)
ONE = np.float32(1)
TOLERANCE = 1e-5  # float32, added up in another order, makes less than a tenth of this
FLAGS = {"fastmath": FAST_MATH, "error_model": "numpy"}


# --- rungs 1 and 2: array expressions ---------------------------------------------------------


def textbook(X, Y, W1, b1, W2, b2, lr):
    """One line per formula."""
    for n in range(len(X)):
        x, y = X[n], Y[n]
        h = ONE / (ONE + np.exp(-(np.dot(x, W1) + b1)))
        p = np.dot(h, W2) + b2
        d2 = p - y
        d1 = np.dot(W2, d2) * h * (ONE - h)
        W2 -= lr * np.outer(h, d2)
        b2 -= lr * d2
        W1 -= lr * np.outer(x, d1)
        b1 -= lr * d1


# --- rungs 3 to 5: loops over numbers ---------------------------------------------------------


def learn_sample(x, y, W1, b1, W2, b2, lr, h, d1, d2):
    """The same formulas for one sample, element by element; h, d1 and d2 are room for vectors."""
    for j in range(b1.shape[0]):
        h[j] = b1[j]
    for i in range(x.shape[0]):
        for j in range(b1.shape[0]):
            h[j] += x[i] * W1[i, j]
    for j in range(b1.shape[0]):
        h[j] = ONE / (ONE + math.exp(-h[j]))
    for k in range(b2.shape[0]):
        d2[k] = b2[k] - y[k]
        for j in range(h.shape[0]):
            d2[k] += h[j] * W2[j, k]
    for j in range(h.shape[0]):
        d1[j] = 0
        for k in range(b2.shape[0]):
            d1[j] += W2[j, k] * d2[k]
            W2[j, k] -= lr * h[j] * d2[k]
        d1[j] *= h[j] * (ONE - h[j])
    for k in range(b2.shape[0]):
        b2[k] -= lr * d2[k]
    for i in range(x.shape[0]):
        for j in range(b1.shape[0]):
            W1[i, j] -= lr * x[i] * d1[j]
    for j in range(b1.shape[0]):
        b1[j] -= lr * d1[j]


def scalar_epoch(fresh, **flags):
    """An epoch of `learn_sample`; ``fresh``: with new vectors for every sample."""
    learn = njit(**flags)(learn_sample)

    @njit(**flags)
    def epoch(X, Y, W1, b1, W2, b2, lr):
        h, d1, d2 = np.empty_like(b1), np.empty_like(b1), np.empty_like(b2)
        for n in range(len(X)):
            if fresh:
                h, d1, d2 = np.empty_like(b1), np.empty_like(b1), np.empty_like(b2)
            learn(X[n], Y[n], W1, b1, W2, b2, lr, h, d1, d2)

    return epoch


# --- rungs 6 to 9: one vector for all parameters, any number of layers ------------------------


@njit(**FLAGS)
def slice_of(v, start, n):
    """What rung 8 does without."""
    return v[start : start + n]


@njit(**FLAGS)
def library_sigmoid(z):
    """One call of exp for each unit."""
    for j in range(z.shape[0]):
        z[j] = ONE / (ONE + math.exp(-z[j]))


@njit(**FLAGS)
def own_sigmoid(z):
    """16 units at a time."""
    for j in range(0, z.shape[0], width(z)):
        n = z.shape[0] - j
        store_part(z, j, n, elementary.sigmoid(load_part(z, j, n)))


def row_loops(part):
    """The loops over the rows of a matrix; ``part(vector, start, n)`` is how a row is taken."""

    @njit(**FLAGS)
    def add_rows(W, x, z):  # z += x @ W
        n = z.shape[0]
        for i in range(x.shape[0]):
            w = part(W, i * n, n)
            for j in range(n):
                z[j] += x[i] * w[j]

    @njit(**FLAGS)
    def dot_rows(W, x, z):  # z += W @ x
        n = x.shape[0]
        for k in range(z.shape[0]):
            w = part(W, k * n, n)
            for j in range(n):
                z[k] += w[j] * x[j]

    @njit(**FLAGS)
    def step_rows(W, lr, u, v):  # W -= lr * outer(u, v)
        n = v.shape[0]
        for i in range(u.shape[0]):
            w = part(W, i * n, n)
            for j in range(n):
                w[j] -= lr * u[i] * v[j]

    return add_rows, dot_rows, step_rows


def flat_epoch(part, sigmoid, longer_rows):
    """An epoch for any depth; ``a`` and ``d`` are room for inputs and all units.

    ``longer_rows``: take the (n_in, 1) matrix of a single output for one row instead of n_in. Its
    elements lie in the same order either way.
    """
    add_rows, dot_rows, step_rows = row_loops(part)

    @njit(**FLAGS)
    def forward(theta, sizes, a):
        o, u, last = 0, 0, len(sizes) - 2
        for l in range(last + 1):
            n_in, n_out = sizes[l], sizes[l + 1]
            W, b = part(theta, o, n_in * n_out), part(theta, o + n_in * n_out, n_out)
            x, z = part(a, u, n_in), part(a, u + n_in, n_out)
            for j in range(n_out):
                z[j] = b[j]
            if longer_rows and n_out == 1:
                dot_rows(W, x, z)
            else:
                add_rows(W, x, z)
            if l < last:
                sigmoid(z)
            o += (n_in + 1) * n_out
            u += n_in
        return o, u

    @njit(**FLAGS)
    def backward(theta, sizes, lr, a, d, o, u):
        for l in range(len(sizes) - 2, -1, -1):
            n_in, n_out = sizes[l], sizes[l + 1]
            o -= (n_in + 1) * n_out
            W, b = part(theta, o, n_in * n_out), part(theta, o + n_in * n_out, n_out)
            x, below, delta = part(a, u - n_in, n_in), part(d, u - n_in, n_in), part(d, u, n_out)
            if l > 0:
                for i in range(n_in):
                    below[i] = 0
                if longer_rows and n_out == 1:
                    add_rows(W, delta, below)
                else:
                    dot_rows(W, delta, below)
                for i in range(n_in):
                    below[i] *= x[i] * (ONE - x[i])
            if longer_rows and n_out == 1:
                step_rows(W, lr, delta, x)
            else:
                step_rows(W, lr, x, delta)
            for j in range(n_out):
                b[j] -= lr * delta[j]
            u -= n_in

    @njit(**FLAGS)
    def epoch(X, Y, theta, sizes, lr, a, d):
        for n in range(len(X)):
            for i in range(sizes[0]):
                a[i] = X[n, i]
            o, u = forward(theta, sizes, a)
            for k in range(Y.shape[1]):
                d[u + k] = a[u + k] - Y[n, k]
            backward(theta, sizes, lr, a, d, o, u)

    return epoch


# --- what every rung trains -------------------------------------------------------------------


class Task:
    """Samples, the network, and the room that rungs want; ``theta`` is what they change."""

    def __init__(self, n_samples):
        rng = np.random.default_rng(0)
        self.X = rng.standard_normal((n_samples, SIZES[0])).astype(np.float32)
        mix = rng.standard_normal((SIZES[0], SIZES[-1])) / math.sqrt(SIZES[0])
        self.Y = np.sin(self.X @ mix).astype(np.float32)
        self.net = Network(SIZES, hidden="sigmoid", seed=0)
        self.theta, self.start = self.net.theta, self.net.theta.copy()

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
        work = aligned_zeros(online_rules.work_size(layers, self.net.dtype), self.net.dtype)
        rates = np.zeros(updates.N_RATES)
        rates[updates.LR] = LR
        rule = (updates.SGD, rates, np.zeros(0, np.float32), np.zeros(3))
        return lambda: online_rules.train_online_by_rule(
            *self.samples(), layers, self.net.loss_code, *rule, 0, len(self.X), work, *self.kept()
        )

    def by_sweeps(self):
        """Train with the kernel that ``Network.train`` uses."""
        layers = self.net.layers
        work = aligned_zeros(online.work_size(layers, self.net.dtype), self.net.dtype)
        return lambda: online.train_online(
            *self.samples(), layers, self.net.loss_code, LR, 0, len(self.X), work, *self.kept()
        )

    def samples(self):
        """What fastperc's kernels take first: no weights, and the rows in their order."""
        no_weights, in_order = np.zeros(0, np.float32), np.zeros((0, len(self.X)), np.int64)
        return self.X, self.Y, no_weights, in_order, self.theta

    def kept(self):
        """And last: room for the last good parameters, and for the epoch's loss."""
        return np.empty_like(self.theta), np.zeros(1)


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


def epoch_seconds(task, run):
    """Time of one epoch from the start weights."""
    task.theta[:] = task.start
    start = perf_counter()
    run()
    return perf_counter() - start


def check(task, runs):
    """By how much each rung's parameters differ from the first one's, after an epoch.

    Raises
    ------
    ArithmeticError
        If that is more than the rounding of float32 explains.
    """
    differences, expected = {}, None
    for name, run in runs.items():
        epoch_seconds(task, run)
        expected = task.theta.copy() if expected is None else expected
        differences[name] = float(np.abs(task.theta - expected).max())
        if not differences[name] <= TOLERANCE:
            raise ArithmeticError(
                f"rung {name!r}: parameters differ from the first rung's by "
                f"{differences[name]:.1e}, expected at most {TOLERANCE:.0e}"
            )
    return differences


def measure(rungs, n_samples, rounds, repeats=5):
    """Nanoseconds per sample of each rung, once all were found to agree."""
    task = Task(n_samples)
    runs = {rung.name: rung.prepare(task) for rung in rungs}
    differences = check(task, runs)
    best = dict.fromkeys(runs, math.inf)
    for _ in range(rounds):
        for name, run in runs.items():
            for _ in range(1 if name == "NumPy" else repeats):
                best[name] = min(best[name], epoch_seconds(task, run))
    return {name: seconds / n_samples * 1e9 for name, seconds in best.items()}, differences


def table(figures):
    """The figures as a table in Markdown."""
    lines = [
        "| rung | what changed | ns a sample | times as fast as the rung before |",
        "|---|---|--:|--:|",
    ]
    before = None
    for k, rung in enumerate(RUNGS, 1):
        ns = figures[rung.name]
        gain = f"{before / ns:.2f}" if before else ""
        lines.append(f"| {k} {rung.name} | {rung.change} | {ns:,.0f} | {gain} |")
        before = ns
    return "\n".join(lines)


def main():
    """Measure, print, and write JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few samples, few rounds")
    parser.add_argument("--markdown", action="store_true", help="print nothing but the table")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to this file")
    options = parser.parse_args()
    facts = dict(surroundings())
    figures, differences = measure(RUNGS, *((500, 2) if options.quick else (5000, 15)))
    if not options.markdown:
        print(f"{facts['processor']}; NumPy {facts['numpy']}, Numba {facts['numba']}")
        print(f"largest difference from rung 1: {max(differences.values()):.1e}\n")
    print(table(figures))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            content = {"surroundings": facts, "ns": figures, "differences": differences}
            json.dump(content, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    main()
