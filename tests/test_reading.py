"""Tables are read as what they hold: numbers, dates, text, missing cells, in any dialect."""

import csv
import datetime
import io
import sys
import types

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import table_makers
from fastperc.errors import DataError, TableError
from fastperc.tables.reading import Source, delimited, open_source, tallies
from fastperc.tables.reading.source import check_there


@pytest.fixture
def text(tmp_path):
    """A function that opens a text as a table."""

    def opened(content, **options):
        return open_source(table_makers.write(tmp_path, "table.csv", content), **options)

    return opened


def column(source, name="x"):
    return source.read([name])[name].to_pylist()


# --- cells ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        ("1 2 3", "int64", [1, 2, 3]),
        ("+1 -2 0", "int64", [1, -2, 0]),
        ("1 2.5 .5 5.", "double", [1, 2.5, 0.5, 5]),
        ("1e3 -2E-1 1e-999", "double", [1000, -0.2, 0]),
        ("−1.5 2", "double", [-1.5, 2]),
        ("1,5 2,25 3", "double", [1.5, 2.25, 3]),
        ("1.234,5 1.234.567 2", "double", [1234.5, 1234567, 2]),
        ("1,234.5 1,234,567 2", "double", [1234.5, 1234567, 2]),
        ("1'234.5 12'345", "double", [1234.5, 12345]),
        ("1\xa0234,5 2\u202f345,25", "double", [1234.5, 2345.25]),
        ("12% 3.5% -1%", "double", [0.12, 0.035, -0.01]),
        ("12,5% 3%", "double", [0.125, 0.03]),
        ("true FALSE True", "bool", [True, False, True]),
        ("yes no yes", "string", ["yes", "no", "yes"]),
        ("007 12 1", "string", ["007", "12", "1"]),
        ("0 0.5 10", "double", [0, 0.5, 10]),
        ("12345678901234567890 99999999999999999999", "string",
         ["12345678901234567890", "99999999999999999999"]),
        ("9223372036854775807 -9223372036854775808", "int64", [2**63 - 1, -(2**63)]),
        ("9223372036854775808 1", "double", [2.0**63, 1]),
        ("1_000 2_000", "string", ["1_000", "2_000"]),
        ("١ ٢", "string", ["١", "٢"]),
        ("+ - +", "string", ["+", "-", "+"]),
        ("- 1 --", "int64", [None, 1, None]),
        ("1 NA ? NaN nan NULL N/A None", "int64", [1, *[None] * 7]),
        ("a NA b", "string", ["a", None, "b"]),
        ("NA ? null", "null", [None] * 3),
        ("10:20 11:30", "string", ["10:20", "11:30"]),
    ],
)  # fmt: skip
def test_what_cells_become(text, cells, kind, values):
    source = text("x;y\n" + "".join(f"{cell};1\n" for cell in cells.split(" ")))
    assert str(source.schema.field("x").type) == kind
    assert column(source) == values


@pytest.mark.parametrize(
    ("cells", "days"),
    [
        ("2020-02-29 2021-1-3", [(2020, 2, 29), (2021, 1, 3)]),
        ("2020/02/29 1931/12/03", [(2020, 2, 29), (1931, 12, 3)]),
        ("31.12.2020 1.2.0950", [(2020, 12, 31), (950, 2, 1)]),
        ("12/31/2020 1/2/2021", [(2020, 12, 31), (2021, 1, 2)]),
        ("31/12/2020 1/2/2021", [(2020, 12, 31), (2021, 2, 1)]),
    ],
)
def test_dates(text, cells, days):
    source = text("x,y\n" + "".join(f"{cell},1\n" for cell in cells.split()))
    assert column(source) == [datetime.date(*day) for day in days]


@pytest.mark.parametrize(
    ("cells", "times"),
    [
        ("2020-02-29 10:20", "2020-02-29T10:20"),
        ("2020-02-29T10:20:30.125", "2020-02-29T10:20:30.125"),
        ("2020-02-29T10:20:30.123456789", "2020-02-29T10:20:30.123456"),
        ("29.2.2020 9:05:00", "2020-02-29T09:05"),
        ("2020-02-29T23:30:00-02:00", "2020-03-01T01:30"),
        ("2020-02-29T23:30:00Z", "2020-02-29T23:30"),
        ("2020-01-01T00:30:00+0530", "2019-12-31T19:00"),
    ],
)
def test_times(text, cells, times):
    source = text(f"x,y\n{cells},1\n")
    assert column(source) == [datetime.datetime.fromisoformat(times)]


@pytest.mark.parametrize("day", ["2021-02-29", "2020-13-01", "2020-00-10", "2020-04-31"])
def test_days_that_do_not_exist_are_no_dates(text, day):
    source = text(f"x,y\n{day},1\n")
    assert column(source) == [day]


def test_few_texts_among_numbers_are_an_error_and_many_are_text(text):
    def cells(n_texts):
        return "x,y\n" + "".join(f"{'a' * (k + 1) if k < n_texts else k},1\n" for k in range(30))

    for n_texts in (1, 2, 3):
        with pytest.raises(TableError, match=r"line 2, column 'x': found 'a', expected a number"):
            text(cells(n_texts))
    source = text(cells(4))
    assert source.schema.field("x").type == pa.string()
    assert source.stated[1].startswith("x: text, as 4 of 30 cells are no numbers")


def test_an_error_has_its_parts(text):
    with pytest.raises(DataError) as caught:
        text("x,y\n" + "1,1\n" * 30 + "zwei,1\n")
    error = caught.value
    assert (error.file, error.line, error.column, error.text) == ("table.csv", 32, "x", "zwei")


def test_names_in_advice_are_as_a_shell_takes_them(text):
    header = '"a ""b"", c"\n'
    with pytest.raises(TableError) as caught:
        text(header + "1\n" * 30 + "x\n")
    assert """--drop '"a ""b"", c"' leaves""" in str(caught.value)
    with pytest.raises(TableError, match="--drop 'two words' leaves"):
        text("two words,y\n" + "1,1\n" * 30 + "x,1\n")


def test_an_error_is_one_line_whatever_the_column_is_called(text):
    with pytest.raises(TableError) as caught:
        text('"two\nlines\x1b[0m",y\n' + "1,1\n" * 30 + "x,1\n")
    assert str(caught.value).isprintable()


# --- dialects -------------------------------------------------------------------------------------

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0\x04"), min_size=1, max_size=8)


@settings(max_examples=30)
@given(
    rows=st.lists(st.tuples(WORDS, st.integers(-(2**63), 2**63 - 1), WORDS), min_size=2),
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_python_writes_is_read_back(tmp_path_factory, rows, separator, end, encoding):
    """Any text and any integer, between marks that make each text one; the dialect is told."""
    rows = [(f"<{a}>", n, f"<{b}>") for a, n, b in rows]
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([("a", "n", "b"), *rows])
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    path.write_bytes(file.getvalue().encode(encoding))
    source = open_source(path, separator=separator)
    assert source.names == ("a", "n", "b")
    assert [tuple(row.values()) for row in source.read().to_pylist()] == rows


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("a b,c d\n1,2\n", ("a b", "c d")),
        ("name\nJohn Smith\nJane Doe\n", ("name",)),
        ("a;b\n1,5;2,5\n3,5;4,5\n", ("a", "b")),
        ("1,5;2,5\n3,5;4,5\n", ("column1", "column2")),
        ("a,b\nx;y,1\nz;w,2\n", ("a", "b")),
        ('"a;1","b"\n1,2\n', ("a;1", "b")),
        ('"two\nlines",b\n1,2\n', ("two\nlines", "b")),
        ("1,2\n3,4\n", ("column1", "column2")),
        ("country,1990,1991\nA,1,2\nB,3,4\n", ("country", "1990", "1991")),
        ("a,,c\n1,2,3\n", ("a", "column2", "c")),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", ("column1", "column2", "column3")),
        ("x,y\nNA,1\n", ("x", "y")),
        ("sep=|\na|b\n1|2\n", ("a", "b")),
    ],
)
def test_separators_and_names_are_found(text, content, names):
    assert text(content).names == names


def test_bytes_that_are_not_utf8_late_in_the_file_do_not_matter(text, monkeypatch):
    monkeypatch.setattr("fastperc.tables.reading.text.SAMPLE", 64)
    source = text(b"x,y\n" + b"a,1\n" * 500_000 + b"\xe9,2\n")
    assert column(source)[-1] == "é"


# --- reading again, in parts ----------------------------------------------------------------------


@pytest.fixture
def mixed():
    """A text with a column of each kind, a blank line, and a cell of two lines."""
    rows = [f'{k},{k / 8},"w\n{k % 7}",2020-01-{1 + k % 28:02d},{"?" if k % 5 else k}\n'
            for k in range(5_000)]  # fmt: skip
    return "i,x,t,d,m\n\n" + "".join(rows)


@pytest.mark.parametrize("kept", [0, 1 << 30])
def test_read_again_in_parts_and_in_another_order(text, mixed, monkeypatch, kept):
    monkeypatch.setattr(delimited, "KEPT", kept)
    source = text(mixed)
    whole = source.read()
    assert [str(kind) for kind in whole.schema.types] == [
        "int64", "double", "string", "date32[day]", "int64",
    ]  # fmt: skip
    assert source.n_rows == whole.num_rows == 5_000
    assert whole["m"].null_count == 4_000
    assert source.read() == whole
    assert source.read(["d", "i"]) == whole.select(["d", "i"])
    batches = [*source.batches(["x"], rows=999)]
    assert max(batch.num_rows for batch in batches) == 999
    assert pa.Table.from_batches(batches) == whole.select(["x"])
    one, other = source.batches(), source.batches()
    assert all(a == b for a, b in zip(one, other, strict=True))
    next(source.batches())  # and no further


def test_columns_looked_at_together_are_what_they_are_alone(text, monkeypatch):
    def cell(row, k):
        kinds = (row * k, row / 8, "" if row % 3 else row, f"{row + 1}.234", "NA", f"-{row}e2")
        return str(kinds[k % 6]) if k < 120 else f"{'a+0'[k % 3]}{row}"

    names = ";".join(f"c{k}" for k in range(180))
    rows = (";".join(cell(row, k) for k in range(180)) for row in range(7))
    content = "\n".join([names, *rows])
    for module in (delimited, tallies):
        monkeypatch.setattr(module, "TOGETHER", 60)
    together = text(content)
    for module in (delimited, tallies):
        monkeypatch.setattr(module, "FEW_ROWS", -1)
    alone = text(content)
    assert together.read() == alone.read()
    assert together.stated == alone.stated
    assert [str(kind) for kind in alone.schema.types[:6]] == [
        "int64", "double", "int64", "double", "null", "double",
    ]  # fmt: skip


def test_lines_of_rows(text, mixed):
    source = text(mixed)
    lines = mixed.split("\n")
    for row in (0, 1, 17, 4_999):
        assert lines[source.line(row) - 1].startswith(f"{row},")
    assert source.line(5_000) is None


def test_columns_that_are_not_there(text):
    source = text("price,y\n1,2\n")
    with pytest.raises(TableError, match="no column 'prise'; did you mean 'price'"):
        source.read(["prise"])
    with pytest.raises(TableError, match="no column 'Q'; there are price, y"):
        open_source(pa.table({"price": [1], "y": [2]}), drop=["Q"])


def test_sizes_are_those_in_memory(text, mixed):
    source = text(mixed)
    assert source.size == pytest.approx(source.read().nbytes, rel=0.01)


def test_standard_input_is_read_again(monkeypatch):
    content = io.BytesIO(b"x,y\n1,2\n3,4\n")
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=content))
    source = open_source("-")
    assert source.name == "standard input"
    assert column(source) == column(source) == [1, 3]


def test_much_standard_input_is_kept_in_a_file(monkeypatch, mixed):
    monkeypatch.setattr("fastperc.tables.reading.raw.IN_MEMORY", 1000)
    monkeypatch.setattr(delimited, "KEPT", 0)
    content = io.BytesIO(mixed.encode())
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=content))
    source = open_source("-")
    assert source.read() == source.read()
    assert source.read().num_rows == 5_000


# --- other formats and frames ---------------------------------------------------------------------

TABLE = pa.table(
    {
        "i": pa.array([1, None, 3], pa.int8()),
        "u": pa.array([1, 2, 2**64 - 1], pa.uint64()),
        "h": pa.array([0.5, float("nan"), None], pa.float32()),
        "b": [True, None, False],
        "t": pa.array(["a", None, "NA"], pa.large_string()),
        "c": pa.array(["a", "b", None]).dictionary_encode(),
        "d": pa.array([datetime.date(2020, 1, 2), None, datetime.date(1950, 1, 1)], pa.date64()),
        "s": pa.array([1, None, 3], pa.timestamp("ns", "Europe/Berlin")),
        "n": pa.nulls(3),
    }
)
VALUES = {
    "i": [1, None, 3],
    "u": [1, 2, 2.0**64],
    "h": [0.5, None, None],
    "b": [True, None, False],
    "t": ["a", None, "NA"],
    "c": ["a", "b", None],
    "d": [datetime.date(2020, 1, 2), None, datetime.date(1950, 1, 1)],
    "s": [datetime.datetime(1970, 1, 1), None, datetime.datetime(1970, 1, 1)],
    "n": [None, None, None],
}
KINDS = ["int64", "double", "double", "bool", "string", "string", "date32[day]", "timestamp[us]"]


def stream(table, path):
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


@pytest.mark.parametrize(
    "write",
    [
        pa.parquet.write_table,
        pa.feather.write_feather,
        lambda table, path: pa.feather.write_feather(table, path, compression="zstd"),
        stream,
    ],
    ids=["parquet", "feather", "zstd", "stream"],
)
def test_files_of_other_formats(tmp_path, write):
    write(TABLE, str(tmp_path / "table"))  # the content counts, not the name
    source = open_source(tmp_path / "table")
    assert source.read().to_pydict() == VALUES
    assert [str(kind) for kind in source.schema.types] == [*KINDS, "null"]
    assert source.n_rows == 3
    assert column(source, "t") == VALUES["t"]


class Stream:
    """What has one of Arrow's methods, and nothing else."""

    def __init__(self, data):
        self._data = data

    def __arrow_c_stream__(self, requested_schema=None):
        return self._data.__arrow_c_stream__(requested_schema)


class Array:
    """As before, for one batch."""

    def __init__(self, data):
        self._data = data

    def __arrow_c_array__(self, requested_schema=None):
        return self._data.to_batches()[0].__arrow_c_array__(requested_schema)


@pytest.mark.parametrize("wrapped", [lambda table: table, Stream, Array])
def test_whatever_speaks_arrow(wrapped):
    source = open_source(wrapped(TABLE))
    assert source.read().to_pydict() == VALUES
    assert open_source(source) is source
    assert isinstance(source, Source)


def test_dataframes_of_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "x": [1.5, np.nan, 2.0],
            "t": ["a", None, "b"],
            "c": pandas.Categorical(["u", None, "v"]),
            "d": pandas.to_datetime(["2020-01-02", None, "2020-01-03"]),
            7: [1, 2, 3],
        },
        index=[5, 6, 7],
    )
    source = open_source(frame)
    assert source.name == "the DataFrame"
    assert source.read().to_pydict() == {
        "x": [1.5, None, 2.0],
        "t": ["a", None, "b"],
        "c": ["u", None, "v"],
        "d": [datetime.datetime(2020, 1, 2), None, datetime.datetime(2020, 1, 3)],
        "7": [1, 2, 3],
    }
    frame["mixed"] = [1, "a", 2.5]
    with pytest.raises(TableError, match=r"column 'mixed': .* several kinds, float, int, str"):
        open_source(frame)
    assert "mixed" not in open_source(frame, drop=["mixed"]).names


def test_dataframes_of_polars():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"x": [1.5, float("nan"), None], "t": ["a", None, "b"]})
    assert open_source(frame).read().to_pydict() == {"x": [1.5, None, None], "t": ["a", None, "b"]}


@pytest.mark.parametrize("thing", [3, None, [[1, 2]], np.zeros((2, 2))])
def test_other_things_are_no_tables(thing):
    with pytest.raises(TypeError, match="a table is a path, a DataFrame or an Arrow object"):
        open_source(thing)


# --- real ones ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "n_rows", "n_columns", "n_missing", "texts"),
    [
        ("heart_cleveland.csv", 303, 14, 6, 0),
        ("heart_statlog.dat", 270, 14, 0, 0),
        ("california_housing.csv.gz", 20_640, 9, 0, 0),
        ("california_housing_raw_missing.csv.gz", 20_640, 10, 207, 1),
        ("adult_train.csv.gz", 32_561, 15, 4_262, 9),
        ("adult_test.csv.gz", 16_281, 15, 2_203, 9),
        ("magic_gamma.csv.gz", 19_020, 11, 0, 1),
        ("letter_recognition.csv.gz", 20_000, 17, 0, 1),
        ("sonar.csv", 208, 61, 0, 1),
        ("ionosphere.csv", 351, 35, 0, 1),
        ("banknote_authentication.csv", 1_372, 5, 0, 0),
    ],
)
def test_real_tables(data_folder, file, n_rows, n_columns, n_missing, texts):
    table = open_source(data_folder / file).read()
    assert table.shape == (n_rows, n_columns)
    assert sum(cells.null_count for cells in table.columns) == n_missing
    assert sum(kind == pa.string() for kind in table.schema.types) == texts


def test_numbers_are_those_that_numpy_reads(data_folder):
    path = data_folder / "california_housing.csv.gz"
    numbers = np.loadtxt(path, delimiter=",", skiprows=1)
    table = open_source(path).read()
    np.testing.assert_array_equal(np.column_stack([*map(np.asarray, table.columns)]), numbers)


@pytest.mark.parametrize(
    ("option", "message"),
    [({"separator": ";;"}, "separator: found ';;'"), ({"decimal": "x"}, "decimal: found 'x'")],
)
def test_options_that_are_none(tmp_path, option, message):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=message):
        open_source(tmp_path / "t.csv", **option)


def test_long_names_are_cut_in_messages():
    name = "a" * 5000
    with pytest.raises(TableError) as caught:
        check_there(["c", "b"], [name, "c"], "t.csv")
    message = str(caught.value)
    assert message.endswith(f"there are {'a' * 40}..., c")
    assert len(message) < 120
