"""Tables on a rich console, as the command line shows them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console, JustifyMethod
from rich.live import Live
from rich.table import Table

WIDTH = 104  # where standard output is no terminal: enough for every table
NARROWEST = 72  # below this, columns of figures leave no space for the words beside them
BEST = "bold green"
WRONG = "bold red"


def make_console() -> Console:
    """Return a console on standard output: coloured on a terminal, plain text otherwise.

    On a terminal that is too narrow for tables, lines are longer than it is wide.
    """
    is_free = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    console = Console(width=WIDTH if is_free else None, highlight=False)
    console.width = max(console.width, NARROWEST)
    return console


def show_heading(console: Console, title: str, text: str = "") -> None:
    """Print a title with space above it, and a sentence below if there is one."""
    console.print(f"\n[bold cyan]{title}[/]")
    if text:
        console.print(f"{text}\n")


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """Make an empty table with these headers; the columns in ``right`` hold figures."""
    made = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False,
                 header_style="bold", caption_justify="left")  # fmt: skip
    for column in columns:
        is_figure = column in right
        side: JustifyMethod = "right" if is_figure else "left"
        made.add_column(column, justify=side, no_wrap=is_figure, overflow="fold")
    return made


class LiveTable:
    """A table that is shown while its rows are added; without a terminal, once it is complete.

    It is drawn without a second thread, which would disturb timings.
    """

    def __init__(self, console: Console, table: Table):
        self.console, self.table = console, table
        self.live = Live(table, console=console, auto_refresh=False)

    def __enter__(self) -> LiveTable:
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.table.caption = None
        if self.console.is_terminal:
            self.live.refresh()
            self.live.stop()
        else:
            self.console.print(self.table)

    def waiting_for(self, what: str) -> None:
        """Show below the rows what is being done."""
        if self.console.is_terminal:
            self.table.caption = f"{what} ..."
            self.live.refresh()


def marked(text: str, is_best: bool) -> str:
    """Return the text of a cell, highlighted if it is the best."""
    return f"[{BEST}]{text}" if is_best else text
