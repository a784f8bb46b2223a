"""The loop over epochs: stopping, validation, callbacks, slices, Ctrl-C."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from fastperc import Network
from fastperc.training import History, Stopping

RNG = np.random.default_rng(0)
X = RNG.standard_normal((200, 5)).astype("float32")
Y = np.sin(X.sum(axis=1))


def network(seed=0):
    return Network((5, 16, 1), hidden="tanh", seed=seed)


def test_shuffled_windows_equal_single_epochs():
    at_once, one_by_one = network(), network()
    history = at_once.train(X, Y, epochs=7)
    losses = []
    one_by_one.train(X, Y, epochs=7, callback=lambda epoch, h: losses.append(h.loss[-1]))
    assert np.array_equal(at_once.theta, one_by_one.theta)
    assert history.loss == losses


def test_each_epoch_has_its_own_order():
    net, twin = network(), network()
    net.train(X, Y, epochs=2)
    orders = [twin.rng.permutation(len(X)) for _ in range(2)]
    for order in orders:
        twin.train(X[order], Y[order], epochs=1, shuffle=False)
    assert np.array_equal(net.theta, twin.theta)
    assert not np.array_equal(*orders)


def test_validation_set_and_patience_restore_the_best_weights():
    net = network()
    train, held = (X[:60], Y[:60]), (X[60:], Y[60:])
    thetas = []
    history = net.train(
        *train, epochs=2000, lr=0.05, validation=held, patience=5,
        callback=lambda epoch, h: thetas.append(net.theta.copy()),
    )  # fmt: skip
    assert history.stopped == "patience"
    assert len(history.validation_loss) == len(history.loss) < 2000
    best = int(np.argmin(history.validation_loss))
    assert best == len(history.loss) - 1 - 5
    assert np.array_equal(net.theta, thetas[best])
    assert net.loss(*held) == pytest.approx(min(history.validation_loss), rel=1e-6)


def test_validation_fraction_is_set_aside():
    net, twin = network(), network()
    history = net.train(X, Y, epochs=2, validation=0.25)
    order = twin.rng.permutation(200)
    held, kept = order[:50], order[50:]
    other = twin.train(X[kept], Y[kept], epochs=2, validation=(X[held], Y[held]))
    assert history.validation_loss == other.validation_loss
    assert np.array_equal(net.theta, twin.theta)


def test_tol_ends_training():
    history = network().train(X, Y, epochs=5000, lr=0.05, tol=1e-3)
    assert history.stopped == "tol"
    steps = -np.diff(history.loss)
    assert (steps[:-1] >= 1e-3).all()
    assert steps[-1] < 1e-3


def test_patience_without_validation_watches_the_training_loss():
    history = network().train(X, Y, epochs=5000, lr=0.05, patience=3, tol=1e-4)
    assert history.stopped == "patience"
    assert history.validation_loss == []


def test_stopping_counts_epochs_without_improvement():
    rule = Stopping(patience=2, tol=0.1)
    theta = np.zeros(1)
    found = []
    for loss in (1.0, 0.95, 0.8, 0.75, 0.72):
        theta[0] = loss
        found.append(rule.reason(loss, theta, keep_best=True))
    assert found == ["", "", "", "", "patience"]
    assert rule.best_theta[0] == 0.72


def test_callback_sees_each_epoch_and_may_end_it():
    seen = []

    def watch(epoch, history):
        seen.append((epoch, len(history.loss)))
        return epoch == 4

    history = network().train(X, Y, epochs=10, callback=watch)
    assert seen == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert history.stopped == "callback"


def test_time_limit():
    begin = time.perf_counter()
    history = network().train(X, Y, epochs=10**9, time_limit=0.3)
    assert time.perf_counter() - begin < 1
    assert history.stopped == "time_limit"


def test_progress_bar(capsys):
    network().train(X, Y, epochs=20, progress=True)
    shown = capsys.readouterr().err
    assert "20/20" in shown
    assert "loss=" in shown


@pytest.mark.skipif(os.name == "nt", reason="SIGINT is sent the POSIX way")
@pytest.mark.parametrize("batch_size", [1, 32])
def test_ctrl_c_leaves_a_usable_network(batch_size):
    net = network()
    many, targets = np.tile(X, (500, 1)), np.tile(Y, 500)
    net.train(many, targets, epochs=1, batch_size=batch_size)
    sent = []

    def interrupt():
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.3, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        net.train(many, targets, epochs=10**6, batch_size=batch_size)
    assert time.perf_counter() - sent[0] < 0.25
    assert net.history.stopped == "interrupted"
    assert np.isfinite(net.forward(X)).all()
    net.train(X, Y, epochs=1)


def test_no_copy_of_the_right_array():
    import tracemalloc

    big = np.zeros((200_000, 5), "float32")
    y = np.zeros(200_000, "float32")
    net = network()
    net.train(big, y, epochs=1, shuffle=False)
    tracemalloc.start()
    net.train(big, y, epochs=3, shuffle=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < big.nbytes / 20


def test_history_starts_empty():
    assert History() == History([], [], 0.0, "")
