"""Estimators of fastperc in River's pipelines, where rows are dicts and come one at a time.

Importing this module needs River (Montiel et al. 2021, https://riverml.xyz):
``pip install 'fastperc[river]'``.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .estimators import MLPClassifier, MLPRegressor, SGDClassifier, SGDRegressor
from .estimators.class_weights import plain
from .estimators.linear.classifier import LinearClassifier
from .estimators.linear.features import FeatureNames, check_values
from .estimators.linear.regressor import LinearRegressor
from .optional import require

base: Any = require("river.base", extra="river")
dataframe: Any = require("river.utils.dataframe", extra="river")

__all__ = ["RiverClassifier", "RiverRegressor"]

Row = Mapping[str, Any]
Table = Any  # a DataFrame or a Series of pandas, polars, or whatever else River takes
Estimator = LinearClassifier | LinearRegressor | MLPClassifier | MLPRegressor


class RowByRow:
    """What the two kinds share: a copy of the estimator, and names of features for networks."""

    estimator: Estimator
    _linear_example: str
    _model: Any  # a network or a linear model, whose methods differ
    _names: FeatureNames | None  # of a network's inputs; linear models take dicts themselves
    _values: np.ndarray
    _first: dict[str, object]  # what the first `partial_fit` of a network needs beside a row

    def _take(self, estimator: Estimator, kinds: tuple[type, type]) -> None:
        """Copy an estimator, which then learns; one that was fitted goes on from there."""
        if not isinstance(estimator, kinds):
            raise TypeError(
                f"estimator: found {estimator!r:.60}, expected an instance of {kinds[0].__name__} "
                f"or of a linear model such as {self._linear_example}"
            )
        self.estimator = estimator
        self._model, self._names = copy.deepcopy(estimator), None
        if self._is_network and self._has_learned:
            self._name_inputs(FeatureNames(_names_of(self._model)))

    @property
    def model(self) -> Estimator:
        """The estimator that has learned; ``estimator`` stays as it was given."""
        return self._model

    @property
    def _is_network(self) -> bool:
        return isinstance(self._model, (MLPClassifier, MLPRegressor))

    @property
    def _has_learned(self) -> bool:
        return hasattr(self._model, "n_features_in_")

    # --- rows -------------------------------------------------------------------------------------

    def _name_inputs(self, names: FeatureNames) -> None:
        self._names, self._values = names, np.zeros(len(names))

    def _row(self, x: Row) -> Row | np.ndarray:
        """Return a row as the model takes it."""
        return x if self._names is None else self._names.read(x, self._values)[0]

    # --- learning ---------------------------------------------------------------------------------

    def learn_one(self, x: Row, y: object) -> None:
        """Take one step on one row.

        Parameters
        ----------
        x : dict of str to number
        y : label or number
        """
        try:
            if self._is_network and self._names is None:
                self._learn_first(x, y)
            else:
                self._model.learn_one(self._row(x), y)
        except ValueError:
            check_values(((k, v) for k, v in x.items() if not isinstance(v, str)), None)
            raise

    def _learn_first(self, x: Row, y: object) -> None:
        """Begin a network with a first row; in whatever order it is, the network is the same."""
        names = FeatureNames(sorted(FeatureNames(()).extended(x).names))
        values, _ = names.read(x, np.zeros(len(names)))
        self._model.partial_fit(values[None], [y], **self._first)
        self._name_inputs(names)

    def learn_many(self, X: Table, y: Table) -> None:
        """Learn the rows of a table as `learn_one` would, one after another.

        Parameters
        ----------
        X : DataFrame
        y : Series
        """
        if len(X) != len(y):
            raise ValueError(f"y: found {len(y)} targets, expected {len(X)}, one for each row of X")
        if self._learn_at_once(X, y):
            return
        before = copy.deepcopy(self._model), self._names
        try:
            for x, target in zip(_rows(X), y, strict=True):
                self.learn_one(x, target)
        except BaseException:
            self._model, self._names = before
            raise

    def _learn_at_once(self, X: Table, y: Table) -> bool:
        """Learn a table in one call, if the model can; returns whether it has learned."""
        table = self._known(X)
        if table is None or self._is_network:
            return False
        try:
            self._model.learn_many(table, np.asarray(y))
        except (TypeError, ValueError):
            return False  # row by row it will be known which value is refused
        return True

    def _known(self, X: Table) -> Table | None:
        """Return a table as the model takes it, if it has the model's features and no others."""
        frame = dataframe.into_frame(X)
        if self._is_network:
            names = () if self._names is None else self._names.names
        else:
            names = getattr(self._model, "feature_names_in_", ())
        if not len(frame) or len(names) != len(frame.columns) or {*names} != {*frame.columns}:
            return None
        ordered = frame.select(*names)
        return ordered.to_numpy() if self._is_network else ordered.to_native()

    # --- predictions ------------------------------------------------------------------------------

    def predict_one(self, x: Row) -> Any:
        """Predict the label or the target of one row."""
        raise NotImplementedError

    def predict_many(self, X: Table) -> Table:
        """Predict the label or the target of each row of a table.

        Parameters
        ----------
        X : DataFrame

        Returns
        -------
        Series
        """
        table = self._known(X)
        if table is None:
            found = [self.predict_one(x) for x in _rows(X)]
        else:
            found = self._model.predict(table)
        return dataframe.to_native_series(found, name=None, like=dataframe.into_frame(X))


class RiverClassifier(RowByRow, base.MiniBatchClassifier):
    """Let a classifier of fastperc stand in River's pipelines.

    Parameters
    ----------
    estimator : SGDClassifier, Perceptron, PassiveAggressiveClassifier, FTRLClassifier or \
MLPClassifier
        A copy learns: `model`. One that was fitted to named columns goes on from there.
    classes : sequence of labels, optional
        All labels that will come. `MLPClassifier` needs them; linear models take a new label in
        when it comes first.

    Notes
    -----
    Features that a row lacks count as 0. Linear models take new features in when they first come,
    with coefficients of 0, or hash all of them if they have ``n_features``. Networks have the
    features of the first row, in the order of their names, and ignore others. Numbers are
    learned as they are: put River's ``StandardScaler`` before.

    Before the first row, `predict_one` returns the first of ``classes``, or None without them;
    `predict_proba_one` returns equal probabilities, or none. River's evaluation skips such rows.

    Examples
    --------
    >>> from fastperc import SGDClassifier
    >>> from fastperc.river import RiverClassifier
    >>> from river import datasets, evaluate, metrics, preprocessing
    >>> logistic = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.05)
    >>> model = preprocessing.StandardScaler() | RiverClassifier(logistic)
    >>> evaluate.progressive_val_score(datasets.Phishing(), model, metrics.Accuracy())
    Accuracy: 90...%
    """

    _linear_example = "SGDClassifier"

    def __init__(self, estimator: Estimator, classes: Sequence[Hashable] | None = None):
        self._take(estimator, (MLPClassifier, LinearClassifier))
        self.classes = classes
        if classes is None and self._is_network and not self._has_learned:
            raise ValueError(
                "classes: found None, expected all labels that will come: a network has an output "
                "for each from the beginning"
            )
        self._none = dict.fromkeys(() if classes is None else classes, 0.0)
        self._first = {"classes": list(self._none)}
        self._gives_probabilities = hasattr(self._model, "predict_proba")

    def predict_one(self, x: Row, **kwargs: object) -> Hashable:
        """Predict the label of one row.

        Parameters
        ----------
        x : dict of str to number

        Returns
        -------
        label
        """
        if not self._has_learned:
            return next(iter(self._none), None)
        return plain(self._model.predict_one(self._row(x)))

    def predict_proba_one(self, x: Row, **kwargs: object) -> dict[Hashable, float]:
        """Estimate the probability of each label for one row.

        Parameters
        ----------
        x : dict of str to number

        Returns
        -------
        dict of label to float

        Raises
        ------
        NotImplementedError
            If the estimator's loss has no probabilities: River then asks for labels.
        """
        if not self._gives_probabilities:
            raise NotImplementedError(f"no probabilities are available of {self._model!r:.60}")
        if not self._has_learned:
            return dict.fromkeys(self._none, 1 / max(len(self._none), 1))
        row = self._row(x)
        if isinstance(row, np.ndarray):
            shares = self._model.predict_proba(row[None])[0]
            return dict(zip(self._model.classes_.tolist(), shares.tolist(), strict=True))
        return {**self._none, **self._model.predict_proba_one(row)}

    def predict_proba_many(self, X: Table) -> Table:
        """Estimate the probability of each label for each row of a table.

        Parameters
        ----------
        X : DataFrame

        Returns
        -------
        DataFrame
            A column for each label.
        """
        table = self._known(X) if self._gives_probabilities else None
        if table is None:
            found = [self.predict_proba_one(x) for x in _rows(X)]
            columns = {label: [p[label] for p in found] for label in (found or [self._none])[0]}
        else:
            shares = self._model.predict_proba(table)
            shown = dict(zip(self._model.classes_.tolist(), shares.T.tolist(), strict=True))
            columns = {**dict.fromkeys(self._none, [0.0] * len(shares)), **shown}
        return dataframe.to_native_frame(columns, like=dataframe.into_frame(X))

    @property
    def _multiclass(self) -> bool:
        return len(self._none) != 2

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, object]]:
        yield {"estimator": SGDClassifier(loss="log_loss")}


class RiverRegressor(RowByRow, base.MiniBatchRegressor):
    """Let a regressor of fastperc stand in River's pipelines.

    Parameters
    ----------
    estimator : SGDRegressor, PassiveAggressiveRegressor, FTRLRegressor or MLPRegressor
        A copy learns: `model`. One that was fitted to named columns goes on from there.

    Notes
    -----
    Features come and go as in `RiverClassifier`. Before the first row, `predict_one` returns 0.

    Examples
    --------
    >>> from fastperc import MLPRegressor
    >>> from fastperc.river import RiverRegressor
    >>> from river import datasets, evaluate, metrics, preprocessing
    >>> network = MLPRegressor(hidden_layer_sizes=8, learning_rate_init=0.01, random_state=0)
    >>> scaled = preprocessing.TargetStandardScaler(RiverRegressor(network))
    >>> model = preprocessing.StandardScaler() | scaled
    >>> evaluate.progressive_val_score(datasets.TrumpApproval(), model, metrics.MAE())
    MAE: 0.7...
    """

    _linear_example = "SGDRegressor"

    def __init__(self, estimator: Estimator):
        self._take(estimator, (MLPRegressor, LinearRegressor))
        self._first = {}

    def predict_one(self, x: Row) -> float:
        """Predict the target of one row.

        Parameters
        ----------
        x : dict of str to number

        Returns
        -------
        float
        """
        return float(self._model.predict_one(self._row(x))) if self._has_learned else 0.0

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, object]]:
        yield {"estimator": SGDRegressor()}


def _names_of(model: object) -> list[str]:
    """Return the names of the columns that a network was fitted to, which it then forgets."""
    names = vars(model).pop("feature_names_in_", None)
    if names is None:
        raise ValueError(
            "estimator: found a network that was fitted to columns without names, expected one "
            "fitted to a DataFrame, or not fitted"
        )
    return [str(name) for name in names]


def _rows(X: Table) -> Iterator[Row]:
    """Return an iterator over the rows of a table, as dicts."""
    return dataframe.into_frame(X).iter_rows(named=True)
