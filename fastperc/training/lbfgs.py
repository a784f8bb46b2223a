"""Training by SciPy's L-BFGS-B: all samples at once, second-order steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..checks import all_finite
from ..deadline import NO_LIMIT, Deadline
from ..errors import OutOfTimeError
from ..model.dense import Dense
from ..model.evaluate import Objective, loss_and_gradient
from ..model.samples import RemoteSamples, Samples
from .loop import Watcher, likely_cause
from .progress import ProgressBar

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

# What SciPy's `status` says of how the search ended.
CONVERGED, TOO_MANY = 0, 1


class Outcome(NamedTuple):
    """How a search ended: why, in SciPy's words, and at which loss."""

    reason: str
    message: str = ""
    loss: float = math.nan  # at the end


def minimise(
    model: Dense,
    samples: Samples | RemoteSamples,
    watcher: Watcher,
    *,
    objective: Objective,
    epochs: int,
    max_evaluations: int,
    ftol: float | None = None,
    gtol: float | None = None,
    in_float64: bool = False,
    deadline: Deadline = NO_LIMIT,
    progress: bool = False,
) -> Outcome:
    """Minimise the loss and its penalty; an iteration counts as an epoch.

    Whatever ends it, the weights are those of the last iteration.

    Parameters
    ----------
    model, samples, watcher, epochs, deadline, progress
        As in `training.loop.fit`.
    objective : Objective
        Its ``l1`` is 0.
    max_evaluations : int
        Maximum number of times that loss and gradient are computed.
    ftol, gtol : float, optional
        SciPy's tolerances, of the loss and of the gradient.
    in_float64 : bool
        Search in float64 whatever the network's dtype is. There, an overflow is a step that was
        too long and is tried again shorter; in the network's dtype, training has diverged.

    Returns
    -------
    Outcome
        Its reason is "epochs", "time_limit", "converged", "line_search", "evaluations", or what
        the watcher said.
    """
    from scipy.optimize import minimize

    options = {"maxiter": epochs, "maxfun": max_evaluations, "ftol": ftol, "gtol": gtol}
    with deadline.interrupts_deferred(), ProgressBar(progress, epochs) as bar:
        search = _Search(model, samples, watcher, objective, in_float64, deadline, bar)
        watcher.begin_epoch(1)
        try:
            result = minimize(
                search.objective,
                model.theta.astype(np.float64),
                jac=True,
                method="L-BFGS-B",
                callback=search.after_iteration,
                options={name: value for name, value in options.items() if value is not None},
            )
        except OutOfTimeError:  # within an iteration, which is left undone
            return Outcome("time_limit")
        finally:
            model.theta[:] = search.last
    loss, reason = float(result.fun), search.reason
    if not (np.isfinite(loss) and all_finite(result.x)):
        reason = search.diverged(loss)
    if reason:
        return Outcome(reason, loss=loss)
    if result.status == TOO_MANY:
        reason = "epochs" if search.done >= epochs else "evaluations"
    else:
        reason = "converged" if result.status == CONVERGED else "line_search"
    return Outcome(reason, f"(status={result.status}): {result.message}", loss)


class _Search:
    """The functions that SciPy calls, and what they keep."""

    def __init__(
        self,
        model: Dense,
        samples: Samples | RemoteSamples,
        watcher: Watcher,
        objective: Objective,
        in_float64: bool,
        deadline: Deadline,
        bar: ProgressBar,
    ):
        self.model, self.watcher, self.deadline, self.bar = model, watcher, deadline, bar
        self.goal, self.in_float64 = objective, in_float64
        is_cast = in_float64 and model.dtype != np.float64
        self.searched = model.astype(np.dtype("float64")) if is_cast else model
        self.samples = samples  # no copy of them: they may fill the memory
        self.last = model.theta.copy()  # after the last iteration
        self.done, self.reason = 0, ""

    def objective(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss, penalty included, and its gradient."""
        self.deadline.check()
        self.searched.theta[:] = theta
        loss, gradient = loss_and_gradient(self.searched, self.samples, self.goal, self.deadline)
        if not (self.in_float64 or (np.isfinite(loss) and all_finite(gradient))):
            self.diverged(loss)
        return loss, gradient.astype(np.float64)

    def after_iteration(self, intermediate_result: OptimizeResult) -> None:
        """Let the watcher look on; raise StopIteration where it wants the search to end."""
        self.model.theta[:] = self.last[:] = intermediate_result.x
        loss = float(intermediate_result.fun)
        self.done += 1
        self.watcher.record([loss], 0.0)
        self.bar.show(self.done, loss)
        self.reason = self.watcher.end_epoch()
        self.last[:] = self.model.theta  # a callback may have written to it
        if self.reason:
            raise StopIteration
        self.watcher.begin_epoch(self.done + 1)

    def diverged(self, loss: float) -> str:
        """Tell the watcher; returns why to end, where it does not raise."""
        return self.watcher.diverged(self.done + 1, loss, likely_cause(self.last, 0.0))
