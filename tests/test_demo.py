"""The demo: its loops are the reference's, its scores are held out, its pictures are drawn."""

import io

import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import accuracy_score, r2_score

from fastperc import Network, datasets, demo
from fastperc.datasets import Dataset, load
from fastperc.demo import numpy_loops, report, speed
from fastperc.demo.contest import Result, Side, compete, curves, prepared, score, tried
from fastperc.demo.peers import one_thread, peer
from fastperc.demo.pictures import draw_boundary
from fastperc.demo.speed import Training, measure
from fastperc.demo.tasks import BUNDLED, EXTERNAL, Task
from fastperc.kernels import reference
from fastperc.tutorials import Speedup

# --- loops ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(3, 1), (4, 5, 2), (2, 6, 3, 1)])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_numpy_loops_do_what_the_reference_does(sizes, batch_size):
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((10, sizes[0])), rng.standard_normal((10, sizes[-1]))
    net = Network(sizes, hidden="sigmoid", seed=0, dtype="float64")
    names = (*net.hidden, net.output)
    model = reference.Model.from_theta(net.theta, sizes, names, "squared_error")
    if batch_size == 1:
        numpy_loops.train_samples(X, Y, net.weights, net.biases, 0.1)
        reference.train_online(model, X, Y, 0.1)
    else:
        numpy_loops.train_batches(X, Y, net.weights, net.biases, 0.1, batch_size)
        reference.train_batches(model, X, Y, 0.1, batch_size)
    np.testing.assert_allclose(net.theta, model.theta, rtol=1e-12)


@pytest.mark.parametrize("batch_size", [1, 32])
def test_both_ways_start_alike_and_end_alike_each_time(batch_size):
    training = Training((4, 8, 2), 100, batch_size)
    start = np.concatenate([W.ravel() for W in training.network().weights])
    for run in (training.loop(), training.compiled()):
        first, again = run(), run()
        assert (first == again).all()
        assert np.abs(first - start).max() > 0.01
    assert np.abs(training.loop()() - training.compiled()()).max() <= speed.TOLERANCE


def test_a_speed_up_is_the_ratio_of_two_times():
    line = measure(Training((4, 8, 1), 300), seconds=0.01)
    assert (line.name, line.work) == ("Network 4-8-1", "300 samples, one at a time")
    assert line.ratio == line.loop_seconds / line.compiled_seconds > 1


def test_different_results_are_not_timed(monkeypatch):
    monkeypatch.setattr(Training, "compiled", lambda self: lambda: np.full(9, np.nan))
    monkeypatch.setattr(Training, "loop", lambda self: lambda: np.zeros(9))
    with pytest.raises(ArithmeticError, match="Network 2-3-1 differs from the NumPy loop by nan"):
        measure(Training((2, 3, 1), 10))


# --- contests ---------------------------------------------------------------------------------


@pytest.mark.parametrize("task", [*BUNDLED, *EXTERNAL], ids=lambda task: f"{task.data}-{task.kind}")
def test_networks_fit_their_data_and_their_peers(task):
    n_classes = {"digits": 10, "iris": 3, "breast_cancer": 2, "heart_statlog": 2}.get(task.data)
    names = tuple(map(str, range(n_classes or 1)))
    y = np.zeros(3) if n_classes is None else np.zeros(3, np.int64)
    dataset = Dataset(task.data, np.zeros((3, 7)), y, tuple("abcdefg"), names, "")
    net, estimator = task.network(dataset, 0), peer(task, dataset, 0)
    assert net.sizes[:-1] == (7, *task.units)
    if n_classes is None:
        assert (net.sizes[-1], net.loss_name) == (1, "squared_error")
    elif n_classes == 2:
        assert (net.sizes[-1], net.loss_name) == (1, "log_loss")
    else:
        assert (net.sizes[-1], net.loss_name) == (n_classes, "cross_entropy")
    if task.units:
        activation = {"logistic": "sigmoid"}.get(estimator.activation, estimator.activation)
        assert (estimator.hidden_layer_sizes, activation) == (task.units, task.hidden)


def test_held_out_samples_have_no_part_in_training():
    diabetes = load("diabetes")
    X_train, X_test, y_train, y_test = prepared(diabetes, 0)
    assert (len(X_train), len(X_test)) == (353, 89)
    assert X_train.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert y_train.std() == pytest.approx(1)
    assert abs(X_test.mean(axis=0)).max() > 1e-3
    seen = []

    class Model:
        def predict(self, X):
            seen.append(X)
            return y_test

    tried(diabetes, (X_train, X_test, y_train, y_test), Model(), lambda *data: seen.extend(data))
    assert all(a is b for a, b in zip(seen, (X_train, y_train, X_test), strict=True))


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    y, predicted = rng.standard_normal(50), rng.standard_normal(50)
    assert score(load("diabetes"), y, predicted) == pytest.approx(r2_score(y, predicted))
    y, predicted = rng.integers(0, 3, 50), rng.integers(0, 3, 50)
    assert score(load("iris"), y, predicted) == pytest.approx(accuracy_score(y, predicted))


def test_a_contest_gives_means_of_all_splits():
    task = Task("linear unit", "diabetes", (), "identity", ((20, 0.01),), n_splits=2)
    result = compete(task, load("diabetes"))
    assert (result.sizes, result.measure) == ((10, 1), "R2")
    assert (result.n_train, result.n_test) == (353, 89)
    for side in (result.ours, result.theirs):
        assert 0.2 < side.score < 0.6
        assert 0 < side.seconds < 5
    assert result.ratio == result.theirs.seconds / result.ours.seconds


def test_curves_have_all_stages_with_the_held_out_loss():
    task = Task("linear unit", "diabetes", (), "identity", ((5, 0.01), (3, 0.001)))
    history = curves(task, load("diabetes"))
    assert len(history.loss) == len(history.validation_loss) == 8
    assert history.loss[-1] < history.loss[0]
    assert history.stopped == "epochs"


@pytest.mark.slow
@pytest.mark.parametrize("task", BUNDLED, ids=lambda task: f"{task.data}-{task.kind}")
def test_held_out_scores_match_scikit_learn(task):
    with one_thread():
        result = compete(task, load(task.data))
    assert result.ours.score > result.theirs.score - 0.01


@pytest.mark.slow
@pytest.mark.parametrize("task", EXTERNAL, ids=lambda task: task.data)
def test_held_out_scores_match_scikit_learn_on_what_a_folder_holds(task, data_folder):
    with one_thread():
        result = compete(task, load(task.data, data_folder))
    assert result.ours.score > result.theirs.score - 0.01


# --- what is shown ----------------------------------------------------------------------------


def shown(table):
    out = io.StringIO()
    Console(file=out, width=120).print(table)
    return [line.split() for line in out.getvalue().splitlines()]


def test_a_result_is_a_row_with_both_sides():
    lines = report.results_table()
    result = Result(BUNDLED[3], (64, 64, 10), "accuracy", 9, 1, Side(0.975, 0.01), Side(0.97, 1.0))
    report.add_result(lines, result)
    expected = "digits 64-64-10 3 97.5 % 97.0 % 10 ms 1 s 100x"
    assert shown(lines)[-1] == expected.split()
    marked = [str(next(iter(column.cells))).startswith("[bold") for column in lines.columns]
    assert marked == [False, False, False, True, False, True, False, False]


def test_a_speed_up_is_a_row():
    lines = report.speedups_table()
    report.add_speedup(lines, Speedup("MLP.train", "1 sample", 0.012, 0.00004, 0.0, 100))
    assert shown(lines)[-1] == ["MLP.train", "1", "sample", "12", "ms", "40", "us", "300x"]


def test_the_boundary_is_that_of_a_network_that_learnt_its_species():
    ax = draw_boundary()
    names = ax.get_legend_handles_labels()[1]
    assert names[:3] == ["setosa", "versicolor", "virginica"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Petal length (cm)", "Petal width (cm)")
    ax.figure.clear()


@pytest.fixture
def small(monkeypatch):
    """A demo of a few seconds: two tasks, two timings."""
    cases = demo.all_cases()[:2]
    tasks = (
        Task("linear unit", "diabetes", (), "identity", ((3, 0.01),), n_splits=1),
        Task("softmax", "iris", (4,), "tanh", ((30, 0.02),), n_splits=1),
    )
    monkeypatch.setattr(demo, "all_cases", lambda: cases)
    monkeypatch.setattr(demo, "BUNDLED", tasks)
    monkeypatch.setattr(demo, "TRAININGS", (Training((2, 3, 1), 200),))
    monkeypatch.delenv("FASTPERC_DATA", raising=False)


def run(out, **options):
    text = io.StringIO()
    demo.run(Console(file=text, width=120), out, **options)
    return text.getvalue()


PICTURES = {"losses_regression", "losses_classification", "decision_boundary", "speedups"}


def test_the_whole_demo(small, tmp_path):
    out = tmp_path / "new" / "folder"
    text = run(out)
    assert "Kernels ready in" in text
    assert "267 of 267" in text
    assert "10-1 " in text
    assert "4-4-3 " in text
    assert "Network 2-3-1" in text
    assert "join in when --data" in text
    assert {path.name for path in out.iterdir()} == {f"{name}.png" for name in PICTURES}
    for path in out.iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert str(path) in text


def test_the_demo_without_matplotlib_says_what_is_missing(small, tmp_path, monkeypatch):
    version_of = demo.environment.version_of
    monkeypatch.setattr(
        demo.environment,
        "version_of",
        lambda name: "not installed" if name == "matplotlib" else version_of(name),
    )
    text = run(tmp_path / "out")
    assert "pip install 'fastperc[plot]'" in text
    assert not (tmp_path / "out").exists()


def test_data_of_a_folder_join_in(small, tmp_path, data_folder):
    contests = demo.find_contests(data_folder, online=False)
    assert [task.data for task, _ in contests] == [
        "diabetes",
        "iris",
        "california_housing",
        "heart_statlog",
    ]
    assert all(task.data == dataset.name for task, dataset in contests)


def test_the_network_is_not_tried_unless_asked_for(small, monkeypatch):
    tried = []
    monkeypatch.setattr(
        datasets.files,
        "download",
        lambda name: tried.append(name) or (np.zeros((1, 1)), np.zeros(1)),
    )
    assert len(demo.find_contests(None, online=False)) == 2
    assert tried == []
    assert len(demo.find_contests(None, online=True)) == 4
    assert tried == ["california_housing", "heart_statlog"]
