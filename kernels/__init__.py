"""Compiled kernels: plain functions on plain arrays. This page is the map.

Operations, and the kernel that each runs on:

======================================  ============================================
one update per sample, plain            `online.train_online`
one update per sample, any rule         `online_rules.train_online_by_rule`
one update per mini-batch, or full      `batch.train_batches`
a large batch, in short calls           `shards.add_part_of_shard`, `step_of_shards`
the same on several threads             `parallel.shard_gradients`
gradient, loss of given samples         `batch.gradient_rows`, `loss_rows`
outputs of many samples                 `predict.predict_rows`, `parallel.predict_shards`
many networks of one shape at once      `fleet.train_fleet`, `outputs_of_fleet`,
                                        `losses_of_fleet`
linear models, a row at a time          `linear.train_linear`, `find_slopes`
one row of a linear model, from Python  `linear_single.learn_linear`, `score_linear`
NumPy's orders of rows                  `orders.draw_orders`
scikit-learn's orders of rows           `linear_orders.shuffle`, `reorder`
one sample, also in your own kernels    `single.predict_one`, `learn_one`
the same by any rule                    `single.learn_one_by_rule`
the tutorials' own loops                `tutorials`
what one core can do at most            `peak.multiply_add`, `copy`
======================================  ============================================

What these are made of, from the bottom; nothing imports what stands below it:

=====================  ===========================================================
`jit`                  the decorators ``@kernel``, ``@inlined`` and ``@outlined``
`caching`              machine code on disk: `cache_folders`, `fingerprint` (what is fresh), and
                       `precompiled`, what an installation brings
`call_by_address`      a kernel's machine code called by another, by its address
`simd_numpy`           SIMD values of 64 bytes, and arrays that own nothing: what each function
                       means, in NumPy
`simd_code`            the same for the compiler
`elementary`           exp, log, sigmoid, tanh, softplus on SIMD values
`simd`                 all of these, also for kernels of your own: ``docs/simd.md``
`activations`          a unit's output and slope, by integer code
`packing`              a layer's weights as rows of whole SIMD blocks
`losses`               from the last weighted sums to outputs, loss and delta, by code
`updates`              from a gradient to a step: rules, penalties, clipping, by code
`table`                the record per layer that tells a kernel which network it has
`arguments`            samples, network and rule as tuples: what kernels are called with
`sums`                 losses, squares of weights and rows, summed over an epoch
`dense`, `fused`       the loops over these rows; the same, fused with the update
`matmul`               matrix products for batches
`fleet_parts`          one network in each SIMD lane: samples, layers, losses, rules, steps
`linear_parts`         of linear models: rows, losses, steps, penalties, rules, looking ahead
=====================  ===========================================================

Which loop must be fast for which operation, the one that takes most time first:

=================================  ======================================================
`train_online`                     `fused.update_forward_wide` or ``_narrow`` (the first layer),
                                   `fused.backward_update_wide` or ``_narrow`` with `dense.add_rows`
                                   or `dot_rows` (the others), `fused.one_output`, `activations`
`train_online_by_rule`             `updates.apply_rule`, `dense.add_rows` or `dot_rows`,
                                   `dense.backward_wide` or ``_narrow``; with clipping or L1 first
                                   of all `updates.penalise`, `dense.outer_rows`
`train_batches`, `gradient_rows`   `matmul._tile` (AVX-512) or `_strip`, `activations`,
                                   `matmul.add_column_sums`, `transpose`; one output:
                                   `matmul.product_column`; with rules `updates.update`
`train_fleet`                      one update per sample: `fleet_parts.layers.update_and_sums`,
                                   `activations`, `backward_and_update`, or by any rule
                                   `move_layer`; batches: `weighted_sums_of_4`,
                                   `add_gradient_of_4`, or `fleet_parts.inputs` where inputs are 0
                                   or networks large, then `rules.take_step`
`train_linear`                     short dense rows: `linear_parts.ahead.step_and_sums`; others:
                                   `linear_parts.rows.dot`, `add_row`; L1: `penalties.pay`
`predict_rows`, `loss_rows`        `matmul._tile` or `_strip`, `activations`, `losses`
`predict_one`                      `single._add_unpadded_rows`, `activations`
`learn_one`, `learn_one_by_rule`   `packing.pack`, `unpack`, then as for training by sample
=================================  ======================================================

`activations` and `losses` are as fast as `elementary.sigmoid`, `tanh` and `exp`. Each of these
loops has its plain form in `reference`, which has all of it once more, in NumPy only;
`reference_linear` does so for linear models, `tutorials.reference` for the tutorials.

Every kernel takes a network as two arrays: ``theta``, its parameters, and ``layers``, its table;
a linear model as its coefficients and a record.
Nothing in here allocates per sample, raises or prints; arrays come in, and arrays change.
"""

__all__ = ["kernel"]


def __getattr__(name):
    """Import the compiler when `kernel` is asked for: much of fastperc does without."""
    if name == "kernel":
        from .jit import kernel

        return kernel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
