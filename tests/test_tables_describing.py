"""What `describe` says of a table, and that it fits a terminal."""

import datetime

import pyarrow as pa
import pyarrow.parquet
import pytest

import table_makers
from fastperc.commands import main as cli
from fastperc.commands.describe import lines_of
from fastperc.errors import TableError
from fastperc.tables import describe
from fastperc.tables.understanding import understand

N = 40
TABLE = pa.table({
    "id": list(range(N)),
    "size": [1.5, None] * (N // 2),
    "kind": ["flat", "flat", "flat", "house"] * (N // 4),
    "day": [datetime.date(2024, 1, 1 + k % 28) for k in range(N)],
    "sold": [True, False] * (N // 2),
    "note": [f"a text that says much about number {k}" for k in range(N)],
    "always": ["x"] * N,
    "nothing": pa.nulls(N),
    "price": [float(k * k % 37) + 0.5 for k in range(N)],
})  # fmt: skip


def test_what_is_in_each_column():
    found = {column.name: column for column in describe(TABLE).columns}
    assert {
        name: (c.type, c.n_missing, c.n_distinct, c.values) for name, c in found.items()
    } == {
        "id": ("whole", 0, 40, "0 to 39"),
        "size": ("number", 20, 1, "1.5"),
        "kind": ("text", 0, 2, "flat (75%), house (25%)"),
        "day": ("date", 0, 28, "2024-01-01 to 2024-01-28"),
        "sold": ("yes/no", 0, 2, "false (50%), true (50%)"),
        "note": ("text", 0, 40, "such as a text that says much about number 0"),
        "always": ("text", 0, 1, "x (100%)"),
        "nothing": ("empty", 40, 0, ""),
        "price": ("number", 0, found["price"].n_distinct, "0.5 to 36.5"),
    }  # fmt: skip
    assert {name: c.use for name, c in found.items() if name in ("kind", "day", "price")} == {
        "kind": "one-hot", "day": "in parts", "price": "scaled",
    }  # fmt: skip
    assert found["id"].use == "left out: it counts the rows"
    assert found["note"].role == "text"


def test_with_a_target_it_is_what_train_understands():
    found = describe(TABLE, target="price", drop=["note"], categorical=["kind"])
    from fastperc.tables.reading import open_source

    expected = understand(open_source(TABLE, drop=["note"]), "price", categorical=["kind"])
    roles = {column.name: column.role for column in expected.columns if column.name != "note"}
    assert {column.name: column.role for column in found.columns} == roles
    assert found.stated[-1].startswith("Target 'price': a number")
    with pytest.raises(TableError, match="no column 'prize'; did you mean 'price'"):
        describe(TABLE, target="prize")
    with pytest.raises(TableError, match="no column 'kinds'"):
        describe(TABLE, categorical=["kinds"])


def test_missing_cells_lead_to_the_option():
    table = TABLE.set_column(1, "size", pa.array([1.5, None, 2.5, 3.0] * (N // 4)))
    (warning,) = describe(table).warnings
    assert warning.startswith("10 cells of size have no value")
    assert "--missing indicator" in warning


def test_the_lines_fit_a_terminal(tmp_path, capsys):
    long = "a very long name of a column \x1b[2J"
    table = TABLE.append_column(long, pa.array([f"many words {k % 3} " * 9 for k in range(N)]))
    pa.parquet.write_table(table, tmp_path / "table.parquet")
    words = ["describe", str(tmp_path / "table.parquet"), "--target", "price", "--drop", "size"]
    assert cli.main(words) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    lines = out.splitlines()
    assert lines[0] == "table.parquet"
    assert max(map(len, lines)) <= 80
    assert "column             type   missing distinct values                    train" in lines
    assert "day                date         0       28 2024-01-01 to 2024-01-28  in parts" in lines
    assert "  always: it is always 'x'" in lines


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["no_such.csv"], 2, "cannot use 'no_such.csv': No such file or directory"),
        (["table.csv", "--target", "b"], 3, "table.csv: no column 'b'"),
        (["table.csv", "--decimal", "x"], 2, "'--decimal': Value error, 'x' is not one of"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path, monkeypatch, capsys, words, status, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text("a,c\n1,2\n")
    assert cli.main(["describe", *words]) == status
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def described(path):
    """The lines of a table, or the one that refuses it."""
    try:
        return [*lines_of(describe(path))]
    except TableError as error:
        return [f"refused: {error}"]


def test_odd_tables_are_described_or_refused_in_one_line():
    paths = [path for path in table_makers.TABLES.iterdir() if path.suffix != ".toml"]
    found = [described(path) for path in paths]
    assert all(line.isprintable() for lines in found for line in lines)
    assert max(len(line) for lines in found if len(lines) > 1 for line in lines) <= 80
    n_refused = sum(lines[0].startswith("refused: ") for lines in found)
    assert 20 < n_refused < len(paths) - 30
