"""What commands write, checked before their work is done."""

from __future__ import annotations

from pathlib import Path

import typer


def check_files(*paths: Path | None) -> None:
    """Refuse files that cannot be written, before any work."""
    from ..files.atomic import check_place

    for path in paths:
        if path is None:
            continue
        if not path.parent.is_dir():
            raise typer.BadParameter(f"cannot write {path}: there is no folder {path.parent}")
        try:
            check_place(str(path))
        except OSError as error:
            raise typer.BadParameter(f"cannot write {path}: {error.strerror}") from error


def make_folder(path: Path | None) -> None:
    """Make the folder that files are to be written to, before any work."""
    if path is None:
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"cannot make the folder {path}: {error.strerror}") from error
    check_files(path / "index.html")


def check_picture(path: Path | None) -> Path | None:
    """Refuse a picture that cannot be written; return its path, which ends with its format."""
    if path is None:
        return None
    from ..plots.files import check_format

    path = path if path.suffix else path.with_name(f"{path.name}.png")
    try:
        check_format(path)
    except ValueError as error:
        raise typer.BadParameter(f"cannot write {path}: {error}") from error
    check_files(path)
    return path
