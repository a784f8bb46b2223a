"""Ensembles as scikit-learn's: a vote of networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.base import clone
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import Bunch

from .mlps import to_sklearn as member_to_sklearn

if TYPE_CHECKING:
    from ..ensembles.fitted import FittedEnsemble


def to_sklearn(ours: FittedEnsemble) -> Any:
    """Return a vote of the members with the same predictions; see `FittedEnsemble.to_sklearn`."""
    is_classifier = hasattr(ours, "classes_")
    if is_classifier and ours._labels.are_several:
        raise ValueError(
            "y: found several labels per sample, expected one: VotingClassifier has no more. Use "
            "estimators_, each of which has to_sklearn"
        )
    if not is_classifier and ours.n_outputs_ > 1:
        raise ValueError(
            f"y: found {ours.n_outputs_} numbers per sample, expected one: VotingRegressor has no "
            "more. Use estimators_, each of which has to_sklearn"
        )
    members = [member_to_sklearn(member) for member in ours.estimators_]
    named = [(f"member{k}", clone(member)) for k, member in enumerate(members)]
    weights = ours.weights_.tolist()
    if is_classifier:
        vote = VotingClassifier(named, voting="soft", weights=weights)
        vote.classes_ = ours.classes_.copy()
        vote.le_ = LabelEncoder().fit(vote.classes_)
    else:
        vote = VotingRegressor(named, weights=weights)
    vote.estimators_ = members
    vote.named_estimators_ = Bunch(**{name: m for (name, _), m in zip(named, members, strict=True)})
    if hasattr(ours, "feature_names_in_"):
        vote.feature_names_in_ = ours.feature_names_in_.copy()
    return vote
