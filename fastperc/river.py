"""Estimators of fastperc in River's pipelines, where rows are dicts and come one at a time.

Importing this module needs River (Montiel et al. 2021, https://riverml.xyz):
``pip install 'fastperc[river]'``.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .estimators import MLPClassifier, MLPRegressor, SGDClassifier, SGDRegressor
from .estimators.linear.classifier import LinearClassifier
from .estimators.linear.features import FeatureNames, check_values
from .estimators.linear.regressor import LinearRegressor
from .optional import require

if TYPE_CHECKING:
    from river import base
    from river.utils import dataframe
else:
    base = require("river.base", extra="river")
    dataframe = require("river.utils.dataframe", extra="river")

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

    def _learn(self, x: Row, y: object, **first: object) -> None:
        """Learn one row; ``first`` is what the first `partial_fit` of a network needs beside it."""
        try:
            if self._is_network and self._names is None:
                self._learn_first(x, y, **first)
            else:
                self._model.learn_one(self._row(x), y)
        except ValueError:
            check_values(((k, v) for k, v in x.items() if not isinstance(v, str)), None)
            raise

    def _learn_first(self, x: Row, y: object, **first: object) -> None:
        """Begin a network with a first row; in whatever order it is, the network is the same."""
        names = FeatureNames(sorted(FeatureNames(()).extended(x).names))
        values, _ = names.read(x, np.zeros(len(names)))
        self._model.partial_fit(values[None], [y], **first)
        self._name_inputs(names)

    def _learn_in_turn(self, X: Table, y: Table, **first: object) -> None:
        """Learn the rows of a table one after another: all, or none if one is refused."""
        before = copy.deepcopy(self._model), self._names
        try:
            for x, target in zip(_rows(X), y, strict=True):
                self._learn(x, target, **first)
        except BaseException:
            self._model, self._names = before
            raise


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
        self._gives_probabilities = hasattr(self._model, "predict_proba")

    def learn_one(self, x: Row, y: Hashable) -> None:
        """Take one step on one row.

        Parameters
        ----------
        x : dict of str to number
        y : label
        """
        self._learn(x, y, classes=list(self._none))

    def learn_many(self, X: Table, y: Table) -> None:
        """Learn the rows of a table as `learn_one` would, one after another.

        Parameters
        ----------
        X : DataFrame
        y : Series
        """
        self._learn_in_turn(X, y, classes=list(self._none))

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
        return _plain(self._model.predict_one(self._row(x)))

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

    def predict_many(self, X: Table) -> Table:
        """Predict the label of each row of a table.

        Parameters
        ----------
        X : DataFrame

        Returns
        -------
        Series
        """
        return _series([self.predict_one(x) for x in _rows(X)], X)

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
        found = [self.predict_proba_one(x) for x in _rows(X)]
        labels = found[0] if found else self._none
        columns = {label: [shares[label] for shares in found] for label in labels}
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

    def learn_one(self, x: Row, y: float) -> None:
        """Take one step on one row.

        Parameters
        ----------
        x : dict of str to number
        y : number
        """
        self._learn(x, y)

    def learn_many(self, X: Table, y: Table) -> None:
        """Learn the rows of a table as `learn_one` would, one after another.

        Parameters
        ----------
        X : DataFrame
        y : Series
        """
        self._learn_in_turn(X, y)

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

    def predict_many(self, X: Table) -> Table:
        """Predict the target of each row of a table.

        Parameters
        ----------
        X : DataFrame

        Returns
        -------
        Series
        """
        return _series([self.predict_one(x) for x in _rows(X)], X)

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


def _series(values: list, X: Table) -> Table:
    """Return values as a column with the index of a table."""
    return dataframe.to_native_series(values, name=None, like=dataframe.into_frame(X))


def _plain(label: Any) -> Hashable:
    """Return a label as a Python object."""
    return label.item() if isinstance(label, np.generic) else label
