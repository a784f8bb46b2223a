"""Training by SciPy's L-BFGS-B: all samples at once, second-order steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..checks import all_finite
from ..deadline import NO_LIMIT, Deadline
from ..errors import OutOfTimeError
from ..model.dense import Dense
from ..model.evaluate import loss_and_gradient
from ..model.samples import Samples
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
    samples: Samples,
    watcher: Watcher,
    *,
    alpha: float,
    epochs: int,
    max_evaluations: int,
    ftol: float | None = None,
    gtol: float | None = None,
    loss_scale: float = 1.0,
    in_float64: bool = False,
    deadline: Deadline = NO_LIMIT,
    progress: bool = False,
) -> Outcome:
    """Minimise the mean loss and its penalty; an iteration counts as an epoch.

    Whatever ends it, the weights are those of the last iteration.

    Parameters
    ----------
    model, samples, watcher, epochs, deadline, progress
        As in `training.loop.fit`.
    alpha : float
        Penalty ``alpha / 2 * sum(W**2)`` on the mean loss.
    max_evaluations : int
        Maximum number of times that loss and gradient are computed.
    ftol, gtol : float, optional
        SciPy's tolerances, of the loss and of the gradient.
    loss_scale : float
        Multiplies the loss that is shown and judged, but not the gradient.
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

    if in_float64 and model.dtype != np.float64:
        searched, samples = model.astype(np.dtype("float64")), samples.astype(np.dtype("float64"))
    else:
        searched = model
    last, done, reason = model.theta.copy(), 0, ""

    def objective(theta: np.ndarray) -> tuple[float, np.ndarray]:
        deadline.check()
        searched.theta[:] = theta
        loss, gradient = loss_and_gradient(
            searched, samples, alpha, deadline=deadline, loss_scale=loss_scale
        )
        if not (in_float64 or (np.isfinite(loss) and all_finite(gradient))):
            watcher.diverged(done + 1, loss, likely_cause(last, 0.0))
        return loss, gradient.astype(np.float64)

    def after_iteration(intermediate_result: OptimizeResult) -> None:
        nonlocal done, reason
        model.theta[:] = last[:] = intermediate_result.x
        loss, done = float(intermediate_result.fun), done + 1
        watcher.record([loss], 0.0)
        bar.show(done, loss)
        reason = watcher.end_epoch()
        last[:] = model.theta  # a callback may have written to it
        if reason:
            raise StopIteration
        watcher.begin_epoch(done + 1)

    options = {"maxiter": epochs, "maxfun": max_evaluations, "ftol": ftol, "gtol": gtol}
    with deadline.interrupts_deferred(), ProgressBar(progress, epochs) as bar:
        watcher.begin_epoch(1)
        try:
            result = minimize(
                objective,
                model.theta.astype(np.float64),
                jac=True,
                method="L-BFGS-B",
                callback=after_iteration,
                options={name: value for name, value in options.items() if value is not None},
            )
        except OutOfTimeError:  # within an iteration, which is left undone
            return Outcome("time_limit")
        finally:
            model.theta[:] = last
    if not (np.isfinite(result.fun) and all_finite(result.x)):
        reason = watcher.diverged(done + 1, float(result.fun), likely_cause(last, 0.0))
    if reason:
        return Outcome(reason, loss=float(result.fun))
    if result.status == TOO_MANY:
        reason = "epochs" if done >= epochs else "evaluations"
    else:
        reason = "converged" if result.status == CONVERGED else "line_search"
    return Outcome(reason, f"(status={result.status}): {result.message}", float(result.fun))
