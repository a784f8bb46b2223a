"""The demo: its loops are compared, its scores are held out, its pictures are drawn."""

import io

import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import accuracy_score, r2_score
from threadpoolctl import threadpool_limits

from fastperc import datasets, demo
from fastperc.comparing.ways.network import NetworkRunner
from fastperc.datasets import Dataset, load
from fastperc.demo import tables
from fastperc.demo.experiments import BUNDLED, EXTERNAL, Experiment
from fastperc.demo.pictures import draw_boundary
from fastperc.demo.scores import (
    Outcome,
    Side,
    compete,
    curves,
    prepared,
    score,
    sklearn_estimator,
    train_and_score,
)
from fastperc.tutorials import Speedup

# --- speed-ups ------------------------------------------------------------------------------------


def test_a_speed_up_is_the_ratio_of_two_times():
    line = demo.network_speedup((4, 8, 1), 300, seconds=0.01)
    assert (line.name, line.work) == ("Network 4-8-1", "300 samples, one at a time")
    assert line.ratio == line.loop_seconds / line.compiled_seconds > 1
    assert line.difference < 1e-5


def test_different_results_are_not_timed(monkeypatch):
    monkeypatch.setattr(NetworkRunner, "parameters", lambda self: [np.full(9, np.nan)] * 4)
    with pytest.raises(ArithmeticError, match=r"fastperc: NO\. First wrong step: 1"):
        demo.network_speedup((2, 3, 1), 10, seconds=0.01)


# --- experiments ------------------------------------------------------------------------------


@pytest.mark.parametrize("task", [*BUNDLED, *EXTERNAL], ids=lambda task: f"{task.data}-{task.kind}")
def test_networks_fit_their_data_and_their_estimators(task):
    n_classes = {"digits": 10, "iris": 3, "breast_cancer": 2, "heart_statlog": 2}.get(task.data)
    names = tuple(map(str, range(n_classes or 1)))
    y = np.zeros(3) if n_classes is None else np.zeros(3, np.int64)
    dataset = Dataset(task.data, np.zeros((3, 7)), y, tuple("abcdefg"), names, "")
    net, estimator = task.network(dataset, 0), sklearn_estimator(task, dataset, 0)
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

    train_and_score(
        diabetes, (X_train, X_test, y_train, y_test), Model(), lambda *data: seen.extend(data)
    )
    assert all(a is b for a, b in zip(seen, (X_train, y_train, X_test), strict=True))


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    y, predicted = rng.standard_normal(50), rng.standard_normal(50)
    assert score(load("diabetes"), y, predicted) == pytest.approx(r2_score(y, predicted))
    y, predicted = rng.integers(0, 3, 50), rng.integers(0, 3, 50)
    assert score(load("iris"), y, predicted) == pytest.approx(accuracy_score(y, predicted))


def test_an_experiment_gives_means_of_all_splits():
    task = Experiment("linear unit", "diabetes", (), "identity", ((20, 0.01),), n_splits=2)
    result = compete(task, load("diabetes"))
    assert (result.sizes, result.measure) == ((10, 1), "R2")
    assert (result.n_train, result.n_test) == (353, 89)
    for side in (result.ours, result.theirs):
        assert 0.2 < side.score < 0.6
        assert 0 < side.seconds < 5
    assert result.ratio == result.theirs.seconds / result.ours.seconds


def test_curves_have_all_stages_with_the_held_out_loss():
    task = Experiment("linear unit", "diabetes", (), "identity", ((5, 0.01), (3, 0.001)))
    history = curves(task, load("diabetes"))
    assert len(history.loss) == len(history.validation_loss) == 8
    assert history.loss[-1] < history.loss[0]
    assert history.stopped == "epochs"


@pytest.mark.slow
@pytest.mark.parametrize("task", BUNDLED, ids=lambda task: f"{task.data}-{task.kind}")
def test_held_out_scores_match_scikit_learn(task):
    with threadpool_limits(1):
        result = compete(task, load(task.data))
    assert result.ours.score > result.theirs.score - 0.01


@pytest.mark.slow
@pytest.mark.parametrize("task", EXTERNAL, ids=lambda task: task.data)
def test_held_out_scores_match_scikit_learn_on_what_a_folder_holds(task, data_folder):
    with threadpool_limits(1):
        result = compete(task, load(task.data, data_folder))
    assert result.ours.score > result.theirs.score - 0.01


# --- what is shown ----------------------------------------------------------------------------


def shown(table):
    out = io.StringIO()
    Console(file=out, width=120).print(table)
    return [line.split() for line in out.getvalue().splitlines()]


def test_a_result_is_a_row_with_both_sides():
    lines = tables.outcomes_table()
    result = Outcome(BUNDLED[3], (64, 64, 10), "accuracy", 9, 1, Side(0.975, 0.01), Side(0.97, 1.0))
    tables.add_outcome(lines, result)
    expected = "digits 64-64-10 3 97.5 % 97.0 % 10 ms 1 s 100x"
    assert shown(lines)[-1] == expected.split()
    marked = [str(next(iter(column.cells))).startswith("[bold") for column in lines.columns]
    assert marked == [False, False, False, True, False, True, False, False]


def test_a_speed_up_is_a_row():
    lines = tables.speedups_table()
    tables.add_speedup(lines, Speedup("MLP.train", "1 sample", 0.012, 0.00004, 0.0, 100))
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
        Experiment("linear unit", "diabetes", (), "identity", ((3, 0.01),), n_splits=1),
        Experiment("softmax", "iris", (4,), "tanh", ((30, 0.02),), n_splits=1),
    )
    monkeypatch.setattr(demo, "all_cases", lambda: cases)
    monkeypatch.setattr(demo, "BUNDLED", tasks)
    monkeypatch.setattr(demo, "NETWORKS", (((2, 3, 1), 200),))
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
    experiments = demo.find_experiments(data_folder, online=False)
    assert [task.data for task, _ in experiments] == [
        "diabetes",
        "iris",
        "california_housing",
        "heart_statlog",
    ]
    assert all(task.data == dataset.name for task, dataset in experiments)


def test_the_network_is_not_tried_unless_asked_for(small, monkeypatch):
    tried = []
    monkeypatch.setattr(
        datasets.files,
        "download",
        lambda name: tried.append(name) or (np.zeros((1, 1)), np.zeros(1)),
    )
    assert len(demo.find_experiments(None, online=False)) == 2
    assert tried == []
    assert len(demo.find_experiments(None, online=True)) == 4
    assert tried == ["california_housing", "heart_statlog"]
