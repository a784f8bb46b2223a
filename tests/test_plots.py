"""Pictures are tested by what is in them: curves, regions, bars, labels; not by their pixels."""

from itertools import combinations

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from fastperc import History, MLPClassifier, Network
from fastperc.plots import (
    DecisionBoundaryDisplay,
    plot_calibration,
    plot_comparison,
    plot_confusion,
    plot_decision_boundary,
    plot_histories,
    plot_history,
    plot_importances,
    plot_parts,
    plot_predicted,
    plot_residuals,
    plot_roofline,
    plot_scaling,
    plot_speedups,
    plot_weights,
    style,
)
from fastperc.plots.decision_boundary import GRID_POINTS
from fastperc.plots.style import COLOURS, OTHERS, OURS, YOURS


@pytest.fixture
def ax():
    figure = Figure(layout="constrained")
    FigureCanvasAgg(figure)
    return figure.subplots()


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """Whatever a picture does to matplotlib as a whole is a failure."""
    before = matplotlib.rcParams.copy()
    yield
    pyplot.close("all")
    assert matplotlib.rcParams == before


def drawn(ax):
    """Draw for real: only that finds a layout or a text that does not work."""
    ax.figure.canvas.draw()
    return ax


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()] if ax.get_legend() else []


# --- learning curves -----------------------------------------------------------------------------


def run(loss, validation_loss=()):
    return History(loss=list(loss), validation_loss=list(validation_loss))


def test_a_history_is_a_curve_over_epochs_counted_from_1(ax):
    assert plot_history(run([3.0, 2.0, 1.5]), ax=ax) is ax
    (curve,) = ax.lines
    np.testing.assert_array_equal(curve.get_xydata(), [[1, 3], [2, 2], [3, 1.5]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Epoch", "Loss (mean over samples)")
    assert ax.get_yscale() == "linear"
    assert legend(drawn(ax)) == []


def test_validation_is_dashed_in_the_same_colour(ax):
    plot_history(run([3, 2], [4, 3]), ax)
    training, validation = ax.lines
    assert [training.get_linestyle(), validation.get_linestyle()] == ["-", "--"]
    assert training.get_color() == validation.get_color()
    assert validation.get_ydata().tolist() == [4, 3]
    assert legend(ax) == ["training", "validation"]


def test_a_long_legend_hides_no_curve(ax):
    plot_history({"a": run([3, 2], [4, 3]), "b": run([3, 1], [4, 2])}, ax)
    renderer = drawn(ax).figure.canvas.get_renderer()
    assert ax.get_legend().get_window_extent(renderer).x0 > ax.get_window_extent(renderer).x1


def test_runs_differ_in_colour_and_in_marker(ax):
    runs = {f"run {i}": run([3, 2], [3, 2] if i == 1 else []) for i in range(12)}
    plot_history(runs, ax)
    assert legend(drawn(ax)) == ["run 0", "run 1", "run 1, validation", *list(runs)[2:]]
    training = [line for line in ax.lines if line.get_linestyle() == "-"]
    assert len({(line.get_color(), line.get_marker()) for line in training}) == 12
    assert len({line.get_color() for line in training[:7]}) == 7
    assert len({line.get_marker() for line in training[:7]}) == 7


def test_pairs_may_have_the_same_label(ax):
    plot_history([("a", run([2, 1])), ("a", run([3, 1]))], ax)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[2, 1], [3, 1]]


@pytest.mark.parametrize(
    ("loss", "validation_loss", "scale"),
    [
        ([10, 5, 1], [], "linear"),
        ([10.1, 5, 1], [], "log"),
        ([5, 1], [50, 40], "log"),
        ([100, 0], [], "linear"),
        ([100, -1], [], "linear"),
    ],
)
def test_the_loss_axis_is_logarithmic_over_a_decade(loss, validation_loss, scale, ax):
    plot_history(run(loss, validation_loss), ax)
    assert drawn(ax).get_yscale() == scale


def test_losses_are_written_out(ax):
    plot_history(run([100, 0.01]), ax)
    shown = {tick.get_text() for tick in drawn(ax).get_yticklabels()}
    assert {"0.1", "1", "10"} <= shown


def test_a_single_epoch_can_be_seen(ax):
    plot_history(run([3.0]), ax)
    (curve,) = drawn(ax).lines
    assert curve.get_marker() == "o"
    assert curve.get_markevery() == (0, 1)


@pytest.mark.parametrize("n_epochs", [2, 7, 8, 100, 100_000])
def test_a_curve_has_a_handful_of_markers(n_epochs, ax):
    plot_history({"a": run(range(n_epochs)), "b": run(range(n_epochs))}, ax)
    for line in ax.lines:
        first, every = line.get_markevery()
        assert 1 <= len(range(first, n_epochs, every)) <= 15


def test_epochs_are_whole_numbers(ax):
    plot_history(run([3, 2, 1]), ax)
    assert all(tick == round(tick) for tick in drawn(ax).get_xticks())


def test_a_history_plots_itself(ax):
    net = Network((1, 1), seed=0)
    history = net.train([[0.0], [1.0]], [0.0, 1.0], epochs=4, validation=0.5)
    assert history.plot(ax=ax) is ax
    assert [len(line.get_xdata()) for line in ax.lines] == [4, 4]


@pytest.mark.parametrize(
    "wrong", [None, 3, "loss", [1.0, 2.0], [run([1])], {"a": [1, 2]}, [("a", run([1]), 3)]]
)
def test_what_is_no_history_is_a_type_error(wrong, ax):
    with pytest.raises(TypeError, match=r"histories: found .*, expected a History, or a dict or"):
        plot_history(wrong, ax)


@pytest.mark.parametrize(
    ("empty", "where"),
    [(run([]), "at all"), ({}, "at all"), ({"a": run([1]), "b": run([])}, "'b'")],
)
def test_no_epoch_is_a_value_error(empty, where, ax):
    with pytest.raises(ValueError, match=f"histories: found no epoch .*{where}, expected at least"):
        plot_history(empty, ax)
    assert not ax.lines


# --- decision boundaries -------------------------------------------------------------------------


class Stripes:
    """Predicts labels by where the first input lies between walls."""

    def __init__(self, walls, labels):
        self.walls, self.labels = walls, np.asarray(labels)

    def predict(self, X):
        return self.labels[np.searchsorted(self.walls, X[:, 0])]


X = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 1.0], [4.0, 4.0]])


def samples(ax):
    """The groups of samples: (marker colour, positions) of each that is not empty."""
    groups = [c for c in ax.collections if isinstance(c, PathCollection) and len(c.get_offsets())]
    return [(to_hex(c.get_facecolor()[0]), c.get_offsets().tolist()) for c in groups]


def test_regions_follow_the_predictions(ax):
    assert plot_decision_boundary(Stripes([1.5], [0, 1]), X, [0, 0, 1, 1], ax) is ax
    (image,) = drawn(ax).images
    pixels = np.asarray(image.get_array())
    assert pixels.shape == (GRID_POINTS, GRID_POINTS, 3)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) in (2, 3)  # and a mixture at the wall
    left, right, bottom, top = image.get_extent()
    assert left < 0 < 4 < right
    assert bottom < 0 < 4 < top
    wall = np.flatnonzero((pixels[0] != pixels[0, 0]).any(axis=-1))[0] / GRID_POINTS
    assert left + wall * (right - left) == pytest.approx(1.5, abs=0.03)


def test_the_boundary_is_a_line_between_the_regions(ax):
    plot_decision_boundary(Stripes([1.5], [0, 1]), X, [0, 0, 1, 1], ax)
    lines = [c for c in ax.collections if not isinstance(c, PathCollection)]
    walls = np.concatenate([path.vertices for line in lines for path in line.get_paths()])
    np.testing.assert_allclose(walls[:, 0], 1.5, atol=0.02)


def test_a_slanted_boundary_has_no_stairs(ax):
    class Slanted:
        def predict(self, X):
            return (X[:, 1] > 0.3 * X[:, 0] + 1).astype(int)

    plot_decision_boundary(Slanted(), X, [0, 1, 0, 1], ax)
    lines = [c for c in ax.collections if not isinstance(c, PathCollection)]
    x, y = np.concatenate([path.vertices for line in lines for path in line.get_paths()]).T
    spacing = 1.12 * 4 / GRID_POINTS
    assert np.abs(y - (0.3 * x + 1)).max() < 0.3 * spacing  # of labels alone, it would be a half


def test_the_second_input_is_upwards(ax):
    class Upper:
        def predict(self, X):
            return (X[:, 1] > 3).astype(int)

    plot_decision_boundary(Upper(), X, [0, 0, 0, 1], ax)
    (image,) = ax.images
    pixels = np.asarray(image.get_array())
    assert image.origin == "lower"
    np.testing.assert_array_equal(pixels[0], pixels[0, :1].repeat(GRID_POINTS, axis=0))
    assert (pixels[0] == pixels[GRID_POINTS // 2]).all()
    assert (pixels[0] != pixels[-1]).any(axis=-1).all()


def test_samples_are_filled_where_right_and_hollow_where_wrong(ax):
    plot_decision_boundary(Stripes([1.5], [0, 1]), X, [0, 1, 1, 1], ax)
    blue, red = (colour.lower() for colour in COLOURS[:2])
    assert samples(ax) == [
        (blue, [[0, 0]]),
        (red, [[2, 1], [4, 4]]),
        ("#ffffff", [[1, 2]]),
    ]
    assert legend(drawn(ax)) == ["0", "1", "predicted wrongly"]


def test_labels_may_be_text_and_any_number_of_them(ax):
    names = [f"class {i:02}" for i in range(12)]
    predictor = Stripes(np.linspace(0, 4, 11), names)
    plot_decision_boundary(predictor, X, predictor.predict(X), ax)
    assert legend(drawn(ax)) == names
    groups = [c for c in ax.collections if c.get_label() in names]
    looks = {(str(c.get_facecolor()), c.get_paths()[0].vertices.tobytes()) for c in groups}
    assert len(looks) == 12
    colours, n = np.unique(np.asarray(ax.images[0].get_array())[0], axis=0, return_counts=True)
    assert len(colours[n > 5]) == 10  # and mixtures at the walls


@pytest.mark.parametrize(
    ("labels", "y"),
    [
        ([0.0, 1.0], [0, 0, 1, 1]),
        ([False, True], [False, False, True, True]),
        ([-1, 1], [[-1], [-1], [1], [1]]),
        (np.array(["a", "b"], dtype=object), ["a", "a", "b", "b"]),
        (["a", "b"], np.array(["a", "a", "b", "b"], dtype=object)),
    ],
)
def test_labels_of_every_kind(labels, y, ax):
    plot_decision_boundary(Stripes([1.5], labels), X, y, ax)
    assert len(legend(drawn(ax))) == 2
    assert len(samples(ax)) == 2


def test_one_class_everywhere_has_no_boundary(ax):
    plot_decision_boundary(Stripes([], [7]), X, [7, 7, 7, 7], ax)
    assert legend(drawn(ax)) == ["7"]
    assert all(isinstance(c, PathCollection) for c in ax.collections)


def test_samples_on_one_spot_can_be_drawn(ax):
    plot_decision_boundary(Stripes([0.1], [0, 1]), np.zeros((3, 2)), [0, 0, 0], ax)
    assert drawn(ax).images[0].get_extent() == pytest.approx((-0.5, 0.5, -0.5, 0.5))


@pytest.mark.parametrize(
    "net",
    [
        Network((2, 1), output="sigmoid", loss="log_loss", seed=0),
        Network((2, 4, 3), output="softmax", loss="cross_entropy", seed=0, dtype="float64"),
    ],
    ids=["binary", "classes"],
)
def test_a_network_has_decision_boundaries(net, ax):
    plot_decision_boundary(net, X.tolist(), net.predict(X), ax)
    assert "predicted wrongly" not in legend(drawn(ax))


@pytest.mark.parametrize(
    ("predictor", "X", "y", "message"),
    [
        (Stripes([1], [0, 1]), np.ones((4, 3)), [0, 1, 0, 1], "X: found 3 columns, expected 2"),
        (Stripes([1], [0, 1]), X, [0, 1], "y: found 2 labels, expected 4, one for each row of X"),
        (Stripes([1], [0, 1]), X, [0.5, 1, 2, 3], "y: found 0.5, expected class labels"),
        (Stripes([1], [0, 1]), X, np.ones((4, 2)), r"y: found shape \(4, 2\), expected one label"),
        (Stripes([1], [0, 1]), X * np.nan, [0, 1, 0, 1], "X: found nan"),
        (Network((2, 1), seed=0), X, [0, 1, 0, 1], "found .*, expected class labels. Only classif"),
    ],
)
def test_what_has_no_decision_boundary_is_a_value_error(predictor, X, y, message, ax):
    with pytest.raises(ValueError, match=message):
        plot_decision_boundary(predictor, X, y, ax)
    assert not ax.images


def test_a_display_is_made_from_an_estimator_as_in_scikit_learn(ax):
    y = np.array(["a", "a", "b", "b"])
    estimator = MLPClassifier((4,), solver="lbfgs", max_iter=1000, random_state=0).fit(X, y)
    display = DecisionBoundaryDisplay.from_estimator(
        estimator, X, y, grid_resolution=20, xlabel="length", ax=ax
    )
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert display.surface_ is drawn(ax).images[0]
    assert display.classes.tolist() == ["a", "b"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("length", "Input 2")
    points = np.stack([display.xx0.ravel(), display.xx1.ravel()], axis=1)
    np.testing.assert_array_equal(display.response.ravel(), estimator.predict(points))


def test_a_display_can_be_drawn_again(ax):
    first = plot_decision_boundary(Stripes([1.5], [0, 1]), X, [0, 0, 1, 1])
    display = DecisionBoundaryDisplay.from_estimator(Stripes([1.5], [0, 1]), X, [0, 0, 1, 1])
    assert display.plot(ax) is display
    assert display.ax_ is ax
    assert samples(ax) == samples(first)


def test_without_labels_there_are_regions_only(ax):
    DecisionBoundaryDisplay.from_estimator(Stripes([1.5, 2], ["a", "b", "c"]), X, ax=ax)
    assert samples(drawn(ax)) == []
    assert legend(ax) == ["a", "b", "c"]


class Frame:
    """As much of a data frame as is used; pandas need not be there."""

    def __init__(self, data, columns):
        self.data, self.columns = np.asarray(data), columns

    def __array__(self, dtype=None, copy=None):
        return self.data.astype(dtype or float)


def test_a_data_frame_names_the_axes_and_comes_to_the_estimator_as_one(ax):
    class NeedsNames(Stripes):
        def predict(self, X):
            assert X.columns == ["petal", "sepal"]
            return super().predict(X.data)

    frame = Frame(X, ["petal", "sepal"])
    plot_decision_boundary(NeedsNames([1.5], [0, 1]), frame, [0, 0, 1, 1], ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("petal", "sepal")


def test_a_grid_has_at_least_two_points_along_each_side(ax):
    with pytest.raises(ValueError, match="grid_resolution: found 1, expected at least 2"):
        DecisionBoundaryDisplay.from_estimator(Stripes([1], [0, 1]), X, grid_resolution=1, ax=ax)


def test_what_does_not_predict_is_a_type_error(ax):
    with pytest.raises(TypeError, match="predictor: found 'net', expected something with predict"):
        plot_decision_boundary("net", X, [0, 1, 0, 1], ax)


def test_labels_of_another_kind_than_predicted_are_a_type_error(ax):
    with pytest.raises(TypeError, match=r"y: found labels such as no, .* the predicted 0\."):
        plot_decision_boundary(Stripes([1], [0, 1]), X, ["no", "yes", "no", "yes"], ax)


# --- speed-ups -----------------------------------------------------------------------------------


def bars(ax):
    """Each bar's two ends on the speed-up axis."""
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
    return [tuple(map(float, pair)) for pair in ends]


def test_bars_begin_at_1_and_end_at_the_ratio(ax):
    assert plot_speedups(["a", "b", "c"], [164, 9.4, 0.5], ax) is ax
    assert bars(ax) == [(1, pytest.approx(164)), (1, pytest.approx(9.4)), (1, pytest.approx(0.5))]
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "Speed-up (times as fast, logarithmic)"


def test_names_read_from_top_to_bottom(ax):
    plot_speedups(["first", "second"], [2, 3], ax)
    assert [label.get_text() for label in drawn(ax).get_yticklabels()] == ["first", "second"]
    top, bottom = (bar.get_y() for bar in ax.patches)
    assert ax.transData.transform((1, top))[1] > ax.transData.transform((1, bottom))[1]


def test_what_is_slower_is_hatched(ax):
    plot_speedups(["a", "b"], [0.5, 2], ax)
    slower, faster = ax.patches
    assert slower.get_hatch()
    assert not faster.get_hatch()
    assert slower.get_facecolor() != faster.get_facecolor()


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(1234.5, "1,234×"), (164.2, "164×"), (12.04, "12×"), (9.44, "9.4×"), (2.0, "2×"), (1, "1×"),
     (0.523, "0.52×"), (0.05, "0.05×"), (0.00123, "0.0012×"), (2.5e6, "2,500,000×")],
)  # fmt: skip
def test_the_ratio_stands_beside_its_bar(ratio, text, ax):
    plot_speedups(["a"], [ratio], ax)
    assert [label.get_text() for label in ax.texts] == [text]


@pytest.mark.parametrize(
    "ratios", [[1234.5, 812, 9.4], [0.52, 1.0, 3.1], [0.001, 0.02], [1.0], [12.0], [0.2, 50_000]]
)
def test_everything_fits_into_the_picture(ratios, ax):
    plot_speedups([f"name {i}" for i in range(len(ratios))], ratios, ax)
    renderer = drawn(ax).figure.canvas.get_renderer()
    frame = ax.get_window_extent(renderer)
    for text in ax.texts:
        box = text.get_window_extent(renderer)
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1
    low, high = ax.get_xlim()
    shown = [tick for tick in ax.get_xticks() if low <= tick <= high]
    assert len(shown) >= 2


@pytest.mark.parametrize(
    ("names", "ratios", "error", "message"),
    [
        (["a"], [1, 2], ValueError, "ratios: found 2 for 1 names, expected one for each"),
        ([], [], ValueError, "ratios: found 0 for 0 names, expected one for each, at least 1"),
        (["a"], [0], ValueError, r"ratios\[0\]: found 0, expected a finite number greater than 0"),
        (["a"], [float("nan")], ValueError, r"ratios\[0\]: found nan"),
        (["a"], ["fast"], TypeError, r"ratios\[0\]: found 'fast', expected a number"),
    ],
)
def test_ratios_that_are_none(names, ratios, error, message, ax):
    with pytest.raises(error, match=message):
        plot_speedups(names, ratios, ax)
    assert not ax.patches


# --- manners -------------------------------------------------------------------------------------

CALLS = {
    "history": lambda ax=None: plot_history(run([100, 1], [100, 2]), ax),
    "boundary": lambda ax=None: plot_decision_boundary(Stripes([1], [0, 1]), X, [0, 1, 0, 1], ax),
    "speedups": lambda ax=None: plot_speedups(["a", "b"], [2, 0.3], ax),
    "comparison": lambda ax=None: plot_comparison(["a", "b"], [20, 300], wrong=["b"], ax=ax),
    "scaling": lambda ax=None: plot_scaling({"a": ([1, 2], [9, 5])}, xlabel="Threads", ax=ax),
    "roofline": lambda ax=None: plot_roofline({"a": (0.6, 18)}, gflops=60, gbytes=14, ax=ax),
    "weights": lambda ax=None: plot_weights(np.eye(4), ax=ax),
    "predicted": lambda ax=None: plot_predicted([1, 2, 3], [1, 2, 4], ax),
    "residuals": lambda ax=None: plot_residuals([1, 2, 3], [1, 2, 4], ax),
    "confusion": lambda ax=None: plot_confusion(["$a", "b"], ["b", "b"], ["$a", "b"], ax),
    "calibration": lambda ax=None: plot_calibration([0.1, 0.9], [False, True], ax),
    "importances": lambda ax=None: plot_importances(["$a$", "b"], [0.2, 0.1], [0.1, 0.0], ax),
    "parts": lambda ax=None: plot_parts("a", {"b": [1]}, unit="MB", xlabel="MB", ax=ax),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_without_axes_a_figure_is_made(call, tmp_path):
    ax = call()
    assert pyplot.gcf() is ax.figure
    ax.figure.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 1_000


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_with_axes_pyplot_is_left_alone(call, ax, monkeypatch):
    monkeypatch.setattr(pyplot, "subplots", lambda **_: pytest.fail("a figure of its own"))
    assert call(ax) is ax
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_nothing_is_shown(call, monkeypatch):
    monkeypatch.setattr(pyplot, "show", lambda *args, **kwargs: pytest.fail("shown"))
    call()


WITHOUT_MATPLOTLIB = """
import sys

class Absent:
    def find_spec(self, name, *_):
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}", name="matplotlib")

sys.meta_path.insert(0, Absent())
from fastperc import History, plots

class Predictor:
    def predict(self, X):
        return X[:, 0] > 1

for draw in (
    lambda: plots.plot_history(History(loss=[1.0])),
    lambda: plots.plot_decision_boundary(Predictor(), [[0, 0], [2, 2]], [False, True]),
    lambda: plots.plot_speedups(["a"], [2.0]),
    lambda: plots.plot_weights([[1.0]]),
    lambda: plots.plot_roofline({"a": (0.6, 18)}, gflops=60, gbytes=14),
):
    try:
        draw()
    except ImportError as error:
        print(error)
"""


def test_without_matplotlib_the_extra_is_named(run_python):
    message = "this needs matplotlib, which is not installed: pip install 'fastperc[plot]'"
    assert run_python(WITHOUT_MATPLOTLIB).splitlines() == [message] * 5


# --- comparisons, scaling, roofline, weights ------------------------------------------------------


def marks(ax):
    """Each dot's time, colour and marker."""
    dots = [line for line in ax.lines if line.get_marker() not in {"", "None"}]
    return [(line.get_xdata()[0], line.get_color(), line.get_marker()) for line in dots]


def test_times_are_dots_with_intervals_and_wrong_ones_are_crossed(ax):
    assert plot_comparison(["a", "b"], [1000, 10], [(900, 1100), (9, 11)], wrong="b", ax=ax) is ax
    assert marks(ax) == [(1000, OTHERS, "D"), (10, OTHERS, "X")]
    texts = [text.get_text() for text in ax.texts]
    assert texts[:2] == ["1,000 ns", "10 ns, wrong"]
    assert texts[2] == "Dots are medians, lines their 95 % intervals"
    assert [[*line.get_xdata()] for line in ax.lines[::2]] == [[900, 1100], [9, 11]]
    assert drawn(ax).get_xscale() == "log"
    low, high = ax.get_xlim()
    assert low < 9
    assert high > 1100
    assert not ax.patches  # a bar on this axis would begin anywhere


def test_what_failed_has_a_row_and_whose_code_it_is_can_be_seen(ax):
    nan = float("nan")
    names, times = ["mine", "dead", "numpy", "fastperc"], [40, nan, 20, 10]
    plot_comparison(names, times, yours=["mine", "dead"], baseline="numpy", ax=ax)
    assert marks(ax) == [(40, YOURS, "s"), (20, OTHERS, "D"), (10, OURS, "o")]
    texts = [text.get_text() for text in ax.texts]
    assert texts[:4] == ["40 ns, 0.5×", "failed", "20 ns", "10 ns, 2×"]
    labels = [label.get_text() for label in drawn(ax).get_yticklabels()]
    assert labels == ["mine (yours)", "dead (yours)", "numpy", "fastperc"]


def test_wide_intervals_hide_no_time_and_a_picture_of_failures_can_be_drawn(ax):
    plot_comparison(["a", "b"], [10, float("nan")], [(1, 1e6), (1, 1)], wrong=["b"], ax=ax)
    renderer = drawn(ax).figure.canvas.get_renderer()
    right = ax.figure.bbox.x1
    for text, said in zip(ax.texts, ("10 ns", "wrong, not timed"), strict=False):
        assert text.get_text() == said
        assert ax.get_window_extent().x1 < text.get_window_extent(renderer).x0
        assert text.get_window_extent(renderer).x1 <= right
    drawn(plot_comparison(["a"], [float("nan")]))


def test_fastperc_has_one_colour_in_all_pictures():
    series = {"numpy": ([1, 2], [9, 9]), "fastperc": ([1, 2], [5, 4]), "c": ([1, 2], [7, 7])}
    lines = plot_scaling(series, xlabel="Width").lines
    assert lines[1].get_color() == OURS
    assert len({line.get_color() for line in lines}) == 3
    (bar,) = plot_speedups("a", [2]).patches
    assert to_hex(bar.get_facecolor()) == OURS.lower()
    assert plot_roofline({"a": (1, 2)}, 60, 14).lines[-1].get_color() == OURS
    parts = plot_parts("a", {"x": [1], "y": [2]}, unit="MB", xlabel="MB")
    assert to_hex(parts.patches[-1].get_facecolor()) == OURS.lower()


def test_parts_stand_one_behind_the_other(ax):
    plot_parts(["a", "b"], {"x": [3, 3], "y": [0.01, 2]}, unit="MB", xlabel="MB", ax=ax)
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
    assert ends == [(0, 3), (0, 3), (3, 3.01), (3, 5)]
    assert [text.get_text() for text in ax.texts] == ["3 + 0 MB", "3 + 2 MB"]
    assert legend(drawn(ax)) == ["x", "y"]


def test_each_problem_has_a_panel_and_each_line_its_name_at_its_end():
    panels = {"a": run([3, 2], [4, 3]), "b": {"one": run([3, 1]), "two": run([3, 1])}}
    last = plot_histories(panels, "Losses")
    axes = drawn(last).figure.axes
    assert [ax.get_title() for ax in axes] == ["a", "b"]
    assert [text.get_text() for text in axes[0].texts] == ["training", "validation"]
    assert [line.get_linestyle() for line in axes[0].lines] == ["-", "--"]
    assert {line.get_marker() for ax in axes for line in ax.lines} <= {"", "None"}
    one, two = (text.get_window_extent() for text in last.texts)
    assert not one.overlaps(two)
    assert one.x0 > last.get_window_extent().x1


def test_a_time_that_is_none_is_refused(ax):
    with pytest.raises(ValueError, match=r"times\[0\]"):
        plot_comparison(["a"], [0.0], ax=ax)


def test_scaling_is_a_line_for_each_way_with_its_ideal_dashed(ax):
    series = {"a": ([1, 2, 4], [80, 41, 22]), "b": ([1, 2], [100, 60])}
    assert plot_scaling(series, xlabel="Threads", ideal="inverse", ax=ax) is ax
    line, ideal, _, other_ideal = ax.lines
    np.testing.assert_array_equal(line.get_xydata(), [[1, 80], [2, 41], [4, 22]])
    np.testing.assert_allclose(ideal.get_ydata(), [80, 40, 20])
    np.testing.assert_allclose(other_ideal.get_ydata(), [100, 50])
    assert [line.get_linestyle(), ideal.get_linestyle()] == ["-", "--"]
    assert legend(drawn(ax)) == ["a", "b", "ideal"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "2", "4"]
    assert {"20", "50", "100"} <= {tick.get_text() for tick in ax.get_yticklabels()}


def test_large_sizes_are_written_short(ax):
    plot_scaling({"a": ([1e3, 1e5, 1e7], [3, 2, 1])}, xlabel="Samples", ax=ax)
    ticks = [tick.get_text() for tick in drawn(ax).get_xticklabels()]
    assert ticks == ["1,000", "100,000", "10M"]


@pytest.mark.parametrize("line", [([1, 2], [3]), ([], []), ([0, 1], [1, 1]), ([1], [-1])])
def test_scaling_refuses_lines_that_cannot_be_drawn(line, ax):
    with pytest.raises(ValueError, match="as many sizes as times, all positive"):
        plot_scaling({"a": line}, xlabel="Width", ax=ax)


def test_the_roof_has_a_slope_and_a_top(ax):
    points = {"x": (0.5, 4.0), "y": (20.0, 50.0)}
    assert plot_roofline(points, gflops=60, gbytes=15, ax=ax) is ax
    roof, kernels = ax.lines
    x, y = roof.get_data()
    assert x[1] == 4  # operations per byte where memory and arithmetic keep pace
    np.testing.assert_allclose(y, [15 * x[0], 60, 60])
    assert kernels.get_xydata().tolist() == [[0.5, 4.0], [20.0, 50.0]]
    assert [text.get_text() for text in drawn(ax).texts] == [
        "60 GFLOP/s of multiply-adds", "15 GB/s, memory beyond the caches", "x", "y",
    ]  # fmt: skip


def test_caches_have_slopes_of_their_own(ax):
    plot_roofline({"x": (0.5, 20.0)}, gflops=60, gbytes=15, cached=120, nearest=240, ax=ax)
    assert len({line.get_linestyle() for line in ax.lines[:3]}) == 3
    for line, rate in zip(ax.lines, (15, 120, 240), strict=False):
        x, y = line.get_data()
        assert x[1] == 60 / rate
        np.testing.assert_allclose(y, [rate * x[0], 60, 60])


def test_names_of_points_hide_neither_points_nor_each_other(ax):
    points = {f"a network {k}": (1.0 + 0.02 * k, 8.0) for k in range(4)}
    plot_roofline(points, gflops=60, gbytes=15, ax=ax)
    boxes = [text.get_window_extent() for text in drawn(ax).texts[2:]]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


@pytest.mark.parametrize("span", [2.5, 6, 40])
def test_a_short_axis_has_labels_too(span, ax):
    plot_scaling({"a": ([1, 2, 3], [70, 80, 70 * span])}, xlabel="Width", ax=ax)
    low, high = drawn(ax).get_ylim()
    assert sum(low <= tick <= high for tick in ax.get_yticks()) >= 2


def test_weights_are_tiles_around_grey(ax):
    W = np.arange(18.0).reshape(6, 3) - 9
    assert plot_weights(W, shape=(2, 3), ax=ax) is ax
    (image,) = ax.images
    page = np.ma.filled(image.get_array(), np.nan)
    assert page.shape == (5, 7)
    np.testing.assert_array_equal(page[:2, :3], W[:, 0].reshape(2, 3))
    np.testing.assert_array_equal(page[:2, 4:], W[:, 1].reshape(2, 3))
    np.testing.assert_array_equal(page[3:, :3], W[:, 2].reshape(2, 3))
    assert np.isnan(page[2]).all()
    assert image.get_clim() == (-9, 9)


def test_weights_that_make_no_picture_are_refused(ax):
    with pytest.raises(ValueError, match="found 2 x 2 for 6 inputs"):
        plot_weights(np.ones((6, 2)), ax=ax)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_long_title_of_panels_lies_within_the_figure(n):
    figure = style.new_panels(n, "Loss of each regression, in training and on samples " * 2)[
        0
    ].figure
    figure.canvas.draw()
    box = figure.get_suptitle() and figure._suptitle.get_window_extent()
    assert 0 < box.x0 < box.x1 < figure.bbox.width


# --- predictions ---------------------------------------------------------------------------------


def test_confusion_of_many_classes_shows_the_most_frequent(ax):
    labels = np.repeat(np.arange(40), np.arange(1, 41))
    plot_confusion(labels, labels, range(40), ax)
    assert ax.images[0].get_array().shape == (30, 30)
    assert [text.get_text() for text in ax.get_yticklabels()] == [str(k) for k in range(10, 40)]
    assert len(ax.texts) == 0


def test_bins_of_calibration_have_as_many_rows():
    rng = np.random.default_rng(0)
    probability = rng.random(2000) ** 4  # most are small
    happened = rng.random(2000) < probability
    ax = plot_calibration(probability, happened)
    mean, part = ax.containers[0].lines[0].get_data()
    assert len(mean) == 10
    assert mean[0] == pytest.approx(np.sort(probability)[:200].mean())
    assert part.sum() * 200 == pytest.approx(happened.sum())
    assert np.abs(part - mean).max() < 0.15


def test_predictions_of_another_length_are_an_error():
    with pytest.raises(ValueError, match="found 1 values for 2 true ones"):
        plot_predicted([1, 2], [1])
