"""What a comparison prints, and shows in a notebook."""

import math

from fastperc.comparing.finding import Finding, WrongBlock
from fastperc.comparing.printing import difference, found_lines, html_of, right_cells, text_of
from fastperc.comparing.result import Comparison, Row
from fastperc.measuring.machine import Machine

RIGHT = Finding(50, "float64", absolute=2e-16, relative=1e-16, ulps=0.5)
BLOCK = WrongBlock("b1", 0.5, (0,), 1.5, 2.0, "it moved -1 times as far as it should")
WRONG = Finding(1, "float64", 1, [BLOCK], 213.4, math.inf, math.inf)


def row(name, finding=None, **more):
    what = "NumPy" if name == "numpy" else "your function"
    return Row(name, what, finding, best=20.0, median=21.0, **more)


def comparison(*rows):
    machine = Machine(gflops=80.0, gbytes=10.0, cached=40.0, nearest=90.0, loop=80.0)
    return Comparison("online: <b>", [*rows], "numpy", machine, 1.0, 1.0, {}, {}, ["a note"])


def test_the_finding_comes_first_and_what_is_wrong_before_what_is_right():
    lines = text_of(
        comparison(row("after", RIGHT), row("before", WRONG), row("numpy", RIGHT))
    ).splitlines()
    assert lines[2:6] == [
        "before: NO. First wrong step: 1, in b1 (float64)",
        f"    {BLOCK}",
        "after: yes. Agrees over 50 steps",
        "",
    ]
    heads = [line.split()[0] for line in lines if line.startswith(("right?", "time ", "work "))]
    assert heads == ["right?", "time", "work"]


def test_that_all_agree_is_the_first_that_is_said():
    assert found_lines([row("mine", RIGHT), row("numpy", RIGHT)])[0] == "All agree, over 50 steps."


def test_a_variant_that_is_wrong_is_told_beside_a_function_that_is_right():
    lines = found_lines([row("mine", RIGHT), row("numpy", WRONG)])
    assert [line.partition(".")[0] for line in lines[::2]] == ["numpy: NO", "mine: yes"]


def test_what_fails_and_what_is_printed_is_told():
    lines = found_lines([row("mine", error="raises ValueError: no", output="one\ntwo\n")])
    assert lines == [
        "mine: failed. It raises ValueError: no",
        "mine printed:",
        "    one",
        "    two",
    ]


def test_differences_are_neither_infinite_nor_written_with_a_positive_exponent():
    infinite = Finding(1, "float64", 1, [WrongBlock("b1", math.inf)], math.inf, math.inf, math.inf)
    assert right_cells(row("mine", infinite))[2:] == ("wrong from step 1 on", "-", "-", "-")
    assert right_cells(row("mine", WRONG))[3] == "213"
    assert [difference(x) for x in (2.13e-8, 0.0021)] == ["2.1e-08", "0.0021"]


def test_a_notebook_shows_escaped_text_and_words_for_what_is_wrong():
    html = html_of(comparison(row("<mine>", WRONG), row("numpy", RIGHT)))
    assert "online: &lt;b&gt;" in html
    assert html.index("&lt;mine&gt;: NO. First wrong step") < html.index("<table>")
    assert "<b>NO</b>" in html
    assert "<mine>" not in html
