"""scikit-learn's checks of estimators, on all linear models."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import has_fit_parameter

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
    SGDClassifier(loss="hinge", order="shared"),
    SGDClassifier(loss="log_loss", multi_class="multinomial", learning_rate="adagrad", eta0=0.5),
    SGDRegressor(penalty="l1", average=10, learning_rate="adaptive"),
    Perceptron(penalty="l2", alpha=1e-3),
]

# By its definition, not by a fault; scikit-learn's own are expected to fail these two as well.
TWICE_IS_ANOTHER = "a row of weight 2 is one step of twice the size; a row given twice is two steps"


def expected_to_fail(model):
    if not has_fit_parameter(model, "sample_weight"):
        return {}
    return {
        f"check_sample_weight_equivalence_on_{kind}_data": TWICE_IS_ANOTHER
        for kind in ("dense", "sparse")
    }


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([model() for model in MODELS], expected_failed_checks=expected_to_fail)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(VARIANTS, expected_failed_checks=expected_to_fail)
def test_checks_of_scikit_learn_on_variants(estimator, check):
    check(estimator)
