"""What a step does with a gradient: one loop on the flat vector of parameters."""

from .jit import piece


@piece
def descend(theta, gradient, step):
    """Stochastic gradient descent: ``theta -= step * gradient``."""
    for i in range(theta.shape[0]):
        theta[i] -= step * gradient[i]
