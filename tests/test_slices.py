"""Long calls in short ones: the same bits, wherever they are cut and on any number of threads."""

import numpy as np
import pytest

from fastperc import DivergedError, Network
from fastperc.deadline import Deadline
from fastperc.errors import OutOfTimeError
from fastperc.kernels import table
from fastperc.model import slices
from networks import problem


@pytest.fixture
def everything_is_long(monkeypatch):
    """Cut after every chunk."""
    for name in ("SHORT", "LONG"):
        monkeypatch.setattr(slices, name, 0)
        monkeypatch.setattr("fastperc.training.steps.LONG", 0)
    monkeypatch.setattr(slices, "SLICE", 0)


CASES = {
    "plain": {},
    "weighted": {"weighted": True},
    "adam": {"optimizer": "adam"},
    "penalties": {"alpha": 0.1, "l1": 0.01, "clip_norm": 0.5},
    "short last batch": {"batch_size": 700},
    "threads": {"threads": 2},
    "threads, weighted, short last batch": {"threads": 2, "weighted": True, "batch_size": 600},
    "rprop": {"optimizer": "rprop"},
    "lbfgs": {"optimizer": "lbfgs", "lr": 0.05},
}


def trained(dtype="float32", weighted=False, batch_size=2000, **options):
    p = problem((6, 20, 3), head=("sigmoid", "log_loss"), dtype=dtype, n=1600)
    weight = np.where(np.arange(1600) % 5, p.weight, 0) if weighted else None
    history = p.net.train(
        p.X, p.y, epochs=3, batch_size=batch_size, sample_weight=weight, **options
    )
    return p.net.theta.tobytes(), history.loss


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
def test_a_cut_step_has_the_same_bits(options, everything_is_long, monkeypatch):
    cut = trained(**options)
    monkeypatch.undo()
    assert cut == trained(**{**options, "threads": 1})


def results(net, X, y, weight):
    return (
        net.forward(X).tobytes(),
        net.loss(X, y, weight),
        net.backward(X, y, weight, alpha=0.1).tobytes(),
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [1, 256, 257, 1500, 5000])
def test_cut_passes_have_the_same_bits(n, weighted, everything_is_long, monkeypatch):
    p = problem((6, 20, 3), head=("softmax", "cross_entropy"), n=n)
    weight = np.where(np.arange(n) % 3 == 0, 1.5, 0.25) if weighted else None
    cut = results(p.net, p.X, p.y, weight)
    monkeypatch.undo()
    assert cut == results(p.net, p.X, p.y, weight)


@pytest.mark.usefixtures("threads_for_any_work")
@pytest.mark.parametrize("batch_size", [1500, 5000])
@pytest.mark.parametrize("epochs", [6])
def test_one_history_on_any_number_of_threads(batch_size, epochs):
    """Sums of four numbers and more, which a compiler would like to add up in another order."""
    X = np.random.default_rng(0).standard_normal((batch_size, 5))
    histories = []
    for threads in (1, 2):
        net = Network((5, 8, 1), dtype="float64", seed=0)
        histories.append(
            net.train(X, X.sum(1), epochs=epochs, batch_size=batch_size, threads=threads).loss
        )
    assert histories[0] == histories[1]


def test_a_large_network_takes_fewer_samples_at_a_time(monkeypatch):
    monkeypatch.setattr(table, "LARGE", 100)
    large = problem((6, 20, 3), n=700)
    assert table.chunk_size(large.net.layers) == table.CHUNK_OF_LARGE
    monkeypatch.undo()
    usual = problem((6, 20, 3), n=700)
    assert np.array_equal(large.net.forward(large.X), usual.net.forward(usual.X))
    np.testing.assert_allclose(
        large.net.backward(large.X, large.y), usual.net.backward(usual.X, usual.y), rtol=1e-12
    )
    assert large.net.loss(large.X, large.y) == pytest.approx(usual.net.loss(usual.X, usual.y))
    for net in (large.net, usual.net):
        net.train(large.X, large.y, epochs=2, batch_size=200)
    np.testing.assert_allclose(large.net.theta, usual.net.theta, rtol=1e-9, atol=1e-12)


def test_slices_cover_all_and_look_around_between_them():
    looks = []
    deadline = Deadline()
    deadline.check = lambda: looks.append(None)
    found = list(slices.slices(1000, 3, deadline))
    assert found[0] == (0, 3)
    assert [begin for begin, _ in found[1:]] == [end for _, end in found[:-1]]
    assert found[-1][1] == 1000
    assert len(looks) == len(found) - 1


def test_a_step_that_time_interrupts_is_not_taken(everything_is_long):
    p = problem((6, 20, 3), n=1600)
    before = p.net.theta.copy()
    history = p.net.train(p.X, p.y, batch_size=1600, time_limit=1e-9, optimizer="adam")
    assert np.array_equal(p.net.theta, before)
    assert (history.stopped, history.loss, history.unfinished) == ("time_limit", [], 0.0)


def test_time_over_is_told_between_slices_only():
    deadline = Deadline(1e-9)
    assert list(slices.slices(1, 1, deadline)) == [(0, 1)]
    with pytest.raises(OutOfTimeError):
        list(slices.slices(2, 1, deadline))


def test_validation_that_time_interrupts_is_nan(everything_is_long, monkeypatch):
    monkeypatch.setattr(Deadline, "extended", lambda deadline, seconds: Deadline(1e-9))
    p = problem((6, 20, 3), n=1600)
    history = p.net.train(p.X[:4], p.y[:4], validation=(p.X, p.y), epochs=10)
    assert history.stopped == "time_limit"
    assert len(history.loss) == 1
    assert len(history.validation_loss) == len(history.loss)
    assert np.isnan(history.validation_loss[-1])


@pytest.mark.parametrize("batch_size", [400, 1600])
def test_cut_steps_diverge_where_whole_ones_do(batch_size, everything_is_long, monkeypatch):
    ends = []
    for undo in (monkeypatch.undo, lambda: None):
        p = problem((3, 8, 1), hidden="identity", n=1600)
        with pytest.raises(DivergedError) as error:
            p.net.train(p.X * 10, p.y, epochs=500, lr=1.0, batch_size=batch_size)
        assert np.isfinite(p.net.theta).all()
        ends.append((p.net.theta.tobytes(), p.net.history.loss, str(error.value)))
        undo()
    assert ends[0] == ends[1]
