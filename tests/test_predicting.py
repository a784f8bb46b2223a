"""Predictions for tables: the same as the pipeline's, batch by batch, and what is said of them."""

import csv
import io
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

import fastperc
from fastperc.commands.main import main
from fastperc.errors import DataError, TableError
from fastperc.tables import predicting, train, writing
from fastperc.tables.predicting import Predictor, ahead, half_width, open_for, predict
from fastperc.tables.reading import open_source


def rows(n, seed=0):
    """A table of numbers and categories, with a number and a label to predict."""
    rng = np.random.default_rng(seed)
    size, age = rng.uniform(20, 200, n), rng.integers(0, 90, n)
    kind = rng.choice(["flat", "house", "hut"], n)
    price = 3 * size - age + 50 * (kind == "house") + rng.normal(0, 10, n)
    level = np.array(["low", "middle", "high"])[np.digitize(price, [200, 400])]
    return pa.table({"id": [f"{k:05}" for k in range(n)], "size": size, "age": age, "kind": kind,
                     "price": price, "level": level})  # fmt: skip


@pytest.fixture(scope="module")
def regression():
    return train(rows(400).drop(["level"]), target="price", quick=True, epochs=20)


@pytest.fixture(scope="module")
def classification():
    return train(rows(400).drop(["price"]), target="level", quick=True, epochs=20)


@pytest.fixture
def folder(tmp_path, monkeypatch, regression, classification):
    """A folder with models and a table."""
    monkeypatch.chdir(tmp_path)
    fastperc.save(regression, "price.fp")
    fastperc.save(classification, "level.fp")
    pyarrow.csv.write_csv(rows(50, seed=1), "new.csv")
    return tmp_path


def run(capsys, *words):
    """Status, standard output as lists of cells, and standard error of a command."""
    status = main(["predict", *map(str, words)])
    said = capsys.readouterr()
    return status, [*csv.reader(io.StringIO(said.out))], said.err


# --- what is predicted ----------------------------------------------------------------------------


def test_numbers_are_those_of_the_pipeline(regression):
    table = rows(300, seed=2)
    found = predict(regression, table, keep=["id"])
    assert found.column_names == ["id", "prediction"]
    assert found["id"] == table["id"]
    assert found["prediction"].to_numpy().tolist() == regression.predict(table).tolist()


def test_labels_and_probabilities_are_those_of_the_pipeline(classification):
    table = rows(300, seed=2)
    found = predict(classification, table, proba=True)
    classes = classification["model"].classes_.tolist()
    assert found["prediction"].to_pylist() == classification.predict(table).tolist()
    P = np.column_stack([found[f"probability_{label}"].to_numpy() for label in classes])
    np.testing.assert_array_equal(P, classification.predict_proba(table))


def test_two_classes_of_any_kind():
    table = rows(200).select(["size", "kind"])
    for labels in ([0, 1], [False, True], ["no", "yes"]):
        y = pa.array(np.array(labels)[(table["size"].to_numpy() > 90).astype(int)])
        model = train(table.append_column("y", y), target="y", quick=True, epochs=5)
        found = predict(model, table)
        assert found["prediction"].to_pylist() == model.predict(table).tolist()
        assert found.schema.field("prediction").type == y.type


def test_batches_are_as_good_as_the_whole(regression, monkeypatch):
    table = rows(1000, seed=3)
    source = open_source(table)
    whole = predict(regression, source)
    read = source.batches
    monkeypatch.setattr(source, "batches", lambda names: read(names, rows=7))
    predictor = Predictor(regression, source)
    batches = [*predictor.batches()]
    assert len(batches) == math.ceil(1000 / 7)
    assert predictor.n_rows == 1000
    assert pa.Table.from_batches(batches) == whole.combine_chunks()


def test_columns_are_found_by_name(regression):
    table = rows(20, seed=4)
    other = table.select([*reversed(table.column_names)])
    assert predict(regression, other) == predict(regression, table)
    assert predict(regression, table.to_pandas()) == predict(regression, table)


def test_missing_column(regression):
    with pytest.raises(TableError, match="no column 'age'; did you mean 'aged'"):
        predict(regression, rows(5).rename_columns(["id", "size", "aged", "kind", "p", "l"]))


def test_what_is_ignored_and_unseen_is_told(regression):
    table = rows(5).drop(["price"])
    table = table.set_column(3, "kind", [["hut", "tent", "boat", "flat", None]])
    model = Predictor(regression, open_source(table), missing="empty")
    assert next(iter(model.batches())).num_rows == 5
    assert [*model.sentences()] == [
        "2 columns are none of the model's, and ignored: id, level",
        "2 cells of a category that was not there in training, in 'kind' (2)",
        "1 of 5 rows lack a value, and have no prediction",
    ]


def test_cells_without_a_value(regression):
    table = rows(5).set_column(1, "size", [[50.0, None, 60.0, None, 70.0]])
    with pytest.raises(TableError, match=r"row 2, column 'size': .* --missing empty"):
        predict(regression, table)
    found = predict(regression, table, missing="empty")["prediction"]
    there = table.take([0, 2, 4])
    assert found.drop_null() == predict(regression, there)["prediction"]
    assert found.is_null().to_pylist() == [False, True, False, True, False]
    nothing = predict(regression, table.take([1, 3]), missing="empty")
    assert nothing["prediction"].to_pylist() == [None, None]


def test_a_model_that_takes_missing_cells():
    table = rows(200).drop(["id", "level"])
    sizes = [None if k % 5 == 0 else size for k, size in enumerate(table["size"].to_pylist())]
    table = table.set_column(0, "size", [sizes])
    model = train(table, target="price", quick=True, epochs=5, missing="indicator")
    assert predict(model, table)["prediction"].null_count == 0


def test_other_models_are_refused():
    with pytest.raises(DataError, match=r"found a MLPRegressor, expected the model of a table"):
        predict(fastperc.MLPRegressor(), rows(5))


def test_text_among_numbers_is_told_without_options_that_there_are_not(folder, regression):
    (folder / "bad.csv").write_text("size,age,kind\n1,2,flat\nbig,2,flat\n")
    with pytest.raises(TableError) as caught:
        open_for(regression, "bad.csv")
    assert str(caught.value) == (
        "bad.csv, line 3, column 'size': found 'big', expected a number, as in 1 of 2 cells; the "
        "model takes it for a number"
    )


# --- intervals ------------------------------------------------------------------------------------


def test_intervals_hold_as_often_as_they_say(regression):
    table = rows(4000, seed=5)
    y = table["price"].to_numpy()
    for coverage in (0.5, 0.8):
        found = predict(regression, table, coverage=coverage)
        holds = (found["lower"].to_numpy() <= y) & (y <= found["upper"].to_numpy())
        # Of 80 held-out rows, the coverage has a Beta distribution of deviation 0.055 or less.
        assert abs(holds.mean() - coverage) < 0.14


def test_half_width_is_the_quantile_of_the_definition(regression):
    record = regression.run_
    errors = np.sort(np.abs(record.held_target - record.held_prediction))
    n = len(errors)
    for coverage in (0.1, 0.5, 0.9, 0.95):
        width = half_width(record, coverage)
        assert np.count_nonzero(errors <= width) >= (n + 1) * coverage - 1e-9
        assert np.count_nonzero(errors < width) < (n + 1) * coverage


def test_coverage_of_few_rows(regression):
    with pytest.raises(DataError, match=r"80 rows .* 0.999 needs at least 999"):
        half_width(regression.run_, 0.999)


def test_what_does_not_fit_the_task(regression, classification):
    with pytest.raises(DataError, match="--proba"):
        predict(classification, rows(5), coverage=0.9)
    with pytest.raises(DataError, match="--interval"):
        predict(regression, rows(5), proba=True)


# --- the command ----------------------------------------------------------------------------------


def test_standard_output(folder, capsys, regression):
    status, lines, said = run(capsys, "price.fp", "new.csv", "--keep", "id,kind", "--interval")
    assert status == 0
    assert lines[0] == ["id", "kind", "prediction", "lower", "upper"]
    assert [line[0] for line in lines[1:]] == [f"{k:05}" for k in range(50)]  # zeros are kept
    there = np.array([line[2:] for line in lines[1:]], np.float32)
    assert there[:, 0].tolist() == regression.predict("new.csv").tolist()
    assert (there[:, 1] < there[:, 0]).all()
    assert said == "fastperc: 1 column is none of the model's, and ignored: level\n"


def test_standard_input(folder, capsys, monkeypatch):
    expected = run(capsys, "price.fp", "new.csv", "--quiet")
    with open("new.csv") as file:
        monkeypatch.setattr("sys.stdin", file)
        assert run(capsys, "price.fp", "-", "--quiet") == expected
    assert expected[2] == ""


READERS = {
    ".csv": pyarrow.csv.read_csv,
    ".csv.gz": pyarrow.csv.read_csv,
    ".csv.zst": lambda path: pyarrow.csv.read_csv(pa.input_stream(path, compression="zstd")),
    ".tsv": lambda path: pa.Table.from_pandas(pd.read_csv(path, sep="\t")),
    ".parquet": pyarrow.parquet.read_table,
    ".feather": pyarrow.feather.read_table,
    ".arrow": pyarrow.feather.read_table,
}


@pytest.mark.parametrize("ending", READERS)
def test_files(folder, capsys, classification, ending):
    status = main(["predict", "level.fp", "new.csv", "--out", f"out{ending}", "--proba"])
    assert status == 0
    assert f"Wrote out{ending}: 50 rows, in" in capsys.readouterr().out
    table = READERS[ending](f"out{ending}")
    assert table.column_names == [
        "prediction", "probability_high", "probability_low", "probability_middle",
    ]  # fmt: skip
    assert table["prediction"].to_pylist() == classification.predict("new.csv").tolist()


def test_a_file_is_there_whole_or_not_at_all(folder, capsys):
    (folder / "out.csv").write_text("before")
    table = rows(200_000).drop(["price", "level"])
    gaps = [*([1.0] * 199_999), None]
    pyarrow.parquet.write_table(table.set_column(1, "size", [gaps]), "gap.parquet")
    status, _, said = run(capsys, "price.fp", "gap.parquet", "--out", "out.csv")
    assert status == 3
    assert said.startswith("fastperc: gap.parquet, row 200,000, column 'size': the cell has no")
    assert (folder / "out.csv").read_text() == "before"
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--out", "out.xlsx"], "--out: found the ending '.xlsx', expected one of .csv"),
        (["--out", "out.parquet.gz"], "'.parquet.gz'"),
        (["--out", "new.csv"], "it is new.csv. Give another name"),
        (["--out", "no/out.csv"], "there is no folder no"),
        (["--coverage", "0.9"], "give --interval too"),
        (["--interval", "--coverage", "1"], "--coverage: found 1.0"),
        (["--out", "o.parquet", "--spreadsheet-safe"], "--spreadsheet-safe is for text"),
    ],
)
def test_wrong_usage(folder, capsys, words, says):
    status, _, said = run(capsys, "price.fp", "new.csv", *words)
    assert (status, says in said) == (2, True), said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["price.fp", "new.csv", "--keep", "idd"], 3, "no column 'idd'; did you mean 'id'"),
        (["price.fp", "nothing.csv"], 2, "cannot use 'nothing.csv'"),
        (["new.csv", "new.csv"], 4, "new.csv"),
        (["level.fp", "new.csv", "--interval"], 3, "--proba tells how likely each is"),
        (["net.fp", "new.csv"], 3, "found a Network, expected the model of a table"),
    ],
)
def test_bad_data(folder, capsys, words, status, says):
    fastperc.save(fastperc.Network((2, 1)), "net.fp")
    found, _, said = run(capsys, *words)
    assert (found, says in said) == (status, True), said
    assert said.count("\n") == 1


def test_a_kept_column_of_a_name_that_is_taken(folder, capsys):
    (folder / "p.csv").write_text("size,age,kind,prediction\n1,2,flat,3\n")
    status, _, said = run(capsys, "price.fp", "p.csv", "--keep", "prediction")
    assert (status, "leave it out of --keep" in said) == (3, True)


# --- text -----------------------------------------------------------------------------------------

NASTY = [
    "plain",
    "a,b",
    'say "no"',
    "two\nlines",
    " space",
    "=1+1",
    "-x",
    "@me",
    "+2",
    "\tx",
    "",
    None,
]


@pytest.mark.parametrize("separator", [",", "\t"])
def test_cells_are_read_as_they_were(separator):
    out = io.BytesIO()
    table = pa.record_batch({"a,b": NASTY, "n": pa.array([0.1, None, *range(10)], pa.float32())})
    writer = writing.CsvWriter(out, table.schema, separator)
    writer.write(table.slice(0, 5))
    writer.write(table.slice(5))
    lines = [*csv.reader(io.StringIO(out.getvalue().decode(), newline=""), delimiter=separator)]
    assert lines[0] == ["a,b", "n"]
    assert [line[0] for line in lines[1:]] == [text or "" for text in NASTY]
    assert [line[1] for line in lines[1:4]] == ["0.1", "", "0"]


def test_formulas_are_text_to_spreadsheets():
    out = io.BytesIO()
    table = pa.record_batch({"=name": NASTY, "number": [-1.5] * len(NASTY)})
    writing.CsvWriter(out, table.schema, safe=True).write(table)
    lines = [*csv.reader(io.StringIO(out.getvalue().decode(), newline=""))]
    cells = [line[0] for line in lines]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]
    assert [cell.removeprefix("'") for cell in cells] == ["=name", *(text or "" for text in NASTY)]
    assert lines[1][1] == "-1.5"  # numbers stay numbers


# --- reading ahead --------------------------------------------------------------------------------


def test_errors_of_the_reading_thread_come_in_their_place():
    def numbers():
        yield 1
        yield 2
        raise TableError("bad")

    found = ahead(numbers())
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(TableError, match="bad"):
        next(found)


def test_reading_ends_when_nobody_wants_more():
    read = []

    def numbers():
        for k in range(1000):
            read.append(k)
            yield k

    found = ahead(numbers())
    assert next(found) == 0
    found.close()
    assert len(read) <= 3 + predicting.READ_AHEAD
