"""One HTML page, complete in itself, and PNG files: a run of the suite, to look at."""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path

from ..files.atomic import replace_file
from ..measuring.words import factor
from .groups import group_of
from .pictures import file_name, pictures, save_pictures
from .results import Result, Results
from .tables import footnotes, in_words, machine, mean_ratio, table

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2.5rem }
img { max-width: 100%; height: auto }
nav ul { columns: 15rem; padding-left: 1.2rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .15rem .8rem .15rem 0; text-align: right; border-bottom: 1px solid #ddd;
         white-space: nowrap }
th:first-child, td:first-child { text-align: left }
.facts td { white-space: normal; text-align: left; vertical-align: top }
.quick { border-left: 4px solid #d55e00; padding-left: .7rem }
figure { margin: 1.5rem 0 } figcaption { color: #555 }
@media (max-width: 480px) { body { font-size: 15px; margin: 1rem auto }
                            img { max-width: none; width: 38rem } }
"""
VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'


def write_report(results: Results, folder: Path) -> Path:
    """Write ``index.html`` and the pictures; return the page's path."""
    made = save_pictures(results, folder)
    captions = {name: caption for name, caption, _ in pictures(results)}
    figures = {name: _figure(png, captions[name]) for name, png in made.items()}
    page = folder / "index.html"
    replace_file(str(page), _page(results, figures).encode())
    return page


def _figure(png: bytes, caption: str) -> str:
    data, text = base64.b64encode(png).decode(), _text(caption)
    return (
        f'<figure><div class="wide"><img alt="{text}" src="data:image/png;base64,{data}"></div>'
        f"<figcaption>{text}</figcaption></figure>\n"
    )


def _text(words: str) -> str:
    """Return text for HTML, with units and exponents as they are written by hand."""
    return html.escape(in_words(words))


def _page(results: Results, figures: dict[str, str]) -> str:
    sections = {group: _section(results, group, figures) for group in results.groups}
    if "roofline" in figures:
        sections["roofline"] = figures["roofline"]
    if results.omissions:
        lines = "".join(f"<li>{_text(line)}</li>" for line in results.omissions)
        sections["left out"] = f"<ul>{lines}</ul>"
    facts = "".join(_row("td", [*fact]) for fact in results.environment.items())
    sections["environment"] = f'<div class="wide"><table class="facts">{facts}</table></div>'
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{VIEWPORT}'
        '<title>fastperc bench</title><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head><body><h1>fastperc bench</h1>\n"
        f"{_head(results)}{_contents(sections)}{''.join(map(_chapter, sections.items()))}"
        "</body></html>\n"
    )


def _head(results: Results) -> str:
    """Return what the results are of, when they were taken, and what they say in short."""
    facts = results.environment
    code = f" ({facts['code']})" if "code" in facts else ""
    version = f"fastperc {facts['fastperc']}{code}" if "fastperc" in facts else "fastperc"
    when = f", measured on {results.date}" if results.date else ""
    quick = (
        '<p class="quick">A selection of the cases only: <code>--quick</code>.</p>\n'
        if results.quick
        else ""
    )
    return (
        f"<p>{_text(version + when)}.</p>\n{quick}<p><strong>{_text(summary(results))}</strong></p>"
        f"\n<p>{_text(machine(results))}</p>\n"
    )


def summary(results: Results) -> str:
    """Return in a sentence how much faster fastperc is than what it is compared with."""
    said = []
    for group in results.groups:
        raced = [r for r in results.group(group) if _is_raced(r)]
        if raced and group_of(group).short:
            way = raced[0].baseline
            cases = f"{len(raced)} case{'s' * (len(raced) > 1)}"
            mean = factor(mean_ratio(raced, way))
            said.append(f"{group_of(group).short} {mean} ({way}, {cases})")
    if not said:
        return f"{len(results.results)} cases, none beside another way of doing the same."
    return f"How many times as fast fastperc is, geometric means: {'; '.join(said)}."


def _is_raced(result: Result) -> bool:
    """Return whether fastperc and a baseline that is something else have been timed."""
    ways = {result.ours, result.baseline} - {""}
    return len(ways) == 2 and all(map(result.passes, ways))


def _contents(sections: dict[str, str]) -> str:
    items = "".join(
        f'<li><a href="#{_anchor(name)}">{_text(group_of(name).title)}</a></li>'
        for name in sections
    )
    return f'<nav aria-label="Contents"><ul>{items}</ul></nav>\n'


def _chapter(section: tuple[str, str]) -> str:
    """Return a heading, a sentence on what follows, and that."""
    name, content = section
    title, sentence = _text(group_of(name).title), _text(group_of(name).sentence)
    return f'<h2 id="{_anchor(name)}">{title}</h2>\n<p>{sentence}</p>\n{content}'


def _anchor(name: str) -> str:
    return re.sub(r"\W+", "-", name)


def _section(results: Results, group: str, figures: dict[str, str]) -> str:
    """Return a group's picture and its table."""
    return f"{figures.get(file_name(group), '')}{_table(results, group)}"


def _table(results: Results, group: str) -> str:
    head, *lines = table(results.group(group))
    rows = [_row("th", head), *(_row("td", line) for line in lines)]
    notes = "".join(f"<p>{_text(note)}</p>" for note in footnotes([head, *lines]))
    return f'<div class="wide"><table>{"".join(rows)}</table></div>{notes}\n'


def _row(tag: str, cells: list[str]) -> str:
    inside = "".join(f"<{tag}>{_text(cell)}</{tag}>" for cell in cells)
    return f"<tr>{inside}</tr>\n"
