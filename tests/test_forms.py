"""The forms in which people write networks: what `compare` takes, and what it says of the rest."""

import linecache
import os
import random
import re
import sys
from itertools import pairwise

import numpy as np
import pytest

from fastperc.comparing import compare, forms, objects, own
from fastperc.comparing.forms import Form, read_blocks, read_outputs
from fastperc.comparing.problem import make_problem
from fastperc.comparing.running import function_candidate
from fastperc.comparing.slots import find_slots as slots_of

SIZES = (3, 4, 2)
PROBLEM = {
    "sizes": SIZES, "hidden": "tanh", "output": "identity", "loss": "squared_error",
    "n_samples": 12, "batch_size": 5, "dtype": "float64", "lr": 0.1, "seed": 0, "X": None,
    "y": None,
}  # fmt: skip
QUICK = {"sizes": SIZES, "hidden": "tanh", "n_samples": 12, "seconds": 0.01, "variants": "numpy"}
LAYOUTS = pytest.mark.parametrize("layout", forms.LAYOUTS)


def row_of(kernel, kind, **options):
    """The row of a kernel, checked and not timed."""
    return function_candidate(kernel, make_problem(kind, **{**PROBLEM, **options}), 20.0).row


def gradient(X, Y, weights, biases, layout="rows"):
    """W1, b1, W2, b2 of the gradient, in the layout of the arguments."""
    turned = layout == "columns"
    X, Y, *weights = (a.T if turned else a for a in (X, Y, *weights))
    b1, b2 = (0 if b is None else b.reshape(-1) for b in biases)
    hidden = np.tanh(X @ weights[0] + b1)
    delta = (hidden @ weights[1] + b2 - Y) / len(X)
    below = delta @ weights[1].T * (1 - hidden**2)
    blocks = X.T @ below, below.sum(0), hidden.T @ delta, delta.sum(0)
    return [b.T if b.ndim == 2 else b[:, None] for b in blocks] if turned else list(blocks)


FORMS = {
    "pair of lists": lambda a, b, c, d: ([a, c], [b, d]),
    "list of lists": lambda a, b, c, d: [[a, c], [b, d]],
    "numbers": lambda a, b, c, d: ([a.tolist(), c.tolist()], (b.tolist(), d.tolist())),
    "flat": lambda *blocks: blocks,
    "weights first": lambda a, b, c, d: (a, c, b, d),
    "pairs": lambda a, b, c, d: [(a, b), (c, d)],
    "named": lambda a, b, c, d: {"W1": a, "b1": b, "W2": c, "b2": d, "A1": 0},
    "named from 0": lambda a, b, c, d: {"w0": a, "w1": c, "b0": b, "b1": d},
    "gradient": lambda a, b, c, d: {"dW1": a, "db1": b, "dW2": c, "db2": d, "W1": 1, "b1": 1},
    "lists by name": lambda a, b, c, d: {"weights": [a, c], "biases": [b, d]},
    "list of dicts": lambda a, b, c, d: [{"W": a, "b": b}, {"W": c, "b": d}],
    "dict of dicts": lambda a, b, c, d: {1: {"w": a, "bias": b}, 2: {"w": c, "bias": d}},
    "vector": lambda *blocks: np.concatenate([block.ravel() for block in blocks]),
    "biases (n, 1)": lambda a, b, c, d: ([a, c], [b.reshape(-1, 1), d.reshape(-1, 1)]),
    "biases (1, n)": lambda a, b, c, d: ([a, c], [b.reshape(1, -1), d.reshape(1, -1)]),
    "with losses": lambda a, b, c, d: ([a, c], [b, d], [0.5, 0.25]),
    "a loss and a pair": lambda a, b, c, d: (np.float64(0.5), ([a, c], [b, d])),
    "a loss and all": lambda *blocks: (0.5, *blocks),
    "parameters and losses": lambda a, b, c, d: ({"W1": a, "b1": b, "W2": c, "b2": d}, [0.5, 0.2]),
}  # fmt: skip


@LAYOUTS
@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_a_gradient_is_read(name, layout):
    form = Form(SIZES, layout)
    right = [np.arange(float(np.prod(form.shape(n)))).reshape(form.shape(n)) for n in form.names]
    found = read_blocks(FORMS[name](*right), form, is_gradient=True)
    rows = Form(SIZES)
    for block_name, block, wanted in zip(form.names, found, right, strict=True):
        assert block.shape == rows.shape(block_name)
        np.testing.assert_array_equal(block, form.in_rows(block_name, wanted))


@pytest.mark.parametrize(
    "value", [None, 1.5, "text", [], {}, {"A1": np.ones(3)}, [1, 2, 3], ([], [])]
)
def test_what_is_no_parameters_is_none(value):
    assert read_blocks(value, Form(SIZES)) is None


@LAYOUTS
@pytest.mark.parametrize("name", ["named", "pairs", "vector", "biases (1, n)", "numbers"])
def test_what_a_training_function_returns_goes_into_its_next_call(name, layout):
    def full(X, Y, weights, biases, lr):
        is_column = layout == "columns"
        assert biases[0].shape == ((4, 1) if is_column else (4,))
        assert weights[0].shape == ((4, 3) if is_column else (3, 4))
        assert X.flags.c_contiguous
        blocks = weights[0], biases[0], weights[1], biases[1]
        moves = gradient(X, Y, weights, biases, layout)
        return FORMS[name](*(b - lr * g for b, g in zip(blocks, moves, strict=True)))

    row = row_of(full, "full", layout=layout)
    assert row.agrees, row.error or row.finding
    assert row.finding.steps == 20


@LAYOUTS
def test_a_wrong_number_is_found_at_its_place_in_the_layout(layout):
    def wrong(X, Y, weights, biases):
        a, b, c, d = gradient(X, Y, weights, biases, layout)
        a[0, 2] += 1
        d[1] += 1
        return [a, c], [b, d]

    blocks = row_of(wrong, "gradient", layout=layout).finding.blocks
    assert [(b.name, b.index) for b in blocks] == [
        ("W1", (0, 2)), ("b2", (1,) if layout == "rows" else (1, 0))
    ]  # fmt: skip


def test_a_wrong_shape_is_named_in_the_layout():
    def wrong(X, Y, weights, biases):
        a, b, c, d = gradient(X, Y, weights, biases, "columns")
        return {"dW1": a, "db1": b * np.ones(X.shape[1]), "dW2": c.T, "db2": d}

    blocks = row_of(wrong, "gradient", layout="columns").finding.blocks
    assert [str(block) for block in blocks][-1] == "W2 (shape (4, 2), expected (2, 4))"
    assert all(", expected (4, 1))" in str(block) for block in blocks[:-1])


@LAYOUTS
@pytest.mark.parametrize("form", [lambda p: p, lambda p: (p, "cache"), lambda p: ([], p)])
def test_outputs_are_read_alone_or_in_a_tuple(layout, form):
    outputs = np.arange(6.0).reshape(3, 2)
    given = outputs.T if layout == "columns" else outputs
    np.testing.assert_array_equal(read_outputs(form(given), 3, 2, layout), outputs)


def test_outputs_of_one_unit_may_be_a_vector():
    def forward(X, weights, biases):
        return (np.tanh(X @ weights[0] + biases[0]) @ weights[1] + biases[1])[:, 0]

    assert row_of(forward, "forward", sizes=(3, 4, 1)).agrees


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("gradient", None, r"returned None, expected \(by_weights, by_biases\), 2 arrays each$"),
        ("gradient", 0.5, r"returned float 0.5, expected \(by_weights"),
        (
            "full",
            {"A": 1},
            r"returned dict with the keys 'A', expected \(weights, biases\), 2 .*None",
        ),
        ("full", [np.ones(2)], r"returned list of 1: ndarray \(2,\), expected"),
        ("forward", {}, r"returned an empty dict, expected the outputs, \(n, n_outputs\)"),
    ],
)
def test_another_form_is_refused_with_what_it_is(kind, value, said):
    error = row_of(lambda *arguments: value, kind).error
    assert error.startswith("raises TypeError: the kernel ")
    assert re.search(said, error), error


# --- signatures -----------------------------------------------------------------------------------


def descend(X, Y, weights, lr):
    for block, move in zip(weights, gradient(X, Y, weights, [None, None])[::2], strict=True):
        block -= lr * move


def descend_with_biases(X, Y, weights, biases, lr):
    assert biases == [None, None]
    descend(X, Y, weights, lr)
    return weights[0], weights[1]


@pytest.mark.parametrize("function", [descend, descend_with_biases])
def test_code_without_biases_may_take_them_or_not(function):
    row = row_of(function, "full", bias=False)
    assert row.agrees, row.error
    assert not row_of(lambda X, Y, weights, lr: None, "full", bias=False).agrees


def test_arguments_of_known_names_are_given():
    def loop(X, Y, weights, biases, lr, n_epochs=100, *, weight_decay, momentum=0.5):
        velocity = [0, 0, 0, 0]
        blocks = weights[0], biases[0], weights[1], biases[1]
        for _ in range(n_epochs):
            moves = gradient(X, Y, weights, biases)
            moves[0] += weight_decay * weights[0]
            moves[2] += weight_decay * weights[1]
            for k, block in enumerate(blocks):
                velocity[k] = momentum * velocity[k] - lr * moves[k]
                block += velocity[k]

    problem = make_problem("full", **PROBLEM, momentum=0.9, alpha=0.1, epochs=3)
    assert own.FunctionRunner(problem, loop).keywords == {
        "n_epochs": 3, "weight_decay": 0.1, "momentum": 0.9
    }  # fmt: skip
    plain = make_problem("full", **PROBLEM)
    assert own.FunctionRunner(plain, loop).keywords == {"n_epochs": 1, "weight_decay": 0.0}


def test_a_penalty_is_no_learning_rate():
    def penalised(X, Y, weights, biases, alpha=0.0):
        a, b, c, d = gradient(X, Y, weights, biases)
        return a + alpha * weights[0], b, c + alpha * weights[1], d

    assert own.FunctionRunner(make_problem("gradient", **PROBLEM), penalised).keywords == {}
    problem = make_problem("gradient", **PROBLEM, alpha=0.2)
    assert own.FunctionRunner(problem, penalised).keywords == {"alpha": 0.2}


def test_several_functions_are_rows_of_their_own():
    result = compare([descend, descend, descend_with_biases], "full", bias=False, **QUICK)
    names = ["descend", "descend (2)", "descend_with_biases", "numpy"]
    assert [row.name for row in result.rows] == names
    assert result.agrees


@pytest.mark.parametrize("n_samples", [5, 10, 40])
def test_a_last_short_batch_is_checked_where_the_samples_have_none(n_samples):
    def batches(X, Y, weights, biases, lr, batch_size):
        for first in range(0, len(X) - len(X) % batch_size, batch_size):
            rows = slice(first, first + batch_size)
            moves = gradient(X[rows], Y[rows], weights, biases)
            blocks = weights[0], biases[0], weights[1], biases[1]
            for block, move in zip(blocks, moves, strict=True):
                block -= lr * move

    row = row_of(batches, "batches", n_samples=n_samples)
    assert row.finding.first_wrong == max(1, min(n_samples // 5, 3))
    given = {"X": np.ones((10, 3)), "y": np.ones((10, 2))}
    assert row_of(batches, "batches", **given).agrees


# --- start values ---------------------------------------------------------------------------------


@LAYOUTS
@pytest.mark.parametrize("name", ["pair of lists", "pairs", "vector", "named"])
def test_start_values_are_taken_as_they_are_written(name, layout):
    form = Form(SIZES, layout)
    blocks = [np.random.default_rng(1).normal(size=form.shape(n)) for n in form.names]
    problem = make_problem("full", **PROBLEM, start=FORMS[name](*blocks), layout=layout)
    for block_name, block, start in zip(form.names, blocks, problem.start_blocks(), strict=True):
        np.testing.assert_array_equal(start, form.in_rows(block_name, block))


def test_start_values_of_another_network_are_refused():
    W1, biases = np.ones((3, 4)), [np.ones(4), np.ones(2)]
    for W2, said in (
        (np.ones((5, 2)), r"start: found W2 of shape \(5, 2\), expected \(4, 2\) for sizes 3-4-2"),
        (np.full((4, 2), np.nan), "start W2: found nan"),
    ):
        with pytest.raises(ValueError, match=said):
            make_problem("full", **PROBLEM, start=([W1, W2], biases))
    with pytest.raises(TypeError, match="start: found str 'no', expected"):
        make_problem("full", **PROBLEM, start="no")


# --- objects --------------------------------------------------------------------------------------


class Columns:
    """A course's network: columns, a dict of parameters that are replaced."""

    def __init__(self, sizes=SIZES, rate=0.1):
        rng = np.random.default_rng(3)
        self.learning_rate, self.parameters = rate, {}
        for layer, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
            self.parameters[f"W{layer}"] = rng.normal(size=(n_out, n_in))
            self.parameters[f"b{layer}"] = np.zeros((n_out, 1))

    def forward(self, X):
        p = self.parameters
        self.hidden = np.tanh(p["W1"] @ X + p["b1"])
        return p["W2"] @ self.hidden + p["b2"]

    def fit(self, X, Y, epochs=1000):
        p = self.parameters
        for _ in range(epochs):
            print("training", X.shape)
            moves = gradient(X, Y, [p["W1"], p["W2"]], [p["b1"], p["b2"]], "columns")
            for name, move in zip(("W1", "b1", "W2", "b2"), moves, strict=True):
                p[name] = p[name] - self.learning_rate * move


class Unit:
    """One unit as books have it: its start values are made in fit, y is a vector."""

    def __init__(self, eta=0.01, n_iter=50, scale=1.0):
        self.eta, self.n_iter, self.scale = eta, n_iter, scale

    def fit(self, X, y):
        rng = np.random.RandomState(1)
        self.w_, self.b_ = rng.normal(0, 0.01, X.shape[1]), np.float64(0)
        for _ in range(self.n_iter):
            error = self.scale * (y - (X @ self.w_ + self.b_))
            self.w_ += self.eta * X.T @ error / len(X)
            self.b_ += self.eta * error.mean()
        return self


class Layers:
    """Layers of their own, one sample at a time, in plain Python."""

    class Dense:
        def __init__(self, n_in, n_out, seed):
            draw = random.Random(seed).gauss
            self.weights = [[draw(0, 1) for _ in range(n_out)] for _ in range(n_in)]
            self.bias = [0.0] * n_out

    def __init__(self):
        self.layers, self.eta = [self.Dense(3, 2, 0), "tanh"], 0.1

    def fit(self, X, Y, epochs=3):  # one, whatever is asked for
        weights, bias = self.layers[0].weights, self.layers[0].bias
        for x, y in zip(X, Y, strict=True):
            for k in range(2):
                sums = [v * row[k] for v, row in zip(x, weights, strict=True)]
                error = sum(sums) + bias[k] - y[k]
                bias[k] -= self.eta * error
                for v, row in zip(x, weights, strict=True):
                    row[k] -= self.eta * error * v


class Seeded(Layers):
    def fit(self, X, Y, epochs):
        self.layers = [self.Dense(3, 2, None), "tanh"]


OBJECTS = [
    (Columns(), "full", {"layout": "columns"}),
    (Columns(), "full", {"layout": "columns", "epochs": 3}),
    (Columns(), "forward", {"layout": "columns"}),
    (Unit(), "full", {"sizes": (3, 1)}),
    (Layers(), "online", {"sizes": (3, 2)}),
]


@pytest.mark.parametrize(("model", "kind", "options"), OBJECTS)
def test_an_object_is_compared_from_the_weights_it_has(model, kind, options):
    result = compare(model, kind, **{**QUICK, **options})
    row = result[type(model).__name__]
    assert row.agrees, row.error or row.finding
    if kind != "forward":
        rate = getattr(model, "learning_rate", getattr(model, "eta", None))
        assert result.problem["lr"] == rate


def test_an_object_that_is_wrong_or_has_other_sizes_is_told():
    result = compare([Unit(), Unit(scale=2.0)], "full", **{**QUICK, "sizes": (3, 1)})
    assert [row.agrees for row in result.rows] == [True, False, True]
    error = row_of(Columns((3, 5, 2)), "full", layout="columns").error
    assert (
        "found W1 (5, 3), b1 (5, 1), W2 (2, 5), b2 (2, 1), expected W1 (4, 3), b1 (4, 1)" in error
    )
    assert "Give a function" in row_of(Unit(), "gradient", sizes=(3, 1)).error


def test_start_values_are_set_into_an_object():
    start = [(np.ones((3, 4)), np.zeros(4)), (np.ones((4, 2)), np.ones(2))]
    model = Columns()
    assert compare(model, "full", layout="columns", start=start, **QUICK).agrees
    assert model.parameters["b2"].max() == 0  # it is a copy that was trained
    own_start = row_of(Unit(), "full", sizes=(3, 1), start=([np.ones((3, 1))], [np.ones(1)]))
    assert own_start.error.startswith("makes start values of its own in fit")


def test_an_object_that_draws_its_start_is_told():
    assert row_of(Seeded(), "online", sizes=(3, 2)).error.startswith(
        "draws its start values in fit"
    )


def test_other_attributes_are_found_by_a_function():
    class Odd:
        def __init__(self):
            self.state = np.random.default_rng(0).normal(size=4)  # the bias comes first

        def fit(self, X, y, eta):
            for x, target in zip(X, y[:, 0], strict=True):
                error = x @ self.state[1:] + self.state[0] - target
                self.state -= eta * error * np.array([1, *x])

    options = {**QUICK, "sizes": (3, 1)}
    assert (
        "found none, expected W1 (3, 1), b1 (1,)"
        in compare(Odd(), "online", **options)["Odd"].error
    )
    reader = {"parameters": lambda net: ([net.state[1:]], [net.state[:1]])}
    assert compare(Odd(), "online", **reader, **options).agrees
    assert compare(Odd(), "online", start=([[1, 2, 3]], [4]), **reader, **options).agrees


class Holder:
    """An object with any attributes, for whoever looks for parameters in it."""

    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def fit(self, X, y):
        """Do nothing."""


def attributes(a, b, c, d):
    layers = Holder(params={"w": a, "b": b}), Holder(), Holder(params={"w": c, "b": d})
    zeros = {"W1": 0 * a, "b1": 0 * b, "W2": 0 * c, "b2": 0 * d}
    names = {"W1": a, "b1": b, "W2": c, "b2": d}
    return [
        {**names, "dW1": 0 * a, "db1": 0 * b},
        {"grads": zeros, "velocity": zeros, "params": names},
        {"weights": [a, c], "biases": [b, d], "best_weights": [0 * a, 0 * c]},
        {"coefs_": [a, c], "intercepts_": [b, d]},
        {"network": layers, "loss": [1.0]},
        {"fc1": layers[0], "fc2": layers[2]},
        {"input_hidden": a, "hidden": b, "hidden_output": c, "output": d, "sizes": SIZES},
    ]


@LAYOUTS
@pytest.mark.parametrize("which", range(7))
def test_parameters_are_found_among_attributes_and_written_there(which, layout):
    form = Form(SIZES, layout)
    blocks = [np.full(form.shape(name), k) for k, name in enumerate(form.names, start=1)]
    slots = slots_of(Holder(**attributes(*blocks)[which]), form)
    assert [slot.value.flat[0] for slot in slots] == [1, 2, 3, 4]
    slots[3].write(np.full(form.shape("b2"), 9.0))
    assert blocks[3].max() == 9


def test_a_class_and_other_things_are_refused():
    with pytest.raises(TypeError, match=r"found the class Unit, .* Give an object of it, Unit\("):
        compare(Unit, "full")
    with pytest.raises(TypeError, match="kernel: found 3, expected a function, or an object"):
        compare([3], "full")
    with pytest.raises(ValueError, match="kernel: found an empty list"):
        compare([], "full")
    assert objects.is_object(Unit())
    assert not objects.is_object(descend)


# --- conduct --------------------------------------------------------------------------------------


def remember(X, Y, weights, biases, lr, kept=[0.0]):  # noqa: B006
    kept[0] = 0.9 * kept[0] + 1
    weights[0] -= lr * kept[0]


def draw(X, Y, weights, biases, lr):
    weights[0] -= lr * np.random.default_rng().normal()


def draw_globally(X, Y, weights, biases, lr):
    weights[0] -= lr * random.random()


def shuffle_samples(X, Y, weights, biases, lr, rng=np.random.default_rng(0)):  # noqa: B008
    weights[0] -= lr * rng.normal()
    X -= 1


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (remember, "keeps state between calls (a global, an attribute?)"),
        (draw, "draws random numbers"),
        (draw_globally, "draws random numbers"),
        (shuffle_samples, "draws random numbers"),
        (shuffle_samples, "It also changes X, which it is only to read"),
    ],
)
def test_the_same_call_has_to_give_the_same(function, said):
    assert said in row_of(function, "online").error


@LAYOUTS
@pytest.mark.parametrize("place", range(4))
def test_what_is_only_to_read_must_not_change(place, layout):
    def meddling(X, Y, weights, biases):
        found = gradient(X, Y, weights, biases, layout)
        [X, Y, weights[1], biases[0]][place][...] += 1
        return found

    name = ("X", "Y", "weights", "biases")[place]
    assert row_of(meddling, "gradient", layout=layout).error.startswith(f"changes {name}, which")


def test_prints_are_shown_once(capfd):
    def talkative(X, weights, biases):
        print("called with", X.shape)
        print("\n".join(map(str, range(20))), file=sys.stderr)
        return np.tanh(X @ weights[0] + biases[0]) @ weights[1] + biases[1]

    row = compare(talkative, "forward", **QUICK)["talkative"]
    assert row.agrees
    lines = row.output.splitlines()
    assert (lines[:2], lines[-1], len(lines)) == (["called with (2, 3)", "0"], "...", 11)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a process that can be copied")
def test_a_kernel_that_fails_later_than_its_check_is_reported_and_the_rest_goes_on():
    calls, checker = [], os.getpid()  # the check runs in another process

    def tired(X, Y, weights, biases):
        calls.append(os.getpid())
        if calls.count(checker) > 3:
            raise RuntimeError("enough")
        return gradient(X, Y, weights, biases)

    result = compare(tired, "gradient", **QUICK)
    row = result["tired"]
    assert row.error.startswith("raises RuntimeError: enough, at line")
    assert row.error.endswith("that is later than its check of 12 rows")
    assert not row.agrees
    assert not result.agrees
    assert not row.rounds
    assert result["numpy"].rounds


def test_what_is_wrong_has_a_time_and_no_ratio():
    def twice(X, Y, weights, biases):
        return [2 * g for g in gradient(X, Y, weights, biases)]

    row = compare(twice, "gradient", **QUICK)["twice"]
    assert not row.agrees
    assert np.isnan([row.ratio, row.ratio_low, row.ratio_high, row.gflops]).all()


def test_an_error_says_how_the_kernel_was_called_and_shows_the_line_of_a_cell():
    source = "def cell(X, weights, biases):\n    raise ValueError('too few rows')\n"
    for name in ("<ipython-input-3-ab>", "/tmp/ipykernel_7/1.py"):
        linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
        there = {}
        exec(compile(source, name, "exec"), there)  # as a notebook does
        error = row_of(there["cell"], "forward").error
        assert "at line 2 of a notebook cell: raise ValueError('too few rows')" in error
        assert error.endswith("called with X of shape (2, 3)")
