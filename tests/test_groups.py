"""One network for each group: against `fit` on each group alone, and scikit-learn's checks."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastperc import GroupedMLPClassifier, GroupedMLPRegressor, MLPClassifier, MLPRegressor


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        GroupedMLPClassifier(
            MLPClassifier(max_iter=60, random_state=0), groups=0, unknown="pooled"
        ),
        GroupedMLPRegressor(MLPRegressor(max_iter=60, random_state=0), groups=0, unknown="pooled"),
    ]
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)
