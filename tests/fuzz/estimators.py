"""Sequences of calls to the estimators, beside scikit-learn's.

``python -m tests.fuzz.estimators --seed 0 --count 2000``

After each call the model has one meaning: what `predict`, `predict_one`, a pickle, and NumPy's
forward pass of ``coefs_`` and ``intercepts_`` say. Where scikit-learn is right, it says the same.
"""

import copy
import pickle
import warnings

import numpy as np
from sklearn import neural_network as theirs
from sklearn.base import clone

import fastperc as ours

from . import configurations, oracle, running
from .judging import Disagreement, require, require_same

RTOL = {"float64": 1e-6, "float32": 2e-4}

# Where scikit-learn is not asked, and why. Its model is left alone from then on, until a `fit` that
# begins anew.
NOT_ASKED = {
    "warm_start with early_stopping": "its best weights are the very arrays that go on being "
    "trained, and a score of other data may never be beaten",
    "float32": "rounding grows from step to step; our own arithmetic is compared with itself",
    "lbfgs": "each line search depends on the last bits of the one before",
    "another activation": "it predicts at once with what no weights were trained for",
    "learn_one with 'adaptive'": "it counts a row as an epoch that brought nothing; one says "
    "nothing on progress",
    "refused calls": "it forgets or replaces what it had",
}


class Sequence:
    """The two models of a configuration, and what was done to them."""

    def __init__(self, c):
        self.c, self.rng = c, np.random.default_rng([c.seed, 31])
        name = "MLPRegressor" if c.kind == "regression" else "MLPClassifier"
        self.ours = getattr(ours, name)(**c.options)
        self.theirs = getattr(theirs, name)(**c.options)
        self.rows = c.X.toarray() if hasattr(c.X, "toarray") else c.X
        self.activations = {c.options["activation"]}  # that the weights may have been trained for
        self.is_fitted = self.has_learned_one = self.has_diverged_from_theirs = False
        o = c.options
        self.is_comparable = not (
            o["solver"] == "lbfgs" or c.X.dtype == np.float32
            or (o["warm_start"] and o["early_stopping"])
        )  # fmt: skip

    # --- calls --------------------------------------------------------------------------------

    def fit(self):
        c = self.c
        weight = () if c.weight is None else (c.weight,)
        is_new = not (self.is_fitted and self.ours.warm_start)
        self.ours.fit(c.X, c.y, *weight)
        if is_new:
            self.has_diverged_from_theirs = self.has_learned_one = False
        self.activations = {self.ours.activation}
        self._theirs(lambda model: model.fit(c.X, c.y, *weight))
        self.is_fitted = True

    def partial_fit(self, most=20):
        c = self.c
        if self.ours.solver == "lbfgs" or self.ours.early_stopping:
            return
        rows = self.rng.integers(0, len(c.y), self.rng.integers(1, most))
        kwargs = {} if c.weight is None else {"sample_weight": c.weight[rows]}
        if c.kind != "regression":
            kwargs["classes"] = np.arange(3) if c.kind == "multilabel" else np.unique(c.y)
        if self.ours.warm_start and c.kind != "regression":
            rows = np.arange(len(c.y))  # which then have to hold every class
            kwargs.pop("sample_weight", None)
        self.ours.partial_fit(c.X[rows], c.y[rows], **kwargs)
        self.activations = {self.ours.activation}
        self._theirs(lambda model: model.partial_fit(c.X[rows], c.y[rows], **kwargs))
        self.is_fitted = True

    def learn_one(self):
        c = self.c
        if not self.is_fitted or self.ours.solver == "lbfgs" or self.ours.early_stopping:
            return
        i = int(self.rng.integers(len(c.y)))
        self.ours.learn_one(self.rows[i], c.y[i])
        self.has_learned_one = True
        if self.ours.learning_rate == "adaptive" or self.ours.warm_start:
            self.has_diverged_from_theirs = True
        self._theirs(lambda model: model.partial_fit(self.rows[i : i + 1], c.y[i : i + 1]))

    def set_number(self):
        name, values = [
            ("alpha", [0.0, 0.01, 1.0]), ("learning_rate_init", [1e-3, 5e-3]), ("max_iter", [2, 4]),
            ("tol", [1e-4, 0.05]), ("momentum", [0.1, 0.8]), ("shuffle", [True, False]),
        ][self.rng.integers(6)]  # fmt: skip
        value = values[self.rng.integers(len(values))]
        self.ours.set_params(**{name: value})
        self.theirs.set_params(**{name: value})

    def set_activation(self):
        new = str(self.rng.choice(["identity", "logistic", "tanh", "relu"]))
        self.ours.set_params(activation=new)
        self.theirs.set_params(activation=new)
        self.activations.add(new)
        if len(self.activations) > 1 and self.is_fitted:
            self.has_diverged_from_theirs = True

    def pickle(self):
        self.ours, self.theirs = pickle.loads(pickle.dumps((self.ours, self.theirs)))

    def deepcopy(self):
        self.ours, self.theirs = copy.deepcopy((self.ours, self.theirs))

    def clone(self):
        require(not hasattr(clone(self.ours), "coefs_"), "a clone is fitted")

    def assign(self):
        """Other arrays of the same shapes."""
        if self.is_fitted:
            arrays = [W * 0.9 for W in self.ours.coefs_], [b + 0.01 for b in self.ours.intercepts_]
            self.ours.coefs_, self.ours.intercepts_ = arrays
            self._theirs(
                lambda m: vars(m).update(copy.deepcopy(dict(zip(NAMES, arrays, strict=True))))
            )

    def write(self):
        """Into the arrays, item by item."""
        if self.is_fitted:
            for W in self.ours.coefs_:
                W[0, 0] += 0.125

            def change(model):
                for W in model.coefs_:
                    W[0, 0] += 0.125

            self._theirs(change)

    def misshape(self):
        """Arrays that do not fit: refused at once, or by whatever comes next."""
        if not self.is_fitted:
            return
        model = copy.deepcopy(self.ours)
        W, b = [a.copy() for a in model.coefs_], [a.copy() for a in model.intercepts_]
        layer = int(self.rng.integers(len(W)))
        wrong = self.rng.integers(4)
        if wrong == 0:
            W[0] = np.concatenate([W[0], np.ones((9, W[0].shape[1]))])
        elif wrong == 1:
            W[layer] = np.ones((W[layer].shape[0] + 1, W[layer].shape[1] + 1))
        elif wrong == 2:
            b[layer] = np.ones(len(b[layer]) + 7)
        else:
            W, b = W[:-1], b[:-1]
            if not W or W[-1].shape[1] == self.ours.n_outputs_:
                return  # one layer less is a network, too
        calls = [lambda: model.predict(self.c.X), lambda: model.predict_one(self.rows[0])]
        if self.ours.solver != "lbfgs" and not self.ours.early_stopping:
            calls.append(lambda: model.learn_one(self.rows[0], self.c.y[0]))
        for call in calls:
            try:
                model.coefs_, model.intercepts_ = W, b
                call()
            except (ValueError, IndexError):
                continue
            raise Disagreement(f"weights of wrong shape (kind {wrong}) were taken")

    def refuse(self):
        """A call that must be refused leaves everything as it was."""
        c, model = self.c, self.ours
        before = {k: copy.deepcopy(v) for k, v in model.__getstate__().items()}
        short = c.X[:, :-1] if c.X.shape[1] > 1 else c.X
        holes = self.rows.copy()
        holes[0, 0] = np.nan
        others = c.y[::-1] if c.kind == "regression" else c.y
        refusals = [
            lambda: model.fit(short, others, np.ones(3)),
            lambda: model.fit(holes, others),
            lambda: model.fit(c.X, c.y[:-1]),
        ]
        if c.kind in ("binary", "classes"):
            more = np.where(
                np.arange(len(c.y)) % 2, c.y, "zelkova" if c.y.dtype.kind == "U" else 99
            )
            refusals.append(lambda: model.fit(c.X, more, np.ones(3)))
        if self.is_fitted and model.solver != "lbfgs":
            refusals.append(lambda: model.partial_fit(self.rows[:1, :0], c.y[:1]))
            refusals.append(lambda: model.learn_one([0.0] * (c.X.shape[1] + 1), c.y[0]))
        for k, refusal in enumerate(refusals):
            try:
                refusal()
            except ValueError:
                after = model.__getstate__()
                changed = [n for n in {**before, **after} if not alike(before.get(n), after.get(n))]
                require(set(changed) <= {"_random_state"}, f"refusal {k} changed {changed}")
            else:
                raise Disagreement(f"call {k} was not refused")

    def _theirs(self, act):
        if self.is_comparable and not self.has_diverged_from_theirs:
            act(self.theirs)

    # --- what has to hold after each call -----------------------------------------------------

    def check(self):
        if not self.is_fitted:
            return
        out, said = self._out(self.ours), self.ours.predict(self.c.X)
        again = pickle.loads(pickle.dumps(self.ours))
        require_same(self._out(again), out, "a pickle's outputs")
        require_same(again.predict(self.c.X), said, "a pickle's predictions")
        for row in range(3):
            one = np.asarray(self.ours.predict_one(self.rows[row]))
            if self.c.kind == "regression":
                self._near(one, said[row], "predict_one")
            elif np.abs(out[row] - 0.5).min() > 1e-6:
                require_same(one, said[row], "predict_one")
        passes = [self._forward(name) for name in self.activations]
        off = min(float(np.abs(p - out).max()) for p in passes)
        tol = 10 * RTOL[str(out.dtype)] * (1 + float(np.abs(out).max()))
        require(off <= tol, f"predict is off by {off:.3g} from NumPy's pass of coefs_")
        if self.is_comparable and not self.has_diverged_from_theirs:
            self._compare()

    def _out(self, model):
        if self.c.kind == "regression":
            out = model.predict(self.c.X)
            return out.reshape(len(out), -1)
        return model.predict_proba(self.c.X)

    def _forward(self, activation):
        a = np.asarray(self.rows, np.float64)
        for W, b in zip(self.ours.coefs_[:-1], self.ours.intercepts_[:-1], strict=True):
            a = oracle.FUNCTIONS[activation](a @ W + b)
        a = a @ self.ours.coefs_[-1] + self.ours.intercepts_[-1]
        a = oracle.FUNCTIONS[self.ours.out_activation_](a)
        return np.hstack([1 - a, a]) if self.c.kind == "binary" else a

    def _compare(self):
        for name in NAMES:
            for mine, yours in zip(
                getattr(self.ours, name), getattr(self.theirs, name), strict=True
            ):
                self._near(mine, yours, name)
        self._near(self._out(self.ours), self._out(self.theirs), "outputs beside scikit-learn's")
        if not self.has_learned_one:
            for name in ("loss_curve_", "n_iter_", "t_", "best_loss_", "validation_scores_"):
                mine, yours = getattr(self.ours, name), getattr(self.theirs, name)
                if yours is not None:
                    self._near(mine, yours, name)

    def _near(self, found, expected, what):
        rtol = RTOL[str(self.ours.coefs_[0].dtype)]
        found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
        require(found.shape == expected.shape, f"{what}: shape {found.shape}, not {expected.shape}")
        if not np.allclose(
            found, expected, rtol, rtol * max(1e-3, np.abs(expected).max(initial=0))
        ):
            raise Disagreement(f"{what}: off by {np.abs(found - expected).max():.3g}")


NAMES = ("coefs_", "intercepts_")


def alike(a, b):
    """Whether two attributes hold the same."""
    if isinstance(a, np.random.RandomState):
        return True
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return type(a) is type(b) and np.array_equal(a, b)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(alike, a, b))
    if hasattr(a, "__dict__") and not isinstance(a, type) and not callable(a):
        mine, others = vars(a), vars(b)
        return (
            type(a) is type(b)
            and mine.keys() == others.keys()
            and all(alike(mine[name], others[name]) for name in mine)
        )
    return a is b or a == b


def run(seed):
    """A sequence of calls, and what has to hold after each; raises where it does not."""
    c = configurations.draw(seed)
    done = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sequence = Sequence(c)
            for call in c.calls:
                done.append(call)
                getattr(sequence, call)()
                sequence.check()
    except Exception as error:
        what = f"{type(error).__name__}: {error} [after {done}; {c}]"
        raise Disagreement(what) from error


if __name__ == "__main__":
    running.main("estimators", run)
