"""The command line: what it prints, the status it ends with, and how it takes Ctrl-C."""

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time

import pytest

from fastperc.commands import demo
from fastperc.commands import main as cli
from fastperc.errors import DataError, DivergedError, ModelFileError
from fastperc.kernels import cache_folders

slow = pytest.mark.slow
PROGRAM = """
import sys
from fastperc.commands.main import main
print("begin", flush=True)
sys.exit(main())
"""
RUN = [sys.executable, "-c", PROGRAM]


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == "fastperc 0.1.1\n"


def test_python_m_is_the_command_too():
    words = [sys.executable, "-m", "fastperc", "--version"]
    outcome = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (outcome.returncode, outcome.stdout) == (0, "fastperc 0.1.1\n")


@pytest.mark.parametrize("args", [[], ["--help"]])
def test_help_lists_every_command(args, capsys):
    assert cli.main(args) == 0
    out = capsys.readouterr().out
    for command in ("bench", "cache", "compare", "demo", "info", "replay", "warmup"):
        assert f" {command} " in out
    assert "130 interrupted" in out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["dmo"], "No such command 'dmo'"),
        (["demo", "--onlin"], "No such option: --onlin"),
        (["demo", "--data", "/no/such/folder"], "'/no/such/folder' does not exist"),
        (["demo", "--out", __file__], "is a file"),
        (["warmup", "--dtype", "float16"], "'float16' is not one of 'float32', 'float64'"),
        (["info", "a file", "extra"], "extra"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(args, said, capsys):
    assert cli.main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("fastperc: ")
    assert err.count("\n") == 1
    assert said in err
    assert re.search(r"Try 'fastperc( \w+)? --help'$", err)


@pytest.mark.parametrize("package", ["typer", "rich"])
def test_without_the_extra_the_line_that_installs_it(package, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, package, None)
    assert cli.main(["replay"]) == 2
    assert capsys.readouterr().err == (
        f"fastperc: this needs {package}, which is not installed: pip install 'fastperc[cli]'\n"
    )


PLAIN = """
import sys
sys.modules.update(dict.fromkeys({missing!r}))  # importing them fails
from fastperc.commands.main import main
sys.exit(main())
"""


def run_without(missing, *args, **environment):
    code = PLAIN.format(missing=missing)
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("missing", [["typer"], ["rich"]])
def test_info_needs_no_extra(missing):
    outcome = run_without(missing, "info")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    names = {line.split()[0] for line in outcome.stdout.splitlines()}
    assert {"fastperc", "numba", "processor", "kernel", "threads"} <= names


@pytest.mark.parametrize("missing", [["numba"], ["numba", "typer"]])
def test_info_tells_what_it_can_where_numba_cannot_be_imported(missing):
    outcome = run_without(missing, "info")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    facts = dict(line.split(maxsplit=1) for line in outcome.stdout.splitlines())
    assert f"import of {missing[0]} halted" in facts["kernels"]
    assert {"numpy", "numba", "processor", "system", "threads"} <= set(facts)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["info", "a file", "extra"], "unrecognized arguments: extra. Try 'fastperc --help'"),
        (["warmup", "--dtype", "float16"], "invalid choice: 'float16'"),
        (["replay"], "pip install 'fastperc[cli]'"),
    ],
)
def test_wrong_usage_without_the_extra(args, said):
    outcome = run_without(["typer"], *args)
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert said in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_version_and_warmup_without_the_extra():
    assert run_without(["typer"], "--version").stdout == "fastperc 0.1.1\n"
    outcome = run_without(["typer"], "warmup", "--dtype", "float32", NUMBA_DISABLE_JIT="1")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert outcome.stdout.count("plain Python") == 19
    assert "nothing was compiled, since NUMBA_DISABLE_JIT is set" in outcome.stdout


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX")
@pytest.mark.parametrize(
    ("streams", "status", "said"),
    [
        (">&-", 0, ""),
        ("2>&-", 0, None),
        ("<&- >&- 2>&-", 0, ""),
        pytest.param(
            ">/dev/full",
            2,
            "fastperc: [Errno 28] No space left on device\n",
            marks=pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full"),
        ),
    ],
)
def test_closed_and_full_streams(streams, status, said):
    command = f"'{sys.executable}' -m fastperc --version {streams}"
    outcome = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert outcome.returncode == status
    assert outcome.stderr == (said or "")
    assert bool(outcome.stdout) is (said is None)


def test_an_error_does_not_go_to_standard_output_where_that_of_errors_is_closed():
    command = f"'{sys.executable}' -m fastperc no-such-command 2>&-"
    outcome = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (outcome.returncode, outcome.stdout) == (2, "")


def test_the_cache_is_shown_and_cleared(tmp_path, monkeypatch, capsys):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        (folder / f"online.f-cpython-311-{'0' * 12}-{'1' * 20}.nbc").write_bytes(bytes(1000))
        (folder / "mine.txt").write_text("stays")
    monkeypatch.setattr("fastperc.kernels.cache_folders.cache_folders", lambda *_: folders)
    monkeypatch.setattr("fastperc.kernels.caching.source_of", lambda *_: tmp_path / "x.py")
    assert cli.main(["cache"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"{folders[0]}: 1 files, 0.0 MB"
    assert cli.main(["cache", "--clear"]) == 0
    assert f"{folders[1]}: 1 of 1 files removed" in capsys.readouterr().out
    assert [path.name for path in sorted(tmp_path.rglob("*.*"))] == ["mine.txt"] * 2


@pytest.mark.parametrize(
    ("unkept", "off", "status", "said"),
    [
        (False, "1", 0, "kept on disk: later processes load it"),
        (False, "0", 0, "nothing is kept on disk, since FASTPERC_NUMBA_CACHE is set"),
        (True, "1", 1, "not all of it could be kept on disk"),
    ],
)
def test_warmup_says_whether_anything_is_kept(unkept, off, status, said, monkeypatch, capsys):
    monkeypatch.setattr("fastperc.warmup.warmup", lambda _: ())
    monkeypatch.setattr("fastperc.kernels.caching.is_unkept", lambda: unkept)
    monkeypatch.setattr("fastperc.measuring.environment.is_compiled", lambda: True)
    monkeypatch.setenv("FASTPERC_NUMBA_CACHE", off)
    assert cli.main(["warmup"]) == status
    assert said in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("command", "is_used"), [(["warmup"], True), (["warmup", "--native"], False)]
)
def test_a_native_warmup_leaves_what_the_installation_brings(command, is_used, monkeypatch):
    switches = []

    def warmup(_):
        switches.append(cache_folders.is_off(cache_folders.PRECOMPILED_SWITCH))
        return ()

    monkeypatch.setattr("fastperc.warmup.warmup", warmup)
    monkeypatch.setenv(cache_folders.PRECOMPILED_SWITCH, "1")
    cli.main(command)
    assert switches == [not is_used]


def test_a_folder_without_data_is_bad_data(tmp_path, capsys):
    assert cli.main(["demo", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 3
    err = capsys.readouterr().err
    assert "neither california_housing.csv.gz nor heart_statlog.dat" in err
    assert err.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_wrong_usage(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert cli.main(["demo", "--out", str(tmp_path / "file" / "out")]) == 2
    assert f"cannot use '{tmp_path}/file/out': Not a directory" in capsys.readouterr().err


def failing(monkeypatch, error):
    """Let `fastperc info` fail."""

    def fail():
        raise error

    monkeypatch.setattr("fastperc.measuring.environment.describe", fail)
    return ["info"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DataError("a hole in column 3"), 3),
        (ModelFileError("model.fp: not a model"), 4),
        (DivergedError(7, "too fast"), 5),
        (ValueError("could not convert string 'x' to float64 at row 3, column 1"), 3),
        (PermissionError(13, "Permission denied", "/root/out"), 2),
        (OSError("disk full"), 2),
        (ZeroDivisionError("division by zero"), 1),
    ],
)
def test_each_kind_of_error_has_its_status_and_one_line(error, status, monkeypatch, capsys):
    assert cli.main(failing(monkeypatch, error)) == status
    err = capsys.readouterr().err
    assert err.startswith("fastperc: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_bad_value_that_no_command_expected_says_how_to_find_out_more(monkeypatch, capsys):
    cli.main(failing(monkeypatch, ValueError("X: found 3 columns, expected 8")))
    assert capsys.readouterr().err == (
        "fastperc: X: found 3 columns, expected 8. --debug shows where this was found\n"
    )


def test_an_unexpected_error_says_how_to_find_out_more(monkeypatch, capsys):
    cli.main(failing(monkeypatch, ZeroDivisionError("division by zero")))
    assert "ZeroDivisionError: division by zero. " in capsys.readouterr().err


@pytest.mark.parametrize("place", [0, 1])
def test_a_traceback_with_debug_before_or_after_the_command(place, monkeypatch, capsys):
    args = failing(monkeypatch, DataError("a hole"))
    args.insert(place, "--debug")
    assert cli.main(args) == 3
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert err.endswith("fastperc: a hole\n")


def test_a_message_cannot_break_the_line_or_command_the_terminal(capsys):
    cli.complain("a\n  b\x1b[31m\x07 é")
    assert capsys.readouterr().err == "fastperc: a b\\x1b[31m\\x07 é\n"


def test_info_prints_facts_in_two_columns(capsys):
    assert cli.main(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["fastperc", "0.1.1,"]
    assert {"numba", "processor", "threads"} <= {line.split()[0] for line in lines}


@pytest.mark.slow
def test_warmup_prints_a_line_for_each_kernel(capsys):
    assert cli.main(["warmup", "--dtype", "float32"]) == 0
    out = capsys.readouterr().out
    assert out.count("float32") == 19
    assert "float64" not in out
    assert "Ready after" in out


def test_replay_prints_every_figure(capsys):
    assert cli.main(["replay"]) == 0
    out = capsys.readouterr().out
    assert out.count(" yes") == 283
    assert " NO" not in out
    assert out.endswith("283 of 283 figures agree to every printed digit.\n")


def test_replay_fails_if_a_figure_differs(monkeypatch, capsys):
    from fastperc.tutorials import Figure, Replay

    figures = Replay((Figure("a", "b", "1.5", "1.5", 1.5), Figure("a", "c", "1.5", "1.6", 1.6)))
    monkeypatch.setattr("fastperc.tutorials.replay", lambda: figures)
    assert cli.main(["replay"]) == 1
    assert "1 of 2 figures agree" in capsys.readouterr().out


def test_replay_does_not_wait_for_scikit_learn(run_python):
    code = """
import sys
from fastperc.commands.main import main
main(["replay"])
print("loaded:", *{"sklearn", "matplotlib"} & set(sys.modules))
"""
    assert run_python(code).splitlines()[-1] == "loaded:"


def test_the_installed_program_is_the_same(repository):
    import tomllib

    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"fastperc": "fastperc.commands.main:main"}


def test_a_reader_that_has_seen_enough_is_no_error():
    process = subprocess.Popen(
        [*RUN, "replay"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) in (0, 1)
    assert process.stderr.read() == ""
    process.stderr.close()


def interrupt_after(seconds, args, folder):
    """Start a command, press Ctrl-C; returns status, seconds until the end, standard error."""
    process = subprocess.Popen(
        [*RUN, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
    )
    assert process.stdout.readline() == "begin\n"  # before this, Ctrl-C is Python's own affair
    time.sleep(seconds)
    start = time.perf_counter()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    return process.returncode, time.perf_counter() - start, err


def check_interrupted(outcome):
    status, seconds, err = outcome
    assert (status, err) == (130, "fastperc: interrupted\n")
    assert seconds < 30  # how soon on a still machine: `PROMISE` in test_interrupts


@pytest.mark.posix
@pytest.mark.parametrize(
    "seconds", [0.5, 1.5, pytest.param(5, marks=slow), pytest.param(10, marks=slow)]
)
def test_ctrl_c_during_the_demo(seconds, tmp_path):
    check_interrupted(interrupt_after(seconds, ["demo"], tmp_path))


@pytest.mark.posix
@pytest.mark.slow
def test_ctrl_c_at_50_random_moments_of_the_demo(tmp_path):
    """From the imports to the first trainings; the others take the later parts."""
    moments = random.Random(0)
    for _ in range(50):
        check_interrupted(interrupt_after(moments.uniform(0.02, 3), ["demo"], tmp_path))


@pytest.mark.posix
@pytest.mark.slow
def test_ctrl_c_while_kernels_are_compiled(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("FASTPERC_NUMBA_CACHE", "only")
    for seconds in (1, 2, 3, 4, 5):
        check_interrupted(interrupt_after(seconds, ["warmup"], tmp_path))


def test_pictures_need_no_screen(monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)
    monkeypatch.setattr("fastperc.demo.run", lambda *_: None)
    demo.demo()
    assert os.environ["MPLBACKEND"] == "Agg"


def test_on_a_narrow_terminal_every_figure_is_whole(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    assert cli.main(["replay"]) == 0
    out = capsys.readouterr().out
    assert "…" not in out
    assert "3.73433524206" in out


def test_a_shell_completes_commands_and_options(monkeypatch, capsys):
    monkeypatch.setenv("_FASTPERC_COMPLETE", "complete_bash")
    for typed, count, expected in (
        ("fastperc tr", "1", "train"),
        ("fastperc train --mis", "2", "--missing"),
    ):
        monkeypatch.setenv("COMP_WORDS", typed)
        monkeypatch.setenv("COMP_CWORD", count)
        with contextlib.suppress(SystemExit):
            cli.main([])
        assert capsys.readouterr().out.split() == [expected]
