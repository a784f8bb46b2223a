"""The reference itself: its gradients against derivatives by complex step, its losses by hand."""

import numpy as np
import pytest

from fastperc.kernels import reference
from networks import HEADS, HIDDEN, SIZES, problem


def complex_step(model, sizes, X, Y, weight):
    """The gradient of the mean loss, by an imaginary step that suffers no cancellation."""
    theta = model.theta.astype(complex)
    found = np.empty(len(theta))
    for i in range(len(theta)):
        theta[i] += 1e-30j
        there = reference.Model.from_theta(theta, sizes, model.activations, model.loss)
        found[i] = reference.mean_loss(there, X, Y, weight).imag / 1e-30
        theta[i] = theta[i].real
    return found


def check(p):
    for weight in (None, p.weight):
        gradient = reference.gradient(p.model, p.X, p.Y, weight)
        derivative = complex_step(p.model, p.net.sizes, p.X, p.Y, weight)
        np.testing.assert_allclose(gradient, derivative, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("head", HEADS, ids="-".join)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_gradient_of_every_activation_and_loss(hidden, head):
    check(problem((3, 5, 4, 2), hidden=hidden, head=head, n=7))


@pytest.mark.parametrize("sizes", [s for s in SIZES if max(s) < 40], ids=str)
def test_gradient_at_every_depth(sizes):
    check(problem(sizes, n=5))


def test_losses_by_hand():
    z = np.array([[2.0, -1.0]])
    p = np.array([[0.75, 0.25]])
    y = np.array([[1.0, 0.0]])
    assert reference.squared_error(z, p, y) == pytest.approx((0.25**2 + 0.25**2) / 2)
    assert reference.log_loss(z, p, y) == pytest.approx(np.log1p(np.exp(-2)) + np.log1p(np.exp(-1)))
    assert reference.cross_entropy(z, p, y) == pytest.approx(np.log1p(np.exp(-3)))


def test_theta_there_and_back():
    p = problem((3, 5, 2))
    assert np.array_equal(p.model.theta, p.net.theta)
