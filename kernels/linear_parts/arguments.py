"""What `linear.train_linear` is called with: rows, coefficients, and one record of numbers.

The record is what a linear model is between two calls: how it is trained and how far it has come.
It lies in a plain float64 array, because a call with few plain arrays costs least; Python reads and
writes it by name through `as_record`, kernels through `simd.records`.
"""

from typing import NamedTuple

import numpy as np

from ..jit import inlined
from ..simd import at, flat, records, view

# Losses; see `losses`. What is in the first group takes targets of -1 and 1, log loss 0 and 1.
HINGE, SQUARED_HINGE, MODIFIED_HUBER, LOG_LOSS = 0, 1, 2, 3
SQUARED_ERROR, HUBER, EPSILON_INSENSITIVE, SQUARED_EPSILON_INSENSITIVE = 4, 5, 6, 7
SOFTMAX = 8  # of all outputs together: multinomial

# Schedules of the learning rate; the last two compute a step from loss and row instead.
CONSTANT, OPTIMAL, INVSCALING, ADAPTIVE, PA1, PA2 = range(6)

# How coefficients move: by a scaled vector, by AdaGrad, by FTRL-proximal.
SCALED, ADAGRAD, FTRL = range(3)

RECORD = np.dtype(
    [
        # what the caller chooses
        ("n_features", np.int64),
        ("n_outputs", np.int64),
        ("loss", np.int64),
        ("schedule", np.int64),
        ("rule", np.int64),
        ("average_from", np.int64),  # number of the step from which on to average; 0: never
        ("tracks_loss", np.int64),  # 0 or 1: whether losses are added up
        ("fits_intercept", np.int64),  # 0 or 1
        ("in_order", np.int64),  # 0 or 1: whether sums run over the features one after the other
        ("intercept_decay", np.float64),  # factor of the intercept's steps
        ("eta0", np.float64),  # learning rate; of PA the aggressiveness; of FTRL its alpha
        ("power_t", np.float64),
        ("t0", np.float64),  # of the schedule OPTIMAL
        ("alpha", np.float64),  # of OPTIMAL
        ("penalty", np.float64),  # factor of the penalties, and
        ("l1_ratio", np.float64),  # the share of L1 among them
        ("l2", np.float64),  # penalty * (1 - l1_ratio), or FTRL's l2
        ("l1", np.float64),  # penalty * l1_ratio, or FTRL's l1
        ("epsilon", np.float64),  # of the epsilon-insensitive losses and Huber's; hinge's threshold
        ("beta", np.float64),  # FTRL's beta, AdaGrad's epsilon
        # how far the model has come
        ("eta", np.float64),  # learning rate of CONSTANT and ADAPTIVE
        ("t", np.float64),  # number of the next step, from 1 on
        ("scale", np.float64),  # w = scale * coef
        ("average_a", np.float64),  # average of w = (average + average_a * coef) / average_b
        ("average_b", np.float64),
        ("owed", np.float64),  # L1 that each coefficient should have paid by now
        # where losses are added up: sum(w**2) and sum(abs(w)), over all outputs, right after the
        # last step that moved w; and as they are by now, L1 paid
        ("squares", np.float64),
        ("absolutes", np.float64),
        ("squares_now", np.float64),
        ("absolutes_now", np.float64),
        # sums over the steps of a call
        ("loss_sum", np.float64),
        ("penalty_sum", np.float64),
        ("mistakes", np.float64),  # rows on the wrong side, or on the boundary
        ("updates", np.float64),  # steps that moved w
        ("strange", np.float64),  # NaN if a score was infinite or NaN, else 0
    ],
    align=True,
)
N_FIELDS = len(RECORD)
# The fields that the caller chooses, apart from the shape.
CHOSEN = RECORD.names[RECORD.names.index("loss") : RECORD.names.index("eta")]
REACHED = RECORD.names[RECORD.names.index("eta") :]


class LinearSamples(NamedTuple):
    """Rows to learn from.

    Attributes
    ----------
    X : array of shape (n, n_features), or (nnz,)
        C-contiguous; of rows in CSR form the stored values.
    columns : int32 or int64 array of shape (nnz,), or (0,)
        The column of each stored value. Dense rows have none.
    starts : array of columns' dtype, of shape (n + 1,) or (0,)
        Row i has the stored values ``starts[i]:starts[i + 1]``.
    y : array of shape (n,)
        The target of each row; with several outputs, the number of its class.
    weight : array of shape (n,) or (0,)
        Factors of the rows' steps.
    class_weight : float64 array of shape (n_outputs,) or (0,)
        With several outputs: factors of the steps on rows of each class. One-versus-rest applies
        them to the output of the row's class only, softmax to all.
    order : int32 array of shape (n_steps,) or (0,)
        Which row each step takes; none: as they come.
    """

    X: np.ndarray
    columns: np.ndarray
    starts: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    class_weight: np.ndarray
    order: np.ndarray


class LinearModel(NamedTuple):
    """A linear model.

    Attributes
    ----------
    coef : array of shape (n_outputs, n_features)
        Coefficients, to be multiplied by ``record.scale``.
    memory : array of shape (n_vectors, n_outputs, n_features)
        What else there is per coefficient: with averages, sums of `average` first; then what a
        rule remembers, or the L1 that each coefficient has paid (see `n_vectors`).
    state : float64 array of shape (N_FIELDS + 2 * n_outputs,)
        The record, then the intercepts, then their averages.
    """

    coef: np.ndarray
    memory: np.ndarray
    state: np.ndarray


def as_record(state):
    """View the beginning of a state as the record that it is."""
    return state[:N_FIELDS].view(RECORD)[0]


def n_vectors(rule, l1, average_from):
    """Count the vectors of ``memory``: averages, and AdaGrad's or FTRL's, or L1's."""
    own = {SCALED: int(l1 > 0), ADAGRAD: 1, FTRL: 2}[rule]
    return own + (average_from > 0)


class LinearParts(NamedTuple):
    """A model as flat views; cut into what kernels read and write."""

    records: np.ndarray  # (1,)
    coef: np.ndarray
    average: np.ndarray  # (0,) where there is none
    first: np.ndarray  # AdaGrad's sums, FTRL's z, or the L1 that was paid; (0,) where there is none
    second: np.ndarray  # FTRL's n; (0,) where there is none
    b: np.ndarray
    second_b: np.ndarray  # the intercepts' averages, or what AdaGrad and FTRL remember of them


@inlined
def flat_model(model):
    """Return the model's parts as flat views."""
    return cut_model(flat(model.coef), flat(model.memory), flat(model.state))


@inlined
def cut_model(coef, memory, state):
    """Cut flat views into the model's parts."""
    record = records(view(state, 0, N_FIELDS), RECORD)
    size, n = coef.shape[0], at(record, 0).n_outputs
    averaged = size if at(record, 0).average_from > 0 else 0
    first = min(size, memory.shape[0] - averaged)
    second = min(size, memory.shape[0] - averaged - first)
    return LinearParts(
        record, coef, view(memory, 0, averaged), view(memory, averaged, first),
        view(memory, averaged + first, second), view(state, N_FIELDS, n),
        view(state, N_FIELDS + n, n),
    )  # fmt: skip


@inlined
def flat_rows(samples):
    """Return the samples with all arrays as `simd.flat` views."""
    return LinearSamples(
        flat(samples.X), flat(samples.columns), flat(samples.starts), flat(samples.y),
        flat(samples.weight), flat(samples.class_weight), flat(samples.order),
    )  # fmt: skip
