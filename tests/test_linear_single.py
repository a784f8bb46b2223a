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


class OneRow:
    """An example's rows for `learn_linear`, and what the twin makes of them."""

    def __init__(self, which, form):
        self.problem = EXAMPLES[which].but(columns=FORMS[form], weighted=False)
        samples, model, n = self.problem.samples(), self.problem.model(), self.problem.n_outputs
        self.samples, self.n, factors = samples, n, np.linspace(0.5, 2, max(2, n))
        self.theta, self.state = state_of_one_row(model, factors)
        if n > 1:
            weighted = samples._replace(class_weight=factors)
        else:
            weighted = samples._replace(weight=factors[(samples.y > 0).astype(int)])
        weighted = weighted._replace(order=np.arange(len(samples.y), dtype=np.int32))
        self.twin, self.scores = run(reference_linear.train_linear, weighted, model, len(samples.y))
        self.targets = np.full((len(samples.y), 2 + n), np.nan)  # y, loss, scores
        self.targets[:, 0] = samples.y

    def row(self, i):
        X, columns, starts = self.samples[:3]
        if len(starts):
            stored = slice(starts[i], starts[i + 1])
            return X[stored], columns[stored]
        return X[i], columns

    def check(self):
        twin, state = self.twin, LinearModel(*self.twin[:2], self.state)
        close(self.targets[:, 2:], self.scores, 1e-11)
        loss_sum = codes.as_record(twin.state)["loss_sum"]
        close(self.targets[:, 1].sum(), loss_sum, 1e-11)
        close(self.theta[0], twin.coef, 1e-11)
        close(self.theta[1:], twin.memory, 1e-11)
        close(intercepts_of(state), intercepts_of(twin), 1e-11)


@pytest.mark.parametrize("form", ["dense", "int32"])
@pytest.mark.parametrize("which", EXAMPLES)
def test_rows_learned_one_at_a_time_are_those_of_the_twin(which, form):
    one, none = OneRow(which, form), np.empty(0, np.int32)
    scores = np.empty(one.n)
    for i, target in enumerate(one.targets):
        values, columns = one.row(i)
        best = score_linear(values, columns, one.theta, one.state, scores)
        close(scores, one.scores[i], 1e-11)
        assert best == (scores[0] if one.n == 1 else scores.argmax())
        loss = learn_linear(values, columns, none, target, one.theta, one.state)
        assert loss == target[1]
    one.check()


@pytest.mark.parametrize("form", ["dense", "int32"])
@pytest.mark.parametrize("which", EXAMPLES)
def test_rows_learned_in_one_call_are_those_of_the_twin(which, form):
    one = OneRow(which, form)
    learn_linear(*one.samples[:3], one.targets.reshape(-1), one.theta, one.state)
    one.check()


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
