"""From ``theta`` to rows of whole SIMD blocks, and back (see `table`).

Done once per kernel call, so that loops over a row of 3 or 100 weights need no remainder: a scalar
one costs more than all else, and masked stores are slow to be loaded again by the next sample.
"""

from .jit import inlined
from .simd import at, load_n, no_unroll, store, store_n, view, width


@inlined
def rows_of(theta, packed, layer):
    """Return the array in which a layer has its rows, beginning with the first."""
    if layer.direct:
        return view(theta, layer.rows, theta.shape[0] - layer.rows)
    return view(packed, layer.rows, packed.shape[0] - layer.rows)


@inlined
def padded(n, block):
    """Round ``n`` up to whole blocks."""
    return (n + block - 1) // block * block


@inlined
def copy_row(source, start, n, target, to, n_padded):
    """Copy ``source[start:start + n]`` to ``target[to:]``, zeros behind, ``n_padded`` in all."""
    j = 0
    while j < n_padded:
        no_unroll()
        store(target, to + j, load_n(source, start + j, n - j))
        j += width(source)


@inlined
def pack(theta, packed, layers):
    """Write the rows of every layer that is not direct. O(parameters)."""
    for l in range(layers.shape[0]):
        layer = at(layers, l)
        n_in, n_out = layer.n_in, layer.n_out
        o, r, q = layer.offset, layer.rows, layer.padded
        if layer.direct:
            pass
        elif layer.wide:
            for i in range(n_in):
                copy_row(theta, o + i * n_out, n_out, packed, r + i * q, q)
            copy_bias(theta, o + n_in * n_out, layer, packed, r + n_in * q)
        else:
            p = padded(n_in, width(theta))
            for k in range(n_out):
                row = view(packed, r + k * p, p)
                for i in range(n_in):
                    no_unroll()
                    row[i] = theta[o + i * n_out + k]
                for i in range(n_in, p):
                    no_unroll()
                    row[i] = 0
            copy_bias(theta, o + n_in * n_out, layer, packed, r + n_out * p)


@inlined
def copy_bias(theta, start, layer, packed, to):
    """Write a layer's b, or zeros where it has none, as a row."""
    copy_row(theta, start, layer.n_out if layer.has_bias else 0, packed, to, layer.padded)


@inlined
def unpack(packed, layers, theta):
    """Write the rows of every layer that is not direct back to ``theta``."""
    for l in range(layers.shape[0]):
        layer = at(layers, l)
        n_in, n_out = layer.n_in, layer.n_out
        o, r, q = layer.offset, layer.rows, layer.padded
        if layer.direct:
            pass
        elif layer.wide:
            for i in range(n_in + layer.has_bias):
                write_row(packed, r + i * q, n_out, theta, o + i * n_out)
        else:
            p = padded(n_in, width(theta))
            for k in range(n_out):
                row = view(packed, r + k * p, p)
                for i in range(n_in):
                    no_unroll()
                    theta[o + i * n_out + k] = row[i]
            if layer.has_bias:
                write_row(packed, r + n_out * p, n_out, theta, o + n_in * n_out)


@inlined
def write_row(source, start, n, target, to):
    """Copy ``source[start:start + n]`` to ``target[to:to + n]``."""
    j = 0
    while j < n:
        no_unroll()
        store_n(target, to + j, n - j, load_n(source, start + j, n - j))
        j += width(source)
