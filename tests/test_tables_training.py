"""From a table to a fitted pipeline, saved and read again."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.metrics import accuracy_score, r2_score

import fastperc
from fastperc.errors import TableError
from fastperc.tables import train
from fastperc.tables.splitting import folds, held_out, split

N = 300


def numbers(n=N, seed=0):
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    kind = rng.choice(["a", "b"], n)
    y = 1000 + 50 * (x + 0.5 * z * (kind == "a")) + rng.normal(0, 2, n)
    return pd.DataFrame({"x": x, "z": z, "kind": kind, "y": y})


def labels(n=N, seed=0):
    table = numbers(n, seed)
    return table.assign(y=np.where(table["y"] > 1000, "high", "low"))


SMALL = {"hidden": (4,), "epochs": 30}


@pytest.fixture(scope="module")
def regression():
    return train(numbers(), target="y", **SMALL)


@pytest.fixture(scope="module")
def classification():
    return train(labels(), target="y", quick=True)


# --- splits --------------------------------------------------------------------------------------


def test_classes_are_dealt_out_evenly():
    classes = np.repeat([0, 1, 2], [100, 51, 3])
    fold = split(len(classes), 5, np.random.default_rng(0), classes)
    counts = np.array([np.bincount(classes[fold == k], minlength=3) for k in range(5)])
    assert np.ptp(counts, axis=0).max() <= 1
    assert np.ptp(counts.sum(axis=1)) <= 1


def test_groups_stay_together():
    groups = np.repeat(np.arange(12), [50, 30, *[5] * 10])
    fold = split(len(groups), 4, np.random.default_rng(0), groups=groups)
    assert all(len(set(fold[groups == group])) == 1 for group in range(12))
    assert [*np.sort(np.bincount(fold))] == [25, 25, 30, 50]
    training, held = held_out(len(groups), np.random.default_rng(0), None, groups)
    assert not {*groups[training]} & {*groups[held]}


def test_every_row_is_tested_once():
    parts = folds(split(101, 5, np.random.default_rng(0)))
    assert sorted(np.concatenate([test for _, test in parts])) == [*range(101)]
    assert all(len(np.intersect1d(one, other)) == 0 for one, other in parts)


def test_a_fifth_is_held_out_and_a_class_of_one_row_is_not():
    classes = np.repeat([0, 1], [99, 1])
    for seed in range(20):
        training, held = held_out(100, np.random.default_rng(seed), classes)
        assert len(held) in (19, 20)
        assert 99 in training
        assert len(training) + len(held) == 100


# --- training ------------------------------------------------------------------------------------


def test_a_regression(regression):
    run = regression.run_
    assert run.score_name == "R2"
    assert run.score > 0.9
    assert abs(run.baseline) < 0.1
    assert (run.n_training, run.n_held) == (240, 60)
    table = numbers()
    prediction = regression.predict(table.drop(columns="y"))
    held = run.held_rows
    np.testing.assert_array_equal(run.held_target, table["y"][held])
    np.testing.assert_allclose(run.held_prediction, prediction[held], rtol=1e-6)
    assert run.score == pytest.approx(r2_score(run.held_target, run.held_prediction))
    other = numbers(seed=7)
    assert regression.score(other, other["y"]) > 0.9


def test_candidates_are_sorted_and_scored_on_five_folds(regression):
    scores = [c.score for c in regression.run_.candidates]
    assert scores == sorted(scores, reverse=True)
    best = regression.run_.best
    assert best.ended == "chosen"
    assert len(best.fold_scores) == 5
    assert best.score == pytest.approx(np.mean(best.fold_scores))
    assert best.spread == pytest.approx(np.std(best.fold_scores))


def test_a_classification(classification):
    run = classification.run_
    assert (run.score_name, run.understanding.task) == ("accuracy", "binary")
    assert run.score > 0.85
    assert run.score == accuracy_score(run.held_target, run.held_prediction)
    assert [*classification["model"].classes_] == ["high", "low"]
    assert run.held_probability.shape == (60, 2)
    assert len(run.validation_curve) == len(run.loss_curve) > 1


def test_the_encoder_learns_from_training_rows_only(regression):
    rows = np.setdiff1d(np.arange(N), regression.run_.held_rows)
    x = numbers()["x"].to_numpy()[rows]
    encoding = regression["columns"].encodings_[0]
    assert (encoding.mean, encoding.scale) == pytest.approx((x.mean(), x.std()))


def test_the_same_seed_gives_the_same_bits():
    a, b = (train(labels(), target="y", seed=3, threads=k, **SMALL) for k in (1, 2))
    other = train(labels(), target="y", seed=4, **SMALL)
    np.testing.assert_array_equal(a.predict_proba(labels()), b.predict_proba(labels()))
    assert [c.score for c in a.run_.candidates] == [c.score for c in b.run_.candidates]
    assert not np.array_equal(a.run_.held_rows, other.run_.held_rows)


def test_several_classes_one_of_them_rare():
    table = numbers()
    y = np.digitize(table["x"], [-0.5, 0.5])
    y[0] = 9
    model = train(table.assign(y=y), target="y", **SMALL)
    assert [*model["model"].classes_] == [0, 1, 2, 9]
    assert model.run_.score > 0.85


def test_groups_are_not_torn_apart():
    table = numbers().assign(who=np.arange(N) // 10)
    run = train(table, target="y", group="who", quick=True).run_
    held = {*table["who"][run.held_rows]}
    assert len(run.held_rows) == 10 * len(held)
    assert "who" not in run.understanding.inputs
    with pytest.raises(TableError, match="found 2 groups, expected at least 3"):
        train(table.assign(who=np.arange(N) % 2), target="y", group="who")


def test_weights_count():
    """Rows of weight 0 say the opposite, and are not believed."""
    table = pd.concat([numbers().assign(w=1.0), numbers(seed=1).assign(w=0.0)])
    table.loc[table["w"] == 0, "y"] *= -1
    run = train(table, target="y", weight="w", quick=True, hidden=(8,)).run_
    assert run.score > 0.8
    assert run.held_weight.sum() > 0
    with pytest.raises(TableError, match=r"row 2, column 'w': found '-1.0'|column 'w'"):
        train(table.assign(w=[1.0, -1.0] * N), target="y", weight="w")


def test_balanced_classes():
    table = labels(1000)
    table.loc[table["x"] < 1.0, "y"] = "low"
    plain = train(table, target="y", quick=True, hidden=(), epochs=20).run_
    run = train(table, target="y", quick=True, hidden=(), epochs=20, class_weight="balanced").run_
    assert run.score_name == "balanced accuracy"
    assert run.baseline == pytest.approx(0.5)
    of = lambda r: np.mean(r.held_prediction[r.held_target == "high"] == "high")  # noqa: E731
    assert of(run) >= of(plain)


@pytest.mark.parametrize("missing", ["drop", "mean", "indicator"])
def test_missing_cells(missing):
    table = numbers()
    table.loc[:49, "x"] = np.nan
    table.loc[295:, "y"] = np.nan
    run = train(table, target="y", missing=missing, quick=True).run_
    assert run.n_training + run.n_held == (245 if missing == "drop" else 295)
    with pytest.raises(TableError, match=r"row 1, column 'x': \d+ cells have no value"):
        train(table, target="y", quick=True)


def test_a_missing_cell_of_a_file_is_named_by_its_line(tmp_path):
    path = tmp_path / "a.csv"
    table = numbers()
    table.loc[6, "z"] = np.nan
    table.to_csv(path, index=False)
    with pytest.raises(TableError, match=r"a\.csv, line 8, column 'z': this cell has no value"):
        train(path, target="y")


def test_a_time_limit_ends_it():
    model = train(numbers(5000), target="y", time_limit=0.05)
    assert model.run_.stopped == "time_limit"
    assert np.isfinite(model.predict(numbers())).all()


def test_progress_is_told():
    told = []
    train(numbers(), target="y", report=told.append, **SMALL)
    assert {p.stage for p in told} >= {"trying all", "fitting"}
    assert all(0 <= p.done <= 1 and p.left >= 0 for p in told)
    assert told[-1].score > 0.9


def test_a_search_goes_on_from_its_checkpoint(tmp_path):
    path = tmp_path / "c"
    whole = train(labels(), target="y", **SMALL)
    told = []

    def stop(progress):
        told.append(progress)
        if progress.stage == "fitting":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(labels(), target="y", checkpoint=path, report=stop, **SMALL)
    assert path.exists()
    resumed = train(labels(), target="y", checkpoint=path, resume=True, **SMALL)
    np.testing.assert_array_equal(resumed.predict_proba(labels()), whole.predict_proba(labels()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"missing": "guess"}, "missing: found 'guess'"),
        ({"class_weight": "all"}, "class_weight: found 'all'"),
        ({"seed": -1}, "seed: found -1"),
        ({"task": "ranking"}, "task: found 'ranking'"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        train(numbers(), target="y", **options)


def test_too_few_rows():
    with pytest.raises(TableError, match="found 9 rows, expected at least 10"):
        train(numbers(9), target="y")


# --- files ---------------------------------------------------------------------------------------


def test_models_of_hundreds_of_columns_are_saved_too(tmp_path):
    """Of all kinds of columns, some chosen, some left out, and with many classes."""
    rng, n = np.random.default_rng(0), 320
    texts = np.array([f"kind {k}" for k in range(24)])
    table = {f"number {k}": rng.normal(size=n) for k in range(400)}
    table |= {f"text {k}": texts[np.arange(n) * (k + 1) % 24] for k in range(80)}
    days = np.datetime64("2020-01-01") + rng.integers(0, 2000, (20, n))
    table |= {f"date {k}": pa.array(days[k], mask=rng.random(n) < 0.1) for k in range(20)}
    table |= {f"left out {k}": rng.normal(size=n) for k in range(50)}
    table["y"] = np.array([f"class {k:03}" for k in range(n // 4)])[np.arange(n) % (n // 4)]
    table = pa.table(table)
    model = train(
        table, target="y", quick=True, epochs=1, missing="indicator",
        drop=[f"left out {k}" for k in range(50)],
        categorical=[f"text {k}" for k in range(80)],
    )  # fmt: skip
    fastperc.save(model, tmp_path / "m.fp")
    loaded = fastperc.load(tmp_path / "m.fp")
    assert loaded["columns"].encodings_ == model["columns"].encodings_
    assert {type(one).__name__ for one in model["columns"].encodings_} == {
        "NumberEncoding", "CategoryEncoding", "DateEncoding"
    }  # fmt: skip
    assert loaded["columns"].get_params() == model["columns"].get_params()
    assert loaded.run_.understanding == model.run_.understanding
    assert loaded.run_.options["drop"] == [*model.run_.options["drop"]]
    assert (loaded.predict_proba(table) == model.predict_proba(table)).all()


@pytest.mark.parametrize("name", ["regression", "classification"])
def test_saved_and_loaded_to_the_last_bit(name, request, tmp_path):
    model = request.getfixturevalue(name)
    path, table = tmp_path / "model.fp", labels()
    fastperc.save(model, path)
    loaded = fastperc.load(path)
    np.testing.assert_array_equal(loaded.predict(table), model.predict(table))
    if name == "classification":
        np.testing.assert_array_equal(loaded.predict_proba(table), model.predict_proba(table))
    assert loaded["columns"].encodings_ == model["columns"].encodings_
    ours, theirs = loaded.run_, model.run_
    assert ours.understanding == theirs.understanding
    assert repr(ours.candidates) == repr(theirs.candidates)
    assert ours.score == theirs.score
    np.testing.assert_array_equal(ours.held_prediction, theirs.held_prediction)
    fastperc.save(loaded, tmp_path / "again.fp")
    assert (tmp_path / "again.fp").read_bytes() == path.read_bytes()


def test_every_kind_of_encoding_is_kept(tmp_path):
    rng = np.random.default_rng(0)
    table = pa.table({
        "tails": np.exp(rng.normal(0, 3, N)),
        "holes": [None, *range(1, N)],
        "when": pa.array(np.arange(N) * 86_400_000_000 * 3, pa.timestamp("us")),
        "many": rng.choice([f"é{k}" for k in range(200)], N, p=np.arange(1, 201) / 20_100),
        "code": [None, *(np.arange(1, N) % 5).tolist()],
        "y": rng.normal(size=N),
    })  # fmt: skip
    model = train(table, target="y", missing="indicator", categorical=["code"], quick=True)
    fastperc.save(model, tmp_path / "m")
    loaded = fastperc.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.predict(table), model.predict(table))
    assert loaded["columns"].encodings_ == model["columns"].encodings_


def test_other_pipelines_are_refused(regression, tmp_path):
    from sklearn.pipeline import Pipeline

    with pytest.raises(TypeError, match="save the model in its last step"):
        fastperc.save(Pipeline([("model", regression["model"])]), tmp_path / "m")


# --- larger than memory --------------------------------------------------------------------------


def streamed(table, **options):
    """Train on a table as if it were twice as large as memory."""
    return train(table, target="y", memory=pa.table(table).nbytes / 2, **options)


@pytest.mark.parametrize("make", [numbers, labels])
def test_streamed_as_good_as_in_memory(make):
    table = make(20_000)
    options = {"hidden": (8,), "quick": True, "epochs": 6}
    whole, model = train(table, target="y", **options), streamed(table, **options)
    assert model.run_.score == pytest.approx(whole.run_.score, abs=0.01)
    assert any("Streamed" in text for text in model.run_.understanding.stated)
    other = make(1000, seed=9)
    assert model.score(other, other["y"]) == pytest.approx(whole.score(other, other["y"]), abs=0.02)
    np.testing.assert_array_equal(streamed(table, **options).predict(other), model.predict(other))


def test_streamed_rows_that_are_sorted_are_shuffled():
    table = labels(20_000).sort_values("y", ignore_index=True)
    model = streamed(table, hidden=(8,), quick=True, epochs=6)
    assert model.run_.score > 0.9
    share = np.mean(model.run_.held_target == "high")
    assert share == pytest.approx(np.mean(table["y"] == "high"), abs=0.03)


def test_streamed_search_with_groups_weights_and_holes():
    n = 12_000
    table = labels(n).assign(who=np.arange(n) // 10, w=1.0)
    table.loc[::50, "x"] = np.nan
    table.loc[5, "y"] = "never else"
    options = {"group": "who", "weight": "w", "hidden": (4,), "epochs": 3}
    model = streamed(table, missing="indicator", **options)
    assert len(model.run_.candidates) == 16
    assert [*model["model"].classes_] == ["high", "low", "never else"]
    held = {*table["who"][model.run_.held_rows]}
    assert model.run_.n_held == 10 * len(held)
    assert model.run_.score > 0.85
    with pytest.raises(TableError, match=r"row 1, column 'x': 240 cells have no value, in x"):
        streamed(table, **options)


def test_the_window_lets_every_row_out_once():
    from fastperc.tables.encoding import TableEncoder
    from fastperc.tables.reading import open_source
    from fastperc.tables.streaming import Lots, Stream
    from fastperc.tables.understanding import understand

    table = pa.table({"x": np.arange(5000.0) ** 2, "y": np.arange(5000.0)})
    source = open_source(table)
    encoder = TableEncoder(["x"]).fit(table)
    found = understand(source, "y", numeric=["x"])
    stream = Stream(source, found, encoder, Lots(5000, 100, None, 0), 1000, 300)
    epochs = [[y for _, y in stream.epoch(k)] for k in (0, 0, 1)]
    first, again, other = (np.concatenate(parts) for parts in epochs)
    held = Lots(5000, 100, None, 0).of(table) < 0.2
    np.testing.assert_array_equal(np.sort(first), np.flatnonzero(~held))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert abs(np.corrcoef(first, np.arange(len(first)))[0, 1]) < 0.95
    assert max(len(y) for y in epochs[0]) < 600
