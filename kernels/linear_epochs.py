"""Epochs of a linear model: whether one was the last, and many of them in one call.

A model of few rows is trained in microseconds an epoch; what Python does between two would take
longer than that.
"""

import math

import numpy as np

from .call_by_address import call
from .jit import inlined, kernel
from .linear_orders import reorder
from .linear_parts.arguments import ADAPTIVE, N_FIELDS, PA1, RECORD, SCALED
from .predict import all_finite
from .simd import at, flat, records, view

# What `end_epoch` returns.
GOES_ON, OVER, NOT_FINITE = range(3)

STOPPING = np.dtype(
    [
        ("tol", np.float64),  # what counts as better; minus infinity: nothing ends training early
        ("patience", np.float64),  # epochs without anything better
        ("best", np.float64),  # score so far, or objective with its sign changed
        ("stalled", np.float64),  # epochs since then
        ("still", np.float64),  # 1: no step was taken, and none will be in any epoch to come
    ],
    align=True,
)
LEAST_RATE = 1e-6  # below which an adaptive learning rate is not divided any more


@kernel
def end_epoch(model, stopping, n, score):
    """Look at a model after an epoch, as scikit-learn does.

    Parameters
    ----------
    model : LinearModel
        An adaptive learning rate is divided by 5 where training would end otherwise.
    stopping : float64 array of shape (len(STOPPING),)
        Read and written.
    n : int
        Number of rows.
    score : float
        Of samples set aside, the larger the better; NaN: the mean objective decides.

    Returns
    -------
    int
        `GOES_ON`, `OVER` or `NOT_FINITE`.
    """
    return _end_epoch(model, stopping, n, score)


@inlined
def _end_epoch(model, stopping, n, score):
    state = flat(model.state)
    record = at(records(view(state, 0, N_FIELDS), RECORD), 0)
    watch = at(records(flat(stopping), STOPPING), 0)
    if not (all_finite(flat(model.coef)) and all_finite(view(state, N_FIELDS, record.n_outputs))):
        return NOT_FINITE
    stalls = False
    if math.isnan(score):
        objective = record.loss_sum / n
        if record.schedule < PA1:
            objective += record.penalty_sum / n
        stalls = objective > -watch.best - watch.tol
        score = -objective
    else:
        stalls = score < watch.best + watch.tol
    if watch.tol == -math.inf:
        stalls = False
    watch.stalled = watch.stalled + 1.0 if stalls else 0.0
    watch.best = max(watch.best, score)
    if record.updates == 0 and record.rule == SCALED and record.average_from == 0:
        watch.still = 1.0 if record.l1 == 0 and record.l2 == 0 else 0.0
    if watch.stalled < watch.patience:
        return GOES_ON
    if record.schedule == ADAPTIVE and record.eta > LEAST_RATE:
        record.eta /= 5.0
        watch.stalled = 0.0
        return GOES_ON
    return OVER


@kernel
def train_epochs(address, samples, model, scores, outputs, places, order, room, stopping, mistakes):
    """Train a model for some epochs, or until it gets no better.

    Parameters
    ----------
    address : int
        Of `linear.train_linear`, for these arguments.
    samples : LinearSamples
        Its order is a view of ``order``.
    model, scores, outputs
        As for `linear.train_linear`; no outputs are wanted.
    places, order, room : int32 arrays of shape (n,) or (0,)
        Each epoch takes ``order[places]``, where ``order`` is that of the epoch before.
    stopping : float64 array of shape (len(STOPPING),)
        See `end_epoch`.
    mistakes : int64 array of shape (n_epochs,)
        Written: of each epoch.

    Returns
    -------
    n_epochs : int
        How many there were.
    outcome : int
        What `end_epoch` returned after the last.
    """
    record = at(records(view(flat(model.state), 0, N_FIELDS), RECORD), 0)
    watch = at(records(flat(stopping), STOPPING), 0)
    n = samples.y.shape[0]
    for epoch in range(mistakes.shape[0]):
        if watch.still > 0:
            record.t += n
        else:
            reorder(order, places, room)
            for i in range(room.shape[0]):
                order[i] = room[i]
            record.loss_sum, record.penalty_sum = 0.0, 0.0
            record.mistakes, record.updates = 0.0, 0.0
            call(address, None, (samples, model, 0, n, scores, outputs))
        mistakes[epoch] = int(record.mistakes)
        outcome = _end_epoch(model, stopping, n, math.nan)
        if outcome != GOES_ON:
            return epoch + 1, outcome
    return mistakes.shape[0], GOES_ON
