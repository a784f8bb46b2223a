"""The suite: its table, what it runs and stores, the commands."""

import json
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from results import GROUPS, Calm, made_up, passes

from fastperc import MLPRegressor
from fastperc.benchmarks import (
    cases,
    estimator_cases,
    load,
    process_cases,
    processes,
    rounds,
    run,
)
from fastperc.benchmarks.case import Case
from fastperc.benchmarks.results import Result, Results
from fastperc.benchmarks.rounds import FEW, ROUNDS, TRIES, Rounds, time_all
from fastperc.benchmarks.running import add_pass, agree, begin_pass, has_converged
from fastperc.commands import main as cli
from fastperc.comparing import variants
from fastperc.measuring import clock
from fastperc.measuring.clock import Timed

pytestmark = pytest.mark.usefixtures("few_rounds")

empty = Timed(lambda: None, lambda: None, 1)


@pytest.fixture
def results():
    return made_up()


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


def test_every_rule_is_among_the_updates():
    names = {case.name.split()[0] for case in cases.some_cases(groups=["updates"])}
    assert names == {"sgd", "momentum", "nesterov", "adam", "adamw", "rprop"}


def test_ways_that_disagree_are_not_timed(monkeypatch):
    (case,) = [c for c in cases.all_cases() if c.key == "elementary: exp float32"]
    from fastperc.benchmarks import parts_cases

    code, _ = parts_cases.FUNCTIONS["exp"]
    monkeypatch.setitem(parts_cases.FUNCTIONS, "exp", (code, lambda x: np.exp(x) * 1.001))
    with pytest.raises(ArithmeticError, match="exp: the ways differ by"):
        case.prepare()


def test_a_case_that_cannot_run_says_why():
    (case,) = [c for c in cases.all_cases() if c.key == "elementary: exp float32"]
    found = run([replace(case, refuses=lambda way: "no such machine")], passes=1, seconds=0)
    ways = [f"{case.key}, {way}" for way in case.ways]
    assert found.skipped == {"no such machine": ways}
    assert found.omissions == [f"no such machine: {ways[0]} and 2 more"]
    assert found.results == []


def test_a_library_that_is_not_installed_is_left_out_and_the_others_run(monkeypatch):
    monkeypatch.setattr(variants, "find_spec", lambda package: None)
    (case,) = [c for c in cases.all_cases() if c.key == "predicting: 8-32-1 1,000 samples"]
    found = run([case], passes=1, seconds=0)
    assert set(found.results[0].ways) == {"numpy", "fastperc"}
    assert found.skipped["jax is not installed"] == [f"{case.key}, jax"]
    assert found.skipped["onnxruntime and onnx are not installed"] == [f"{case.key}, onnxruntime"]


def test_the_estimators_are_timed_beside_scikit_learn_s():
    (case,) = [c for c in cases.all_cases() if c.key == "estimators: learn_one"]
    (result,) = run([case], passes=1, seconds=0).results
    assert result.ratio("sklearn") > 1


@pytest.mark.slow
def test_a_whole_fit_is_timed_where_its_data_are(monkeypatch, tmp_path):
    fits = [c for c in cases.some_cases(groups=["estimators"]) if c.unit == "training"]
    monkeypatch.setenv("FASTPERC_DATA", str(tmp_path))
    assert [c.name.split()[0] for c in fits if c.left_out()] == ["MNIST"]
    (result,) = run([fits[1]], passes=1, seconds=0).results
    assert result.best("fastperc") < 1e10


def test_estimators_whose_weights_differ_are_not_timed(monkeypatch):
    seeds = {"sklearn": 1, "fastperc": 2}
    monkeypatch.setattr(estimator_cases, "estimators_of_both", lambda kind, options: {
        way: MLPRegressor(**options, random_state=seed) for way, seed in seeds.items()
    })  # fmt: skip
    (case,) = [c for c in cases.all_cases() if c.key == "estimators: learn_one"]
    with pytest.raises(ArithmeticError, match="learn_one: the ways differ by"):
        case.prepare()


# --- running --------------------------------------------------------------------------------------


def test_a_run_has_each_way_in_each_pass():
    (case,) = [c for c in cases.all_cases() if c.key == "elementary: tanh float32"]
    told = []
    found = run([case], passes=2, seconds=0, tell=told.append, still=Calm())
    (result,) = found.results
    assert all(len(result.passes(way)) == 2 for way in case.ways)
    assert told == [
        line for n in (1, 2) for line in (f"pass {n}: {case.key}", f"pass {n}: timing 2 cases")
    ]
    assert result.best("fastperc") > 0


@pytest.mark.slow
def test_a_run_has_more_passes_where_they_differ():
    (case,) = [c for c in cases.all_cases() if c.key == "elementary: tanh float32"]
    (result,) = run([case], passes=2, seconds=30, still=Calm()).results
    assert agree(result.ways["fastperc"])


def test_enough_is_known_of_a_way_whose_passes_agree():
    case = Case("a", "b", "call", ("numpy", "fastperc"), lambda: dict.fromkeys(case.ways, empty))
    result = Result("a", "b", "call", {"numpy": [1, 1, 1], "fastperc": [1, 1]})
    assert [*begin_pass(case, result)] == ["fastperc"]


def test_a_case_that_fails_costs_no_other_its_figures():
    def prepare():
        raise FloatingPointError("became infinite")

    wrong = Case("online", "wrong", "sample", ("fastperc",), prepare)
    (right,) = [c for c in cases.all_cases() if c.key == "elementary: tanh float32"]
    found = run([wrong, right], passes=2, seconds=0)
    assert [result.key for result in found.results] == [right.key]
    assert found.failed == {"online: wrong": "became infinite"}


def test_a_failed_case_ends_the_command_with_status_1(monkeypatch, capsys):
    from fastperc.benchmarks import parts_cases

    code, _ = parts_cases.FUNCTIONS["exp"]
    monkeypatch.setitem(parts_cases.FUNCTIONS, "exp", (code, lambda x: np.exp(x) * 1.001))
    monkeypatch.setattr("fastperc.benchmarks.run", partial(run, passes=1, seconds=0))
    monkeypatch.setattr(processes, "run_elsewhere", lambda *_: replace(made_up(), results=[]))
    assert cli.main(["bench", "--quick", "--group", "elementary"]) == 1
    said = capsys.readouterr().out
    assert "failed: elementary: exp float32: exp: the ways differ by" in said
    assert "softplus float32" in said


class Moods(Calm):
    """A machine that is still when it is told."""

    def __init__(self, *moods):
        self.moods = list(moods)

    def time(self, timed, late=False):
        mood = self.moods.pop(0) if self.moods else "busy"
        if mood == "busy" and not late:
            return None
        timed.call()
        return 1e-9, mood == "still"


def test_what_is_disturbed_has_its_turn_again():
    calls = []
    timed = [Timed(lambda i=i: calls.append(i), lambda: None, 1) for i in (0, 1)]
    both = [Rounds(each, least=2) for each in timed]
    moods = ["still", "busy", "still", "disturbed", "still", "busy", "still"]
    time_all(both, Moods(*moods), 60)
    assert calls == [0, 1, 1, 1, 0]
    assert [len(each.good) for each in both] == [2, 2]
    assert [len(each.others) for each in both] == [0, 1]


def test_when_it_is_late_each_has_a_round_all_the_same():
    both = [Rounds(empty), Rounds(empty)]
    time_all(both, Moods(), 0)
    assert [(len(each.good), len(each.others)) for each in both] == [(0, 1), (0, 1)]


def test_what_never_has_peace_for_long_is_given_up(monkeypatch):
    short = Rounds(empty)
    time_all([short], Moods(*["disturbed"] * 100), 60)
    assert len(short.others) == TRIES * ROUNDS
    monkeypatch.setattr(rounds, "SPENT", 0.5e-9)
    long = Rounds(empty)
    time_all([long], Moods(*["disturbed"] * 100), 60)
    assert len(long.others) == 1


def test_disturbed_rounds_are_kept_apart_and_used_if_there_are_no_others():
    result = Result("a", "b", "call", {"fastperc": []})
    found = Rounds(empty)
    found.others = [120.0, 110.0]
    add_pass(result, {"fastperc": found})
    assert result.ways == {"fastperc": []}
    assert result.disturbed == {"fastperc": [110.0]}
    assert result.best("fastperc") == 110.0
    assert not has_converged(result)
    results = Results({}, {}, [result])
    assert results.disturbed == "timed while the machine was busy with other work: a: b, fastperc"
    found.good = [100.0] * (FEW - 1)  # the first of a few is slow
    add_pass(result, {"fastperc": found})
    assert result.disturbed == {"fastperc": [110.0, 100.0]}
    found.good = [101.0] * FEW
    add_pass(result, {"fastperc": found})
    assert results.disturbed == ""
    assert result.passes("fastperc") == result.ways["fastperc"] == [101.0]


def test_a_case_that_fails_while_it_is_timed_costs_no_other_its_figures():
    calls = iter(range(100))

    def call():
        if next(calls) > 3:
            raise FloatingPointError("became infinite")

    wrong = Case("online", "wrong", "process", ("fastperc",),
                 lambda: {"fastperc": Timed(call, lambda: None, 1)})  # fmt: skip
    right = replace(wrong, name="right", prepare=lambda: {"fastperc": empty})
    found = run([wrong, right], passes=6, seconds=0)
    assert [result.key for result in found.results] == [right.key]
    assert found.failed == {"online: wrong": "became infinite"}


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([], False),
        ([100, 100], False),
        ([100, 103, 180], False),
        ([180, 105, 103, 100], True),
        ([100, 105, 107], False),
    ],
)
def test_passes_agree_when_the_best_of_enough_do(times, said):
    assert agree(times) is said


def test_whole_processes_are_never_undisturbed_and_count_all_the_same():
    assert has_converged(Result("starting", "b", "process", {"fastperc": []}))


@pytest.mark.slow
def test_measurements_of_other_processes_are_rows_of_their_group():
    (case,) = [c for c in cases.all_cases() if c.key == "memory: 1,000,000 samples"]
    found = run([case])
    assert [r.name for r in found.results] == [
        f"1,000,000 samples, {how}" for how in ("in order", "shuffled", "batch 32")
    ]
    for result in found.results:
        assert result.best("samples") == pytest.approx(36.0)
        assert result.best("fastperc adds") < 36  # or it would be a copy


def test_compile_times_are_of_an_empty_and_of_a_filled_folder(monkeypatch):
    folders, seconds = [], iter([5.0, 0.5])

    def run_python(code, NUMBA_CACHE_DIR, FASTPERC_NUMBA_CACHE):
        assert FASTPERC_NUMBA_CACHE == "only"
        folders.append(NUMBA_CACHE_DIR)
        return json.dumps([["loss", next(seconds)], ["gradient", 1.0]])

    monkeypatch.setattr(process_cases, "run_python", run_python)
    (case,) = [c for c in cases.all_cases() if c.key == "compiling: kernels float32"]
    loss, gradient = case.measure()
    assert (loss.name, loss.ways) == ("loss float32", {"compiled": [5.0], "from disk": [0.5]})
    assert gradient.name == "gradient float32"
    assert folders[0] == folders[1]


@pytest.mark.slow
def test_each_kernel_s_compilation_is_a_step():
    steps = json.loads(process_cases.run_python(f"dtype = 'float32'\n{process_cases.WARM_UP}"))
    assert {"training, one sample at a time", "gradient"} < {what for what, _ in steps}
    assert all(ns > 0 for _, ns in steps)


@pytest.mark.slow
def test_a_first_prediction_compiles_and_the_next_process_does_not():
    (case,) = [c for c in cases.all_cases() if c.key == "compiling: first prediction"]
    (result,) = case.measure()
    assert result.best("compiled") > result.best("from disk") > 0


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
    low, high = clock.ratio_interval(passes(200, 0.02, 21, 1), passes(100, 0.02, 21, 2))
    assert low <= 2.0 <= high or abs(low - 2) < 0.05
    assert high - low < 0.2


# --- storing --------------------------------------------------------------------------------------


def test_what_is_stored_comes_back(results, tmp_path):
    results.save(tmp_path / "r.json")
    assert load(tmp_path / "r.json").groups == results.groups
    (before, after) = (r.results[0].ways["numpy"] for r in (results, load(tmp_path / "r.json")))
    assert after == pytest.approx(before, rel=1e-4)


def test_what_version_0_1_stored_is_read(results, tmp_path):
    text = results.to_json().replace('"format": 5', '"format": 4')
    text = text.replace('"environment"', '"surroundings"').replace('"libraries ', '"rivals ')
    (tmp_path / "r.json").write_text(text)
    stored = load(tmp_path / "r.json")
    assert stored.groups == results.groups
    assert stored.environment == results.environment


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 4}', '{"format": 3, "results": []}'])
def test_another_file_is_refused(text, tmp_path):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(ValueError, match=r"r\.json: found no results of fastperc bench"):
        load(tmp_path / "r.json")


# --- the commands ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--json", "no/x.json"], ["--report", "file/x"]])
def test_places_that_cannot_be_written_to_are_refused_first(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("fastperc.benchmarks.run", lambda *a, **k: pytest.fail("it measures"))
    assert cli.main(["bench", *words]) == 2
    assert "cannot " in capsys.readouterr().err


@pytest.mark.slow
def test_bench_stores_reports_and_compares(tmp_path, capsys):
    stored, out = tmp_path / "r.json", tmp_path / "out"
    words = ["bench", "--quick", "--group", "elementary"]
    assert cli.main([*words, "--json", str(stored), "--report", str(out)]) == 0
    assert load(stored).groups == ["elementary"]
    assert (out / "index.html").exists()
    assert cli.main([*words, "--compare", str(stored)]) == 0
    said = capsys.readouterr().out
    assert "softplus float32" in said
    # How many of the rows can be judged is the machine's mood; none is forgotten.
    judged, left = re.search(r"of (\d+) changed(?:, (\d+) not judged)?; noise:", said).groups("0")
    assert int(judged) + int(left) == 5


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
        (["compare", "math:floor"], "--as: found nothing, expected one of online"),
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
    assert "First wrong step: 1, in b1" in capsys.readouterr().out
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert '"first_wrong": 1' in (tmp_path / "c.json").read_text()
