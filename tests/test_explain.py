"""The numbers of a step, expected and found, as formulas in the shape of a tutorial's."""

from dataclasses import replace

import numpy as np
import pytest

from fastperc.comparing.numbers import side_by_side
from fastperc.comparing.problem import Problem
from fastperc.comparing.running import function_candidate


def gradient(X, Y, weights, biases, slope=True, factor=1):
    (W1, W2), (b1, b2) = weights, biases
    a1 = np.tanh(X @ W1 + b1)
    d2 = (a1 @ W2 + b2 - Y) / len(X)
    d1 = d2 @ W2.T * ((1 - a1**2) if slope else 1)
    return [X.T @ d1, a1.T @ d2 * factor], [d1.sum(axis=0), d2.sum(axis=0)]


def epoch(X, Y, weights, biases, lr, **mistakes):
    for row in range(len(X)):
        by = gradient(X[row : row + 1], Y[row : row + 1], weights, biases, **mistakes)
        for parameter, slope in zip([*weights, *biases], [*by[0], *by[1]], strict=True):
            parameter -= lr * slope


def explained(function, kind, **options):
    options = {"sizes": (3, 4, 2), "hidden": "tanh", "n_samples": 8, **options}
    problem = Problem(kind, dtype="float64", **options)
    return problem, function_candidate(function, problem, 20.0).row.explanation


def numbers_below(text, formula):
    """The expected and the found numbers below a formula."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip().startswith(formula)) + 1
    rows = []
    for line in lines[start:]:
        if not line.startswith("      "):
            break
        rows.append([[float(word) for word in side.split()] for side in line.split("|")])
    return [np.array(side) for side in zip(*rows, strict=True)]


def test_both_passes_are_shown_with_the_cause_that_was_found():
    problem, text = explained(lambda *a: epoch(*a, slope=False), "online")
    (W1, W2), (b1, b2) = problem.start()
    x, y = (array[:1] for array in problem.samples)
    a1 = np.tanh(x @ W1 + b1)
    back = (a1 @ W2 + b2 - y) @ W2.T
    expected, yours = numbers_below(text, "delta1 = (delta2 @ W2.T) * (1 - a1**2)")
    np.testing.assert_allclose(expected, back * (1 - a1**2), atol=1e-4)
    np.testing.assert_allclose(yours, back, atol=1e-4)
    assert "delta1 = (delta2 @ W2.T) * (1 - a1**2)   <-- the first that differs\n" in text
    assert "W1 -= lr * dW1   <- differs\n" in text
    assert "W2 -= lr * dW2\n" in text
    assert text.count("<--") == 1


def test_of_an_unknown_mistake_the_gradient_follows_from_the_step():
    _, text = explained(lambda *a: epoch(*a, factor=0.123), "online")
    assert len(numbers_below(text, "z1 = x @ W1 + b1")) == 1
    expected, yours = numbers_below(text, "dW2 = a1.T @ delta2   <-- the first that differs")
    np.testing.assert_allclose(yours, 0.123 * expected, atol=1e-4)


def test_a_gradient_has_no_update_and_outputs_no_way_back():
    _, text = explained(lambda *a: gradient(*a, factor=2), "gradient")
    headings = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert headings[-3:] == ["given", "forward pass", "backward pass"]
    assert "dW2 = a1.T @ delta2   <--" in text
    _, text = explained(lambda X, weights, biases: X @ weights[0] @ weights[1], "forward")
    assert "a2 = z2   <--" in text
    assert "delta" not in text


def test_where_nothing_is_wrong_the_first_step_is_shown():
    problem, text = explained(epoch, "online")
    assert "left: expected; right: yours; no difference is larger than " in text
    assert "differs" not in text
    expected, yours = numbers_below(text, "W1 -= lr * dW1")
    np.testing.assert_array_equal(yours, expected)
    np.testing.assert_allclose(numbers_below(text, "x")[0], problem.samples[0][:1], atol=1e-4)


def test_columns_are_shown_as_columns():
    def in_columns(X, Y, weights, biases):
        by = gradient(X.T, Y.T, [W.T for W in weights], [b[:, 0] for b in biases], slope=False)
        return [W.T for W in by[0]], [b[:, None] for b in by[1]]

    problem, text = explained(in_columns, "gradient", layout="columns")
    assert "z1 = W1 @ x + b1" in text
    assert "delta1 = (W2.T @ delta2) * (1 - a1**2)   <--" in text
    np.testing.assert_allclose(numbers_below(text, "W2")[0], problem.start()[0][1].T, atol=1e-4)
    assert numbers_below(text, "b1")[0].shape == (4, 1)


def test_a_wrong_shape_and_a_failure_are_no_reason_to_fail():
    def turned(X, Y, weights, biases):
        by_weights, by_biases = gradient(X, Y, weights, biases)
        return [by_weights[0].T, by_weights[1]], by_biases

    assert "yours has shape (4, 3), expected (3, 4)" in explained(turned, "gradient")[1]
    assert "no numbers to explain. It raises" in explained(lambda *a: 1 / 0, "gradient")[1]


def test_a_large_array_is_cut_and_a_small_one_whole():
    assert side_by_side(np.zeros((30, 20)), None)[2:] == ["0  0  0  0  ...", "..."]
    assert side_by_side(np.eye(3), None) == ["1  0  0", "0  1  0", "0  0  1"]


def test_a_difference_is_seen_however_small_and_wherever():
    assert side_by_side(np.array([1.5]), np.array([1.5 + 1e-8]), True) == [
        "1.50000000  |  1.50000001"
    ]
    far = np.zeros((9, 9))
    far[8, 8] = 0.25
    assert side_by_side(np.zeros((9, 9)), far, True)[-1] == "at [8, 8]: 0  |  0.25"
    assert side_by_side(np.zeros(1), np.full(1, np.nan), True) == ["0  |  nan"]


@pytest.mark.parametrize("value", [210.0, 2.1e5, 0.0021])
def test_numbers_of_usual_size_have_no_exponent(value):
    assert "e" not in side_by_side(np.array([value + 0.0004]), None)[0]


def test_without_biases_none_are_shown():
    problem = Problem("online", sizes=(3, 2), n_samples=4, dtype="float64")
    row = function_candidate(lambda *a: None, problem, 20.0).row
    row.problem, row.finding = (
        replace(problem, bias=False),
        replace(row.finding, step=None, first_wrong=None),
    )
    assert "z1 = x @ W1\n" in row.explanation
    assert "b1" not in row.explanation
