"""Learning-rate schedules: their values, and what they refuse."""

import numpy as np
import pytest

from fastperc import Network, schedules


def values(schedule, epochs):
    return [schedule(epoch) for epoch in range(1, epochs + 1)]


def test_values():
    assert values(schedules.constant(0.1), 3) == [0.1] * 3
    assert values(schedules.invscaling(1.0, power=1.0), 4) == [1, 1 / 2, 1 / 3, 1 / 4]
    assert values(schedules.step(1.0, every=2, factor=0.5), 5) == [1, 1, 0.5, 0.5, 0.25]
    assert values(schedules.cosine(1.0, epochs=3), 3) == pytest.approx([1, 0.5, 0])
    assert schedules.cosine(1.0, epochs=1)(1) == 1
    assert schedules.cosine(1.0, epochs=3, least=0.2)(99) == pytest.approx(0.2)


def test_one_cycle_rises_and_falls():
    rates = np.array(values(schedules.one_cycle(1.0, epochs=100), 100))
    assert rates[0] == pytest.approx(1 / 25)
    assert rates.max() == pytest.approx(1.0, abs=1e-3)
    assert rates.argmax() == 29
    assert (np.diff(rates[:30]) > 0).all()
    assert (np.diff(rates[30:]) < 0).all()
    assert 0 < rates[-1] < 1e-2


def test_adaptive_divides_after_two_bad_epochs_and_ends():
    rate = schedules.Adaptive(1.0, tol=0.1, least=0.1)
    assert [rate.watch(loss) for loss in (5.0, 4.0, 3.95, 3.94)] == [False] * 4
    assert rate(5) == pytest.approx(0.2)
    assert [rate.watch(loss) for loss in (3.0, 3.0, 3.0)] == [False, False, True]


def test_adaptive_ends_training():
    X = np.linspace(-1, 1, 30).reshape(-1, 1)
    net = Network((1, 1), seed=0)
    history = net.train(X, X[:, 0], epochs=5000, lr=schedules.Adaptive(0.1))
    assert history.stopped == "schedule"
    assert len(history.loss) < 5000


@pytest.mark.parametrize(
    "make",
    [
        lambda: schedules.constant(0),
        lambda: schedules.cosine(0.1, epochs=0),
        lambda: schedules.step(0.1, every=0),
        lambda: schedules.one_cycle(0.1, epochs=10, warm_up=1.0),
        lambda: schedules.Adaptive(-1),
    ],
)
def test_refused(make):
    with pytest.raises(ValueError, match="found"):
        make()


def test_values_without_options():
    assert values(schedules.invscaling(1.0), 4) == pytest.approx([1, 2**-0.5, 3**-0.5, 0.5])
    assert values(schedules.step(1.0, every=1), 3) == pytest.approx([1, 0.1, 0.01])
    assert values(schedules.step(1.0, every=3), 7) == pytest.approx([1] * 3 + [0.1] * 3 + [0.01])
    assert values(schedules.cosine(0.5, epochs=2), 3) == [0.5, 0, 0]


def test_cosine_follows_its_formula_to_the_end_and_stays_there():
    found = values(schedules.cosine(2.0, epochs=7, least=0.5), 9)
    part = np.minimum(np.arange(9) / 6, 1)
    np.testing.assert_allclose(found, 1.25 + 0.75 * np.cos(np.pi * part), rtol=1e-14)
    assert found[0] == 2.0
    assert found[3] == pytest.approx(1.25)
    assert found[6:] == [0.5] * 3


def test_one_cycle_by_hand():
    third = (1 + np.cos(np.pi * np.arange(1, 8) / 8)) / 2  # 7 epochs of falling, 0 would be the 8th
    wanted = [0.04, 0.52, 1.0, *third, 0.0, 0.0]
    assert values(schedules.one_cycle(1.0, epochs=10), 12) == pytest.approx(wanted, abs=1e-15)
    wanted = [0.5, 2.0, 1.5, 0.5, 0.0]
    found = values(schedules.one_cycle(2.0, epochs=4, warm_up=0.5, start=4.0), 5)
    assert found == pytest.approx(wanted, abs=1e-15)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_one_cycle_of_few_epochs(epochs):
    """With a warm-up of less than one epoch, all of it is the fall."""
    top = 0.3 * epochs
    found = values(schedules.one_cycle(1.0, epochs=epochs), epochs)
    part = (np.arange(1, epochs + 1) - top) / (epochs + 1 - top)
    np.testing.assert_allclose(found, (1 + np.cos(np.pi * part)) / 2, rtol=1e-14)


def test_one_cycle_that_warms_up_for_one_epoch_begins_low():
    assert values(schedules.one_cycle(1.0, epochs=2, warm_up=0.5), 2) == pytest.approx([0.04, 0.5])


def test_adaptive_without_options():
    rate = schedules.Adaptive(1.0)
    shown = (rate.tol, rate.patience, rate.divisor, rate.least)
    assert shown == (1e-4, 2, 5.0, 1e-6)
    assert [rate.watch(1.0) for _ in range(3)] == [False] * 3
    assert rate(4) == pytest.approx(0.2)
    assert [rate.watch(1.0) for _ in range(14)] == [False] * 14
    assert rate(18) == pytest.approx(5.0**-8)  # a ninth division would pass 1e-6
    assert [rate.watch(1.0), rate.watch(1.0)] == [False, True]
    assert rate(20) == pytest.approx(5.0**-8)


def test_adaptive_at_its_bounds():
    rate = schedules.Adaptive(1.0, tol=0.25, patience=1, divisor=2.0, least=0.5)
    assert not rate.watch(1.0)
    assert not rate.watch(0.75)  # better by just tol: an improvement
    assert rate(3) == 1.0
    assert not rate.watch(0.625)
    assert rate(4) == 0.5  # just the least is not below it
    assert not rate.watch(0.375)
    assert rate.watch(0.375)
    assert rate(6) == 0.5


def test_adaptive_compares_with_the_best_epoch_and_not_with_the_last():
    rate = schedules.Adaptive(1.0, tol=0.0)
    assert [rate.watch(loss) for loss in (1.0, 3.0, 2.0)] == [False] * 3
    assert rate(4) == pytest.approx(0.2)
    assert not rate.watch(2.5)
    assert not rate.watch(0.5)
    assert not rate.watch(0.75)
    assert rate(7) == pytest.approx(0.2)
