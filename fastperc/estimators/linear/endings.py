"""What is left of a linear model whose training is ended by divergence or by Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import check_random_state

from ...deadline import Deadline
from ...errors import NonFiniteWeightsError
from ...model.linear import Linear

if TYPE_CHECKING:
    from .base import BaseLinear

Train = Callable[[Linear, int, Deadline], None]


def train_to_a_good_end(learner: BaseLinear, begin: Callable[[], Linear], train: Train) -> None:
    """Train from a new beginning; where that diverges, once more up to the last good epoch.

    A copy of the model at the end of each epoch would cost every training what only one that
    diverges has use for. Epochs are the same when they are repeated.

    Parameters
    ----------
    learner : estimator
    begin : callable
        Makes the model that training begins with.
    train : callable
        ``train(model, epochs, deadline)`` trains it for so many at most, and makes it the
        learner's.

    Raises
    ------
    NonFiniteWeightsError
        Once the learner has the weights of the last good epoch.
    KeyboardInterrupt
        Once it has what was learned until then.
    """
    rewind, epochs, deadline = _rewinding(learner.random_state), learner.max_iter, Deadline()
    failure: NonFiniteWeightsError | None = None
    with deadline.interrupts_deferred():
        while True:
            try:
                train(begin(), epochs, deadline)
                break
            except NonFiniteWeightsError as error:
                rewind()
                failure, epochs = error, error.epoch - 1
    if failure is not None:
        raise failure


def train_once(learner: BaseLinear, model: Linear, train: Train) -> None:
    """Train for one epoch, or leave the learner as it was.

    Raises
    ------
    NonFiniteWeightsError, KeyboardInterrupt
    """
    deadline = Deadline()
    with deadline.interrupts_deferred():
        try:
            train(model, 1, deadline)
        except NonFiniteWeightsError as error:
            if learner._linear is None:
                raise error.without_weights() from None
            raise


def _rewinding(seed: int | np.random.RandomState | None) -> Callable[[], None]:
    """Return a function that lets random numbers come once more as from now on."""
    if seed is not None and not isinstance(seed, np.random.RandomState):
        return lambda: None
    stream = check_random_state(seed)
    position = stream.get_state()
    return lambda: stream.set_state(position)
