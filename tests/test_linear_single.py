"""One row of a linear model at a time, and orders of rows: the twin's, and scikit-learn's."""

import numpy as np
import pytest
from sklearn.utils._seq_dataset import ArrayDataset64

from fastperc.kernels import reference_linear
from fastperc.kernels.linear_orders import shuffle
from fastperc.kernels.linear_parts import arguments as codes
from fastperc.kernels.linear_parts.arguments import LinearModel
from fastperc.kernels.linear_single import learn_linear, room, score_linear
from linear_problems import EXAMPLES, FORMS, close, intercepts_of, run


def state_of_one_row(model, class_weight):
    """Return the two arrays of `linear_single`: all coefficients, and state with room for a row."""
    n = len(model.coef)
    theta = np.concatenate([model.coef[None], model.memory])
    state = np.concatenate([model.state, np.zeros(room(n) - 2 * n)])
    state[codes.N_FIELDS + 4 * n :][: len(class_weight)] = class_weight
    return theta, state


@pytest.mark.parametrize("form", ["dense", "int32"])
@pytest.mark.parametrize("which", EXAMPLES)
def test_rows_learned_one_at_a_time_are_those_of_the_twin(which, form):
    problem = EXAMPLES[which].but(columns=FORMS[form], weighted=False)
    samples, model, n = problem.samples(), problem.model(), problem.n_outputs
    factors = np.linspace(0.5, 2, max(2, n))
    theta, state = state_of_one_row(model, factors)
    if n > 1:
        samples = samples._replace(class_weight=factors)
    else:
        samples = samples._replace(weight=factors[(samples.y > 0).astype(int)])
    twin, scores = run(reference_linear.train_linear, samples, model, 26)
    loss_sum = 0.0
    for row, expected in zip(samples.order, scores, strict=True):
        x, columns = samples.X[row] if form == "dense" else samples.X, samples.columns
        if form != "dense":
            stored = slice(samples.starts[row], samples.starts[row + 1])
            x, columns = x[stored], columns[stored]
        score, best = score_linear(x, columns, theta, state)
        close(score, expected[0], 1e-11)
        assert best == expected.argmax()
        loss_sum += learn_linear(x, columns, float(samples.y[row]), theta, state)
    close(loss_sum, codes.as_record(twin.state)["loss_sum"], 1e-11)
    close(theta[0], twin.coef, 1e-11)
    close(theta[1:], twin.memory, 1e-11)
    close(intercepts_of(LinearModel(twin.coef, twin.memory, state)), intercepts_of(twin), 1e-11)


@pytest.mark.parametrize("n", [1, 2, 3, 100, 5_001])
def test_rows_are_shuffled_as_in_scikit_learn(n):
    theirs = ArrayDataset64(np.zeros((n, 1)), np.arange(n) * 1.0, np.ones(n))
    order = np.arange(n, dtype=np.int32)
    for seed in (0, 1, 12345, 2**31 - 2):
        theirs._shuffle_py(seed)  # what is in random order already, once more
        shuffle(seed, order)
        few = [theirs._next_py()[1] for _ in range(min(n, 200))]
        np.testing.assert_array_equal(order[:200], few)
        for _ in range(n - len(few)):
            theirs._next_py()
