"""Many estimators fitted at once: those that can share a fleet together, the others one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...deadline import Deadline
from .jobs import Job
from .outcomes import Outcome, by_fleet, outcomes_of
from .sorting import Sorting


def fit_together(
    X: object,
    y: object,
    jobs: Sequence[Job],
    *,
    threads: int = 1,
    classes: str = "own",
    deadline: Deadline | None = None,
    look: Callable[[int, float], object] | None = None,
) -> list[Outcome]:
    """Fit many estimators to rows of the same data.

    The results are those of ``clone(job.estimator).fit(X[rows], y[rows], sample_weight[rows])``, to
    rounding: sums over a layer are added up in another order. Estimators that differ in numbers
    only (alpha, learning_rate_init, l1, tol, n_iter_no_change, max_iter, random_state, power_t), in
    rows or in weights are trained together.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    jobs : sequence of Job
    threads : int
        How many threads train. The results do not depend on it.
    classes : {"own", "all"}
        What a classifier knows: the classes of its rows, or all of y. With "all", a job that goes
        alone (see `jobs.goes_alone`) still knows those of its rows only.
    deadline : Deadline, optional
        When fleets have to end: their networks are as they are then, for the reason "time_limit".
    look : callable, optional
        Called as ``look(epochs, loss)`` where a fleet may have done an epoch more, with how many
        epochs its networks have together, and the lowest loss.

    Returns
    -------
    list of Outcome
        One for each job, in their order. What `fit` would have raised, it holds.

    Examples
    --------
    >>> import numpy as np
    >>> from fastperc import MLPRegressor
    >>> from fastperc.estimators.fleets import Job, fit_together
    >>> X = np.linspace(-1, 1, 60).reshape(-1, 1)
    >>> model = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=0.01, random_state=0)
    >>> jobs = [Job(model, np.arange(k, 60, 2)) for k in (0, 1)]
    >>> [outcome.estimator.n_features_in_ for outcome in fit_together(X, X[:, 0] ** 2, jobs)]
    [1, 1]
    """
    sorting = Sorting(X, y, jobs, classes)
    fleets, deadline = sorting.fleets(), deadline or Deadline()
    found = dict(sorting.failed)
    for fleet in fleets:
        fleet.watcher.look = look
        fleet.train(threads, deadline)
        numbers = [task.number for task in fleet.tasks]
        found.update(zip(numbers, outcomes_of(fleet), strict=True))
    found.update(zip(sorting.alone, sorting.fit_alone(threads), strict=True))
    return [found[number] for number in range(len(jobs))]


def go_on(outcomes: Sequence[Outcome], max_iter: int, *, threads: int = 1) -> list[Outcome]:
    """Train networks on, those whose training ended for want of epochs.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Of `fit_together`; each may go on once.
    max_iter : int
        Epochs in all, those before counted.
    threads : int

    Returns
    -------
    list of Outcome
        As of `fit_together` with so many epochs; what had ended already is as it was.
    """
    later, deadline = [*outcomes], Deadline()
    for fleet, at in by_fleet(outcomes):
        at = [k for k in at if outcomes[k].reason == "epochs" and outcomes[k].n_iter < max_iter]
        if at:
            further = fleet.go_on(np.array([outcomes[k].place for k in at]), max_iter)
            further.train(threads, deadline)
            for k, outcome in zip(at, outcomes_of(further), strict=True):
                later[k] = outcome
    return later
