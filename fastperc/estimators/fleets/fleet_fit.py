"""One fleet of jobs: its training, and what becomes of each network."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from ...deadline import Deadline
from ...errors import NonFiniteWeightsError
from ...kernels.updates import LR
from ...model.dense import Dense
from ...model.dense_fleet import DenseFleet, FleetRule, FleetSamples
from ...model.fleet_blocks import fleet_outputs
from ...training.fleets import fit_fleet
from ..base import BaseMLP
from ..batching import TOO_LARGE
from ..curves import NON_FINITE, not_converged, went_back
from ..labels import Labels
from ..optimizer import Optimizer
from .data import Data, copied
from .jobs import Job, Plan
from .orders import JobOrders
from .watcher import FitWatcher

Message = tuple[str, type[Warning]]


@dataclass(frozen=True)
class Task:
    """A job whose data and parameters were looked at.

    Attributes
    ----------
    number : int
        Which of all jobs it is.
    rows : ndarray of int
        Of X, to learn from; with early stopping, a part of them is set aside.
    weight : ndarray of shape (n_samples,), optional
        Sample weights, in ``unit``.
    is_clipped : bool
        Whether there are fewer samples than a batch was to have.
    """

    number: int
    job: Job
    plan: Plan
    labels: Labels | None
    rows: np.ndarray
    weight: np.ndarray | None
    unit: float
    batch_size: int
    is_clipped: bool

    def with_max_iter(self, max_iter: int) -> Task:
        """Return the task of an estimator that differs in this parameter."""
        estimator = copied(self.job.estimator, max_iter=max_iter)
        job = self.job._replace(estimator=estimator)
        return replace(self, job=job, plan=Plan.of(estimator))


@dataclass(eq=False)
class FleetFit:
    """Networks of one kind, and their training.

    Attributes
    ----------
    tasks : list of Task
        One for each network.
    data : Data
    out_activation : str
    fleet, samples, rule, watcher, orders
        See `training.fleets.fit_fleet`.
    batch_size : int
    reasons : object array of str of shape (n_networks,)
        Why training ended.
    seconds : float array of shape (n_networks,)
        Each one's share of the time.
    """

    tasks: list[Task]
    data: Data
    out_activation: str
    fleet: DenseFleet
    samples: FleetSamples
    rule: FleetRule
    watcher: FitWatcher
    orders: JobOrders
    batch_size: int

    def __post_init__(self) -> None:
        self.reasons = np.full(len(self.tasks), "", object)
        self.seconds = np.zeros(len(self.tasks))

    def train(self, threads: int, deadline: Deadline) -> None:
        """Train until each network stops, or has taken its ``max_iter`` epochs."""
        watcher, begin = self.watcher, time.perf_counter()
        before = watcher.n_iter.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            self.reasons = fit_fleet(
                self.fleet, self.samples, self.rule, watcher, batch_size=self.batch_size,
                epochs=int(watcher.stopping.max_iter.max() - watcher.epoch), orders=self.orders,
                threads=threads, deadline=deadline,
            )  # fmt: skip
        work = (watcher.n_iter - before + 1) * watcher.stopping.n_samples
        self.seconds += (time.perf_counter() - begin) * work / work.sum()

    def go_on(self, networks: np.ndarray, max_iter: int) -> FleetFit:
        """Return the training of some networks that go on, to ``max_iter`` epochs in all.

        It ends as if it had had so many from the beginning. This one cannot go on any more: the
        streams of random numbers are the other one's.
        """
        rule = FleetRule(self.rule.code, self.rule.settings[networks], self._part(networks))
        rule.state[:] = self.rule.state[networks]
        rule.step_state[:] = self.rule.step_state[networks]
        samples = self.samples
        if samples.weight.ndim == 2:
            samples = replace(samples, weight=samples.weight[networks])
        watcher = self.watcher.take(networks)
        watcher.stopping.max_iter[:] = max_iter
        watcher.is_on[:] = True
        tasks = [self.tasks[i].with_max_iter(max_iter) for i in networks.tolist()]
        return FleetFit(
            tasks, self.data, self.out_activation, self._part(networks), samples, rule, watcher,
            self.orders.take(networks), self.batch_size,
        )  # fmt: skip

    def _part(self, networks: np.ndarray) -> DenseFleet:
        return DenseFleet(self.fleet.dense, self.fleet.theta[networks])

    # --- results ---------------------------------------------------------------------------------

    def theta(self, networks: np.ndarray) -> np.ndarray:
        """Return the parameters of networks: with early stopping, the best they had."""
        theta, best = self.fleet.theta[networks], self.watcher.best_theta
        if best is None:
            return theta
        has_best = self.watcher.best_epoch[networks] > 0
        return np.where(has_best[:, None], best[networks], theta)

    def outputs(self, networks: np.ndarray, X: np.ndarray, threads: int = 1) -> np.ndarray:
        """Return outputs for rows of X in the networks' dtype, (len(networks), n, n_outputs)."""
        return fleet_outputs(DenseFleet(self.fleet.dense, self.theta(networks)), X, threads)

    def error(self, i: int) -> Exception | None:
        """Return what `fit` would have raised."""
        watcher = self.watcher
        if self.reasons[i] == "diverged" and not watcher.best_epoch[i]:
            return NonFiniteWeightsError(int(watcher.n_iter[i]) + 1, NON_FINITE, False)
        return None

    def warnings(self, i: int) -> list[Message]:
        """Return what `fit` would have warned of."""
        task, n_iter = self.tasks[i], int(self.watcher.n_iter[i])
        found: list[Message] = [(TOO_LARGE, UserWarning)] if task.is_clipped else []
        if self.reasons[i] == "epochs":
            found.append((not_converged(n_iter), ConvergenceWarning))
        if self.reasons[i] == "diverged" and self.watcher.best_epoch[i]:
            found.append((went_back(n_iter), ConvergenceWarning))
        return found

    def estimator(self, i: int) -> BaseMLP:
        """Return a fitted estimator, which shares nothing that is written to."""
        task = self.tasks[i]
        estimator = copied(task.job.estimator)
        estimator.__dict__.update(self.data.attributes(task.labels))
        estimator.__dict__.update(self._curves(i))
        settings = task.plan.settings
        estimator._raw, estimator._settings = estimator._raw_settings(), settings
        estimator.out_activation_ = self.out_activation
        estimator._scaling = estimator._target_scaling = None
        estimator._random_state = check_random_state(estimator.random_state)
        theta = self.theta(np.array([i]))[0]
        dense = self.fleet.dense
        model = Dense.zeros(dense.sizes, dense.hidden, dense.output, dense.loss, dense.dtype)
        model.theta[:] = theta
        estimator._take_network(model)
        if getattr(estimator, "class_weight", None) is not None:  # what `partial_fit` counts on
            weight = task.job.sample_weight
            Y = self.data.targets(task.labels, dense.dtype)[task.rows]
            estimator._all_weights(Y, None if weight is None else weight[task.rows], False)
        if self.reasons[i] != "diverged":
            estimator._optimizer = self._optimizer(i, model)
        return estimator

    def _optimizer(self, i: int, model: Dense) -> Optimizer:
        optimizer = Optimizer(self.tasks[i].plan.solver, model)
        rule = optimizer.rule
        rule.settings[:] = self.rule.settings[i]
        rule.state[:], rule.step_state[:] = self.rule.state[i], self.rule.step_state[i]
        optimizer.epoch = int(self.watcher.n_iter[i])
        optimizer.learning_rate = rule.settings[LR] = float(self.watcher.rate[i])
        return optimizer

    def _curves(self, i: int) -> dict[str, object]:
        """Return curves and counts, under scikit-learn's names."""
        watcher, n = self.watcher, int(self.watcher.n_iter[i])
        stops = watcher.validation is not None
        found: dict[str, object] = {
            "n_iter_": n,
            "t_": n * int(watcher.stopping.n_samples[i]),
            "loss_": float(watcher.last_loss[i]),
            "loss_curve_": watcher.losses[:n, i].tolist(),
            "best_loss_": None if stops else float(watcher.best_loss[i]),
            "validation_scores_": watcher.scores[:n, i].tolist() if stops else None,
            "best_validation_score_": float(watcher.best_score[i]) if stops else None,
            "_no_improvement_count": int(watcher.n_stalled[i]),
        }
        if stops:
            found["validation_loss_curve_"] = watcher.validation_losses[:n, i].tolist()
        return found
