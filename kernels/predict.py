"""Forward passes: many samples as matrix products, or one sample without allocating anything."""

import numpy as np

from .activations import activate_layer
from .jit import inlined, kernel
from .losses import output_rows
from .matmul import product, product_column
from .packing import padded
from .simd import at, flat, no_unroll, records, view, width
from .simd_numpy import BYTES
from .table import LAYER, as_records, chunk_size


def rows_work_size(layers, dtype, rows):
    """Return how many elements of scratch `predict_rows` takes for ``rows`` samples.

    Every layer's outputs, for no more than go through the layers together, and two padded rows.
    """
    block = BYTES // np.dtype(dtype).itemsize
    rows, layers = min(rows, chunk_size(layers)), as_records(layers)
    two_rows = 2 * int(layers["padded"][-1])
    return sum(-(-int(n) * rows // block) * block for n in layers["n_out"]) + two_rows


@kernel
def predict_rows(X, theta, layers, out, scratch):
    """Write the network's outputs for every row of X to ``out``.

    Parameters
    ----------
    X : array of shape (n, n_inputs)
        C-contiguous, of theta's dtype.
    theta, layers
        The network; see `table`.
    out : array of shape (n, n_outputs)
        Written.
    scratch : array
        ``rows_work_size(layers, dtype, n)`` elements.
    """
    for chunk in range(count_chunks(records(layers, LAYER), X.shape[0])):
        predict_chunk(X, theta, records(layers, LAYER), out, chunk, scratch)


@inlined
def count_chunks(layers, rows):
    """Return in how many chunks the samples go through the layers."""
    size = at(layers, 0).chunk
    return (rows + size - 1) // size


@inlined
def predict_chunk(X, theta, layers, out, chunk, scratch):
    """Apply `predict_rows` to one chunk."""
    n_in, n_out, size = X.shape[1], out.shape[1], at(layers, 0).chunk
    first = chunk * size
    rows = min(size, X.shape[0] - first)
    x = view(flat(X), first * n_in, rows * n_in)
    z, two_rows = forward_rows(x, rows, flat(theta), layers, flat(scratch))
    output_rows(at(layers, layers.shape[0] - 1).activation, z, rows, n_out, two_rows)
    target = view(flat(out), first * n_out, rows * n_out)
    for i in range(rows * n_out):
        target[i] = z[i]


@inlined
def forward_rows(x, rows, theta, layers, scratch):
    """Go forward with ``rows`` samples up to the output layer's weighted sums.

    The activations of layer after layer lie in ``scratch``, each (rows, n_out), its size rounded up
    to whole blocks. Returns the sums (flat) and scratch of two padded rows behind them.
    """
    a, used, l = x, 0, 0
    while True:
        no_unroll()
        layer = at(layers, l)
        z = view(scratch, used, rows * layer.n_out)
        weighted_sums(a, rows, theta, layer, z)
        used += padded(z.shape[0], width(scratch))
        if l == layers.shape[0] - 1:
            return z, view(scratch, used, 2 * layer.padded)
        activate_layer(layer.activation, z, z.shape[0])
        a = z
        l += 1


@inlined
def weighted_sums(x, rows, theta, layer, z):
    """Compute ``z = x @ W + b`` of a layer, or ``x @ W``."""
    n_in, n_out, o = layer.n_in, layer.n_out, layer.offset
    n_bias = n_out if layer.has_bias else 0
    b = view(theta, o + n_in * n_out, n_bias)
    if n_out == 1:
        product_column(x, rows, n_in, theta, o, b, n_bias, z)
    else:
        product(x, rows, n_in, theta, o, n_out, b, n_bias, z)


@inlined
def all_finite(v):
    """Return whether no element is infinite or NaN: times 0, these are NaN, and so is their sum."""
    zero = 0.0
    for i in range(v.shape[0]):
        zero += v[i] * 0.0
    return zero == 0.0
