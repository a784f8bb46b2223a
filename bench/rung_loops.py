"""The loops of the rungs below fastperc's own kernels; see `rungs`.

All train a network of sigmoid units with one identity output layer, half the squared error, one
update per sample, in float32. They are what one would write on the way; nothing else uses them.
"""

import math

import numpy as np
from numba import njit

from fastperc.kernels import elementary
from fastperc.kernels.jit import FAST_MATH
from fastperc.kernels.simd import load_n, store_n, width

ONE = np.float32(1)
FLAGS = {"fastmath": FAST_MATH, "error_model": "numpy"}


# --- rungs 1 and 2: array expressions ---------------------------------------------------------


def textbook(X, Y, W1, b1, W2, b2, lr):
    """Train with a line per formula."""
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
    """Learn a sample by the same formulas, element by element; h, d1 and d2 are buffers."""
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
    """Return an epoch of `learn_sample`; ``fresh``: with new vectors for every sample."""
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
    """Return a slice, which rung 8 replaces by a view."""
    return v[start : start + n]


@njit(**FLAGS)
def library_sigmoid(z):
    """Apply the sigmoid with a call of exp for each unit."""
    for j in range(z.shape[0]):
        z[j] = ONE / (ONE + math.exp(-z[j]))


@njit(**FLAGS)
def own_sigmoid(z):
    """Apply the sigmoid to 16 units at a time."""
    for j in range(0, z.shape[0], width(z)):
        n = z.shape[0] - j
        store_n(z, j, n, elementary.sigmoid(load_n(z, j, n)))


def row_loops(part):
    """Return the loops over the rows of a matrix, which ``part(vector, start, n)`` takes."""

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
    """Return an epoch for any depth; ``a`` and ``d`` are buffers for inputs and all units.

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
