"""Networks in SIMD lanes: each is what it would be alone, whoever its neighbours are."""

from functools import partial

import numpy as np
import pytest

from fastperc.deadline import NO_LIMIT
from fastperc.kernels import reference, reference_rules
from fastperc.kernels.arguments import LOSS
from fastperc.kernels.updates import CODES, L1, L2, L2_PER_WEIGHT
from fastperc.model.dense_fleet import DenseFleet, FleetRule, FleetSamples
from fastperc.model.evaluate import mean_loss
from fastperc.model.fleet_blocks import fleet_losses
from fastperc.model.samples import read_only
from fastperc.training import fleets
from fastperc.training.fleets import FleetOrders, OneByOne, fit_fleet
from fastperc.training.rules import RuleOptions, check_rule
from networks import HEADS, HIDDEN, RULES, SIZES, WITHOUT_BATCHES, problem

N, EPOCHS = 19, 3  # networks: two blocks and three more, in float64


class Watcher:
    """Looks on, lets all networks go on, and keeps what it is told."""

    def __init__(self, rates, epochs_at_once=2):
        self.rates, self.epochs_at_once, self.sums = rates, epochs_at_once, []

    def begin_epoch(self, epoch, networks):
        return self.rates[networks]

    def end_epochs(self, trained, sums, completed, diverged):
        kept = np.full((sums.shape[0], sums.shape[1], len(self.rates)), np.nan)
        kept[:, :, trained.networks] = sums
        self.sums.append(kept)
        return np.full(len(trained.networks), "", object)


class Orders(FleetOrders):
    """Some orders, of different lengths."""

    def __init__(self, which, tables):
        self.which, self.tables = which, tables

    def window(self, first, n_epochs, wanted):
        return [self.tables[k][first - 1 : first - 1 + n_epochs] for k in wanted]


class Case:
    """A fleet that is made anew for each run, of networks that differ in all that may differ."""

    def __init__(self, sizes=(5, 6, 3), head=("identity", "squared_error"), rule="sgd", **options):
        self.options = {"hidden": "tanh", "n": 21, "dtype": "float64", "batch": 1} | options
        rng = self.rng = np.random.default_rng(3)
        given = problem(
            sizes, self.options["hidden"], head, self.options["dtype"], self.options["n"]
        )
        self.dense, dtype = given.net._model, self.options["dtype"]
        self.theta = rng.uniform(0.7, 1.3, (N, self.dense.theta.size)) * self.dense.theta
        self.X, self.Y = read_only(given.X, dtype), read_only(given.Y, dtype)
        self.weight = np.empty(0, dtype)
        self.rates = rng.uniform(0.01, 0.05, N)
        _, code, settings = check_rule(RuleOptions(**RULES[rule]), self.dense.dtype)
        self.code, self.settings = code, np.tile(settings, (N, 1))
        self.orders = None
        self.is_factor = self.options["batch"] == 1

    def train(self, networks=None, engine=None, threads=1, at_once=2, epochs=EPOCHS):
        """Return theta, reasons and sums of some of the networks, trained in a fleet."""
        some = np.arange(N) if networks is None else np.asarray(networks)
        fleet = DenseFleet(self.dense, self.theta[some].astype(self.dense.dtype))
        Y = self.Y[some] if self.Y.ndim == 3 else self.Y
        weight = self.weight[some] if self.weight.ndim == 2 else self.weight
        rule = FleetRule(self.code, self.settings[some], fleet)
        watcher = Watcher(self.rates[some], at_once)
        orders = None
        if self.orders is not None:
            orders = Orders(self.orders.which[some], self.orders.tables)
        samples = FleetSamples(self.X, read_only(Y), read_only(weight), self.is_factor)
        if engine is not None:
            before, fleets._engine_for = fleets._engine_for, lambda *given: engine(*given)
        try:
            reasons = fit_fleet(
                fleet, samples, rule, watcher, batch_size=self.options["batch"], epochs=epochs,
                orders=orders, threads=threads,
            )  # fmt: skip
        finally:
            if engine is not None:
                fleets._engine_for = before
        return fleet.theta, reasons, np.concatenate(watcher.sums, axis=1), rule

    def check(self):
        """Compare with networks alone; then look for any trace of neighbours, slices, threads."""
        theta, reasons, sums, rule = self.train()
        alone, why, sums_alone, rule_alone = self.train(engine=OneByOne)
        tolerance = 1e-12 if self.dense.dtype == np.float64 else 2e-5
        scale = np.abs(alone).max(axis=1, keepdims=True)
        np.testing.assert_allclose(theta / scale, alone / scale, rtol=0, atol=tolerance)
        np.testing.assert_allclose(sums, sums_alone, rtol=max(tolerance, 1e-10), atol=1e-12)
        assert reasons.tolist() == why.tolist()
        size = max(1.0, abs(rule.state).max(initial=0))
        np.testing.assert_allclose(rule.state, rule_alone.state, rtol=0, atol=tolerance * size)
        some = self.rng.permutation(N)[: N // 2 - 1]
        few, _, sums_few, _ = self.train(some, threads=2, at_once=1)
        np.testing.assert_array_equal(few, theta[some])
        np.testing.assert_array_equal(sums_few, sums[:, :, some])
        return theta


@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize(("output", "loss"), HEADS)
def test_each_loss_in_a_lane_is_that_of_a_network_alone(output, loss, batch):
    sizes = (5, 3) if loss == "perceptron" else (5, 6, 3)
    Case(sizes, (output, loss), batch=batch).check()


@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_each_activation_in_a_lane_is_that_of_a_network_alone(hidden, batch):
    Case((5, 6, 3), hidden=hidden, batch=batch).check()


@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in WITHOUT_BATCHES])
def test_each_rule_in_a_lane_is_that_of_a_network_alone(rule, batch):
    case = Case((5, 6, 3), rule=rule, batch=batch)
    case.settings[::2, L2] += 0.3
    case.settings[1::3, L1] = 0.02
    case.settings[::5, L2_PER_WEIGHT] = 0.4
    case.check()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 3, 8])
@pytest.mark.parametrize("sizes", [s for s in SIZES if np.prod(s) < 5000])
def test_each_shape_in_lanes_is_that_of_networks_alone(sizes, batch, dtype):
    Case(sizes, batch=batch, dtype=dtype).check()


@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize("is_factor", [True, False])
@pytest.mark.parametrize("rule", ["sgd", "momentum", "adam", "adamw"])
def test_networks_may_have_targets_weights_and_orders_of_their_own(rule, is_factor, batch):
    case = Case((5, 6, 3), rule=rule, batch=batch)
    rng = case.rng
    n = len(case.X)
    case.Y = case.Y * rng.uniform(0.5, 1.5, (N, 1, 1))
    case.weight = rng.integers(0, 3, (N, n)) * rng.uniform(0.5, 1.5, (N, n))
    case.weight[3, :] = 1.0
    case.is_factor = is_factor
    lengths = [n, n - 8, 13, 9]
    tables = [np.stack([rng.permutation(n)[:m] for _ in range(EPOCHS)]) for m in lengths]
    case.orders = Orders(rng.integers(0, 4, N), tables)
    case.check()


TWINS = {
    "sgd": reference_rules.sgd,
    "nesterov": partial(reference_rules.momentum, factor=0.8, nesterov=True),
    "adam": reference_rules.adam,
}


@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize("rule", TWINS)
def test_a_fleet_has_the_trajectory_of_its_twin(rule, batch):
    case = Case((5, 6, 3), rule=rule, batch=batch)
    rng, n, net = case.rng, len(case.X), case.dense
    case.Y = case.Y * rng.uniform(0.5, 1.5, (N, 1, 1))
    case.weight = rng.uniform(0.5, 1.5, (N, n)) * (rng.uniform(size=(N, n)) > 0.2)
    which, tables = rng.integers(0, 4, N), [rng.integers(0, n, (EPOCHS, m)) for m in (21, 9, 13, 5)]
    case.orders = Orders(which, tables)
    case.settings[:, L2], case.settings[:, L1] = rng.uniform(0, 0.1, (2, N))
    for epochs in range(1, EPOCHS + 1):
        models = [
            reference.Model.from_theta(theta, net.sizes, net.activations, net.loss.name)
            for theta in case.theta
        ]
        losses = reference.train_fleet(
            models, case.X, case.Y, [TWINS[rule](lr) for lr in case.rates], epochs, batch,
            list(case.weight), [tables[k] for k in which],
            list(case.settings[:, L2]), list(case.settings[:, L1]),
        )  # fmt: skip
        theta, _, sums, _ = case.train(epochs=epochs)
        np.testing.assert_allclose(theta, [m.theta for m in models], rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(sums[LOSS].T, losses, rtol=1e-10)


def test_an_infinity_stays_in_its_lane_and_ends_its_network_alone():
    case = Case((5, 6, 3), hidden="relu")
    theta, *_ = case.train()
    case.theta[4, 0] = 1e300
    case.rates[11] = 1e9
    found, why, *_ = case.train()
    assert [k for k in range(N) if why[k] == "diverged"] == [4, 11]
    others = np.delete(np.arange(N), [4, 11])
    np.testing.assert_array_equal(found[others], theta[others])
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[4], case.theta[4])  # as it was when the epoch began


def test_a_network_that_ends_keeps_its_weights_while_the_others_go_on():
    case = Case((5, 6, 3))
    after = [case.train(epochs=k)[0] for k in (1, 2, 3)]

    class Ends(Watcher):
        def end_epochs(self, trained, sums, completed, diverged):
            super().end_epochs(trained, sums, completed, diverged)
            ends = trained.networks % 8 != len(self.sums)
            return np.where(ends & (len(self.sums) < 3), "enough", "").astype(object)

    fleet = DenseFleet(case.dense, case.theta.astype(case.dense.dtype))
    samples = FleetSamples(case.X, case.Y, case.weight, True)
    rule = FleetRule(case.code, case.settings, fleet)
    watcher = Ends(case.rates, 1)
    fit_fleet(fleet, samples, rule, watcher, batch_size=1, epochs=EPOCHS)
    for k in range(N):
        np.testing.assert_array_equal(fleet.theta[k], after[0 if k % 8 != 1 else 1][k])


def test_rules_that_lanes_do_not_have_are_trained_one_by_one():
    case = Case((5, 6, 3), rule="rprop", batch=21)
    case.check()
    assert CODES["rprop"] == case.code


def test_outputs_of_lanes_are_those_of_networks_alone():
    case = Case((5, 6, 3))
    fleet = DenseFleet(case.dense, case.theta)
    samples = FleetSamples(case.X, case.Y, case.weight, True)
    rule = FleetRule(case.code, case.settings, fleet)
    engines = [
        fleets._engine_for(fleet, samples, rule, 1, 1, NO_LIMIT),
        OneByOne(fleet, samples, rule, 1, 1, NO_LIMIT),
    ]
    rows = fleets._rows(FleetOrders(N, len(case.X)), np.arange(N), 1, 1)
    engines[0].train(np.arange(N), case.rates * 0, rows, 1)
    some = np.array([0, 3, 18])
    first, second = (engine.outputs_of(some, case.X) for engine in engines)
    np.testing.assert_allclose(first, second, rtol=1e-13)


@pytest.mark.parametrize("kind", ["shared", "each", "none"])
def test_losses_of_lanes_are_those_of_networks_alone(kind):
    case = Case((5, 6, 3))
    rng, n = case.rng, len(case.X)
    if kind == "each":
        case.Y = read_only(case.Y * rng.uniform(0.5, 1.5, (N, 1, 1)))
    if kind != "none":
        shape = (N, n) if kind == "each" else n
        case.weight = read_only(rng.integers(0, 3, shape) * rng.uniform(0.5, 1.5, shape))
    fleet = DenseFleet(case.dense, case.theta)
    samples = FleetSamples(case.X, case.Y, case.weight, True)
    found = fleet_losses(fleet, samples)
    expected = [mean_loss(fleet.member(i), samples.of(i)) for i in range(N)]
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    rule = FleetRule(case.code, case.settings, fleet)
    engine = fleets._engine_for(fleet, samples, rule, 1, 1, NO_LIMIT)
    rows = fleets._rows(FleetOrders(N, n), np.arange(N), 1, 1)
    engine.train(np.arange(N), case.rates * 0, rows, 1)
    some = np.array([0, 3, 18])
    np.testing.assert_array_equal(engine.losses_of(some, samples), found[some])


def test_plain_python_stays_inside_the_scratch_of_a_whole_chunk(run_python):
    """Inputs mostly 0 are listed, and go through all layers 32 samples at a time."""
    code = """
import numpy as np
from fastperc import Fleet
rng = np.random.default_rng(0)
X = np.where(rng.random((64, 64)) < 0.1, 1.0, 0.0)
fleet = Fleet((64, 8, 2), 12, seed=0)
fleet.train(X, X[:, :2], epochs=1, batch_size=64, lr=0.1)
print(bool(np.isfinite(fleet.theta).all()))
"""
    assert run_python(code, NUMBA_DISABLE_JIT=1) == "True\n"
