"""Figures keep a few digits and no trailing zeros; tables are aligned."""

import math

import pytest

from fastperc.measuring.words import columns, duration, factor, number, percent, span


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.000012345, "0.0000123"),
        (0.9996, "1"),
        (9.996, "10"),
        (-2.5, "-2.5"),
        (99.96, "100"),
        (12_345.6, "12,346"),
        (math.nan, "-"),
    ],
)
def test_numbers_keep_three_digits_and_all_before_the_point(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ns"),
        (9.9e-7, "990 ns"),
        (0.0000123, "12 us"),
        (0.00949, "9.5 ms"),
        (0.00996, "10 ms"),
        (0.5, "500 ms"),
        (1, "1 s"),
        (3700, "3,700 s"),
        (math.nan, "-"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("ratio", "text"), [(0.054, "0.054x"), (0.999, "1x"), (9.96, "10x"), (1234.5, "1,234x")]
)
def test_factor(ratio, text):
    assert factor(ratio) == text


def test_what_is_not_known_is_a_dash():
    assert {factor(math.nan), percent(math.nan), span(math.nan, 1.0)} == {"-"}


def test_more_columns_can_be_aligned_left():
    assert columns([["a", "bb", "1"], ["aaa", "b", "20"]], left=2) == ["a    bb   1", "aaa  b   20"]
