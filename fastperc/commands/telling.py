"""What `fastperc train` writes beside the model: a page, a picture, a script; and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .writing import check_files, check_picture

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from ..tables.reading import Source
    from ..tables.records import TrainingRecord


@dataclass(frozen=True)
class Files:
    """Where to write what; None for what is not wished."""

    report: Path | None = None
    plot: Path | None = None
    script: Path | None = None

    @classmethod
    def checked(
        cls, table: str, report: Path | None, plot: Path | None, script: Path | None
    ) -> Files:  # fmt: skip
        """Return them if they can be written, before any work; never over the table."""
        for path in (report, plot, script):
            there = path is not None and path.exists() and table != "-" and Path(table).exists()
            if path is not None and there and path.samefile(table):
                raise typer.BadParameter(f"cannot write {path}: it is the table itself")
        check_files(report, script)
        if report is not None or plot is not None:
            from ..plots.files import check_format

            check_format("report.svg")  # which needs matplotlib, too
        return cls(report, check_picture(plot), script)

    def write(self, model: Pipeline, source: Source, table: str) -> list[str]:
        """Write them, and return what was written."""
        from .. import tables  # whose functions load what they need when they are asked for

        if self.report is not None:
            tables.write_report(model, self.report, source)
        if self.plot is not None:
            tables.write_plot(model, self.plot)
        if self.script is not None:
            tables.write_script(model, self.script, source, place=table)
        return [str(path) for path in vars(self).values() if path is not None]


def print_json(record: TrainingRecord) -> None:
    """Print what a training came to."""
    import json

    from ..tables import as_json

    print(json.dumps(as_json(record), indent=2, allow_nan=False))
