"""scikit-learn's checks of estimators, on all linear models; nothing is expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastperc import (
    FTRLClassifier,
    FTRLRegressor,
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    SGDClassifier,
    SGDRegressor,
)

MODELS = (
    FTRLClassifier,
    FTRLRegressor,
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    SGDClassifier,
    SGDRegressor,
)
VARIANTS = [
    SGDClassifier(loss="log_loss", average=True, penalty="elasticnet"),
    SGDClassifier(loss="modified_huber", multi_class="ovr", order="shared", class_weight="balanced"),
    SGDClassifier(loss="log_loss", multi_class="multinomial", learning_rate="adagrad", eta0=0.5),
    SGDClassifier(early_stopping=True, validation_fraction=0.3),
    SGDRegressor(penalty="l1", average=10, learning_rate="adaptive"),
    SGDRegressor(loss="huber", early_stopping=True, warm_start=True),
    Perceptron(penalty="l2", alpha=1e-3),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([model() for model in MODELS])
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(VARIANTS)
def test_checks_of_scikit_learn_on_variants(estimator, check):
    check(estimator)
