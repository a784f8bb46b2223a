"""Training that goes on after the process was killed: the bits of a run never interrupted."""

import errno
import os
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from promises.resumable import (
    CASES,
    MANY,
    NETWORKS,
    Ended,
    X,
    Y,
    bits,
    ending_after,
    network,
    resumed,
)

from fastperc import (
    Fleet,
    GridSearchCV,
    MLPClassifier,
    ModelFileError,
    Network,
    SGDClassifier,
    fit_groups,
)
from fastperc.files.checkpoints import CheckpointFile, flatten, unflatten

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
FEW = ("online", "mini-batch", "batches", "fleet, validation", "fleet, shapes", "early stopping",
       "adaptive", "no seed", "elastic net", "several at once", "halving")  # fmt: skip


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Nothing waits for the disk."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def check(case, numbers, path):
    model, train = CASES[case]()
    train()
    expected, tried = bits(model), 0
    for n in numbers:
        path.unlink(missing_ok=True)
        found = resumed(CASES[case], path, n)
        if found is None:
            break
        assert bits(found) == expected, n
        tried += 1
    assert tried
    model, train = CASES[case]()
    train(checkpoint=path, every=1, resume=True)  # all of it is there: nothing is trained again
    assert bits(model) == expected


@pytest.mark.parametrize("case", FEW)
def test_a_call_that_was_killed_ends_with_the_bits_of_one_that_was_not(case, tmp_path):
    check(case, [1, 7] if case in NETWORKS else [6], tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_so_it_does_wherever_it_was_killed(case, tmp_path):
    check(case, [2, 13, 41] if case in MANY else [2, 19], tmp_path / "run")


def test_a_run_may_be_ended_again_and_again(tmp_path):
    net, train = network(batch_size=16, optimizer="adam")
    train()
    path, ends = tmp_path / "run", 0
    for _ in range(20):
        found, again = network(batch_size=16, optimizer="adam")
        try:
            with ending_after(2):
                again(checkpoint=path, every=1, resume=True)
        except Ended:
            ends += 1
    again(checkpoint=path, every=1, resume=True)
    assert ends == 20 - 1 or ends == 20 - 2 or ends >= 9
    assert bits(found) == bits(net)


def test_more_epochs_follow_a_run_that_was_over(tmp_path):
    expected, train = network(epochs=30)
    train()
    found, train = network()
    train(checkpoint=tmp_path / "run")
    train(checkpoint=tmp_path / "run", resume=True, epochs=30)
    assert bits(found) == bits(expected)


def test_fewer_epochs_are_refused(tmp_path):
    net, train = network()
    train(checkpoint=tmp_path / "run")
    before = bits(net)
    with pytest.raises(ValueError, match="a run of 20 epochs, expected at most 5"):
        train(checkpoint=tmp_path / "run", resume=True, epochs=5)
    assert bits(net) == before


# --- other data, other options -------------------------------------------------------------------


def changed(array, by=1.0):
    array = np.array(array, float)
    array.flat[array.size // 2] += by
    return array


@pytest.mark.parametrize(
    ("name", "data", "options"),
    [
        ("X", (changed(X), Y), {}),
        ("y", (X, 1 - Y), {}),
        ("X, y", (X[:-1], Y[:-1]), {}),
        ("sample_weight", (X, Y), {"sample_weight": changed(np.ones(len(X)))}),
        ("batch_size", (X, Y), {"batch_size": 16}),
        ("lr", (X, Y), {"lr": 0.5}),
        ("optimizer", (X, Y), {"momentum": 0.5}),
        ("order", (X, Y), {"shuffle": False}),
        ("frozen", (X, Y), {"frozen": ["W1"]}),
        ("validation X", (X, Y), {"validation": (X, Y)}),
        ("patience", (X, Y), {"patience": 50}),
        ("metrics", (X, Y), {"metrics": "accuracy"}),
    ],
)
def test_another_run_is_refused_and_nothing_is_changed(name, data, options, tmp_path):
    network(batch_size=32)[1](checkpoint=tmp_path / "run")
    content = (tmp_path / "run").read_bytes()
    twin = Network((5, 8, 1), hidden="tanh", output="sigmoid", loss="log_loss", seed=1)
    state = repr((twin.theta, twin.lr, twin.labels, twin.history, twin.rng.bit_generator.state))
    kept = {"checkpoint": tmp_path / "run", "resume": True}
    with pytest.raises(ValueError, match=rf"other values of .*{name}.*resume=False"):
        twin.train(*data, **{"epochs": 20, "batch_size": 32, **kept, **options})
    after = repr((twin.theta, twin.lr, twin.labels, twin.history, twin.rng.bit_generator.state))
    assert after == state
    assert (tmp_path / "run").read_bytes() == content


def test_another_network_is_refused(tmp_path):
    network()[1](checkpoint=tmp_path / "run")
    with pytest.raises(ValueError, match="other values of network"):
        Network((5, 3, 1)).train(X, Y, checkpoint=tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("model", "parameters", "name"),
    [
        (MLPClassifier(max_iter=5), {"alpha": 0.1}, "optimizer"),
        (MLPClassifier(max_iter=5), {"tol": 0.1}, "tol"),
        (MLPClassifier(max_iter=5), {"learning_rate_init": 0.1}, "learning_rate_init"),
        (SGDClassifier(max_iter=5), {"alpha": 0.1}, "parameters"),
        (SGDClassifier(max_iter=5), {"tol": 0.1}, "tol"),
    ],
)
def test_other_parameters_are_refused(model, parameters, name, tmp_path):
    model.set_params(random_state=0).fit(X, Y, checkpoint=tmp_path / "run")
    model.set_params(**parameters)
    attributes = {**vars(model)}
    with pytest.raises(ValueError, match=f"other values of {name}"):
        model.fit(X, Y, checkpoint=tmp_path / "run", resume=True)
    assert {**vars(model)} == attributes


def test_without_resume_training_begins_anew(tmp_path):
    expected, train = network()
    train()
    network(lr=0.3)[1](checkpoint=tmp_path / "run")
    net, train = network()
    train(checkpoint=tmp_path / "run")
    assert bits(net) == bits(expected)


# --- what is asked for ---------------------------------------------------------------------------


@pytest.mark.parametrize("every", ["60", "-1s", "0s", "s", "1 day", 0, -3, True, 1.5, None])
def test_every_is_a_time_or_a_number_of_epochs(every, tmp_path):
    with pytest.raises(ValueError, match="every: found"):
        network()[1](checkpoint=tmp_path / "run", every=every)


@pytest.mark.parametrize(("every", "n"), [("1h", 1), ("0.06s", 2), (7, 3), (100, 1)])
def test_checkpoints_are_written_as_often_as_asked_for(every, n, tmp_path, monkeypatch):
    written, write = [], CheckpointFile.write
    monkeypatch.setattr(
        CheckpointFile, "write", lambda self, state: written.append(1) or write(self, state)
    )
    pause = 0.02 if every == "0.06s" else 0
    network(callback=lambda *now: time.sleep(pause))[1](checkpoint=tmp_path / "run", every=every)
    assert len(written) >= n if pause else len(written) == n


def test_resume_wants_a_checkpoint():
    with pytest.raises(ValueError, match="resume: found True without a checkpoint"):
        network()[1](resume=True)


@pytest.mark.parametrize("train", [
    lambda **kept: network()[1](optimizer="lbfgs", **kept),
    lambda **kept: MLPClassifier(solver="lbfgs").fit(X, Y, **kept),
    lambda **kept: GridSearchCV(SGDClassifier(), {"alpha": [1, 2]}).fit(X, Y, **kept),
])  # fmt: skip
def test_what_cannot_go_on_is_refused(train, tmp_path):
    with pytest.raises(ValueError, match="checkpoint: found one"):
        train(checkpoint=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_callback_may_train_networks_of_its_own(tmp_path):
    def callback(epoch, history):
        Network((5, 2, 1), seed=0).train(X, Y, epochs=2)

    expected, train = network()
    train()
    found = resumed(lambda: network(callback=callback), tmp_path / "run", 5)
    assert bits(found) == bits(expected)


def test_an_interrupted_run_is_written_as_it_was_after_the_last_epoch(tmp_path):
    def callback(epoch, history):
        if epoch == 9:
            raise KeyboardInterrupt

    expected, train = network()
    train()
    with pytest.raises(KeyboardInterrupt):
        network(callback=callback)[1](checkpoint=tmp_path / "run", every="1h")
    found, train = network()
    train(checkpoint=tmp_path / "run", resume=True)
    assert bits(found) == bits(expected)


def test_a_run_that_a_time_limit_ended_goes_on(tmp_path):
    expected, train = network(epochs=300)
    train()
    for _ in range(1000):
        found, train = network(epochs=300, time_limit=0.01)
        train(checkpoint=tmp_path / "run", resume=True)
        if found.history.stopped == "epochs":
            break
    assert bits(found) == bits(expected)


# --- files ---------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_written_is_told_before_training(tmp_path):
    net, train = network()
    before = net.theta.tobytes()
    with pytest.raises(OSError, match="No such file"):
        train(checkpoint=tmp_path / "nowhere" / "run")
    assert net.theta.tobytes() == before


def test_a_full_disk_does_not_end_training(tmp_path, monkeypatch):
    def full(self, state):
        raise OSError(errno.ENOSPC, "No space left on device", self.path)

    expected, train = network()
    train()
    monkeypatch.setattr(CheckpointFile, "write", full)
    net, train = network()
    with pytest.warns(RuntimeWarning, match="No space left.*training goes on"):
        train(checkpoint=tmp_path / "run", every=5)
    assert bits(net) == bits(expected)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    network()[1](checkpoint=tmp_path / "run")
    content = bytearray((tmp_path / "run").read_bytes())
    content[-9] ^= 1
    (tmp_path / "run").write_bytes(content)
    net, train = network()
    before = net.theta.tobytes()
    with pytest.raises(ModelFileError, match="checksum"):
        train(checkpoint=tmp_path / "run", resume=True)
    assert net.theta.tobytes() == before


def test_a_model_is_no_checkpoint(tmp_path):
    net, train = network()
    net.save(tmp_path / "net")
    with pytest.raises(ModelFileError, match="kind"):
        train(checkpoint=tmp_path / "net", resume=True)


def test_a_state_is_the_same_after_the_way_through_a_file():
    state = {
        "streams": [{"a": np.arange(3), "b": 2**100, "z": {}}],
        "runs": {"1": {"c": [1.5, float("nan"), -float("inf"), None, True, "x"],
                       "d": np.zeros((0, 4), np.float32), "e": np.array(2.5)}},
    }  # fmt: skip
    again = unflatten(*flatten(state))
    for name, part in state.items():
        assert repr(again[name]) == repr(part)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 30 + "]" * 30, "nested"),
        ('{"dtype":"float64","shape":[3]}', "too few"),
        ('{"dtype":"float64","shape":[-1]}', "shape"),
        ('{"dtype":"object","shape":[1]}', "an array 'object'"),
        ('{"dtype":"float64","shape":[1]}', "belong to no array"),
        ('{"other":1}', "entries"),
        ('{"items":{"bit_generator":"PCG64","state":{"items":{}}}}', "PCG64"),
        ("{", "expected what a checkpoint has"),
        ('[{"dtype":"float64","shape":[2]}]', "streams and runs"),
    ],
)
def test_nonsense_in_a_file_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        unflatten(text, {"float64": np.zeros(2)})


# --- processes that are killed -------------------------------------------------------------------

PROGRAM = """
    import sys
    import numpy as np
    from fastperc import Network
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 6)), rng.normal(size=500)
    net = Network((6, 16, 1), seed=0)
    print("begins", flush=True)
    net.train(X, y, epochs=150, batch_size=8, optimizer="adam", checkpoint=sys.argv[1], every=2,
              resume=True, callback=lambda epoch, history: None)
    print(net.theta.tobytes().hex(), flush=True)
"""


@pytest.mark.slow
@pytest.mark.posix
def test_a_process_that_is_killed_at_any_moment_loses_nothing(tmp_path):
    def start(name):
        command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path / name)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    expected = start("whole").communicate()[0].split()[1]
    rng, kills = np.random.default_rng(0), 0
    while True:
        process = start("killed")
        assert process.stdout.readline() == "begins\n"
        try:
            process.wait(timeout=rng.uniform(0, 0.25))
        except subprocess.TimeoutExpired:
            kills += 1
            if kills < 6:
                process.kill()
        out, _ = process.communicate()
        if out:
            break
    assert out.strip() == expected
    assert kills > 2
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_fit_groups_keeps_its_training(tmp_path):
    model = MLPClassifier((3,), max_iter=5, random_state=0)
    groups = np.arange(len(X)) % 2
    once = fit_groups(model, X, Y, groups, checkpoint=tmp_path / "run")
    again = fit_groups(model, X, Y, groups, checkpoint=tmp_path / "run", resume=True)
    assert (tmp_path / "run").exists()
    assert (once.predict_proba(X, groups=groups) == again.predict_proba(X, groups=groups)).all()


def test_several_shapes_in_one_checkpoint(tmp_path):
    nets = [Network((5, n, 1), seed=n) for n in (3, 4)]
    fleet = Fleet(nets, seed=0)
    fleet.train(X, Y, epochs=3, checkpoint=tmp_path / "run")
    state = CheckpointFile(tmp_path / "run").read()
    assert sorted(state["runs"]) == ["1", "2"]
    assert [run["done"] for run in state["runs"].values()] == [3, 3]
