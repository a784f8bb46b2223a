"""Files replaced whole: whoever reads, also after a crash, finds the old content or the new one.

The new content is written to a temporary file in the same folder, which then takes the name. A
temporary file is locked while it is written, so one that is not locked is what a crash left, and
the next save of that name removes it. Whatever else has the temporary name stays as it is, and
another name is used.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import secrets
import stat
import sys
from collections.abc import Iterator

if sys.platform != "win32":
    import fcntl

N_NAMES = 8  # that one file's temporary files have in turn, so that leftovers can be found
LONGEST = 64  # bytes of a file's name that its temporary file repeats: these need room for more


def replace_file(path: str, content: bytes) -> None:
    """Put a complete new file in the place of another, or where nothing is.

    A symbolic link is followed. Owner, group and permissions stay those of the old file, as far as
    the system allows. OSError if the system refuses, or if there is something that is no file; the
    old file is intact then.
    """
    with replacing(path) as file:
        _write(file, content)


@contextlib.contextmanager
def replacing(path: str) -> Iterator[io.FileIO]:
    """Open a file that takes the place of another, as `replace_file` does, when the block ends.

    If the block raises, the old file stays, and the new one is removed.
    """
    path = os.path.realpath(path)
    old = _status(path)
    # A private file stays private: until the owner is right, nobody else may open the new one.
    temporary, file = _create(path, 0o666 if old is None else 0o600)
    with file:
        created = os.fstat(file.fileno())
        try:
            if old is not None:
                _adopt(file, old)
            yield file
            os.fsync(file.fileno())
            _let_go(file)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):  # what went wrong first is what to hear of
                _let_go(file)
                _remove(temporary, created)
            raise
    _sync_folder(os.path.dirname(path))


def check_place(path: str) -> None:
    """Raise OSError if `replace_file` could not write there, as far as can be told beforehand."""
    path = os.path.realpath(path)
    _status(path)
    temporary, file = _create(path, 0o600)
    with file:
        created = os.fstat(file.fileno())
        _let_go(file)
        _remove(temporary, created)


def _status(path: str) -> os.stat_result | None:
    """Return the status of the file to replace, if there is one."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(status.st_mode):
        message = "found a pipe or device, expected a regular file or a new name"
        raise OSError(errno.EINVAL, message, path)
    return status


def _adopt(file: io.FileIO, old: os.stat_result) -> None:
    """Give a new file the owner, group and permissions of the old one."""
    if sys.platform == "win32":
        return
    handle, mode = file.fileno(), old.st_mode & 0o777
    for owner in (old.st_uid, -1):  # only root may give a file away
        with contextlib.suppress(OSError):
            os.fchown(handle, owner, old.st_gid)
            break
    if os.fstat(handle).st_gid != old.st_gid:  # the group is another: it may what everybody may
        mode = mode & ~stat.S_IRWXG | (mode & stat.S_IRWXO) << 3
    os.fchmod(handle, mode)


def _write(file: io.FileIO, content: bytes) -> None:
    """Write all of the content."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


# --- temporary files -----------------------------------------------------------------------------


def _names(path: str) -> list[str]:
    """Return the names that the temporary files of a file may have."""
    folder, name = os.path.split(path)
    if len(os.fsencode(name)) > LONGEST:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()[:LONGEST]
    numbers = ["", *(f".{i}" for i in range(1, N_NAMES))]
    return [os.path.join(folder, f".{name}{number}.tmp") for number in numbers]


def _create(path: str, mode: int) -> tuple[str, io.FileIO]:
    """Create a temporary file that was not there before, for this save alone."""

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, mode)

    names = _names(path)
    for name in names:
        _remove_leftover(name)
    for name in [*names, f"{names[0][:-4]}.{secrets.token_hex(8)}.tmp"]:
        with contextlib.suppress(FileExistsError), contextlib.ExitStack() as stack:
            file = stack.enter_context(open(name, "xb", buffering=0, opener=opener))
            # Before it was locked, another save may have taken it for a leftover.
            if _lock(file) is not False and _is_at(os.fstat(file.fileno()), name):
                stack.pop_all()
                return name, file
    raise FileExistsError(errno.EEXIST, "found no name for a temporary file beside it", path)


def _remove_leftover(name: str) -> None:
    """Remove a temporary file that a crash left, and nothing else."""
    with _opened(name) as handle:
        if handle is not None and _lock(handle) and _is_ours(os.fstat(handle)):
            _remove(name, os.fstat(handle))


@contextlib.contextmanager
def _opened(name: str) -> Iterator[int | None]:
    """Open a temporary file of this user; None for all else, which is not even opened."""
    handle = None
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            if _is_ours(os.lstat(name)):
                handle = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        yield handle
    finally:
        if handle is not None:
            os.close(handle)


def _is_ours(status: os.stat_result) -> bool:
    """Return whether a file may be a temporary one of this user: regular, and of no other name."""
    if sys.platform == "win32":
        return False
    regular = stat.S_ISREG(status.st_mode)
    return regular and status.st_nlink == 1 and status.st_uid == os.geteuid()


def _remove(name: str, status: os.stat_result) -> None:
    """Remove a file if it is still the one."""
    with contextlib.suppress(OSError):
        if _is_at(status, name):
            os.unlink(name)


def _is_at(status: os.stat_result, name: str) -> bool:
    """Return whether a name leads to the file of this status."""
    try:
        return os.path.samestat(status, os.lstat(name))
    except FileNotFoundError:
        return False


def _lock(file: io.FileIO | int) -> bool | None:
    """Lock a file: False if another save has, None where there are no locks. Never waits."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network folder
        return None
    return True


def _let_go(file: io.FileIO) -> None:
    """Close a file where an open one cannot be moved; elsewhere it stays locked until it is."""
    if sys.platform == "win32":
        file.close()


def _sync_folder(folder: str) -> None:
    """Put the new name of a file on the disk."""
    if sys.platform == "win32":  # opens no folders
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
