"""The loop over epochs: stopping, validation, callbacks, slices, Ctrl-C."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from fastperc import DivergedError, Network
from fastperc.training import History
from fastperc.training.stopping import Stopping

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


def reasons(rule, losses, keep_best=False):
    return [rule.reason(loss, np.full(1, loss), keep_best) for loss in losses]


def test_an_improvement_by_just_tol_is_none_with_patience_and_one_without():
    patient = Stopping(patience=2, tol=0.25)
    assert reasons(patient, [1.0, 0.75, 0.5, 0.5]) == ["", "", "", ""]
    assert (patient.reference, patient.waited) == (0.5, 1)
    assert patient.best_theta is None  # of a training loss none is kept
    assert reasons(patient, [0.25]) == ["patience"]
    assert reasons(Stopping(tol=0.25), [1.0, 0.75, 0.5, 0.375]) == ["", "", "", "tol"]
    assert reasons(Stopping(), [1.0, 1.0, 2.0]) == ["", "", ""]
    assert [s.needs_each_epoch for s in (Stopping(), Stopping(tol=1e-9), Stopping(patience=1))] == [
        False, True, True,
    ]  # fmt: skip


def test_of_equal_losses_the_first_weights_are_the_best():
    rule, theta = Stopping(patience=3), np.zeros(1)
    for epoch, loss in enumerate([1.0, 0.5, 0.5, 0.75]):
        theta[0] = epoch
        rule.reason(loss, theta, keep_best=True)
    assert (rule.lowest, rule.best_theta.tolist(), rule.waited) == (0.5, [1.0], 2)


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


@pytest.mark.parametrize("tol", [0.0, 0.05, 0.5])
def test_the_lowest_validation_loss_is_kept_whatever_tol_is(tol):
    net = Network((1, 1), init=[0.0, 0.0], dtype="float64")
    history = net.train(
        [[1.0]], [10.0], epochs=60, lr=0.01, validation=([[1.0]], [5.0]), patience=20, tol=tol
    )
    assert net.loss([[1.0]], [5.0]) == min(history.validation_loss)
    # Both weights move alike: the output after n epochs is 10 - 10 * 0.98**n.
    after = 10 - 10 * 0.98 ** np.arange(1, len(history.loss) + 1)
    np.testing.assert_allclose(history.validation_loss, (after - 5) ** 2 / 2, rtol=1e-9)


@pytest.mark.parametrize("labels", [(0, 1), (-1, 1)])
@pytest.mark.parametrize(
    "end", ["epochs", "held out", "Ctrl-C", "error", "diverged", "learn_one", "saved"]
)
def test_hinge_predicts_the_labels_that_it_was_trained_on(end, labels, tmp_path):
    net = Network((2, 1), loss="hinge", seed=0)
    if labels == (0, 1):  # so that it has to change its mind
        net.train([[0, 1], [1, 0]], [-1, 1], epochs=1)
    x, y = np.array([[0.0, 1], [1, 0], [0, 2], [2, 0]]), np.array([*labels, *labels])

    def fail(epoch, history):
        raise {"Ctrl-C": KeyboardInterrupt, "error": RuntimeError}[end]

    if end in ("Ctrl-C", "error"):
        with pytest.raises((KeyboardInterrupt, RuntimeError)):
            net.train(x, y, callback=fail)
    elif end == "diverged":
        with pytest.raises(DivergedError):
            net.train(np.full_like(x, 1e20), y, lr=1e30, epochs=50)
    elif end == "learn_one":
        net.learn_one(x[0], labels[0])
        net.learn_one(x[1], 1)
    else:
        net.train(x, y, validation=0.25 if end == "held out" else None, epochs=20)
    if end == "saved":
        net.save(tmp_path / "net")
        net = Network.load(tmp_path / "net")
    found = {*net.predict([[0, 9], [9, 0]]).tolist(), net.predict_one([0, 9])}
    net.weights[0] = [[1.0], [-1.0]]
    assert found <= set(labels)
    assert net.predict([[0, 9], [9, 0]]).tolist() == list(labels)
    assert [net.predict_one([0, 9]), net.predict_one([9, 0])] == list(labels)


def test_a_refused_call_leaves_the_labels():
    net = Network((2, 1), loss="hinge", seed=0)
    with pytest.raises(ValueError, match="lr"):
        net.train([[0, 1], [1, 0]], [-1, 1], lr=-1)
    assert set(net.predict(np.eye(2))) <= {0, 1}


def test_a_run_inside_a_callback():
    net, inner = network(), []

    def callback(epoch, history):
        if epoch == 1:
            inner.append(net.train(X[:20], Y[:20], epochs=2))

    history = net.train(X, Y, epochs=5, callback=callback)
    assert len(history.loss) == 5
    assert len(inner[0].loss) == 2
    assert net.history is history


@pytest.mark.parametrize("answer", [True, np.True_])
def test_a_callback_ends_training_by_any_true(answer):
    history = network().train(X, Y, epochs=9, callback=lambda epoch, history: answer)
    assert (len(history.loss), history.stopped) == (1, "callback")


def test_a_callback_may_empty_the_curve():
    seen = []

    def callback(epoch, history):
        seen.append(epoch)
        history.loss.clear()

    network().train(X, Y, epochs=4, callback=callback, lr=lambda epoch: 0.01)
    assert seen == [1, 2, 3, 4]


@pytest.mark.parametrize("batch_size", [1, 50])
@pytest.mark.parametrize("optimizer", ["sgd", "lbfgs"])
def test_a_callback_that_writes_nan_loses_what_it_wrote(optimizer, batch_size):
    net, before = network(), []

    def callback(epoch, history):
        before.append(net.theta.copy())
        net.theta[3] = np.nan

    with pytest.raises(DivergedError, match="the callback wrote infinite or NaN weights"):
        net.train(X, Y, optimizer=optimizer, batch_size=batch_size, callback=callback)
    assert np.array_equal(net.theta, before[0])


def test_an_error_in_a_callback_leaves_the_best_weights():
    net, thetas = network(), []

    def callback(epoch, history):
        thetas.append(net.theta.copy())
        if epoch == 30:
            net.theta[0] = np.inf
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        net.train(X[:60], Y[:60], epochs=99, lr=0.1, validation=(X[60:], Y[60:]), patience=99,
                  callback=callback)  # fmt: skip
    best = int(np.argmin(net.history.validation_loss))
    assert np.array_equal(net.theta, thetas[best])
    assert net.history.stopped == "error"


def test_training_does_not_start_from_nan():
    net = network()
    net.theta[0] = np.nan
    with pytest.raises(ValueError, match="theta: found nan among the weights"):
        net.train(X, Y)


@pytest.mark.parametrize(("name", "value"), [("l1", 0.1), ("clip_norm", 1.0)])
def test_what_lbfgs_cannot_do_is_refused_before_anything_changes(name, value):
    net = network()
    history = net.train(X, Y, epochs=1, lr=0.02)
    before = net.theta.copy()
    with pytest.raises(ValueError, match=f"{name}: found {value}"):
        net.train(X, Y, lr=0.5, optimizer="lbfgs", **{name: value})
    assert net.history is history
    assert net.lr == 0.02
    assert np.array_equal(net.theta, before)


def test_how_lbfgs_ended(monkeypatch):
    from types import SimpleNamespace

    import scipy.optimize

    assert network().train(X, Y, epochs=2, optimizer="lbfgs").stopped == "epochs"
    easy = Network((1, 1), seed=0, dtype="float64")
    assert easy.train([[1.0], [2.0]], [1.0, 2.0], optimizer="lbfgs").stopped == "converged"
    for status, reason in ((1, "evaluations"), (2, "line_search")):
        ended = SimpleNamespace(status=status, message="", fun=1.0, x=np.zeros(1))
        monkeypatch.setattr(scipy.optimize, "minimize", lambda *a, ended=ended, **k: ended)
        assert network().train(X, Y, optimizer="lbfgs").stopped == reason


@pytest.mark.parametrize("name", ["epsilon", "lr"])
def test_numbers_that_round_to_zero_are_refused(name):
    net = network()
    options = {"optimizer": "adam", name: 1e-46}
    with pytest.raises(ValueError, match=f"{name}: found 1e-46, which is 0 in float32"):
        net.train(X, Y, **options)
    Network((5, 1), dtype="float64").train(X, Y, epochs=1, **options)
    with pytest.raises(ValueError, match="lr: found 1e-46"):
        net.learn_one(X[0], 1.0, lr=1e-46)


def test_a_history_is_short_to_look_at():
    assert repr(History()) == "History(0 epochs)"
    assert repr(History([0.69])) == "History(1 epoch, loss 0.69)"
    history = History([0.69, 0.1, 0.0031], [1.0, 0.5, 0.25], stopped="patience")
    assert repr(history) == (
        "History(3 epochs, loss 0.69 -> 0.0031, validation loss 1 -> 0.25, stopped: patience)"
    )
    assert len(repr(network().train(X[:5], Y[:5], epochs=2000))) < 80


def test_losses_that_are_finite_while_their_sum_is_not_are_no_divergence():
    net = Network((1, 1), output="identity", loss="absolute_error", dtype="float64", seed=0)
    history = net.train([[1.0]], [1e308], epochs=5, lr=1e-3)
    assert history.stopped == "epochs"
    assert history.loss == pytest.approx([1e308] * 5)
