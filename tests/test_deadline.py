"""Ctrl-C and the time limit: what is left is finite and is what the history describes."""

import gc
import math
import os
import pickle
import signal
import threading
import time

import numpy as np
import pytest

from fastperc import DivergedError, MLPRegressor, Network
from fastperc.deadline import Deadline
from fastperc.errors import OutOfTimeError
from fastperc.training import loop


def press_ctrl_c(after=0.0):
    """Send SIGINT to this process, at once or after a while."""
    if after == 0 and os.name == "nt":  # there, os.kill would end the process
        signal.raise_signal(signal.SIGINT)
    elif after == 0:
        os.kill(os.getpid(), signal.SIGINT)
    else:
        threading.Timer(after, press_ctrl_c).start()


def test_ctrl_c_waits_for_the_next_look():
    deadline, done = Deadline(), []

    def work():
        press_ctrl_c()
        time.sleep(0.01)
        done.append("this too")
        deadline.check()
        done.append("not this")

    with pytest.raises(KeyboardInterrupt), deadline.interrupts_deferred():
        work()
    assert done == ["this too"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_that_nobody_looked_for_is_raised_at_the_end():
    with pytest.raises(KeyboardInterrupt), Deadline().interrupts_deferred():
        press_ctrl_c()


def test_ctrl_c_goes_through_to_foreign_code():
    deadline = Deadline()

    def work():
        press_ctrl_c()
        for _ in range(1000):
            time.sleep(0.001)
        pytest.fail("Ctrl-C was held back")

    with (
        pytest.raises(KeyboardInterrupt),
        deadline.interrupts_deferred(),
        deadline.interrupts_allowed(),
    ):
        work()


def test_somebody_elses_handler_is_called_and_stays(monkeypatch):
    heard = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        handler = signal.getsignal(signal.SIGINT)
        deadline = Deadline()
        with deadline.interrupts_deferred():
            press_ctrl_c()
            assert heard == []
            deadline.check()
            assert heard == [signal.SIGINT]
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_leave_signals_alone():
    handlers = []

    def run():
        with Deadline().interrupts_deferred():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]


def test_grace_is_for_the_clock_and_not_for_ctrl_c():
    deadline = Deadline(1e-9)
    later = deadline.extended(60)
    later.check()
    with pytest.raises(OutOfTimeError):
        deadline.check()

    def work():
        press_ctrl_c()
        later.check()
        pytest.fail("Ctrl-C was not looked for")

    with pytest.raises(KeyboardInterrupt), deadline.interrupts_deferred():
        work()


# --- a training run that is ended -----------------------------------------------------------------


def replayed(net, history, X, y, **options):
    """The network that has trained for as many epochs as the history tells of."""
    twin = Network(net.sizes, seed=0, dtype=net.dtype)
    twin.train(X, y, epochs=len(history.loss), **options)
    return twin


def interrupted_training(net, X, y, **options):
    press_ctrl_c(after=0.15)
    with pytest.raises(KeyboardInterrupt):
        net.train(X, y, epochs=10**9, **options)
    return net.history


@pytest.mark.parametrize("options", [{}, {"batch_size": 2}, {"optimizer": "adam"}], ids=str)
def test_after_ctrl_c_the_history_describes_the_weights(options):
    """Steps are short here, so that Ctrl-C comes at the end of an epoch."""
    X, y = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0.0, 1.0, 1.0]
    net = Network((2, 3, 1), seed=0)
    net.train(X, y, epochs=1, **options)  # whatever has to be compiled
    net = Network((2, 3, 1), seed=0)
    history = interrupted_training(net, X, y, lr=1e-4, **options)
    assert history.stopped == "interrupted"
    assert len(history.loss) > 10
    if history.unfinished == 0:
        twin = replayed(net, history, X, y, lr=1e-4, **options)
        assert np.array_equal(net.theta, twin.theta)
        assert history.loss == twin.history.loss


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [1, 32])
def test_time_over_in_an_epoch_that_has_diverged(batch_size, dtype, monkeypatch):
    def many_steps(slices, steps, deadline):
        slices.steps, slices.deadline, slices.size = steps, deadline, 5000

    monkeypatch.setattr(loop._TimeSlices, "__init__", many_steps)  # of the first call
    X = np.random.default_rng(0).standard_normal((400_000, 3))
    net = Network((3, 1), seed=0, dtype=dtype)
    before = net.theta.copy()
    with pytest.raises(DivergedError):
        net.train(
            X, X.sum(1), lr=10.0, shuffle=False, time_limit=1e-9, batch_size=batch_size, epochs=9
        )
    assert np.array_equal(net.theta, before)
    assert net.history.stopped == "diverged"
    assert net.history.loss == []


def test_ctrl_c_in_an_epoch_that_has_diverged():
    X = np.random.default_rng(0).standard_normal((4_000_000, 3)).astype("f4")
    net = Network((3, 1), seed=0)
    before = net.theta.copy()
    press_ctrl_c(after=0.1)
    with pytest.raises((KeyboardInterrupt, DivergedError)) as caught:
        net.train(X, X.sum(1), lr=10.0, shuffle=False)
    assert np.array_equal(net.theta, before)
    if caught.type is DivergedError:  # the machine was fast: the signal is still to come
        with pytest.raises(KeyboardInterrupt):
            time.sleep(5)


def test_an_unfinished_epoch_is_told():
    X = np.random.default_rng(0).standard_normal((300_000, 3))
    net = Network((3, 1), seed=0)
    history = net.train(X, X.sum(1), lr=1e-6, time_limit=2e-3, epochs=1)
    if history.stopped == "time_limit":
        assert 0 < history.unfinished < 1
        assert history.loss == []


@pytest.mark.parametrize("limit", [0.02, 0.03, 0.04, 0.05])
def test_time_over_keeps_what_the_last_full_epoch_is_due(limit):
    """Validation, callback and the best weights, of every epoch that is in the curve."""
    X = np.random.default_rng(0).standard_normal((3000, 5))
    net, calls = Network((5, 8, 1), seed=0), []
    options = {"batch_size": 3000, "validation": 0.2, "patience": 10**6}
    net.copy().train(X, X.sum(1), epochs=1, **options)  # whatever has to be compiled
    history = net.train(
        X, X.sum(1), time_limit=limit, epochs=10**6, **options,
        callback=lambda epoch, history: calls.append(net.theta.copy()),
    )  # fmt: skip
    assert history.stopped == "time_limit"
    assert len(history.loss) == len(history.validation_loss) == len(calls) > 0
    best = int(np.argmin(history.validation_loss))
    assert np.array_equal(net.theta, calls[best])


def test_orders_are_drawn_for_the_near_future_only():
    net = Network((2, 1), seed=0)
    net.train([[0, 1], [1, 0]], [0, 1], epochs=1)
    draws = []
    rng = net.rng

    class Counting:
        def permutation(self, n):
            draws.append(n)
            return rng.permutation(n)

    net.rng = Counting()
    net.train([[0, 1], [1, 0]], [0, 1], epochs=40_000, time_limit=1e-7)
    assert len(draws) <= 10


@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_whole_numbers_of_any_length_are_told(value):
    net = Network((2, 1), seed=0)
    for call in (
        lambda: net.forward([[value, 1]]),
        lambda: net.train([[1, 2]], [value]),
        lambda: net.predict_one([value, 1]),
        lambda: net.learn_one([1, 2], value),
        lambda: net.learn_one([value, 2], 1.0),
        lambda: net.learn_one([1, 2], 1.0, lr=abs(value)),
        lambda: net.train([[1, 2]], [1], lr=abs(value)),
        lambda: net.train([[1, 2]], [1], alpha=abs(value)),
        lambda: Network((abs(value), 1)),
    ):
        before = net.theta.copy()
        with pytest.raises(ValueError, match="found"):
            call()
        assert np.array_equal(net.theta, before)


# --- estimators -----------------------------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [False, True])
def test_validation_of_an_estimator_ends_with_the_time(early_stopping, monkeypatch):
    X = np.random.default_rng(0).standard_normal((600, 3))
    y = X.sum(axis=1)
    monkeypatch.setattr("fastperc.model.slices.SHORT", 0)
    monkeypatch.setattr(Deadline, "extended", lambda deadline, seconds: Deadline(1e-9))
    model = MLPRegressor(hidden_layer_sizes=(4,), early_stopping=early_stopping, max_iter=9)
    model.fit(X, y, X_val=X, y_val=y)
    assert model.n_iter_ == len(model.loss_curve_) == len(model.validation_loss_curve_) == 1
    assert np.isnan(model.validation_loss_curve_[0])
    assert np.isfinite(model.predict(X)).all()


def test_ctrl_c_during_the_validation_of_an_estimator():
    X = np.random.default_rng(0).standard_normal((60, 3))
    y = X.sum(axis=1)

    def scorer(model, X, y):
        if len(scores) == 2:
            press_ctrl_c()
            time.sleep(5)
        scores.append(model.predict(X).sum())
        return 1.0 + len(scores)

    scores = []
    model = MLPRegressor(
        hidden_layer_sizes=(4,), early_stopping=True, max_iter=9, scoring=scorer, random_state=0
    )
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == len(model.validation_scores_) == 3
    assert np.isnan(model.validation_scores_[2])
    short = MLPRegressor(
        hidden_layer_sizes=(4,), early_stopping=True, max_iter=2, random_state=0,
        scoring=lambda model, X, y: float(model.n_iter_),
    )  # fmt: skip
    with pytest.warns(UserWarning, match="Maximum iterations"):
        short.fit(X, y)
    assert np.array_equal(model.coefs_[0], short.coefs_[0])  # those of the best epoch


def test_time_is_over_after_the_limit_and_not_before(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    deadline, later = Deadline(5.0), Deadline(5.0).extended(9.0)
    for now[0], is_over, is_later_over in (
        (104.9, False, False), (105.0, True, False), (108.9, True, False), (109.0, True, True),
    ):  # fmt: skip
        assert (deadline.is_over, later.is_over) == (is_over, is_later_over)
    assert not Deadline().is_over


def test_a_block_that_was_never_ended_puts_nothing_off_later():
    """Ctrl-C on the way into a block leaves its end to the garbage collector, if it has one."""
    before, deadline = signal.getsignal(signal.SIGINT), Deadline()
    with deadline.interrupts_deferred():
        block = deadline.interrupts_allowed()
        block.__enter__()
    assert signal.getsignal(signal.SIGINT) is before
    del block
    gc.collect()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_deadline_goes_on_in_another_process():
    deadline = Deadline(10.0)
    twin = pickle.loads(pickle.dumps(deadline))
    assert abs(twin.end - deadline.end) < 0.1
    assert abs(twin.begin - deadline.begin) < 0.1
    assert not twin.is_over
    assert pickle.loads(pickle.dumps(Deadline())).end == math.inf
