"""Two layers of sigmoid units without biases, trained by the delta rule on all samples at once.

Weights are rows of whole SIMD blocks along the hidden units: ``rows1`` has one row per input and
``rows2`` one per output, zeros behind the end; both lie flat. So do the hidden outputs, one row per
sample. SIMD lanes run along the hidden units, and along all outputs of all samples at once. Plain
form: ``train_sigmoid_layers`` in ``reference.py``.
"""

import math

from ..elementary import sigmoid
from ..jit import inlined, kernel
from ..simd import at, first_n, full, load, no_unroll, store, sum_lanes, view, width


@kernel
def delta_rule_rounds(
    X, Y, rows1, rows2, hidden, hidden_delta, outputs, deltas, n_hidden, n_outputs, rounds
):
    """Train round by round: p of all samples, rows1 += X.T @ delta1, rows2 += (h.T @ delta2).T.

    With h = sigmoid(X @ W1), p = sigmoid(h @ W2), delta2 = (Y - p) p (1 - p) and
    delta1 = (delta2 @ W2.T) h (1 - h).

    Parameters
    ----------
    X : array of shape (n, d)
        Read.
    Y, outputs, deltas : arrays of n * n_outputs elements, and zeros to a whole block
        Y is read. outputs p of the last round, before its update, and deltas are written.
    rows1, rows2 : arrays of d and of n_outputs rows of n_hidden elements, padded to whole blocks
        Read and written.
    hidden, hidden_delta : arrays of n rows of the same length
        Written.
    n_hidden, n_outputs, rounds : int

    Returns
    -------
    int
        How many rounds left finite weights; the first that did not is the last.
    """
    d, q = X.shape[1], hidden.shape[0] // X.shape[0]
    x = view(X.reshape(X.size), 0, X.size)
    for r in range(rounds):
        for i in range(X.shape[0]):
            hidden_row(view(x, i * d, d), rows1, view(hidden, i * q, q), n_hidden)
            output_sums(rows2, view(hidden, i * q, q), view(outputs, i * n_outputs, n_outputs))
        output_deltas(Y, outputs, deltas, X.shape[0] * n_outputs)
        for i in range(X.shape[0]):
            delta = view(deltas, i * n_outputs, n_outputs)
            hidden_delta_row(delta, rows2, view(hidden, i * q, q), view(hidden_delta, i * q, q))
        sums = add_products(x, d, hidden_delta, q, rows1)
        sums += add_products(deltas, n_outputs, hidden, q, rows2)
        if not math.isfinite(sum_lanes(sums)):
            return r
    return rounds


@inlined
def hidden_row(x, rows, h, n):
    """Compute h = sigmoid(sum_m x[m] rows[m]), with zeros behind the n-th."""
    j = 0
    while j < h.shape[0]:
        no_unroll()
        z = full(h, 0.0)
        for m in range(x.shape[0]):
            no_unroll()
            z += at(x, m) * load(rows, m * h.shape[0] + j)
        store(h, j, first_n(sigmoid(z), n - j))
        j += width(h)


@inlined
def output_sums(rows, h, z):
    """Compute z[k] = rows[k] . h, the outputs before the sigmoid."""
    for k in range(z.shape[0]):
        no_unroll()
        s, j = full(h, 0.0), 0
        while j < h.shape[0]:
            no_unroll()
            s += load(rows, k * h.shape[0] + j) * load(h, j)
            j += width(h)
        z[k] = sum_lanes(s)


@inlined
def output_deltas(Y, outputs, deltas, n):
    """Compute outputs = p = sigmoid(outputs), deltas = (Y - p) p (1 - p); zeros behind the n-th."""
    j = 0
    while j < n:
        no_unroll()
        p = sigmoid(load(outputs, j))
        store(outputs, j, p)
        store(deltas, j, first_n((load(Y, j) - p) * (p * (1.0 - p)), n - j))
        j += width(Y)


@inlined
def hidden_delta_row(delta, rows, h, back):
    """Compute back = (sum_k delta[k] rows[k]) h (1 - h)."""
    j = 0
    while j < h.shape[0]:
        no_unroll()
        s = full(h, 0.0)
        for k in range(delta.shape[0]):
            no_unroll()
            s += at(delta, k) * load(rows, k * h.shape[0] + j)
        a = load(h, j)
        store(back, j, s * (a * (1.0 - a)))
        j += width(h)


@inlined
def add_products(a, n_rows, values, q, rows):
    """Add sum_i a[i, m] values[i] to rows[m], a of n_rows columns, values of rows of length q.

    Returns the sums of all rows in a block's lanes: NaN or infinite if any element is.
    """
    sums, j = full(rows, 0.0), 0
    while j < q:
        no_unroll()
        for m in range(n_rows):
            no_unroll()
            s = load(rows, m * q + j)
            for i in range(values.shape[0] // q):
                no_unroll()
                s += at(a, i * n_rows + m) * load(values, i * q + j)
            store(rows, m * q + j, s)
            sums += s
        j += width(rows)
    return sums
