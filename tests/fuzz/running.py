"""Runs seeds in a child process, so that a crash costs one seed and is told with its number."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST = 1200  # seconds for one seed, compilation on a busy machine included: else it hangs


def main(module, run, argv=None):
    """``python -m tests.fuzz.<module>``: exit status 1 if any seed failed."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.fuzz.{module}")
    parser.add_argument("--seed", type=int, default=0, help="the first")
    parser.add_argument("--count", type=int, default=100, help="how many")
    parser.add_argument("--verbose", action="store_true", help="show where a check failed")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.child:
        _work(run, options)
        return
    failures = fuzz(module, options.seed, options.count, verbose=options.verbose, show=print)
    print(f"{options.count} seeds from {options.seed} on, {len(failures)} failed")
    sys.exit(1 if failures else 0)


def _work(run, options):
    """The child: say which seed comes, and what failed."""
    for seed in range(options.seed, options.seed + options.count):
        print(f"@ {seed}", flush=True)
        try:
            run(seed)
        except Exception as error:
            text = str(error).replace("\n", " ")
            print(f"! {text}", flush=True)
            if options.verbose:
                traceback.print_exc()


def fuzz(module, seed, count, environment=(), verbose=False, show=lambda line: None):
    """Try ``count`` seeds from ``seed`` on; returns a line for each that failed."""
    failures, end = [], seed + count
    while seed < end:
        seed, found = _child(module, seed, end - seed, dict(environment), verbose)
        for at, text in found:
            failures.append(f"python -m tests.fuzz.{module} --seed {at} --count 1  # {text}")
            show(failures[-1])
    return failures


def _child(module, seed, count, environment, verbose):
    """Run a child until it ends or crashes; returns the next seed, and pairs (seed, text)."""
    command = [sys.executable, "-m", f"tests.fuzz.{module}", "--child"]
    command += ["--seed", str(seed), "--count", str(count), *(["--verbose"] if verbose else [])]
    # what it says beside its results goes to a file, which cannot fill up as a pipe can
    with tempfile.TemporaryFile("w+") as kept, subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=None if verbose else kept, text=True,
        cwd=ROOT, env={**os.environ, **environment},
    ) as child:  # fmt: skip
        begun = [time.monotonic()]
        watch = threading.Thread(target=_watch, args=(child, begun), daemon=True)
        watch.start()
        found, at = [], seed - 1
        for line in child.stdout:
            if line.startswith("@ "):
                at, begun[0] = int(line[2:]), time.monotonic()
            elif line.startswith("! "):
                found.append((at, line[2:].strip()))
        status = child.wait()
        watch.join()
        kept.seek(0)
        errors = kept.read()
    if status < 0:
        found.append((at, f"ended by {signal.Signals(-status).name}"))
        return at + 1, found
    if status:
        raise RuntimeError(f"{' '.join(command)} ended with status {status}:\n{errors}")
    return seed + count, found


def _watch(child, begun):
    """End a child that hangs."""
    while child.poll() is None:
        if time.monotonic() - begun[0] > LONGEST:
            child.kill()
        time.sleep(0.2)
