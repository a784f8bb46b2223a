"""What a training is told as: a page, a picture, JSON, and a script that repeats it."""

import base64
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

from fastperc.errors import TableError
from fastperc.tables import as_json, train, write_plot, write_report, write_script
from fastperc.tables.importances import importances, rows_of
from fastperc.tables.reading import open_source

EVIL = "<script>alert('$x$')</script>"


def made(n=300, n_classes=0, seed=0):
    """A table whose target hangs on x most, on the kind less, and on noise not at all."""
    rng = np.random.default_rng(seed)
    x, noise = rng.normal(size=n), rng.normal(size=n)
    kind = np.array(["a & b", '"q"', "</td>"])[rng.integers(3, size=n)]
    y = 3 * x + (kind == "</td>") + rng.normal(scale=0.1, size=n)
    if n_classes:
        cuts = np.quantile(y, np.arange(1, n_classes) / n_classes)
        y = np.array([f"<b>{k}" for k in range(n_classes)])[np.searchsorted(cuts, y)]
    return pa.table({EVIL: x, "kind": kind, "noise": noise, "y": y})


@pytest.fixture(scope="module", params=[0, 2, 4], ids=["regression", "binary", "multiclass"])
def trained(request):
    table = made(n_classes=request.param)
    return SimpleNamespace(table=table, model=train(table, target="y", quick=True))


class Page(HTMLParser):
    """The elements of a page, checked to be closed in their order."""

    VOID = ("meta", "img", "br")

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.text = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(trained, path, **options):
    write_report(trained.model, path, **options)
    return Page(path.read_text(encoding="utf-8"))


def test_page(trained, tmp_path):
    page = page_of(trained, tmp_path / "report.html", table=trained.table)
    text = " ".join(page.text)
    assert page.all("html") == [{"lang": "en"}]
    assert page.all("script") == page.all("link") == page.all("b") == []
    assert EVIL in text  # as text
    for heading in ("The table", "Training", "Importance of columns", "What was tried"):
        assert heading in text
    run = trained.model.run_
    assert f"{run.score_name} {run.score:.4f}" in text
    assert f"{run.baseline:.4f}" in text
    tables = [a for a in page.all("div") if a.get("class") == "box"]
    assert len(tables) == len(page.all("table"))  # each scrolls in its own box
    assert len(page.all("img")) == 4
    for image in page.all("img"):
        assert len(image["alt"]) > 20
        kind, _, content = image["src"].partition(",")
        assert kind == "data:image/svg+xml;base64"
        assert ElementTree.fromstring(base64.b64decode(content)).tag.endswith("svg")


def test_page_loads_nothing(trained, tmp_path):
    page = page_of(trained, tmp_path / "report.html")
    named = [value for _, attributes in page.elements for name, value in attributes.items()
             if name in ("src", "href", "action", "data") or name.startswith("on")]  # fmt: skip
    assert all(value.startswith("data:image/svg+xml;") for value in named)
    assert "url(" not in " ".join(page.text)
    assert "Not looked at" in " ".join(page.text)


def test_names_in_pictures_are_no_markup(trained, tmp_path):
    page = page_of(trained, tmp_path / "report.html", table=trained.table)
    svgs = [base64.b64decode(image["src"].partition(",")[2]) for image in page.all("img")]
    assert not any(b"<script" in svg for svg in svgs)
    assert b"&lt;script&gt;" in svgs[-1]


def test_importances(trained):
    found = importances(trained.model, open_source(trained.table))
    assert found[0].name == EVIL
    of = {each.name: each.mean for each in found}
    assert of[EVIL] > 10 * abs(of["noise"])
    assert sorted(of) == sorted(trained.table.column_names[:-1])


def test_importances_are_those_of_shuffled_tables():
    """The places that are shuffled are those of the cells: shuffle them in the table itself."""
    table = made()
    model = train(table, target="y", quick=True)
    run = model.run_
    held = table.take(run.held_rows)
    rng, losses = np.random.default_rng(1), []
    for _ in range(20):
        kind = held["kind"].take(rng.permutation(held.num_rows))
        wrong = model.predict(held.set_column(1, "kind", kind)) - run.held_target
        losses.append(run.score - 1 + (wrong**2).mean() / run.held_target.var())
    (found,) = (each for each in importances(model, open_source(table)) if each.name == "kind")
    assert found.mean == pytest.approx(np.mean(losses), rel=0.3)


def test_rows_of_batches():
    source = open_source(pa.table({"x": np.arange(200_000), "y": np.arange(200_000) % 7}))
    rows = np.array([0, 65_535, 65_536, 150_000, 199_999])
    assert rows_of(source, ("x",), rows)["x"].to_pylist() == rows.tolist()


def test_another_table_is_refused(trained, tmp_path):
    with pytest.raises(TableError, match="found 20 rows, expected more"):
        write_report(trained.model, tmp_path / "report.html", trained.table[:20])
    assert not (tmp_path / "report.html").exists()


def test_json(trained):
    found = as_json(trained.model.run_)
    again = json.loads(json.dumps(found, allow_nan=False))
    assert again == found
    run = trained.model.run_
    assert found["score"] == run.score
    assert [column["name"] for column in found["columns"]] == trained.table.column_names
    assert found["columns"][-1]["role"] == "target"
    assert found["candidates"][0]["parameters"]["hidden_layer_sizes"] == [64, 32]
    assert found["candidates"][0]["score"] is None  # not a number: there were no folds
    if run.understanding.is_classification:
        assert np.sum(found["errors"]["confusion"]) == run.n_held
        right = np.trace(found["errors"]["confusion"]) / run.n_held
        assert right == pytest.approx(run.score)
    else:
        residuals = run.held_target - run.held_prediction
        assert found["errors"]["mean_absolute"] == pytest.approx(np.abs(residuals).mean())


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_plot(trained, tmp_path, ending, start):
    path = tmp_path / f"picture.{ending}"
    write_plot(trained.model, path)
    assert path.read_bytes().startswith(start)


def test_plot_of_no_format(trained, tmp_path):
    with pytest.raises(ValueError, match="'nope'"):
        write_plot(trained.model, tmp_path / "picture.nope")


# --- the script ----------------------------------------------------------------------------------


def printed(script, *arguments):
    run = subprocess.run(
        [sys.executable, "-W", "error", script, *arguments], capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return float(re.search(r" (-?[\d.]+) on ", run.stdout)[1])


@pytest.mark.slow
def test_script_repeats_the_run(trained, tmp_path):
    path = tmp_path / "table.csv"
    csv.write_csv(trained.table, path)
    write_script(trained.model, tmp_path / "run.py", path)
    text = (tmp_path / "run.py").read_text(encoding="utf-8")
    assert "fastperc.tables" not in text
    run = trained.model.run_
    assert printed(tmp_path / "run.py") == pytest.approx(run.score, abs=0.12)
    assert run.score > run.baseline + 0.3


def test_script_of_all_kinds_of_columns(tmp_path):
    """Dates, long tails, missing cells, semicolons, decimal commas, weights."""
    rng = np.random.default_rng(0)
    x, wealth = rng.normal(size=400), np.exp(4 * rng.normal(size=400))
    day = rng.integers(1, 29, 400)
    lines = ["x;wealth;day;kind;w;y"]
    for k in range(400):
        y = x[k] + np.log(wealth[k]) / 4 + (k % 3 == 0)
        kind = "?" if k % 40 == 1 else "abc"[k % 3]
        number = "" if k % 50 == 3 else f"{x[k]:.4f}".replace(".", ",")
        lines.append(
            f"{number};{wealth[k]:.4f};{day[k]:02}.{1 + k % 12:02}.2020;{kind};{1 + k % 2};{y:.4f}"
            .replace(f"{wealth[k]:.4f}", f"{wealth[k]:.4f}".replace(".", ","))
            .replace(f"{y:.4f}", f"{y:.4f}".replace(".", ","))
        )  # fmt: skip
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    model = train(path, target="y", quick=True, missing="indicator", weight="w")
    assert model.run_.understanding.of("date") == ("day",)
    write_script(model, tmp_path / "run.py", path)
    text = (tmp_path / "run.py").read_text(encoding="utf-8")
    assert "LONG_TAILED = ['wealth']" in text
    assert "DAYS_FIRST = ['day']" in text
    assert printed(tmp_path / "run.py") == pytest.approx(model.run_.score, abs=0.1)
    assert model.run_.score > 0.7


@pytest.mark.slow
def test_script_without_a_table_reads_what_it_is_called_with(tmp_path):
    table = made(n_classes=2)
    write_script(train(table, target="y", quick=True), tmp_path / "run.py")
    csv.write_csv(table, tmp_path / "other.csv")
    assert printed(tmp_path / "run.py", tmp_path / "other.csv") > 0.85
