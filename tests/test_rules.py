"""Every update rule against its twin in NumPy, over 20 epochs: per sample, in batches, at once."""

from functools import partial

import numpy as np
import pytest

from fastperc import Network, schedules
from fastperc.kernels import batch, online_rules, reference, reference_rules, single, updates
from fastperc.kernels.arguments import LOSS, SQUARES, Rule
from fastperc.kernels.jit import kernel
from fastperc.kernels.table import as_records
from networks import RULES as OPTIONS
from networks import (
    WITHOUT_BATCHES,
    arguments_of,
    fixed,
    no_sums,
    problem,
    rule_of,
    samples_of,
)

# The twin of a rule has its name in `reference`; of these, that of another rule or more arguments.
TWINS = {
    "momentum": partial(reference_rules.momentum, factor=0.8),
    "nesterov": partial(reference_rules.momentum, factor=0.8, nesterov=True),
    "adamw": reference_rules.adam,
    "last_gradient": partial(reference_rules.last_gradient, factor=0.005),
}
RULES = {
    name: (options, TWINS.get(name) or getattr(reference_rules, name))
    for name, options in OPTIONS.items()
}
RULES["adam, other numbers"] = (
    {"optimizer": "adam", "betas": (0.8, 0.9), "epsilon": 1e-3},
    partial(reference_rules.adam, beta1=0.8, beta2=0.9, epsilon=1e-3),
)
RULES["adam, epsilon-hat"] = (
    {"optimizer": "adam", "epsilon": 1e-3, "epsilon_hat": True},
    partial(reference_rules.adam, epsilon=1e-3, epsilon_hat=True),
)
RULES["an average of gradients"] = (
    {"momentum": 0.8, "dampening": 0.8},
    partial(reference_rules.momentum, factor=0.8, dampening=0.8),
)
RULES["rmsprop, other numbers"] = (
    {"optimizer": "rmsprop", "rho": 0.7, "epsilon": 1e-3},
    partial(reference_rules.rmsprop, rho=0.7, epsilon=1e-3),
)
RULES["adadelta, other numbers"] = (
    {"optimizer": "adadelta", "rho": 0.7, "epsilon": 1e-3},
    partial(reference_rules.adadelta, rho=0.7, epsilon=1e-3),
)
PENALTIES = {
    "none": {},
    "l2": {"alpha": 0.3},
    "l1": {"l1": 0.02},
    "clip": {"clip_norm": 0.05},
    "all": {"alpha": 0.1, "l1": 0.01, "clip_norm": 0.3},
}
EPOCHS, LR = 20, 0.01


def compare(name, batch_size, penalties, sizes=(5, 18, 3), weighted=False, dtype="float64"):
    p = problem(sizes, n=13, dtype=dtype)
    options, rule = RULES[name]
    options = {**options, **penalties}
    weight = p.weight if weighted else None
    assert not weighted or (p.weight == 0).any()
    history = p.net.train(
        p.X, p.y, epochs=EPOCHS, lr=LR, batch_size=batch_size, shuffle=False, sample_weight=weight,
        **options,
    )  # fmt: skip
    decay = LR * options["alpha"] if name == "adamw" else 0.0
    wanted = reference.train(
        p.model, p.X.astype(float), p.Y.astype(float), rule(LR), EPOCHS, batch_size,
        weight=None if weight is None else weight.astype(float), decay=decay,
        alpha=0.0 if decay else options.get("alpha", 0.0), l1=options.get("l1", 0.0),
        clip=options.get("clip_norm", 0.0),
    )  # fmt: skip
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    np.testing.assert_allclose(p.net.theta, p.model.theta, rtol=tolerance, atol=tolerance)
    total = len(p.X) if weight is None else weight.sum()
    np.testing.assert_allclose(history.loss, np.divide(wanted, total), rtol=tolerance)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4, 13])
@pytest.mark.parametrize("name", [n for n in RULES if n not in WITHOUT_BATCHES])
def test_rule(name, batch_size, weighted):
    compare(name, batch_size, {}, weighted=weighted)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", WITHOUT_BATCHES)
def test_rule_that_takes_all_samples(name, weighted):
    compare(name, 13, {}, weighted=weighted)


@pytest.mark.parametrize("batch_size", [1, 4, 13])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_penalties(name, penalty, batch_size):
    compare(name, batch_size, PENALTIES[penalty])


@pytest.mark.parametrize("sizes", [(3, 1), (40, 2), (8, 32, 1), (4, 16, 16, 2)], ids=str)
@pytest.mark.parametrize("batch_size", [1, 4])
def test_penalties_spare_biases_whatever_the_layout(sizes, batch_size):
    compare("momentum", batch_size, PENALTIES["all"], sizes=sizes)


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_float32(name, batch_size):
    compare(name, batch_size, PENALTIES["l2"], dtype="float32")


def test_gradient_and_loss_with_penalties():
    p = problem((4, 6, 2))
    for alpha, l1 in ((0.3, 0.0), (0.0, 0.2), (0.1, 0.1)):
        gradient = p.net.backward(p.X, p.y, alpha=alpha, l1=l1)
        wanted = reference.gradient(p.model, p.X, p.Y)
        wanted = reference.penalised(p.model, wanted, alpha, l1)
        np.testing.assert_allclose(gradient, wanted, rtol=1e-12)
        h, i = 1e-6, 3
        p.net.theta[i] += h
        above = p.net.loss(p.X, p.y, alpha=alpha, l1=l1)
        p.net.theta[i] -= 2 * h
        below = p.net.loss(p.X, p.y, alpha=alpha, l1=l1)
        p.net.theta[i] += h
        assert (above - below) / (2 * h) == pytest.approx(gradient[i], rel=1e-6)


def test_lbfgs_finds_the_minimum_of_a_linear_regression():
    rng = np.random.default_rng(0)
    X, noise = rng.standard_normal((50, 4)), rng.standard_normal(50)
    y = X @ [1.0, -2.0, 3.0, 0.5] + 0.1 * noise
    net = Network((4, 1), dtype="float64", seed=0)
    history = net.train(X, y, optimizer="lbfgs", epochs=200)
    best, *_ = np.linalg.lstsq(np.c_[X, np.ones(50)], y, rcond=None)
    np.testing.assert_allclose(net.theta, best, atol=1e-4)
    assert history.stopped == "converged"
    assert (np.diff(history.loss) <= 0).all()


def test_lbfgs_with_a_penalty_stops_where_the_gradient_is_0():
    p = problem((3, 4, 1))
    p.net.train(p.X, p.y, optimizer="lbfgs", epochs=2000, alpha=0.05)
    assert np.abs(p.net.backward(p.X, p.y, alpha=0.05)).max() < 1e-4


def test_lbfgs_heeds_callback_and_refuses_l1():
    p = problem((3, 4, 1))
    history = p.net.train(p.X, p.y, optimizer="lbfgs", callback=lambda e, h: e == 3)
    assert (history.stopped, len(history.loss)) == ("callback", 3)
    assert p.net.loss(p.X, p.y) == pytest.approx(history.loss[-1], rel=1e-12)
    with pytest.raises(ValueError, match=r"l1: found 0.1 with optimizer='lbfgs'"):
        p.net.train(p.X, p.y, optimizer="lbfgs", l1=0.1)


def test_schedule_by_hand():
    p, q = problem((3, 4, 1)), problem((3, 4, 1))
    rate = schedules.step(0.1, every=2, factor=0.5)
    p.net.train(p.X, p.y, epochs=5, lr=rate, shuffle=False)
    for lr in (0.1, 0.1, 0.05, 0.05, 0.025):
        q.net.train(q.X, q.y, epochs=1, lr=lr, shuffle=False)
    assert np.array_equal(p.net.theta, q.net.theta)


BAD = [
    ({"momentum": 1.0}, r"momentum: found 1.0, expected a number from 0 to below 1"),
    ({"momentum": -0.5}, r"momentum: found -0.5, expected a finite number at least 0"),
    ({"nesterov": True}, r"nesterov: found True with momentum=0.0"),
    ({"optimizer": "adam", "momentum": 0.9}, r"momentum: found momentum=0.9.*belong to 'sgd'"),
    ({"alpha": -1}, r"alpha: found -1, expected a finite number at least 0"),
    ({"l1": np.inf}, r"l1: found inf"),
    ({"clip_norm": 0}, r"clip_norm: found 0, expected a finite number greater than 0"),
    ({"betas": 0.9}, r"betas: found 0.9, expected two numbers"),
    ({"betas": (0.9, 1.0)}, r"betas: found 1.0, expected a number from 0 to below 1"),
    ({"epsilon": 0}, r"epsilon: found 0"),
    ({"lr": lambda epoch: -1.0}, r"lr\(1\): found -1.0, expected a finite number at least 0"),
]


@pytest.mark.parametrize(("options", "message"), BAD, ids=[m[:30] for _, m in BAD])
def test_bad_options(options, message):
    p = problem((3, 4, 1))
    before = p.net.theta.copy()
    with pytest.raises(ValueError, match=message):
        p.net.train(p.X, p.y, **options)
    assert np.array_equal(p.net.theta, before)


@kernel
def step_of(rule, theta, gradient):
    updates.update(rule, theta, gradient)


@pytest.mark.parametrize("n", [1, 8, 13, 35])
@pytest.mark.parametrize("rule", updates.MEMORY)
def test_a_step_writes_nothing_behind_the_end(rule, n):
    """Parameters and memory lie in longer arrays here, whose ends have to stay."""
    rng, rates = np.random.default_rng(0), np.full(updates.N_SETTINGS, 0.5)
    theta, gradient = rng.standard_normal((2, n + 64))
    memory = updates.MEMORY[rule] * n
    state = np.full(memory + 64, 3.0)
    state[:memory] = 0
    start = theta.copy()
    step_of(Rule(rule, rates, state[:memory], np.zeros(3)), theta[:n], gradient[:n])
    assert (theta[:n] != start[:n]).all()
    assert np.array_equal(theta[n:], start[n:])
    assert (state[memory:] == 3).all()
    assert (state[:memory] != 0).all()


# --- both kernels that take any rule --------------------------------------------------------------

SETTINGS = {"LR": 0.02, "MOMENTUM_FACTOR": 0.8, "BETA1": 0.9, "BETA2": 0.999, "EPSILON": 1e-8}
EVERY_SAMPLE = [code for code in updates.MEMORY if code != updates.RPROP]


def in_batches(p, rule, weight=None, order=None, batch_size=1):
    net, sums = p.net, no_sums()
    work = np.zeros(batch.work_size(net.layers, net.dtype, batch_size), net.dtype)
    batch.train_batches(
        samples_of(p, weight, order), arguments_of(net), rule, batch_size, 0,
        -(-len(p.X) // batch_size), work, np.empty_like(net.theta), sums,
    )  # fmt: skip
    return sums


def by_sample(p, rule, weight=None, order=None, cuts=()):
    net, sums = arguments_of(p.net, direct=False), no_sums()
    work = np.zeros(online_rules.work_size(rule.code, net.layers, p.net.dtype), p.net.dtype)
    first = 0
    for last in (*cuts, len(p.X)):
        online_rules.train_online_by_rule(
            samples_of(p, weight, order), net, rule, first, last, work, np.empty_like(net.theta),
            sums,
        )  # fmt: skip
        first = last
    return sums


def assert_same(rule, other, rtol):
    np.testing.assert_allclose(rule.state, other.state, rtol=rtol, atol=1e-12)
    np.testing.assert_array_equal(rule.step_state, other.step_state)


@pytest.mark.parametrize("sizes", [(5, 3), (7, 18, 1), (20, 9, 16, 4)], ids=str)
@pytest.mark.parametrize("code", EVERY_SAMPLE)
def test_one_sample_a_batch_is_the_same_either_way(code, sizes):
    p, q = problem(sizes, n=17), problem(sizes, n=17)
    order = np.random.default_rng(1).permutation(17)[None]
    settings = SETTINGS | ({"MOMENTUM_FACTOR": 0.005} if code == updates.LAST_GRADIENT else {})
    rule, other = (rule_of(p.net, code, L2_PER_WEIGHT=0.1, **settings) for _ in range(2))
    sums, others = in_batches(p, rule, order=order), by_sample(q, other, order=order)
    np.testing.assert_allclose(p.net.theta, q.net.theta, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(sums, others, rtol=1e-10)
    assert_same(rule, other, 1e-8)


@pytest.mark.parametrize("code", updates.MEMORY)
def test_slices_change_no_bit(code):
    p, q = problem((7, 18, 3), n=17), problem((7, 18, 3), n=17)
    rule, other = (rule_of(p.net, code, **SETTINGS) for _ in range(2))
    by_sample(p, rule)
    by_sample(q, other, cuts=(1, 5, 16))
    assert np.array_equal(p.net.theta, q.net.theta)
    assert np.array_equal(rule.state, other.state)


def test_memory_passes_from_one_kernel_to_the_other():
    p, q = problem((6, 10, 2), n=16), problem((6, 10, 2), n=16)
    rule, other = (rule_of(p.net, updates.ADAM, **SETTINGS) for _ in range(2))
    for train in (by_sample, in_batches, by_sample):
        train(p, rule)
        by_sample(q, other)
    np.testing.assert_allclose(p.net.theta, q.net.theta, rtol=1e-9, atol=1e-12)


def test_weights_are_factors_of_a_single_samples_step():
    p, q = problem((4, 6, 2), n=13), problem((4, 6, 2), n=13)
    by_sample(p, rule_of(p.net, updates.SGD, LR=0.02), fixed(np.full(13, 3.0)))
    by_sample(q, rule_of(q.net, updates.SGD, LR=0.06))
    np.testing.assert_allclose(p.net.theta, q.net.theta, rtol=1e-12)


def test_a_sample_without_weight_leaves_no_trace():
    p, q = problem((4, 6, 2), n=13), problem((4, 6, 2), n=13)
    rule, other = (rule_of(p.net, updates.ADAM, L2_PER_WEIGHT=0.1, **SETTINGS) for _ in range(2))
    sums = by_sample(p, rule, fixed(np.where(np.arange(13) == 4, 0.0, 1.0)))
    q.X, q.y = fixed(np.delete(q.X, 4, axis=0)), fixed(np.delete(q.y, 4, axis=0))
    others = by_sample(q, other, fixed(np.ones(12)))
    assert np.array_equal(p.net.theta, q.net.theta)
    assert np.array_equal(sums, others)
    assert np.array_equal(rule.state, other.state)
    assert np.array_equal(rule.step_state, other.step_state)


# --- and the one that takes a single sample -------------------------------------------------------


def learn_all(p, rule, weight):
    """Every sample's step by `single.learn_one_by_rule`; returns sums of losses and squares."""
    theta, layers, loss = arguments_of(p.net, direct=False)
    work = np.zeros(single.work_size_by_rule(rule.code, layers, theta.dtype), theta.dtype)
    found = [
        single.learn_one_by_rule(x, y, float(w), theta, layers, loss, *rule, work)
        for x, y, w in zip(p.X, p.Y, weight, strict=True)
    ]
    return np.array(found).sum(axis=0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("penalty", [{}, {"L2_PER_WEIGHT": 0.1}, {"L1": 0.01, "CLIP": 0.3}])
@pytest.mark.parametrize("code", updates.MEMORY)
def test_one_sample_alone_has_the_bits_of_an_epoch(code, penalty, dtype):
    p, q = (problem((7, 18, 3), n=9, dtype=dtype) for _ in range(2))
    rule, other = (rule_of(p.net, code, **SETTINGS, **penalty) for _ in range(2))
    sums = by_sample(p, rule, p.weight)
    loss, squares = learn_all(q, other, p.weight)
    assert np.array_equal(p.net.theta, q.net.theta)
    assert np.array_equal(rule.state, other.state)
    assert np.array_equal(rule.step_state, other.step_state)
    assert loss == pytest.approx(sums[LOSS, 0], rel=1e-14)
    assert squares == pytest.approx(sums[SQUARES, 0], rel=1e-14)


@pytest.mark.parametrize("lr", [0.1, 1e308])
def test_divergence_on_one_sample_leaves_everything_alone(lr):
    p = problem((4, 9, 1), hidden="relu")
    theta, layers, loss = arguments_of(p.net, direct=False)
    rule = rule_of(p.net, updates.ADAM, **{**SETTINGS, "LR": lr})
    work = np.zeros(single.work_size_by_rule(rule.code, layers, theta.dtype))
    kept = p.X[1].copy(), p.Y[1].copy(), 1.0, theta, layers, loss, *rule, work
    single.learn_one_by_rule(*kept)
    before = [a.copy() for a in (theta, rule.state, rule.step_state)]
    x = np.full(4, 1e300)
    found, squares = single.learn_one_by_rule(x, np.ones(1), *kept[2:])
    assert np.isnan(found)
    assert squares == 0
    for array, then in zip((theta, rule.state, rule.step_state), before, strict=True):
        assert np.array_equal(array, then)


def test_a_table_of_another_version_is_refused():
    p = problem((4, 9, 1))
    theta, layers, loss = arguments_of(p.net, direct=False)
    layers = layers.copy()
    as_records(layers)["version"] += 1
    rule, before = rule_of(p.net, updates.ADAM, **SETTINGS), theta.copy()
    work = np.zeros(single.work_size_by_rule(rule.code, layers, theta.dtype))
    found, _ = single.learn_one_by_rule(p.X[0], p.Y[0], 1.0, theta, layers, loss, *rule, work)
    assert np.isnan(found)
    assert np.array_equal(theta, before)
    assert rule.step_state[0] == 0
