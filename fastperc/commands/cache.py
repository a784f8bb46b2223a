"""``fastperc cache``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

with suppress(ImportError):  # `plain` runs this command without it
    import typer


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove the machine code.")] = False,
) -> int:
    """Print where compiled kernels are stored and their size, or remove them."""
    from ..kernels import cache_folders, caching, jit, online

    source = caching.source_of(getattr(online.train_online, "py_func", online.train_online))
    folders = [*cache_folders.cache_folders(source, online.__name__), source.parent / "__pycache__"]
    n_left = 0
    for folder in dict.fromkeys(folders):
        files = cache_folders.stored_files(folder)
        if clear:
            n_removed = sum(_remove(path) for path in files)
            n_left += len(files) - n_removed
            print(f"{folder}: {n_removed} of {len(files)} files removed")
        else:
            size = sum(path.stat().st_size for path in files) / 1e6
            note = "" if cache_folders.takes_files(folder) else ", not writable"
            print(f"{folder}: {len(files)} files, {size:.1f} MB{note}")
    if not jit.cache_is_on():
        print(f"The cache is off, since {jit.OFF_SWITCH} is set.")
    return 1 if n_left else 0


def _remove(path: Path) -> bool:
    """Remove a file; False if the system refuses."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
