"""Odd and hostile tables: each is read as it should be, or refused in one line that leads on."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import table_makers
from fastperc.commands.main import exit_status, main, message_of
from fastperc.tables.reading import open_source

TABLES = Path(__file__).parent / "tables"
CASES = tomllib.loads((TABLES / "cases.toml").read_text(encoding="utf-8"))["case"]
POSIX_ONLY = {"zeros", "pipe", "unreadable", "links_in_a_circle"}


def name_of(case):
    options = "".join(f"-{key}" for key in case.get("options", {}))
    return case.get("file", case.get("made")) + options


@pytest.fixture
def table(case, tmp_path):
    """The path of a case's table."""
    if "file" in case:
        return TABLES / case["file"]
    if case["made"] in POSIX_ONLY and os.name != "posix":
        pytest.skip("needs what only POSIX has")
    path = getattr(table_makers, case["made"])(tmp_path)
    if path is None:
        pytest.skip("may read everything")
    return path


def refusal(path, options):
    """The error that reading a table ends in; None if there is none."""
    try:
        open_source(path, **options).read()
    except (ValueError, OSError) as error:
        return error
    return None


@pytest.mark.parametrize("case", [c for c in CASES if "error" in c], ids=name_of)
def test_refused_in_one_line_that_says_where_and_what_to_do(case, table):
    error = refusal(table, case.get("options", {}))
    message = message_of(error)
    assert case["error"] in message
    assert exit_status(error) == case.get("status", 3)
    assert table.name in message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize("case", [c for c in CASES if "error" not in c], ids=name_of)
def test_read_as_what_it_is(case, table):
    source = open_source(table, **case.get("options", {}))
    assert " ".join(str(kind) for kind in source.schema.types) == case["types"]
    row = source.read().slice(0, 1).to_pylist()[0]
    assert " | ".join(str(value) for value in row.values()) == case["first"]
    assert case.get("stated", "") in "; ".join(source.stated)


@pytest.mark.parametrize(
    "case", [c for c in CASES if not c.get("made", "").endswith("_late")], ids=name_of
)
def test_a_model_or_one_line_and_a_status(case, table, tmp_path, capsys):
    words = ["train", str(table), "--target", case.get("target", "y"), "--quick", "--epochs", "2"]
    for name, value in case.get("options", {}).items():
        words += [f"--{name}", value if isinstance(value, str) else ",".join(value)]
    model = tmp_path / "model.fp"
    status = main([*words, "--quiet", "--out", str(model)])
    complaints = capsys.readouterr().err
    assert status == case.get("status", 3 if "error" in case else 0)
    assert model.exists() == (status == 0)
    if status:
        assert case.get("error", case.get("says")) in complaints
        assert complaints.startswith("fastperc: ")
        assert complaints.count("\n") == 1


def test_every_table_of_the_folder_has_a_case():
    files = {path.name for path in TABLES.iterdir()} - {"cases.toml"}
    assert files == {case["file"] for case in CASES if "file" in case}
    assert len(files) >= 60


# --- memory ---------------------------------------------------------------------------------------

MEGABYTES = 200
PEAK = """
import sys
from pathlib import Path
import pyarrow.csv, pyarrow.dataset, pyarrow.feather, pyarrow.parquet
from fastperc.tables.reading import open_source

def peak():
    words = Path("/proc/self/status").read_text().split()
    return int(words[words.index("VmHWM:") + 1]) >> 10

before = peak()
try:
    rows = sum(batch.num_rows for batch in open_source(sys.argv[1]).batches())
except ValueError as error:
    rows = str(error)
print(peak() - before, rows)
"""


def many_rows(folder, megabytes):
    """Numbers, in a table of many times what is kept in memory."""
    return table_makers.write(folder, "rows.csv", b"size,y\n" + b"1.5,2\n" * (megabytes << 17))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's figures")
@pytest.mark.parametrize(
    ("make", "megabytes"),
    [
        (table_makers.long_line, 1000),
        (table_makers.long_cell, 1000),
        (table_makers.quote_never_closed, 300),
        (table_makers.bomb, 300),
        (table_makers.zstd_bomb, 1000),
        (many_rows, 150),
        (lambda folder, _: table_makers.wide(folder), 0),
    ],
)
def test_large_tables_take_little_memory(tmp_path, make, megabytes):
    path = make(tmp_path, megabytes)
    found = subprocess.run(
        [sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(found.stdout.split()[0]) < MEGABYTES
