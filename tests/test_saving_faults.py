"""Files that are damaged or lie, disks that fill up, saves that are killed: nothing is lost."""

import contextlib
import errno
import itertools
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import damage
import hostile_files
import numpy as np
import pytest
from fuzz import model_files
from kills import states_after_kills
from saved_models import MAKERS, assert_same

import fastperc
from fastperc import ModelFileError
from fastperc.files import atomic

ROOT = os.name == "posix" and os.geteuid() == 0
SMALL = ("Fleet", "FTRLRegressor", "Perceptron", "SGDClassifier-hashed")  # MLPs are as records are


@pytest.fixture(scope="module")
def files():
    return model_files.seeds()


@pytest.fixture
def path(tmp_path):
    """Where a small model is saved, alone in its folder."""
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "model"
    fastperc.save(MAKERS["Perceptron"](), path)
    return path


# --- damage --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
def test_some_truncations_and_flips_are_found_out(name, files):
    model, step = MAKERS[name](), max(1, len(files[name]) // 12)
    outcomes = [damage.outcome_of(c, model) for c in damage.damaged(files[name], step)]
    assert outcomes.count("refused") > 30


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_every_truncation_and_every_flip_of_a_byte_is_found_out(name):
    assert damage.campaign([name])["refused"] > 2000


# --- lies ----------------------------------------------------------------------------------------


def assert_refused_cheaply(path):
    begin = time.process_time()
    with pytest.raises(ModelFileError) as error:
        fastperc.load(path)
    assert time.process_time() - begin < 1
    assert repr(str(path)) in str(error.value)
    assert len(str(error.value)) < 600
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            fastperc.load(path)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_each_committed_file_that_lies_is_refused():
    paths = sorted(hostile_files.FOLDER.iterdir())
    assert len(paths) > 90
    for path in paths:
        assert_refused_cheaply(path)


def test_a_hundred_thousand_entries_are_refused(tmp_path):
    (tmp_path / "model").write_bytes(hostile_files.of_entries(100_000))
    assert_refused_cheaply(tmp_path / "model")


def test_random_lies_are_refused_or_work(files):
    assert 100 < model_files.campaign(0, 200, files) < 200


@pytest.mark.slow
def test_many_random_lies_are_refused_or_work(files):
    assert model_files.campaign(10**6, 1500, files) > 750


def test_what_a_search_for_lies_has_found_is_refused_or_works():
    assert model_files.replay(Path(__file__).parent / "files" / "corpus") > 20


# --- the system refuses --------------------------------------------------------------------------


CALLS = ("open", "close", "fsync", "replace", "fstat", "fchmod", "fchown", "stat")


class Faults:
    """Lets the k-th of all calls to the system fail, or be interrupted."""

    def __init__(self, monkeypatch, k, error):
        self.k, self.error, self.count = k, error, 0
        for name in CALLS:
            monkeypatch.setattr(os, name, self.wrapped(getattr(os, name)))
        monkeypatch.setattr(atomic, "_write", self.wrapped(atomic._write))

    def wrapped(self, function):
        def call(*args, **kwargs):
            self.count += 1
            if self.count == self.k:
                raise self.error
            return function(*args, **kwargs)

        return call


@pytest.mark.posix
@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space"), OSError(errno.EIO, "I/O"), KeyboardInterrupt()],
    ids=["full", "broken", "interrupted"],
)
def test_a_fault_of_any_call_leaves_the_old_file_or_the_new(error, path, monkeypatch):
    old, new, states = MAKERS["Perceptron"](), MAKERS["FTRLClassifier"](), []
    for k in itertools.count(1):
        fastperc.save(old, path)
        with monkeypatch.context() as patch:
            faults = Faults(patch, k, error)
            with contextlib.suppress(type(error)):
                fastperc.save(new, path)
        found = fastperc.load(path)
        states.append(type(found) is type(new))
        assert_same(found, new if states[-1] else old)
        if faults.count < k:
            break
    assert states[-1]
    assert len(states) > 6
    fastperc.save(old, path)
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    ("name", "error"),
    [("x" * 300, OSError), ("no/folder", FileNotFoundError), ("model/x", NotADirectoryError)],
)
def test_a_place_that_cannot_be_is_the_error_of_the_system(name, error, path):
    with pytest.raises(error):
        fastperc.save(MAKERS["Perceptron"](), path.parent / name)
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.posix
@pytest.mark.skipif(not ROOT, reason="only root may become another user")
def test_a_folder_without_permission_keeps_the_old_file():
    model, other = MAKERS["Perceptron"](), MAKERS["FTRLClassifier"]()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = Path(folder) / "model"
        fastperc.save(model, path)
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            try:
                fastperc.save(other, path)
            except PermissionError as error:
                os._exit(42 if error.filename == str(path) else 1)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
        assert_same(fastperc.load(path), model)
        assert os.listdir(folder) == ["model"]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 kB, which only root may set up."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if not ROOT or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no disk of 64 kB can be set up here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="a disk in memory is Linux's")
def test_a_full_disk_keeps_the_old_file(small_disk):
    path, old = small_disk / "model", MAKERS["MLPClassifier"]()
    fastperc.save(old, path)
    new = fastperc.MLPRegressor(hidden_layer_sizes=(200, 30), max_iter=1, random_state=0)
    new.partial_fit(np.eye(4), np.arange(4.0))
    with pytest.raises(OSError, match="No space left") as error:
        fastperc.save(new, path)
    assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(path))
    assert_same(fastperc.load(path), old)
    assert os.listdir(small_disk) == ["model"]
    fastperc.save(MAKERS["Perceptron"](), path)  # what fits is saved afterwards


# --- killed --------------------------------------------------------------------------------------


@pytest.mark.posix
@pytest.mark.slow
def test_kills_at_any_moment_lose_nothing(tmp_path):
    found = states_after_kills(tmp_path, 25, seed=0)
    assert found["lost"] == 0
    assert sum(found.values()) == 25
