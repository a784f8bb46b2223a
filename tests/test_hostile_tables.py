"""Odd and hostile tables: each is read as it should be, or refused in one line that leads on."""

import os
import tomllib
from pathlib import Path

import pytest

import table_makers
from fastperc.commands.main import exit_status, message_of
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


def test_every_table_of_the_folder_has_a_case():
    files = {path.name for path in TABLES.iterdir()} - {"cases.toml"}
    assert files == {case["file"] for case in CASES if "file" in case}
    assert len(files) >= 60
