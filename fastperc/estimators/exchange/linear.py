"""Linear models as scikit-learn's, and scikit-learn's as ours."""

from __future__ import annotations

import copy
import warnings
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from sklearn import linear_model as theirs
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.validation import check_is_fitted

from ...model.linear import Linear
from ..warning import warn

if TYPE_CHECKING:
    from ..linear.base import BaseLinear

FITTED = ("n_features_in_", "feature_names_in_", "n_iter_", "t_", "classes_")
OURS_ONLY = {"multi_class": "ovr"}  # what has to have this value


def to_sklearn(ours: BaseLinear) -> Any:
    """Return scikit-learn's model of the same name; see `BaseLinear.to_sklearn`."""
    name = type(ours).__name__
    kind = getattr(theirs, name, None)
    if kind is None:
        raise ValueError(f"{name}: scikit-learn has no such model. Stay with fastperc's")
    for parameter, value in OURS_ONLY.items():
        if getattr(ours, parameter, value) != value:
            raise ValueError(
                f"{parameter}: found {getattr(ours, parameter)!r}, expected {value!r}: "
                "scikit-learn's linear models have no other. Stay with fastperc's"
            )
    model = ours._model()
    if len(getattr(ours, "classes_", (0, 1))) < 2:
        raise ValueError("classes_: found one class, expected two at least. Let it learn on")
    other = _made(kind, ours)
    for attribute in FITTED:
        if hasattr(ours, attribute) and not isinstance(getattr(kind, attribute, None), property):
            setattr(other, attribute, copy.deepcopy(getattr(ours, attribute)))
    coef, intercept = model.learned()
    other.coef_, other.intercept_ = ours._shaped(coef).copy(), intercept.copy()
    if getattr(ours, "average", False):
        _give_averages(other, ours, model)
    if hasattr(other, "classes_"):
        other.loss_function_ = other._get_loss_function(other.loss)
        other._expanded_class_weight = np.ones(len(other.classes_))
    if ours._sparse is not None:
        other.sparsify()
    return other


def _made(kind: type[Any], ours: BaseLinear) -> Any:
    """Return scikit-learn's model with all parameters that it has, too."""
    names = [name for name in signature(kind).parameters if hasattr(ours, name)]
    given = {name: copy.deepcopy(getattr(ours, name)) for name in names}
    other = _without_warning(kind, given)
    try:
        other._validate_params()
    except InvalidParameterError:
        if "learning_rate" not in given:
            raise
        rate = signature(kind).parameters["learning_rate"].default
        warn(
            f"{kind.__name__}: left out learning_rate={given['learning_rate']!r}, which "
            "scikit-learn has not. Predictions are the same; training goes on in another way"
        )
        other = _without_warning(kind, given | {"learning_rate": rate})
        other._validate_params()
    return other


def _without_warning(kind: type[Any], given: dict[str, Any]) -> Any:
    """Return an instance of a class that may be deprecated: what is asked for is its type."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return kind(**given)


def _give_averages(other: Any, ours: BaseLinear, model: Linear) -> None:
    other._standard_coef = ours._shaped(model.coef).copy()
    other._standard_intercept = model.intercept.copy()
    other._average_coef = ours._shaped(model.theta[1]).copy()
    other._average_intercept = model.second_intercept.copy()


def from_sklearn(kind: type[Any], found: Any) -> Any:
    """Return a linear model of ours with parameters and state of scikit-learn's."""
    wanted = getattr(theirs, kind.__name__, None)
    if wanted is None or type(found) is not wanted:
        name = kind.__name__
        expected = "no model: scikit-learn has none of that name" if wanted is None else (
            f"a fitted {name} of sklearn.linear_model"
        )  # fmt: skip
        raise TypeError(f"estimator: found {type(found).__name__}, expected {expected}")
    check_is_fitted(found)
    names = signature(kind).parameters
    given = found.get_params(deep=False)
    ours = kind(**{name: copy.deepcopy(given[name]) for name in names if name in given})
    coef = found.coef_.toarray() if sparse.issparse(found.coef_) else np.asarray(found.coef_)
    coef = np.atleast_2d(coef)
    n_outputs, n_features = coef.shape
    for attribute in FITTED:
        if hasattr(found, attribute) and attribute != "t_":
            setattr(ours, attribute, copy.deepcopy(getattr(found, attribute)))
    fields = ours._all_fields(np.empty((1, n_features)))
    model = Linear(n_outputs, n_features, coef.dtype, fields)
    if getattr(found, "average", False):
        model.coef[:] = np.atleast_2d(found._standard_coef)
        model.intercept[:] = found._standard_intercept
        model.theta[1] = np.atleast_2d(found._average_coef)
        model.second_intercept[:] = found._average_intercept
    else:
        model.coef[:], model.intercept[:] = coef, found.intercept_
    model.begin_from_given()
    model.record["t"] = found.t_
    ours._take(model)
    return ours.sparsify() if sparse.issparse(found.coef_) else ours
