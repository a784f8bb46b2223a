"""One HTML page, complete in itself, and PNG files: a run of the suite, to look at."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from ..files.atomic import replace_file
from .pictures import file_name, pictures, save_pictures
from .results import Results
from .tables import footnotes, machine, table

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2.5rem }
img { max-width: 100%; height: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .15rem .8rem .15rem 0; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
figure { margin: 1.5rem 0 } figcaption { color: #555 }
"""


def write_report(results: Results, folder: Path) -> Path:
    """Write ``index.html`` and the pictures; return the page's path."""
    made = save_pictures(results, folder)
    captions = {name: caption for name, caption, _ in pictures(results)}
    figures = {name: _figure(png, captions[name]) for name, png in made.items()}
    page = folder / "index.html"
    replace_file(str(page), _page(results, figures).encode())
    return page


def _figure(png: bytes, caption: str) -> str:
    data, text = base64.b64encode(png).decode(), html.escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/png;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>\n"
    )


def _page(results: Results, figures: dict[str, str]) -> str:
    sections = "".join(_section(results, group, figures) for group in results.groups)
    skipped = "".join(f"<li>{html.escape(line)}</li>" for line in results.omissions)
    left_out = f"<h2>Left out</h2><ul>{skipped}</ul>" if skipped else ""
    roofline = f"<h2>roofline</h2>{figures['roofline']}" if "roofline" in figures else ""
    facts = "".join(_row("td", [*fact]) for fact in results.environment.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>fastperc bench</title>'
        '<link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head><body><h1>fastperc bench</h1>"
        f"<p>{html.escape(machine(results))}</p>\n{sections}{roofline}{left_out}"
        f"<h2>Where this was measured</h2><table>{facts}</table></body></html>\n"
    )


def _section(results: Results, group: str, figures: dict[str, str]) -> str:
    """Return a group's picture and its table."""
    picture = figures.get(file_name(group), "")
    return f"<h2>{html.escape(group)}</h2>{picture}{_table(results, group)}"


def _table(results: Results, group: str) -> str:
    head, *lines = table(results.group(group))
    rows = [_row("th", head), *(_row("td", line) for line in lines)]
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in footnotes([head, *lines]))
    return f"<table>{''.join(rows)}</table>{notes}\n"


def _row(tag: str, cells: list[str]) -> str:
    inside = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
    return f"<tr>{inside}</tr>\n"
