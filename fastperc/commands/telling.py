"""What `fastperc train` writes beside the model: a page, a picture, JSON, a script."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .writing import check_files, check_picture

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from ..tables.reading import Source


@dataclass(frozen=True)
class Files:
    """Where to write what; None for what is not wished."""

    report: Path | None = None
    plot: Path | None = None
    json: Path | None = None
    script: Path | None = None

    @classmethod
    def checked(
        cls, table: str, report: Path | None, plot: Path | None, json: Path | None,
        script: Path | None,
    ) -> Files:  # fmt: skip
        """Return them if they can be written, before any work; never over the table."""
        for path in (report, plot, json, script):
            there = path is not None and path.exists() and table != "-" and Path(table).exists()
            if path is not None and there and path.samefile(table):
                raise typer.BadParameter(f"cannot write {path}: it is the table itself")
        check_files(report, json, script)
        if report is not None or plot is not None:
            from ..optional import require

            require("matplotlib", extra="plot")
        return cls(report, check_picture(plot), json, script)

    def write(self, model: Pipeline, source: Source, table: str) -> list[str]:
        """Write them, and return what was written."""
        from ..tables import as_json, write_plot, write_report, write_script

        if self.report is not None:
            write_report(model, self.report, source)
        if self.plot is not None:
            write_plot(model, self.plot)
        if self.json is not None:
            _write_json(as_json(model.run_), self.json)
        if self.script is not None:
            write_script(model, self.script, source, place=table)
        return [str(path) for path in vars(self).values() if path is not None]


def _write_json(found: dict[str, object], path: Path) -> None:
    import json

    from ..files.atomic import replace_file

    text = json.dumps(found, indent=1, allow_nan=False, ensure_ascii=False)
    replace_file(str(path), f"{text}\n".encode())
