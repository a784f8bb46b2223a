"""Forward passes: many samples as matrix products, or one sample without allocating anything."""

import numpy as np

from .activations import activate_layer
from .jit import inlined, kernel
from .losses import output_rows
from .matmul import product, product_column
from .packing import padded
from .simd import at, flat, no_unroll, view, width
from .simd_numpy import BYTES
from .table import ACTIVATION, CHUNK_ROWS, COLUMNS, N_IN, N_OUT, OFFSET, PADDED


def rows_work_size(layers, dtype, rows):
    """Elements of scratch that `predict_rows` takes for ``rows`` samples.

    Every layer's outputs, for no more than go through the layers together, and two padded rows.
    """
    block = BYTES // np.dtype(dtype).itemsize
    rows = min(rows, int(layers[0, CHUNK_ROWS]))
    two_rows = 2 * int(layers[-1, PADDED])
    return sum(-(-int(n) * rows // block) * block for n in layers[:, N_OUT]) + two_rows


@kernel
def predict_rows(X, theta, layers, out, work):
    """Write the network's outputs for every row of X to ``out``.

    Parameters
    ----------
    X : array of shape (n, n_inputs)
        C-contiguous, of theta's dtype.
    theta, layers
        The network; see `table`.
    out : array of shape (n, n_outputs)
        Written.
    work : array
        ``rows_work_size(layers, dtype, n)`` elements of scratch.
    """
    for chunk in range(count_chunks(layers, X.shape[0])):
        predict_chunk(X, theta, layers, out, chunk, work)


@inlined
def count_chunks(layers, rows):
    """In how many chunks so many samples go through the layers."""
    size = at(flat(layers), CHUNK_ROWS)
    return (rows + size - 1) // size


@inlined
def predict_chunk(X, theta, layers, out, chunk, work):
    """`predict_rows` for one chunk."""
    t = flat(layers)
    first, n_in, n_out = chunk * at(t, CHUNK_ROWS), X.shape[1], out.shape[1]
    rows = min(at(t, CHUNK_ROWS), X.shape[0] - first)
    x = view(flat(X), first * n_in, rows * n_in)
    z, room = forward_rows(x, rows, flat(theta), t, flat(work))
    output_rows(at(t, t.shape[0] - COLUMNS + ACTIVATION), z, rows, n_out, room)
    target = view(flat(out), first * n_out, rows * n_out)
    for i in range(rows * n_out):
        target[i] = z[i]


@inlined
def forward_rows(x, rows, theta, t, work):
    """The forward pass of ``rows`` samples up to the output layer's weighted sums.

    The activations of layer after layer lie in ``work``, each (rows, n_out), its size rounded up to
    whole blocks. Returns the sums (flat) and room for two padded rows behind them.
    """
    a, used, c = x, 0, 0
    while True:
        no_unroll()
        z = view(work, used, rows * at(t, c + N_OUT))
        weighted_sums(a, rows, theta, t, c, z)
        used += padded(z.shape[0], width(work))
        if c == t.shape[0] - COLUMNS:
            return z, view(work, used, 2 * at(t, c + PADDED))
        activate_layer(at(t, c + ACTIVATION), z, z.shape[0])
        a = z
        c += COLUMNS


@inlined
def weighted_sums(x, rows, theta, t, c, z):
    """``z = x @ W + b`` of the layer at ``c``."""
    n_in, n_out, o = at(t, c + N_IN), at(t, c + N_OUT), at(t, c + OFFSET)
    b = view(theta, o + n_in * n_out, n_out)
    if n_out == 1:
        product_column(x, rows, n_in, theta, o, b, z)
    else:
        product(x, rows, n_in, theta, o, n_out, b, n_out, z)


@inlined
def all_finite(v):
    """Whether no element is infinite or NaN: times 0, these are NaN, and so is their sum."""
    zero = 0.0
    for i in range(v.shape[0]):
        zero += v[i] * 0.0
    return zero == 0.0
