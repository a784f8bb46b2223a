"""The update rules of `updates` once more, in NumPy only: see `reference`.

Each function makes one of (theta, gradient), which changes theta in place and remembers what it
needs.
"""

import numpy as np


def sgd(lr):
    def step(theta, gradient):
        theta -= lr * gradient

    return step


def momentum(lr, factor, nesterov=False, dampening=0.0):
    velocity = 0.0

    def step(theta, gradient):
        nonlocal velocity
        velocity = factor * velocity - lr * (1 - dampening) * gradient
        theta += factor * velocity - lr * gradient if nesterov else velocity

    return step


def last_gradient(lr, factor):
    before = 0.0

    def step(theta, gradient):
        nonlocal before
        theta -= lr * gradient + factor * before
        before = gradient.copy()

    return step


def adam(lr, beta1=0.9, beta2=0.999, epsilon=1e-8, epsilon_hat=False):
    m = v = 0.0
    t = 0

    def step(theta, gradient):
        nonlocal m, v, t
        t += 1
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient**2
        if epsilon_hat:
            theta -= lr * np.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (np.sqrt(v) + epsilon)
        else:
            theta -= lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon)

    return step


def rmsprop(lr, rho=0.9, epsilon=1e-8):
    v = 0.0

    def step(theta, gradient):
        nonlocal v
        v = rho * v + (1 - rho) * gradient**2
        theta -= lr * gradient / (np.sqrt(v) + epsilon)

    return step


def adagrad(lr, epsilon=1e-8):
    v = 0.0

    def step(theta, gradient):
        nonlocal v
        v = v + gradient**2
        theta -= lr * gradient / (np.sqrt(v) + epsilon)

    return step


def adadelta(lr, rho=0.9, epsilon=1e-8):
    u = v = 0.0

    def step(theta, gradient):
        nonlocal u, v
        v = rho * v + (1 - rho) * gradient**2
        move = np.sqrt(u + epsilon) / np.sqrt(v + epsilon) * gradient
        u = rho * u + (1 - rho) * move**2
        theta -= lr * move

    return step


def rprop(lr, grow=1.2, shrink=0.5, smallest=1e-6, largest=50.0):
    before, steps = 0.0, lr

    def step(theta, gradient):
        nonlocal before, steps
        turned = np.sign(gradient * before)
        factor = np.where(turned > 0, grow, np.where(turned < 0, shrink, 1.0))
        bound = np.clip(steps * factor, smallest, largest)
        steps = np.where(turned == 0, steps, bound)
        before = np.where(turned < 0, 0.0, gradient)
        theta -= np.sign(before) * steps

    return step
