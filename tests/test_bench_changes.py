"""What counts as a change between two runs of the suite."""

from dataclasses import replace

import pytest
from results import made_up, passes

from fastperc.benchmarks import cases, changes, processes, run
from fastperc.benchmarks.changes import Change, not_judged, probe, ratio_of, summary
from fastperc.benchmarks.processes import AGAIN, add, run_elsewhere
from fastperc.benchmarks.running import PASSES, environment_here
from fastperc.measuring.clock import Timed


@pytest.fixture
def results():
    return made_up()


def slowed(case, factor=1.2):
    """The case, where fastperc's calls take longer and count as before."""

    def prepare():
        ways = case.prepare()
        timed = ways["fastperc"]

        def call():
            for _ in range(round(5 * factor)):
                timed.call()

        return {**ways, "fastperc": Timed(call, timed.setup, 5 * timed.units)}

    return replace(case, prepare=prepare)


def n_passes(result):
    return len(result.ways["fastperc"]) + len(result.disturbed.get("fastperc", []))


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_change_and_a_fifth_is(seed):
    old, new = passes(100, 0.05, seed=seed), passes(100, 0.05, seed=seed + 100)
    assert not ratio_of(old, new).is_real
    assert ratio_of(old, [1.2 * ns for ns in new]).is_real
    assert ratio_of([1.2 * ns for ns in old], new).is_real


def test_passes_at_unlucky_addresses_do_not_count():
    lucky, mixed = [60.0, 60.5, 61.0, 60.2], [110.0, 60.4, 112.0, 61.0]
    assert not ratio_of(lucky, mixed).is_real
    assert ratio_of(lucky, mixed).value == pytest.approx(60.7 / 60.1, rel=1e-12)


def test_what_its_baseline_did_too_is_the_machine_s_mood():
    slower, same = ratio_of(passes(100), passes(120)), ratio_of(passes(100), passes(101))
    faster = ratio_of(passes(120), passes(100))
    assert Change("a", "fastperc", slower, None).is_real
    assert Change("a", "fastperc", slower, same).is_real
    assert Change("a", "fastperc", slower, faster).is_real
    assert not Change("a", "fastperc", slower, slower).is_real
    assert not Change("a", "fastperc", same, slower).is_real


def test_a_baseline_that_scatters_hides_nothing():
    scattered = ratio_of([100, 140, 125, 130], [120, 180, 101, 150])
    slower = ratio_of(passes(100), passes(120))
    assert Change("a", "fastperc", slower, scattered).is_real


def with_fastperc(results, times, disturbed=()):
    """The results, where the first case of fastperc took other times."""
    first = results.results[0]
    ways = {**first.ways, "fastperc": list(times)}
    other = replace(first, ways=ways, disturbed={"fastperc": list(disturbed)})
    return replace(results, results=[other, *results.results[1:]])


def test_the_summary_says_what_changed_and_what_noise_is(results):
    said = summary(results, with_fastperc(results, passes(96)))
    assert said.startswith("1 of 6 changed; noise: up to 12 % between the best passes")
    assert "online: 8-32-1, fastperc: 20 % slower" in said
    assert "not judged" not in said
    assert summary(results, results).startswith("none of 6 changed")


@pytest.mark.parametrize(
    ("level", "found_again", "is_told", "looks"),
    [
        (96, 80, False, 1),  # unlucky here, as it was there
        (66, 80, False, 1),  # lucky here only
        (96, 97, True, AGAIN),
        (66, 65, True, AGAIN),
    ],
)
def test_what_looks_changed_is_looked_at_in_other_processes(
    results, monkeypatch, level, found_again, is_told, looks
):
    asked, old = [], made_up()

    def elsewhere(quick, groups, old, keys, seconds):
        asked.append([*keys])
        return with_fastperc(made_up(), passes(found_again, seed=len(asked)))

    monkeypatch.setattr(processes, "run_elsewhere", elsewhere)
    new = with_fastperc(results, passes(level, seed=9))
    processes.look_again(new, old, True, [], lambda line: None)
    assert asked == [["online: 8-32-1"]] * looks
    assert summary(old, new).startswith("1 of 6" if is_told else "none of 6")


def test_nothing_is_looked_at_again_if_nothing_looks_changed(results, monkeypatch):
    monkeypatch.setattr(processes, "run_elsewhere", lambda *a: pytest.fail("a process"))
    processes.look_again(results, made_up(), True, [], lambda line: None)


@pytest.mark.parametrize(
    ("times", "disturbed"),
    [
        ([96.0, 110.0, 120.0, 118.0], []),  # one lucky or three unlucky
        ([96.0, 120.0, 97.0, 118.0], []),
        ([96.0, 96.1], [130.0, 131.0]),
        ([], [96.0, 96.1, 96.2]),
    ],
)
def test_what_was_not_left_in_peace_is_not_judged(results, times, disturbed):
    for old, new in [
        (results, with_fastperc(results, times, disturbed)),
        (with_fastperc(results, times, disturbed), results),
    ]:
        assert "online: 8-32-1" not in [change.key for change in changes(old, new)]
        assert not_judged(old, new) == ["online: 8-32-1, fastperc"]
        said = summary(old, new)
        assert said.startswith("none of 5 changed, 1 not judged; noise: ")
        assert said.endswith("did not agree: online: 8-32-1, fastperc")


def test_a_machine_that_became_slower_is_told_from_code_that_did(results):
    slower = replace(results, machine={**results.machine, "probe": 42_000.0})
    assert changes(results, slower) == []
    assert "the machine itself takes 1.40 times as long as then" in summary(results, slower)
    assert "takes 0.71 times as long" in summary(slower, results)


def test_a_run_to_be_compared_knows_what_still_was(results):
    here = replace(results, environment=environment_here())
    assert probe(here).best <= 30_000
    far_faster = replace(here, machine={**here.machine, "probe": 1.0})
    assert probe(far_faster).best == 1.0
    elsewhere = replace(far_faster, environment={**environment_here(), "processor": "another"})
    assert probe(elsewhere).best > 1000


def test_figures_taken_once_are_not_compared(results):
    keys = [change.key for change in changes(results, results)]
    assert not [key for key in keys if key.startswith(("compiling", "memory"))]
    assert not_judged(results, results) == []


@pytest.mark.slow
def test_another_process_adds_its_passes(tmp_path, monkeypatch):
    (tmp_path / "fastperc").mkdir()  # as beside a clone
    monkeypatch.chdir(tmp_path)
    chosen = cases.some_cases(quick=True, groups=["elementary"])
    results = run(chosen[:2], passes=2, seconds=0)
    before = [n_passes(result) for result in results.results]
    more = run_elsewhere(True, ["elementary"], keys=[chosen[1].key])
    assert [result.key for result in more.results] == [chosen[1].key]
    added = n_passes(more.results[0])
    assert added >= PASSES
    add(results, more)
    after = [n_passes(result) for result in results.results]
    assert [b - a for a, b in zip(before, after, strict=True)] == [0, added]
    assert results.machine["probe"] <= more.machine["probe"]


def test_what_failed_in_one_process_has_failed(results):
    wrong = results.results[0].key
    add(results, replace(made_up(), failed={wrong: "differs"}))
    assert results.failed == {wrong: "differs"}
    assert wrong not in [result.key for result in results.results]


def test_a_process_that_fails_is_told():
    with pytest.raises(RuntimeError, match=r"(?s)a new process failed: .*'widht'"):
        run_elsewhere(True, ["widht"])


@pytest.mark.timing
def test_a_kernel_slowed_by_a_fifth_is_reported_and_the_same_is_not():
    (case,) = [c for c in cases.all_cases() if c.key == "full: 64-64-10 all 4,096"]
    first, second, slower = run([case]), run([case]), run([slowed(case)])
    assert not [change for change in changes(first, second) if change.is_real]
    assert "fastperc" in [change.way for change in changes(first, slower) if change.is_real]
