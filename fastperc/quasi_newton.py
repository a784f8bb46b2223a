"""Training by SciPy's L-BFGS-B on the batch kernels: all samples, second-order steps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from .errors import DivergedError
from .kernels.updates import L1, L2
from .training import History, Job, after_epoch, likely_cause, progress_bar, show

if TYPE_CHECKING:
    from .network import Network
    from .stepping import Plan


def run_lbfgs(net: Network, plan: Plan, job: Job, history: History) -> None:
    """Minimise the mean loss and its penalties; an iteration counts as an epoch."""
    from scipy.optimize import minimize

    if plan.rates[L1] > 0:
        raise ValueError(
            f"l1: found {plan.rates[L1]:g} with optimizer='lbfgs', expected 0.0: lbfgs wants a "
            "smooth loss. Use another optimizer"
        )
    begin, good = time.perf_counter(), net.theta.copy()
    bar = progress_bar(job)

    def objective(theta: np.ndarray) -> tuple[float, np.ndarray]:
        net.theta[:] = theta
        loss, gradient = net._loss_and_gradient(plan.X, plan.Y, plan.weight, plan.rates[L2])
        if not (np.isfinite(loss) and np.isfinite(gradient).all()):
            raise DivergedError(len(history.loss) + 1, likely_cause(job))
        return loss, gradient.astype(np.float64)

    def after_iteration(intermediate_result) -> None:
        net.theta[:] = good[:] = intermediate_result.x
        history.loss.append(float(intermediate_result.fun))
        if bar is not None:
            show(bar, history)
        limit = job.stopping.time_limit
        late = limit is not None and time.perf_counter() - begin >= limit
        history.stopped = after_epoch(job, history) or ("time_limit" if late else "")
        if history.stopped:
            raise StopIteration

    try:
        result = minimize(
            objective,
            net.theta.astype(np.float64),
            jac=True,
            method="L-BFGS-B",
            callback=after_iteration,
            options={"maxiter": job.epochs, "maxfun": 20 * job.epochs + 20, "ftol": 1e-12},
        )
        if not history.stopped:
            history.stopped = "epochs" if result.nit >= job.epochs else "converged"
    except KeyboardInterrupt:
        history.stopped = "interrupted"
        raise
    except DivergedError:
        history.stopped = "diverged"
        raise
    finally:
        best = job.stopping.best_theta
        net.theta[:] = good if best is None else best
        history.seconds = time.perf_counter() - begin
        if bar is not None:
            bar.close()
