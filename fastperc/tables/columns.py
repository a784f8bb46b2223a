"""What the columns of a table are taken for: their roles, and what there is to predict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

ROLES = ("number", "category", "date", "text", "identifier", "constant", "dropped", "target",
         "weight", "group")  # fmt: skip
USED = ("number", "category", "date")  # as inputs
TASKS = ("regression", "binary", "multiclass")
MISSING = ("error", "drop", "mean", "indicator")


@dataclass(frozen=True)
class Column:
    """A column, and what it is taken for.

    Attributes
    ----------
    name : str
    role : str
        Of `ROLES`. Numbers, categories and dates are inputs; text, identifiers, constants and what
        was dropped are left out.
    why : str
        The reason, in words that can follow the name.
    n_missing : int
        Cells without a value.
    n_distinct : int
        Different values, at least so many.
    """

    name: str
    role: str
    why: str = ""
    n_missing: int = 0
    n_distinct: int = 0


@dataclass(frozen=True)
class Understanding:
    """What a table is taken for.

    Attributes
    ----------
    table : str
        Its name, for messages.
    n_rows : int
        All of them, those without a target included.
    target : str
    task : str
        Of `TASKS`.
    columns : tuple of Column
        In the table's order.
    missing : str
        Of `MISSING`: what is done where an input has no value.
    classes, class_counts : tuple
        Of a classification: the labels in ascending order, and the rows of each.
    stated, warnings : list of str
        Sentences for the user: what was understood, and what may be a mistake.
    """

    table: str
    n_rows: int
    target: str
    task: str
    columns: tuple[Column, ...]
    missing: str = "error"
    classes: tuple[object, ...] = ()
    class_counts: tuple[int, ...] = ()
    stated: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def is_classification(self) -> bool:
        """Whether labels are predicted."""
        return self.task != "regression"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that a model is given."""
        return self.of(*USED)

    def of(self, *roles: str) -> tuple[str, ...]:
        """Return the names of the columns that have one of these roles."""
        return tuple(column.name for column in self.columns if column.role in roles)

    def one(self, role: str) -> str | None:
        """Return the name of the column that has a role, such as ``"weight"``, or None."""
        return next(iter(self.of(role)), None)

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield pairs of a role's name and the columns that have it, in words."""
        for role in ROLES[:-3]:
            names = self.of(role)
            if names:
                yield role, ", ".join(names)
