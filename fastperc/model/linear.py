"""A linear model as kernels take it: coefficients and memory in one array, the rest in a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..kernels.linear_parts import arguments
from ..kernels.linear_parts.arguments import N_FIELDS, LinearModel
from ..kernels.linear_single import room
from .layout import aligned_zeros


class Linear:
    """A linear model and how far its training has come.

    Parameters
    ----------
    n_outputs, n_features : int
    dtype : dtype
        float32 or float64, of coefficients and memory.
    options : mapping of str to float
        Fields of `arguments.RECORD` that say how the model is trained.

    Attributes
    ----------
    theta : ndarray of shape (1 + n_vectors, n_outputs, n_features)
    state : ndarray of float64
        See `kernels.linear_single`.
    """

    def __init__(
        self, n_outputs: int, n_features: int, dtype: np.dtype, options: Mapping[str, float]
    ):
        self.state = np.zeros(N_FIELDS + room(n_outputs))
        self.record = arguments.as_record(self.state)
        for name, value in options.items():
            self.record[name] = value
        fresh = {"n_outputs": n_outputs, "n_features": n_features, "t": 1, "scale": 1}
        for name, value in {**fresh, "average_b": 1, "eta": self.record["eta0"]}.items():
            self.record[name] = value
        vectors = 1 + arguments.n_vectors(
            int(self.record["rule"]), float(self.record["l1"]), int(self.record["average_from"])
        )
        flat = aligned_zeros(vectors * n_outputs * n_features, dtype)
        self.theta = flat.reshape(vectors, n_outputs, n_features)
        self.class_weight[:] = 1.0

    # --- parts -----------------------------------------------------------------------------------

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return self.theta.shape[1]

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self.theta.shape[2]

    @property
    def coef(self) -> np.ndarray:
        """The coefficients, to be multiplied by the scale; see `settle`."""
        return self.theta[0]

    @property
    def memory(self) -> np.ndarray:
        """What else there is per coefficient."""
        return self.theta[1:]

    @property
    def intercept(self) -> np.ndarray:
        """The intercepts, float64 of shape (n_outputs,)."""
        return self._behind(0, self.n_outputs)

    @property
    def second_intercept(self) -> np.ndarray:
        """The intercepts' averages, or what AdaGrad and FTRL remember of them."""
        return self._behind(self.n_outputs, self.n_outputs)

    @property
    def scores(self) -> np.ndarray:
        """Room for scores and steps, float64 of shape (2 * n_outputs,)."""
        return self._behind(2 * self.n_outputs, 2 * self.n_outputs)

    @property
    def class_weight(self) -> np.ndarray:
        """What rows of each class count for, when they are learned one at a time."""
        return self._behind(4 * self.n_outputs, self.n_outputs + 1)

    def _behind(self, start: int, n: int) -> np.ndarray:
        return self.state[N_FIELDS + start : N_FIELDS + start + n]

    def arguments(self) -> LinearModel:
        """Return the model as `kernels.linear.train_linear` takes it."""
        return LinearModel(self.coef, self.memory, self.state)

    def identity(self) -> dict[str, object]:
        """Return what steps depend on, but for what they change: sizes and options."""
        options = {name: float(self.record[name]) for name in arguments.CHOSEN}
        coefficients = {"shape": [*self.theta.shape], "dtype": self.theta.dtype.name}
        return {"coefficients": coefficients, "parameters": options}

    # --- averages --------------------------------------------------------------------------------

    @property
    def averages(self) -> bool:
        """Whether the average over the steps stands for the model by now."""
        return 0 < self.record["average_from"] <= self.record["t"] - 1

    def settle(self) -> None:
        """Multiply the scale out, and bring the average up to date: nothing is pending then."""
        record = self.record
        a, b, scale = (float(record[name]) for name in ("average_a", "average_b", "scale"))
        if record["average_from"] > 0 and (a != 0 or b != 1):
            average = self.theta[1]
            average += average.dtype.type(a) * self.coef
            average *= average.dtype.type(1 / b)
            record["average_a"], record["average_b"] = 0.0, 1.0
        if scale != 1:
            self.coef[:] *= self.theta.dtype.type(scale)
            record["scale"] = 1.0

    def learned(self) -> tuple[np.ndarray, np.ndarray]:
        """Return coefficients and intercepts that predict, as views: averages where there are."""
        self.settle()
        if self.averages:
            return self.theta[1], self.second_intercept
        return self.coef, self.intercept

    def current(self) -> tuple[np.ndarray, np.ndarray]:
        """Return copies of what `learned` returns; training goes on from the same bits."""
        record, number = self.record, self.theta.dtype.type
        if self.averages:
            a, b = number(record["average_a"]), number(record["average_b"])
            return (self.theta[1] + a * self.coef) / b, self.second_intercept.copy()
        return number(record["scale"]) * self.coef, self.intercept.copy()

    # --- beginnings and ends ---------------------------------------------------------------------

    def begin(self, *, tracks_loss: bool) -> None:
        """Prepare for a call of training: nothing pending, no L1 owed, sums at 0."""
        self.settle()
        record = self.record
        for name in ("owed", "loss_sum", "penalty_sum", "mistakes", "updates", "strange"):
            record[name] = 0.0
        record["tracks_loss"] = tracks_loss
        record["eta"] = record["eta0"]
        if record["rule"] == arguments.SCALED and record["l1"] > 0:
            self.theta[-1] = 0.0
        self.measure()

    def begin_from_given(self) -> None:
        """Prepare what a rule remembers for coefficients that were given."""
        record = self.record
        if record["rule"] == arguments.FTRL:  # whose coefficients follow from z
            rate = record["l2"] + record["beta"] / record["eta0"]
            self.theta[-2] = -self.coef * rate - np.sign(self.coef) * record["l1"]

    def with_options(self, options: Mapping[str, float]) -> Linear:
        """Return a copy that is trained in another way, and remembers what is of use there."""
        self.settle()
        other = Linear(self.n_outputs, self.n_features, self.theta.dtype, options)
        old, new = self.record, other.record
        other.record["t"] = old["t"]
        other.coef[:], other.intercept[:] = self.coef, self.intercept
        other.class_weight[:] = self.class_weight
        if old["rule"] == new["rule"]:
            other.second_intercept[:] = self.second_intercept
            if old["average_from"] > 0 and new["average_from"] > 0:
                other.theta[1] = self.theta[1]
            if new["rule"] != arguments.SCALED:
                other.memory[:] = self.memory
        else:
            other.begin_from_given()
        return other

    def measure(self) -> None:
        """Compute the sums of squares and of absolute values of the coefficients afresh."""
        record, flat = self.record, self.coef.ravel().astype(np.float64, copy=False)
        scale = float(record["scale"])
        record["squares"] = record["squares_now"] = scale * scale * float(flat @ flat)
        record["absolutes"] = record["absolutes_now"] = scale * float(np.abs(flat).sum())

    # --- others of its kind ----------------------------------------------------------------------

    def copy(self) -> Linear:
        """Return a model of its own with the same numbers."""
        other = object.__new__(Linear)
        other.state = self.state.copy()
        other.record = arguments.as_record(other.state)
        other.theta = aligned_zeros(self.theta.size, self.theta.dtype).reshape(self.theta.shape)
        other.theta[:] = self.theta
        return other

    def output(self, k: int) -> Linear:
        """Return a model of one output, with the numbers of this one's output k."""
        options = {name: float(self.record[name]) for name in arguments.CHOSEN}
        other = Linear(1, self.n_features, self.theta.dtype, options)
        other.record["t"] = self.record["t"]
        other.theta[:, 0] = self.theta[:, k]
        other.intercept[0], other.second_intercept[0] = self.intercept[k], self.second_intercept[k]
        return other

    def put(self, k: int, other: Linear) -> None:
        """Take the numbers of a model of one output for output k."""
        other.settle()
        self.theta[:, k] = other.theta[:, 0]
        self.intercept[k], self.second_intercept[k] = other.intercept[0], other.second_intercept[0]

    def rearranged(self, outputs: Sequence[tuple[int, int] | None], n_features: int) -> Linear:
        """Return a model made of this one's outputs.

        Parameters
        ----------
        outputs : sequence of (int, {1, -1}) or None
            What each output of the new model is: one of this one's, or its opposite; None: nothing
            is known of it yet.
        n_features : int
            As many as here or more; of those beyond, nothing is known.
        """
        fields = {name: float(self.record[name]) for name in arguments.CHOSEN}
        other = Linear(len(outputs), n_features, self.theta.dtype, fields)
        for name in arguments.REACHED:
            other.record[name] = self.record[name]
        signed, signed_second = self._is_signed()
        for new, source in enumerate(outputs):
            if source is None:
                continue
            old, sign = source
            factors = np.where(signed, sign, 1).astype(self.theta.dtype)
            other.theta[:, new, : self.n_features] = self.theta[:, old] * factors[:, None]
            other.intercept[new] = sign * self.intercept[old]
            second = self.second_intercept[old]
            other.second_intercept[new] = sign * second if signed_second else second
        other.measure()
        return other

    def _is_signed(self) -> tuple[np.ndarray, bool]:
        """Return of which vectors of theta, and whether of the second intercept, the sign counts.

        Not of sums of squared gradients.
        """
        signed = np.ones(len(self.theta), bool)
        proximal = self.record["rule"] != arguments.SCALED
        if proximal:
            signed[-1] = False
        return signed, not proximal

    def __getstate__(self) -> tuple[np.ndarray, np.ndarray]:
        return self.state, self.theta

    def __setstate__(self, state: tuple[np.ndarray, np.ndarray]) -> None:
        self.state, self.theta = state
        self.record = arguments.as_record(self.state)
