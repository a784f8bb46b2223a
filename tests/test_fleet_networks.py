"""A network learns in a fleet what it learns alone: every activation, loss, rule and dtype."""

import numpy as np
import pytest

from fastperc import Fleet
from networks import HEADS, HIDDEN, RULES, problem

N = 5
RATES = np.linspace(0.002, 0.01, N)


def twins(p, dtype="float64"):
    """A fleet of networks like that of a problem, with start weights of their own; and these."""
    net = p.net
    fleet = Fleet(
        net.sizes, N, hidden=net.hidden, output=net.output, loss=net.loss_name, dtype=dtype, seed=3
    )
    return fleet, [net.copy() for net in fleet]


def assert_same(p, rtol=1e-12, epochs=20, lr=RATES, **options):
    """Train a fleet, and its networks apart; hold parameters, losses and outputs together."""
    fleet, nets = twins(p, p.net.dtype)
    options |= {"epochs": epochs, "shuffle": False}
    history = fleet.train(p.X, p.y, lr=lr, **options)
    alone = [net.train(p.X, p.y, lr=rate, **options) for net, rate in zip(nets, lr, strict=True)]
    near = {"rtol": rtol, "atol": rtol}
    np.testing.assert_allclose(fleet.theta, [net.theta for net in nets], **near)
    np.testing.assert_allclose(history.loss.T, [own.loss for own in alone], **near)
    np.testing.assert_allclose(fleet.forward(p.X), [net.forward(p.X) for net in nets], **near)
    np.testing.assert_allclose(fleet.loss(p.X, p.y), [net.loss(p.X, p.y) for net in nets], **near)
    predicted = np.stack([net.predict(p.X) for net in nets])
    assert fleet.predict(p.X).shape == predicted.shape
    np.testing.assert_allclose(fleet.predict(p.X), predicted, **near)


@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("head", HEADS, ids="-".join)
def test_every_output_and_loss(head, batch_size):
    assert_same(problem((4, 6, 3), head=head), batch_size=batch_size)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_hidden_activation(hidden):
    assert_same(problem((4, 9, 5, 2), hidden=hidden))


@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("rule", RULES)
def test_every_rule(rule, batch_size):
    penalties = {"alpha": 0.01, "l1": 1e-4} | RULES[rule]
    assert_same(problem((4, 6, 2)), batch_size=batch_size, **penalties)


@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_single_precision(rule, batch_size):
    p = problem((4, 6, 2), dtype="float32")
    assert_same(p, rtol=1e-4, batch_size=batch_size, **RULES[rule])


@pytest.mark.parametrize("sizes", [(3, 1), (13, 8, 1), (6, 17, 9, 4)])
def test_shapes_with_and_without_hidden_layers(sizes):
    assert_same(problem(sizes), batch_size=4)


@pytest.mark.parametrize("n", [1, 2, 33])
def test_any_number_of_networks(n):
    p = problem((3, 4, 1))
    fleet = Fleet((3, 4, 1), n, hidden="tanh", dtype="float64", seed=0)
    nets = [net.copy() for net in fleet]
    fleet.train(p.X, p.y, epochs=3, shuffle=False)
    for net in nets:
        net.train(p.X, p.y, epochs=3, shuffle=False)
    np.testing.assert_allclose(fleet.theta, [net.theta for net in nets], rtol=1e-12, atol=1e-14)
