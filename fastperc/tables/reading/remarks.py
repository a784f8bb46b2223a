"""What to tell of the columns of a text: what could have been read otherwise."""

from __future__ import annotations

from ...errors import shown
from .forms import Dates, Form, Numbers, Texts
from .source import named
from .tallies import Tally


def remark(tally: Tally, form: Form, is_certain: bool) -> list[str]:
    """Return the sentences about a column, none if it is as anybody would read it.

    Parameters
    ----------
    tally : Tally
        What is in it.
    form : Form
        What it is read as.
    is_certain : bool
        Whether the decimal mark of the table is.
    """
    name, best = tally.name, max(tally.forms.values(), key=lambda count: count.good)
    if isinstance(form, Texts) and tally.leading_zero:
        zero = shown(tally.leading_zero.text)
        return [f"{name}: text, as {zero} begins with 0; --numeric {named(name)} makes it a number"]
    if isinstance(form, Texts) and tally.long_digits and tally.filled:
        return [f"{name}: text, as its numbers are too long for 64 bits"]
    if isinstance(form, Texts) and best.good and best.bad:
        other = f"{tally.filled - best.good:,} of {tally.filled:,} cells"
        return [f"{name}: text, as {other} are no numbers or dates, such as {shown(best.bad.text)}"]
    if isinstance(form, Dates):
        either = [f for f in tally.forms if isinstance(f, Dates) and tally.complete(f)]
        orders = dict.fromkeys(f.order for f in either)
        doubt = f"; it could also be {[*orders][1]}" if len(orders) > 1 else ""
        return [f"{name}: {form.words.removeprefix('a ')}{doubt}"]
    return _remark_on_numbers(tally, form, is_certain) if isinstance(form, Numbers) else []


def _remark_on_numbers(tally: Tally, form: Numbers, is_certain: bool) -> list[str]:
    said = ["percentages, read as hundredths"] if form.percent else []
    words = {",": "commas", ".": "points", " ": "spaces or apostrophes"}
    groups = [words[mark] for mark in sorted(tally.groups - {form.decimal})]
    if groups:
        said.append(f"thousands set apart by {' and '.join(groups)}")
    if not (is_certain or tally.plain or tally.whole):
        mark, other = ("comma", ".") if form.decimal == "," else ("point", ",")
        said.append(f"numbers with a decimal {mark}, which --decimal {other} reads otherwise")
    return [f"{tally.name}: {'; '.join(said)}"] if said else []
