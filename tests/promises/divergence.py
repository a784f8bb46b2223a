"""T5: training that diverges says so in the same epoch, with the cause; good weights are kept."""

from __future__ import annotations

import numpy as np

from fastperc import DivergedError

from .tally import Tally
from .trainers import Trainer, all_trainers, samples

EPOCHS = 5
HUGE = {"float32": 1e30, "float64": 1e200}


def wild_samples(dtype, cell):
    """Return samples, one number of which is as large as that."""
    X, y = samples()
    X = X.astype(dtype)
    X[7, 1] = cell or X[7, 1]
    return X, y


def try_one(trainer: Trainer, dtype: str, lr: float | None, cell: float | None) -> tuple[str, str]:
    """Train; returns what is wrong, or nothing, and what became of it."""
    X, y = wild_samples(dtype, cell)
    if trainer.kind == "classes":
        y = np.where(np.arange(len(y)) % 2, 1.0, -1.0)  # nothing to learn, much to unlearn

    def train(epochs):
        model = trainer.new(epochs=epochs, lr=lr, dtype=dtype)
        with np.errstate(all="ignore"):
            trainer.train(model, X, trainer.targets(y))
        return model

    def weights_after(epochs):
        """Return the weights of the end of an epoch; none where nobody knows those of epoch 0."""
        return trainer.weights(train(epochs)) if epochs else []

    model = trainer.new(epochs=EPOCHS, lr=lr, dtype=dtype)
    try:
        with np.errstate(all="ignore"):
            trainer.train(model, X, trainer.targets(y))
    except DivergedError as error:
        return judge(trainer, model, error, weights_after), "diverged"
    except ValueError as error:
        is_typed = "fits failed" in str(error) and "diverged" in str(error)
        return ("" if is_typed else f"{type(error).__name__}: {error}"), "all candidates diverged"
    if trainer.family == "Fleet":
        return judge_fleet(model, weights_after), became_of(model.model.history.stopped)
    return ("" if is_finite(trainer, model) else "infinite weights without an error"), "finite"


def became_of(stopped):
    return "diverged" if "diverged" in stopped else "finite"


def is_finite(trainer: Trainer, model: object) -> bool:
    return all(np.isfinite(array).all() for array in trainer.weights(model))


def judge(trainer, model, error, weights_after):
    """Return what is wrong about an error and what it leaves."""
    if not (1 <= error.epoch <= EPOCHS and error.cause):
        return f"epoch {error.epoch}, cause {error.cause!r}"
    try:
        wanted = weights_after(error.epoch - 1)
    except DivergedError as earlier:
        if trainer.name.startswith("Halving"):  # which sets the number of epochs itself
            return ""
        return f"told in epoch {error.epoch}, but there was one in epoch {earlier.epoch}"
    if not error.kept:
        return "" if "kept" not in str(error) else "weights are kept that there are not"
    try:
        found = trainer.weights(model)
        trainer.predict(model, samples()[0])
    except Exception as failure:
        return f"nothing predicts afterwards: {type(failure).__name__}: {failure}"
    if not all(np.isfinite(array).all() for array in found):
        return "infinite weights are left"
    if wanted and not same(found, wanted):
        return f"weights are not those of epoch {error.epoch - 1}"
    return ""


def judge_fleet(told, weights_after):
    """Return what is wrong about a fleet some networks of which may have left."""
    fleet, history = told.model, told.model.history
    if not np.isfinite(fleet.theta).all():
        return "infinite weights are left"
    for i in np.flatnonzero(history.stopped == "diverged"):
        wanted = weights_after(int(history.epochs[i]))
        if wanted and not np.array_equal(wanted[0][i], fleet.theta[i]):
            return f"network {i} has not the weights of epoch {history.epochs[i]}"
    return ""


def same(found, wanted):
    return len(found) == len(wanted) and all(map(np.array_equal, found, wanted))


def run(count: int | None = None) -> Tally:
    """Try each trainer, dtype and kind of divergence; ``count``: that many trainers."""
    tally = Tally()
    for trainer in [*all_trainers().values()][:count]:
        for dtype in trainer.dtypes:
            for lr, cell in ((1e6, None), (None, 1e30), (None, HUGE[dtype]), (1e6, HUGE[dtype])):
                if (lr, cell) == (None, 1e30) and dtype == "float32":
                    continue  # the same as the next
                what = f"{trainer.name}, {dtype}, lr={lr}, cell={cell}"
                problem, note = try_one(trainer, dtype, lr, cell)
                tally.take(what, problem, note)
    return tally
