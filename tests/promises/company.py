"""T20: many threads, forked processes and workers compute side by side, and each is right."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .tally import Tally
from .trainers import Trainer, all_trainers, samples

LIMIT = 30.0  # seconds
THREADS = 8
NAMES = (
    "Network sgd, batches of 1", "Network adam, batches of 20", "Network lbfgs, batches of 20",
    "Fleet sgd, batches of 1", "MLPRegressor sgd", "MLPClassifier adam", "MLPRegressor lbfgs",
    "MLPEnsembleRegressor", "GroupedMLPClassifier", "GridSearchCV", "HalvingRandomSearchCV",
    "SGDClassifier", "SGDRegressor", "Perceptron", "PassiveAggressiveRegressor", "FTRLClassifier",
    "TwoLayerRegression", "NeuralNet",
)  # fmt: skip


def answer(trainer: Trainer) -> np.ndarray:
    """Train and predict."""
    X, y = samples()
    return np.asarray(trainer.predict(trainer.trained(X, y), X))


def of_name(name: str) -> np.ndarray:
    """Do so in a worker process, which has to import all of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return answer(all_trainers()[name])


def threads_predict(trainer: Trainer, wanted: np.ndarray) -> str:
    """Predict in eight threads while another one fits another model."""
    X, y = samples()
    model, over = trainer.trained(X, y), threading.Event()

    def fit() -> int:
        n = 0
        while not over.is_set() or n == 0:
            trainer.trained(X[:30], y[:30])
            n += 1
        return n

    def predict(_: int) -> bool:
        return all(np.array_equal(trainer.predict(model, X), wanted) for _ in range(10))

    with ThreadPoolExecutor(THREADS + 1) as pool:
        fitting = pool.submit(fit)
        try:
            found = list(pool.map(predict, range(THREADS)))
        finally:
            over.set()
        fitting.result()
    return "" if all(found) else f"{found.count(False)} of {THREADS} threads were wrong"


def fork(trainer: Trainer, wanted: np.ndarray) -> str:
    """Fork after a fit, and fit and predict in the child."""
    answer(trainer)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if np.array_equal(answer(trainer), wanted) else 2
        finally:
            os._exit(status)
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            status = os.waitstatus_to_exitcode(status)
            return "" if status == 0 else f"the child ended with status {status}"
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "the child hangs"


def run(count: int | None = None, workers: bool = True) -> Tally:
    """Try each kind of company with ``count`` kinds of models, by default all."""
    tally, trainers = Tally(), all_trainers()

    def take(name, note, problem, begin):
        seconds = time.perf_counter() - begin
        late = f"it took {seconds:.0f} s" if seconds > LIMIT else ""
        tally.take(f"{name}, {note}", problem or late, note, seconds)

    names = NAMES[:count]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = {name: answer(trainers[name]) for name in names}
        for name in names:
            begin = time.perf_counter()
            take(name, "8 threads predict, one fits", threads_predict(trainers[name], wanted[name]),
                 begin)  # fmt: skip
            begin = time.perf_counter()
            take(name, "fork after fit", fork(trainers[name], wanted[name]), begin)
        if workers:
            _in_workers(names, wanted, take)
    return tally


def _in_workers(names, wanted, take):
    from joblib import Parallel, delayed

    jobs = Parallel(n_jobs=2, backend="loky", timeout=10 * LIMIT)
    begin = time.perf_counter()
    found = jobs(delayed(of_name)(name) for name in names)
    share = (time.perf_counter() - begin) / len(names)
    for name, mine in zip(names, found, strict=True):
        right = np.array_equal(mine, wanted[name])
        take(name, "in workers of joblib", "" if right else "another answer",
             time.perf_counter() - share)  # fmt: skip
