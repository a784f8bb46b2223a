"""Tables of every kind as one: a file, a pipe, a folder of Parquet, a DataFrame, Arrow's data.

`opening` finds out what is given. Text comes up the floors `raw` (bytes, decompressed), `text`
(UTF-8), `dialect` (separator, quotes, header) and `delimited`, where pyarrow splits it into cells
and `tallies` decides from all of them what each column holds; `forms` are the ways to write a
number, a date or a missing cell. Parquet, Feather and Arrow are read by `columnar`, frames by
`frames`. All become a `Source`.
"""

from ...optional import require

require("pyarrow", extra="tables")

from .opening import open_source  # noqa: E402
from .source import Source  # noqa: E402

__all__ = ["Source", "open_source"]
