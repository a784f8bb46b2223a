"""The script that times the estimators: its tables, and the README's, which is made of its file."""

import importlib
import json

import pytest


@pytest.fixture
def script(repository, monkeypatch):
    """bench/estimators.py."""
    monkeypatch.syspath_prepend(repository / "bench")
    return importlib.import_module("estimators")


ROWS = [
    {"name": "a fit", "theirs": 3.0, "ours": 0.5, "wanted": 4, "their_score": 0.9,
     "our_score": 0.9, "difference": 1e-9},
    {"name": "a call", "theirs": 8e-5, "ours": 1e-6, "wanted": 50, "their_score": 0.5,
     "our_score": 0.5, "difference": None},
]  # fmt: skip
RESULTS = {"where": "a machine", "rows": ROWS}


def test_tables(script):
    assert "| a fit | 3.0 s | 500 ms | 6.0x | 4x | 0.9000 | 0.9000 | 1e-09 |" in script.table(
        RESULTS
    )
    lines = script.short_table(RESULTS).splitlines()
    assert lines[2:] == [
        "| a fit | 3.0 s | 500 ms | **6** | 0.9000 0.9000 |",
        "| a call | 80 us | 1.0 us | **80** |  |",
    ]


def test_a_page_is_filled_in_and_filled_in_again(script):
    page = f"before\n{script.BEGIN}old\n{script.END}\nafter\n"
    once = script.filled(page, RESULTS)
    assert once == script.filled(once, RESULTS)
    assert "| a fit |" in once
    assert "old" not in once
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    with pytest.raises(ValueError, match="to fill in"):
        script.filled("no marks", RESULTS)


def test_the_readme_shows_what_was_measured(script, repository):
    results = json.loads((repository / "bench" / "estimators.json").read_text(encoding="utf-8"))
    page = (repository / "README.md").read_text(encoding="utf-8")
    assert script.filled(page, results) == page


@pytest.mark.slow
def test_all_is_measured(script, capsys, monkeypatch):
    monkeypatch.delenv("FASTPERC_DATA", raising=False)
    results = script.measure(short=True, repeats=1)
    rows = [script.Row(**row) for row in results["rows"]]
    assert len(rows) == 8
    assert all(r.times > 0 for r in rows)
    assert all(r.difference < 1e-6 for r in rows if r.difference is not None)
    assert all(r.our_score == pytest.approx(r.their_score, abs=1e-6) for r in rows)
