"""A long step of `batch` in short calls, with the same bits: for who wants to look up in between.

A batch is cut into slabs by how many rows it has, and a slab into chunks. A call takes some chunks
of a slab, and carries gradient and loss on to the next.
"""

import functools

import numpy as np

from .batch import CHUNK, SLABS, add_part, add_rows_gradient, sum_of_weights
from .call_by_address import address_of, call
from .jit import kernel
from .simd import flat, view
from .updates import penalise, update


def count_slabs(rows):
    """`batch.slabs_of`, for Python."""
    return min(SLABS, -(-rows // CHUNK))


@functools.cache
def address(dtype):
    """That of `add_rows_gradient` for arrays of one dtype."""
    v, i = np.empty(0, dtype), np.empty(0, np.int64)
    return address_of(add_rows_gradient, v, v, v, i, 0, 0, 0, 0, v, i, 0, 0.0, v, v, 0.0)


@kernel
def add_part_of_slab(
    address, X, Y, weight, order, first, rows, theta, layers, loss, scale, target, work, loss_sum
):
    """`add_rows_gradient`, which lies at ``address``, from Python."""
    arguments = (
        flat(X), flat(Y), flat(weight), flat(order), X.shape[1], Y.shape[1], first, rows,
        flat(theta), flat(layers), loss, scale, flat(target), flat(work), loss_sum,
    )  # fmt: skip
    return call(address, 0.0, arguments)


@kernel
def step_of_slabs(gradients, theta, layers, rule, settings, state, step_state, weight_sum):
    """Add the slabs' gradients in order, and take the step; see `updates`."""
    n = theta.shape[0]
    total = view(flat(gradients), 0, n)
    for s in range(1, gradients.shape[0]):
        add_part(view(flat(gradients), s * n, n), total)
    theta, t, settings = flat(theta), flat(layers), flat(settings)
    penalise(rule, settings, theta, total, t, False, weight_sum)
    update(rule, settings, theta, total, flat(state), flat(step_state))


@kernel
def weight_of_rows(weight, order, first, rows, so_far):
    """`sum_of_weights`, from Python."""
    return sum_of_weights(weight, order, first, rows, so_far)
