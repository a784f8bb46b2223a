"""The twin of the linear kernel: its slopes, AdaGrad and FTRL, by formulas and Vowpal Wabbit."""

import numpy as np
import pytest
from finite_differences import numeric_gradient

from fastperc.kernels import reference_linear, reference_rules
from fastperc.kernels.linear_parts import arguments as codes
from linear_problems import intercepts_of, new_model, new_samples, run, weights_of

EPOCHS = 3


def rows(seed, n=25, m=6):
    """Return X with many zeros, and labels of 0 and 1."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, m)) * (rng.uniform(size=(n, m)) < 0.7)
    return X, (X @ rng.normal(size=m) + rng.normal(size=n) / 2 > 0).astype(float)


# --- derivatives --------------------------------------------------------------------------------


@pytest.mark.parametrize("code", reference_linear.LOSSES)
def test_slopes_are_derivatives_of_losses(code):
    loss_and_slope, step = reference_linear.LOSSES[code], 1e-6
    scores = np.linspace(-2.97, 3.01, 15)  # no kinks among them
    for y in (np.array([1.0]), np.array([0.0 if code == codes.LOG_LOSS else -1.0])):
        if code == codes.SOFTMAX:
            continue
        for z in scores[:, None]:
            above, below = (loss_and_slope(z + d, y, 0.3)[0] for d in (step, -step))
            slope = loss_and_slope(z, y, 0.3)[1]
            np.testing.assert_allclose((above - below) / (2 * step), slope, atol=1e-8)


def test_slopes_of_softmax_are_derivatives_of_cross_entropy():
    z, y = np.array([0.3, -1.2, 2.0]), np.array([0.0, 1.0, 0.0])

    def loss(z):
        return reference_linear.cross_entropy(z, y, 0.0)[0].sum()

    (derivative,) = numeric_gradient(loss, [z])
    np.testing.assert_allclose(reference_linear.cross_entropy(z, y, 0.0)[1], derivative, atol=1e-9)
    assert loss(z) == pytest.approx(np.log(np.exp(z).sum()) - z[1])


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_a_step_follows_the_gradient_of_the_loss(n_outputs):
    rng = np.random.default_rng(0)
    x, coef, b = rng.normal(size=5), rng.normal(size=(n_outputs, 5)), rng.normal(size=n_outputs)
    code = codes.SOFTMAX if n_outputs > 1 else codes.LOG_LOSS
    targets = np.eye(n_outputs)[-1]
    model = new_model(n_outputs, 5, coef=coef, loss=code, eta=1.0)
    intercepts_of(model)[:] = b
    samples = new_samples(x[None], [n_outputs - 1 if n_outputs > 1 else 1])
    trained, _ = run(reference_linear.train_linear, samples, model, 1)

    def loss(coef, b):
        return reference_linear.LOSSES[code](coef @ x + b, targets, 0.0)[0].sum()

    by_coef, by_b = numeric_gradient(loss, [coef, b])
    np.testing.assert_allclose(trained.coef, coef - by_coef, atol=1e-8)
    np.testing.assert_allclose(intercepts_of(trained), b - by_b, atol=1e-8)


# --- AdaGrad and FTRL-proximal ------------------------------------------------------------------


def trained_by(rule, X, y, intercept=0, **settings):
    given = {"loss": codes.LOG_LOSS, "rule": rule, "fits_intercept": intercept, "eta0": 0.2}
    model = new_model(1, X.shape[1], **(given | settings))
    order = np.tile(np.arange(len(y)), EPOCHS)
    return run(reference_linear.train_linear, new_samples(X, y, order=order), model, len(order))


def test_adagrad_without_penalties_is_the_update_rule_of_networks():
    X, y = rows(9)
    trained, _ = trained_by(codes.ADAGRAD, X, y, intercept=1, beta=0.01)
    rule, theta, ones = reference_rules.adagrad(0.2, 0.01), np.zeros(7), np.ones(len(y))
    for x, target in zip(np.tile(np.c_[X, ones], (EPOCHS, 1)), np.tile(y, EPOCHS), strict=True):
        rule(theta, (1 / (1 + np.exp(-theta @ x)) - target) * x)
    np.testing.assert_allclose(trained.coef[0], theta[:-1], rtol=1e-12)
    np.testing.assert_allclose(intercepts_of(trained), theta[-1], rtol=1e-12)


def test_adagrad_minimises_what_composite_mirror_descent_says():
    """w' = argmin g w' + l1 |w'| + l2 / 2 w'**2 + (w' - w)**2 / (2 r): on a fine grid."""
    grid = np.linspace(-1, 1, 200_001)
    for w, target in [(0.5, 1.0), (-0.4, 1.0), (0.02, 0.0), (0.001, 0.0)]:
        samples = new_samples(np.array([[0.7]]), [target])
        model = new_model(
            1, 1, coef=[w], loss=codes.LOG_LOSS, rule=codes.ADAGRAD, l1=0.1, l2=0.3, beta=0.5,
            eta0=0.2, fits_intercept=0,
        )  # fmt: skip
        g = 0.7 * (1 / (1 + np.exp(-0.7 * w)) - target)
        r = 0.2 / (abs(g) + 0.5)
        objective = g * grid + 0.1 * abs(grid) + 0.15 * grid**2 + (grid - w) ** 2 / (2 * r)
        trained, _ = run(reference_linear.train_linear, samples, model, 1)
        assert trained.coef[0, 0] == pytest.approx(grid[objective.argmin()], abs=1.1e-5)


def test_ftrl_is_algorithm_1_of_mcmahan_2013():
    X, y = rows(10)
    alpha, beta, l1, l2 = 0.2, 0.5, 2.5, 0.1
    trained, scores = trained_by(codes.FTRL, X, y, beta=beta, l1=l1, l2=l2)
    z, n, found = np.zeros(6), np.zeros(6), []
    for x, target in zip(np.tile(X, (EPOCHS, 1)), np.tile(y, EPOCHS), strict=True):
        w = np.zeros(6)
        for i in range(6):
            if abs(z[i]) > l1:
                w[i] = -(z[i] - np.sign(z[i]) * l1) / ((beta + np.sqrt(n[i])) / alpha + l2)
        found.append(w @ x)
        g = (1 / (1 + np.exp(-w @ x)) - target) * x
        z += g - (np.sqrt(n + g**2) - np.sqrt(n)) / alpha * w
        n += g**2
    np.testing.assert_allclose(scores[:, 0], found, atol=1e-12)
    np.testing.assert_allclose(trained.memory[:, 0], [z, n], rtol=1e-12)
    assert np.any(trained.coef == 0)


@pytest.mark.parametrize("rule", [codes.ADAGRAD, codes.FTRL])
def test_an_intercept_is_a_column_of_ones_without_penalties(rule):
    X, y = rows(11)
    trained, scores = trained_by(rule, X, y, intercept=1)
    wider, same = trained_by(rule, np.c_[X, np.ones(len(y))], y)
    np.testing.assert_allclose(scores, same, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(intercepts_of(trained), wider.coef[:, -1], rtol=1e-12)


# --- Vowpal Wabbit, which computes in float32 --------------------------------------------------


def vowpal_wabbit(options, X, y, weight):
    """Return scores before each row, and coefficients, of Vowpal Wabbit's log loss."""
    package = pytest.importorskip("vowpalwabbit")
    vw = package.Workspace(f"--loss_function logistic --noconstant --quiet {options}")
    scores = []
    for x, target, factor in zip(X, y, weight, strict=True):
        features = " ".join(f"{j}:{float(x[j])!r}" for j in np.flatnonzero(x).tolist())
        example = vw.parse(f"{2 * target - 1:.0f} {float(factor)!r} | {features}")
        vw.learn(example)
        scores.append(example.get_simplelabel_prediction())
        vw.finish_example(example)
    coef = [vw.get_weight(j) for j in range(X.shape[1])]
    vw.finish()
    return np.array(scores), np.array(coef)


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.4, 0.0), (0.0, 0.7), (0.3, 0.2)])
def test_ftrl_is_that_of_vowpal_wabbit(l1, l2):
    X, y = rows(12, n=120)
    weight = np.random.default_rng(0).uniform(0.3, 2, 120)
    options = f"--ftrl --ftrl_alpha 0.1 --ftrl_beta 0.4 --l1 {l1} --l2 {l2}"
    scores, coef = vowpal_wabbit(options, X, y, weight)
    model = new_model(
        1, 6, loss=codes.LOG_LOSS, rule=codes.FTRL, eta0=0.1, beta=0.4, l1=l1, l2=l2,
        fits_intercept=0,
    )  # fmt: skip
    samples = new_samples(X, y, weight)
    trained, found = run(reference_linear.train_linear, samples, model, 120)
    np.testing.assert_allclose(found[:, 0], scores, atol=1e-4)
    np.testing.assert_allclose(trained.coef[0], coef, atol=1e-4)
    np.testing.assert_array_equal(trained.coef[0] == 0, coef == 0)


def test_log_loss_by_plain_steps_is_that_of_vowpal_wabbit():
    X, y = rows(13, n=120)
    weight = np.random.default_rng(0).uniform(0.3, 2, 120)
    scores, coef = vowpal_wabbit("--sgd --learning_rate 0.1 --power_t 0", X, y, weight)
    model = new_model(1, 6, loss=codes.LOG_LOSS, eta=0.1, fits_intercept=0)
    trained, found = run(reference_linear.train_linear, new_samples(X, y, weight), model, 120)
    np.testing.assert_allclose(found[:, 0], scores, atol=1e-4)
    np.testing.assert_allclose(weights_of(trained)[0], coef, atol=1e-4)
