"""The page that the suite writes, its pictures, and the tables in README files."""

import re
import runpy
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from results import GROUPS, made_up

from fastperc.benchmarks import all_cases, load
from fastperc.benchmarks.groups import GROUPS as GROUP_WORDS
from fastperc.benchmarks.pictures import outdated, pictures, save_pictures
from fastperc.benchmarks.png_metadata import digest, stamp_of
from fastperc.benchmarks.report import summary, write_report
from fastperc.benchmarks.results import Result, Results
from fastperc.benchmarks.tables import amount, filled, in_words, machine, table
from fastperc.measuring.words import factor, markdown


@pytest.fixture
def results():
    return made_up()


# --- page and pictures ----------------------------------------------------------------------------

PICTURES = ["online", "libraries_online", "threads", "roofline", "starting", "compiling", "memory"]


def test_the_page_is_complete_in_itself_and_escapes_names(results, tmp_path):
    page = write_report(results, tmp_path / "out")
    text = page.read_text(encoding="utf-8")
    assert [name for name, _, _ in pictures(results)] == PICTURES
    assert text.count('<img alt="') == len(PICTURES)
    assert not re.search(r'(?:src|href)="(?!data:|#)', text)
    assert "bare &lt;Python&gt;" in text
    assert "<fast>" not in text
    assert "not installed: libraries online: 2-4-1, x" in text
    for name in PICTURES:
        assert (tmp_path / "out" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


class Outline(HTMLParser):
    """The tags that are open, those that were closed in the wrong order, links, anchors, words."""

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong, self.links, self.anchors, self.rows = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        href = given.get("href", "")
        self.links += [href[1:]] * href.startswith("#")
        self.anchors += [given["id"]] if "id" in given else []
        if tag == "table":
            self.rows.append("wide" in str(self.open[-1]))
        if tag not in ("meta", "link", "img"):
            self.open.append((tag, given.get("class")))

    def handle_endtag(self, tag):
        if self.open.pop()[0] != tag:
            self.wrong.append(tag)


def test_the_page_is_sound_html_and_its_contents_lead_somewhere(results, tmp_path):
    outline = Outline(write_report(results, tmp_path).read_text(encoding="utf-8"))
    assert (outline.open, outline.wrong) == ([], [])
    assert outline.links == outline.anchors
    assert outline.links[:2] == ["online", "libraries-online"]
    assert outline.rows  # tables
    assert all(outline.rows)  # scroll within themselves on a phone


def test_the_page_says_what_when_and_how_fast(results, tmp_path):
    results.date, results.quick = "2026-01-02", True
    results.environment |= {"fastperc": "9.8", "code": "abc123"}
    text = write_report(results, tmp_path).read_text(encoding="utf-8")
    assert "fastperc 9.8 (abc123), measured on 2026-01-02." in text
    assert "<code>--quick</code>" in text
    assert 'name="viewport"' in text
    assert "one update per sample 250x (numpy, 1 case)" in text
    assert "One update per sample</h2>\n<p>Training that changes the weights after each" in text
    results.quick = False
    assert "--quick" not in write_report(results, tmp_path).read_text(encoding="utf-8")


def test_units_are_written_as_by_hand(results, tmp_path):
    assert in_words("8-32-1 10^7: 20 us (3x), us") == "8-32-1 10⁷: 20 µs (3x), us"
    text = write_report(results, tmp_path).read_text(encoding="utf-8")
    assert "20 µs (250x)" in text
    assert summary(Results({}, {})).startswith("0 cases, none beside another way")


def test_every_group_of_cases_is_described():
    words = [GROUP_WORDS[group] for group in {case.group for case in all_cases()}]
    assert all(each.title and each.sentence.endswith(".") for each in words)
    assert len({each.title for each in words}) == len(GROUPS)


def test_a_browser_shows_the_page(results, tmp_path):
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next((path for name in names if (path := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no Chromium is installed")
    page = write_report(results, tmp_path)
    # What a person sees: the script says which pictures the browser could decode.
    watched = page.read_text(encoding="utf-8").replace(
        "</body>",
        "<script>onload = () => {document.title = [...document.images].filter("
        "i => i.complete && i.naturalWidth > 100).length + ' shown'}</script></body>",
    )
    page.write_text(watched, encoding="utf-8")
    outcome = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert f"<title>{len(PICTURES)} shown</title>" in outcome.stdout
    assert "CONSOLE" not in outcome.stderr


def test_the_picture_of_libraries_names_them_and_what_the_mean_is_of(results):
    captions = {name: caption for name, caption, _ in pictures(results)}
    assert captions["libraries_online"].endswith("is: geometric mean of 2 networks")
    draw = {name: draw for name, _, draw in pictures(results)}["libraries_online"]
    assert [label.get_text() for label in draw().get_yticklabels()] == ["jax", "numpy"]
    results.results = [r for r in results.results if r.name != "2-4-1"]
    captions = {name: caption for name, caption, _ in pictures(results)}
    assert captions["libraries_online"].endswith("is: 8-32-1")


def test_two_points_are_dots_and_processes_stand_beside_a_bare_one(results):
    starting = next(r for r in results.results if r.group == "starting")
    starting.ways = {"bare Python": [1e7], **starting.ways}
    drawn = {name: draw() for name, _, draw in pictures(results) if name in ("threads", "starting")}
    labels = {n: [t.get_text() for t in ax.get_yticklabels()] for n, ax in drawn.items()}
    assert labels["threads"] == ["on 1 thread, fastperc", "on 2 threads, fastperc"]
    assert labels["starting"] == ["Python that does nothing", "bare <Python>"]
    assert [text.get_text() for text in drawn["starting"].texts] == ["10 ms", "20 ms"]


def test_pictures_say_from_which_results_they_are(results, tmp_path):
    made = save_pictures(results, tmp_path)
    assert {stamp_of(png) for png in made.values()} == {digest(results)}
    assert outdated(results, tmp_path) == []
    image = pytest.importorskip("PIL.Image")
    with image.open(tmp_path / "online.png") as picture:
        picture.load()  # raises where a chunk is damaged
        assert picture.text["fastperc results"] == digest(results)


def test_pictures_of_other_results_are_outdated(results, tmp_path):
    save_pictures(results, tmp_path)
    (tmp_path / "mine.png").write_bytes(b"a picture of somebody's own")
    results.results[0].ways["fastperc"][0] += 1
    assert [path.stem for path in outdated(results, tmp_path)] == sorted(PICTURES)
    results.results[0].ways["fastperc"][0] -= 1
    (tmp_path / "online.png").unlink()
    assert [path.stem for path in outdated(results, tmp_path)] == ["online"]
    results.results = [r for r in results.results if r.group != "memory"]
    assert "memory" in [path.stem for path in outdated(results, tmp_path)]


def test_the_digest_outlives_storing(results, tmp_path):
    results.save(tmp_path / "r.json")
    assert digest(load(tmp_path / "r.json")) == digest(results)


# --- tables ---------------------------------------------------------------------------------------


def test_a_table_has_a_line_for_each_case_and_fastperc_first(results):
    assert markdown(table(results.group("online"))).splitlines() == [
        "| case | fastperc | numpy |",
        "| --- | ---: | ---: |",
        "| 8-32-1 | 80 ns | 20 us (250x) |",
    ]


def test_libraries_have_their_geometric_mean(results):
    assert table(results.group("libraries online")) == [
        ["case", "fastperc", "numpy", "jax"],
        ["8-32-1", "100 ns", "2 us (20x)", "400 ns (4x)"],
        ["2-4-1", "100 ns", "2 us (20x)", "100 ns (1x)"],
        ["geometric mean", "1x", "20x", "2x"],
    ]


def test_what_was_timed_on_a_busy_machine_is_marked_and_so_is_its_mean(results):
    race = results.group("libraries online")[0]
    race.disturbed["jax"], race.ways["jax"] = race.ways["jax"], []
    lines = table(results.group("libraries online"))
    assert lines[1] == ["8-32-1", "100 ns", "2 us (20x)", "~400 ns (4x)"]
    assert lines[-1] == ["geometric mean", "1x", "20x", "~2x"]
    assert "\n\n~: timed while" in filled("<!-- bench: libraries online -->\n<!-- end -->", results)
    assert "~" not in markdown(table(results.group("online")))


def test_what_is_no_race_has_no_ratio(results):
    assert table(results.group("compiling"))[1] == ["all", "9 s", "100 ms"]
    assert table(results.group("memory"))[2] == ["10 samples, in order", "36.0 MB", "0.0 MB"]
    assert table(results.group("threads")) == [
        ["case", "fastperc"],
        ["on 1", "100 ns"],
        ["on 2", "50 ns"],
    ]


@pytest.mark.parametrize(
    ("ns", "said"),
    [(0.334, "0.334 ns"), (52.42, "52.4 ns"), (999.7, "1,000 ns"), (1234, "1.23 us"),
     (2.5e7, "25 ms"), (1.04e10, "10.4 s"), (1.7e11, "170 s")],
)  # fmt: skip
def test_amounts_have_three_digits(ns, said):
    assert amount(Result("a", "b", "call", {"fastperc": [ns]})) == said


@pytest.mark.parametrize(
    ("ratio", "said"), [(0.5, "0.5x"), (2.54, "2.5x"), (9.96, "10x"), (1170.4, "1,170x")]
)
def test_ratios_have_two_digits_or_more(ratio, said):
    assert factor(ratio) == said


def test_the_machine_s_peak_is_of_multiply_adds_and_in_older_results_of_a_matrix_product(results):
    assert "One core reaches 60 GFLOP/s of multiply-adds, copies of 14 GB/s" in machine(results)
    del results.machine["loop"], results.machine["nearest"]
    assert "reaches 60 GFLOP/s in matrix products, copies of 14 GB/s, 80 within" in machine(results)


def test_no_kernel_is_above_the_peak(results):
    results.results[0].work = (7000.0, 2600.0)  # in 80 ns
    assert results.limits.gflops == results.results[0].gflops > 60
    assert "reaches 87 GFLOP/s by the fastest kernel (60 by a loop of" in machine(results)


def test_a_page_is_filled_in_where_it_is_marked(results):
    page = "before\n<!-- bench: online -->\nold\n<!-- end -->\nafter\n"
    once = filled(page, results)
    assert "old" not in once
    assert "| 8-32-1 |" in once
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert filled(once, results) == once
    with pytest.raises(ValueError, match="'onlin', expected one of machine, online"):
        filled(page.replace("online", "onlin"), results)


# --- what is stored in the repository -------------------------------------------------------------


PAGES = {
    "README.md": {"machine", "estimators", "libraries online"},
    "docs/performance.md": {"machine", "libraries batches", "predicting", "tutorials", "starting"},
    "bench/README.md": {"machine"},  # and every group that is stored
}


@pytest.mark.parametrize("name", PAGES)
def test_pages_show_what_is_stored(name, repository):
    page = (repository / name).read_text(encoding="utf-8")
    stored = load(repository / "bench" / "results.json")
    assert filled(page, stored) == page, "run python bench/report.py"
    every = set(stored.groups) if name == "bench/README.md" else set()
    assert set(re.findall("<!-- bench: (.*) -->", page)) == PAGES[name] | every


def test_pictures_are_of_what_is_stored(repository):
    stored = load(repository / "bench" / "results.json")
    assert outdated(stored, repository / "bench" / "pictures") == [], "run python bench/report.py"


@pytest.mark.parametrize("name", PAGES)
def test_pages_show_pictures_that_are_there(name, repository):
    page = repository / name
    shown = re.findall(r"!\[.*?\]\((.*?\.png)\)", page.read_text(encoding="utf-8"))
    assert shown
    for path in shown:
        assert (page.parent / path).exists(), path


def test_one_command_fills_in_and_checks(results, repository, tmp_path, monkeypatch):
    report = runpy.run_path(str(repository / "bench" / "report.py"))
    stored, page, drawn = tmp_path / "r.json", tmp_path / "page.md", tmp_path / "pictures"
    results.save(stored)
    page.write_text("<!-- bench: online -->\n<!-- end -->\n")

    def call(*words):
        words = [str(stored), "--readme", str(page), "--pictures", str(drawn), *words]
        monkeypatch.setattr(sys, "argv", ["report.py", *words])
        report["main"]()

    with pytest.raises(SystemExit, match=r"not made from .*page\.md.*online\.png"):
        call("--check")
    call()
    assert "| 8-32-1 |" in page.read_text()
    call("--check")
    page.write_text(page.read_text().replace("80 ns", "70 ns"))
    with pytest.raises(SystemExit, match=r"page\.md$"):
        call("--check")
