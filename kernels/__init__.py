"""Compiled kernels: plain functions on plain arrays. This page is the map.

Ways of training, and the kernel that each runs on:

======================================  ===========================================
one update per sample, plain            `online.train_online`
one update per sample, any rule         `online_rules.train_online_by_rule`
one update per mini-batch, or full      `batch.train_batches`
either, with a learning curve as well   `epochs.train_batches`, `epochs.train_online`
a large batch, in short calls           `slabs.add_part_of_slab`, `step_of_slabs`
the same on several threads             `parallel.slab_gradients`
gradient, loss of given samples         `batch.gradient_rows`, `loss_rows`
outputs of many samples                 `predict.predict_rows`, `parallel.predict_slabs`
one sample, also in your own kernels    `single.predict_one`, `learn_one`
the tutorials' own loops                `tutorials`, `delta_rule`, `tutorial_regression`
======================================  ===========================================

What these are made of, from the bottom:

=====================  ===========================================================
`jit`, `caching`       the decorators ``@kernel``, ``@piece`` and ``@apart``; machine code on disk
`call_by_address`              a kernel's machine code called by another, by its address
`simd`                SIMD values of 64 bytes, and arrays that own nothing
`elementary`           exp, log, sigmoid, tanh, softplus on SIMD values
`activations`          a unit's output and slope, by integer code
`losses`               from the last weighted sums to outputs, loss and delta, by code
`updates`              what a step does with a gradient: rules, penalties, clipping, by code
`table`                the integers that tell a kernel which network it has
`packing`              a layer's weights as rows of whole SIMD blocks
`dense`, `fused`      the loops over these rows; the same with the update drawn in
`matmul`             matrix products for batches
=====================  ===========================================================

`reference` and `reference_tutorials` have all of it once more, in NumPy only.

Every kernel takes a network as two arrays: ``theta``, its parameters, and ``layers``, its table.
Nothing in here allocates per sample, raises or prints; arrays come in, and arrays change.
"""
