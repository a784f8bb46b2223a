"""``fastperc info FILE``: what is in a file, or status 4."""

import hostile_files
import pytest
from saved_models import MAKERS

import fastperc
from fastperc.commands import main as cli
from fastperc.commands import plain


def told(model, tmp_path, capsys):
    """Return the status, what was printed by name, and the last of each name."""
    fastperc.save(model, tmp_path / "model")
    assert cli.main(["info", str(tmp_path / "model")]) == 0
    out = capsys.readouterr().out
    return dict(line.split(maxsplit=1) for line in out.splitlines())


@pytest.mark.parametrize("name", MAKERS)
def test_every_kind_is_described(name, tmp_path, capsys):
    model = MAKERS[name]()
    facts = told(model, tmp_path, capsys)
    assert facts["model"] == type(model).__name__
    assert len(facts["sha256"]) == 64
    assert f"fastperc {fastperc.__version__}, " in facts["written"]


def test_a_network_behind_an_estimator_is_described(tmp_path, capsys):
    facts = told(MAKERS["MLPClassifier"](), tmp_path, capsys)
    assert facts["features"] == "3"
    assert facts["classes"] == "0, 10, 20"
    assert facts["network"].startswith("(3, 3, 3), hidden='relu', output='softmax'")
    assert facts["training"] == "3 epochs, 72 samples, adam remembers 3 epochs"
    assert facts["parameters"].startswith("MLPClassifier(hidden_layer_sizes=(3,), max_iter=3")
    assert facts["array"].startswith("model.")


def test_names_and_an_unfitted_model_are_described(tmp_path, capsys):
    facts = told(MAKERS["SGDRegressor-names"](), tmp_path, capsys)
    assert facts["features"] == "2: x, y"
    assert facts["training"] == "24 rows learned"
    assert told(fastperc.MLPRegressor(), tmp_path, capsys)["fitted"] == "no"


def test_a_checkpoint_is_described_and_no_model(tmp_path, capsys):
    net = fastperc.Network((2, 3, 1), seed=0)
    net.train([[0, 1], [1, 0]], [0, 1], epochs=7, checkpoint=tmp_path / "run")
    assert cli.main(["info", str(tmp_path / "run")]) == 0
    out = capsys.readouterr().out
    assert "none: a checkpoint of a training" in out
    assert "run 1       7 epochs, (2, 3, 1), hidden='relu'" in out
    assert out.rstrip().endswith("; over: epochs")
    with pytest.raises(fastperc.ModelFileError, match=r"expected a model.*resume=True"):
        fastperc.load(tmp_path / "run")


def test_a_file_that_is_no_model_has_status_4(tmp_path, capsys):
    for name in ("pickle", "Network-01", "MLPClassifier-04"):
        path = hostile_files.FOLDER / name
        assert cli.main(["info", str(path)]) == 4
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        assert str(path) in err


def test_a_file_that_is_not_there_has_status_2(tmp_path, capsys):
    assert cli.main(["info", str(tmp_path / "nothing")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_names_in_a_file_cannot_command_the_terminal(tmp_path, capsys):
    model = fastperc.SGDClassifier(random_state=0)
    model.learn_one({"\x1b[2J": 1.0}, "a")
    fastperc.save(model, tmp_path / "model")
    assert cli.main(["info", str(tmp_path / "model")]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[2J" in out


def test_it_needs_no_typer(tmp_path, capsys):
    fastperc.save(MAKERS["Perceptron"](), tmp_path / "model")
    assert plain.run(["info", str(tmp_path / "model")]) == 0
    assert "Perceptron" in capsys.readouterr().out
