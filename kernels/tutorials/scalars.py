"""The from-scratch systems' own scalar loops: a linear unit, five scalars, a sigmoid unit.

Plain forms in ``reference.py``. The first two keep the order of every operation (no
fast-math) and give the same bits as Python's; there are no SIMD lanes in a chain of scalars. Two
sigmoid layers are in `delta_rule`, the two-layer regression in `tutorial_regression`.

A kernel that trains does as many rounds as it is asked for, stops at the first one whose result is
not finite, and returns how many were good.
"""

import math

from ..jit import inlined, kernel
from ..simd import no_unroll


@kernel(fastmath=False)
def linear_unit_predict(weights, X1, X2, predictions):
    """Compute predictions = w1 X1 + w2 X2 + bias.

    weights (3,) = w1, w2, bias; X1, X2 (n,): read. predictions (n,): written.
    """
    w1, w2, bias = weights[0], weights[1], weights[2]
    for i in range(X1.shape[0]):
        predictions[i] = w1 * X1[i] + w2 * X2[i] + bias


@kernel(fastmath=False)
def linear_unit_slopes(predictions, Y, slopes):
    """Compute slopes = 2 (p - y); return the sum of (p - y)^2.

    predictions p, Y (n,): read. slopes (n,): written.
    """
    sse = 0.0
    for i in range(Y.shape[0]):
        error = predictions[i] - Y[i]
        slopes[i] = 2.0 * error
        sse += error * error
    return sse


@kernel(fastmath=False)
def linear_unit_squares(predictions, Y, slopes, two):
    """Compute slopes = (p - y)^2, as published; return their sum. Arrays as above."""
    sse = 0.0
    for i in range(Y.shape[0]):
        slopes[i] = square(predictions[i] - Y[i], two)
        sse += slopes[i]
    return sse


@inlined(fastmath=False)
def square(e, two):
    """Compute ``e ** 2`` with the bits that Python gives it, for ``two`` = 2.0.

    Python calls the C library's ``pow``, whose last bit is not that of e * e once in a thousand
    times. (A literal 2 would be compiled to e * e.) It is a good ``pow``, wrong by less than 0.54
    units in the last place, so it differs only where the exact square lies near the middle between
    two numbers: where ``tail``, what rounding took from it, is nearly half a unit. There ``pow`` is
    asked; everywhere else the product is four times as fast.
    """
    product = e * e
    shifted = 134217729.0 * e  # Dekker: e = high + low, of 26 bits each, whose products are exact
    high = shifted - (shifted - e)
    low = e - high
    tail = ((high * high - product) + 2.0 * high * low) + low * low
    if product + 1.1 * tail == product and product > 1e-270:
        return product
    no_unroll()  # without this, LLVM computes both and chooses afterwards
    return e**two


@kernel(fastmath=False)
def linear_unit_update(weights, X1, X2, slopes, lr):
    """Update once per sample: w_k -= lr s X_k and bias -= lr s.

    weights (3,): read and written. X1, X2, slopes s (n,): read.
    """
    w1, w2, bias = weights[0], weights[1], weights[2]
    for i in range(X1.shape[0]):
        w1 -= lr * (slopes[i] * X1[i])
        w2 -= lr * (slopes[i] * X2[i])
        bias -= lr * slopes[i]
    weights[0], weights[1], weights[2] = w1, w2, bias


@kernel(fastmath=False)
def linear_unit_epochs(weights, X1, X2, Y, predictions, slopes, errors, lr, as_published, two):
    """Predict all samples, then update once for each; one epoch for each element of ``errors``.

    weights (3,): read and written. X1, X2, Y (n,): read. predictions and slopes (n,) of the last
    epoch, errors (n_epochs,) the sum of (p - y)^2 in each: written. Returns the number of epochs
    with a finite error.
    """
    for epoch in range(errors.shape[0]):
        linear_unit_predict(weights, X1, X2, predictions)
        if as_published:
            errors[epoch] = linear_unit_squares(predictions, Y, slopes, two)
        else:
            errors[epoch] = linear_unit_slopes(predictions, Y, slopes)
        if not math.isfinite(errors[epoch]):
            return epoch
        linear_unit_update(weights, X1, X2, slopes, lr)
    return errors.shape[0]


@kernel(fastmath=False)
def chain_forward(w1, w2, w3, b1, b2, x1, x2):
    """Compute h = w1 x1 + w2 x2 + b1 and p = w3 h + b2; all are numbers."""
    h = w1 * x1 + w2 * x2 + b1
    return h, w3 * h + b2


@kernel(fastmath=False)
def chain_update(w1, w2, w3, b1, b2, x1, x2, h, error, lr):
    """Return the five parameters after a step down the gradient of (y - p)^2, error = y - p."""
    slope = -2.0 * error
    slope_h = slope * w3
    return (
        w1 - lr * (slope_h * x1),
        w2 - lr * (slope_h * x2),
        w3 - lr * (slope * h),
        b1 - lr * slope_h,
        b2 - lr * slope,
    )


@kernel(fastmath=False)
def chain_epochs(params, X, y, lr, trace):
    """Update once for each line of ``trace``, sample after sample, over and over.

    params (5,) = w1 w2 w3 b1 b2: read and written. X (n, 2), y (n,): read. trace (n_steps, 7):
    written: loss (y - p)^2, p, then the params after the update. Returns the number of steps whose
    loss and params are finite; params are left as they were after the last of these.
    """
    w1, w2, w3, b1, b2 = params[0], params[1], params[2], params[3], params[4]
    i = 0
    for step in range(trace.shape[0]):
        x1, x2 = X[i, 0], X[i, 1]
        h, p = chain_forward(w1, w2, w3, b1, b2, x1, x2)
        error = y[i] - p
        w1, w2, w3, b1, b2 = chain_update(w1, w2, w3, b1, b2, x1, x2, h, error, lr)
        if not math.isfinite(error * error + w1 + w2 + w3 + b1 + b2):
            return step
        trace[step, 0], trace[step, 1] = error * error, p
        trace[step, 2], trace[step, 3], trace[step, 4] = w1, w2, w3
        trace[step, 5], trace[step, 6] = b1, b2
        params[0], params[1], params[2], params[3], params[4] = w1, w2, w3, b1, b2
        i = i + 1 if i + 1 < y.shape[0] else 0
    return trace.shape[0]


@kernel
def sigmoid_of(z):
    """Compute 1 / (1 + exp(-z)) of one number, in the form for its sign that cannot overflow."""
    e = math.exp(-abs(z))
    return 1.0 / (1.0 + e) if z >= 0.0 else e / (1.0 + e)


@kernel
def sigmoid_unit_rounds(X, y, weights, outputs, deltas, rounds):
    """Train one unit by the delta rule: weights += sum over samples of (y - p) p (1 - p) x.

    X (n, d), y (n,): read. weights (d,): read and written. outputs p (n,) of the last round (before
    its update), deltas (n,): written. Returns the number of rounds that left finite weights.
    """
    for r in range(rounds):
        for i in range(X.shape[0]):
            z = 0.0
            for m in range(X.shape[1]):
                z += X[i, m] * weights[m]
            p = sigmoid_of(z)
            outputs[i] = p
            deltas[i] = (y[i] - p) * p * (1.0 - p)
        total = 0.0
        for m in range(X.shape[1]):
            for i in range(X.shape[0]):
                weights[m] += deltas[i] * X[i, m]
            total += weights[m]
        if not math.isfinite(total):
            return r
    return rounds
