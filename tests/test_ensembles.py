"""Ensembles of networks: against single networks, scikit-learn's bagging, and its checks."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastperc import MLPEnsembleClassifier, MLPEnsembleRegressor


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        MLPEnsembleClassifier(max_iter=60, n_members=3),
        MLPEnsembleRegressor(max_iter=60, n_members=3),
    ]
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        MLPEnsembleClassifier(max_iter=60, n_members=4, bootstrap=True, loss="hinge"),
        MLPEnsembleRegressor(max_iter=60, n_members=4, solver="lbfgs", scale="standard"),
    ]
)
def test_checks_of_scikit_learn_on_variants(estimator, check):
    check(estimator)
