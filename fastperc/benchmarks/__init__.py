"""The benchmark suite: what ``fastperc bench`` runs, stores, compares and draws.

`cases` is the one table of what is timed, with `predicting_cases`, `estimator_cases`, `parts_cases`
and `process_cases`; `case` is a row of it. `running` times the table in passes, `rounds` while the
machine is still, `processes` in more than one process; `results` keeps the outcome as JSON;
`changes` compares two of these; `report` and `pictures` draw one, `tables` writes it as Markdown.

The suite is not built on pyperf, because that times one candidate after the other and whatever the
machine's other users do meanwhile; here all ways of doing the same work take turns, on a core that
a probe found still. ``pytest bench`` runs the same table under pytest-benchmark.
"""

from .case import Case, Measurement
from .cases import all_cases
from .changes import Change, changes
from .results import Result, Results, load
from .running import run

__all__ = [
    "Case", "Change", "Measurement", "Result", "Results", "all_cases", "changes", "load", "run",
]  # fmt: skip
