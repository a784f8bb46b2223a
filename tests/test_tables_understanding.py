"""What tables are taken for."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from fastperc.errors import TableError
from fastperc.tables.reading import open_source
from fastperc.tables.understanding import understand

N = 60
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=N).tolist()
DAY = datetime.date(2024, 1, 1)
WORDS = "the quick brown fox jumps over the lazy dog"

# Columns, and what each is taken for.
ROLES = {
    "number": NUMBERS,
    "whole": RNG.integers(0, 40, N).tolist(),
    "with holes": [None, *NUMBERS[1:]],
    "yes": ["yes", "no"] * (N // 2),
    "true": [True, False] * (N // 2),
    "text": [f"{WORDS} {k}" for k in range(N)],
    "long": [WORDS * 3 + "ab"[k % 2] + str(k % 25) for k in range(N)],
    "zip": [f"{k % 12:05}" for k in range(N)],
    "key": [f"K{k}" for k in range(N)],
    "row": list(range(100, 100 + N)),
    "customer_id": (np.arange(N) ** 2).tolist(),
    "date": [DAY + datetime.timedelta(k) for k in range(N)],
    "one": ["same"] * N,
    "none": [None] * N,
    "one or none": [1.0, None] * (N // 2),
}
EXPECTED = {
    "number": "number", "whole": "number", "with holes": "number", "yes": "category",
    "true": "category", "text": "text", "long": "text", "zip": "category", "key": "identifier",
    "row": "identifier", "customer_id": "identifier", "date": "date", "one": "constant",
    "none": "constant", "one or none": "constant",
}  # fmt: skip
TARGET = RNG.normal(size=N).tolist()


def found(target=TARGET, columns=ROLES, **options):
    return understand(open_source(pa.table({**columns, "y": target})), "y", **options)


def roles(understanding):
    return {column.name: column.role for column in understanding.columns}


@pytest.mark.parametrize("name", EXPECTED)
def test_roles(name):
    assert roles(found())[name] == EXPECTED[name]


def test_what_is_left_out_is_told_with_the_reason():
    line = next(line for line in found().stated if line.startswith("Left out"))
    assert "row (it counts the rows)" in line
    assert "one (it is always 'same')" in line
    assert "none (no cell has a value)" in line


def test_the_user_says_otherwise():
    source = open_source(pa.table({**ROLES, "y": TARGET}), categorical=["key"], drop=["zip"])
    told = roles(understand(source, "y", numeric=["row"], categorical=["key"], drop=["zip"]))
    assert (told["row"], told["key"], told["zip"]) == ("number", "category", "dropped")


@pytest.mark.parametrize(
    ("target", "task"),
    [
        (TARGET, "regression"),
        (list(range(N)), "regression"),
        ([k % 30 for k in range(N)], "regression"),
        ([k % 3 for k in range(N)], "multiclass"),
        ([float(k % 2) for k in range(N)], "binary"),
        ([1.5, 2.5] * (N // 2), "regression"),
        (["a", "b"] * (N // 2), "binary"),
        (["a", "b", None] * (N // 3), "binary"),
        (["a", "b", "c"] * (N // 3), "multiclass"),
        ([True, False] * (N // 2), "binary"),
    ],
)
def test_tasks(target, task):
    assert found(target, {"x": NUMBERS}).task == task


def test_the_task_can_be_said():
    numbers = [k % 3 for k in range(N)]
    assert found(numbers, {"x": NUMBERS}, task="regression").task == "regression"
    assert found(numbers, {"x": NUMBERS}, numeric=["y"]).task == "regression"
    many = [k % 30 for k in range(N)]
    assert found(many, {"x": NUMBERS}, task="multiclass").class_counts == (2,) * 30


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ([None] * N, {}, "the target has no value in any row"),
        ([3] * N, {}, "the target is always '3'"),
        ([f"K{k}" for k in range(N)], {}, "60 different values in 60 rows, too many"),
        ([DAY, DAY + datetime.timedelta(1)] * (N // 2), {}, "the target is a date"),
        (["a", "b"] * (N // 2), {"task": "regression"}, "is a number, and this is none"),
        (["a", "b", "c"] * (N // 3), {"task": "binary"}, "3 different values, expected 2"),
        (TARGET, {"task": "multiclass"}, "numbers with decimals"),
        ([1e40 * y for y in TARGET], {}, "store it in another unit"),
        ([1e-40 * y for y in TARGET], {}, "store it in another unit"),
    ],
)
def test_targets_that_nothing_can_be_learned_from(target, options, message):
    with pytest.raises(TableError, match=message):
        found(target, {"x": NUMBERS}, **options)


def test_no_target_and_no_inputs():
    source = open_source(pa.table({"x": NUMBERS, "y": TARGET}))
    with pytest.raises(TableError, match=r"--target NAME\. There are x, y"):
        understand(source)
    with pytest.raises(TableError, match="no column 'Y'; there are x, y"):
        understand(source, "Y")
    with pytest.raises(TableError, match=r"there is no column to predict 'y' from\. Left out: row"):
        found(columns={"row": ROLES["row"]})


def test_a_column_that_says_the_same_is_kept_if_there_is_no_other():
    assert roles(found(columns={"again": [2 * y for y in TARGET]}))["again"] == "number"


@pytest.mark.parametrize(
    ("target", "column"),
    [
        (TARGET, [1000 * y + 5 for y in TARGET]),
        (["a", "b"] * (N // 2), [0, 1] * (N // 2)),
        (["a", "b", "c"] * (N // 3), ["x", "y", "z"] * (N // 3)),
    ],
)
def test_a_column_that_says_the_same_as_the_target_is_left_out(target, column):
    understanding = found(target, {"x": NUMBERS, "again": column})
    assert roles(understanding)["again"] == "dropped"
    assert any("'again' says the same as the target" in text for text in understanding.warnings)
    kept = "numeric" if not isinstance(column[0], str) else "categorical"
    assert (
        roles(found(target, {"x": NUMBERS, "again": column}, **{kept: ["again"]}))["again"]
        != "dropped"
    )


def test_what_may_be_a_mistake_is_told():
    rare = ["a"] * (N - 1) + ["b"]
    codes = [k % 4 for k in range(N)]
    said = "\n".join(found(rare, {"x": NUMBERS, "code": codes}).warnings)
    assert "Class b has 1 of 60 rows" in said
    assert "--categorical code" in said
    assert "full stop" in "\n".join(found(["a.", "b."] * (N // 2), {"x": NUMBERS}).warnings)


def test_missing_cells_are_counted():
    understanding = found(missing="mean")
    assert "Without a value: 1 cells, of with holes (1); --missing mean" in understanding.stated
