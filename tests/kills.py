"""Saves that are killed at any moment: ``python -m tests.kills --count 500``.

A process saves models of every kind to one path, over and over, until it is killed (SIGKILL, after
a random time). What is there then has to be one of the models, whole.
"""

import argparse
import collections
import itertools
import os
import pathlib
import signal
import sys
import tempfile
import time

import numpy as np

import fastperc

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from saved_models import MAKERS, answers

LONGEST = 0.1  # seconds from the first save to the kill


def states_after_kills(folder, count, seed):
    """Return how many kills left a whole model alone, beside a leftover, or nothing of use."""
    (pathlib.Path(folder) / "killed").mkdir()
    path = pathlib.Path(folder) / "killed" / "model"
    models = [make() for make in MAKERS.values()]
    known = {tuple(one.tobytes() for one in answers(model)) for model in models}
    fastperc.save(models[0], path)
    found = collections.Counter({"whole": 0, "whole, beside a leftover": 0, "lost": 0})
    for number, moment in enumerate(np.random.default_rng(seed).uniform(0, LONGEST, count)):
        child = os.fork()
        if child == 0:
            for model in itertools.cycle(models[number % len(models) :] + models):
                fastperc.save(model, path)
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        try:
            loaded = tuple(one.tobytes() for one in answers(fastperc.load(path)))
            is_alone = os.listdir(path.parent) == [path.name]
            state = "whole" if is_alone else "whole, beside a leftover"
            found[state if loaded in known else "lost"] += 1
        except fastperc.ModelFileError:
            found["lost"] += 1
    fastperc.save(models[0], path)
    assert os.listdir(path.parent) == [path.name], "the next save left a stray file"
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = states_after_kills(folder, given.count, given.seed)
    print(f"{given.count} kills: " + ", ".join(f"{n} {state}" for state, n in found.items()))
    sys.exit(found["lost"] > 0)
