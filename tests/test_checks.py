"""Bad input to every public entry: an error that says found, expected, remedy; nothing changed."""

import numpy as np
import pytest

from fastperc import Network, checks

X = np.arange(12.0).reshape(4, 3) / 10
Y = np.arange(4.0)
NAN = np.where(np.arange(12).reshape(4, 3) == 7, np.nan, X)


def network(**options):
    return Network((3, 5, 1), seed=0, **options)


def classifier(n_outputs=1):
    head = ("sigmoid", "log_loss") if n_outputs == 1 else ("softmax", "cross_entropy")
    return Network((3, 5, n_outputs), output=head[0], loss=head[1], seed=0)


BAD_X = [
    (X[:, :2], ValueError, r"X: found 2 columns, expected 3, as many as the network has inputs"),
    (X[0], ValueError, r"X: found 1 dimension, shape \(3,\), expected 2.*reshape\(1, -1\)"),
    (X[None], ValueError, r"X: found 3 dimensions, shape \(1, 4, 3\), expected 2"),
    (7.0, ValueError, r"X: found 0 dimensions, shape \(\), expected 2"),
    (NAN, ValueError, r"X: found nan at \[2, 1\], expected finite numbers.*fill"),
    (X + np.inf, ValueError, r"X: found inf at \[0, 0\], expected finite numbers"),
    (X * 1e300, ValueError, r"X: found 1e\+299 at \[0, 1\], too large for float32.*float64"),
    (X.astype(str), TypeError, r"X: found an array of dtype <U\d+, expected numbers"),
    (X + 1j, TypeError, r"X: found an array of dtype complex128, expected numbers"),
    (np.where(X > 0.5, "a", X.astype(object)), TypeError, r"X: found objects such as 'a'"),
    (None, TypeError, r"X: found None, expected an array of numbers"),
    ([[1, 2], [3]], ValueError, r"X: found something that is not a regular array"),
    (np.empty((0, 3)), ValueError, r"X: found no data, shape \(0, 3\), expected at least 1"),
    (np.ma.masked_less(X, 0.3), ValueError, r"X: found masked cells.*filled"),
    (X.astype("datetime64[s]"), TypeError, r"X: found an array of dtype datetime64"),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD_X, ids=[m[:40] for *_, m in BAD_X])
def test_bad_x(bad, error, message):
    net = network()
    before = net.theta.copy()
    for entry in (
        lambda: net.train(bad, Y),
        lambda: net.train(X, Y, validation=(bad, Y)),
        lambda: net.forward(bad),
        lambda: net.predict(bad),
        lambda: net.loss(bad, Y),
        lambda: net.backward(bad, Y),
    ):
        with pytest.raises(error, match=message):
            entry()
    assert np.array_equal(net.theta, before)


def test_sparse_targets_and_single_samples():
    from scipy.sparse import csr_array

    with pytest.raises(TypeError, match=r"y: found a sparse matrix.*y\.toarray\(\)"):
        network().loss(X, csr_array(X))
    with pytest.raises(TypeError, match=r"x: found a sparse matrix.*x\.toarray\(\)"):
        network().forward_one(csr_array(X[:1]))


BAD_ONE = [
    ([1, 2], ValueError, r"x: found 2 columns, expected 3"),
    (1.0, ValueError, r"x: found 0 dimensions, shape \(\), expected 1"),
    (X, ValueError, r"x: found 2 dimensions, shape \(4, 3\), expected 1"),
    (X[:3], ValueError, r"x: found 2 dimensions, shape \(3, 3\), expected 1"),
    ([1, np.nan, 3], ValueError, r"x: found nan at \[1\], expected finite numbers"),
    ([1, np.inf, 3], ValueError, r"x: found inf at \[1\], expected finite numbers"),
    ("abc", TypeError, r"x: found an array of dtype <U3, expected numbers"),
    (["1", "2", "3"], TypeError, r"x: found an array of dtype <U1, expected numbers"),
    ([1.0, "2", 3.0], TypeError, r"x: found an array of dtype <U32, expected numbers"),
    (np.array(["1", "2", "3"]), TypeError, r"x: found an array of dtype <U1, expected numbers"),
    (None, TypeError, r"x: found None"),
    ([], ValueError, r"x: found no data"),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD_ONE, ids=[m[:40] for *_, m in BAD_ONE])
def test_bad_single_sample(bad, error, message):
    net = network()
    before = net.theta.copy()
    for entry in (lambda: net.predict_one(bad), lambda: net.learn_one(bad, 1.0)):
        with pytest.raises(error, match=message):
            entry()
        assert np.array_equal(net.theta, before)
    assert np.isfinite(net.predict_one([1, 2, 3]))


BAD_Y = [
    (1, Y[:3], ValueError, r"y: found 3 targets, expected 4, one for each row of X"),
    (1, 1.0, ValueError, r"y: found a single number, expected 4"),
    (1, np.c_[Y, Y], ValueError, r"y: found 2 columns, expected 1, as many as the network has out"),
    (1, Y[:, None, None], ValueError, r"y: found shape \(4, 1, 1\), expected \(4, 1\)"),
    (1, [1, 2, np.nan, 4], ValueError, r"y: found nan at \[2, 0\], expected finite numbers"),
    (1, list("abcd"), TypeError, r"y: found an array of dtype <U1, expected numbers"),
    (1, [], ValueError, r"y: found 0 targets, expected 4"),
    ("c", Y, ValueError, r"y: found 2, expected 0 or 1 for loss='log_loss'"),
    ("c", [-1, 1, 1, -1], ValueError, r"y: found -1, expected 0 or 1"),
    (3, Y, ValueError, r"y: found the label 3, expected whole numbers from 0 to 2"),
    (3, [0, 1, 0.5, 1], ValueError, r"y: found the label 0.5, expected whole numbers"),
    (3, [0, 1, -1, 1], ValueError, r"y: found the label -1, expected whole numbers"),
    (3, np.ones((4, 3)), ValueError, r"y: found a row \(0\) that sums to 3.*log_loss"),
    (3, np.eye(4), ValueError, r"y: found 4 columns, expected 3"),
]


@pytest.mark.parametrize(
    ("kind", "bad", "error", "message"), BAD_Y, ids=[m[:40] for *_, m in BAD_Y]
)
def test_bad_y(kind, bad, error, message):
    net = network() if kind == 1 else classifier(1 if kind == "c" else kind)
    good = np.array([0, 1, 0, 1])
    before = net.theta.copy()
    for entry in (
        lambda: net.train(X, bad),
        lambda: net.train(X, good, validation=(X, bad)),
        lambda: net.train(X, bad, validation=0.5),
        lambda: net.loss(X, bad),
        lambda: net.backward(X, bad),
    ):
        with pytest.raises(error, match=message):
            entry()
    assert np.array_equal(net.theta, before)


@pytest.mark.parametrize("bad", [np.nan, np.inf, "a", None, [1, 2], 1j])
def test_bad_single_target(bad):
    net = network()
    before = net.theta.copy()
    with pytest.raises((ValueError, TypeError), match="y: found"):
        net.learn_one([1, 2, 3], bad)
    assert np.array_equal(net.theta, before)


BAD_OPTIONS = [
    ({"epochs": 0}, ValueError, r"epochs: found 0, expected at least 1"),
    ({"epochs": -3}, ValueError, r"epochs: found -3, expected at least 1"),
    ({"epochs": 1.5}, TypeError, r"epochs: found 1.5, expected a whole number"),
    ({"epochs": True}, TypeError, r"epochs: found True, expected a whole number"),
    ({"epochs": "10"}, TypeError, r"epochs: found '10', expected a whole number"),
    ({"lr": 0}, ValueError, r"lr: found 0, expected a finite number greater than 0"),
    ({"lr": -0.1}, ValueError, r"lr: found -0.1, expected a finite number greater than 0"),
    ({"lr": np.inf}, ValueError, r"lr: found inf, expected a finite number"),
    ({"lr": np.nan}, ValueError, r"lr: found nan, expected a finite number"),
    ({"lr": "fast"}, TypeError, r"lr: found 'fast', expected a number"),
    ({"batch_size": 0}, ValueError, r"batch_size: found 0, expected at least 1"),
    ({"optimizer": "adamax"}, ValueError, r"optimizer: found 'adamax', expected one of sgd"),
    ({"shuffle": "yes"}, TypeError, r"shuffle: found 'yes', expected True or False"),
    ({"threads": 0}, ValueError, r"threads: found 0, expected"),
    ({"tol": -1}, ValueError, r"tol: found -1, expected a finite number at least 0"),
    ({"patience": 0}, ValueError, r"patience: found 0, expected at least 1"),
    ({"time_limit": 0}, ValueError, r"time_limit: found 0, expected a finite number greater"),
    ({"callback": 3}, TypeError, r"callback: found 3, expected a function"),
    ({"validation": (X,)}, ValueError, r"validation: found 1 items, expected \(X, y\)"),
    ({"validation": 1.0}, ValueError, r"validation: found the fraction 1 of 4 samples"),
    ({"validation": 0.01}, ValueError, r"validation: found the fraction 0.01 of 4 samples"),
    ({"validation": "some"}, TypeError, r"validation: found 'some', expected a number"),
    ({"sample_weight": [1, 2]}, ValueError, r"sample_weight: found 2 weights, expected 4"),
    ({"sample_weight": [1, 2, -1, 1]}, ValueError, r"sample_weight: found -1, expected no neg"),
    ({"sample_weight": [0, 0, 0, 0]}, ValueError, r"sample_weight: found only zeros"),
    ({"sample_weight": [1, 2, np.nan, 1]}, ValueError, r"sample_weight: found nan at \[2\]"),
]


@pytest.mark.parametrize(
    ("options", "error", "message"), BAD_OPTIONS, ids=[str(o)[:40] for o, *_ in BAD_OPTIONS]
)
def test_bad_training_option(options, error, message):
    net = network()
    before = net.theta.copy()
    with pytest.raises(error, match=message):
        net.train(X, Y, **options)
    assert np.array_equal(net.theta, before)
    assert net.history is None


BAD_NETWORKS = [
    (((3,),), {}, ValueError, r"sizes: found \(3,\), expected at least 2 numbers"),
    (((3, 0, 1),), {}, ValueError, r"sizes\[1\]: found 0, expected at least 1"),
    (((3, -4, 1),), {}, ValueError, r"sizes\[1\]: found -4, expected at least 1"),
    (((3, 2.5, 1),), {}, TypeError, r"sizes\[1\]: found 2.5, expected a whole number"),
    (("31",), {}, TypeError, r"sizes: found '31', expected a sequence"),
    ((5,), {}, TypeError, r"sizes: found 5, expected a sequence"),
    (((3, 1),), {"hidden": "swish"}, ValueError, r"hidden: found 'swish', expected one of ident"),
    (((3, 4, 1),), {"hidden": "softmax"}, ValueError, r"hidden: found 'softmax', which is for"),
    (((3, 4, 1),), {"hidden": ["relu"] * 2}, ValueError, r"hidden: found 2 activations, expected"),
    (((3, 4, 1),), {"hidden": 3}, TypeError, r"hidden: found 3, expected one of"),
    (((3, 1),), {"output": "swish"}, ValueError, r"output: found 'swish', expected one of"),
    (((3, 1),), {"output": "step"}, ValueError, r"loss: found 'squared_error', expected 'perceptr"),
    (((3, 1),), {"loss": "l2"}, ValueError, r"loss: found 'l2', expected one of squared_error"),
    (((3, 1),), {"loss": "log_loss"}, ValueError, r"output: found 'identity', expected 'sigmoid'"),
    (((3, 2),), {"output": "softmax", "loss": "hinge"}, ValueError, r"loss: found 'hinge', expect"),
    (((3, 1),), {"output": "softmax"}, ValueError, r"sizes: found 1 output, expected at least 2"),
    (((3, 1),), {"init": "magic"}, ValueError, r"init: found 'magic', expected one of glorot"),
    (((3, 1),), {"dtype": "float16"}, ValueError, r"dtype: found 'float16', expected 'float32'"),
    (((3, 1),), {"dtype": "real"}, TypeError, r"dtype: found 'real', expected 'float32'"),
    (((3, 1),), {"seed": -1}, ValueError, r"seed: found -1, expected at least 0"),
    (((3, 1),), {"seed": "abc"}, TypeError, r"seed: found 'abc', expected a whole number"),
]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    BAD_NETWORKS,
    ids=[f"{a}{o}"[:50] for a, o, *_ in BAD_NETWORKS],
)
def test_bad_network(arguments, options, error, message):
    with pytest.raises(error, match=message):
        Network(*arguments, **options)


def test_cross_entropy_wants_two_outputs():
    with pytest.raises(ValueError, match=r"sizes: found 1 output, expected at least 2"):
        Network((3, 1), output="softmax", loss="cross_entropy")


def test_a_good_array_is_not_copied_nor_handed_out_writeable():
    found = checks.check_array(X, "X")
    assert np.shares_memory(found, X)
    assert not found.flags.writeable
    assert X.flags.writeable


def test_where_the_first_bad_cell_of_a_long_array_is():
    long = np.zeros((3_000_000, 1))
    long[2_500_000] = -np.inf
    with pytest.raises(ValueError, match=r"found -inf at \[2500000, 0\]"):
        checks.check_array(long, "X")


def test_large_finite_values_are_no_infinities():
    big = np.full((4, 1), 1.5e308)
    assert np.array_equal(checks.check_array(big, "X"), big)


@pytest.mark.parametrize("of_one_weight", [1, 2, 5])
def test_the_least_of_everything_is_taken(of_one_weight):
    """Bounds of options that belong to what is allowed."""
    net = Network((1, of_one_weight), seed=0)
    x, y = [[1.0], [2.0]], np.zeros((2, of_one_weight))
    history = net.train(
        x, y, epochs=1, batch_size=1, momentum=0.0, alpha=0.0, l1=0.0, tol=0.0, patience=1,
        threads=1, lr=lambda epoch: 0.0,
    )  # fmt: skip
    assert len(history.loss) == 1
    net.train(x, y, epochs=1, optimizer="adam", betas=(0.0, 0.0))
    assert (
        Network((1, 1), seed=np.int64(0)).theta.tolist() == Network((1, 1), seed=0).theta.tolist()
    )


def test_one_activation_serves_all_hidden_layers_or_each_has_its_own():
    assert Network((2, 3, 4, 1), hidden="relu").hidden == ("relu", "relu")
    assert Network((2, 3, 4, 1), hidden=["relu", "tanh"]).hidden == ("relu", "tanh")
    assert Network((2, 1), hidden="relu").hidden == ()
    with pytest.raises(ValueError, match="hidden: found 'softmax', which is for"):
        Network((2, 1), hidden="softmax")


@pytest.mark.parametrize("labels", [(0, 1), (-1, 1)])
def test_hinge_answers_with_the_labels_it_was_given(labels):
    x = np.array([[-1.0], [-2.0], [1.0], [2.0]])
    y = np.repeat(labels, 2)
    net = Network((1, 1), loss="hinge", seed=0)
    net.train(x, y, epochs=50, lr=0.1)
    assert net.predict(x).tolist() == y.tolist()


def test_sizes_may_be_an_array_and_a_start_all_parameters():
    start = np.arange(9.0)
    net = Network(np.array([2, 2, 1]), init=start, dtype="float64")
    assert net.theta.tolist() == start.tolist()
    assert net.weights[1].tolist() == [[6.0], [7.0]]
    assert net.biases[0].tolist() == [4.0, 5.0]
    with pytest.raises(ValueError, match="init: found 8 numbers, expected 9"):
        Network((2, 2, 1), init=start[:8])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": 1e-60}, r"lr: found 1e-60, which is 0 in float32, expected a number that float32"),
        ({"lr": 1e60}, r"lr: found 1e\+60, which is inf in float32"),
        ({"optimizer": "adam", "epsilon": 1e-60}, r"epsilon: found 1e-60, which is 0 in float32"),
        ({"optimizer": "adamw", "epsilon": 1e60}, r"epsilon: found 1e\+60, which is inf"),
        ({"batch_size": 1, "sample_weight": [1, 1, 1, 1e60]}, r"sample_weight: found 1e\+60"),
    ],
)
def test_numbers_that_the_dtype_cannot_hold_are_refused(options, message):
    net = network(dtype="float32")
    before = net.theta.copy()
    with pytest.raises(ValueError, match=message):
        net.train(X, Y, epochs=1, **options)
    assert np.array_equal(net.theta, before)
    assert net.history is None


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        ("float64", {"lr": 1e-60}),
        ("float64", {"optimizer": "adam", "epsilon": 1e-60}),
        ("float32", {"epsilon": 1e-60}),  # which plain descent does not use
        ("float32", {"lr": 1e-44}),  # a subnormal number is one
    ],
)
def test_numbers_that_the_dtype_holds_are_taken(dtype, options):
    history = network(dtype=dtype).train(X, Y, epochs=1, **options)
    assert len(history.loss) == 1


OF_REACH = [
    ("sigmoid", 0.0, 1.0), ("tanh", -1.0, 1.0), ("relu", 0.0, None), ("softplus", 0.0, None),
    ("exp", 0.0, None), ("elu", -1.0, None), ("identity", None, None), ("leaky_relu", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("output", "low", "high"), OF_REACH, ids=[o for o, *_ in OF_REACH])
def test_targets_that_no_output_can_reach_are_warned_of(output, low, high):
    def train(*targets):
        net = Network((3, 5, 1), output=output, seed=0)
        return net.train(X, np.array([targets[0], 0.5, 0.5, targets[-1]]), epochs=1, lr=1e-9)

    least, most = -1e3 if low is None else low, 1e3 if high is None else high
    train(least, most)  # a warning would be an error: bounds are within reach
    for bound, beyond in ((low, least - 0.25), (high, most + 0.25)):
        if bound is not None:
            with pytest.warns(UserWarning, match=f"y: found {beyond:g}, and outputs of") as found:
                train(beyond)
            assert found[0].filename == __file__
