"""``fastperc export``: what it writes and prints, and the status it ends with."""

import numpy as np
import pytest

import fastperc
from export_models import classifier_cases
from fastperc import Network
from fastperc.commands.main import main


@pytest.fixture(scope="module")
def case():
    return dict(classifier_cases())["classifier-log_loss-standard-str"]


@pytest.fixture
def folder(tmp_path, case, monkeypatch):
    """A folder with models and data."""
    monkeypatch.chdir(tmp_path)
    fastperc.save(case.model, "model.fp")
    fastperc.save(Network((8, 32, 1), seed=0), "net.fp")
    np.save("X.npy", case.X)
    np.savetxt("X.csv", case.X, delimiter=",", header="a,b,c,d,e", comments="")
    return tmp_path


def export(*words):
    return main(["export", *words])


def test_c(folder, case, capsys):
    assert export("model.fp", "model.c", "--prefix", "clf") == 0
    text = (folder / "model.c").read_text()
    assert text == fastperc.to_c(case.model, prefix="clf")
    said = capsys.readouterr().out
    assert said.startswith(f"model.c: {len(text):,} bytes\nweights: 116 bytes\ncode: ")


def test_training(folder):
    assert export("net.fp", "net.c", "--train") == 0
    assert "model_learn_one" in (folder / "net.c").read_text()


@pytest.mark.parametrize("data", ["X.npy", "X.csv"])
def test_rounding_is_told(folder, capsys, data):
    assert export("model.fp", "model.c", "--weights", "int8", "--data", data) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith("rounding: outputs change by 0.00")
    assert "on 120 samples; 0 of 120 labels change" in line


def test_python(folder, case):
    assert export("model.fp", "model.py") == 0
    assert (folder / "model.py").read_text(encoding="utf-8") == fastperc.to_python(case.model)
    assert export("model.fp", "model.PY", "--numpy") == 0
    text = (folder / "model.PY").read_text(encoding="utf-8")
    assert text == fastperc.to_python(case.model, numpy=True)


def test_onnx(folder):
    onnx = pytest.importorskip("onnx")
    assert export("net.fp", "net.onnx") == 0
    onnx.checker.check_model(onnx.load("net.onnx"))


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        (["model.fp", "model.txt"], 2, "found the ending '.txt', expected .onnx, .c or .py"),
        (["model.fp", "a.py", "--train"], 2, "--train is for files that end with .c"),
        (["model.fp", "a.c", "--numpy"], 2, "--numpy is for files that end with .py"),
        (["model.fp", "a.c", "--train"], 2, "found MLPClassifier, expected a Network"),
        (["model.fp", "a.c", "--prefix", "3"], 2, "expected a name in C"),
        (["model.fp", "a.c", "--data", "X.npy"], 2, "give --weights too"),
        (["net.fp", "a.c", "--train", "--weights", "int8"], 2, "cannot learn"),
        (["model.fp", "no/a.c"], 2, "there is no folder no"),
        (["no.fp", "a.c"], 2, "No such file"),
        (["X.npy", "a.c"], 4, "X.npy"),
        (["net.fp", "a.c", "--weights", "int8", "--data", "X.npy"], 3, "expected (n_samples, 8)"),
        (["net.fp", "a.c", "--weights", "int8", "--data", "model.fp"], 3, "model.fp"),
    ],
)
def test_what_is_refused(folder, capsys, words, status, complaint):
    before = {path.name for path in folder.iterdir()}
    assert export(*words) == status
    assert complaint in capsys.readouterr().err
    assert {path.name for path in folder.iterdir()} == before


def test_the_model_is_not_written_over(folder, capsys):
    (folder / "model.fp").rename("model.c")
    before = (folder / "model.c").read_bytes()
    assert export("model.c", "./model.c") == 2
    assert "it is the model itself" in capsys.readouterr().err
    assert (folder / "model.c").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("a,b\n1,2\n1,x\n", "line 3"), ("1,2\n1\n", "line 2"), ("", "shape"), ("1,nan\n", "sample 0")],
)
def test_tables_that_cannot_be_read(folder, capsys, text, complaint):
    (folder / "t.csv").write_text(text)
    fastperc.save(Network((2, 1)), "two.fp")
    assert export("two.fp", "a.c", "--weights", "int8", "--data", "t.csv") == 3
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("out", ["model.py", "model.c", "model.onnx"])
def test_the_model_of_a_table_has_encoded_columns_as_inputs(folder, capsys, out):
    if out.endswith(".onnx"):
        pytest.importorskip("onnxruntime")
    pa = pytest.importorskip("pyarrow")
    from fastperc.tables import train

    x = np.linspace(-2, 2, 400)
    table = pa.table({"x": x, "side": np.where(x > 0, "right", "left"), "y": np.abs(x)})
    fastperc.save(train(table, target="y", quick=True), "table.fp")
    assert export("table.fp", out) == 0
    said = capsys.readouterr().out
    names = fastperc.load("table.fp")["columns"].get_feature_names_out()
    assert f"inputs: the {len(names)} numbers that fastperc.load(MODEL)['columns']" in said
    for k, name in enumerate(names):
        assert f"  {k}  {name}\n" in said
