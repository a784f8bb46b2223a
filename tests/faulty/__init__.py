"""Kernels as people write them, each with mistakes that were made, and without them."""

from . import (
    batches_numpy,
    bias_free,
    columns,
    forward,
    full_rows,
    gradients,
    layers,
    online_numpy,
    online_python,
)

FAULTY = [
    entry
    for style in (
        online_python, online_numpy, batches_numpy, full_rows, layers, gradients, forward,
        columns, bias_free,
    )
    for entry in style.FAULTY
]  # fmt: skip
