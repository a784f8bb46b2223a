"""Rows of whole blocks: what is packed comes back, and the table says where everything lies."""

import numpy as np
import pytest

from fastperc.kernels import table
from fastperc.kernels.jit import kernel
from fastperc.kernels.packing import pack, unpack
from fastperc.kernels.simd import flat, records
from fastperc.model.layout import n_parameters
from networks import SIZES


@kernel
def pack_and_unpack(theta, packed, layers, back):
    pack(flat(theta), flat(packed), records(layers, table.LAYER))
    unpack(flat(packed), records(layers, table.LAYER), flat(back))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_there_and_back(sizes, dtype):
    layers = table.describe(sizes, [0] * (len(sizes) - 1), dtype)
    assert table.theta_size(layers) == n_parameters(sizes)
    theta = np.arange(1, n_parameters(sizes) + 1).astype(dtype)
    packed = np.full(table.rows_size(layers, dtype) + 5, -7.0, dtype)
    room = np.full(len(theta) + 64, -7.0, dtype)
    back = room[: len(theta)]
    back[:] = 0
    pack_and_unpack(theta, packed, layers, room)
    assert (room[len(theta) :] == -7).all()
    total = 0.0
    for layer in table.as_records(layers):
        begin = layer["offset"]
        part = slice(begin, begin + (layer["n_in"] + 1) * layer["n_out"])
        wanted = np.zeros_like(theta[part]) if layer["direct"] else theta[part]
        assert np.array_equal(back[part], wanted)
        total += wanted.sum(dtype=float)
    assert (packed[-5:] == -7).all()  # nothing is written behind the end
    assert packed[:-5].sum(dtype=float) == total  # and zeros around the weights


def test_direct_rows_begin_at_whole_blocks():
    layers = table.describe((3, 5, 16, 32, 16), [0] * 4, "float32")
    layers = table.as_records(layers)
    for layer in layers[layers["direct"] == 1]:
        assert layer["offset"] % 16 == 0
        assert layer["n_out"] % 16 == 0
    layers = table.describe((8, 32, 1), [0, 0], "float32")
    assert table.as_records(layers)["direct"][0] == 1


@pytest.mark.parametrize(
    ("sizes", "wide"),
    [
        ((8, 32, 1), [1, 0]),  # 8 * 4 against 32 * 1 + 64; 32 * 1 + 64 against 1 * 4 + 2
        ((64, 2), [0]),  # 64 * 1 against 2 * 8 + 4
        ((16, 9), [1]),  # 16 * 2 against 9 * 2 + 18
        ((20, 4), [1]),  # 20 * 1 against 4 * 3 + 8: as good
        ((21, 4), [0]),
        ((40, 16), [1]),  # 40 * 2 against 16 * 5 + 32
        ((3, 40, 16), [1, 0]),  # as it is not the first: 40 * 2 + 80
    ],
    ids=str,
)
def test_rows_run_the_way_that_takes_fewer_blocks(sizes, wide):
    """Blocks of 8, by hand; one register to add up costs as much as 2."""
    layers = table.describe(sizes, [0] * len(wide), "float64")
    assert table.as_records(layers)["wide"].tolist() == wide
