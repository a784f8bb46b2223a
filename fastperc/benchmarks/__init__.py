"""The benchmark suite: what ``fastperc bench`` runs, stores, compares and draws.

`cases` is the one table of what is timed, its rows made by `case`, `pieces`, `predicting` and
`elsewhere`; `running` times it in passes, `rounds` while the machine is still, `processes` in more
than one process; `storing` keeps the result
as JSON; `changes` compares two of these; `report` and `pictures` draw one, `tables` writes it as
Markdown.
``pytest bench`` runs the same table under pytest-benchmark.
"""

from .case import Case, Measurement
from .cases import all_cases
from .changes import Change, changes
from .running import run
from .storing import Result, Results, load

__all__ = [
    "Case", "Change", "Measurement", "Result", "Results", "all_cases", "changes", "load", "run",
]  # fmt: skip
