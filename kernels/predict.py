"""Forward passes: many samples as matrix products, or one sample without allocating anything."""

import numpy as np

from .activations import SOFTMAX, activate_layer
from .jit import kernel, piece, routine
from .lanes import at, fill, flat, load, load_part, rolled, store, store_part, view, width
from .lanes_numpy import BYTES
from .losses import output_rows, softmax_layer
from .packing import padded
from .products import product, product_column
from .table import ACTIVATION, COLUMNS, N_IN, N_OUT, OFFSET, PADDED, UNITS

# Rows that go through the layers together: enough that matrix products are fast, few enough that
# their activations stay in the cache.
CHUNK = 256


def rows_work_size(layers, dtype, rows):
    """Elements of scratch that `forward_rows` takes: every layer's outputs, and two padded rows."""
    block = BYTES // np.dtype(dtype).itemsize
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
        ``rows_work_size(layers, dtype, CHUNK)`` elements of scratch.
    """
    n, n_in, n_out = X.shape[0], X.shape[1], out.shape[1]
    X, out, theta, t, work = flat(X), flat(out), flat(theta), flat(layers), flat(work)
    first = 0
    while first < n:
        rows = min(CHUNK, n - first)
        x = view(X, first * n_in, rows * n_in)
        z, room = forward_rows(x, rows, theta, t, work)
        output_rows(at(t, t.shape[0] - COLUMNS + ACTIVATION), z, rows, n_out, room)
        target = view(out, first * n_out, rows * n_out)
        for i in range(rows * n_out):
            target[i] = z[i]
        first += rows


@routine
def forward_rows(x, rows, theta, t, work):
    """The forward pass of ``rows`` samples up to the output layer's weighted sums.

    The activations of layer after layer lie in ``work``, each (rows, n_out), its size rounded up to
    whole blocks. Returns the sums (flat) and room for two padded rows behind them.
    """
    z = view(work, 0, rows * at(t, N_OUT))
    weighted_sums(x, rows, theta, t, 0, z)
    used, c = padded(z.shape[0], width(work)), 0
    while c < t.shape[0] - COLUMNS:
        rolled()
        activate_layer(at(t, c + ACTIVATION), z, z.shape[0])
        c += COLUMNS
        a, z = z, view(work, used, rows * at(t, c + N_OUT))
        weighted_sums(a, rows, theta, t, c, z)
        used += padded(z.shape[0], width(work))
    return z, view(work, used, 2 * at(t, c + PADDED))


@piece
def weighted_sums(x, rows, theta, t, c, z):
    """``z = x @ W + b`` of the layer at ``c``."""
    n_in, n_out, o = at(t, c + N_IN), at(t, c + N_OUT), at(t, c + OFFSET)
    b = view(theta, o + n_in * n_out, n_out)
    if n_out == 1:
        product_column(x, rows, n_in, theta, o, b, z)
    else:
        product(x, rows, n_in, theta, o, n_out, b, n_out, z)


@kernel
def predict_one(x, theta, layers, out, work):
    """Write the network's outputs for the sample ``x`` (1-D) to ``out`` (1-D).

    ``work`` is scratch of `units_size` elements. Works on ``theta`` as it lies, without packing.
    Returns whether all of ``x`` is finite.
    """
    theta, t, work = flat(theta), flat(layers), flat(work)
    a = flat(x)
    c = 0
    while c < t.shape[0]:
        z = view(work, at(t, c + UNITS), at(t, c + PADDED))
        add_unpadded_rows(theta, at(t, c + OFFSET), at(t, c + N_IN), at(t, c + N_OUT), a, z)
        if at(t, c + ACTIVATION) == SOFTMAX:
            softmax_layer(z, at(t, c + N_OUT))
        else:
            activate_layer(at(t, c + ACTIVATION), z, at(t, c + N_OUT))
        a = z
        c += COLUMNS
    j = 0
    while j < out.shape[0]:
        store_part(out, j, out.shape[0] - j, load(a, j))
        j += width(a)
    return all_finite(flat(x))


@piece
def all_finite(v):
    """Whether no element is infinite or NaN: times 0, these are NaN, and so is their sum."""
    zero = 0.0
    for i in range(v.shape[0]):
        zero += v[i] * 0.0
    return zero == 0.0


@piece
def add_unpadded_rows(theta, o, n_in, n_out, x, z):
    """``z = b + x @ W``, W and b where ``theta`` has them; `dense.add_rows` with partial loads."""
    j = 0
    while j < n_out:
        rolled()
        n = n_out - j
        r, i = o + j, 0
        even, odd = load_part(theta, r + n_in * n_out, n), fill(z, 0.0)
        while i + 2 <= n_in:
            rolled()
            even += at(x, i) * load_part(theta, r, n)
            odd += at(x, i + 1) * load_part(theta, r + n_out, n)
            r += 2 * n_out
            i += 2
        if i < n_in:
            even += at(x, i) * load_part(theta, r, n)
        store(z, j, even + odd)
        j += width(z)
