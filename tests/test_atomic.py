"""Saving trusts no temporary name, replaces files only, and is of one moment."""

import errno
import fcntl
import io
import os
import socket
import stat
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from fastperc import Network
from fastperc.files import atomic, container
from fastperc.files import models as storing

ROOT = os.geteuid() == 0
NOBODY = 65534


def network(seed):
    return Network((2, 3, 1), seed=seed)


@pytest.fixture
def path(tmp_path):
    """Where a network is saved, alone in its folder."""
    folder = tmp_path / "folder"
    folder.mkdir()
    network(1).save(folder / "net")
    return folder / "net"


def assert_saved(path, seed=2):
    np.testing.assert_array_equal(Network.load(path).theta, network(seed).theta)
    assert stat.S_ISREG(path.lstat().st_mode)


def temporary(path):
    return path.with_name(f".{path.name}.tmp")


# --- what may have the temporary name ------------------------------------------------------------


def test_a_link_with_the_temporary_name_is_not_followed(path, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"precious")
    temporary(path).symlink_to(other)
    network(2).save(path)
    assert_saved(path)
    assert other.read_bytes() == b"precious"
    assert temporary(path).is_symlink()


def test_a_link_to_nothing_with_the_temporary_name_is_not_followed(path, tmp_path):
    temporary(path).symlink_to(tmp_path / "nothing")
    network(2).save(path)
    assert_saved(path)
    assert not (tmp_path / "nothing").exists()


def test_a_hard_link_with_the_temporary_name_is_not_written_to(path, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"precious")
    temporary(path).hardlink_to(other)
    network(2).save(path)
    assert_saved(path)
    assert other.read_bytes() == b"precious"
    assert temporary(path).samefile(other)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


MAKERS = {"pipe": os.mkfifo, "socket": make_socket, "folder": os.mkdir}
if ROOT:
    MAKERS["device"] = lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_is_no_file_with_the_temporary_name_is_left_alone(make, path):
    make(temporary(path))
    before = temporary(path).lstat()
    network(2).save(path)
    assert_saved(path)
    assert os.path.samestat(temporary(path).lstat(), before)
    assert sorted(os.listdir(path.parent)) == [f".{path.name}.tmp", path.name]


def test_every_temporary_name_may_be_taken(path):
    for name in atomic._names(str(path)):
        os.mkfifo(name)
    network(2).save(path)
    assert_saved(path)
    assert len(os.listdir(path.parent)) == atomic.N_NAMES + 1


@pytest.mark.skipif(not ROOT, reason="only root may give files away")
def test_what_the_crash_of_another_user_left_is_in_nobodys_way(path):
    temporary(path).write_bytes(b"half")
    os.chown(temporary(path), NOBODY, NOBODY)
    network(2).save(path)
    assert_saved(path)
    assert temporary(path).read_bytes() == b"half"
    os.chown(temporary(path), 0, 0)
    network(3).save(path)
    assert os.listdir(path.parent) == [path.name]


def test_a_temporary_file_that_another_save_writes_is_not_touched(path):
    with open(temporary(path), "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        network(2).save(path)  # does not wait either
        assert os.path.samestat(os.fstat(file.fileno()), temporary(path).stat())
    assert_saved(path)
    network(3).save(path)
    assert os.listdir(path.parent) == [path.name]


def test_all_that_crashes_left_is_removed(path):
    for name in atomic._names(str(path)):
        with open(name, "wb") as file:
            file.write(b"half")
    network(2).save(path)
    assert os.listdir(path.parent) == [path.name]


def test_a_leftover_is_not_written_to_again(path):
    """Whoever had opened it would read the next model, however private that is."""
    path.chmod(0o600)
    temporary(path).write_bytes(b"half")
    with open(temporary(path), "rb") as reader:
        network(2).save(path)
        assert reader.read() == b"half"
    assert_saved(path)


# --- what may be replaced ------------------------------------------------------------------------


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_is_no_file_is_not_replaced(make, tmp_path):
    place = tmp_path / "place"
    make(place)
    before = place.lstat()
    with pytest.raises(OSError, match=r"found a pipe or device|Is a directory") as error:
        network(2).save(place)
    assert error.value.filename == str(place)
    assert os.path.samestat(place.lstat(), before)
    assert os.listdir(tmp_path) == ["place"]


def test_a_link_to_a_pipe_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    with pytest.raises(OSError, match="found a pipe or device, expected a regular file"):
        network(2).save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "pipe").is_fifo()


def test_a_link_to_nothing_stays_and_gets_its_file(path):
    link = path.with_name("link")
    link.symlink_to("later")
    network(2).save(link)
    assert link.is_symlink()
    assert_saved(path.with_name("later"))


def test_links_in_a_ring_are_an_error_of_the_system(path):
    path.with_name("ring").symlink_to("ring")
    with pytest.raises(OSError, match="ring") as error:
        network(2).save(path.with_name("ring"))
    assert error.value.errno == errno.ELOOP
    assert path.with_name("ring").is_symlink()


@pytest.mark.parametrize("name", [*("x" * n for n in range(249, 256)), "ä" * 127])
def test_every_name_that_the_system_allows_can_be_saved(name, path):
    place = path.with_name(name)
    network(1).save(place)
    network(2).save(place)
    assert_saved(place)
    assert sorted(os.listdir(path.parent)) == sorted([path.name, name])


@pytest.mark.skipif(not ROOT, reason="only root may give files away")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_a_file_that_root_replaces_stays_its_owners(mode, path):
    os.chown(path, NOBODY, 12345)
    path.chmod(mode)
    network(2).save(path)
    status = path.stat()
    found = (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
    assert found == (NOBODY, 12345, mode)
    assert_saved(path)


@pytest.mark.parametrize(("mode", "expected"), [(0o660, 0o600), (0o664, 0o644), (0o600, 0o600)])
def test_a_group_that_cannot_be_kept_does_not_lend_its_rights(mode, expected, path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EPERM, "no")

    path.chmod(mode)
    monkeypatch.setattr(os, "fchown", refuse)
    fstat = os.fstat

    def of_another_group(handle):
        status = list(fstat(handle))
        status[stat.ST_GID] += 1
        return os.stat_result(status)

    with open(path.with_name("new"), "xb", buffering=0) as file:
        old = path.stat()
        monkeypatch.setattr(os, "fstat", of_another_group)
        atomic._adopt(file, old)
    assert stat.S_IMODE(path.with_name("new").stat().st_mode) == expected


def test_a_new_file_has_the_permissions_of_any_new_file(path):
    network(2).save(path.with_name("new"))
    path.with_name("touched").touch()
    assert path.with_name("new").stat().st_mode == path.with_name("touched").stat().st_mode


# --- a full disk ---------------------------------------------------------------------------------


class FullDisk(io.FileIO):
    """A file on a disk with room for so many bytes, which takes few at a time."""

    room = 0

    def write(self, content):
        if len(content) > 0 and self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        n_bytes = min(self.room, 100)
        FullDisk.room -= min(n_bytes, len(content))
        return super().write(content[:n_bytes])


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.999, 1])
def test_a_disk_that_fills_up_leaves_the_old_file(share, path, monkeypatch):
    monkeypatch.setattr(FullDisk, "room", int(share * path.stat().st_size))
    monkeypatch.setattr(
        atomic, "open", lambda name, mode, buffering, opener: FullDisk(name, mode, opener=opener),
        raising=False,
    )  # fmt: skip
    if share == 1:
        network(2).save(path)
    else:
        with pytest.raises(OSError, match="No space left") as error:
            network(2).save(path)
        assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(path))
    assert_saved(path, 2 if share == 1 else 1)
    assert os.listdir(path.parent) == [path.name]


# --- one moment ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "name"), [(container, "_checksum"), (storing, "_shapes"), (storing, "_settings")]
)
def test_weights_that_change_during_a_save_do_not_spoil_it(module, name, path, monkeypatch):
    """As if a thread trained the network at the worst of moments."""
    net, function = network(2), getattr(module, name)

    def changing(*args):
        result = function(*args)
        net.theta[:] = np.nan
        return result

    monkeypatch.setattr(module, name, changing)
    net.save(path)
    monkeypatch.undo()
    assert_saved(path)


@pytest.mark.parametrize("sizes", [(64, 64, 1), (64, 33, 1)])
def test_a_save_beside_a_training_thread_can_be_read(sizes, path):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((200, 64)), rng.standard_normal(200)
    net, end = Network(sizes, seed=0), threading.Event()
    net.train(X, y, epochs=1, lr=1e-4)

    def train():
        while not end.is_set():
            net.train(X, y, epochs=5, lr=1e-4)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        for _ in range(60):
            net.save(path)
            assert Network.load(path).sizes == sizes
    finally:
        end.set()
        thread.join()


def test_the_random_state_is_read_while_nobody_draws(path):
    net = network(2)
    done = threading.Event()
    with net.rng.bit_generator.lock:
        thread = threading.Thread(target=lambda: (net.save(path), done.set()))
        thread.start()
        assert not done.wait(0.1)
    thread.join()
    assert_saved(path)


@pytest.mark.parametrize(("name", "value"), [("labels", (3, 4)), ("lr", float("nan"))])
def test_what_could_not_be_read_is_not_written(name, value, path):
    net = network(2)
    setattr(net, name, value)
    with pytest.raises(ValueError, match=f"{name}: found"):
        net.save(path)
    assert_saved(path, 1)


def test_a_generator_that_stands_still_is_not_written(path):
    net = network(2)
    state = net.rng.bit_generator.state
    state["state"] = {"state": 0, "inc": 0}
    net.rng.bit_generator.state = state
    with pytest.raises(ValueError, match=r"rng: .* inc: found 0, expected an odd number"):
        net.save(path)
    assert_saved(path, 1)


PROCESS = """
import sys
from fastperc import Network
nets = [Network((2, 3, 1), seed=int(seed)) for seed in sys.argv[2:]]
for _ in range(60):
    for net in nets:
        net.save(sys.argv[1])
"""


def test_two_processes_with_two_threads_each_leave_one_of_their_files(path):
    children = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(path), *seeds])
        for seeds in (["1", "2"], ["3", "4"])
    ]

    def save_often(seed):
        for _ in range(60):
            network(seed).save(path)

    threads = [threading.Thread(target=save_often, args=(seed,)) for seed in (5, 6)]
    for thread in threads:
        thread.start()
    vectors = {network(seed).theta.tobytes() for seed in range(1, 7)}
    while any(child.poll() is None for child in children):
        assert Network.load(path).theta.tobytes() in vectors
        time.sleep(0.005)
    for thread in threads:
        thread.join()
    assert [child.returncode for child in children] == [0, 0]
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    ("name", "place", "number"),
    [("SFC64", 0, 0), ("Philox", 0, 0), ("MT19937", 623, 1), ("MT19937", 0, 1 << 31)],
)
def test_generators_with_the_least_of_states_still_shuffle(name, place, number, path):
    """All zeros but for what has to be; `permutation` would never end if one gave one number."""
    generator = getattr(np.random, name)(0)
    state = generator.state
    for numbers in state["state"].values():
        if isinstance(numbers, np.ndarray):
            numbers[:] = 0
    if name == "MT19937":
        state["state"]["key"][place] = number
    generator.state = state
    net = Network((1, 1), init="zeros", seed=np.random.Generator(generator))  # draws nothing
    net.save(path)
    loaded = Network.load(path)
    assert sorted(loaded.rng.permutation(7).tolist()) == list(range(7))


def test_the_temporary_file_is_locked_until_it_has_its_name(path, monkeypatch):
    """Between two moments, another save would take an unlocked one for what a crash left."""
    locked = []

    def replace(source, target, real=os.replace):
        with open(source, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                locked.append(source)
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    network(2).save(path)
    assert locked == [str(temporary(path))]
    assert_saved(path)


def test_a_place_is_checked_without_a_trace(path):
    before = path.read_bytes(), sorted(os.listdir(path.parent))
    atomic.check_place(str(path))
    atomic.check_place(str(path.with_name("new")))
    assert (path.read_bytes(), sorted(os.listdir(path.parent))) == before
    with pytest.raises(IsADirectoryError):
        atomic.check_place(str(path.parent))
    with pytest.raises(FileNotFoundError):
        atomic.check_place(str(path.parent / "no" / "net"))
