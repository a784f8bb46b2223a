"""The simple door: what it computes, remembers and refuses."""

import pickle
import threading

import numba
import numpy as np
import pytest

from fastperc import DivergedError, Network
from fastperc.kernels import reference
from fastperc.training import one_sample
from networks import HEADS, problem

XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


def xor_network(**options):
    return Network((2, 4, 1), hidden="tanh", output="sigmoid", loss="log_loss", seed=0, **options)


def test_learns_xor():
    net = xor_network()
    history = net.train(XOR, [0, 1, 1, 0], epochs=2000, lr=0.5)
    assert net.predict(XOR).tolist() == [0, 1, 1, 0]
    assert history.loss[-1] < 0.01 < history.loss[0]
    assert (history.stopped, len(history.loss), history.validation_loss) == ("epochs", 2000, [])
    assert history.seconds > 0


def test_weights_and_biases_are_views_into_theta():
    net = Network((3, 5, 2))
    assert [W.shape for W in net.weights] == [(3, 5), (5, 2)]
    assert [b.shape for b in net.biases] == [(5,), (2,)]
    net.weights[1][4, 0] = 42
    assert net.theta[3 * 5 + 5 + 4 * 2] == 42
    net.theta[-1] = 7
    assert net.biases[1][1] == 7


@pytest.mark.parametrize("head", HEADS, ids="-".join)
def test_backward_is_the_gradient_of_loss(head):
    p = problem((4, 9, 3), head=head)
    for weight in (None, p.weight):
        gradient = p.net.backward(p.X, p.y, weight)
        wanted = reference.gradient(p.model, p.X, p.Y, weight)
        np.testing.assert_allclose(gradient, wanted, rtol=1e-11, atol=1e-14)
        loss = p.net.loss(p.X, p.y, weight)
        assert loss == pytest.approx(reference.mean_loss(p.model, p.X, p.Y, weight), rel=1e-13)


def test_backward_by_finite_differences():
    p = problem((4, 9, 3), head=("sigmoid", "log_loss"))
    gradient, h = p.net.backward(p.X, p.y), 1e-6
    for i in range(0, len(gradient), 7):
        p.net.theta[i] += h
        above = p.net.loss(p.X, p.y)
        p.net.theta[i] -= 2 * h
        below = p.net.loss(p.X, p.y)
        p.net.theta[i] += h
        assert (above - below) / (2 * h) == pytest.approx(gradient[i], abs=1e-9)


@pytest.mark.parametrize("batch_size", [1, 4, 1000])
def test_one_epoch_is_the_reference(batch_size):
    p = problem((4, 9, 3), head=("softmax", "cross_entropy"))
    history = p.net.train(
        p.X, p.y.argmax(axis=1), epochs=2, lr=0.1, batch_size=batch_size, shuffle=False
    )
    if batch_size == 1:
        wanted = reference.train_online(p.model, p.X, p.Y, 0.1, 2)
    else:
        wanted = reference.train_batches(p.model, p.X, p.Y, 0.1, batch_size, 2)
    np.testing.assert_allclose(p.net.theta, p.model.theta, rtol=1e-11)
    np.testing.assert_allclose(history.loss, np.divide(wanted, len(p.X)), rtol=1e-12)


def test_learn_one_is_a_step_of_training():
    one, many = problem((4, 9, 2)), problem((4, 9, 2))
    losses = [one.net.learn_one(x, y, lr=0.1) for x, y in zip(one.X, one.y, strict=True)]
    history = many.net.train(many.X, many.y, epochs=1, lr=0.1, shuffle=False)
    np.testing.assert_allclose(one.net.theta, many.net.theta, rtol=1e-13)
    assert np.mean(losses) == pytest.approx(history.loss[0], rel=1e-13)


@pytest.mark.parametrize(
    ("head", "sizes", "targets"),
    [
        (("identity", "squared_error"), (2, 1), [1, 1.0, np.float32(1), [1], np.array([[1]])]),
        (("identity", "squared_error"), (2, 2), [[1, 2], (1.0, 2.0), np.array([[1, 2]])]),
        (("sigmoid", "log_loss"), (2, 1), [1, True, 1.0, [1]]),
        (("softmax", "cross_entropy"), (2, 3), [2, np.int64(2), [2], [0, 0, 1]]),
    ],
)
def test_learn_one_takes_targets_as_train_does(head, sizes, targets):
    results = []
    for target in targets:
        net = Network(sizes, output=head[0], loss=head[1], seed=0)
        results.append((net.learn_one([1, 2], target), net.theta.tolist()))
    assert all(result == results[0] for result in results)


def test_predictions_by_loss():
    X = np.eye(3)
    assert Network((3, 1), seed=0).predict(X).shape == (3,)
    assert Network((3, 2), seed=0).predict(X).shape == (3, 2)
    for sizes, shape in (((3, 1), (3,)), ((3, 2), (3, 2))):
        labels = Network(sizes, output="sigmoid", loss="log_loss", seed=0).predict(X)
        assert labels.shape == shape
        assert set(labels.ravel().tolist()) <= {0, 1}
    net = Network((3, 4), output="softmax", loss="cross_entropy", seed=0)
    assert np.array_equal(net.predict(X), net.forward(X).argmax(axis=1))
    assert isinstance(Network((3, 1)).forward_one([1, 2, 3]), float)
    assert net.forward_one([1, 2, 3]).shape == (4,)


def test_same_seed_same_network():
    def train(seed, **options):
        net = Network((3, 8, 1), seed=seed)
        rng = np.random.default_rng(0)
        X = rng.standard_normal((50, 3))
        net.train(X, X.sum(axis=1), epochs=3, lr=0.01, **options)
        return net.theta.tobytes()

    assert train(1) == train(1)
    assert train(1) != train(2)
    assert train(1) != train(1, shuffle=False)
    assert train(np.random.default_rng(1)) == train(1)


@pytest.mark.parametrize("init", ["glorot", "he", "lecun", "uniform", "normal", "zeros"])
def test_start_weights(init):
    net = Network((400, 300, 1), init=init, seed=0)
    spread = {
        "glorot": np.sqrt(2 / 700), "he": np.sqrt(2 / 400), "lecun": 1 / 20,
        "uniform": 1 / 20 / np.sqrt(3), "normal": 1.0, "zeros": 0.0,
    }[init]  # fmt: skip
    assert net.weights[0].std() == pytest.approx(spread, rel=0.02)
    assert abs(net.weights[0].mean()) <= 0.02 * spread
    assert all((b == 0).all() for b in net.biases)


SECOND_NETWORK = """
import numpy as np
from fastperc import Network
from fastperc.kernels import batch, online, predict, single

kernels = [online.train_online, batch.train_batches, predict.predict_rows, single.learn_one]
rng = np.random.default_rng(0)


def use(sizes, hidden, head, n):
    X = rng.standard_normal((n, sizes[0]))
    y = rng.integers(0, 2, (n, sizes[-1])) if head[0] != "softmax" else rng.integers(0, 2, n)
    net = Network(sizes, hidden=hidden, output=head[0], loss=head[1], dtype="float32")
    for batch_size in (1, 8):
        net.train(X, y, epochs=2, lr=1e-3, batch_size=batch_size)
        net.train(X.tolist(), y, epochs=1, lr=1e-3, batch_size=batch_size, shuffle=False,
                  sample_weight=np.ones(n))
    net.forward(np.asfortranarray(X, dtype="float32"))
    net.learn_one(X[0], y[0])


use((8, 32, 1), "sigmoid", ("identity", "squared_error"), 20)
before = [list(k.signatures) for k in kernels]
assert [len(signatures) for signatures in before] == [1, 1, 1, 1], before
use((3, 5, 17, 9, 4), ("relu", "tanh", "identity"), ("softmax", "cross_entropy"), 33)
use((2, 3), "relu", ("sigmoid", "log_loss"), 9)
assert [list(k.signatures) for k in kernels] == before
print("nothing compiled")
"""


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="the compiler is off: NUMBA_DISABLE_JIT=1")
def test_a_second_network_of_another_kind_compiles_nothing(run_python):
    assert run_python(SECOND_NETWORK).strip() == "nothing compiled"


def test_divergence_keeps_the_last_good_epoch():
    X = np.linspace(-1, 1, 20).reshape(-1, 1)
    net = Network((1, 8, 1), hidden="identity", seed=0)
    with pytest.raises(DivergedError, match=r"epoch \d+.*smaller lr") as caught:
        net.train(X, X[:, 0], epochs=1000, lr=1.5, shuffle=False)
    assert caught.value.epoch == len(net.history.loss) + 1
    assert net.history.stopped == "diverged"
    assert np.isfinite(net.theta).all()
    again = Network((1, 8, 1), hidden="identity", seed=0)
    if caught.value.epoch > 1:
        again.train(X, X[:, 0], epochs=caught.value.epoch - 1, lr=1.5, shuffle=False)
    assert np.array_equal(net.theta, again.theta)


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_forced_divergence(dtype, batch_size):
    X = np.ones((20, 3), dtype)
    X[7, 1] = 1e30
    net = Network((3, 8, 1), seed=0, dtype=dtype)
    start = net.theta.copy()
    with pytest.raises(DivergedError, match="epoch 1"):
        net.train(X, X[:, 0], epochs=3, lr=1e6, batch_size=batch_size)
    assert np.array_equal(net.theta, start)
    with pytest.raises(DivergedError, match="lr=1e"):
        net.learn_one(np.full(3, 1e30 if dtype == "float32" else 1e200), 1.0, lr=1e6)
    assert np.array_equal(net.theta, start)


def test_copy_and_pickle_go_on_alike():
    net = xor_network()
    net.train(XOR, [0, 1, 1, 0], epochs=3)
    twins = [net.copy(), pickle.loads(pickle.dumps(net))]
    for each in (net, *twins):
        each.train(XOR, [0, 1, 1, 0], epochs=3)
    for twin in twins:
        assert np.array_equal(twin.theta, net.theta)
        twin.weights[0][...] = 0
        assert twin.theta[0] == 0
    assert net.theta[0] != 0


def test_eight_threads_predict_while_another_trains():
    nets = [problem((8, 16, 1), seed=s) for s in range(8)]
    wanted = [[p.net.predict_one(x) for x in p.X] for p in nets]
    shared = nets[0].net
    wrong = []

    def predict_all(p, values):
        for _ in range(50):
            if [p.net.predict_one(x) for x in p.X] != values:
                wrong.append(p)
            if [shared.predict_one(x) for x in nets[0].X] != wanted[0]:
                wrong.append(shared)

    busy = problem((8, 32, 1), n=2000, seed=9)
    threads = [
        threading.Thread(target=predict_all, args=pair) for pair in zip(nets, wanted, strict=True)
    ]
    threads.append(threading.Thread(target=lambda: busy.net.train(busy.X, busy.y, epochs=50)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_inputs_stay_as_they_are_and_any_layout_gives_the_same():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 3)), rng.standard_normal(40)
    X.flags.writeable = y.flags.writeable = False
    before = X.copy(), y.copy()

    def trained(X, y):
        net = Network((3, 6, 1), seed=0, dtype="float64")
        net.train(X, y, epochs=2)
        return net.theta

    wanted = trained(X, y)
    strided = np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2]
    for other in (np.asfortranarray(X), strided, X.tolist(), X.astype(object), X.astype(">f8")):
        assert np.array_equal(trained(other, y), wanted)
    assert np.array_equal(trained(X, y.reshape(-1, 1)), wanted)
    assert np.array_equal(X, before[0])
    assert np.array_equal(y, before[1])


def test_repr_shows_the_network():
    net = Network((2, 3, 4, 1), hidden=("relu", "tanh"), dtype="float64")
    assert repr(net) == (
        "Network((2, 3, 4, 1), hidden=('relu', 'tanh'), output='identity', "
        "loss='squared_error', dtype='float64')"
    )


def test_threads_by_the_million_take_no_more_memory_than_there_are_chunks():
    net = Network((5, 8, 1), seed=0)
    X = np.random.default_rng(0).standard_normal((1000, 5)).astype("float32")
    assert np.array_equal(net.forward(X, threads=10**6), net.forward(X))
    net.train(X, X.sum(1), epochs=1, batch_size=1000, threads=10**6)


def test_a_network_is_gone_with_its_last_reference():
    import weakref

    net = Network((3, 2), seed=0)
    net.predict_one([1, 2, 3])
    net.learn_one([1, 2, 3], [1, 2])
    net.train([[1, 2, 3]], [[1, 2]], epochs=1, validation=([[1, 2, 3]], [[1, 2]]))
    gone = weakref.ref(net)
    del net
    assert gone() is None


TARGETS = [
    1.25,
    1,
    True,
    np.float64(1.25),
    np.float32(1.25),
    np.int64(1),
    np.uint8(1),
    np.array([1.25]),
    np.array([[1]]),
    np.array(1.25),
    [1.25],
]


@pytest.mark.parametrize("y", TARGETS, ids=repr)
@pytest.mark.parametrize(
    ("loss", "output"), [("squared_error", "identity"), ("poisson", "exp"), ("log_loss", "sigmoid")]
)
def test_one_target_in_any_form(loss, output, y):
    """Whatever holds one number is learned as `train` learns it."""
    number = float(np.ravel(y)[0])
    net = Network((2, 1), output=output, loss=loss, seed=0, dtype="float64")
    if loss == "log_loss" and number > 1:
        with pytest.raises(ValueError, match=r"found 1\.25, expected 0 or 1"):
            net.learn_one([1, 2], y)
        return
    twin = net.copy()
    net.learn_one([1, 2], y, lr=0.1)
    twin.train([[1, 2]], [number], epochs=1, lr=0.1)
    np.testing.assert_allclose(net.theta, twin.theta, rtol=1e-14)


@pytest.mark.parametrize("y", [-1, np.float32(-1.0), np.array([-1.0]), [-1.0]], ids=repr)
def test_counts_are_judged_alike_one_at_a_time(y):
    net = Network((2, 1), output="exp", loss="poisson", seed=0)
    for call in (lambda: net.learn_one([1, 2], y), lambda: net.train([[1, 2]], np.ravel(y))):
        with pytest.raises(ValueError, match="found -1, expected no negative number"):
            call()


@pytest.mark.parametrize("y", [1e39, np.float64(1e39), np.array([1e39]), np.inf, np.nan], ids=repr)
def test_targets_beyond_float32_are_refused(y):
    net = Network((2, 1), seed=0)
    with pytest.raises(ValueError, match="y: found"):
        net.learn_one([1, 2], y)


def test_predict_one_says_what_predict_says():
    x = np.array([0.3, -0.2, 0.9])
    for output, loss, n in (
        ("identity", "squared_error", 1),
        ("identity", "huber", 3),
        ("sigmoid", "log_loss", 1),
        ("sigmoid", "log_loss", 3),
        ("softmax", "cross_entropy", 4),
        ("identity", "hinge", 1),
        ("identity", "hinge", 2),
    ):
        net = Network((3, 5, n), output=output, loss=loss, seed=0)
        one, many = net.predict_one(x), net.predict([x])[0]
        np.testing.assert_allclose(one, many, rtol=1e-6)
        assert np.shape(one) == np.shape(many)
        np.testing.assert_allclose(net.forward_one(x), net.forward([x])[0].squeeze(), rtol=1e-6)


@pytest.mark.parametrize(
    ("output", "y", "found"),
    [("sigmoid", 2.0, "2"), ("tanh", -1.5, "-1.5"), ("softplus", -3.0, "-3"), ("relu", -1.0, "-1")],
)
def test_targets_out_of_reach_are_told(output, y, found):
    net = Network((1, 1), output=output, seed=0)
    with pytest.warns(UserWarning, match=f"y: found {found}, and outputs of '{output}'") as caught:
        net.train([[1.0], [2.0]], [y, 0.5], epochs=1)
    assert caught[0].filename == __file__


def test_a_summary():
    net = Network((8, 32, 1), hidden="tanh", seed=0)
    assert net.summary().splitlines() == [
        "layer     units  activation  parameters",
        "inputs        8",
        "hidden 1     32  tanh               288",
        "outputs       1  identity            33",
        "321 parameters, float32, 1,284 bytes; loss squared_error",
    ]
    html = net._repr_html_()
    assert "<td>hidden 1</td><td>32</td><td>tanh</td><td>288</td>" in html
    assert len(repr(net)) < 120


def test_one_sample_in_a_larger_batch_has_the_weighted_mean_of_a_batch():
    """Its weight cancels; with ``batch_size=1`` it is a factor of the step."""
    for batch_size, weight, wanted in (
        (2, None, 0.1),
        (2, [1.0], 0.1),
        (2, [3.0], 0.1),
        (1, [3.0], 0.3),
    ):
        net = Network((1, 1), init=[0.0, 0.0], dtype="float64")
        net.train([[1.0]], [1.0], epochs=1, lr=0.1, batch_size=batch_size, sample_weight=weight)
        np.testing.assert_allclose(net.theta, wanted, rtol=1e-14)


@pytest.mark.parametrize(("loss", "label"), [("hinge", 0), ("log_loss", 1)])
def test_one_sample_on_the_border_has_the_label_that_many_have(loss, label):
    output = "sigmoid" if loss == "log_loss" else "identity"
    net = Network((2, 1), output=output, loss=loss, init="zeros")
    assert net.predict([[1, 2]]).tolist() == [label]
    assert net.predict_one([1, 2]) == label


def test_penalties_of_the_loss_are_those_of_the_formula():
    net = Network((2, 3, 1), init="zeros", dtype="float64")
    net.weights = [[[1, -2, 3], [0, 0.5, 4]], [[5], [-1], [0.25]]]
    bare = net.loss([[1, 2]], [3])
    squares = 1 + 4 + 9 + 0.25 + 16 + 25 + 1 + 0.0625
    sizes = 1 + 2 + 3 + 0.5 + 4 + 5 + 1 + 0.25
    penalised = net.loss([[1, 2]], [3], alpha=0.1, l1=0.01)
    assert penalised - bare == pytest.approx(0.05 * squares + 0.01 * sizes, rel=1e-12)


def test_single_samples_go_on_with_the_first_rate_of_a_schedule():
    nets = [Network((2, 1), seed=0, dtype="float64") for _ in range(2)]
    for net in nets:
        net.train([[1, 2]], [3], epochs=3, lr=lambda epoch: 0.08 / epoch)
    nets[0].learn_one([1, 2], 4)
    nets[1].learn_one([1, 2], 4, lr=0.08)
    assert np.array_equal(nets[0].theta, nets[1].theta)


FORMS = (
    float, int, bool, np.float64, np.float32, np.int64, np.bool_, lambda y: np.array(int(y)),
    lambda y: np.array([y], np.float32), lambda y: np.array([y]), lambda y: [y], lambda y: (y,),
)  # fmt: skip


@pytest.mark.parametrize(
    ("sizes", "output", "loss", "wanted"),
    [
        ((4, 3, 1), "identity", "squared_error", {0: [0], 1: [1]}),
        ((4, 3, 1), "sigmoid", "log_loss", {0: [0], 1: [1]}),
        ((4, 3, 1), "identity", "hinge", {0: [-1], 1: [1]}),
        ((4, 1), "step", "perceptron", {0: [0], 1: [1]}),
        ((4, 1), "sign", "perceptron", {1: [1]}),
        ((4, 3, 3), "softmax", "cross_entropy", {0: [1, 0, 0], 1: [0, 1, 0]}),
    ],
)
def test_a_sample_of_any_form_goes_the_short_way(sizes, output, loss, wanted, monkeypatch):
    """The long way costs many times a step."""
    buffer = one_sample.SampleBuffer(Network(sizes, output=output, loss=loss, seed=0)._model)
    monkeypatch.setattr(one_sample, "check_target", lambda y, *rest: pytest.fail(f"checked {y}"))
    monkeypatch.setattr(buffer, "checked_inputs", lambda x: pytest.fail(f"checked {x}"))
    for label, target in wanted.items():
        for form in FORMS:
            buffer.take_target(form(label))
            assert buffer.y.tolist() == target
    row = [0.5, -1, True, 2.5]
    arrays = (np.array(row), np.array(row, np.float32), np.repeat(row, 2)[::2])
    for x in (row, tuple(row), list(np.array(row)), [np.float32(v) for v in row], *arrays):
        buffer.x[:] = 0
        buffer.take_inputs(x)
        assert buffer.x.tolist() == row


def test_a_row_of_something_else_is_refused_as_in_training():
    net = Network((2, 3, 1), seed=0)
    for x, error in (
        ([1, "2"], TypeError), ([1, None], ValueError), ([1, 2j], TypeError), ([1], ValueError),
        ([1, 2, 3], ValueError), ([[1], [2]], ValueError), ([1, np.ones(1)], ValueError),
        ((1, 1e39), ValueError), ([1, 10**400], ValueError), ((np.nan, 1), ValueError),
    ):  # fmt: skip
        for call in (net.predict_one, net.forward_one, lambda x: net.learn_one(x, 1)):
            with pytest.raises(error, match=r"^x: found"):
                call(x)


def test_labels_of_hinge_are_those_of_the_last_sample_in_any_form():
    for n in (1, 2):
        net = Network((2, n), loss="hinge", init="zeros")
        x = [1, 2]
        for y, labels in ((-1, (-1, 1)), (1, (-1, 1)), (0, (0, 1)), (1.0, (0, 1))):
            for form in (float, lambda y: np.array([y])) if n == 1 else (lambda y: [y, y],):
                net.learn_one(x, form(y))
                assert net.labels == labels


def test_the_rate_of_single_samples_may_be_a_whole_number():
    nets = [Network((2, 1), seed=0) for _ in range(2)]
    nets[0].lr, nets[1].lr = 1, 1.0
    for net in nets:
        net.learn_one([0.1, 0.2], 0.3)
        net.learn_one([0.1, 0.2], 0.3, lr=0.5)
    assert np.array_equal(nets[0].theta, nets[1].theta)


@pytest.mark.parametrize(
    ("head", "plain", "other"),
    [
        (("sigmoid", "log_loss"), (0, 1, 0.0, np.float32(1)), 1.5),
        (("exp", "poisson"), (0, 7, 0.0), -1.0),
        (("identity", "huber"), (-1e30, 1e30, 0), "a"),
    ],
)
def test_targets_between_the_bounds_are_taken_as_they_come(head, plain, other, monkeypatch):
    """Bounds included: the long way costs many times a step."""
    net = problem((4, 3, 1), head=head).net
    buffer = one_sample.SampleBuffer(net._model)
    monkeypatch.setattr(one_sample, "check_target", lambda y, *rest: pytest.fail(f"checked {y}"))
    for y in plain:
        buffer.take_target(y)
        assert buffer.y.tolist() == [y]
    monkeypatch.undo()
    with pytest.raises((ValueError, TypeError), match="y: found"):
        buffer.take_target(other)


def test_what_train_assumes_of_adam_is_what_pytorch_assumes():
    nets = [Network((2, 3, 1), seed=0, dtype="float64") for _ in range(2)]
    given = {"betas": (0.9, 0.999), "epsilon": 1e-8, "momentum": 0, "alpha": 0, "l1": 0}
    for net, options in zip(nets, ({}, given), strict=True):
        net.train([[1, 2], [0, 3]], [3, 1], epochs=3, optimizer="adam", batch_size=2, **options)
    assert np.array_equal(nets[0].theta, nets[1].theta)


def test_the_old_name_of_arrays_still_works():
    net = Network((2, 1), seed=0)
    with pytest.warns(DeprecationWarning, match=r"Network.arrays\(\) now"):
        handed = net.compiled()
    assert handed.theta.base is not None
    assert [a.tobytes() for a in handed[:2]] == [a.tobytes() for a in net.arrays()[:2]]


def test_gradients_one_after_the_other_are_those_of_new_networks():
    """Scratch is kept from call to call, whatever the number of samples."""
    p = problem((5, 9, 3), n=700)
    for n in (1, 700, 2, 300):
        fresh = p.net.copy().backward(p.X[:n], p.y[:n])
        assert np.array_equal(p.net.backward(p.X[:n], p.y[:n]), fresh)
    assert len(p.net._batch_scratch) == 1
    assert "_batch_scratch" not in p.net.__getstate__()


@pytest.mark.parametrize("alpha", [True, [0.1], "a", -1])
def test_penalties_of_the_gradient_are_checked_again_after_those_in_order(alpha):
    net = Network((2, 1), seed=0)
    for given in (0, 0.0, 1):
        net.backward([[1, 2]], [3], alpha=given)
    with pytest.raises((TypeError, ValueError), match="alpha: found"):
        net.backward([[1, 2]], [3], alpha=alpha)
