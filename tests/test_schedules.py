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
