"""Errors that fastperc raises beyond ValueError and TypeError, and what it warns of."""

from __future__ import annotations

TYPE_CHECKING = False  # what this loads, `import fastperc` loads
if TYPE_CHECKING:
    from typing import Self


class DivergedError(FloatingPointError):
    """Training ran into infinite or undefined numbers.

    It is raised in the epoch in which that happens. The network keeps the weights of the end of
    the last good epoch and can be used, or trained on with a smaller learning rate.

    Attributes
    ----------
    epoch : int
        The epoch that failed, counted from 1.
    cause : str
        The likely cause.
    kept : bool
        Whether there is a network that keeps the weights; a plain training function has none.
    """

    def __init__(self, epoch: int, cause: str, kept: bool = True):
        super().__init__(epoch, cause, kept)
        self.epoch = epoch
        self.cause = cause
        self.kept = kept

    def __str__(self) -> str:
        end = ". The weights of the last good epoch are kept" if self.kept else ""
        return f"training diverged in epoch {self.epoch}: {self.cause.rstrip('.')}{end}"

    def without_weights(self) -> Self:
        """Return this error for a caller who has no network to keep."""
        return type(self)(self.epoch, self.cause, False)


class ModelFileError(ValueError):
    """A file that is not a readable fastperc model; the message names file and broken rule."""


class ModelVersionWarning(UserWarning):
    """A model was stored by another version of fastperc; it is loaded nevertheless."""


class DataError(ValueError):
    """Data that are missing or not as they should be; the message says what to do."""


class TableError(DataError):
    """A table that cannot be read as it is; the message names the place and says what to do.

    Parameters
    ----------
    message : str
        What was found, what was expected and the remedy, in one line; ``{text}`` in it becomes
        the offending text, cut at 60 characters, with control characters escaped.
    file : str, optional
        The name of the table.
    line : int, optional
        The line of the file, counted from 1.
    column : str, optional
        The name of the column.
    text : str, optional
        What is in the cell.
    row : int, optional
        The row, counted from 1, of a table that has no lines.

    Examples
    --------
    >>> print(TableError("expected a number, found {text}", "houses.csv", 7, "price", "a\\tb"))
    houses.csv, line 7, column 'price': expected a number, found 'a\\tb'
    """

    def __init__(
        self,
        message: str,
        file: str | None = None,
        line: int | None = None,
        column: str | None = None,
        text: str | None = None,
        row: int | None = None,
    ):
        super().__init__(message, file, line, column, text, row)
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.text = text
        self.row = row

    def __str__(self) -> str:
        column = None if self.column is None else f"column {shown(self.column)}"
        line = None if self.line is None else f"line {self.line:,}"
        line = line if self.row is None else f"row {self.row:,}"
        file = None if self.file is None else shown(self.file)[1:-1]
        place = ", ".join(part for part in (file, line, column) if part is not None)
        message = self.message.replace("{text}", shown(self.text or ""))
        said = f"{place}: {message}" if place else message
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in said)


def shown(text: str, most: int = 60) -> str:
    """Return a text in quotes, on one line, cut at a number of characters.

    Examples
    --------
    >>> shown("two\\nlines"), shown("12345", most=3)
    ("'two\\\\nlines'", "'123...'")
    """
    escaped = [repr(c)[1:-1] if c != "'" else c for c in text[:most]]
    kept = len(escaped)
    while len("".join(escaped[:kept])) > most:
        kept -= 1
    return f"'{''.join(escaped[:kept])}{'' if kept == len(text) else '...'}'"


class NonFiniteWeightsError(DivergedError, ValueError):
    """Training of an estimator diverged; a ValueError too, as scikit-learn has it."""


class OutOfTimeError(Exception):
    """The time limit was reached on the way; what was begun is left undone."""


class KernelFailedError(RuntimeError):
    """A kernel under comparison raised, crashed or hung; the message says which."""
