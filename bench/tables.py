"""How good `fastperc.tables.train` is on real tables, beside scikit-learn's models, and its time.

    FASTPERC_DATA=FOLDER python bench/tables.py [--only NAME ...] [--write]

Each table is given to `train` as a path, with its default search and with ``quick``. scikit-learn's
`HistGradientBoosting` and `MLP` estimators are fitted, with their default parameters, to the rows
that `train` learned from, and scored on those that it held out. The MLP is in a plain pipeline:
missing numbers are the mean, categories are one-hot, numbers and the targets of a regression are
scaled. Its time and that of HistGradientBoosting are of fitting alone, while `train` also reads the
table. The kernels are warm.

With ``--write``, docs/tables.md gets the Markdown table, and docs/tables.json the figures.
"""

import argparse
import json
import os
import re
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from sklearn import neural_network
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fastperc.benchmarks.running import environment_here
from fastperc.files.atomic import replace_file
from fastperc.measuring.words import markdown
from fastperc.tables import train
from fastperc.tables.reading import open_source

DOCS = Path(__file__).parents[1] / "docs"
PLACE = re.compile(r"(<!-- scores -->\n).*?(<!-- end -->)", re.DOTALL)
WAYS = ("fastperc", "fastperc --quick", "HistGradientBoosting", "MLP of scikit-learn")
COLUMNS = ("table", "rows", "score", *WAYS)


class Set(NamedTuple):
    """A table, what to predict of it, and another table to be scored on."""

    file: str
    target: str
    test: str = ""


SETS = {
    "heart, Cleveland": Set("heart_cleveland.csv", "target"),
    "sonar": Set("sonar.csv", "class"),
    "ionosphere": Set("ionosphere.csv", "class"),
    "banknote": Set("banknote_authentication.csv", "class"),
    "MAGIC gamma": Set("magic_gamma.csv.gz", "class"),
    "letter": Set("letter_recognition.csv.gz", "letter"),
    "California housing": Set("california_housing.csv.gz", "MedHouseVal"),
    "California housing, raw": Set("california_housing_raw_missing.csv.gz", "median_house_value"),
    "adult": Set("adult_train.csv.gz", "income", "adult_test.csv.gz"),
}


class Figure(NamedTuple):
    """A score, and the seconds that it took."""

    score: float
    seconds: float


def measure(folder, name):
    """Return the figures of a table, one or two: held-out rows, and another file.

    Yields
    ------
    (str, int, str, dict of str to Figure)
        The table, its rows, what the score is, and the figures by way.
    """
    given = SETS[name]
    path = folder / given.file
    tests, figures, run = {}, {}, None
    if given.test:
        tests[f"{name}, its test file"] = open_source(str(folder / given.test)).read()
    others = {test: {} for test in tests}
    for way, quick in ((WAYS[0], False), (WAYS[1], True)):
        start = time.perf_counter()
        model = train(path, given.target, missing="indicator", quick=quick)
        seconds, run = time.perf_counter() - start, model.run_
        figures[way] = Figure(run.score, seconds)
        for test, table in tests.items():
            predicted = model.predict(table)
            others[test][way] = Figure(score_of(run, labels(run, table), predicted), seconds)
    frame = frame_of(run, open_source(str(path)).read())
    held = run.held_rows
    learned = np.setdiff1d(np.flatnonzero(frame[given.target].notna()), held)
    for way, made in zip(WAYS[2:], (boosting(run), network(run)), strict=True):
        start = time.perf_counter()
        X = frame[[*run.understanding.inputs]]
        y = target_of(run, frame)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            made.fit(X.iloc[learned], y[learned])
        seconds = time.perf_counter() - start
        figures[way] = Figure(score_of(run, y[held], made.predict(X.iloc[held])), seconds)
        for test, table in tests.items():
            like = frame_of(run, table, frame)[[*run.understanding.inputs]]
            score = score_of(run, labels(run, table), made.predict(like))
            others[test][way] = Figure(score, seconds)
    yield name, len(frame), run.score_name, figures
    for test, table in tests.items():
        yield test, table.num_rows, run.score_name, others[test]


def score_of(run, true, predicted):
    """Return what the record of a training has as its score."""
    return float((r2_score if run.score_name == "R2" else accuracy_score)(true, predicted))


def labels(run, table):
    """Return the labels of a test file, which in adult's end in a full stop."""
    return np.array([text.rstrip(".") for text in table[run.understanding.target].to_pylist()])


def frame_of(run, table: pa.Table, like=None):
    """Return a table as a DataFrame whose categories are such, those of another one if given."""
    frame = table.to_pandas()
    for name in run.understanding.of("category"):
        column = frame[name].astype("category")
        frame[name] = (
            column if like is None else column.cat.set_categories(like[name].cat.categories)
        )
    return frame


def target_of(run, frame):
    """Return what is to be predicted."""
    y = frame[run.understanding.target]
    return y.to_numpy(str if run.held_target.dtype.kind == "U" else None)


def boosting(run):
    """Return scikit-learn's gradient boosting."""
    if run.understanding.is_classification:
        return HistGradientBoostingClassifier(random_state=0)
    return HistGradientBoostingRegressor(random_state=0)


def network(run):
    """Return scikit-learn's network in a plain pipeline."""
    found = run.understanding
    categories = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="(missing)"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    columns = ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), [*found.of("number")]),
        ("categories", categories, [*found.of("category")]),
    ])  # fmt: skip
    if found.is_classification:
        return make_pipeline(columns, neural_network.MLPClassifier(random_state=0))
    model = neural_network.MLPRegressor(random_state=0)
    return make_pipeline(columns, TransformedTargetRegressor(model, transformer=StandardScaler()))


def warm_up():
    """Compile, or load, what is measured."""
    x = np.linspace(-1, 1, 300)
    table = pa.table({"x": x, "y": np.abs(x), "two": x > 0, "three": np.arange(300) % 3})
    for target in ("y", "two", "three"):
        for quick in (False, True):
            train(table, target, quick=quick)


def cell(figure):
    """Return a figure in words."""
    seconds = figure.seconds
    return (
        f"{figure.score:.3f}, {seconds:.1f} s"
        if seconds < 10
        else f"{figure.score:.3f}, {seconds:.0f} s"
    )


def main():
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=SETS, default=[*SETS], help="these tables")
    parser.add_argument("--write", action="store_true", help="fill in docs/tables.md")
    given = parser.parse_args()
    folder = Path(os.environ["FASTPERC_DATA"])
    warm_up()
    found = [line for name in given.only for line in measure(folder, name)]
    rows = [(name, f"{n:,}", score, *(cell(figures[way]) for way in WAYS))
            for name, n, score, figures in found]  # fmt: skip
    text = markdown([COLUMNS, *rows])
    print(text)
    if given.write:
        page = DOCS / "tables.md"
        filled = PLACE.sub(lambda m: f"{m[1]}{text}\n{m[2]}", page.read_text(encoding="utf-8"))
        replace_file(str(page), filled.encode())
        content = {
            "environment": environment_here(),
            "figures": [
                {"table": name, "rows": n, "score": score,
                 "ways": {way: figure._asdict() for way, figure in figures.items()}}
                for name, n, score, figures in found
            ],
        }  # fmt: skip
        (DOCS / "tables.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
