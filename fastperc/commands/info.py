"""``fastperc info``. It prints what it can where something is broken: that is when it is needed."""

from __future__ import annotations


def info() -> None:
    """Print versions, processor, kernel cache and threads, as a bug report should state them."""
    from ..measuring import environment

    lines = list(environment.describe())
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        print(f"{name:{width}}  {value}")
