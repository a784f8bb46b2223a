"""scikit-learn's decorators, which come without types, for methods that keep theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from sklearn.base import _fit_context
from sklearn.utils.metaestimators import available_if

Method = TypeVar("Method", bound=Callable[..., Any])


def fits(method: Method) -> Method:
    """Check the parameters before ``method``."""
    return cast(Method, _fit_context(prefer_skip_nested_validation=True)(method))


def fits_what_it_has(method: Method) -> Method:
    """Check the parameters before ``method`` of an estimator that is given another one."""
    return cast(Method, _fit_context(prefer_skip_nested_validation=False)(method))


def only_if(check: Callable[[Any], bool]) -> Callable[[Method], Method]:
    """Hide a method where ``check`` raises AttributeError."""
    return cast(Callable[[Method], Method], available_if(check))
