"""How much sooner the estimators give scikit-learn's answers: a table, in one run on one thread.

    python bench/estimators.py [--repeats 3] [--json FILE]
    python bench/estimators.py --short
    python bench/estimators.py --page

The first measures, writes bench/estimators.json and fills README.md's table in from it, or writes
another file and no page; the second tries everything quickly and writes nothing; the third fills
the table in from what was measured before.

Both train in turn on the same samples from the same random state; the best times count.
``difference`` is the largest between their weights, relative to the largest weight. California
housing and MNIST are looked for in the folder that FASTPERC_DATA names; without one, random data of
California's size take its place, and MNIST is left out.
"""

import argparse
import gzip
import json
import os
import re
import time
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from sklearn import neural_network as theirs
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

import fastperc as ours
from fastperc import datasets
from fastperc.measuring import environment as surroundings
from fastperc.measuring.words import duration, factor

RESULTS = Path(__file__).with_suffix(".json")
README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- bench/estimators.py -->\n", "<!-- end of bench/estimators.py -->"

MNIST = "mnist-{}-images-idx3-ubyte.gz", "mnist-{}-labels-idx1-ubyte.gz"


@dataclass
class Case:
    """A training: what, on which samples, how."""

    name: str
    estimator: str
    samples: tuple
    target: float  # times as fast
    options: dict = field(default_factory=dict)

    def fit(self, package):
        """Seconds, and the model."""
        model = getattr(package, self.estimator)(random_state=0, **self.options)
        X, _, y, _ = self.samples
        begin = time.perf_counter()
        model.fit(X, y)
        return time.perf_counter() - begin, model


def folder():
    """Where the data are, if anywhere."""
    named = os.environ.get("FASTPERC_DATA")
    return Path(named) if named else None


def california():
    """20,640 samples of 8 features, standardised; the real ones where they can be had."""
    if folder() is not None:
        X, y = (d := datasets.load("california_housing")).X, d.y
    else:
        rng = np.random.default_rng(0)
        X = rng.standard_normal((20640, 8))
        y = np.sin(X @ rng.standard_normal(8)) + 0.3 * rng.standard_normal(20640)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    mean, deviation = X_train.mean(axis=0), X_train.std(axis=0)
    return (X_train - mean) / deviation, (X_test - mean) / deviation, y_train, y_test


def mnist():
    """MNIST as float32 from 0 to 1, or nothing."""
    if folder() is None or not (folder() / MNIST[0].format("train")).exists():
        return None
    parts = []
    for kind, start in zip(MNIST, (16, 8), strict=True):
        for part in ("train", "t10k"):
            raw = gzip.decompress((folder() / kind.format(part)).read_bytes())
            parts.append(np.frombuffer(raw, np.uint8, offset=start))
    X, X_test = (p.reshape(-1, 784).astype(np.float32) / 255 for p in parts[:2])
    return X, X_test, parts[2], parts[3]


def cases(short):
    """What is trained, with the number of times as fast that it should be."""
    X, y = load_digits(return_X_y=True)
    digits = tuple(train_test_split(X, y, random_state=0))
    houses = california()
    few = (houses[0][:2000], houses[1], houses[2][:2000], houses[3])
    small = {"hidden_layer_sizes": (32,), "batch_size": 32, "max_iter": 3 if short else 10}
    online = small | {"batch_size": 1, "max_iter": 1}
    yield Case("digits, as it comes", "MLPClassifier", digits, 3,
               {"max_iter": 20} if short else {})  # fmt: skip
    yield Case("houses 8-32-1, batch 32", "MLPRegressor", houses, 15, small)
    yield Case(
        "houses 8-32-1, batch 1, adam", "MLPRegressor", few if short else houses, 200, online
    )
    yield Case("houses 8-32-1, batch 1, sgd", "MLPRegressor", few if short else houses, 200,
               online | {"solver": "sgd", "learning_rate_init": 1e-4})  # fmt: skip
    images = mnist()
    if images is not None:
        yield Case("MNIST 784-128-10, batch 128, 1 epoch", "MLPClassifier", images, 2,
                   {"hidden_layer_sizes": (128,), "batch_size": 128, "max_iter": 1})  # fmt: skip


def warm_up(case):
    """Compile what the case needs."""
    X, _, y, _ = case.samples
    options = case.options | {"max_iter": 1}
    model = getattr(ours, case.estimator)(random_state=0, **options).fit(X[:200], y[:200])
    model.predict(X[:2])


def difference(a, b):
    """The largest between two models' weights, relative to the largest weight."""
    pairs = list(zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True))
    return float(
        max(np.abs(x - y).max() for x, y in pairs) / max(np.abs(x).max() for x, _ in pairs)
    )


@dataclass
class Row:
    """What was found: seconds of both at their best, scores on samples not trained on."""

    name: str
    theirs: float
    ours: float
    wanted: float  # times as fast
    their_score: float
    our_score: float
    difference: float | None = None

    @property
    def times(self):
        """How many times as fast ours is."""
        return self.theirs / self.ours


def fits(case, repeats):
    """One row of the table."""
    warm_up(case)
    runs = [(case.fit(ours), case.fit(theirs)) for _ in range(repeats)]
    mine, yours = (min(run[k][0] for run in runs) for k in (0, 1))
    (_, a), (_, b) = runs[0]
    _, X, _, y = case.samples
    scores = float(b.score(X, y)), float(a.score(X, y))
    return Row(case.name, yours, mine, case.target, *scores, difference(a, b))


def best(function, seconds):
    """Seconds of one call, at best of several rounds."""
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or not times:
        begin = time.perf_counter()
        for _ in range(20):
            function()
        times.append((time.perf_counter() - begin) / 20)
    return min(times)


def single_rows(seconds):
    """Rows of the table for one sample at a time."""
    X, X_test, y, y_test = california()
    options = {"hidden_layer_sizes": (32,), "random_state": 0, "max_iter": 3}
    a, b = (package.MLPRegressor(**options).fit(X, y) for package in (ours, theirs))
    row, target, one = X[:1].copy(), y[:1].copy(), X[0].copy()
    scores = [float(m.score(X_test, y_test)) for m in (b, a)]
    calls = [
        ("predict, one row", lambda: b.predict(row), lambda: a.predict(row), 3),
        ("predict_one", lambda: b.predict(row), lambda: a.predict_one(one), 50),
        ("partial_fit, one row", lambda: b.partial_fit(row, target),
         lambda: a.partial_fit(row, target), 15),
        ("learn_one", lambda: b.partial_fit(row, target), lambda: a.learn_one(one, y[0]), 15),
    ]  # fmt: skip
    for name, their_call, our_call, wanted in calls:
        our_call()
        mine, yours = best(our_call, seconds), best(their_call, seconds)
        yield Row(name, yours, mine, wanted, *scores)


def measure(short, repeats):
    """All rows, and where they were measured."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        rows = [fits(case, repeats) for case in cases(short)]
        rows += single_rows(0.1 if short else 0.5)
    facts = dict(surroundings.surroundings())
    where = (
        f"{facts['processor']}; Python {facts['Python']}, NumPy {facts['numpy']}, "
        f"Numba {facts['numba']}, scikit-learn {facts.get('scikit-learn', '')}"
    )
    return {"where": where, "rows": [asdict(row) for row in rows]}


def table(results):
    """The results as README files take them."""
    rows = [Row(**row) for row in results["rows"]]
    cells = [["", "scikit-learn", "fastperc", "faster", "wanted", "their score", "ours", "weights"]]
    cells.append(["---", *["--:"] * 7])
    for r in rows:
        apart = "" if r.difference is None else f"{r.difference:.0e}"
        cells.append([
            r.name, duration(r.theirs), duration(r.ours), factor(r.times), f"{r.wanted}x",
            f"{r.their_score:.4f}", f"{r.our_score:.4f}", apart,
        ])  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def short_table(results):
    """That with what a newcomer wants to know."""
    lines = ["| | scikit-learn | fastperc | times as fast | score, theirs and ours |",
             "|---|--:|--:|--:|--:|"]  # fmt: skip
    for r in (Row(**row) for row in results["rows"]):
        scores = f"{r.their_score:.4f} {r.our_score:.4f}" if r.difference is not None else ""
        times = f"{duration(r.theirs)} | {duration(r.ours)} | **{r.times:.3g}**"
        lines.append(f"| {r.name} | {times} | {scores} |")
    return "\n".join(lines)


def filled(page, results):
    """A page with the short table between its marks."""
    found = re.search(f"{re.escape(BEGIN)}.*?{re.escape(END)}", page, flags=re.DOTALL)
    if found is None:
        raise ValueError(f"the page has no {BEGIN.strip()} ... {END} to fill in")
    inside = f"{short_table(results)}\n\nMeasured on: {results['where']}.\n"
    return page[: found.start()] + BEGIN + inside + END + page[found.end() :]


def fill_in_readme():
    """Make README.md show what was measured last."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    README.write_text(filled(README.read_text(encoding="utf-8"), results), encoding="utf-8")


def main():
    """Measure and print, or fill in the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="trainings of each")
    parser.add_argument("--short", action="store_true", help="fewer epochs and samples; no file")
    parser.add_argument("--page", action="store_true", help="fill in README.md, measure nothing")
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    if not options.page:
        results = measure(options.short, options.repeats)
        print(results["where"], table(results), sep="\n\n")
        if options.short:
            return
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if options.json == RESULTS:
        fill_in_readme()


if __name__ == "__main__":
    main()
