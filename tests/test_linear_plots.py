"""Pictures of linear models: what is drawn is what was found."""

import numpy as np
import pytest

from fastperc import Perceptron, SGDClassifier
from fastperc.plots import plot_boundary_path, plot_mistakes, plot_progressive
from fastperc.results import ProgressiveScore

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.default_rng(0).normal(size=(40, 2)) * [3, 1]
Y = X @ [1.0, -2.0] + 0.5 > 0


@pytest.mark.parametrize("w", [(1.0, -2.0), (0.0, 3.0), (-1e-3, 0.0), (1e6, 1e-6)])
def test_each_step_is_drawn_as_the_line_where_the_score_is_0(w):
    coefs, intercepts = [[0, 0], w, [2, 1]], [1.0, 0.7 * np.abs(w).max(), -1.0]
    ax = plot_boundary_path(X, Y, coefs, intercepts)
    assert len(ax.lines) == 2  # the first step has no boundary
    for line, coef, intercept in zip(ax.lines, coefs[1:], intercepts[1:], strict=True):
        points = line.get_xydata()
        np.testing.assert_allclose(points @ coef + intercept, 0, atol=1e-9 * np.abs(coef).max())
        left, right, bottom, top = *ax.get_xlim(), *ax.get_ylim()
        crosses = np.linspace(*points, 2001)
        inside = (crosses >= [left, bottom]) & (crosses <= [right, top])
        assert np.linalg.norm(np.diff(points, axis=0)) > right - left
        assert inside.all(axis=1).any() or abs(intercept) > 0
    assert ax.lines[0].get_alpha() < ax.lines[1].get_alpha() == 1
    assert ax.get_legend_handles_labels()[1] == ["False", "True", "boundary after 3 steps"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": X[:, :1]}, "X: found 1 columns, expected 2"),
        ({"y": Y[:5]}, r"y: found shape \(5,\), expected \(40,\)"),
        ({"coefs": np.ones((3, 3))}, "coefs: found 3 columns, expected 2"),
        ({"intercepts": [0.0]}, "intercepts: found 1, expected 3, one for each step"),
    ],
)
def test_a_path_that_does_not_fit_is_refused(change, message):
    given = {"X": X, "y": Y, "coefs": np.ones((3, 2)), "intercepts": np.zeros(3)}
    with pytest.raises(ValueError, match=message):
        plot_boundary_path(**{**given, **change})


def test_one_step_is_not_called_several():
    ax = plot_boundary_path(X, Y, [[1, -2]], [0.5])
    assert ax.get_legend_handles_labels()[1][-1] == "boundary after 1 step"


def test_mistakes_are_drawn_epoch_by_epoch():
    model = Perceptron(tol=None, max_iter=400).fit(X, Y)
    ax = plot_mistakes(model)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), np.arange(1, 401))
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), model.mistakes_)
    first = np.flatnonzero(model.mistakes_)[-1] + 2
    title = ax.get_title("left")
    assert f"separated from epoch {first} on, after {model.mistakes_.sum():,} mistakes" in title
    assert f"at most {model.mistake_bound_:,.0f} were possible" in title


def test_what_is_not_separated_is_said():
    y = Y.copy()
    y[:9] = ~y[:9]
    model = Perceptron(tol=None, max_iter=30).fit(X, y)
    title = plot_mistakes(model).get_title("left")
    assert title == f"not separated: {model.mistakes_[-1]} mistakes in the last epoch"
    with pytest.raises(ValueError, match="found a SGDClassifier without mistakes_"):
        plot_mistakes(SGDClassifier().fit(X, Y))


def test_progressive_curves_are_drawn_with_their_names():
    curves = {
        "a": ProgressiveScore.of("accuracy", np.array([0.0, 1, 1, 1]), Y[:4]),
        "b": ProgressiveScore.of("accuracy", np.array([1.0, 0, 0]), Y[:3]),
    }
    ax = plot_progressive(curves)
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[1, 0], [2, 0.5], [3, 2 / 3], [4, 0.75]])
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [1, 0.5, 1 / 3])
    assert [text.get_text() for text in ax.texts] == ["a 0.75", "b 0.3333"]
    assert curves["a"].plot().get_xlabel() == "Rows seen"
    other = ProgressiveScore.of("r2", np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="found the metrics accuracy, r2"):
        plot_progressive({**curves, "c": other})
    with pytest.raises(ValueError, match="of no curve"):
        plot_progressive({})


def test_one_row_is_drawn_without_a_warning():
    ax = ProgressiveScore.of("accuracy", np.array([1.0]), np.array([1.0])).plot()
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[1, 1]])
    assert ax.get_xlim() == (1, 2)
