"""What linear models take on large data: sparse text, a file that memory does not hold, and beside
Vowpal Wabbit.

    python bench/linear.py sparse [--share 1.0] [--epochs 3]
    python bench/linear.py memmap [--gigabytes 4] [--folder DIR]
    python bench/linear.py vw [--rows 200000]

``sparse``: rows as in RCV1, 781,265 of 76 stored numbers in 47,153 columns, or a share of them;
seconds for an epoch of log loss with L2. Bottou's page on stochastic gradient descent gives 0.19 s
for the like of it in C++, on a machine of 2012: a mark, not a ratio.

``memmap``: one epoch over a file of float32 that is mapped into memory. Printed is what the process
allocated on top of what it had, next to the size of the file; pages of the file itself are the
system's, and it takes them back when it likes.

``vw``: Vowpal Wabbit with ``--sgd``, a constant rate, one pass, one thread, its examples parsed
beforehand; fastperc on the same rows at the same rate. Rows a second, and log loss of other rows.
"""

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.metrics import log_loss

from fastperc import SGDClassifier

RCV1 = 781_265, 47_153, 76
PAGE = 0.05  # seconds between two looks at memory


def text_like(n_rows, n_columns=RCV1[1], stored=RCV1[2], seed=0):
    """Make rows of length 1 with few columns each, some far more common than others."""
    rng = np.random.default_rng(seed)
    columns = (n_columns * rng.random((n_rows, stored)) ** 3).astype(np.int32)
    X = sparse.csr_matrix(
        (
            rng.random(columns.size),
            columns.ravel(),
            np.arange(0, columns.size + 1, stored, dtype=np.int32),
        ),
        (n_rows, n_columns),
    )
    X.sum_duplicates()
    lengths = np.sqrt(X.multiply(X).sum(axis=1))
    X.data /= np.repeat(np.asarray(lengths).ravel(), np.diff(X.indptr))
    z = X @ rng.standard_normal(n_columns)
    return X, z + 0.1 * rng.standard_normal(n_rows) > 0


def measure_sparse(share=1.0, epochs=3):
    """Return the seconds that an epoch takes, and the accuracy on rows that were set aside."""
    n = int(share * RCV1[0])
    X, y = text_like(n + n // 10)
    fit = {"loss": "log_loss", "alpha": 1e-5, "tol": None, "random_state": 0}
    SGDClassifier(**fit, max_iter=1).fit(X[:100], y[:100])
    model, rows = SGDClassifier(**fit, max_iter=epochs), X[:n]
    begin = time.perf_counter()
    model.fit(rows, y[:n])
    seconds = (time.perf_counter() - begin) / epochs
    return {
        "rows": n,
        "stored numbers": int(rows.nnz),
        "seconds an epoch, validation of X included": seconds,
        "accuracy": model.score(X[n:], y[n:]),
    }


class PeakMemory:
    """The most memory that this process held of its own, not counting mapped files, in bytes."""

    def __enter__(self):
        self.before = self.most = own_memory()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def __exit__(self, *details):
        self.over.set()
        self.thread.join()

    def _watch(self):
        while not self.over.wait(PAGE):
            self.most = max(self.most, own_memory())


def own_memory():
    """Return the bytes that the process holds of its own, as Linux counts them."""
    text = Path("/proc/self/status").read_text()
    return 1024 * int(text.split("RssAnon:")[1].split()[0])


def measure_memmap(gigabytes=4.0, folder=None, n_features=200):
    """Return the memory and time of one epoch over a file of float32."""
    n = int(gigabytes * 2**30) // (4 * n_features)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "rows.f4"
        X = np.memmap(path, np.float32, "w+", shape=(n, n_features))
        w = rng.standard_normal(n_features)
        y = np.empty(n, bool)
        for start in range(0, n, 100_000):
            part = rng.standard_normal((min(100_000, n - start), n_features), np.float32)
            X[start : start + len(part)] = part
            y[start : start + len(part)] = part @ w > 0
        X.flush()
        X = np.memmap(path, np.float32, "r", shape=(n, n_features))
        model = SGDClassifier(loss="log_loss", max_iter=1, tol=None, shuffle=False)
        SGDClassifier(loss="log_loss", max_iter=1, tol=None).fit(X[:100], y[:100])
        with PeakMemory() as memory:
            begin = time.perf_counter()
            model.fit(X, y)
            seconds = time.perf_counter() - begin
    return {
        "gigabytes of the file": X.nbytes / 2**30,
        "seconds": seconds,
        "megabytes held before": memory.before / 2**20,
        "megabytes held at most": memory.most / 2**20,
    }


def measure_vw(n_rows=200_000, stored=20, n_columns=10_000, rate=0.1):
    """Return rows a second and log losses of Vowpal Wabbit and fastperc."""
    from vowpalwabbit import Workspace

    X, y = text_like(n_rows + n_rows // 10, n_columns, stored)
    X_new, y_new = X[n_rows:], y[n_rows:]
    options = f"--sgd --loss_function logistic --noconstant --quiet --power_t 0 -l {rate}"
    vw = Workspace(f"{options} -b 18 --no_stdin")
    examples = [vw.parse(line) for line in lines(X[:n_rows], y[:n_rows])]
    begin = time.perf_counter()
    for example in examples:
        vw.learn(example)
    seconds = time.perf_counter() - begin
    coef = np.array([vw.get_weight(j) for j in range(n_columns)])
    for example in examples:
        vw.finish_example(example)
    vw.finish()
    figures = {
        "Vowpal Wabbit, its calls from Python": {
            "rows a second": n_rows / seconds,
            "log loss": log_loss(y_new, 1 / (1 + np.exp(-(X_new @ coef)))),
        }
    }
    fit = {
        "loss": "log_loss", "penalty": None, "learning_rate": "constant", "eta0": rate,
        "fit_intercept": False, "shuffle": False, "max_iter": 1, "tol": None,
    }  # fmt: skip
    for name, dtype in (("float64", np.float64), ("float32", np.float32)):
        rows = X[:n_rows].astype(dtype)
        best = np.inf
        for _ in range(3):
            model = SGDClassifier(**fit)
            begin = time.perf_counter()
            model.fit(rows, y[:n_rows])
            best = min(best, time.perf_counter() - begin)
        figures[f"fastperc, fit, {name}"] = {
            "rows a second": n_rows / best,
            "log loss": log_loss(y_new, model.predict_proba(X_new)[:, 1]),
            "largest difference of a coefficient": float(np.abs(model.coef_[0] - coef).max()),
        }
    return figures


def lines(X, y):
    """Yield rows as Vowpal Wabbit reads them."""
    for row in range(len(y)):
        here = slice(X.indptr[row], X.indptr[row + 1])
        features = " ".join(
            f"{j}:{v!r}"
            for j, v in zip(X.indices[here].tolist(), X.data[here].tolist(), strict=True)
        )
        yield f"{1 if y[row] else -1} | {features}"


def main():
    parser = argparse.ArgumentParser(description="Linear models on large data.")
    parser.add_argument("what", choices=["sparse", "memmap", "vw"])
    parser.add_argument("--share", type=float, default=1.0, help="of RCV1's rows")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--gigabytes", type=float, default=4.0)
    parser.add_argument("--folder", help="where the file is made")
    parser.add_argument("--rows", type=int, default=200_000)
    given = parser.parse_args()
    if given.what == "sparse":
        figures = measure_sparse(given.share, given.epochs)
    elif given.what == "memmap":
        figures = measure_memmap(given.gigabytes, given.folder)
    else:
        figures = measure_vw(given.rows)
    for name, figure in figures.items():
        print(f"{name}: {figure}")


if __name__ == "__main__":
    main()
