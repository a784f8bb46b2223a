"""Fleet: what `Network` does, for many at once."""

import pickle

import numpy as np
import pytest

import fastperc
from fastperc import Fleet, ModelFileError, Network
from fastperc.training import fleet_history

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
Y = np.sin(X @ [[1.0], [-0.5], [2.0]])
LABELS = (Y[:, 0] > 0).astype(int)
N = 11


def made(n=N, **options):
    return Fleet((3, 5, 1), n, **({"hidden": "tanh", "dtype": "float64", "seed": 4} | options))


def alone(fleet, **options):
    """The networks of a fleet, apart."""
    return [net.copy() for net in fleet]


RATES = np.linspace(0.01, 0.1, N)
WAYS = {
    "plain": {},
    "batches": {"batch_size": 8},
    "adam": {"optimizer": "adam", "lr": RATES / 10, "batch_size": 16, "betas": (0.8, 0.99)},
    "adamw": {"optimizer": "adamw", "lr": RATES / 10, "alpha": np.linspace(0, 0.1, N)},
    "nesterov": {
        "lr": RATES / 10,
        "momentum": 0.8,
        "nesterov": True,
        "l1": np.linspace(0, 1e-4, N),
    },
    "clipped": {"clip_norm": 0.1},
    "rprop": {"optimizer": "rprop", "lr": 0.01},
    "penalties": {"alpha": np.linspace(0, 0.1, N), "penalize_biases": True},
}


@pytest.mark.parametrize("way", WAYS)
def test_networks_learn_as_they_do_alone(way):
    options = {"lr": RATES, "epochs": 20, "shuffle": False} | WAYS[way]
    fleet = made()
    nets = alone(fleet)
    history = fleet.train(X, Y, **options)
    for i, net in enumerate(nets):
        own = {k: v[i] if isinstance(v, np.ndarray) else v for k, v in options.items()}
        trained = net.train(X, Y, **own)
        np.testing.assert_allclose(fleet.theta[i], net.theta, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(history.loss[:, i], trained.loss, rtol=1e-12)
    np.testing.assert_allclose(fleet.forward(X), [net.forward(X) for net in nets], rtol=1e-11)
    np.testing.assert_allclose(fleet.loss(X, Y), [net.loss(X, Y) for net in nets], rtol=1e-11)


@pytest.mark.parametrize(
    ("output", "loss", "sizes", "y"),
    [
        ("sigmoid", "log_loss", (3, 5, 1), LABELS),
        ("softmax", "cross_entropy", (3, 5, 2), LABELS),
        ("identity", "hinge", (3, 5, 1), 2 * LABELS - 1),
    ],
)
def test_classes_are_learned_and_predicted_as_by_networks(output, loss, sizes, y):
    fleet = Fleet(sizes, N, output=output, loss=loss, dtype="float64", seed=1)
    nets = alone(fleet)
    fleet.train(X, y, epochs=5, lr=RATES, shuffle=False)
    for net, lr in zip(nets, RATES, strict=True):
        net.train(X, y, epochs=5, lr=lr, shuffle=False)
    np.testing.assert_array_equal(fleet.predict(X), [net.predict(X) for net in nets])
    np.testing.assert_allclose(fleet.loss(X, y), [net.loss(X, y) for net in nets], rtol=1e-11)
    targets = np.stack([np.roll(y, i) for i in range(N)])
    fleet.train(X, targets, epochs=2, lr=RATES, shuffle=False)
    for i, (net, lr) in enumerate(zip(nets, RATES, strict=True)):
        net.train(X, targets[i], epochs=2, lr=lr, shuffle=False)
        np.testing.assert_allclose(fleet.theta[i], net.theta, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("batch_size", [1, 8])
def test_each_network_may_have_targets_weights_and_rows_of_its_own(batch_size):
    fleet, nets = made(), alone(made())
    targets = Y * np.linspace(0.5, 1.5, N)[:, None, None]
    weights = (np.arange(60) % N != np.arange(N)[:, None]).astype(float)
    order = RNG.integers(0, 60, (N, 7, 40))
    history = fleet.train(
        X, targets, epochs=7, lr=RATES, batch_size=batch_size, sample_weight=weights, order=order
    )
    for i, net in enumerate(nets):
        own = net.train(
            X, targets[i], epochs=7, lr=RATES[i], batch_size=batch_size, sample_weight=weights[i],
            order=order[i],
        )  # fmt: skip
        np.testing.assert_allclose(fleet.theta[i], net.theta, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(history.loss[:, i], own.loss, rtol=1e-12)


def test_patience_restores_the_best_weights_of_each_network():
    fleet, nets = made(), alone(made())
    held = X[40:], Y[40:] + RNG.standard_normal((20, 1))
    patience = np.arange(1, N + 1)
    rates = np.linspace(0.05, 0.15, N)
    history = fleet.train(
        X[:40], Y[:40], epochs=60, lr=rates, shuffle=False, validation=held, patience=patience
    )
    for i, net in enumerate(nets):
        own = net.train(
            X[:40], Y[:40], epochs=60, lr=rates[i], shuffle=False, validation=held,
            patience=int(patience[i]),
        )  # fmt: skip
        assert history.stopped[i] == own.stopped
        assert history.epochs[i] == len(own.loss)
        np.testing.assert_allclose(fleet.theta[i], net.theta, rtol=1e-5, atol=1e-5)
        shown = history.validation_loss[: len(own.loss), i]
        np.testing.assert_allclose(shown, own.validation_loss, rtol=1e-5)
        assert np.isnan(history.validation_loss[len(own.loss) :, i]).all()
    assert len(set(history.epochs)) > 3
    best = fleet.best()
    assert best.loss(*held) == pytest.approx(history.best_validation_loss.min())


def test_tol_ends_each_network_as_alone():
    fleet, nets = made(), alone(made())
    history = fleet.train(X, Y, epochs=50, lr=RATES, shuffle=False, tol=1e-3)
    for i, net in enumerate(nets):
        own = net.train(X, Y, epochs=50, lr=RATES[i], shuffle=False, tol=1e-3)
        assert (history.stopped[i], history.epochs[i]) == (own.stopped, len(own.loss))
        np.testing.assert_allclose(fleet.theta[i], net.theta, rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("threads_for_any_work")
def test_threads_and_company_change_no_bit():
    options = {"epochs": 4, "batch_size": 3, "optimizer": "adam", "lr": 0.01}
    fleet = made(60)
    few = fleet[[7, 30, 59]]
    fleet.train(X, Y, threads=2, **options)
    few.train(X, Y, **options)
    np.testing.assert_array_equal(few.theta, fleet.theta[[7, 30, 59]])


def test_shapes_may_differ():
    sizes = [(3, 4, 1), (3, 5, 1), (3, 4, 1), (3, 2, 2, 1)]
    nets = [Network(s, hidden="tanh", dtype="float64", seed=i) for i, s in enumerate(sizes)]
    fleet = Fleet(nets, seed=0)
    weights = np.ones((4, 60)) * np.arange(1, 5)[:, None]
    fleet.train(X, Y, epochs=3, lr=[0.01, 0.02, 0.03, 0.04], shuffle=False, sample_weight=weights)
    for i, net in enumerate(nets):
        net.train(X, Y, epochs=3, lr=0.01 * (i + 1), shuffle=False, sample_weight=weights[i])
        np.testing.assert_allclose(fleet.theta[i], net.theta, rtol=1e-12)
        assert fleet[i].sizes == sizes[i]
    np.testing.assert_allclose(fleet.forward(X), [n.forward(X) for n in nets], rtol=1e-12)
    np.testing.assert_allclose(
        fleet.forward_each(X[:4]), [n.forward(X[i : i + 1])[0] for i, n in enumerate(nets)]
    )
    assert len(fleet.table()["sizes"]) == 4
    with pytest.raises(TypeError, match="shapes differ"):
        fleet.theta = np.zeros(3)


def test_a_network_of_the_fleet_shares_its_parameters():
    fleet = made()
    net = fleet[-1]
    net.learn_one(X[0], Y[0], lr=0.1)
    np.testing.assert_array_equal(fleet.theta[-1], net.theta)
    fleet.theta[-1] = 0.5
    assert (net.theta == 0.5).all()
    fleet[0].train(X, Y, epochs=1, optimizer="lbfgs")
    copy = fleet[2:4]
    copy.theta[:] = 7
    assert (fleet.theta != 7).all()
    assert len(fleet[np.arange(N) > 8]) == 2


def test_seeds_of_their_own_start_networks_as_alone():
    fleet = Fleet((3, 5, 1), 4, seed=[5, 6, 7, 5])
    for seed, theta in zip([5, 6, 7, 5], fleet.theta, strict=True):
        np.testing.assert_array_equal(theta, Network((3, 5, 1), seed=seed).theta)
    one, same = made(3), made(5)
    np.testing.assert_array_equal(one.theta, same.theta[:3])
    assert len(np.unique(same.theta[:, 0])) == 5


def test_a_network_that_diverges_leaves_and_the_rest_go_on():
    fleet, good = made(), made()[[0, 2]]
    rates = np.where(np.arange(N) == 1, 1e6, 0.05)
    with pytest.warns(RuntimeWarning, match="1 of 11 networks diverged"):
        history = fleet.train(X, Y, epochs=3, lr=rates, shuffle=False)
    assert history.stopped.tolist() == ["epochs", "diverged", *["epochs"] * 9]
    assert history.epochs.tolist() == [3, 0, *[3] * 9]
    assert np.isnan(history.loss[:, 1]).all()
    good.train(X, Y, epochs=3, lr=0.05, shuffle=False)
    np.testing.assert_array_equal(fleet.theta[[0, 2]], good.theta)
    np.testing.assert_array_equal(fleet.theta[1], made().theta[1])


def test_a_callback_sees_each_epoch_and_may_end_training():
    fleet, seen = made(), []

    def callback(epoch, history):
        seen.append((epoch, history.loss.shape[0], fleet.theta[0, 0]))
        return epoch == 3

    history = fleet.train(X, Y, epochs=9, lr=0.1, callback=callback)
    assert [s[:2] for s in seen] == [(1, 1), (2, 2), (3, 3)]
    assert len({s[2] for s in seen}) == 3
    assert set(history.stopped) == {"callback"}


def test_a_schedule_sets_rates_epoch_by_epoch():
    fleet, nets = made(3), alone(made(3))
    fleet.train(X, Y, epochs=4, lr=lambda epoch: np.array([0.1, 0.05, 0.01]) / epoch, shuffle=False)
    for net, rate in zip(nets, [0.1, 0.05, 0.01], strict=True):
        net.train(X, Y, epochs=4, lr=lambda epoch, rate=rate: rate / epoch, shuffle=False)
    np.testing.assert_allclose(fleet.theta, [net.theta for net in nets], rtol=1e-12)


def test_the_time_limit_leaves_whole_epochs():
    fleet = made(300)
    history = fleet.train(X, Y, epochs=10**7, lr=0.01, time_limit=0.2, shuffle=False)
    assert set(history.stopped) == {"time_limit"}
    assert np.isfinite(fleet.theta).all()
    assert history.seconds < 5


def test_files_and_pickles_keep_a_fleet(tmp_path):
    nets = [Network((3, k, 1), seed=k, bias=k > 2) for k in (2, 3, 2)]
    for fleet in (made(seed=list(range(N))), Fleet(nets, seed=3)):
        fleet.save(tmp_path / "fleet.safetensors")
        for twin in (Fleet.load(tmp_path / "fleet.safetensors"), pickle.loads(pickle.dumps(fleet))):
            np.testing.assert_array_equal(twin.forward(X), fleet.forward(X))
            one, other = fleet.copy(), twin
            one.train(X, Y, epochs=2)
            other.train(X, Y, epochs=2)
            np.testing.assert_array_equal(one.forward(X), other.forward(X))
    content = (tmp_path / "fleet.safetensors").read_bytes()
    for k in (3, len(content) // 2, len(content) - 3):
        (tmp_path / "odd").write_bytes(content[:k] + bytes([content[k] ^ 1]) + content[k + 1 :])
        with pytest.raises(ModelFileError):
            Fleet.load(tmp_path / "odd")
    nets[0].save(tmp_path / "one")
    with pytest.raises(ModelFileError, match=r"found 'Network', expected 'Fleet'\. fastperc\.load"):
        Fleet.load(tmp_path / "one")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lr": [0.1, 0.2]}, "lr: found 2 numbers, expected one for all, or 11"),
        ({"lr": -1.0}, "lr: found -1"),
        ({"lr": np.where(np.arange(N) == 3, -1.0, 0.1)}, r"lr\[3\]: found -1"),
        ({"alpha": np.full(N, np.nan)}, "alpha"),
        ({"y": Y[:50]}, "y: found"),
        ({"y": np.zeros((N + 1, 60, 1))}, r"y: found shape \(12, 60, 1\)"),
        ({"sample_weight": np.ones((3, 60))}, r"sample_weight: found shape \(3, 60\)"),
        ({"sample_weight": np.zeros((N, 60))}, "only zeros for network 0"),
        ({"optimizer": "lbfgs"}, "one network at a time"),
        ({"order": np.zeros((5, 60), int)}, "order: found shape"),
        ({"order": [60]}, "order: found the row 60"),
        ({"patience": [1, 2]}, "patience: found 2 numbers"),
        ({"momentun": 1}, "momentun"),
        ({"validation": 1.5}, "validation"),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(options, text):
    fleet = made()
    given = {"y": Y, "epochs": 1} | options
    before = fleet.theta.copy()
    with pytest.raises((TypeError, ValueError), match=text):
        fleet.train(X, given.pop("y"), **given)
    np.testing.assert_array_equal(fleet.theta, before)
    assert fleet.history is None


def test_weights_that_are_no_numbers_are_named():
    fleet = made()
    fleet.theta[6, 2] = np.nan
    with pytest.raises(ValueError, match="network 6"):
        fleet.train(X, Y)
    with pytest.raises(ValueError, match="network 6"):
        fleet.save("nowhere")
    with pytest.raises(ValueError, match="theta"):
        fleet.theta = np.full(fleet.theta.shape, np.inf)
    with pytest.raises(ValueError, match="expected"):
        fleet.theta = np.zeros((2, 2))


def test_a_fleet_is_made_of_a_size_and_a_number():
    for args, text in [
        (((3, 1),), "n: found none"),
        (((3, 1), 0), "n: found 0"),
        (([Network((3, 1)), 3],), "found 3 among networks"),
        (([Network((3, 1))], 2), "beside 1 networks"),
    ]:
        with pytest.raises((TypeError, ValueError), match=text):
            Fleet(*args)
    with pytest.raises(ValueError, match="2 seeds"):
        Fleet((3, 1), 3, seed=[1, 2])
    with pytest.raises(ValueError, match="init"):
        Fleet((3, 1), 3, init=np.zeros((2, 4)))
    assert "11 x (3, 5, 1)" in repr(made())


def test_the_table_has_a_row_for_each_network():
    fleet = made(seed=list(range(N)))
    with pytest.raises(ValueError, match="history"):
        fleet.table()
    fleet.train(X, Y, epochs=2, lr=RATES, validation=0.25)
    columns = fleet.table()
    np.testing.assert_array_equal(columns["lr"], RATES)
    assert columns["stopped"].tolist() == ["epochs"] * N
    assert (columns["seconds"] > 0).all()
    np.testing.assert_array_equal(columns["seed"], range(N))


@pytest.mark.usefixtures("threads_for_any_work")
def test_wide_networks_are_trained_one_by_one():
    fleet = Fleet((3, 200, 100, 1), 3, dtype="float64", seed=0)
    nets = alone(fleet)
    fleet.train(X, Y, epochs=2, lr=0.01, threads=2, shuffle=False)
    for net in nets:
        net.train(X, Y, epochs=2, lr=0.01, shuffle=False)
    np.testing.assert_array_equal(fleet.theta, [net.theta for net in nets])


def test_the_name_is_public():
    assert fastperc.Fleet is Fleet


def test_targets_of_all_are_told_from_those_of_each_by_the_number_of_samples():
    nets = [Network((3, 2 + i % 2, 1), dtype="float64", seed=i) for i in range(6)]
    fleet = Fleet(nets)  # as many networks as samples, of two shapes
    fleet.train(X[:6], Y[:6], epochs=2, lr=0.1, shuffle=False)
    for i, net in enumerate(nets):
        net.train(X[:6], Y[:6], epochs=2, lr=0.1, shuffle=False)
        np.testing.assert_allclose(fleet.theta[i], net.theta, rtol=1e-12)
    np.testing.assert_allclose(fleet.loss(X[:6], Y[:6]), [net.loss(X[:6], Y[:6]) for net in nets])


def test_networks_of_a_fleet_have_one_loss_one_dtype_and_one_pair_of_labels():
    hinge = [Network((3, 1), loss="hinge") for _ in range(2)]
    hinge[1].train(X, 2 * LABELS - 1, epochs=1)
    for nets, text in [
        ([Network((3, 1)), Network((3, 1), loss="huber")], "loss 'huber' of network 1"),
        ([Network((3, 1)), Network((3, 1), dtype="float64")], "dtype 'float64' of network 1"),
        (hinge, r"labels \(-1, 1\) of network 1"),
    ]:
        with pytest.raises(ValueError, match=text):
            Fleet(nets)
    assert Fleet(hinge[1:])[0].labels == (-1, 1)


def test_start_weights_are_given_as_a_network_takes_them():
    W, b = [np.ones((3, 2)), np.full((2, 1), 2.0)], [np.zeros(2), np.ones(1)]
    for init in ((W, b), [*zip(W, b, strict=True)], Network((3, 2, 1), init=(W, b)).theta):
        fleet = Fleet((3, 2, 1), 4, init=init)
        for theta in fleet.theta:
            np.testing.assert_array_equal(theta, Network((3, 2, 1), init=(W, b)).theta)
    rows = RNG.standard_normal((4, 11))
    np.testing.assert_allclose(Fleet((3, 2, 1), 4, init=rows, dtype="float64").theta, rows)


def test_a_network_that_is_not_there_is_named():
    for key in (N, -N - 1):
        with pytest.raises(IndexError, match=f"network {key}, expected one from 0 to 10"):
            made()[key]


@pytest.mark.parametrize("shapes", [[3, 3, 3, 3], [3, 4, 3, 3]])
def test_curves_that_would_be_too_long_have_some_of_the_epochs_of_all_networks(shapes, monkeypatch):
    nets = [Network((3, k, 1), dtype="float64", seed=i) for i, k in enumerate(shapes)]
    whole = Fleet(nets).train(X, Y, epochs=8, lr=0.01, shuffle=False)
    monkeypatch.setattr(fleet_history, "MOST", 12)
    some = Fleet(nets).train(X, Y, epochs=8, lr=0.01, shuffle=False)
    assert some.loss.size <= 12
    np.testing.assert_array_equal(some.shown, [3, 6, 8])
    np.testing.assert_array_equal(some.loss, whole.loss[some.shown - 1])
    np.testing.assert_array_equal(some.final_loss, whole.loss[-1])
