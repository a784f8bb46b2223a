"""What random sequences of calls have found: each the shortest that failed."""

import numpy as np
import pytest
from sklearn import neural_network as theirs

import fastperc as ours

X = np.random.default_rng(0).standard_normal((24, 3))
TARGETS = {"MLPRegressor": X.sum(1), "MLPClassifier": np.resize(["a", "b"], 24)}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def stopped_early(module, name):
    model = getattr(module, name)(
        hidden_layer_sizes=(5,), max_iter=3, random_state=0, early_stopping=True
    )
    return model.fit(X, TARGETS[name]).set_params(early_stopping=False)


@pytest.mark.parametrize("name", sorted(TARGETS))
@pytest.mark.parametrize("n", [1, 24])
def test_partial_fit_after_a_fit_with_early_stopping(name, n):
    """The best training loss begins with the first; scikit-learn, which has none, fails."""
    y = TARGETS[name]
    model = stopped_early(ours, name)
    model.partial_fit(X[:n], y[:n])
    assert model.best_loss_ == model.loss_ == model.loss_curve_[-1]
    assert model._no_improvement_count == 0
    with pytest.raises(TypeError):
        stopped_early(theirs, name).partial_fit(X[:n], y[:n])


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_partial_fit_with_early_stopping_is_refused_for_one_row_too(name):
    model = stopped_early(ours, name).set_params(early_stopping=True)
    with pytest.raises(ValueError, match="early_stopping"):
        model.partial_fit(X[:1], TARGETS[name][:1])
