"""``fastperc train``: what it prints, and the status it ends with."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastperc
from fastperc.commands.main import main
from fastperc.commands.table_options import names_of, separator_of
from fastperc.commands.train import bytes_of, place_of, seconds_of, shape_of


@pytest.fixture
def houses(tmp_path, monkeypatch):
    """A folder with a table, which is the current one."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    size, kind = rng.normal(100, 20, 200), rng.choice(["flat", "house"], 200)
    table = pd.DataFrame({"size": size, "kind": kind, "price": size * 2 + 10 * (kind == "flat")})
    table.to_csv("houses.csv", index=False)
    return table


QUICK = ["--target", "price", "--quick"]


def test_what_a_new_user_sees(houses, capsys):
    assert main(["train", "houses.csv", *QUICK]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert max(map(len, out.splitlines())) <= 80
    for part in (
        "houses.csv\n", "200 rows, 3 columns", "Target 'price': a number from", "Numbers: size",
        "Categories: kind", "R2 0.9", "on the 40 rows that were held out", "Wrote houses.fp",
    ):  # fmt: skip
        assert part in out
    model = fastperc.load("houses.fp")
    assert model.score(houses, houses["price"]) > 0.9


def test_a_search_prints_the_best(houses, capsys):
    args = ["--target", "price", "--hidden", "4", "--epochs", "20", "--out", "m.fp"]
    assert main(["train", "houses.csv", *args]) == 0
    out = capsys.readouterr().out
    assert "Tried 16 networks and linear models on 5 folds of 160 rows" in out
    assert out.count("alpha") == 5
    assert main(["info", "m.fp"]) == 0
    out = capsys.readouterr().out
    assert "houses.csv, 200 rows" in out
    assert "kind: 2 categories: flat, house" in out


def test_quiet(houses, capsys):
    assert main(["train", "houses.csv", *QUICK, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["houses.csv"], 3, "--target NAME. There are size, kind, price"),
        (["houses.csv", "--target", "prise"], 3, "no column 'prise'; did you mean 'price'?"),
        (["none.csv", "--target", "y"], 2, "cannot use 'none.csv'"),
        (["houses.csv", *QUICK, "--out", "houses.csv"], 2, "it is the table itself"),
        (["houses.csv", *QUICK, "--out", "no/m.fp"], 2, "there is no folder no"),
        (["houses.csv", *QUICK, "--hidden", "x"], 2, "--hidden: found 'x'"),
        (["houses.csv", *QUICK, "--lr", "-1"], 2, "--lr: found -1.0"),
        (["houses.csv", *QUICK, "--time-limit", "soon"], 2, "--time-limit: found 'soon'"),
        (["houses.csv", *QUICK, "--resume"], 2, "give --checkpoint FILE too"),
        (["houses.csv", *QUICK, "--drop", "size,kind"], 3, "there is no column to predict"),
        (["houses.csv", *QUICK, "--task", "binary"], 3, "different values, expected 2"),
        (["houses.csv", *QUICK, "--separator", ";;"], 2, "found ';;', expected one character"),
        (["houses.csv", *QUICK, "--decimal", "x"], 2, "'--decimal'"),
        (["houses.csv", *QUICK, "--memory", "1kB"], 3, "memory: found 0.001 MB, expected at least"),
    ],
)
def test_mistakes_are_one_line(houses, capsys, args, status, message):
    assert main(["train", *args]) == status
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_table_from_standard_input(houses, tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "fastperc", "train", "-", *QUICK],
        input=(tmp_path / "houses.csv").read_bytes(), capture_output=True, check=True,
    )  # fmt: skip
    assert b"Wrote model.fp" in run.stdout
    assert run.stderr == b""


def test_streamed(houses, capsys):
    size = np.random.default_rng(1).normal(100, 20, 20_000)
    pd.DataFrame({"size": size, "price": 2 * size + np.cos(size)}).to_parquet("many.parquet")
    assert main(["train", "many.parquet", *QUICK, "--memory", "0.2MB", "--epochs", "3"]) == 0
    out = capsys.readouterr().out
    assert "Streamed" in out
    assert "R2 0.9" in out


def test_options_in_words():
    assert names_of(["a,b", '"c, d",e']) == ["a", "b", "c, d", "e"]
    assert shape_of("32,16") == shape_of("32-16") == (32, 16)
    assert shape_of("0") == ()
    assert [separator_of(text) for text in (";", "\\t", "tab", "\t")] == [";", "\t", "\t", "\t"]
    assert [seconds_of(text) for text in ("30s", "2min", "1h", "5")] == [30, 120, 3600, 5]
    assert bytes_of("2GB") == 2e9
    assert [str(place_of(None, t)) for t in ("a/b.csv.gz", "-", "folder/")] == [
        "b.fp", "model.fp", "folder.fp",
    ]  # fmt: skip


def test_what_is_written_beside_the_model(houses, capsys):
    files = ["--report", "r.html", "--plot", "p.svg", "--script", "run.py"]
    assert main(["train", "houses.csv", *QUICK, *files]) == 0
    assert "Wrote r.html, p.svg, run.py\n" in capsys.readouterr().out
    assert main(["train", "houses.csv", *QUICK, "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert err == ""
    assert found["target"] == "price"
    assert found["score"] > 0.9
    page = Path("r.html").read_text(encoding="utf-8")
    assert f"{found['score']:.4f}" in page
    assert "What R2 loses when the cells of a column are shuffled" in page
    assert Path("p.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert repr(str(Path("houses.csv").resolve())) in Path("run.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "wrong",
    [
        ["--report", "houses.csv"],
        ["--script", "nowhere/run.py"],
        ["--plot", "p.nope"],
        ["--report", "."],
    ],
)
def test_what_cannot_be_written_is_told_before_training(houses, capsys, wrong):
    before = Path("houses.csv").read_bytes()
    assert main(["train", "houses.csv", *QUICK, *wrong]) == 2
    assert "cannot write" in capsys.readouterr().err
    assert Path("houses.csv").read_bytes() == before
    assert not Path("houses.fp").exists()
