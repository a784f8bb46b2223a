"""A page of HTML by hand: whatever is written into it is escaped, and it needs nothing else."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 0 auto;
  max-width: 1060px; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.25rem; margin-top: 2.2rem; border-bottom: 1px solid #ccc; }
p, li { max-width: 75ch; }
.score { font-size: 1.15rem; }
.warning { border-left: 4px solid #d55e00; padding-left: .7rem; }
.box { overflow-x: auto; max-height: 32rem; overflow-y: auto; border: 1px solid #ddd; }
.box:focus { outline: 2px solid #0072b2; }
table { border-collapse: collapse; font-size: .9rem; width: 100%; overflow-wrap: normal; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #e4e4e4;
  vertical-align: top; }
td { max-width: 34rem; }
th { background: #f2f2f2; position: sticky; top: 0; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
figure { margin: 0; min-width: 0; max-width: 100%; }
img { max-width: 100%; height: auto; display: block; }
figcaption { font-size: .9rem; max-width: 30rem; }
footer { margin-top: 2rem; font-size: .85rem; color: #444; }
"""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *content: object, **attributes: str) -> Html:
    """Return an element; content that is no HTML yet is escaped, and so are attributes.

    Examples
    --------
    >>> tag("p", "a < b", tag("br"), class_="note")
    '<p class="note">a &lt; b<br></p>'
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for key, value in attributes.items()
    )
    if name in ("img", "br", "meta"):
        return Html(f"<{name}{said}>")
    return Html(f"<{name}{said}>{''.join(map(escaped, content))}</{name}>")


def escaped(content: object) -> str:
    """Return content as HTML; characters that cannot be seen or stored are replaced."""
    if isinstance(content, Html):
        return content
    text = "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in str(content)
    )
    return html.escape(text)


def table(
    names: Sequence[str],
    rows: Iterable[Sequence[object]],
    caption: str,
    numbers: Sequence[int] = (),
) -> Html:
    """Return a table in a box of its own, in which it scrolls.

    Parameters
    ----------
    names : sequence of str
        Of the columns.
    rows : iterable of sequence
    caption : str
        What it is called by a screen reader.
    numbers : sequence of int
        Which columns are of numbers.
    """
    kinds = [{"class_": "number"} if k in numbers else {} for k in range(len(names))]
    head = [tag("th", name, scope="col", **kind) for name, kind in zip(names, kinds, strict=True)]
    body = [
        tag("tr", *(tag("td", cell, **kind) for cell, kind in zip(row, kinds, strict=True)))
        for row in rows
    ]
    whole = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *body))
    return tag("div", whole, class_="box", tabindex="0", role="region", aria_label=caption)


def picture(svg: bytes, title: str, words: str) -> Html:
    """Return a figure that holds a picture, its title, and what it shows in words."""
    source = "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
    image = tag("img", src=source, alt=f"{title}. {words}")
    return tag("figure", tag("h3", title), image, tag("figcaption", words))


def page(title: str, *content: Html) -> str:
    """Return a whole page."""
    head = tag(
        "head", tag("meta", charset="utf-8"),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title), tag("style", Html(STYLE)),
    )  # fmt: skip
    body = tag("body", tag("main", tag("h1", title), *content))
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"
