"""The table that tells a kernel which network it has before it.

One row of integers per layer, so that one compiled kernel serves every depth, width, activation
and dtype. Kernels read it as a flat vector: entry ``COLUMN`` of layer ``l`` is
``at(layers, l * COLUMNS + COLUMN)``.

A layer has its parameters twice:

* in ``theta``, the vector that users see: W as (n_in, n_out) in C order from OFFSET on, then b;
* as *rows* of whole SIMD blocks, zeros behind the end, from ROWS on in a work array. A WIDE layer
  has a row of its n_out outgoing weights per input and then b as one more row; a narrow one has a
  row of its n_in incoming weights per output and then b, padded. Whichever takes fewer blocks.
  Where W and b in ``theta`` already are such rows, they are used in place (DIRECT).

The outputs of a layer, padded too, lie from UNITS on in arrays of activations and deltas.
"""

import numpy as np

from .simd_numpy import BYTES

# The number of this layout. It stands at the very beginning of each table, so that code that was
# compiled for another one, and lies in a user's own cache, can tell. To be raised with any change
# of the columns.
LAYOUT = 2

COLUMNS = 11
(
    VERSION,  # LAYOUT
    N_IN,
    N_OUT,
    ACTIVATION,
    OFFSET,
    WIDE,
    DIRECT,
    ROWS,
    UNITS,
    PADDED,
    CHUNK_ROWS,  # how many samples go through the network's layers together, the same in each row
) = range(COLUMNS)

# Samples that go through the layers together: enough that matrix products are fast, few enough that
# their activations stay in the cache, and that one call into a kernel is soon over.
CHUNK = 256
CHUNK_OF_LARGE = 64  # from so many parameters on:
LARGE = 1 << 22

# What adding up one register costs, in blocks read, multiplied and added.
REDUCTION = 2


def describe(sizes, activations, dtype, direct=True):
    """Build the table of a network.

    Parameters
    ----------
    sizes : sequence of int
        Number of inputs, of units in each hidden layer, of outputs.
    activations : sequence of int
        One code of `activations` per layer, the output layer's last.
    dtype : dtype
        float32 or float64; decides how many elements a block has.
    direct : bool
        Whether rows may be used in place. Without, all lie in one array, so that a rule of
        `updates` can loop over it.

    Returns
    -------
    layers : int64 array of shape (n_layers, COLUMNS)

    Examples
    --------
    >>> layers = describe((13, 8, 1), (1, 0), "float32")
    >>> layers[:, [N_IN, N_OUT, OFFSET, WIDE]].tolist()
    [[13, 8, 0, 1], [8, 1, 112, 0]]
    """
    block = BYTES // np.dtype(dtype).itemsize
    layers = np.zeros((len(sizes) - 1, COLUMNS), np.int64)
    layers[:, VERSION] = LAYOUT
    offset = rows = units = 0
    for layer, n_in, n_out, code in zip(layers, sizes, sizes[1:], activations, strict=False):
        padded_in, padded_out = -(-n_in // block) * block, -(-n_out // block) * block
        is_first = offset == 0
        wide = _wide_cost(n_in, padded_out // block, is_first) <= _narrow_cost(
            n_out, padded_in // block
        )
        in_place = direct and wide and padded_out == n_out and offset % block == 0
        layer[N_IN:CHUNK_ROWS] = n_in, n_out, code, offset, wide, in_place, rows, units, padded_out
        if in_place:
            layer[ROWS] = offset
        else:
            rows += (n_in + 1) * padded_out if wide else n_out * padded_in + padded_out
        offset += n_in * n_out + n_out
        units += padded_out
    layers[:, CHUNK_ROWS] = CHUNK if offset < LARGE else CHUNK_OF_LARGE
    return layers


def _wide_cost(n_in, blocks_out, is_first):
    """Blocks swept, and one register to add up per input whose delta is wanted."""
    return n_in * blocks_out + (0 if is_first else n_in * REDUCTION)


def _narrow_cost(n_out, blocks_in):
    """Blocks swept, and one register to add up per output."""
    return n_out * blocks_in + n_out * REDUCTION


def theta_size(layers):
    """Number of parameters."""
    last = layers[-1]
    return int(last[OFFSET] + (last[N_IN] + 1) * last[N_OUT])


def rows_size(layers, dtype):
    """Number of elements of the work array that holds the padded rows."""
    block = BYTES // np.dtype(dtype).itemsize
    total = 0
    for layer in layers[layers[:, DIRECT] == 0]:
        padded_in = -(-layer[N_IN] // block) * block
        wide = (layer[N_IN] + 1) * layer[PADDED]
        total += wide if layer[WIDE] else layer[N_OUT] * padded_in + layer[PADDED]
    return int(total)


def units_size(layers):
    """Number of elements of an array that holds every layer's padded outputs."""
    return int(layers[:, PADDED].sum())
