"""The table that tells a kernel which network it has before it: a record per layer.

Integers, so that one compiled kernel serves every depth, width, activation and dtype. What is
handed about is an int64 array of shape (n_layers, COLUMNS); kernels read it as records, `LAYER`, by
`simd.records`: ``at(layers, l).n_in``.

A layer has its parameters twice:

* in ``theta``, the vector that users see: W as (n_in, n_out) in C order from ``offset`` on, then b,
  unless it ``has_bias`` not;
* as *rows* of whole SIMD blocks, zeros behind the end, from ``rows`` on in a work array. A *wide*
  layer has a row of its n_out outgoing weights per input and then b as one more row; a *narrow* one
  has a row of its n_in incoming weights per output and then b, padded. Whichever takes fewer
  blocks. Where W and b in ``theta`` already are such rows, they are used in place: ``direct``.
  A layer without b has zeros in its place, which no step changes.

``trains_weights`` and ``trains_bias`` say what training may change.

The outputs of a layer, padded too, lie from ``units`` on in arrays of activations and deltas.
"""

import itertools

import numpy as np

from .simd_numpy import BYTES

# The number of this layout. It stands at the very beginning of each table, so that code that was
# compiled for another one, and lies in a user's own cache, can tell. To be raised with any change
# of the fields.
LAYOUT = 3

LAYER = np.dtype(
    [
        ("version", np.int64),  # LAYOUT
        ("n_in", np.int64),
        ("n_out", np.int64),
        ("activation", np.int64),  # code
        ("offset", np.int64),
        ("wide", np.int64),  # 0 or 1, as the next
        ("direct", np.int64),
        ("rows", np.int64),
        ("units", np.int64),
        ("padded", np.int64),  # n_out, rounded up to whole blocks
        ("chunk", np.int64),  # samples that go through all layers together, the same in each record
        ("has_bias", np.int64),  # 0 or 1, as the next
        ("trains_weights", np.int64),
        ("trains_bias", np.int64),
    ],
    align=True,
)
COLUMNS = len(LAYER)

# Samples that go through the layers together: enough that matrix products are fast, few enough that
# their activations stay in the cache, and that one call into a kernel is soon over.
CHUNK = 256
CHUNK_OF_LARGE = 64  # from so many parameters on:
LARGE = 1 << 22

# What adding up one register costs, in blocks read, multiplied and added.
REDUCTION = 2


def describe(sizes, activations, dtype, direct=True, bias=None, frozen=()):
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
    bias : sequence of bool, optional
        Whether each layer has biases; by default all have.
    frozen : collection of str
        What training leaves as it is: ``"W1"``, ``"b1"``, ``"W2"``, ...

    Returns
    -------
    layers : int64 array of shape (n_layers, COLUMNS)

    Examples
    --------
    >>> layers = describe((13, 8, 1), (1, 0), "float32")
    >>> as_records(layers)[["n_in", "n_out", "offset", "wide"]].tolist()
    [(13, 8, 0, 1), (8, 1, 112, 0)]
    """
    block = BYTES // np.dtype(dtype).itemsize
    pairs = [*itertools.pairwise(sizes)]
    bias = (True,) * len(pairs) if bias is None else bias
    chunk = CHUNK if sum((n_in + 1) * n_out for n_in, n_out in pairs) < LARGE else CHUNK_OF_LARGE
    layers, offset, rows, units = [], 0, 0, 0
    for k, ((n_in, n_out), code) in enumerate(zip(pairs, activations, strict=True)):
        padded_in, padded = -(-n_in // block) * block, -(-n_out // block) * block
        narrow_cost = _narrow_cost(n_out, padded_in // block)
        wide = _wide_cost(n_in, padded // block, not layers) <= narrow_cost
        in_place = direct and wide and bias[k] and padded == n_out and offset % block == 0
        start = offset if in_place else rows
        trains = f"W{k + 1}" not in frozen, bias[k] and f"b{k + 1}" not in frozen
        place = LAYOUT, n_in, n_out, code, offset, wide, in_place, start, units, padded, chunk
        layers.append((*place, bias[k], *trains))
        if not in_place:
            rows += (n_in + 1) * padded if wide else n_out * padded_in + padded
        offset += n_in * n_out + (n_out if bias[k] else 0)
        units += padded
    return np.array(layers, LAYER).view(np.int64).reshape(-1, COLUMNS)


def as_records(layers):
    """View a table as records, one per layer."""
    return layers.view(LAYER)[:, 0]


def chunk_size(layers):
    """Return how many samples go through the layers together."""
    return int(as_records(layers)["chunk"][0])


def _wide_cost(n_in, blocks_out, is_first):
    """Count blocks swept, and one register to add up per input whose delta is wanted."""
    return n_in * blocks_out + (0 if is_first else n_in * REDUCTION)


def _narrow_cost(n_out, blocks_in):
    """Count blocks swept, and one register to add up per output."""
    return n_out * blocks_in + n_out * REDUCTION


def theta_size(layers):
    """Return the number of parameters."""
    last = as_records(layers)[-1]
    return int(last["offset"] + (last["n_in"] + last["has_bias"]) * last["n_out"])


def rows_size(layers, dtype):
    """Return the number of elements of the work array that holds the padded rows."""
    block = BYTES // np.dtype(dtype).itemsize
    total = 0
    for layer in as_records(layers):
        if not layer["direct"]:
            padded_in = -(-layer["n_in"] // block) * block
            wide = (layer["n_in"] + 1) * layer["padded"]
            total += wide if layer["wide"] else layer["n_out"] * padded_in + layer["padded"]
    return int(total)


def units_size(layers):
    """Return the number of elements of an array that holds every layer's padded outputs."""
    return int(as_records(layers)["padded"].sum())
