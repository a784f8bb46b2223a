"""The table of results: types of columns, rows, sorting, what it looks like."""

import copy
import pickle

import numpy as np
import pytest

from fastperc import ResultsTable

NAN = float("nan")


@pytest.fixture
def table():
    columns = {"lr": [0.1, 0.2, 0.4], "loss": [0.5, NAN, 0.25], "stopped": ["epochs", "time", ""]}
    curves = {"loss": [[1.0, 2.0, 3.0], [0.5, NAN, 0.25]]}
    return ResultsTable(columns, curves, parameters=["lr"])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0.1, 2], "f"), ([1, np.int32(2)], "i"), (["a", "bc"], "U"), ([True, np.False_], "b"),
        (np.array(["a", "b"], object), "U"), (np.array([1, 2], np.float32), "f"), (["", ""], "U"),
        (["constant", 0.1], "O"), ([None, 0.1], "O"), ([(8,), (8, 4)], "O"), ([(8,), (4,)], "O"),
        ([2**70, 1], "O"),
    ],
)  # fmt: skip
def test_a_column_has_the_narrowest_type_that_holds_its_values(values, kind):
    column = ResultsTable({"loss": values})["loss"]
    assert column.dtype.kind == kind
    assert column.tolist() == list(values)


def test_records_are_a_record_array(table):
    assert isinstance(table.records, np.recarray)
    assert table.records.lr.tolist() == table.lr.tolist() == table["lr"].tolist()


def test_rows_are_read_by_number_and_in_turn(table):
    assert table[0].lr == 0.1
    assert table[-1].stopped == ""
    assert [row.lr for row in table] == [0.1, 0.2, 0.4]
    with pytest.raises(IndexError):
        table[3]


@pytest.mark.parametrize("rows", [slice(1, 3), [1, 2], np.array([False, True, True])])
def test_rows_are_selected_with_their_curves(table, rows):
    some = table[rows]
    assert some.lr.tolist() == [0.2, 0.4]
    np.testing.assert_array_equal(some.curves["loss"], [[2, 3], [NAN, 0.25]])
    assert (some.score, some.parameters) == ("loss", ("lr",))
    assert len(table[[]]) == 0


def test_the_best_come_first_and_nan_last(table):
    assert table.sort().lr.tolist() == [0.4, 0.1, 0.2]
    assert table.sort("loss", descending=True).lr.tolist() == [0.1, 0.4, 0.2]
    assert table.sort("stopped").stopped.tolist() == ["", "epochs", "time"]
    accuracy = ResultsTable({"accuracy": [0.5, NAN, 0.75, 0.75], "i": range(4)}, score="accuracy")
    assert accuracy.sort().i.tolist() == [2, 3, 0, 1]


def test_it_survives_copying_and_pickling(table):
    for other in (copy.deepcopy(table), pickle.loads(pickle.dumps(table))):
        assert repr(other) == repr(table)
    assert not hasattr(table, "nothing")


def test_a_long_table_shows_its_first_rows():
    lines = repr(ResultsTable({"loss": np.arange(5000) / 3, "name": ["x" * 40] * 5000})).split("\n")
    assert lines[0] == "ResultsTable of 5,000 networks"
    assert lines[3] == "0.3333  xxxxxxxxxxxxxxxxxxxxx..."
    assert lines[-1] == "... and 4,992 more"


def test_a_frame_has_the_columns(table):
    pytest.importorskip("pandas")
    frame = table.to_frame()
    assert list(frame.columns) == table.columns
    assert frame["stopped"].tolist() == ["epochs", "time", ""]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({},), "found none, expected at least one"),
        (({"loss": [1], "lr": [1, 2]},), "found loss of 1, lr of 2"),
        (({"loss": np.ones((2, 2))},), r"found loss of shape \(2, 2\), expected \(n_networks,\)"),
        (({"loss": [1]}, {"loss": [1.0, 2.0]}), r"shape \(2,\), expected \(n_epochs, 1\)"),
        (({"lr": [1]},), "score: found 'loss', expected one of lr"),
        (({"loss": [1]}, None, "loss", ["alpha"]), "parameters: found 'alpha'"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ResultsTable(*arguments)


def test_what_cannot_be_read_or_sorted_is_named(table):
    with pytest.raises(ValueError, match="column: found 'los', expected one of lr, loss"):
        table["los"]
    with pytest.raises(TypeError, match="expected a column's name, a number"):
        table[[0.5]]
    with pytest.raises(ValueError, match="values cannot be compared"):
        ResultsTable({"loss": ["a", 1]}).sort()


def test_a_plot_has_a_panel_for_each_curve_and_each_parameter():
    pytest.importorskip("matplotlib").use("Agg")
    losses = np.geomspace(1, 1e-3, 40)[None] * np.linspace(1, 0.1, 7)[:, None]
    losses[4:, 5] = np.nan  # a network that ended
    kinds = ["relu", "tanh"] * 20
    table = ResultsTable(
        {"lr": np.geomspace(1e-4, 1, 40), "kind": kinds, "loss": losses[3]},
        {"loss": losses}, parameters=["lr", "kind"],
    )  # fmt: skip
    curves, rates, names = table.plot("forty").figure.axes
    everything, best = curves.collections
    assert len(everything.get_segments()) == 40
    np.testing.assert_allclose(best.get_segments()[0][:, 1], losses[:, 39])
    assert rates.get_xscale() == rates.get_yscale() == "log"
    points = rates.collections[0].get_offsets()
    np.testing.assert_allclose(points, np.stack([table.lr, table.loss], 1))
    assert [text.get_text() for text in names.get_xticklabels()] == ["relu", "tanh"]
    with pytest.raises(ValueError, match="without curves and parameters"):
        ResultsTable({"loss": [1.0]}).plot()
    with pytest.raises(ValueError, match="found a table of 0 networks, expected at least 1"):
        table[[]].plot()


def test_networks_without_a_score_or_a_parameter_are_left_out_of_a_plot():
    pytest.importorskip("matplotlib").use("Agg")
    columns = {"lr": [0.1, NAN, 20.0, 2.0], "loss": [1.0, 2.0, NAN, 3.0]}
    curves = {"loss": [[1.0, 2.0, NAN, 300.0]]}
    figure = ResultsTable(columns, curves, parameters=["lr"]).plot().figure
    figure.canvas.draw()
    losses, rates = figure.axes
    assert losses.get_ylim()[0] < 1
    np.testing.assert_allclose(rates.get_xlim(), [0.1 / 1.5, 20 * 1.5])
