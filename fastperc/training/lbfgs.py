"""Training by SciPy's L-BFGS-B on the batch kernels: all samples, second-order steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..deadline import OutOfTimeError
from ..errors import DivergedError
from ..kernels.updates import L2
from .loop import History, Job, after_epoch, likely_cause, progress_bar, settle, show

if TYPE_CHECKING:
    from ..network import Network
    from .steps import Plan

# What SciPy's `status` says of how the search ended.
CONVERGED, TOO_MANY = 0, 1


def run_lbfgs(net: Network, plan: Plan, job: Job, history: History) -> None:
    """Minimise the mean loss and its penalties; an iteration counts as an epoch."""
    from scipy.optimize import minimize

    theta, good = job.theta, job.theta.copy()
    bar = progress_bar(job)

    def objective(trial: np.ndarray) -> tuple[float, np.ndarray]:
        theta[:] = trial
        loss, gradient = net._loss_and_gradient(
            plan.X, plan.Y, plan.weight, plan.rates[L2], watch=job.watch
        )
        if not (np.isfinite(loss) and np.isfinite(gradient).all()):
            raise DivergedError(job.done + 1, likely_cause(job))
        job.watch.look()
        return loss, gradient.astype(np.float64)

    def after_iteration(intermediate_result: Any) -> None:
        theta[:] = good[:] = intermediate_result.x
        loss = float(intermediate_result.fun)
        history.loss.append(loss)
        job.done += 1
        if bar is not None:
            show(bar, job.done, history)
        history.stopped = after_epoch(job, history, loss)
        good[:] = theta  # a callback may have written to it
        if history.stopped:
            raise StopIteration

    def search() -> str:
        result = minimize(
            objective,
            theta.astype(np.float64),
            jac=True,
            method="L-BFGS-B",
            callback=after_iteration,
            options={"maxiter": job.epochs, "maxfun": 20 * job.epochs + 20, "ftol": 1e-12},
        )
        if history.stopped:
            return history.stopped
        if result.status == TOO_MANY:
            return "epochs" if job.done >= job.epochs else "evaluations"
        return "converged" if result.status == CONVERGED else "line_search"

    with job.watch.interrupts_held():
        try:
            history.stopped = search()
        except OutOfTimeError:
            history.stopped = "time_limit"
        except KeyboardInterrupt:
            history.stopped = "interrupted"
            raise
        except DivergedError:
            history.stopped = "diverged"
            raise
        except BaseException:
            history.stopped = "error"
            raise
        finally:
            theta[:] = good
            settle(job, history, good)
            if bar is not None:
                bar.close()
