"""The benchmark suite: what ``fastperc bench`` runs, stores, compares and draws.

`cases` is the one table of what is timed; `running` times it; `storing` keeps the result as JSON;
`changes` compares two of these; `report` draws one; `tables` writes it as Markdown.
``pytest bench`` runs the same table under pytest-benchmark.
"""

from .cases import Case, all_cases
from .changes import Change, changes
from .running import run
from .storing import Result, Results, load

__all__ = ["Case", "Change", "Result", "Results", "all_cases", "changes", "load", "run"]
