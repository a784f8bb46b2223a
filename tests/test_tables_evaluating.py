"""Scores of a model of tables: scikit-learn's, their intervals, slices, and strange labels."""

import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import pytest
from sklearn import metrics

import fastperc
from fastperc.commands import main as cli
from fastperc.errors import TableError
from fastperc.tables import evaluate, train
from fastperc.tables.scores import classification, regression
from fastperc.tables.slicing import slices_of


def rows(seed, n=1000):
    rng = np.random.default_rng(seed)
    x, kind = rng.uniform(-2, 2, n), rng.choice(["a", "b", "c"], n)
    y = 3 * x + rng.normal(size=n) * np.where(kind == "a", 3, 1)
    return pa.table({
        "x": x, "kind": kind, "y": y, "sign": np.where(y > 0, "plus", "minus"),
        "level": np.clip(np.round(y / 3), -1, 1).astype(int), "is_large": y > 1,
    })  # fmt: skip


@pytest.fixture(scope="module")
def models():
    made = {}
    for target in ("y", "sign", "level", "is_large"):
        table = rows(0).select(["x", "kind", target])
        made[target] = train(table, target, quick=True, epochs=5)
    return made


@pytest.fixture(scope="module")
def table():
    return rows(1)


def values(scores):
    return {score.name: score.value for score in scores}


# --- scores --------------------------------------------------------------------------------------


def test_scores_of_numbers_are_those_of_scikit_learn(models, table):
    y, found = table["y"].to_numpy(), models["y"].predict(table)
    assert values(evaluate(models["y"], table).scores) == pytest.approx({
        "R2": metrics.r2_score(y, found), "MAE": metrics.mean_absolute_error(y, found),
        "RMSE": metrics.root_mean_squared_error(y, found),
    })  # fmt: skip


@pytest.mark.parametrize("target", ["sign", "level", "is_large"])
def test_scores_of_labels_are_those_of_scikit_learn(models, table, target):
    model = models[target]
    y, found = np.array(table[target].to_pylist()), model.predict(table)
    p = model.predict_proba(table)
    expected = {
        "accuracy": metrics.accuracy_score(y, found),
        "balanced accuracy": metrics.balanced_accuracy_score(y, found),
        "log loss": metrics.log_loss(y, p),
    }
    if len(model["model"].classes_) == 2:
        expected["ROC AUC"] = metrics.roc_auc_score(y, p[:, 1])
    assert values(evaluate(model, table).scores) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("target", ["y", "sign", "level"])
def test_weighted_scores_are_those_of_scikit_learn(models, table, target):
    model, rng = models[target], np.random.default_rng(2)
    weight = np.where(rng.random(table.num_rows) < 0.2, 0.0, rng.uniform(0, 9, table.num_rows))
    given = table.append_column("w", pa.array(weight, mask=np.arange(len(weight)) < 5))
    weight[:5] = 0.0
    found = evaluate(model, given, weight="w")
    y, out = np.array(table[target].to_pylist()), model.predict(table)
    by_name = {
        "R2": lambda: metrics.r2_score(y, out, sample_weight=weight),
        "MAE": lambda: metrics.mean_absolute_error(y, out, sample_weight=weight),
        "RMSE": lambda: metrics.root_mean_squared_error(y, out, sample_weight=weight),
        "accuracy": lambda: metrics.accuracy_score(y, out, sample_weight=weight),
        "balanced accuracy": lambda: metrics.balanced_accuracy_score(y, out, sample_weight=weight),
        "log loss": lambda: metrics.log_loss(y, model.predict_proba(table), sample_weight=weight),
        "ROC AUC": lambda: metrics.roc_auc_score(
            y, model.predict_proba(table)[:, 1], sample_weight=weight
        ),
    }
    expected = {score.name: by_name[score.name]() for score in found.scores}
    assert values(found.scores) == pytest.approx(expected, rel=1e-5)
    assert (found.n_rows, found.n_without) == ((weight > 0).sum(), (weight == 0).sum())
    assert all(score.low <= score.value <= score.high for score in found.scores)
    part = evaluate(model, given, weight="w", by=["w"]).slices
    assert sum(one.n_rows for one in part) == found.n_rows


def test_weights_that_cannot_be_are_refused(models, table):
    bad = (-1.0, "found '-1.0', expected a weight"), (0.0, "all weights are 0"), ("much", "'much'")
    for value, words in bad:
        given = table.append_column("w", pa.array([value] * table.num_rows))
        with pytest.raises(TableError, match=words):
            evaluate(models["y"], given, weight="w")
    with pytest.raises(TableError, match="no column 'v'"):
        evaluate(models["y"], table, weight="v")


def test_ties_and_classes_that_are_not_there():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, 500)
    p = np.round(np.clip(codes * 0.2 + rng.uniform(0, 0.8, 500), 0, 1), 1)
    terms, functions = classification(codes, np.column_stack([1 - p, p]))
    found = values(terms.scores(functions))
    assert found["ROC AUC"] == pytest.approx(metrics.roc_auc_score(codes, p))
    terms, functions = classification(codes, np.column_stack([1 - p, p, 0 * p]))
    assert values(terms.scores(functions))["balanced accuracy"] == pytest.approx(
        metrics.balanced_accuracy_score(codes, np.where(p > 0.5, 1, 0))
    )
    terms, functions = classification(np.ones(500, int), np.column_stack([1 - p, p]))
    assert np.isnan(values(terms.scores(functions))["ROC AUC"])


def test_large_numbers_that_hardly_differ():
    rng = np.random.default_rng(0)
    y = 1e9 + rng.normal(size=3000)
    found = y + rng.normal(size=3000) / 2
    terms, functions = regression(y, found)
    assert terms.scores(functions)[0].value == pytest.approx(metrics.r2_score(y, found), abs=1e-6)
    terms, functions = regression(np.full(20, 7.0), np.arange(20.0))
    assert np.isnan(terms.scores(functions)[0].value)


# --- intervals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [300, 3000])
def test_intervals_are_those_of_resampled_rows(n):
    """Of rows one by one, and of rows in blocks."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 2, n)
    p = np.clip(0.5 + (codes - 0.5) * 0.4 + rng.normal(size=n) * 0.25, 0.01, 0.99)
    functions = {
        "accuracy": lambda at: np.mean((p[at] > 0.5) == codes[at]),
        "log loss": lambda at: metrics.log_loss(codes[at], p[at]),
        "ROC AUC": lambda at: metrics.roc_auc_score(codes[at], p[at]),
    }
    draws = [rng.integers(0, n, n) for _ in range(150)]
    terms, own = classification(codes, np.column_stack([1 - p, p]))
    found = {score.name: score for score in terms.scores(own)}
    for name, function in functions.items():
        expected = np.quantile([function(at) for at in draws], [0.025, 0.975])
        width = expected[1] - expected[0]
        np.testing.assert_allclose([found[name].low, found[name].high], expected, atol=0.3 * width)


def test_intervals_hold_the_true_score_as_often_as_they_say():
    held = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        y = rng.normal(size=300)
        terms, functions = regression(y + rng.normal(size=300), y)
        r2 = terms.scores(functions, n_resamples=200)[0]
        held += r2.low <= 0.5 <= r2.high
    assert 88 <= held <= 99


def test_the_seed_decides(models, table):
    one, two, three = (evaluate(models["y"], table, seed=seed).scores for seed in (0, 0, 1))
    assert one == two
    assert one != three
    assert values(one) == values(three)


# --- slices --------------------------------------------------------------------------------------


def test_slices_have_the_scores_of_their_rows(models, table):
    found = evaluate(models["y"], table, by=["kind", "x"])
    assert [part.value for part in found.slices[:3]] == ["a", "b", "c"]
    assert len(found.slices) == 7
    assert sum(part.n_rows for part in found.slices[3:]) == table.num_rows
    for part in found.slices[:3]:
        alone = table.filter(pc.equal(table["kind"], part.value))
        assert values(part.scores) == pytest.approx(values(evaluate(models["y"], alone).scores))
    assert found.slices[0].scores[0].high < found.slices[1].scores[0].low  # more noise


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        ([2, 10, None, 2], ["2", "10", "no value"]),
        ([True, False], ["false", "true"]),
        ([float(k) for k in range(100)], ["0 to 25", "> 25 to 50", "> 50 to 74", "> 74 to 99"]),
        ([0.0] * 80 + [k / 7 for k in range(1, 30)], ["0 to 0.2857", "> 0.2857 to 4.143"]),
        ([f"t{k:02d}" for k in range(23)], [*(f"t{k:02d}" for k in range(20)), "3 others"]),
        ([None, None], ["no value"]),
    ],
)
def test_slices_of_columns(cells, names):
    found = slices_of(pa.chunked_array([cells]))
    assert sum(len(at) for _, at in found) == len(cells)
    assert len(np.unique(np.concatenate([at for _, at in found]))) == len(cells)
    assert [name for name, _ in found][:3] == names[:3] or cells[0] == 0.0
    assert len(found) == len(names) or cells[0] == 0.0


def test_slices_of_dates():
    days = np.arange("2024-01-01", "2024-04-10", dtype="M8[D]")
    found = slices_of(pa.chunked_array([pa.array(days), pa.array([None], pa.date32())]))
    assert [len(at) for _, at in found] == [26, 25, 24, 25, 1]
    assert found[0][0] == "2024-01-01 to 2024-01-26"


# --- labels --------------------------------------------------------------------------------------


def test_labels_with_a_full_stop_lead_to_the_option(models, table, tmp_path, capsys):
    labels = pc.binary_join_element_wise(table["sign"], ".", "")
    strange = table.set_column(3, "sign", labels)
    with pytest.raises(TableError, match=r"'plus\.', 'minus\.'.*add --strip-labels \.$"):
        evaluate(models["sign"], strange)
    found = evaluate(models["sign"], strange, strip_labels=".")
    assert found.scores == evaluate(models["sign"], table).scores


def test_labels_that_are_unknown_are_named(models, tmp_path, capsys):
    fastperc.save(models["sign"], tmp_path / "sign.fp")
    (tmp_path / "new.csv").write_text("x,kind,sign\n1,a,plus\n1,a,zero\n1,b,'\x1b[2J'\n")
    assert cli.main(["evaluate", str(tmp_path / "sign.fp"), str(tmp_path / "new.csv")]) == 3
    said = capsys.readouterr().err
    assert said == (
        "fastperc: new.csv, line 3, column 'sign': the model does not know the labels 'zero', "
        "''\\x1b[2J''; its classes are 'minus', 'plus'\n"
    )


def test_rows_without_a_target_are_counted(models):
    few = pa.table({"x": [1.0, 2.0, -1.0], "kind": ["a", "b", "a"], "y": [3.0, None, -3.0]})
    found = evaluate(models["y"], few)
    assert (found.n_rows, found.n_without) == (2, 1)
    with pytest.raises(TableError, match="no row has a target"):
        evaluate(models["y"], few.slice(1, 1))
    with pytest.raises(TableError, match="no column 'y'"):
        evaluate(models["y"], few.select(["x", "kind"]))


# --- the command ---------------------------------------------------------------------------------


def test_the_command_prints_scores_and_slices(models, table, tmp_path, capsys):
    fastperc.save(models["sign"], tmp_path / "sign.fp")
    pa.parquet.write_table(table, tmp_path / "new.parquet")
    words = ["evaluate", str(tmp_path / "sign.fp"), str(tmp_path / "new.parquet"), "--by", "kind"]
    assert cli.main(words) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0] == "sign: 1,000 rows of new.parquet"
    assert [line.split("  ")[1] for line in lines[1:5]] == [
        "accuracy", "balanced accuracy", "log loss", "ROC AUC",
    ]  # fmt: skip
    assert lines[6] == "accuracy by kind"
    assert len(lines) == 10
    assert max(map(len, lines)) <= 80
    assert said.err.startswith("Ignored, as the model does not know them: y, level, is_large")
    assert cli.main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == evaluate(models["sign"], table, by=["kind"]).as_dict() | {
        "table": "new.parquet"
    }


def test_what_is_not_defined_is_null_in_json(models, table):
    found = evaluate(models["y"], table.slice(0, 1)).as_dict()
    assert found["scores"][0] == {"name": "R2", "value": None, "low": None, "high": None}


@pytest.mark.slow
def test_adult_is_scored_on_the_rows_that_its_authors_held_out(tmp_path, capsys):
    folder = os.environ.get("FASTPERC_DATA")
    if not folder:
        pytest.skip("FASTPERC_DATA does not name a folder of data sets")
    model = train(f"{folder}/adult_train.csv.gz", "income", quick=True, missing="indicator")
    with pytest.raises(TableError, match=r"add --strip-labels \."):
        evaluate(model, f"{folder}/adult_test.csv.gz")
    found = evaluate(model, f"{folder}/adult_test.csv.gz", strip_labels=".", by=["sex"])
    assert found.n_rows == 16_281
    assert values(found.scores)["accuracy"] > 0.85
    assert [(part.value, part.n_rows) for part in found.slices] == [
        ("Female", 5421), ("Male", 10860),
    ]  # fmt: skip
