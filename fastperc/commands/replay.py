"""``fastperc replay``."""

from __future__ import annotations


def replay() -> int:
    """Recompute every figure that the tutorials print, and compare."""
    from .. import tutorials
    from .console import WRONG, make_console, table

    console, figures = make_console(), tutorials.replay()
    right = ("published", "computed")
    lines = table("training run", "figure", *right, "agrees", right=right)
    for f in figures:
        agrees, style = ("yes", None) if f.agrees else ("NO", WRONG)
        lines.add_row(f.run, f.quantity, f.published, f.computed, agrees, style=style)
    console.print(lines)
    n_agree = sum(figure.agrees for figure in figures)
    console.print(f"\n{n_agree} of {len(figures)} figures agree to every printed digit.")
    return 0 if figures.agrees else 1
