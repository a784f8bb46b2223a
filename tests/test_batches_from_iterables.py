"""Training on an iterable of batches, given without targets of its own."""

import os
import signal

import numpy as np
import pytest

from fastperc import DivergedError, Network

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((20, 3)), RNG.standard_normal((20, 2))
HELD = X[:7], Y[:7]
WEIGHT = RNG.uniform(0.5, 2, 20)
CUTS = [slice(0, 8), slice(8, 12), slice(12, 20)]


def network(seed=0, **options):
    return Network((3, 5, 2), hidden="tanh", seed=seed, dtype="float64", **options)


def batches(cuts=CUTS):
    return [(X[cut], Y[cut]) for cut in cuts]


@pytest.mark.parametrize(
    "options",
    [
        {}, {"optimizer": "adam"}, {"momentum": 0.9, "alpha": 0.1}, {"clip_norm": 0.1},
        {"reduction": "sum"}, {"frozen": ("b1", "W2")},
    ],
)  # fmt: skip
@pytest.mark.parametrize("weighted", [False, True])
def test_batches_of_one_size_are_what_batch_size_makes(options, weighted):
    net, twin = network(), network()
    whole = (X, Y, WEIGHT) if weighted else (X, Y)
    cuts = [slice(k, k + 8) for k in range(0, 20, 8)]
    history = net.train([tuple(a[cut] for a in whole) for cut in cuts], epochs=3, **options)
    expected = twin.train(
        X, Y, epochs=3, batch_size=8, shuffle=False, sample_weight=WEIGHT if weighted else None,
        **options,
    )  # fmt: skip
    np.testing.assert_allclose(net.theta, twin.theta, rtol=1e-12)
    np.testing.assert_allclose(history.loss, expected.loss, rtol=1e-12)


def test_batches_of_any_size_are_one_step_each():
    net, twin = network(), network()
    history = net.train(batches(), epochs=1, lr=0.1, batch_size=3)
    total = 0.0
    for x, y in batches():
        total += len(x) * twin.loss(x, y)
        twin.theta -= 0.1 * twin.backward(x, y)
    np.testing.assert_allclose(history.loss, [total / 20], rtol=1e-12)
    np.testing.assert_allclose(net.theta, twin.theta, rtol=1e-12)


def test_functions_and_generators():
    nets = [network() for _ in range(3)]
    nets[0].train(batches(), epochs=2)
    nets[1].train(lambda: iter(batches()), epochs=2)
    nets[2].train((batch for batch in batches()), epochs=1)
    assert np.array_equal(nets[0].theta, nets[1].theta)
    with pytest.raises(ValueError, match=r"X: found an iterator, .* in epoch 2, expected"):
        nets[2].train((batch for batch in batches()), epochs=2)
    assert np.array_equal(nets[0].theta, nets[2].theta)
    assert nets[2].history.stopped == "error"
    assert len(nets[2].history.loss) == 1


class Tensor:
    """As PyTorch's: an array on request, unless it requires grad."""

    def __init__(self, array, requires_grad=False, device="cpu"):
        self.array, self.requires_grad, self.shape = array, requires_grad, array.shape
        self.device = type("device", (), {"type": device})

    def __array__(self, dtype=None, copy=None):
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return self.array


class Loader:
    """As PyTorch's DataLoader: a length, and lists of tensors, begun anew each time."""

    def __len__(self):
        return len(CUTS)

    def __iter__(self):
        return ([Tensor(x), Tensor(y)] for x, y in batches())


class LoaderOfUnknownLength(Loader):
    """As PyTorch's of an iterable data set."""

    def __len__(self):
        raise TypeError("object of type 'IterableDataset' has no len()")


@pytest.mark.parametrize("loader", [Loader(), LoaderOfUnknownLength()])
def test_a_loader_of_tensors(loader):
    net, twin = network(), network()
    net.train(loader, epochs=3)
    twin.train(batches(), epochs=3)
    assert np.array_equal(net.theta, twin.theta)


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (Tensor(X, requires_grad=True), r"found a tensor that requires grad.*x\.detach\(\)"),
        (Tensor(X, device="cuda"), r"found a tensor on the device 'cuda'.*x\.cpu\(\)"),
    ],
)
def test_tensors_that_are_no_plain_numbers_are_refused(tensor, text):
    with pytest.raises(TypeError, match="(?i)batch 1 of epoch 1: x: " + text):
        network().train([(tensor, Y)])
    with pytest.raises(TypeError, match="(?i)" + text):
        network().forward(tensor)


@pytest.mark.parametrize(
    ("bad", "error", "text"),
    [
        ((X, Y[:3]), ValueError, "batch 3 of epoch 1: y: found 3 targets, expected 20"),
        ((X[:, :2], Y), ValueError, "batch 3 of epoch 1: X: found 2 columns, expected 3"),
        (X, TypeError, "batch 3 of epoch 1: found ndarray, expected .x, y. or"),
        ([X, Y, Y, Y], TypeError, "batch 3 of epoch 1: found a list of 4 items"),
        ({"x": X, "y": Y}, TypeError, "batch 3 of epoch 1: found dict"),
        ((X * np.nan, Y), ValueError, "batch 3 of epoch 1: X: found nan"),
    ],
)
def test_a_bad_batch_leaves_what_the_batches_before_it_taught(bad, error, text):
    net, twin = network(), network()
    twin.train(batches(CUTS[:2]), epochs=1)
    with pytest.raises(error, match=text):
        net.train([*batches(CUTS[:2]), bad], epochs=5)
    assert np.array_equal(net.theta, twin.theta)
    assert (net.history.stopped, net.history.loss) == ("error", [])
    assert net.history.unfinished == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "options",
    [
        {"order": [0]}, {"drop_last": True}, {"sample_weight": WEIGHT}, {"validation": 0.5},
        {"optimizer": "rprop"}, {"optimizer": "lbfgs"},
    ],
)  # fmt: skip
def test_options_for_samples_that_are_all_there_are_refused(options):
    net = network()
    with pytest.raises(ValueError, match=f"{next(iter(options))}: found .*an iterable of batches"):
        net.train(batches(), **options)
    assert net.history is None


@pytest.mark.parametrize("X", [np.ones((4, 3)), "batches", {"x": 1}, 5, None])
def test_what_is_no_iterable_of_batches_wants_y(X):
    with pytest.raises(TypeError, match="y: found None with X of type"):
        network().train(X)


def test_no_batches_at_all():
    with pytest.raises(ValueError, match="X: found no batches in epoch 1"):
        network().train([])


def test_validation_patience_callback_schedule_and_metrics():
    net, twin, seen = network(), network(), []
    cuts = [slice(k, k + 5) for k in range(0, 20, 5)]
    options = {
        "epochs": 500, "lr": lambda epoch: 0.1, "validation": HELD, "patience": 3,
        "metrics": ["r2"],
    }  # fmt: skip
    history = net.train(batches(cuts), callback=lambda e, h: seen.append(h.loss[-1]), **options)
    expected = twin.train(X, Y, batch_size=5, shuffle=False, **options)
    assert history.stopped == expected.stopped
    assert seen == history.loss
    np.testing.assert_allclose(history.validation_loss, expected.validation_loss, rtol=1e-9)
    np.testing.assert_allclose(history.metrics["r2"], expected.metrics["r2"], rtol=1e-7)
    np.testing.assert_allclose(net.theta, twin.theta, rtol=1e-9)


def test_metrics_without_validation_are_of_the_batches_as_they_were_met():
    net, twin = network(), network()
    history = net.train(batches(), epochs=1, metrics="mean_squared_error")
    squares = []
    for batch in batches():
        squares.append((twin.predict(batch[0]) - batch[1]) ** 2)
        twin.train([batch], epochs=1)
    expected = np.concatenate(squares).mean()
    assert history.metrics["mean_squared_error"] == pytest.approx([expected], rel=1e-12)


def test_divergence_keeps_the_weights_of_the_last_good_epoch():
    net, twin = network(), network()
    twin.train(batches(), epochs=1)
    rates = {1: 0.01, 2: 1e200}
    with pytest.raises(DivergedError, match="diverged in epoch 2"), np.errstate(all="ignore"):
        net.train(batches(), epochs=3, lr=lambda epoch: rates[epoch] if epoch < 3 else 0.1)
    assert np.array_equal(net.theta, twin.theta)
    assert net.history.stopped == "diverged"


def test_the_time_limit_ends_an_epoch_that_never_ends():
    def endless():
        while True:
            yield X, Y

    history = network().train(endless(), time_limit=0.05)
    assert history.stopped == "time_limit"
    assert np.isnan(history.unfinished)


@pytest.mark.posix
def test_ctrl_c_within_an_epoch_is_heard():
    def pressing():
        yield X, Y
        os.kill(os.getpid(), signal.SIGINT)
        yield X, Y

    net = network()
    with pytest.raises(KeyboardInterrupt):
        net.train(pressing())
    assert net.history.stopped == "interrupted"
    assert np.isfinite(net.theta).all()


def test_targets_out_of_reach_are_warned_of_once():
    net = network(output="sigmoid")
    with pytest.warns(UserWarning, match="y: found .* outputs of 'sigmoid' lie between") as found:
        net.train(batches(), epochs=2)
    assert [warning.filename for warning in found] == [__file__]


def test_labels_of_hinge_are_those_of_the_batches():
    net = Network((3, 1), loss="hinge", seed=0)
    net.train([(X[:4], [1, 1, 1, 1]), (X[4:8], [-1, 1, -1, 1])], epochs=1)
    assert set(net.predict(X).tolist()) <= {-1, 1}


def test_sparse_batches():
    from scipy.sparse import csr_matrix

    net, twin = network(), network()
    net.train([(csr_matrix(x), y) for x, y in batches()], epochs=2)
    twin.train(batches(), epochs=2)
    assert np.array_equal(net.theta, twin.theta)
