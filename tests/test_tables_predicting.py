"""Predictions for tables: what is written, what is told, and what is refused."""

import csv
import io
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

import fastperc
from fastperc.commands import main as cli
from fastperc.errors import DataError, ModelFileError, TableError
from fastperc.files import atomic
from fastperc.tables import predict, train
from fastperc.tables.predicting import half_width
from fastperc.tables.writing import CsvWriter

N = 1200


def rows(seed, n=N):
    """A table with a number, a category, and three things to predict."""
    rng = np.random.default_rng(seed)
    size, noise = rng.uniform(-2, 2, n), rng.normal(size=n)
    kind = rng.choice(["flat", "house", "villa"], n)
    price = 3 * size + 2 * (kind == "villa") + noise
    return pa.table({
        "id": [f"{k:05d}" for k in range(n)], "size": size, "kind": kind, "price": price,
        "dear": np.where(price > 0, "yes", "no"), "level": np.clip(np.round(price / 3), -1, 1),
    })  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model for each task, and the file it is saved in."""
    folder, made = tmp_path_factory.mktemp("models"), {}
    for target in ("price", "dear", "level"):
        table = rows(0).select(["size", "kind", target])
        model = train(table, target, quick=True, epochs=5)
        fastperc.save(model, folder / f"{target}.fp")
        made[target] = model, folder / f"{target}.fp"
    return made


@pytest.fixture(scope="module")
def table():
    return rows(1)


def run(capsys, *words):
    """Run a command; return its status, the rows of its CSV, and what it says besides."""
    status = cli.main(["predict", *map(str, words)])
    said = capsys.readouterr()
    return status, [*csv.reader(io.StringIO(said.out))], said.err


def csv_of(table, path):
    """Write a table as CSV, its columns the other way round."""
    with open(path, "wb") as file:
        table = table.select(table.column_names[::-1])
        writer = CsvWriter(file, table.schema)
        for batch in table.to_batches():
            writer.write(batch)
    return path


# --- what is predicted ---------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["price", "dear", "level"])
def test_predictions_are_those_of_the_pipeline(models, table, target):
    model, path = models[target]
    expected = model.predict(table)
    assert predict(path, table)[target].to_pylist() == expected.tolist()
    assert predict(model, table)[target].to_pylist() == expected.tolist()


@pytest.mark.parametrize("target", ["dear", "level"])
def test_probabilities_have_a_column_for_each_class(models, table, target):
    model, _ = models[target]
    found = predict(model, table, proba=True)
    names = [f"{target}_{label}" for label in model["model"].classes_]
    assert found.column_names == [target, *names]
    columns = np.transpose([found[name].to_numpy() for name in names])
    np.testing.assert_array_equal(columns, model.predict_proba(table))


def test_an_interval_holds_nine_of_ten_new_values(models):
    model, _ = models["price"]
    new = rows(2, 4000)
    found = predict(model, new, interval=True)
    low, high = (found[f"price_{end}"].to_numpy() for end in ("low", "high"))
    price = new["price"].to_numpy()
    assert 0.86 < np.mean((low <= price) & (price <= high)) < 0.94
    np.testing.assert_allclose((low + high) / 2, found["price"].to_numpy(), atol=1e-5)
    narrow = predict(model, new, interval=True, coverage=0.5)
    assert (narrow["price_high"].to_numpy() < high).all()


def test_the_width_is_that_of_conformal_prediction(models):
    record = models["price"][0].run_
    errors = np.sort(np.abs(record.held_target - record.held_prediction))
    k = np.ceil((len(errors) + 1) * 0.9)
    assert half_width(record, 0.9) == pytest.approx(errors[int(k) - 1])
    with pytest.raises(DataError, match=r"at least 999 rows .* has 240"):
        half_width(record, 0.999)
    with pytest.raises(ValueError, match="between 0 and 1"):
        half_width(record, 1.0)


def test_rows_that_lack_a_value_are_left_without_a_prediction():
    table = rows(0).select(["size", "kind", "price"])
    model = train(table, "price", quick=True, epochs=2, missing="drop")
    few = pa.table({"size": [1.0, None, 2.0], "kind": ["flat", "flat", None]})
    notes = []
    found = predict(model, few, interval=True, tell=notes.append)
    assert [found[name].is_null().to_pylist() for name in found.column_names] == [
        [False, True, True]
    ] * 3
    assert notes[0].missing == {"size": 1, "kind": 1}


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "parquet", "feather"])
def test_a_file_has_what_is_returned(models, table, tmp_path, ending):
    model, path = models["dear"]
    out = tmp_path / f"out.{ending}"
    assert predict(path, table, out, proba=True, keep=["id", "size"]) is None
    expected = predict(model, table, proba=True, keep=["id", "size"])
    if ending == "csv":
        with open(out, newline="") as file:
            found = [*csv.reader(file)]
        assert found[0] == expected.column_names
        columns = [*zip(*found[1:], strict=True)]
        assert columns[0] == tuple(expected["id"].to_pylist())
        assert columns[2] == tuple(expected["dear"].to_pylist())
        for k in (1, 3):
            dtype = expected[k].to_numpy().dtype
            np.testing.assert_array_equal(np.array(columns[k], dtype), expected[k].to_numpy())
    else:
        read = pa.parquet.read_table if ending == "parquet" else pa.feather.read_table
        assert read(out).equals(expected)
    assert os.listdir(tmp_path) == [out.name]


def test_the_file_appears_when_it_is_complete(models, table, tmp_path):
    out, bad = tmp_path / "out.csv", table.to_pandas()
    out.write_text("old")
    bad.loc[N - 1, "size"] = None
    with pytest.raises(TableError, match=rf"row {N:,}, column 'size'.*--missing indicator"):
        predict(models["price"][1], bad, out)
    assert out.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.csv"]


def test_a_file_is_replaced_piece_by_piece(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with atomic.replacing(str(path)) as file:
        file.write(b"new " * 500_000)
        assert path.read_bytes() == b"old"
        file.write(b"end")
    assert path.read_bytes() == b"new " * 500_000 + b"end"
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(TypeError), atomic.replacing(str(path)) as file:
        file.writelines([b"half", None])
    assert path.read_bytes().endswith(b"end")
    assert os.listdir(tmp_path) == ["file"]


def test_csv_is_read_back_as_it_was():
    cells = ["plain", 'a "quote"', "a,b", "two\nlines", " space", "", "é", None, "=1+1", "-5"]
    table = pa.table({"text, 1": cells, "n": [1.5, None, *range(8)], "b": [True, None] * 5})
    file = io.BytesIO()
    writer = CsvWriter(file, table.schema)
    for start in range(0, 10, 3):  # also of slices
        for batch in table.slice(start, 3).to_batches():
            writer.write(batch)
    text = file.getvalue().decode()
    found = [*csv.reader(io.StringIO(text, newline=""))]
    assert found[0] == table.column_names
    assert [row[0] for row in found[1:]] == [cell or "" for cell in cells]
    assert [row[1] for row in found[1:4]] == ["1.5", "", "0"]
    assert [row[2] for row in found[1:3]] == ["true", ""]
    assert text.count('"') == 2 + 6 + 2 + 2 + 2


def test_no_formula_reaches_a_spreadsheet():
    cells = ["=cmd()", "+1+1", "-2+3", "@SUM(A1)", "\tx", "-5", "+1.5e3", "a=b", "1,000"]
    file = io.BytesIO()
    CsvWriter(file, pa.schema([("=name", pa.string())]), is_safe=True).write(
        pa.record_batch({"=name": cells})
    )
    found = [row[0] for row in csv.reader(io.StringIO(file.getvalue().decode(), newline=""))]
    assert found == ["'=name", *(f"'{cell}" for cell in cells[:5]), *cells[5:]]


def test_a_column_without_a_value_has_a_line_for_each_row():
    file = io.BytesIO()
    CsvWriter(file, pa.schema([("a", pa.float64())])).write(pa.record_batch({"a": [None, 1.0]}))
    assert file.getvalue() == b'a\n""\n1\n'


# --- the command ---------------------------------------------------------------------------------


def test_standard_output_has_the_predictions_and_standard_error_the_rest(
    models, table, tmp_path, capsys
):
    model, path = models["price"]
    strange = table.set_column(2, "kind", pa.array(["castle", "flat", "castle"] * (N // 3)))
    file = csv_of(strange, tmp_path / "new.csv")
    status, found, said = run(capsys, path, file, "--keep", "id,price")
    assert status == 0
    assert found[0] == ["id", "price", "price_predicted"]
    assert [row[0] for row in found[1:]] == table["id"].to_pylist()
    np.testing.assert_allclose([float(row[2]) for row in found[1:]], model.predict(strange))
    assert said == (
        "Ignored, as the model does not know them: level, dear\n"
        "Cells with a category that was not there in training: kind (800)\n"
    )
    assert run(capsys, path, file, "--quiet")[2] == ""


def test_what_stands_in_other_columns_is_no_error(models, tmp_path, capsys):
    lines = [f"{k},1.5,flat" for k in range(300)]
    file = tmp_path / "new.csv"
    file.write_text("note,size,kind\n" + "\n".join([*lines, "x,1e0,flat"]) + "\n")
    status, found, _ = run(capsys, models["price"][1], file, "--keep", "note")
    assert (status, len(found), found[-1][0]) == (0, 302, "x")


def test_standard_input_is_read_too(models, table, tmp_path):
    path = csv_of(table.slice(0, 5), tmp_path / "new.csv")
    words = [sys.executable, "-m", "fastperc", "predict", models["dear"][1], "-", "--proba"]
    with open(path, "rb") as file:
        out = subprocess.run(words, stdin=file, capture_output=True, text=True, check=True)
    assert out.stdout.splitlines()[0] == "dear,dear_no,dear_yes"
    assert len(out.stdout.splitlines()) == 6


@pytest.mark.parametrize(
    ("target", "words", "status", "said"),
    [
        ("price", ["--proba"], 2, "--proba is for classes"),
        ("dear", ["--interval"], 2, "--interval is for numbers"),
        ("price", ["--interval", "--coverage", "1.5"], 2, "--coverage: found 1.5"),
        ("price", ["--interval", "--coverage", "0.9999"], 3, "at least 9,999 rows"),
        ("price", ["--out", "out.xlsx"], 2, "found the ending '.xlsx'"),
        ("price", ["--out", "no/such/out.csv"], 2, "there is no folder no/such"),
        ("price", ["--out", "new.csv"], 2, "it is the table"),
        ("price", ["--keep", "kin"], 3, "no column 'kin'; did you mean 'kind'?"),
        ("price", ["--keep", "id,id"], 3, "two columns would be called 'id'"),
        ("price", ["--decimal", ";"], 2, "'--decimal': Value error, ';' is not one of"),
    ],
)
def test_what_does_not_fit_is_refused(
    models, table, tmp_path, capsys, monkeypatch, target, words, status, said
):
    monkeypatch.chdir(tmp_path)
    csv_of(table.slice(0, 5), tmp_path / "new.csv")
    before = (tmp_path / "new.csv").read_bytes()
    found, out, error = run(capsys, models[target][1], "new.csv", *words)
    assert (found, out) == (status, [])
    assert said in error
    assert error.count("\n") == 1
    assert (tmp_path / "new.csv").read_bytes() == before


def test_a_column_that_is_not_there_and_a_cell_that_is_no_number(models, tmp_path, capsys):
    file = tmp_path / "new.csv"
    file.write_text("Size,kind\n1,flat\n")
    assert run(capsys, models["price"][1], file)[::2] == (
        3, "fastperc: new.csv: no column 'size'; did you mean 'Size'?\n",
    )  # fmt: skip
    file.write_text("size,kind\n1,flat\nmany,flat\n")
    status, out, error = run(capsys, models["price"][1], file)
    assert (status, out) == (3, [])
    assert error.startswith("fastperc: new.csv, line 3, column 'size': found 'many', expected")
    assert error.endswith("correct the cell: the model was trained on a column without such\n")


def test_other_models_and_files_are_refused(models, table, tmp_path, capsys):
    other = tmp_path / "other.fp"
    fastperc.save(fastperc.Network((2, 3, 1), seed=0), other)
    file = csv_of(table.slice(0, 5), tmp_path / "new.csv")
    status, _, error = run(capsys, other, file)
    assert status == 4
    assert "found Network, expected a model that fastperc train has made" in error
    assert run(capsys, file, file)[0] == 4
    with pytest.raises(ModelFileError):
        predict(other, table)
    with pytest.raises(TypeError, match="found Perceptron"):
        predict(fastperc.Perceptron(), table)


def test_a_reader_that_has_seen_enough_ends_it_quietly(models, tmp_path):
    path = tmp_path / "many.parquet"
    pa.parquet.write_table(rows(3, 200_000).select(["size", "kind"]), path)
    words = [sys.executable, "-m", "fastperc", "predict", models["price"][1], path]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"price\n"
        process.stdout.close()
        assert process.wait(60) == 1
        assert process.stderr.read() == b""


# The system's own figure; that of `resource` has the memory of whoever forked this process.
PEAK = """
import re, sys
from fastperc.commands.main import main
status = main(sys.argv[1:])
peak = re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())
print(status, int(peak[1]) // 1000, file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="only Linux tells the peak")
def test_a_long_table_takes_no_more_memory_than_a_short_one(models, tmp_path):
    """Megabytes of a whole process; 4 million rows of 2 columns are 100 as they stand in memory."""
    path, peaks = tmp_path / "rows.parquet", []
    for n in (100_000, 4_000_000):
        table = rows(4, 100_000).select(["size", "kind"])
        with pa.parquet.ParquetWriter(path, table.schema) as writer:
            for _ in range(n // 100_000):
                writer.write_table(table)
        words = ["predict", models["price"][1], path, "--out", tmp_path / "out.csv"]
        said = subprocess.run(
            [sys.executable, "-c", PEAK, *words], capture_output=True, text=True, check=True
        ).stderr
        status, peak = map(int, said.split())
        assert status == 0
        peaks.append(peak)
    assert peaks[1] < min(peaks[0] + 60, 500)
    with open(tmp_path / "out.csv", "rb") as file:
        assert sum(1 for _ in file) == 4_000_001


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_behind(models, tmp_path):
    path, out = tmp_path / "rows.parquet", tmp_path / "folder" / "out.csv"
    out.parent.mkdir()
    table = rows(5, 100_000).select(["size", "kind"])
    with pa.parquet.ParquetWriter(path, table.schema) as writer:
        for _ in range(100):
            writer.write_table(table)
    words = [sys.executable, "-m", "fastperc", "predict", models["price"][1], path, "--out", out]
    with subprocess.Popen(words, stderr=subprocess.PIPE) as process:
        end = time.monotonic() + 60
        while not any(file.stat().st_size for file in out.parent.iterdir()):
            assert time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == b"fastperc: interrupted\n"
    assert [*out.parent.iterdir()] == []
