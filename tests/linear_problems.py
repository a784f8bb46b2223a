"""Small linear models and rows for them, as kernels take them: what the tests of both share."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

from fastperc.kernels.linear_parts.arguments import (
    ADAGRAD,
    CONSTANT,
    FTRL,
    HINGE,
    LOG_LOSS,
    N_FIELDS,
    PA1,
    SCALED,
    SOFTMAX,
    SQUARED_ERROR,
    LinearModel,
    LinearSamples,
    as_record,
    n_vectors,
)

SETTINGS = {
    "fits_intercept": 1, "intercept_decay": 1.0, "eta0": 0.1, "power_t": 0.3, "t0": 20.0,
    "alpha": 0.05, "epsilon": 0.3, "beta": 0.5, "eta": 0.1, "t": 1.0, "scale": 1.0,
    "average_b": 1.0, "tracks_loss": 1,
}  # fmt: skip


def new_model(n_outputs, n_features, dtype=np.float64, coef=None, **settings):
    """Make a model whose record holds `SETTINGS` and what is given, and sums of ``coef``."""
    state = np.zeros(N_FIELDS + 2 * n_outputs)
    record = as_record(state)
    given = SETTINGS | {"n_features": n_features, "n_outputs": n_outputs} | settings
    for name, value in given.items():
        record[name] = value
    record["penalty"] = record["l1"] + record["l2"]
    record["l1_ratio"] = record["l1"] / (record["penalty"] or 1)
    shape = (n_outputs, n_features)
    coef = np.zeros(shape, dtype) if coef is None else np.array(coef, dtype).reshape(shape)
    record["squares"] = record["squares_now"] = (coef.astype(float) ** 2).sum()
    record["absolutes"] = record["absolutes_now"] = np.abs(coef.astype(float)).sum()
    n = n_vectors(int(record["rule"]), record["l1"], record["average_from"])
    return LinearModel(coef, np.zeros((n, *shape), dtype), state)


def new_samples(X, y, weight=(), class_weight=(), order=(), columns=np.int32):
    """Make samples of dense rows, or of rows in CSR form whose columns are of the given dtype."""
    dtype = X.dtype
    none = np.empty(0, columns)
    values, names, starts = X, none, none
    if not isinstance(X, np.ndarray):
        values, names, starts = X.data, X.indices.astype(columns), X.indptr.astype(columns)
    return LinearSamples(
        np.ascontiguousarray(values), names, starts, np.asarray(y, dtype),
        np.asarray(weight, dtype), np.asarray(class_weight, float), np.asarray(order, np.int32),
    )  # fmt: skip


def copy_of(model, dtype=None):
    """Copy a model; its coefficients get the dtype."""
    dtype = dtype or model.coef.dtype
    return LinearModel(model.coef.astype(dtype), model.memory.astype(dtype), model.state.copy())


def run(train, samples, model, n_steps, cuts=()):
    """Take all steps, in one call or in several; return the trained copy, and scores."""
    model, n = copy_of(model), len(model.coef)
    outputs = np.full((n_steps, n), np.nan)
    bounds = [0, *cuts, n_steps]
    for first, last in pairwise(bounds):
        train(samples, model, first, last, np.full(2 * n, np.nan), outputs[first:last])
    return model, outputs


def weights_of(model):
    """Return coefficients w, scale multiplied out; (n_outputs, n_features)."""
    return as_record(model.state)["scale"] * model.coef.astype(float)


def close(found, expected, tolerance, name=""):
    """Compare, relative to the largest number that is expected, at least 1."""
    atol = tolerance * max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol, err_msg=name)


def intercepts_of(model):
    return model.state[N_FIELDS : N_FIELDS + len(model.coef)]


def averages_of(model):
    """Return the averages of the coefficients and of the intercepts."""
    record = as_record(model.state)
    total = model.memory[0] + record["average_a"] * model.coef.astype(float)
    return total / record["average_b"], model.state[N_FIELDS + len(model.coef) :]


@dataclass
class Problem:
    """Rows, and how a model shall learn from them."""

    loss: int = HINGE
    rule: int = SCALED
    schedule: int = CONSTANT
    penalty: str = "none"
    n_outputs: int = 1
    average_from: int = 0
    weighted: bool = False
    n: int = 13
    m: int = 9
    epochs: int = 2
    dtype: type = np.float64
    columns: type | None = None  # of rows in CSR form
    settings: tuple = ()

    def but(self, **changes):
        return replace(self, **changes)

    def rows(self):
        """Return X: many zeros, a row and a column of zeros; dense also where CSR is asked for."""
        rng = np.random.default_rng([self.n, self.m])
        X = rng.normal(size=(self.n, self.m)) * (rng.uniform(size=(self.n, self.m)) < 0.6)
        X[self.n // 2] = 0
        X[:, self.m // 3] *= self.m < 3
        return X.astype(self.dtype)

    def targets(self, X):
        rng = np.random.default_rng(5)
        Z = X @ rng.normal(size=(self.m, self.n_outputs)) + rng.normal(size=(self.n, 1)) / 2
        if self.n_outputs > 1:
            return Z.argmax(axis=1)
        z = Z[:, 0]
        return z if self.loss > LOG_LOSS else np.where(z > 0, 1, 0 if self.loss == LOG_LOSS else -1)

    def order(self):
        """Return rows in random order, some twice and some never."""
        return np.random.default_rng(7).integers(0, self.n, self.n * self.epochs)

    def samples(self):
        X, rng = self.rows(), np.random.default_rng(6)
        y = self.targets(X)
        weight = rng.uniform(0, 2, self.n).round(1) if self.weighted else ()
        own = rng.uniform(0.5, 2, self.n_outputs) if self.weighted and self.n_outputs > 1 else ()
        rows = X if self.columns is None else self.in_csr_form(X)
        return new_samples(rows, y, weight, own, self.order(), self.columns or np.int32)

    def in_csr_form(self, X):
        """Return X in CSR form; some of what is stored is 0, and columns are in any order."""
        rng = np.random.default_rng(8)
        stored = (X != 0) | (rng.uniform(size=X.shape) < 0.1)
        stored[self.n // 2] = False
        parts = [rng.permutation(np.flatnonzero(row)) for row in stored]
        starts = np.cumsum([0, *map(len, parts)])
        values = np.concatenate([X[i, part] for i, part in enumerate(parts)])
        return csr_array((values, np.concatenate(parts), starts), shape=X.shape)

    def model(self):
        amounts = {"none": (0, 0), "l2": (0.05, 0), "l1": (0, 0.03), "elasticnet": (0.04, 0.02)}
        l2, l1 = amounts[self.penalty]
        coef = np.random.default_rng(9).normal(size=(self.n_outputs, self.m)) / 4
        chosen = {
            "loss": self.loss, "rule": self.rule, "schedule": self.schedule, "l2": l2, "l1": l1,
            "average_from": self.average_from,
        } | dict(self.settings)  # fmt: skip
        if self.rule == FTRL:
            coef *= 0  # its z is 0
        model = new_model(self.n_outputs, self.m, self.dtype, coef, **chosen)
        # intercepts that differ, else those of classes tie but for rounding on rows of zeros
        intercepts_of(model)[:] = np.random.default_rng(10).normal(size=self.n_outputs) / 4
        return model


# One of each way through the kernels.
EXAMPLES = {
    "one output": Problem(loss=LOG_LOSS, penalty="l2"),  # knows sums ahead of their use
    "averages": Problem(loss=LOG_LOSS, average_from=4, penalty="elasticnet"),
    "classes": Problem(loss=HINGE, n_outputs=3, average_from=9, weighted=True),
    "adagrad": Problem(loss=SQUARED_ERROR, rule=ADAGRAD, penalty="l1"),
    "ftrl": Problem(loss=SOFTMAX, n_outputs=3, rule=FTRL, penalty="elasticnet"),
    "a row without a step": Problem(schedule=PA1, penalty="l2"),
}

# Of rows: dtypes of columns. A matrix with more than 2**31 stored values has long ones.
FORMS = {"dense": None, "int32": np.int32}
ALL_FORMS = {**FORMS, "int64": np.int64}
