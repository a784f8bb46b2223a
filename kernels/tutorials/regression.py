"""Two-layer regression by mini-batches, with weight gradients that may be sums over the batch.

p = sigmoid(X w1 + b1) w2 + b2. `batch` has the general network; this loop is here for the published
form, whose weights and biases move by different gradients. Products are matrix products (BLAS), the
loops between them run over the units of a layer.
"""

import numpy as np

from ..elementary import sigmoid
from ..jit import inlined, kernel
from ..simd import load, matrix, no_unroll, store, width


@kernel
def regression_outputs(X, params, hidden, outputs):
    """Compute hidden = sigmoid(X w1 + b1) and outputs = hidden w2 + b2.

    X (n, d), params (w1, b1, w2, b2) of shapes (d, h), (1, h), (h, k), (1, k): read. hidden, flat,
    n * h elements rounded up to whole SIMD blocks, and outputs (n, k): written.
    """
    w1, b1, w2, b2 = params
    rows = matrix(hidden, 0, X.shape[0], w1.shape[1])
    np.dot(X, w1, rows)
    add_row(b1, rows)
    squash(hidden, rows.size)
    np.dot(rows, w2, outputs)
    add_row(b2, outputs)


@inlined
def add_row(b, A):
    """Add b (1, k) to every row of A (n, k)."""
    for i in range(A.shape[0]):
        for k in range(A.shape[1]):
            A[i, k] += b[0, k]


@inlined
def squash(flat, n):
    """Replace n elements by their sigmoids, and those behind them in the last block."""
    j = 0
    while j < n:
        no_unroll()
        store(flat, j, sigmoid(load(flat, j)))
        j += width(flat)


@inlined
def column_sums(A, scale, sums):
    """Write ``scale`` times the sum of the rows of A (n, k) to sums (1, k)."""
    for k in range(A.shape[1]):
        sums[0, k] = 0.0
    for i in range(A.shape[0]):
        for k in range(A.shape[1]):
            sums[0, k] += scale * A[i, k]


@kernel
def regression_gradient(X, Y, params, gradient, hidden, back, slopes, as_published):
    """Compute the gradient of the mean over samples of sum((Y - p)^2); return the sum over them.

    X (n, d), Y (n, k), params (w1, b1, w2, b2): read. gradient, of the same shapes, hidden (see
    `regression_outputs`), back (n, h), slopes (n, k): written. As published the weights' part is n
    times as large.
    """
    n, w2 = X.shape[0], params[2]
    g_w1, g_b1, g_w2, g_b2 = gradient
    share = 1.0 if as_published else 1.0 / n
    regression_outputs(X, params, hidden, slopes)
    rows = matrix(hidden, 0, n, w2.shape[0])
    sse = 0.0
    for i in range(n):
        for k in range(Y.shape[1]):
            error = slopes[i, k] - Y[i, k]
            sse += error * error
            slopes[i, k] = share * 2.0 * error
    np.dot(slopes, w2.T, back)
    for i in range(n):
        for j in range(back.shape[1]):
            back[i, j] *= rows[i, j] * (1.0 - rows[i, j])
    np.dot(X.T, back, g_w1)
    np.dot(rows.T, slopes, g_w2)
    column_sums(back, 1.0 / (n * share), g_b1)
    column_sums(slopes, 1.0 / (n * share), g_b2)
    return sse


@inlined
def descend(W, gradient, lr):
    """Step W -= lr * gradient, W (d, k): read and written, gradient (d, k): read."""
    for i in range(W.shape[0]):
        for j in range(W.shape[1]):
            W[i, j] -= lr * gradient[i, j]


@kernel
def regression_epoch(X, Y, params, gradient, hidden, back, slopes, lr, as_published):
    """Take one step for each batch of as many rows as ``back`` has; the last may be shorter.

    Arrays as in `regression_gradient`; params are read and written. Returns the mean over samples
    of sum((Y - p)^2), each taken before its batch's step.
    """
    sse, size = 0.0, back.shape[0]
    for start in range(0, X.shape[0], size):
        x, y = X[start : start + size], Y[start : start + size]
        n = x.shape[0]
        sse += regression_gradient(
            x, y, params, gradient, hidden, back[:n], slopes[:n], as_published
        )
        for p, g in zip(params, gradient):  # noqa: B905, the compiler knows no `strict`
            descend(p, g, lr)
    return sse / X.shape[0]
