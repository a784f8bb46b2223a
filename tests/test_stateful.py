"""Whatever is done to a model, and in whatever order, it has one meaning.

``predict`` = ``predict_one`` = saved and loaded = pickled = copied = NumPy's forward pass of the
weights that can be seen; and what is refused changes nothing.
"""

import contextlib
import copy
import pickle
import tempfile
from pathlib import Path

import numba
import numpy as np
import pytest
from fuzz import oracle
from fuzz.judging import SHAKE, require_close
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fastperc import DivergedError, MLPClassifier, MLPRegressor, Network
from networks import HEADS, OPTIMIZERS

pytestmark = [
    pytest.mark.skipif(numba.config.DISABLE_JIT, reason="the compiler is off: NUMBA_DISABLE_JIT=1"),
    pytest.mark.filterwarnings("ignore"),
]

SEEDS = st.integers(0, 2**16)
OPTIONS = st.fixed_dictionaries(
    {"epochs": st.integers(1, 4), "lr": st.sampled_from([1e-3, 1e-2, 1e6])},
    optional={
        "batch_size": st.sampled_from([2, 7, 400]),
        "optimizer": st.sampled_from([*OPTIMIZERS, "lbfgs"]),
        "alpha": st.just(0.01),
        "patience": st.integers(1, 2),
        "tol": st.just(0.01),
        "validation": st.just(0.25),
        "threads": st.just(2),
        "time_limit": st.sampled_from([1e-9, 1e-3, 10.0]),
    },
)
WRONG = (
    "shorter", "longer", "empty", "scalar nan", "one nan", "text", "complex", "other sizes", "none"
)  # fmt: skip


def wrong(a, how):
    """What cannot stand in place of the array ``a``."""
    return {
        "shorter": a.ravel()[:-1],
        "longer": np.zeros(a.size + 1000, a.dtype),
        "empty": a.ravel()[:0],
        "scalar nan": np.full(a.shape, np.nan),
        "one nan": np.where(np.arange(a.size).reshape(a.shape) == 0, np.nan, a),
        "text": np.full(a.shape, "x"),
        "complex": a + 1j,
        "other sizes": np.zeros((a.size + 1, 2), a.dtype),
        "none": None,
    }[how]


def in_some_form(a, seed):
    """The same numbers in other dress."""
    strided = np.zeros((2 * len(a), *a.shape[1:]), a.dtype)
    strided[::2] = a
    forms = [a, a.astype("f8"), a.astype(a.dtype.newbyteorder(">")), a.tolist(), strided[::2]]
    return forms[seed % len(forms)]


def forward(X, weights, biases, names):
    a = np.asarray(X, np.float64)
    for W, b, name in zip(weights, biases, names, strict=True):
        a = oracle.FUNCTIONS[name](a @ np.asarray(W, np.float64) + np.asarray(b, np.float64))
    return a


def shaken_forward(net, X):
    """Copies as `require_close` wants them: large weights may cancel, which leaves rounding."""
    rng, ulps = np.random.default_rng(0), SHAKE * float(np.finfo(net.dtype).eps)
    weights = [oracle.copies(W, ulps, rng) for W in net.weights]
    biases = [oracle.copies(b[None], ulps, rng) for b in net.biases]
    return forward(oracle.copies(X, ulps, rng), weights, biases, (*net.hidden, net.output))


# Of a perceptron, whose outputs jump, rounding would have to decide which is right.
SMOOTH = [head for head in HEADS if head[1] != "perceptron"]


class NetworkMachine(RuleBasedStateMachine):
    """`Network`."""

    @initialize(
        seed=SEEDS, head=st.sampled_from(SMOOTH), dtype=st.sampled_from(["float32", "float64"]),
        hidden=st.lists(st.sampled_from([1, 5, 8, 17]), max_size=2),
    )  # fmt: skip
    def begin(self, seed, head, dtype, hidden):
        rng = np.random.default_rng(seed)
        output, loss = head
        sizes = (3, *hidden, 3 if output == "softmax" else int(rng.integers(1, 3)))
        self.net = Network(sizes, output=output, loss=loss, dtype=dtype, seed=seed, hidden="tanh")
        self.X = rng.standard_normal((int(rng.choice([6, 300])), 3)).astype(dtype)
        self.y = self._targets(rng)

    def _targets(self, rng):
        shape = len(self.X), self.net.sizes[-1]
        if self.net.loss_name == "hinge":
            self.signs = [-1, 1] if rng.random() < 0.5 else [0, 1]
            y = rng.choice(self.signs, shape)
            y[:4] = self.signs[0]
            return y
        if self.net.loss_name == "cross_entropy":
            return rng.integers(0, 3, len(self.X))
        return rng.integers(0, 2, shape).astype(float)

    def unchanged(self, call, errors=(TypeError, ValueError, AttributeError, IndexError)):
        before = self.net.theta.copy(), pickle.dumps(self.net.history), self.net.labels
        with pytest.raises(errors):
            call()
        assert np.array_equal(self.net.theta, before[0])
        assert (pickle.dumps(self.net.history), self.net.labels) == before[1:]

    @rule(options=OPTIONS)
    def train(self, options):
        with contextlib.suppress(DivergedError):
            self.net.train(self.X, self.y, **options)
        history = self.net.history
        assert len(history.loss) <= options["epochs"]
        if "validation" in options:
            assert len(history.validation_loss) == len(history.loss)

    @rule(options=OPTIONS, how=st.sampled_from(["interrupt", "error", "stop", "nan", "nested"]))
    def train_with_a_callback(self, options, how):
        outer = []

        def callback(epoch, history):
            outer.append(history)
            if how == "interrupt":
                raise KeyboardInterrupt
            if how == "error":
                raise RuntimeError
            if how == "nan":
                self.net.theta[0] = np.nan
            if how == "nested":
                self.net.train(self.X, self.y, epochs=1, lr=1e-3)
            return np.bool_(how == "stop")

        result = None
        with contextlib.suppress(DivergedError, KeyboardInterrupt, RuntimeError, ValueError):
            result = self.net.train(self.X, self.y, **{**options, "callback": callback})
        if outer and result is not None:
            assert result is outer[0]
        if outer and how == "stop":
            assert len(outer) == 1

    @rule(row=st.integers(0, 5), lr=st.sampled_from([None, 1e-3, 1e30]))
    def learn_one(self, row, lr):
        with contextlib.suppress(DivergedError):
            self.net.learn_one(self.X[row], self.y[row], lr=lr)

    @rule(factor=st.sampled_from([0.5, 0.9]), seed=SEEDS)
    def assign_theta(self, factor, seed):
        expected = (factor * self.net.theta).astype(self.net.dtype)
        self.net.theta = in_some_form(expected, seed)
        assert np.array_equal(self.net.theta, expected)

    @rule(seed=SEEDS)
    def assign_an_array(self, seed):
        arrays = self.net.weights if seed % 2 else self.net.biases
        k = seed % len(arrays)
        expected = (0.5 * arrays[k]).astype(self.net.dtype)
        with contextlib.suppress(TypeError):  # an item may be refused; if not, it is copied in
            arrays[k] = in_some_form(expected, seed)
            assert np.array_equal((self.net.weights if seed % 2 else self.net.biases)[k], expected)

    @rule(seed=SEEDS)
    def write_into_an_array(self, seed):
        part = (self.net.weights if seed % 2 else self.net.biases)[-1]
        part[..., 0] += 0.25
        self.net.theta[0] *= 0.5

    @rule(how=st.sampled_from(WRONG), k=st.integers(0, 3))
    def assign_what_does_not_fit(self, how, k):
        net = self.net
        self.unchanged(lambda: setattr(net, "theta", wrong(net.theta, how)))
        self.unchanged(lambda: setattr(net, "weights", wrong(net.weights[0], how)))

        def item(arrays):
            k_th = k % len(arrays)
            arrays[k_th] = wrong(arrays[k_th], how)

        self.unchanged(lambda: item(net.weights))
        self.unchanged(lambda: item(net.biases))

    @rule()
    def assign_another_networks_arrays(self):
        other = Network(self.net.sizes, dtype=self.net.dtype, seed=1)
        self.net.theta = other.theta
        other.theta[:] = 7.0
        assert not (self.net.theta == 7.0).any()
        wider = Network((3, 40, self.net.sizes[-1]), dtype=self.net.dtype)
        self.unchanged(lambda: setattr(self.net, "theta", wider.theta))

    @rule(k=st.integers(0, 6))
    def call_what_is_refused(self, k):
        net, X, y = self.net, self.X, self.y
        holes = np.where(np.arange(X.size).reshape(X.shape) == 3, np.nan, X)
        self.unchanged(
            [
                lambda: net.train(X[:, :2], y),
                lambda: net.train(holes, y),
                lambda: net.train(X, y[:-1]),
                lambda: net.train(X, y, optimizer="lbfgs", l1=0.1),
                lambda: net.train(X, y, lr=10**400),
                lambda: net.learn_one(holes[1], y[1]),
                lambda: net.predict_one([0.0, 0.0, 10**400]),
            ][k]
        )

    @rule()
    def save_and_load(self):
        with tempfile.TemporaryDirectory() as folder:
            self.net.save(Path(folder) / "net")
            self.net = Network.load(Path(folder) / "net")

    @invariant()
    def one_meaning(self):
        net = getattr(self, "net", None)
        if net is None:
            return
        assert np.isfinite(net.theta).all()
        out = net.forward(self.X)
        expected = shaken_forward(net, self.X)
        require_close(out, expected, str(net.dtype), "forward")
        one = np.reshape(net.forward_one(self.X[0]), (1, -1))
        require_close(one, expected[:, :1], str(net.dtype), "forward_one")
        with tempfile.TemporaryDirectory() as folder:
            net.save(Path(folder) / "net")
            twins = [
                Network.load(Path(folder) / "net"),
                net.copy(),
                pickle.loads(pickle.dumps(net)),
            ]
        for twin in twins:
            assert np.array_equal(twin.predict(self.X), net.predict(self.X))
            assert np.array_equal(twin.forward(self.X), out)
        if net.loss_name == "hinge" and net.history is not None and net.history.loss:
            assert set(np.unique(net.predict(self.X))) <= set(self.signs)


class EstimatorMachine(RuleBasedStateMachine):
    """`MLPRegressor` and `MLPClassifier`."""

    @initialize(seed=SEEDS, is_regressor=st.booleans(), solver=st.sampled_from(["sgd", "adam"]))
    def begin(self, seed, is_regressor, solver):
        rng = np.random.default_rng(seed)
        self.X = rng.standard_normal((24, 3))
        labels = np.array(["a", "b", "c"][: 2 + seed % 2])
        self.y = self.X.sum(1) if is_regressor else np.resize(labels, 24)
        kind = MLPRegressor if is_regressor else MLPClassifier
        self.model = kind(
            hidden_layer_sizes=(5,), solver=solver, random_state=0, max_iter=3, batch_size=8
        )
        self.model.fit(self.X, self.y)
        self.activations = {"relu"}

    @rule(warm=st.booleans(), stops=st.booleans())
    def fit(self, warm, stops):
        self.model.set_params(warm_start=warm, early_stopping=stops, validation_fraction=0.25)
        self.model.fit(self.X, self.y)
        self.model.set_params(warm_start=False, early_stopping=False)
        self.activations = {self.model.activation}

    @rule(n=st.sampled_from([1, 5, 24]))
    def partial_fit(self, n):
        self.model.partial_fit(self.X[:n], self.y[:n])
        self.activations = {self.model.activation}

    @rule(row=st.integers(0, 23))
    def learn_one(self, row):
        self.model.learn_one(self.X[row], self.y[row])

    @rule(name=st.sampled_from(["identity", "tanh", "relu"]))
    def set_activation(self, name):
        self.model.set_params(activation=name)
        self.activations.add(name)

    @rule(width=st.sampled_from([5, 7]))
    def set_layers_and_fit(self, width):
        self.model.set_params(hidden_layer_sizes=(width,)).fit(self.X, self.y)
        assert self.model.coefs_[0].shape == (3, width)
        self.activations = {self.model.activation}

    @rule(factor=st.sampled_from([0.5, 0.9]), seed=SEEDS)
    def assign(self, factor, seed):
        self.model.coefs_ = [factor * W for W in self.model.coefs_]
        k = seed % 2
        self.model.intercepts_[k] = np.asarray(in_some_form(self.model.intercepts_[k] + 0.1, seed))
        self.model.coefs_[1][0, 0] += 0.5

    @rule(how=st.sampled_from(["shorter", "longer", "empty", "other sizes"]), k=st.integers(0, 1))
    def assign_what_does_not_fit(self, how, k):
        for name in ("coefs_", "intercepts_"):
            calls = [lambda m: m.predict(self.X), lambda m: m.predict_one(self.X[0])]
            calls.append(lambda m: m.partial_fit(self.X, self.y))
            for call in calls:
                model = copy.deepcopy(self.model)
                getattr(model, name)[k] = wrong(getattr(model, name)[k], how)
                with pytest.raises((ValueError, IndexError, TypeError)):
                    call(model)

    @rule(k=st.integers(0, 3))
    def call_what_is_refused(self, k):
        m, X, y, before = self.model, self.X, self.y, self.model.predict(self.X)
        kept = m.n_features_in_, [W.copy() for W in m.coefs_]
        others = np.resize(["x", "y", "z", "u"], len(X)) if y.dtype.kind == "U" else y
        with pytest.raises(ValueError, match=r"\w"):
            [
                lambda: m.fit(X[:, :2], others, np.ones(3)),
                lambda: m.fit(X, others, np.ones(3)),
                lambda: m.partial_fit(X[:, :2], y),
                lambda: m.learn_one(X[0, :2], y[0]),
            ][k]()
        assert np.array_equal(m.predict(X), before)
        assert m.n_features_in_ == kept[0]
        assert all(map(np.array_equal, m.coefs_, kept[1]))

    @rule()
    def interrupt(self):
        def callback(epoch, model):
            raise KeyboardInterrupt

        self.model.set_params(callback=callback)
        with contextlib.suppress(KeyboardInterrupt):
            self.model.fit(self.X, self.y)
        self.model.set_params(callback=None)
        self.activations = {self.model.activation}

    @rule()
    def time_limit(self):
        self.model.set_params(time_limit=1e-9).fit(self.X, self.y).set_params(time_limit=None)
        self.activations = {self.model.activation}

    @precondition(lambda self: hasattr(self, "model"))
    @invariant()
    def one_meaning(self):
        m, X = self.model, self.X
        said = m.predict(X)
        for twin in (pickle.loads(pickle.dumps(m)), copy.deepcopy(m)):
            assert np.array_equal(twin.predict(X), said)
        is_regressor = said.dtype.kind == "f"
        out = said[:, None] if is_regressor else m.predict_proba(X)
        if is_regressor:
            assert m.predict_one(X[0]) == pytest.approx(said[0], abs=1e-9)
        elif np.diff(np.sort(out[0]))[-1] > 1e-9:
            assert m.predict_one(X[0]) == said[0]
        passes = [
            forward(X, m.coefs_, m.intercepts_, (name, m.out_activation_))
            for name in self.activations
        ]
        passes = [np.hstack([1 - p, p]) if p.shape != out.shape else p for p in passes]
        assert min(np.abs(p - out).max() for p in passes) < 1e-9 * (1 + np.abs(out).max())


def run(machine, max_examples, stateful_step_count):
    """Judge what is found, never how long it takes: the machine may be busy with something else."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max_examples,
            stateful_step_count=stateful_step_count,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("machine", [NetworkMachine, EstimatorMachine])
def test_one_meaning(machine):
    run(machine, 15, 12)


@pytest.mark.slow
@pytest.mark.parametrize("machine", [NetworkMachine, EstimatorMachine])
def test_one_meaning_at_length(machine):
    run(machine, 100, 40)
