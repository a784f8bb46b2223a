"""`TableEncoder`: from the columns of a table to the numbers that a network is given."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .encodings import CategoryEncoding, DateEncoding, Encoding, NumberEncoding

if TYPE_CHECKING:
    import pyarrow as pa

    from .reading import Source

ROWS = 65_536  # that are encoded at once: what is computed stays in a cache


@dataclass(frozen=True)
class Notes:
    """What `TableEncoder.transform` met.

    Attributes
    ----------
    ignored : tuple of str
        Columns that the model does not know.
    unseen : dict of str to int
        By column, cells with a category that was not there in training.
    missing : dict of str to int
        By column, cells without a value.
    """

    ignored: tuple[str, ...]
    unseen: dict[str, int]
    missing: dict[str, int]


class TableEncoder(TransformerMixin, BaseEstimator):
    """Numbers of mean 0 and deviation 1, categories as ones and zeros, dates in parts.

    All that it goes by, means, deviations and categories, is learned from the rows given to `fit`.
    Columns are found by their names. A number whose distribution has long tails is first brought
    together by ``arcsinh((x - median) / half the interquartile range)``, which is linear near the
    median and logarithmic far away. A category has a column of its own if it is frequent enough;
    the rare ones share one, to which those go that were not there in `fit`. Where there are no rare
    ones, a category that was not there is a row of zeros. A date becomes a day number, and month,
    day of the week and hour as points on a circle, as far as these vary.

    >>> import pyarrow as pa
    >>> from fastperc.tables import TableEncoder
    >>> table = pa.table({"size": [1.0, 3.0], "kind": ["flat", "house"]})
    >>> encoder = TableEncoder().fit(table)
    >>> encoder.transform(table).tolist()
    [[-1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    >>> encoder.get_feature_names_out().tolist()
    ['size', 'kind=flat', 'kind=house']

    Parameters
    ----------
    numbers, categories, dates : collection of str, optional
        Names of columns. If all three are None, every column is used as what it looks like.
    missing : {'error', 'drop', 'mean', 'indicator'}, default='error'
        What to do where there is no value. With 'error' and 'drop' `transform` raises: leaving rows
        out is for the caller. With 'mean' a number is the mean, and no category is a category. With
        'indicator', another column, which is 1 there, comes with numbers that lacked values in
        `fit`.
    max_categories : int, default=50
        Most categories of a column that get a column each: the most frequent.
    min_count : int, default=1
        Rows that such a category has at least.
    dtype : {'float32', 'float64'}, default='float32'

    Attributes
    ----------
    encodings_ : list
        How each column is encoded, in the order of the outputs.
    feature_names_in_ : ndarray of str of shape (n_columns,)
    n_features_in_ : int
    notes_ : Notes
        What the last `transform` met.
    """

    _parameter_constraints: ClassVar[dict] = {
        "numbers": [None, list, tuple, set],
        "categories": [None, list, tuple, set],
        "dates": [None, list, tuple, set],
        "missing": [StrOptions({"error", "drop", "mean", "indicator"})],
        "max_categories": [Interval(Integral, 1, None, closed="left")],
        "min_count": [Interval(Integral, 1, None, closed="left")],
        "dtype": [StrOptions({"float32", "float64"})],
    }  # fmt: skip

    def __init__(
        self,
        numbers: Collection[str] | None = None,
        categories: Collection[str] | None = None,
        dates: Collection[str] | None = None,
        *,
        missing: str = "error",
        max_categories: int = 50,
        min_count: int = 1,
        dtype: str = "float32",
    ) -> None:
        self.numbers = numbers
        self.categories = categories
        self.dates = dates
        self.missing = missing
        self.max_categories = max_categories
        self.min_count = min_count
        self.dtype = dtype

    def fit(self, X: object, y: object = None) -> Self:
        """Learn means, deviations and categories.

        Parameters
        ----------
        X : DataFrame, Arrow object, Source or path
        y : ignored

        Raises
        ------
        TableError
            If a column is not there, is of another type, or has cells without a value.
        """
        self._validate_params()
        table = table_of(X, self)
        roles = self._roles(table)
        if not roles:
            raise ValueError("found no column to learn from, expected at least one")
        self._check(table, roles)
        self.encodings_ = [self._learn(name, role, table[name]) for name, role in roles.items()]
        self.feature_names_in_ = np.array([*roles], object)
        self.n_features_in_ = len(roles)
        return self

    def _roles(self, table: pa.Table) -> dict[str, str]:
        """Return what each column is to be encoded as, in the table's order."""
        from .reading.source import check_there

        given = {"number": self.numbers, "category": self.categories, "date": self.dates}
        if all(names is None for names in given.values()):
            from .arrow import role_of_type

            found = {field.name: role_of_type(field.type) for field in table.schema}
            return {name: role for name, role in found.items() if role is not None}
        roles = {name: role for role, names in given.items() for name in names or ()}
        check_there(roles, table.column_names, "the table")
        return {name: roles[name] for name in table.column_names if name in roles}

    def _learn(self, name: str, role: str, column: pa.ChunkedArray) -> Encoding:
        if role == "number":
            return NumberEncoding.learn(name, column, self.missing == "indicator")
        if role == "date":
            return DateEncoding.learn(name, column, self.missing == "indicator")
        return CategoryEncoding.learn(name, column, self.max_categories, self.min_count)

    def transform(self, X: object) -> np.ndarray:
        """Return the numbers for each row.

        Parameters
        ----------
        X : DataFrame, Arrow object, Source or path
            More columns than those of `fit` are ignored, and named in ``notes_``.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs), of ``dtype``

        Raises
        ------
        TableError
            If a column is not there, is of another type, or, unless ``missing`` says what to do,
            has cells without a value.
        """
        from .reading.source import check_there

        check_is_fitted(self, "encodings_")
        table = table_of(X, self)
        check_there(self.feature_names_in_, table.column_names, "the table")
        roles = {encoding.name: encoding.role for encoding in self.encodings_}
        self._check(table, roles)
        out = np.zeros((table.num_rows, self.n_outputs_), self.dtype)
        unseen = dict.fromkeys((e.name for e in self.encodings_), 0)
        for start in range(0, table.num_rows, ROWS):
            part, end = table.slice(start, ROWS), 0
            for encoding in self.encodings_:
                begin, end = end, end + encoding.width
                where = out[start : start + ROWS, begin:end]
                unseen[encoding.name] += encoding.write(part[encoding.name], where)
        self.notes_ = Notes(
            tuple(name for name in table.column_names if name not in roles),
            {name: n for name, n in unseen.items() if n},
            {name: n for name in roles if (n := table[name].null_count)},
        )
        return out

    @property
    def n_outputs_(self) -> int:
        """How many numbers there are for each row."""
        return sum(encoding.width for encoding in self.encodings_)

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Return the names of the outputs, such as ``"kind=flat"``."""
        check_is_fitted(self, "encodings_")
        return np.array([name for encoding in self.encodings_ for name in encoding.names], object)

    @property
    def reading_options(self) -> dict[str, list[str]]:
        """How `open_source` has to read a text file for this encoder, by its parameters."""
        numeric = [e.name for e in self.encodings_ if isinstance(e, NumberEncoding)]
        texts = [e.name for e in self.encodings_ if isinstance(e, CategoryEncoding) and e.is_text]
        return {"numeric": numeric, "categorical": texts}

    def check(self, table: pa.Table, source: Source | None = None, first: int = 0) -> None:
        """Raise what `transform` would, and say where in a source the table is.

        Parameters
        ----------
        table : pyarrow.Table
        source : Source, optional
            Where it was read from.
        first : int
            Which row of that is the first of the table, counted from 0.
        """
        roles = {encoding.name: encoding.role for encoding in self.encodings_}
        self._check(table, roles, source, first)

    def _check(
        self,
        table: pa.Table,
        roles: dict[str, str],
        source: Source | None = None,
        first: int = 0,
    ) -> None:
        from .arrow import check_missing, check_type

        there = {*table.column_names}
        for name, role in roles.items():
            if name in there:
                check_type(table[name], name, role, source)
        if self.missing in ("error", "drop"):
            check_missing(table, [*roles], source, first)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def table_of(X: object, encoder: TableEncoder | None = None) -> pa.Table:
    """Return whatever is a table as one of pyarrow's, missing cells null."""
    from .reading import open_source

    options: dict[str, Any] = {}
    if encoder is not None and hasattr(encoder, "encodings_") and isinstance(X, str):
        options = encoder.reading_options
    return open_source(X, **options).read()
