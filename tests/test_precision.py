"""float32 against float64 on real data: the same loss in an epoch, the same accuracy after many."""

import csv
import gzip

import numpy as np
import pytest

from fastperc import Network

# file, where its target is, and what counts as class 1
SETS = {
    "heart_statlog.dat": (-1, "2"),
    "banknote_authentication.csv": (-1, "1"),
    "sonar.csv": (-1, "M"),
    "ionosphere.csv": (-1, "g"),
    "magic_gamma.csv.gz": (-1, "g"),
    "letter_recognition.csv.gz": (0, "A"),
}


def load(path, target, positive):
    packed = path.suffix == ".gz"
    with gzip.open(path, "rt") if packed else path.open(encoding="utf-8") as lines:
        rows = list(csv.reader(lines, delimiter=" " if path.suffix == ".dat" else ","))
    rows = [[cell for cell in row if cell] for row in rows if row]
    body = rows if path.suffix == ".dat" else rows[1:]
    y = np.array([float(row[target]) == float(positive) if positive.isdigit()
                  else row[target] == positive for row in body])  # fmt: skip
    X = np.array([[float(cell) for cell in (row[1:] if target == 0 else row[:-1])] for row in body])
    spread = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1), y.astype(float)


@pytest.mark.parametrize("name", SETS)
def test_float32_trains_as_float64_does(data_folder, name):
    X, y = load(data_folder / name, *SETS[name])
    every = -(-len(X) // 4000)
    X, y = X[::every], y[::every]
    losses, accuracies = [], []
    for dtype in ("float32", "float64"):
        net = Network((X.shape[1], 8, 1), hidden="tanh", output="sigmoid", loss="log_loss",
                      dtype=dtype, init="zeros", seed=0)  # fmt: skip
        net.theta[:] = np.random.default_rng(0).normal(0, 0.3, net.theta.size)
        losses.append(net.train(X, y, epochs=1, lr=0.01).loss[0])
        net.train(X, y, epochs=20, lr=0.01)
        accuracies.append((net.predict(X) == y).mean())
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert abs(accuracies[0] - accuracies[1]) <= 0.005
    assert accuracies[1] > max(y.mean(), 1 - y.mean())
