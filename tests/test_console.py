"""Tables grow on a terminal and appear whole elsewhere."""

import io

import pytest
from rich.console import Console

from fastperc.commands.console import WIDTH, LiveTable, make_console, marked, table


def printed(width, is_terminal):
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=is_terminal, _environ={})
    with LiveTable(console, table("name", "figure", right=("figure",))) as lines:
        lines.waiting_for("counting")
        lines.table.add_row("one", "1")
        seen_before_the_end = out.getvalue()
        lines.table.add_row("two", marked("22", True))
    return seen_before_the_end, out.getvalue()


def test_where_there_is_no_terminal_the_table_appears_once_and_plain():
    before, text = printed(40, is_terminal=False)
    assert before == ""
    assert [line.split() for line in text.splitlines()] == [
        ["name", "figure"],
        ["─" * len("name  figure")],
        ["one", "1"],
        ["two", "22"],
    ]
    assert "\x1b" not in text


def test_on_a_terminal_one_sees_what_is_being_done():
    before, text = printed(40, is_terminal=True)
    assert "counting ..." in before
    assert "22" in text
    last_picture = text[text.rindex("name") :]
    assert "counting" not in last_picture
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h")  # the cursor is back


def test_figures_stay_whole_and_text_wraps_where_it_is_narrow():
    out = io.StringIO()
    lines = table("what", "figure", right=("figure",))
    lines.add_row("a rather long description", "123456")
    Console(file=out, width=20).print(lines)
    assert "123456" in out.getvalue()
    assert max(map(len, out.getvalue().splitlines())) <= 20


@pytest.mark.parametrize(("columns", "width"), [(None, WIDTH), ("80", 80), ("40", 72), ("1", 72)])
def test_piped_output_is_wide_enough_unless_told_otherwise(monkeypatch, columns, width):
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert make_console().width == width
