"""A long step of `batch` in short calls, with the same bits, so that callers can act in between.

A batch is cut into shards by how many rows it has, and a shard into chunks. A call takes some
chunks of a shard, and carries gradient and loss on to the next. `note_batch` then keeps the sums,
and `step_of_shards` takes the step.
"""

import functools

import numpy as np

from .arguments import Net, Samples, flat_net, flat_rule, flat_samples
from .batch import CHUNK, SHARDS, add_rows_gradient, add_to, take_step
from .call_by_address import address_of, call
from .jit import kernel
from .simd import flat, view
from .sums import add_batch, sum_of_weights
from .table import LAYER


def count_shards(rows):
    """Return `batch.shards_of`, for Python."""
    return min(SHARDS, -(-rows // CHUNK))


@functools.cache
def address(dtype):
    """Return the address of `batch.add_rows_gradient` for arrays of one dtype."""
    v, order, layers = np.empty(0, dtype), np.empty(0, np.int64), np.empty(0, LAYER)
    samples, net = Samples(v, v, v, order), Net(v, layers, 0)
    return address_of(add_rows_gradient, samples, net, 0, 0, 0.0, v, v, 0.0)


@kernel
def add_part_of_shard(address, samples, net, first, rows, scale, target, scratch, loss_sum):
    """Call `batch.add_rows_gradient`, which lies at ``address``, from Python."""
    samples, net = flat_samples(samples), flat_net(net)
    arguments = (samples, net, first, rows, scale, flat(target), flat(scratch), loss_sum)
    return call(address, 0.0, arguments)


@kernel
def note_batch(sums, epoch, loss, weight_sum, samples, net, rule, first, rows):
    """Apply `sums.add_batch`, from Python: to be called before the step."""
    samples, net = flat_samples(samples), flat_net(net)
    add_batch(sums, epoch, loss, weight_sum, samples, net, flat(rule.settings), first, rows)


@kernel
def step_of_shards(gradients, net, rule, weight_sum):
    """Add the shards' gradients in order, and take the step; see `updates`."""
    net, rule = flat_net(net), flat_rule(rule)
    n = net.theta.shape[0]
    total = view(flat(gradients), 0, n)
    for s in range(1, gradients.shape[0]):
        add_to(total, view(flat(gradients), s * n, n))
    take_step(rule, net, total, weight_sum)


@kernel
def weight_of_rows(weight, order, first, rows, so_far):
    """Apply `sums.sum_of_weights`, from Python."""
    return sum_of_weights(flat(weight), flat(order), first, rows, so_far)
