"""Kernels with the mistakes people make: where `compare` finds them, and the same ones mended."""

import pytest
from faulty import FAULTY

from fastperc.comparing import CAUSES
from fastperc.comparing.problem import make_problem
from fastperc.comparing.running import function_candidate

PROBLEM = {
    "hidden": "sigmoid", "output": "identity", "loss": "squared_error", "n_samples": 24,
    "batch_size": 32, "dtype": "float32", "lr": None, "seed": 0, "X": None, "y": None,
}  # fmt: skip
# Of these the cause may stay untold; no other may be named.
UNTOLD = {"batches_numpy.regression: 5 rows"}
MENDED = {(entry.function, entry.kind, str(entry.options)): entry for entry in FAULTY}


def checked(function, entry):
    """The row that `compare` makes of a function, without timing it."""
    problem = make_problem(entry.kind, **{**PROBLEM, **entry.options})
    row = function_candidate(function, problem, 20.0).row
    assert not row.error
    return row


@pytest.mark.parametrize("entry", FAULTY, ids=lambda entry: entry.name)
def test_the_first_wrong_step_its_blocks_and_the_cause_are_named(entry):
    found = checked(entry.faulty, entry).finding
    assert found.first_wrong == entry.first
    assert [block.name for block in found.blocks] == entry.wrong.split()
    if found.cause is not None or entry.name not in UNTOLD:
        assert found.cause == entry.cause


@pytest.mark.parametrize("entry", MENDED.values(), ids=lambda entry: entry.name)
def test_the_same_without_the_mistake_agrees(entry):
    row = checked(entry.function, entry)
    assert row.agrees
    assert row.finding.cause is None


def test_every_cause_is_that_of_a_kernel():
    assert {entry.cause for entry in FAULTY} == set(CAUSES)
