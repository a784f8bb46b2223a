"""The engine by itself: what it asks of a watcher, and what it leaves behind."""

import numpy as np
import pytest

from fastperc.deadline import Deadline
from fastperc.kernels import updates
from fastperc.kernels.arguments import LOSS
from fastperc.model.options import check_model
from fastperc.model.samples import Samples, read_only
from fastperc.training.loop import fit
from fastperc.training.rules import Rule

X = np.random.default_rng(0).standard_normal((60, 3))


class Watcher:
    """Notes what it is asked, and ends a run after some epochs."""

    epochs_at_once = 1

    def __init__(self, lr=0.01, last=10**9, whole_epochs=False):
        self.lr, self.last, self.whole_epochs = lr, last, whole_epochs
        self.asked, self.losses, self.part = [], [], 0.0

    def begin_epoch(self, epoch):
        self.asked.append(("begin", epoch))
        return self.lr

    def mean_losses(self, sums):
        return (sums[LOSS] / len(X)).tolist()

    def record(self, losses, part):
        self.losses, self.part = self.losses + losses, part

    def end_epoch(self):
        self.asked.append(("end", len(self.losses)))
        return "enough" if len(self.losses) == self.last else ""

    def diverged(self, epoch, loss, cause):
        self.asked.append(("diverged", epoch))
        return "diverged"


def network(seed=0):
    model = check_model((3, 7, 1), "tanh", "identity", "squared_error", "float64")
    model.theta[:] = np.random.default_rng(seed).standard_normal(model.theta.size) / 3
    return model


def samples(factor=1.0, n=60):
    x = read_only(np.tile(X * factor, (n // 60, 1)))
    return Samples(x, read_only(x.sum(axis=1, keepdims=True)), read_only(np.empty(0)))


def rule(model, code=updates.ADAM):
    settings = np.zeros(updates.N_SETTINGS)
    settings[[updates.BETA1, updates.BETA2, updates.EPSILON]] = 0.9, 0.999, 1e-8
    return Rule(code, settings, model)


@pytest.mark.parametrize("batch_size", [1, 7])
def test_a_watcher_is_asked_before_and_after_each_epoch_and_may_end_the_run(batch_size):
    model, watcher = network(), Watcher(last=3)
    reason = fit(model, samples(), rule(model), watcher, batch_size=batch_size, epochs=9)
    assert reason == "enough"
    assert watcher.asked == [(what, k) for k in (1, 2, 3) for what in ("begin", "end")]
    assert watcher.losses[0] > watcher.losses[1] > watcher.losses[2]


def test_all_epochs_or_the_time_may_end_it_too():
    model = network()
    assert fit(model, samples(), rule(model), Watcher(), batch_size=5, epochs=2) == "epochs"
    over = fit(
        model, samples(), rule(model), Watcher(), batch_size=5, epochs=10**6,
        deadline=Deadline(0.05),
    )  # fmt: skip
    assert over == "time_limit"


@pytest.mark.parametrize("batch_size", [1, 2])
@pytest.mark.parametrize("whole_epochs", [False, True])
def test_an_epoch_cut_short_is_kept_or_taken_back_with_what_the_rule_remembers(
    batch_size, whole_epochs
):
    model = network()
    by, watcher = rule(model), Watcher(whole_epochs=whole_epochs)
    before = model.theta.copy()
    many = samples(n=60_000)
    fit(model, many, by, watcher, batch_size=batch_size, epochs=1, deadline=Deadline(1e-9))
    assert watcher.losses == []
    assert 0 < watcher.part < 1
    assert np.array_equal(model.theta, before) is whole_epochs
    assert (not by.state.any() and not by.step_state.any()) is whole_epochs


@pytest.mark.parametrize("whole_epochs", [False, True])
def test_a_diverged_epoch_is_taken_back(whole_epochs):
    model = network()
    by, watcher = rule(model, updates.SGD), Watcher(lr=1e3, whole_epochs=whole_epochs)
    before = model.theta.copy()
    with np.errstate(all="ignore"):
        assert fit(model, samples(1e3), by, watcher, batch_size=1, epochs=5) == "diverged"
    assert watcher.asked[-1] == ("diverged", 1)
    assert watcher.losses == []
    assert np.array_equal(model.theta, before)


@pytest.mark.parametrize("code", updates.CODES.values(), ids=updates.CODES)
@pytest.mark.parametrize("batch_size", [1, 7])
def test_a_rule_that_is_handed_its_memory_goes_on_with_the_same_bits(code, batch_size):
    whole, halves = network(), network()
    fit(whole, samples(), rule(whole, code), Watcher(), batch_size=batch_size, epochs=4)
    first, second = rule(halves, code), rule(halves, code)
    fit(halves, samples(), first, Watcher(), batch_size=batch_size, epochs=2)
    second.restore(first.memory())
    fit(halves, samples(), second, Watcher(), batch_size=batch_size, epochs=2)
    assert np.array_equal(halves.theta, whole.theta)
