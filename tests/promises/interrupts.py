"""T9: Ctrl-C at any moment ends training, or a command, at once; what was trained can be used."""

from __future__ import annotations

import faulthandler
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from .tally import Tally
from .trainers import Grouped, Trainer, all_trainers, samples

PROMISE = 0.25  # seconds
LONG = 10**7  # epochs: longer than anybody waits
HOPELESS = 300  # seconds after which the key was pressed in vain

# Presses the key from outside, since a thread of this process would wait for what holds the GIL.
PRESSER = """
import os, sys, time
for line in sys.stdin:
    pid, seconds = line.split()
    time.sleep(float(seconds))
    print(time.monotonic(), flush=True)
    os.kill(int(pid), 2)
"""

# Each way of training with kernels of its own.
TRAINERS = (
    "Network sgd, batches of 1", "Network adam, batches of 1", "Network momentum, batches of 20",
    "Network rprop, batches of 20", "Network lbfgs, batches of 20", "Network, batches from a list",
    "Fleet sgd, batches of 1", "Fleet adam, batches of 20", "Fleet rprop, batches of 20",
    "MLPRegressor sgd", "MLPClassifier adam", "MLPRegressor lbfgs",
    "MLPEnsembleRegressor", "GroupedMLPRegressor", "GridSearchCV", "RandomizedSearchCV",
    "HalvingRandomSearchCV", "SGDRegressor", "SGDClassifier", "Perceptron",
    "PassiveAggressiveClassifier", "FTRLClassifier",
    "train_model", "train_perceptron", "train_two_layer", "tutorials.MLP", "TwoLayerRegression",
    "NeuralNet",
)  # fmt: skip
KEEPS_WHAT_WAS = ("ensembles", "groups", "searches")  # all or nothing: the model of the fit before
COMMANDS = (
    ["demo"], ["warmup"], ["bench", "--quick"],
    ["compare", "online", "--against", "all", "--seconds", "60"],
)  # fmt: skip
PROGRAM = """
import sys
from fastperc.commands.main import main
print("begin", flush=True)
sys.exit(main())
"""


class Presser:
    """A process that presses Ctrl-C in this one."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", PRESSER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip

    def press(self, seconds: float) -> None:
        """Press it in so many seconds."""
        self.process.stdin.write(f"{os.getpid()} {seconds}\n")

    def has_pressed(self) -> bool:
        """Whether it has, or is about to."""
        return bool(select.select([self.process.stdout], [], [], 0)[0])

    def moment(self) -> float:
        """Return when it did, by `time.monotonic`."""
        return float(self.process.stdout.readline())


@contextmanager
def presser() -> Iterator[Presser]:
    """Keep such a process while it is needed."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in what a shell began behind itself
        signal.signal(signal.SIGINT, signal.default_int_handler)
    found = Presser()
    try:
        yield found
    finally:
        found.process.stdin.close()
        found.process.wait(10)
        found.process.stdout.close()


def lengthen(trainer: Trainer, model: object) -> None:
    """Let a fitted model's next fit go on for ever."""
    inner = model.model if isinstance(model, Grouped) else model
    names = inner.get_params()
    if "resource" in names:
        inner.set_params(min_resources=LONG // 10, max_resources=LONG)
        return
    name = "estimator__max_iter" if "estimator__max_iter" in names else "max_iter"
    inner.set_params(**{name: LONG})


def interrupt(trainer: Trainer, key: Presser, seconds: float) -> tuple[float, str]:
    """Train until the key is pressed; returns seconds from then on, and what is wrong."""
    X, y = samples(500)
    X = X.astype(trainer.dtypes[0])
    if trainer.family in KEEPS_WHAT_WAS:
        model = trainer.trained(X, y, lr=1e-4, dtype=trainer.dtypes[0])
        lengthen(trainer, model)
    else:
        model = trainer.new(epochs=LONG, lr=1e-6, dtype=trainer.dtypes[0])
    y = trainer.targets(y)
    try:
        key.press(seconds)
        while not key.has_pressed():  # some end by themselves, and begin again
            trainer.train(model, X, y)
        time.sleep(0.01)  # for a signal on its way
    except KeyboardInterrupt:
        pass
    faulthandler.cancel_dump_traceback_later()
    took = time.monotonic() - key.moment()
    return took, what_is_wrong(trainer, model, X)


def what_is_wrong(trainer: Trainer, model: object, X: np.ndarray) -> str:
    """Return why a model cannot be used, or nothing."""
    try:
        weights = trainer.weights(model)
        found = trainer.predict(model, X)
    except Exception as error:
        return f"it does not predict: {type(error).__name__}: {error}"
    if not all(np.isfinite(array).all() for array in weights):
        return "weights are not finite"
    return "" if np.isfinite(found).all() else "predictions are not finite"


def interrupt_command(words: list[str], seconds: float) -> tuple[float, str]:
    """Start a command and press the key; returns the seconds it took, and what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
        )  # fmt: skip
        process.stdout.readline()  # before this, Ctrl-C is Python's own affair
        time.sleep(seconds)
        if process.poll() is not None:
            process.communicate()
            return 0.0, "it was over before the key was pressed"
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        took = time.monotonic() - begin
    if (process.returncode, err) != (130, "fastperc: interrupted\n"):
        return took, f"status {process.returncode}, {err!r}"
    return took, ""


def run(
    count: int | None = None, names: tuple[str, ...] = TRAINERS, promise: float = PROMISE,
    commands: tuple[list[str], ...] = COMMANDS, seed: int = 0,
) -> Tally:  # fmt: skip
    """Press the key ``count`` times in each way of training and each command; by default 50."""
    tally, moments, trainers = Tally(), random.Random(seed), all_trainers()

    def take(what, note, took, problem):
        late = f"it took {took:.2f} s" if took > promise else ""
        tally.take(what, problem or late, note, took)

    with presser() as key, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            trainers[name].trained(*samples())  # whatever has to be compiled
            for _ in range(count or 50):
                seconds = moments.uniform(0.01, 0.4)
                found = interrupt(trainers[name], key, seconds)
                take(f"{name} after {seconds:.3f} s", "in training", *found)
    for words in commands:
        for _ in range(count or 50):
            seconds = moments.uniform(0.02, 3)
            found = interrupt_command(words, seconds)
            take(f"{words[0]} after {seconds:.3f} s", "in a command", *found)
    return tally
