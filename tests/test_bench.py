"""The suite: its table, what it stores, what counts as a change, the page that it writes."""

import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from fastperc import cli
from fastperc.benchmarks import cases, changes, load, run
from fastperc.benchmarks.changes import Change, ratio_of, summary
from fastperc.benchmarks.pictures import pictures
from fastperc.benchmarks.report import write_report
from fastperc.benchmarks.storing import Result, Results
from fastperc.benchmarks.tables import filled, table
from fastperc.comparing import clock
from fastperc.comparing.clock import Timed

GROUPS = {"online", "batches", "full", "samples", "width", "depth", "batch size", "threads",
          "rivals", "updates", "predicting", "elementary", "tutorials", "starting"}  # fmt: skip


def rounds(level, noise=0.02, n=21, seed=0):
    """Rounds as a busy machine makes them: never faster than the code, often slower."""
    rng = np.random.default_rng(seed)
    return (level * (1 + rng.exponential(noise, n))).tolist()


@pytest.fixture
def results():
    made = [
        Result("online", "8-32-1", "sample", {"numpy": rounds(20_000), "fastperc": rounds(80)},
               work=(1200.0, 2600.0)),
        *(Result("threads", f"on {n}", "sample", {way: rounds(100 / n)}, x=n)
          for n, way in ((1, "fastperc"), (2, "2 threads"))),
        Result("starting", "bare <Python>", "process", {"fastperc": rounds(2e7)}),
    ]  # fmt: skip
    facts = {"processor": "a <fast> one", "Python": "3.11", "numpy": "2.4", "numba": "0.68"}
    return Results(facts, {"gflops": 60.0, "gbytes": 14.0}, made, {"rivals: x": "not installed"})


# --- the table ------------------------------------------------------------------------------------


def test_every_group_is_there_and_names_are_unique():
    table = cases.all_cases()
    assert {case.group for case in table} == GROUPS
    assert len({case.key for case in table}) == len(table)


def test_each_group_has_a_quick_case():
    assert {case.group for case in cases.some_cases(quick=True)} == GROUPS


def test_groups_can_be_chosen_and_unknown_ones_list_what_there_is():
    assert {case.group for case in cases.some_cases(groups=["width", "depth"])} == {
        "width",
        "depth",
    }
    with pytest.raises(ValueError, match="'widht', expected one of online, batches"):
        cases.some_cases(groups=["widht"])


def test_samples_reach_from_a_thousand_to_ten_million():
    x = [case.x for case in cases.some_cases(groups=["samples"])]
    assert (min(x), max(x)) == (1e3, 1e7)


def test_ways_that_disagree_are_not_timed(monkeypatch):
    (case,) = [c for c in cases.all_cases() if c.key == "elementary: exp float32"]
    from fastperc.benchmarks import pieces

    code, _ = pieces.FUNCTIONS["exp"]
    monkeypatch.setitem(pieces.FUNCTIONS, "exp", (code, lambda x: np.exp(x) * 1.001))
    with pytest.raises(ArithmeticError, match="exp: the ways differ by"):
        case.prepare()


def test_a_case_that_cannot_run_says_why():
    (case,) = [c for c in cases.all_cases() if c.key == "elementary: exp float32"]
    found = run([replace(case, refuses=lambda: "no such machine")], passes=1, seconds=0)
    assert found.skipped == {case.key: "no such machine"}
    assert found.results == []


# --- running --------------------------------------------------------------------------------------


def test_a_run_has_rounds_of_each_way_from_each_pass():
    (case,) = [c for c in cases.all_cases() if c.key == "elementary: tanh float32"]
    told = []
    found = run([case], passes=2, seconds=0, tell=told.append)
    (result,) = found.results
    assert {way: len(times) for way, times in result.ways.items()} == {
        "numpy": 2 * clock.LEAST_ROUNDS,
        "fastperc": 2 * clock.LEAST_ROUNDS,
    }
    assert told == [f"preparing {case.key}", f"pass 1 of 2: {case.key}", f"pass 2 of 2: {case.key}"]
    assert 0 < result.best("fastperc") <= result.median("fastperc")


def test_setup_runs_before_each_round_and_off_the_clock():
    import time

    log = []
    timed = Timed(lambda: log.append("call"), lambda: (time.sleep(0.02), log.append("setup")), 1)
    (times,) = clock.interleave({"it": timed}, 0).values()
    assert max(times) < 1e7
    assert log[:4] == ["setup", "call", "setup", "call"]


def test_short_work_is_repeated_and_still_divided_by_what_was_done():
    n_calls = 0

    def call():
        nonlocal n_calls
        n_calls += 1

    longer = clock.lengthened(Timed(call, lambda: None, 5))
    n_calls = 0
    longer.call()
    assert n_calls > 100
    assert longer.units == 5 * n_calls


def test_the_interval_holds_the_ratio():
    low, high = clock.ratio_interval(rounds(200, seed=1), rounds(100, seed=2))
    assert low <= 2.0 <= high or abs(low - 2) < 0.05
    assert high - low < 0.2


# --- what changed ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_change_and_a_fifth_is(seed):
    old, new = rounds(100, 0.1, seed=seed), rounds(100, 0.1, seed=seed + 100)
    assert not ratio_of(old, new).is_real
    assert ratio_of(old, [1.2 * ns for ns in new]).is_real
    assert ratio_of([1.2 * ns for ns in old], new).is_real


def test_what_its_baseline_did_too_is_the_machine_s_mood():
    slower, same = ratio_of(rounds(100), rounds(120)), ratio_of(rounds(100), rounds(101))
    assert Change("a", "fastperc", slower, None).is_real
    assert Change("a", "fastperc", slower, slower).is_real
    assert not Change("a", "fastperc", slower, same).is_real
    assert not Change("a", "fastperc", same, slower).is_real


def test_the_summary_says_what_changed_and_what_noise_is(results):
    slowed = results.results[0]
    slower = replace(slowed, ways={**slowed.ways, "fastperc": rounds(96)})
    newer = replace(results, results=[slower, *results.results[1:]])
    said = summary(changes(results, newer))
    assert said.startswith("1 of 4 changed; noise: up to 12 %")
    assert "online: 8-32-1, fastperc: 20 % slower" in said
    assert summary(changes(results, results)).startswith("none of 4 changed")


@pytest.mark.timing
def test_a_kernel_slowed_by_a_fifth_is_reported_and_the_same_is_not():
    (case,) = [c for c in cases.all_cases() if c.key == "full: 64-64-10 all 8,192"]

    def slowed():
        ways = case.prepare()
        timed = ways["fastperc"]

        def call():
            for _ in range(6):  # and five are counted
                timed.call()

        return {**ways, "fastperc": Timed(call, timed.setup, 5 * timed.units)}

    first, second, slower = run([case]), run([case]), run([replace(case, prepare=slowed)])
    assert not [change for change in changes(first, second) if change.is_real]
    assert "fastperc" in [change.way for change in changes(first, slower) if change.is_real]


# --- storing --------------------------------------------------------------------------------------


def test_what_is_stored_comes_back(results, tmp_path):
    results.save(tmp_path / "r.json")
    assert load(tmp_path / "r.json").groups == results.groups
    (before, after) = (r.results[0].ways["numpy"] for r in (results, load(tmp_path / "r.json")))
    assert after == pytest.approx(before, rel=1e-4)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "results": []}'])
def test_another_file_is_refused(text, tmp_path):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(ValueError, match=r"r\.json: found no results of fastperc bench"):
        load(tmp_path / "r.json")


# --- page, pictures, tables -----------------------------------------------------------------------


def test_the_page_is_complete_in_itself_and_escapes_names(results, tmp_path):
    page = write_report(results, tmp_path / "out")
    text = page.read_text(encoding="utf-8")
    names = [name for name, _, _ in pictures(results)]
    assert names == ["online", "threads", "roofline", "starting"]
    assert text.count('<img alt="') == len(names)
    assert not re.search(r'(?:src|href)="(?!data:)', text)
    assert "bare &lt;Python&gt;" in text
    assert "<fast>" not in text
    assert "rivals: x: not installed" in text
    for name in names:
        assert (tmp_path / "out" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_a_browser_shows_the_page(results, tmp_path):
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next((path for name in names if (path := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no Chromium is installed")
    page = write_report(results, tmp_path)
    outcome = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert outcome.stdout.count("<img ") == 4
    assert "CONSOLE" not in outcome.stderr


def test_a_table_has_a_line_for_each_case(results):
    assert table(results.group("online")).splitlines() == [
        "| case | numpy | fastperc | faster |",
        "| --- | ---: | ---: | ---: |",
        "| 8-32-1 | 20 us | 80 ns | 250x |",
    ]


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


@pytest.mark.parametrize("name", ["README.md", "bench/README.md"])
def test_pages_show_what_is_stored(name, repository):
    page = (repository / name).read_text(encoding="utf-8")
    stored = load(repository / "bench" / "results.json")
    assert filled(page, stored) == page, (
        f"run python bench/report.py bench/results.json --readme {name}"
    )
    if name.startswith("bench"):
        assert page.count("<!-- bench: ") == 1 + len(GROUPS)


# --- the commands ---------------------------------------------------------------------------------


def test_bench_stores_reports_and_compares(tmp_path, capsys):
    stored, out = tmp_path / "r.json", tmp_path / "out"
    words = ["bench", "--quick", "--group", "predicting", "--json", str(stored)]
    assert cli.main([*words, "--report", str(out)]) == 0
    assert load(stored).groups == ["predicting"]
    assert (out / "index.html").exists()
    assert cli.main(["bench", "--quick", "--group", "predicting", "--compare", str(stored)]) == 0
    said = capsys.readouterr().out
    assert "8-32-1 one sample" in said
    assert re.search(r"of 2 changed; noise:", said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bench", "--group", "widht"], "'widht', expected one of online"),
        (["compare", "onlin"], "'onlin', expected one of online, batches, full"),
        (
            ["compare", "no_such_module:epoch", "--as", "online"],
            "no_such_module cannot be imported",
        ),
        (["compare", "math:epoch", "--as", "online"], "found no function 'epoch', expected one of"),
        (["compare", "math:floor"], "against: found None, expected one of online"),
    ],
)
def test_wrong_names_are_status_2_and_list_what_there_is(words, said, capsys):
    assert cli.main(words) == 2
    assert said in capsys.readouterr().err


def test_compare_ends_with_status_1_where_steps_differ(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    source = """
def epoch(X, Y, weights, biases, lr):
    for x, y in zip(X, Y):
        error = x @ weights[0] + biases[0] - y
        weights[0] -= lr * x[:, None] * error
        biases[0] SIGN= lr * error
"""
    words = ["--as", "online", "--sizes", "3-1", "--samples", "50", "--seconds", "0.01"]
    (tmp_path / "good.py").write_text(source.replace("SIGN", "-"))
    (tmp_path / "bad.py").write_text(source.replace("SIGN", "+"))
    assert cli.main(["compare", "good.py:epoch", *words, "--against", "numpy"]) == 0
    assert cli.main(["compare", "bad.py:epoch", *words, "--plot", "p.png", "--json", "c.json"]) == 1
    assert "epoch: first wrong step: 1, in b1" in capsys.readouterr().out
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert '"first_wrong": 1' in (tmp_path / "c.json").read_text()
