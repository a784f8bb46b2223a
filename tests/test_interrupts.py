"""Ctrl-C ends a process at once, whatever it is doing."""

import signal
import subprocess
import sys
import time

import pytest

PROMISE = 0.25  # seconds

# A second thread takes the lead where the main one does not come round to the exception.
BUSY = {
    "waiting": "time.sleep(60)",
    "catching it": """
        while True:
            try:
                time.sleep(60)
            except KeyboardInterrupt:
                pass""",
    "in C": "hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)",
    "cleaning up for long": """
        try:
            time.sleep(60)
        finally:
            time.sleep(60)""",
}

PROGRAM = """
import hashlib, time
from fastperc.commands.interrupts import end_now, prompt_exit

with prompt_exit():
    print("ready", flush=True)
    try:
        %s
    except KeyboardInterrupt:
        end_now()
"""


def interrupt(process):
    """Send SIGINT; returns the seconds until the process ends, and its standard error."""
    start = time.perf_counter()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    return time.perf_counter() - start, stderr


@pytest.mark.posix
@pytest.mark.parametrize("what", BUSY)
def test_a_process_ends_in_time_whatever_it_does(what):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM % BUSY[what]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.05)
    seconds, stderr = interrupt(process)
    assert process.returncode == 130
    assert seconds < PROMISE
    assert stderr == "fastperc: interrupted\n"


def test_outside_the_block_nothing_is_left_behind(run_python):
    code = """
import signal, sys, threading, time
from fastperc.commands.interrupts import prompt_exit
hook = sys.unraisablehook
for _ in range(3):
    with prompt_exit():
        assert threading.active_count() > 1
end = time.monotonic() + 10
while threading.active_count() > 1 and time.monotonic() < end:
    time.sleep(0.01)
assert threading.active_count() == 1
assert signal.set_wakeup_fd(-1) == -1
assert sys.unraisablehook is hook
try:
    signal.raise_signal(signal.SIGINT)
    time.sleep(1)
except KeyboardInterrupt:
    time.sleep(0.5)
    print("still here")
"""
    assert run_python(code) == "still here\n"


# What Ctrl-C may become on its way up; in all cases the program was interrupted.
BECOMES = """
import signal, sys, time
from fastperc import cli

def command(args):
    try:
        signal.raise_signal(signal.SIGINT)
        time.sleep(1)
    except KeyboardInterrupt:
        %s

cli._run = command
sys.exit(cli.main(["demo"]))
"""


@pytest.mark.parametrize(
    "becomes",
    ["raise", "raise ImportError('initialization failed')", "raise SystemError", "sys.exit(3)",
     "return 0", "raise BrokenPipeError", "signal.raise_signal(signal.SIGINT)"],
)  # fmt: skip
def test_whatever_ctrl_c_becomes_it_was_an_interruption(becomes):
    outcome = subprocess.run(
        [sys.executable, "-c", BECOMES % becomes], capture_output=True, text=True, check=False
    )
    assert (outcome.returncode, outcome.stderr) == (130, "fastperc: interrupted\n")


@pytest.mark.parametrize("name", ["numba.core.compiler", "llvmlite.binding", "importlib"])
def test_no_exception_in_the_middle_of_an_import_or_a_compilation(name):
    code = """
import signal, sys, time
from fastperc.commands.interrupts import prompt_exit

where = "<frozen importlib._bootstrap>" if sys.argv[1] == "importlib" else "file.py"
work = compile("signal.raise_signal(signal.SIGINT); time.sleep(0.02); print('on', flush=True)",
               where, "exec")
with prompt_exit():
    try:
        exec(work, {"__name__": sys.argv[1], "signal": signal, "time": time})
        time.sleep(60)
    except KeyboardInterrupt:
        print("an exception", flush=True)
"""
    outcome = subprocess.run(
        [sys.executable, "-c", code, name], capture_output=True, text=True, check=False
    )
    assert (outcome.returncode, outcome.stdout) == (130, "on\n")
    assert outcome.stderr == "fastperc: interrupted\n"


def test_while_python_ends_ctrl_c_changes_nothing_any_more():
    code = """
import atexit, signal, sys
from fastperc import cli

cli._run = lambda args: print("done") or 0
atexit.register(signal.raise_signal, signal.SIGINT)
sys.argv = ["fastperc", "info"]
sys.exit(cli.main())
"""
    outcome = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "done\n", "")


def test_little_is_loaded_before_ctrl_c_is_listened_to(run_python):
    code = """
import sys
before = set(sys.modules)
from fastperc.commands.main import main
heavy = {"typing", "socket", "importlib.metadata", "traceback", "typer", "numpy", "argparse"}
print("loaded:", *(set(sys.modules) - before) & heavy)
"""
    assert run_python(code) == "loaded:\n"


def test_only_sigint_ends_it(run_python):
    code = """
import signal, time
from fastperc.commands.interrupts import prompt_exit
signal.signal(signal.SIGTERM, lambda *_: print("SIGTERM"))
with prompt_exit():
    signal.raise_signal(signal.SIGTERM)
    time.sleep(0.3)
"""
    assert run_python(code) == "SIGTERM\n"
