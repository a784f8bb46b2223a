"""The layers of many networks at once: SIMD lanes run across networks, each lane is one of them.

Every number of a network, be it a weight, an input or a delta, is a block of `simd.width` numbers
here, one of each network. So no sum goes across lanes, rows need no padding, and what becomes of a
network does not depend on its neighbours: an infinity or a NaN stays in its lane.

Loops go through one sample, or through four at a time so that a weight is read once for all four.
Arrays are views of one block: number p is found at ``p * m``, m the width. Sums are taken in one
order whatever else happens to a weight on the way, hence ``contract`` alone.
"""

from ..activations import activate, times_slope
from ..jit import target
from ..online_rules import add_penalty, times
from ..simd import full, load, no_unroll, store, view, width
from ..updates import MOMENTUM, NESTEROV, SGD, apply_rule
from .numbers import in_order

WIDE = "+avx512f" in target()[1]  # 32 registers, of a whole block each


@in_order
def bias_of(theta, layer, j):
    """Return b[j], or 0 for a layer without biases."""
    if layer.has_bias:
        return load(theta, (layer.offset + layer.n_in * layer.n_out + j) * width(theta))
    return full(theta, 0.0)


@in_order
def weighted_sums(theta, layer, x, z, in_parts):
    """Compute ``z[j] = b[j] + sum_i x[i] W[i, j]`` of one sample; ``in_parts``: see `_one_sum`."""
    m, n_in, n_out = width(theta), layer.n_in, layer.n_out
    row = n_out * m
    j = 0
    while j + 8 <= n_out and WIDE:
        no_unroll()
        _eight_sums(theta, layer, x, j, z)
        j += 8
    while j + 4 <= n_out:
        no_unroll()
        z0, z1 = bias_of(theta, layer, j), bias_of(theta, layer, j + 1)
        z2, z3 = bias_of(theta, layer, j + 2), bias_of(theta, layer, j + 3)
        p = (layer.offset + j) * m
        for i in range(n_in):
            no_unroll()
            v = load(x, i * m)
            z0 += v * load(theta, p)
            z1 += v * load(theta, p + m)
            z2 += v * load(theta, p + 2 * m)
            z3 += v * load(theta, p + 3 * m)
            p += row
        store_4(z, j * m, m, 2 * m, 3 * m, z0, z1, z2, z3)
        j += 4
    while j < n_out:
        no_unroll()
        store(z, j * m, _one_sum(theta, layer, x, j, in_parts))
        j += 1


@in_order
def _eight_sums(theta, layer, x, j, z):
    """Compute the sums of eight units: as many additions as are under way at a time."""
    m, row = width(theta), layer.n_out * width(theta)
    z0, z1 = bias_of(theta, layer, j), bias_of(theta, layer, j + 1)
    z2, z3 = bias_of(theta, layer, j + 2), bias_of(theta, layer, j + 3)
    z4, z5 = bias_of(theta, layer, j + 4), bias_of(theta, layer, j + 5)
    z6, z7 = bias_of(theta, layer, j + 6), bias_of(theta, layer, j + 7)
    p = (layer.offset + j) * m
    for i in range(layer.n_in):
        no_unroll()
        v = load(x, i * m)
        z0 += v * load(theta, p)
        z1 += v * load(theta, p + m)
        z2 += v * load(theta, p + 2 * m)
        z3 += v * load(theta, p + 3 * m)
        z4 += v * load(theta, p + 4 * m)
        z5 += v * load(theta, p + 5 * m)
        z6 += v * load(theta, p + 6 * m)
        z7 += v * load(theta, p + 7 * m)
        p += row
    store_4(z, j * m, m, 2 * m, 3 * m, z0, z1, z2, z3)
    store_4(z, (j + 4) * m, m, 2 * m, 3 * m, z4, z5, z6, z7)


@in_order
def _one_sum(theta, layer, x, j, in_parts):
    """Compute one weighted sum: ``in_parts``, in four, since each addition waits for the last.

    All layers but the first have their sums of few units so. The first may leave out inputs, see
    `inputs`, and has one sum.
    """
    m, n_in, row = width(theta), layer.n_in, layer.n_out * width(theta)
    none = full(theta, 0.0)
    s0, s1, s2, s3 = bias_of(theta, layer, j), none, none, none
    i, p = 0, (layer.offset + j) * m
    while i + 4 <= n_in and in_parts:
        no_unroll()
        s0 += load(x, i * m) * load(theta, p)
        s1 += load(x, (i + 1) * m) * load(theta, p + row)
        s2 += load(x, (i + 2) * m) * load(theta, p + 2 * row)
        s3 += load(x, (i + 3) * m) * load(theta, p + 3 * row)
        p += 4 * row
        i += 4
    while i < n_in:
        no_unroll()
        s0 += load(x, i * m) * load(theta, p)
        p += row
        i += 1
    return (s0 + s1) + (s2 + s3)


@in_order
def weighted_sums_of_4(theta, layer, x, x_step, z, z_step, in_parts):
    """Compute `weighted_sums` of four samples, whose inputs and sums are so many numbers apart."""
    m, n_in, n_out = width(theta), layer.n_in, layer.n_out
    x1, x2, x3, z1, z2, z3 = x_step, 2 * x_step, 3 * x_step, z_step, 2 * z_step, 3 * z_step
    row = n_out * m
    j = 0
    while j + 2 <= n_out // 4 * 4:
        no_unroll()
        a0, b0 = bias_of(theta, layer, j), bias_of(theta, layer, j + 1)
        a1, b1, a2, b2, a3, b3 = a0, b0, a0, b0, a0, b0
        p = (layer.offset + j) * m
        for i in range(n_in):
            no_unroll()
            k = i * m
            w, v = load(theta, p), load(theta, p + m)
            x_0, x_1, x_2, x_3 = load(x, k), load(x, k + x1), load(x, k + x2), load(x, k + x3)
            a0 += x_0 * w
            a1 += x_1 * w
            a2 += x_2 * w
            a3 += x_3 * w
            b0 += x_0 * v
            b1 += x_1 * v
            b2 += x_2 * v
            b3 += x_3 * v
            p += row
        k = j * m
        store_4(z, k, z1, z2, z3, a0, a1, a2, a3)
        store_4(z, k + m, z1, z2, z3, b0, b1, b2, b3)
        j += 2
    while j < n_out:  # as for one sample: the same sums, whoever shares the tile
        no_unroll()
        for r in range(4):
            v = view(x, r * x_step, n_in * m)
            store(z, r * z_step + j * m, _one_sum(theta, layer, v, j, in_parts))
        j += 1


@in_order
def load_4(a, k, a1, a2, a3):
    return load(a, k), load(a, k + a1), load(a, k + a2), load(a, k + a3)


@in_order
def store_4(z, k, z1, z2, z3, v0, v1, v2, v3):
    store(z, k, v0)
    store(z, k + z1, v1)
    store(z, k + z2, v2)
    store(z, k + z3, v3)


@in_order
def activate_units(code, z, n):
    """Replace ``n`` weighted sums by the outputs."""
    m = width(z)
    for j in range(n):
        no_unroll()
        store(z, j * m, activate(code, load(z, j * m)))


@in_order
def backward_and_update(theta, layer, a, d, code, g):
    """Compute the delta ``g`` of the layer below; take the step ``W -= outer(a, d)``, ``b -= d``.

    ``d`` is the layer's delta times the learning rate; ``a`` the outputs of the layer below, whose
    activation is ``code``. g is computed with the weights from before.
    """
    m, n_in, n_out = width(theta), layer.n_in, layer.n_out
    row = n_out * m
    i, p = 0, layer.offset * m
    while i + 4 <= n_in:
        no_unroll()
        k = i * m
        v0, v1, v2, v3 = load_4(a, k, m, 2 * m, 3 * m)
        s0 = s1 = s2 = s3 = full(theta, 0.0)
        for j in range(n_out):
            no_unroll()
            delta = load(d, j * m)
            w0, w1, w2, w3 = load_4(theta, p, row, 2 * row, 3 * row)
            s0 += delta * w0
            s1 += delta * w1
            s2 += delta * w2
            s3 += delta * w3
            w0, w1, w2, w3 = w0 - v0 * delta, w1 - v1 * delta, w2 - v2 * delta, w3 - v3 * delta
            store_4(theta, p, row, 2 * row, 3 * row, w0, w1, w2, w3)
            p += m
        s0, s1 = times_slope(code, v0, s0), times_slope(code, v1, s1)
        s2, s3 = times_slope(code, v2, s2), times_slope(code, v3, s3)
        store_4(g, k, m, 2 * m, 3 * m, s0, s1, s2, s3)
        p += 3 * row
        i += 4
    while i < n_in:
        no_unroll()
        v, s = load(a, i * m), full(theta, 0.0)
        for j in range(n_out):
            no_unroll()
            w, delta = load(theta, p), load(d, j * m)
            s += delta * w
            store(theta, p, w - v * delta)
            p += m
        store(g, i * m, times_slope(code, v, s))
        i += 1
    _move_bias(theta, layer, d)


@in_order
def _move_bias(theta, layer, d):
    m = width(theta)
    p = (layer.offset + layer.n_in * layer.n_out) * m
    for j in range(layer.n_out if layer.has_bias else 0):
        no_unroll()
        store(theta, p, load(theta, p) - load(d, j * m))
        p += m


@in_order
def update_and_sums(theta, layer, x, d, x_next, z):
    """Take the first layer's step on ``x``, and compute its sums for the next sample in one go.

    Each weight is read and written once; sums are taken in the order of `weighted_sums`.
    """
    m, n_in, n_out = width(theta), layer.n_in, layer.n_out
    row = n_out * m
    _move_bias(theta, layer, d)
    j = 0
    while j + 4 <= n_out:
        no_unroll()
        z0, z1 = bias_of(theta, layer, j), bias_of(theta, layer, j + 1)
        z2, z3 = bias_of(theta, layer, j + 2), bias_of(theta, layer, j + 3)
        d0, d1 = load(d, j * m), load(d, (j + 1) * m)
        d2, d3 = load(d, (j + 2) * m), load(d, (j + 3) * m)
        p = (layer.offset + j) * m
        for i in range(n_in):
            no_unroll()
            u, v = load(x, i * m), load(x_next, i * m)
            w0, w1 = load(theta, p) - u * d0, load(theta, p + m) - u * d1
            w2, w3 = load(theta, p + 2 * m) - u * d2, load(theta, p + 3 * m) - u * d3
            store(theta, p, w0)
            store(theta, p + m, w1)
            store(theta, p + 2 * m, w2)
            store(theta, p + 3 * m, w3)
            z0 += v * w0
            z1 += v * w1
            z2 += v * w2
            z3 += v * w3
            p += row
        store_4(z, j * m, m, 2 * m, 3 * m, z0, z1, z2, z3)
        j += 4
    while j < n_out:
        no_unroll()
        p, delta, s = (layer.offset + j) * m, load(d, j * m), bias_of(theta, layer, j)
        for i in range(n_in):
            no_unroll()
            w = load(theta, p) - load(x, i * m) * delta
            store(theta, p, w)
            s += load(x_next, i * m) * w
            p += row
        store(z, j * m, s)
        j += 1


@in_order
def add_gradient(theta, layer, a, d, code, g, gradient):
    """Add one sample's gradient, ``outer(a, d)`` and ``d``; with a layer below, compute its delta.

    ``g`` has no elements for the first layer.
    """
    m, n_in, n_out = width(theta), layer.n_in, layer.n_out
    p = layer.offset * m
    for i in range(n_in):
        no_unroll()
        v, s = load(a, i * m), full(theta, 0.0)
        for j in range(n_out):
            no_unroll()
            delta = load(d, j * m)
            store(gradient, p, load(gradient, p) + v * delta)
            if g.shape[0] > 0:
                s += delta * load(theta, p)
            p += m
        if g.shape[0] > 0:
            store(g, i * m, times_slope(code, v, s))
    for j in range(n_out if layer.has_bias else 0):
        no_unroll()
        store(gradient, p, load(gradient, p) + load(d, j * m))
        p += m


@in_order
def add_gradient_of_4(theta, layer, a, a_step, d, d_step, code, g, gradient):
    """Apply `add_gradient` to four samples, whose outputs and deltas are so many numbers apart.

    ``g`` is laid out as ``a``.
    """
    m, n_in, n_out = width(theta), layer.n_in, layer.n_out
    a1, a2, a3, d1, d2, d3 = a_step, 2 * a_step, 3 * a_step, d_step, 2 * d_step, 3 * d_step
    row = n_out * m
    i, p = 0, layer.offset * m
    while i < n_in:
        no_unroll()
        k = i * m
        v0, v1, v2, v3 = load_4(a, k, a1, a2, a3)
        if g.shape[0] > 0:
            s0 = s1 = s2 = s3 = full(theta, 0.0)
            for j in range(n_out):
                no_unroll()
                q, w = j * m, load(theta, p)
                e0, e1, e2, e3 = load_4(d, q, d1, d2, d3)
                s0 += e0 * w
                s1 += e1 * w
                s2 += e2 * w
                s3 += e3 * w
                total = (load(gradient, p) + v0 * e0) + v1 * e1
                store(gradient, p, (total + v2 * e2) + v3 * e3)
                p += m
            s0, s1 = times_slope(code, v0, s0), times_slope(code, v1, s1)
            s2, s3 = times_slope(code, v2, s2), times_slope(code, v3, s3)
            store_4(g, k, a1, a2, a3, s0, s1, s2, s3)
        elif i + 1 < n_in:  # two rows at a time, for which deltas are read once
            u0, u1, u2, u3 = load_4(a, k + m, a1, a2, a3)
            for j in range(n_out):
                no_unroll()
                e0, e1, e2, e3 = load_4(d, j * m, d1, d2, d3)
                v, u = load(gradient, p), load(gradient, p + row)
                store(gradient, p, (((v + v0 * e0) + v1 * e1) + v2 * e2) + v3 * e3)
                store(gradient, p + row, (((u + u0 * e0) + u1 * e1) + u2 * e2) + u3 * e3)
                p += m
            p += row
            i += 1
        else:
            for j in range(n_out):
                no_unroll()
                e0, e1, e2, e3 = load_4(d, j * m, d1, d2, d3)
                v = load(gradient, p)
                store(gradient, p, (((v + v0 * e0) + v1 * e1) + v2 * e2) + v3 * e3)
                p += m
        i += 1
    for j in range(n_out if layer.has_bias else 0):
        no_unroll()
        q = j * m
        total = (load(gradient, p) + load(d, q)) + load(d, q + d1)
        store(gradient, p, (total + load(d, q + d2)) + load(d, q + d3))
        p += m


@in_order
def move_layer(rule, c, theta, layer, a, d, code, g, l2, l2_of_biases, first, second):
    """Compute the delta ``g`` of the layer below, and move all parameters by the rule.

    As `add_gradient`, of one sample and with a step at once. Common rules have a loop of their own:
    to ask for the rule each time takes longer than a step.
    """
    if rule == SGD:
        _move_by(SGD, c, theta, layer, a, d, code, g, l2, l2_of_biases, first, second)
    elif rule == MOMENTUM:
        _move_by(MOMENTUM, c, theta, layer, a, d, code, g, l2, l2_of_biases, first, second)
    elif rule == NESTEROV:
        _move_by(NESTEROV, c, theta, layer, a, d, code, g, l2, l2_of_biases, first, second)
    else:
        _move_by(rule, c, theta, layer, a, d, code, g, l2, l2_of_biases, first, second)


@in_order
def _move_by(rule, c, theta, layer, a, d, code, g, l2, l2_of_biases, first, second):
    m, n_in, n_out = width(theta), layer.n_in, layer.n_out
    p = layer.offset * m
    for i in range(n_in):
        no_unroll()
        v, s = load(a, i * m), full(theta, 0.0)
        for j in range(n_out):
            no_unroll()
            w, delta = load(theta, p), load(d, j * m)
            s += delta * w
            derivative = add_penalty(times(v, delta), l2, w)
            apply_rule(rule, c, theta, p, m, derivative, first, second)
            p += m
        if g.shape[0] > 0:
            store(g, i * m, times_slope(code, v, s))
    for j in range(n_out if layer.has_bias else 0):
        no_unroll()
        derivative = add_penalty(load(d, j * m), l2_of_biases, load(theta, p))
        apply_rule(rule, c, theta, p, m, derivative, first, second)
        p += m
