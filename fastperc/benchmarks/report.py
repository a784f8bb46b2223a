"""One HTML page, complete in itself, and PNG files: a run of the suite, to look at."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from .. import plots
from .pictures import duration, pictures
from .storing import Results
from .tables import machine, ratio

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
    """Write ``index.html`` and the pictures; returns the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = []
    for name, caption, draw in pictures(results):
        png = plots.as_png(draw())
        (folder / f"{name}.png").write_bytes(png)
        figures.append(_figure(png, caption))
    page = folder / "index.html"
    page.write_text(_page(results, "".join(figures)), encoding="utf-8")
    return page


def _figure(png: bytes, caption: str) -> str:
    data, text = base64.b64encode(png).decode(), html.escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/png;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>\n"
    )


def _page(results: Results, figures: str) -> str:
    tables = "".join(_table(results, group) for group in results.groups)
    skipped = "".join(
        f"<li>{html.escape(key)}: {html.escape(why)}</li>" for key, why in results.skipped.items()
    )
    left_out = f"<h2>Left out</h2><ul>{skipped}</ul>" if skipped else ""
    facts = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>"
        for name, value in results.surroundings.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>fastperc bench</title>'
        '<link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head><body><h1>fastperc bench</h1>"
        f"<p>{html.escape(machine(results))}</p>\n{figures}{tables}{left_out}"
        f"<h2>Where this was measured</h2><table>{facts}</table></body></html>\n"
    )


def _table(results: Results, group: str) -> str:
    lines = []
    for result in results.group(group):
        cells = "".join(
            f"<td>{html.escape(way)} {duration(result, way)}</td>" for way in result.ways
        )
        lines.append(
            f"<tr><td>{html.escape(result.name)}</td>{cells}<td>{ratio(result)}</td></tr>\n"
        )
    return f"<h2>{html.escape(group)}</h2><table>{''.join(lines)}</table>\n"
