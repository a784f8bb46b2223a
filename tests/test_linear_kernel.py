"""The kernel of linear models: what its twin computes, for every code, form of rows and width."""

from itertools import product

import numpy as np
import pytest
from fuzz.guarded import CAN_GUARD

from fastperc.kernels import reference_linear
from fastperc.kernels.linear import train_linear
from fastperc.kernels.linear_parts import arguments as codes
from linear_problems import (
    ALL_FORMS,
    EXAMPLES,
    FORMS,
    Problem,
    averages_of,
    close,
    copy_of,
    new_model,
    new_samples,
    run,
    weights_of,
)

LOSSES = {
    "hinge": codes.HINGE,
    "squared_hinge": codes.SQUARED_HINGE,
    "modified_huber": codes.MODIFIED_HUBER,
    "log_loss": codes.LOG_LOSS,
    "squared_error": codes.SQUARED_ERROR,
    "huber": codes.HUBER,
    "epsilon_insensitive": codes.EPSILON_INSENSITIVE,
    "squared_epsilon_insensitive": codes.SQUARED_EPSILON_INSENSITIVE,
    "softmax": codes.SOFTMAX,
}
WAYS = {  # rule and schedule
    "constant": (codes.SCALED, codes.CONSTANT),
    "optimal": (codes.SCALED, codes.OPTIMAL),
    "invscaling": (codes.SCALED, codes.INVSCALING),
    "adaptive": (codes.SCALED, codes.ADAPTIVE),
    "pa1": (codes.SCALED, codes.PA1),
    "pa2": (codes.SCALED, codes.PA2),
    "adagrad": (codes.ADAGRAD, codes.CONSTANT),
    "ftrl": (codes.FTRL, codes.CONSTANT),
}
PENALTIES = ("none", "l2", "l1", "elasticnet")
WIDTHS = (1, 7, 8, 9, 20, 33, 1000)

EXACT = ("n_features", "n_outputs", "average_from", "t")
SUMS = ("mistakes", "updates", "loss_sum", "penalty_sum")
PARTS = ("scale", "average_a", "average_b", "owed")


def check(problem, cuts=(), tolerance=None):
    """Train kernel and twin, the twin in float64; compare models, counts and scores."""
    samples, model = problem.samples(), problem.model()
    n_steps, exact = len(samples.order), problem.dtype == np.float64
    tolerance = tolerance or (1e-11 if exact else 1e-4)
    before = copy_of(model)
    found, scores = run(train_linear, samples, model, n_steps, cuts)
    twin, expected = run(
        reference_linear.train_linear, samples, copy_of(model, np.float64), n_steps
    )
    np.testing.assert_array_equal(model.coef, before.coef)
    close(scores, expected, tolerance)
    close(weights_of(found), weights_of(twin), tolerance)
    close(found.state[codes.N_FIELDS :], twin.state[codes.N_FIELDS :], tolerance)
    if problem.average_from:
        close(averages_of(found)[0], averages_of(twin)[0], tolerance)
    record, other = codes.as_record(found.state), codes.as_record(twin.state)
    for name in EXACT:
        assert record[name] == other[name], name
    for name in SUMS:
        close(record[name], other[name], tolerance, name)
    if exact:  # in float32, the scale is multiplied out earlier
        close(found.coef, twin.coef, tolerance)
        close(found.memory, twin.memory, tolerance)
        for name in PARTS:
            close(record[name], other[name], tolerance, name)


def problems(loss, way, forms=FORMS):
    """Return the problems that a loss and a way to learn from it can have."""
    rule, schedule = WAYS[way]
    for penalty, columns, n_outputs, average_from, weighted in product(
        PENALTIES, forms.values(), (1, 3), (0, 5), (False, True)
    ):
        if (loss == "softmax" and n_outputs == 1) or (rule != codes.SCALED and average_from):
            continue
        yield Problem(
            LOSSES[loss], rule, schedule, penalty, n_outputs, average_from, weighted,
            columns=columns,
        )  # fmt: skip


LEARNED = [
    (loss, way)
    for loss, way in product(LOSSES, WAYS)
    if not way.startswith("pa") or loss in ("hinge", "epsilon_insensitive")
]


@pytest.mark.parametrize(("loss", "way"), LEARNED)
def test_every_loss_and_way_is_that_of_the_twin(loss, way):
    some = list(problems(loss, way))
    chosen = np.random.default_rng([LOSSES[loss], *WAYS[way]]).permutation(len(some))[:8]
    for k in chosen:
        check(some[k])


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "way"), LEARNED)
def test_every_combination_is_that_of_the_twin(loss, way):
    for problem in problems(loss, way, ALL_FORMS):
        check(problem)
        check(problem, cuts=(0, 5, 5, 6))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("m", WIDTHS)
def test_every_width_is_that_of_the_twin(m, form, dtype):
    base = Problem(m=m, columns=FORMS[form], dtype=dtype, epochs=3)
    check(base.but(loss=codes.LOG_LOSS, penalty="l2"))
    check(base.but(loss=codes.SQUARED_HINGE, penalty="elasticnet", n_outputs=5, average_from=2))
    check(base.but(schedule=codes.PA1, average_from=4))
    check(base.but(loss=codes.HUBER, rule=codes.ADAGRAD, penalty="elasticnet"))
    check(base.but(loss=codes.SOFTMAX, n_outputs=3, rule=codes.FTRL, penalty="l1"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_in_either_precision_is_that_of_the_twin(loss, dtype):
    base = Problem(loss=LOSSES[loss], n_outputs=3, dtype=dtype, weighted=True)
    for rule, penalty in product((codes.SCALED, codes.ADAGRAD, codes.FTRL), PENALTIES):
        check(base.but(rule=rule, penalty=penalty))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("which", EXAMPLES)
def test_steps_may_be_taken_in_slices(which, form):
    problem = EXAMPLES[which].but(columns=FORMS[form])
    for cuts in ((1,), (0, 5, 5, 6, 26), tuple(range(26))):
        check(problem, cuts)


@pytest.mark.parametrize("which", EXAMPLES)
def test_a_slice_of_no_steps_changes_nothing(which):
    samples, model = EXAMPLES[which].samples(), EXAMPLES[which].model()
    for first in (0, 3, len(samples.order)):
        found = copy_of(model)
        train_linear(samples, found, first, first, np.empty(6), np.empty((0, len(model.coef))))
        for part, before in zip(found, model, strict=True):
            np.testing.assert_array_equal(part, before)


@pytest.mark.parametrize("which", EXAMPLES)
def test_rows_come_as_they_are_without_an_order(which):
    samples, model = EXAMPLES[which].samples(), EXAMPLES[which].model()
    unordered = samples._replace(order=np.empty(0, np.int32))
    ordered = samples._replace(order=np.arange(len(samples.y), dtype=np.int32))
    found, scores = run(train_linear, unordered, model, len(samples.y))
    same, expected = run(train_linear, ordered, model, len(samples.y))
    np.testing.assert_array_equal(found.coef, same.coef)
    np.testing.assert_array_equal(scores, expected)


@pytest.mark.parametrize("which", EXAMPLES)
def test_scores_that_nobody_wants_change_nothing(which):
    samples, model = EXAMPLES[which].samples(), EXAMPLES[which].model()
    found, unheard = run(train_linear, samples, model, 26)[0], copy_of(model)
    train_linear(samples, unheard, 0, 26, np.empty(6), np.empty((0, len(model.coef))))
    for part, expected in zip(unheard, found, strict=True):
        np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", FORMS)
def test_a_scale_that_vanishes_is_multiplied_out(form, dtype):
    base = Problem(columns=FORMS[form], dtype=dtype, epochs=5)
    for l2 in (2.0, 4.0, 9.9, 10.0, 1000.0):  # of a learning rate of 0.1: from 10 on all is 0
        problem = base.but(settings=(("l2", l2),))
        check(problem)
        check(problem.but(average_from=3), tolerance=1e-3 if dtype == np.float32 else 1e-8)
        check(base.but(settings=(("l2", l2), ("l1", 0.01)), n_outputs=3))


@pytest.mark.parametrize("fits_intercept", [0, 1])
@pytest.mark.parametrize("way", WAYS)
def test_intercepts_may_be_left_out_and_their_steps_made_small(way, fits_intercept):
    rule, schedule = WAYS[way]
    settings = (("fits_intercept", fits_intercept), ("intercept_decay", 0.01))
    base = Problem(rule=rule, schedule=schedule, penalty="l2", settings=settings)
    check(base)
    check(base.but(n_outputs=3))


@pytest.mark.parametrize("average_from", [0, 2])
@pytest.mark.parametrize("tracks_loss", [0, 1])
def test_losses_are_added_up_only_where_asked_for(tracks_loss, average_from):
    for penalty, n_outputs in product(PENALTIES, (1, 3)):
        settings = (("tracks_loss", tracks_loss),)
        base = Problem(penalty=penalty, n_outputs=n_outputs, settings=settings)
        check(base.but(average_from=average_from))


def test_a_perceptron_learns_from_scores_of_0():
    X = np.zeros((6, 4))
    X[:, 0] = [1, -1, 2, 0, 1, 3]  # integers: sums are exact, and so are ties
    samples = new_samples(X, [1, -1, 1, -1, -1, 1])
    for average_from in (0, 1):
        model = new_model(1, 4, epsilon=0.0, eta=1.0, average_from=average_from)
        found, scores = run(train_linear, samples, model, 6)
        twin, expected = run(reference_linear.train_linear, samples, model, 6)
        np.testing.assert_array_equal(scores, expected)
        np.testing.assert_array_equal(found.coef, twin.coef)


def test_ties_of_integers_are_those_of_the_twin_at_every_width():
    rng = np.random.default_rng(0)
    for m, dtype in product(WIDTHS, (np.float32, np.float64)):
        X = rng.integers(-2, 3, (60, m)).astype(dtype)
        y = rng.choice([-1, 1], 60)
        model = new_model(1, m, dtype, epsilon=0.0, eta=1.0)
        found, scores = run(train_linear, new_samples(X, y), model, 60)
        twin, expected = run(reference_linear.train_linear, new_samples(X, y), model, 60)
        np.testing.assert_array_equal(scores, expected)
        np.testing.assert_array_equal(found.coef, twin.coef)


def test_rows_without_any_stored_value_move_intercepts_only():
    samples = Problem(columns=np.int32).samples()
    starts = np.zeros_like(samples.starts)
    empty = samples._replace(X=samples.X[:0], columns=samples.columns[:0], starts=starts)
    model = Problem().model()
    found, _ = run(train_linear, empty, model, 26)
    twin, _ = run(reference_linear.train_linear, empty, model, 26)
    np.testing.assert_array_equal(found.coef, model.coef)
    np.testing.assert_allclose(
        found.state[codes.N_FIELDS :], twin.state[codes.N_FIELDS :], rtol=1e-12
    )


def test_a_slope_is_cut_at_1e12():
    for n_outputs, scale in product((1, 3), (1e7, 1e14)):
        problem = Problem(loss=codes.SQUARED_ERROR, n_outputs=n_outputs, n=5, epochs=1)
        samples = problem.samples()
        samples = samples._replace(X=samples.X * scale, order=np.arange(2, dtype=np.int32))
        found, scores = run(train_linear, samples, problem.model(), 2)
        twin, expected = run(reference_linear.train_linear, samples, problem.model(), 2)
        np.testing.assert_allclose(scores, expected, rtol=1e-12)
        np.testing.assert_allclose(found.coef, twin.coef, rtol=1e-12)


def test_large_scores_of_log_loss_and_softmax_are_finite():
    for loss, n_outputs in ((codes.LOG_LOSS, 1), (codes.LOG_LOSS, 3), (codes.SOFTMAX, 3)):
        problem = Problem(loss=loss, n_outputs=n_outputs)
        samples = problem.samples()
        samples = samples._replace(X=samples.X * 1e4)
        found, scores = run(train_linear, samples, problem.model(), 26)
        twin, expected = run(reference_linear.train_linear, samples, problem.model(), 26)
        loss_sum = codes.as_record(found.state)["loss_sum"]
        assert np.isfinite(loss_sum)
        np.testing.assert_allclose(scores, expected, rtol=1e-11)
        np.testing.assert_allclose(loss_sum, codes.as_record(twin.state)["loss_sum"], rtol=1e-11)
        np.testing.assert_allclose(found.coef, twin.coef, rtol=1e-11)


# --- memory -------------------------------------------------------------------------------------


GUARDED = """
import sys
sys.path.insert(0, {tests!r})
from itertools import product
import numpy as np
from fuzz.guarded import guarded
from linear_problems import EXAMPLES, FORMS
from fastperc.kernels.linear import train_linear

for at, dtype, columns, m, problem in product(
    ("begin", "end"), (np.float32, np.float64), FORMS.values(), (1, 9, 33), EXAMPLES.values()
):
    problem = problem.but(columns=columns, dtype=dtype, m=m)
    samples = type(problem.samples())(*(guarded(a, at) for a in problem.samples()))
    model = type(problem.model())(*(guarded(a, at) for a in problem.model()))
    k = problem.n_outputs
    for first, last in ((0, 0), (0, 20), (20, 20), (20, 26), (26, 26)):
        outputs = guarded(np.zeros((last - first, k)), at)
        train_linear(samples, model, first, last, guarded(np.zeros(2 * k), at), outputs)
print("done")
"""


@pytest.mark.skipif(not CAN_GUARD, reason="only Linux is known to have mprotect here")
def test_no_memory_is_touched_but_that_of_the_arrays(run_python, repository):
    code = GUARDED.format(tests=str(repository / "tests"))
    assert run_python(code) == "done\n"


def test_another_shape_compiles_nothing():
    check(Problem())
    before = list(train_linear.signatures)
    check(Problem(m=17, n=5, loss=codes.HUBER, penalty="l1", weighted=True))
    check(Problem(n_outputs=4, rule=codes.FTRL))
    assert list(train_linear.signatures) == before
