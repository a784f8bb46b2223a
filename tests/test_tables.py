"""A name in a table of codes is documented, has its twins, and is what the tests run over."""

import re

import pytest
import test_rules
from fuzz import cases, oracle

import networks
from fastperc import MLPClassifier, MLPRegressor, Network
from fastperc.kernels import activations, losses, reference
from fastperc.training.rules import STOCHASTIC


def says(documented, name):
    return re.search(rf"\b{name}\b", documented.__doc__) is not None


def losses_of(estimator):
    (choice,) = estimator._parameter_constraints["loss"]
    return choice.options


@pytest.mark.parametrize("name", activations.CODES)
def test_activation(name):
    code = activations.CODES[name]
    assert name in reference.ACTIVATIONS
    assert name in oracle.FUNCTIONS
    assert says(Network, name)
    assert code in {activations.CODES[output] for output, _ in networks.HEADS}
    if name not in ("softmax", "step", "sign"):  # which have no derivative without their loss
        assert name in reference.SLOPES
        assert name in oracle.DERIVATIVES
    if name not in activations.OUTPUT_ONLY:
        assert code in {activations.CODES[other] for other in networks.HIDDEN}
        assert name in cases.HIDDEN
        assert says(MLPClassifier, name)  # where the regressor sends to


@pytest.mark.parametrize("name", losses.CODES)
def test_loss(name):
    assert name in reference.LOSSES
    assert name in oracle.LOSSES
    assert name in {loss for _, loss in networks.HEADS}
    assert says(Network, name)
    # cross_entropy is log_loss of several classes there, and perceptrons are none of theirs.
    if name not in ("cross_entropy", "perceptron"):
        assert name in losses_of(MLPClassifier) | losses_of(MLPRegressor)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_losses_of_estimators_are_documented(estimator):
    assert [name for name in losses_of(estimator) if not says(estimator, name)] == []


@pytest.mark.parametrize("name", networks.RULES)
def test_rule(name):
    assert name in test_rules.RULES
    assert name in oracle.RULES
    assert says(Network.train, name) or "momentum_of" in networks.RULES[name]
    optimizer = networks.RULES[name].get("optimizer", "sgd")
    assert optimizer in cases.OPTIMIZERS
    (choice,) = MLPClassifier._parameter_constraints["solver"]
    assert choice.options == {"lbfgs", *STOCHASTIC}
    if optimizer in STOCHASTIC:
        assert says(MLPClassifier, optimizer)
