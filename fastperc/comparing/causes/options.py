"""What may be wrong within a step, as a list for each place: the table of known mistakes.

A `Part` is one mistake in one place. Parts of one `kind` in several layers are one mistake.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..mistakes import Knobs, Outer, OutputDelta, Slope
from ..passes import AXES, FORMULAS, takes_difference, usual_slope
from ..problem import Problem


class Part(NamedTuple):
    """A mistake in one place.

    ``kind`` holds together what is one mistake in several layers; ``cost`` says how far-fetched it
    is, 1 for what is seen every day; ``layer`` counts from 0.
    """

    name: str
    kind: tuple[object, ...]
    knobs: Knobs
    words: str = ""
    cost: float = 1.0
    layer: int | None = None


# --- the derivative of an activation --------------------------------------------------------------

USUAL = ("sigmoid", "tanh", "relu")
RARE = ("leaky_relu", "elu", "softplus")
IN_FORMULAS = {
    "one": "1", "sigmoid": "{v} * (1 - {v})", "tanh": "1 - {v}**2", "relu": "({v} > 0)",
    "relu at 0": "({v} >= 0)", "relu below": "({v} < 0)", "relu above 1": "({v} > 1)",
    "leaky": "1 or 0.01 by {v} > 0", "leaky 0.1": "1 or 0.1 by {v} > 0",
    "leaky -1": "1 or -1 by {v} > 0", "itself": "{v}", "rest": "1 - {v}",
    "tanh plus": "1 + {v}**2", "sigmoid plus": "{v} * (1 + {v})",
}  # fmt: skip


def formula(slope: Slope, k: int) -> str:
    """Return a derivative as it is written: ``a1 * (1 - a1)``."""
    value = {"a": f"a{k + 1}", "z": f"z{k + 1}", "bias": f"b{k + 1}", "error": f"error{k + 1}"}
    v = value[slope.at]
    v = f"{slope.of}({v})" if slope.through else v
    text = IN_FORMULAS.get(slope.of, f"{slope.of}' by {{v}}").format(v=v)
    return text if slope.power == 1 else f"({text})**{slope.power}"


def slope_options(activation: str) -> Iterator[tuple[str, Slope, float]]:
    """Give the wrong derivatives of an activation: cause, what is done, cost."""
    own = usual_slope(activation)
    yield "derivative_missing", Slope(), 1.0
    if own.of != "one":
        yield "derivative_twice", own._replace(power=2), 1.2
        if activation in ("relu", "leaky_relu"):
            yield from _relu_options()
        else:
            where = "derivative_of_activation"
            yield where, Slope(activation, "a", through=True), 1.1
            yield where, Slope(own.of, "z"), 1.1
            yield where, Slope(activation, "bias", through=True), 1.3
            yield where, Slope(activation, "error", through=True), 1.4
            yield where, Slope(own.of, "error"), 1.4
            yield where, Slope(own.of, "bias"), 1.4
    other = "derivative_of_another_activation"
    for name in USUAL:
        if name != activation:
            yield other, Slope(name, "a"), 1.1
            if name == "relu":
                yield other, Slope(name, "z"), 1.1
                continue
            yield other, Slope(name, "z", through=True), 1.1
            yield other, Slope(name, "a", through=True), 1.3
            yield other, Slope(name, "z"), 1.3
    if activation in ("tanh", "sigmoid", "logistic"):
        for of in ("itself", "rest", "tanh plus", "sigmoid plus"):
            yield other, Slope(of, "a"), 1.4
        yield other, Slope("itself", "z"), 1.5


def slope_kind(name: str, slope: Slope, activation: str) -> tuple[object, ...]:
    """Return what is the same mistake in layers of different activations."""
    of = "own" if slope.of == activation else slope.of
    return "slope", name, of, slope.at, slope.through, slope.power


def _relu_options() -> Iterator[tuple[str, Slope, float]]:
    for of, at in (
        ("relu at 0", "z"), ("relu at 0", "a"), ("relu below", "z"), ("relu", "error"),
        ("itself", "a"), ("leaky", "z"), ("relu above 1", "a"), ("itself", "z"),
        ("leaky 0.1", "z"), ("leaky -1", "z"), ("relu at 0", "error"), ("relu", "bias"),
        ("rest", "a"), ("relu above 1", "z"),
    ):  # fmt: skip
        yield "relu_derivative", Slope(of, at), 1.2


def slopes(k: int, activation: str, given: str | None) -> list[Part]:
    """Return the ways of a hidden layer's derivative, the right one first.

    ``given``: the activation that the layer has instead, if it has another one; then the
    derivatives of both are as good.
    """
    right = usual_slope(activation)
    parts = [Part("", (), Knobs(), cost=0.0)]
    if given is not None:
        parts.append(Part("", (), Knobs(slope={k: usual_slope(given)}), cost=0.0))
    for name, slope, cost in slope_options(activation):
        words = f"layer {k + 1}: {formula(slope, k)} for {formula(right, k)}"
        kind = slope_kind(name, slope, activation)
        parts.append(Part(name, kind, Knobs(slope={k: slope}), words, cost, k))
    return parts


# --- the output's delta ---------------------------------------------------------------------------


def outputs(problem: Problem, given: str | None) -> list[Part]:
    """Return the ways of the output's delta, the right one first."""
    k = len(problem.sizes) - 2
    parts = [Part("", (), Knobs(), cost=0.0)]
    if given is not None:
        own = OutputDelta("e", usual_slope(given))
        parts.append(Part("", (), Knobs(output={k: own}), cost=0.0))
    for name, delta, words, cost in _output_options(problem, k):
        # The derivative may be wrong in the output and in hidden layers at once.
        kind = slope_kind(name, delta.slope, problem.output)
        if delta.error != "e" or takes_difference(problem):
            kind = ("output", delta)
        parts.append(Part(name, kind, Knobs(output={k: delta}), words, cost, k))
    return parts


def _output_options(problem: Problem, k: int) -> Iterator[tuple[str, OutputDelta, str, float]]:
    a, place = f"a{k + 1}", f"layer {k + 1}: "
    one = Slope()
    if takes_difference(problem):
        right = f"{a} - y"
        options = {
            f"({a} - y) * {a} * (1 - {a})": OutputDelta("e", Slope("sigmoid")),
            f"({a} - y) / ({a} * (1 - {a}))": OutputDelta("e/(p(1-p))", one),
            f"-y / {a}": OutputDelta("-y/p", one),
            f"-y / {a} * {a} * (1 - {a})": OutputDelta("-y/p", Slope("sigmoid")),
            f"({a} - y) * sigmoid'({a})": OutputDelta("e", Slope("sigmoid", "a", through=True)),
            f"({a} - y) * (1 - {a}**2)": OutputDelta("e", Slope("tanh")),
            f"({a} - y) * ({a} * (1 - {a}))**2": OutputDelta("e", Slope("sigmoid", power=2)),
            f"({a} - y) * (z > 0)": OutputDelta("e", Slope("relu", "z")),
            f"({a} - y) * sigmoid'(z)": OutputDelta("e", Slope("sigmoid", "z", through=True)),
            f"({a} - y) * z * (1 - z)": OutputDelta("e", Slope("sigmoid", "z")),
            "-y": OutputDelta("-y", one),
        }
        for words, delta in options.items():
            cost = 1.0 if words in list(options)[:2] else 1.2
            yield "cross_entropy_delta", delta, f"{place}{words} for {right}", cost
        own = one
    else:
        own = usual_slope(problem.output)
        for name, slope, cost in slope_options(problem.output):
            words = f"{place}{formula(slope, k)} for {formula(own, k)}"
            yield name, OutputDelta("e", slope), words, cost
    for slope in dict.fromkeys((own, one)):
        extra = 0.0 if slope == own else 0.5
        for name, error, cost in (
            ("error_squared", "e**2", 1.0), ("error_squared", "e*|e|", 1.3),
            ("error_squared", "|e|", 1.3), ("error_squared", "sign", 1.3),
            ("sum_for_error", "p", 1.2), ("sum_for_error", "z", 1.2), ("sum_for_error", "-y", 1.3),
            ("sum_for_error", "z-y", 1.3), ("error_averaged", "mean", 1.3),
            ("error_averaged", "row", 1.3), ("error_averaged", "mean of all", 1.3),
        ):  # fmt: skip
            words = f"{place}{ERRORS[error].format(a=a, k=k + 1)} for {a} - y"
            yield name, OutputDelta(error, slope), words, cost + extra


ERRORS = {
    "e**2": "({a} - y)**2", "e*|e|": "({a} - y) * abs({a} - y)", "|e|": "abs({a} - y)",
    "sign": "sign({a} - y)", "p": "{a}", "z": "z{k}", "-y": "-y", "z-y": "z{k} - y",
    "mean": "the mean of {a} - y over samples", "row": "the sum of {a} - y over outputs",
    "mean of all": "the mean of {a} - y",
}  # fmt: skip


# --- how the error comes down ---------------------------------------------------------------------


def backs(problem: Problem, k: int) -> list[Part]:
    """Return the ways by which the error reaches the outputs of a hidden layer."""
    sizes, last = problem.sizes, len(problem.sizes) - 2
    parts = [Part("", (), Knobs(), cost=0.0)]

    def add(name: str, how: str, words: str, cost: float) -> None:
        kind = ("back", how.split()[0])
        parts.append(Part(name, kind, Knobs(back={k: how}), f"layer {k + 1}: {words}", cost, k))

    W = f"W{k + 2}"
    add("weights_used_after_update", "updated", f"{W} after its update", 1.0)
    missing = f"error{k + 2} @ {W}.T for delta{k + 2} @ {W}.T"
    add("derivative_missing", "error", missing, 1.1)
    if sizes[k + 1] == sizes[k + 2]:
        add("weights_transposed", "transposed", f"delta{k + 2} @ {W} for {W}.T", 1.0)
    for j in range(k + 1, last + 1):
        if sizes[j + 1] in (1, sizes[k + 1]):
            what = f"for delta{k + 2} @ {W}.T"
            add("error_of_wrong_layer", f"delta {j}", f"delta{j + 1} {what}", 1.1)
            add("error_of_wrong_layer", f"of {j}", f"error{j + 1} {what}", 1.0)
        if j > k + 1 and sizes[j + 1] == sizes[k + 2]:
            words = f"delta{j + 1} @ {W}.T for delta{k + 2} @ {W}.T"
            add("error_of_wrong_layer", f"other {j}", words, 1.1)
    for j in range(last + 1):
        if j != k + 1 and sizes[j + 1] == sizes[k + 2] and sizes[j] == sizes[k + 1]:
            words = f"through W{j + 1}.T for {W}.T"
            add("error_of_wrong_layer", f"through {j} T", words, 1.1)
        if j != k + 1 and sizes[j] == sizes[k + 2] and sizes[j + 1] == sizes[k + 1]:
            words = f"through W{j + 1} for {W}.T"
            add("error_of_wrong_layer", f"through {j}", words, 1.2)
    return parts


# --- the gradients --------------------------------------------------------------------------------


def outers(problem: Problem, k: int, knobs: Knobs) -> list[Part]:
    """Return the ways to make a matrix's gradient, given what is wrong elsewhere."""
    sizes, last = problem.sizes, len(problem.sizes) - 2
    parts = [Part("", (), Knobs(), cost=0.0)]
    if k in knobs.source:  # other inputs in the forward pass only
        parts.append(Part("", (), Knobs(outer={k: Outer(f"a{k}")}), cost=0.0))
    right = f"a{k}" if k else "X"

    def add(name: str, outer: Outer, words: str, cost: float) -> None:
        shift = int(outer.inputs[1:]) - k if outer.inputs[1:].isdigit() else outer.inputs
        kind = ("outer", shift, outer.error.split()[0], outer.transposed)
        text = f"W{k + 1}: {words}"
        parts.append(Part(name, kind, Knobs(outer={k: outer}), text, cost, k))

    for j in range(last + 2):
        if j != k and sizes[j] == sizes[k]:
            words = f"{f'a{j}' if j else 'X'} for {right}"
            add("activation_off_by_one_layer", Outer(f"a{j}"), words, 1.0)
    add("weights_not_summed", Outer(error="last row"), "the last row alone, = for +=", 1.0)
    if k:
        words = f"z{k}, before the activation, for {right}"
        add("activation_off_by_one_layer", Outer("z"), words, 1.1)
        if problem.hidden == "relu":
            words = f"{right} has become (z{k} > 0): relu' changes it in place"
            add("relu_derivative", Outer("step"), words, 1.2)
    if sizes[k] == sizes[k + 1]:
        add("weights_transposed", Outer(transposed=True), "the gradient is transposed", 1.1)
    own = problem.activations[k]
    if not (k == last and (takes_difference(problem) or own == "identity")):
        add("derivative_missing", Outer(error="error"), f"without the slope of {own}", 1.1)
    add("sum_for_error", Outer(error="z"), f"z{k + 1} for its error", 1.2)
    add("sum_for_error", Outer(error="a"), f"a{k + 1} for its error", 1.2)
    for j in range(last + 1):
        if j != k and sizes[j + 1] in (1, sizes[k + 1]) and j > k:
            for error in ("delta", "error"):
                words = f"{error}{j + 1} for delta{k + 1}"
                add("error_of_wrong_layer", Outer(error=f"{error} {j}"), words, 1.2)
    return parts


BIASES = {
    "all": ("bias_summed_over_units", "the sum of delta{k} over all axes", 1.0),
    "units": ("bias_summed_over_units", "delta{k} is summed over units, not over samples", 1.0),
    "units kept": ("bias_summed_over_units", "delta{k} is summed over units, not samples", 1.0),
    "mean of all": ("bias_summed_over_units", "the mean of delta{k} over all axes", 1.1),
    "mean of units kept": ("bias_summed_over_units", "delta{k} is averaged over units", 1.1),
    "rows": ("bias_not_summed", "delta{k} itself", 1.0),
    "first": ("bias_not_summed", "delta{k} of the first row", 1.2),
    "last": ("bias_not_summed", "delta{k} of the last row", 1.2),
    "last row": ("bias_not_summed", "a share of delta{k} of the last row, = for +=", 1.0),
    "itself": ("bias_updated_by_itself", "b{k} for its gradient", 1.0),
    "times itself": ("bias_updated_by_itself", "b{k} times its gradient", 1.1),
    "error": ("derivative_missing", "without the slope", 1.1),
    "slope of bias": ("derivative_of_activation", "the slope is that of sigmoid at b{k}", 1.2),
    "formula of bias": ("derivative_of_activation", "the slope is b{k} * (1 - b{k})", 1.2),
}


def biases(problem: Problem, k: int) -> list[Part]:
    """Return the ways to make a bias's gradient."""
    parts = [Part("", (), Knobs(), cost=0.0)]
    for how, (name, words, cost) in BIASES.items():
        text = f"b{k + 1}: {words.format(k=k + 1)}"
        parts.append(Part(name, ("bias", how), Knobs(bias={k: how}), text, cost, k))
    for j in range(k + 1, len(problem.sizes) - 1):
        if problem.sizes[j + 1] in (1, problem.sizes[k + 1]):
            text = f"b{k + 1}: the gradient of b{j + 1}"
            knobs = Knobs(bias={k: f"of {j}"})
            parts.append(Part("error_of_wrong_layer", ("bias", "of"), knobs, text, 1.2, k))
    return parts


# --- the forward pass -----------------------------------------------------------------------------


def forwards(problem: Problem) -> list[Part]:
    """Return single mistakes of the forward pass in a layer, and first none."""
    parts = [Part("", (), Knobs(), cost=0.0)]
    sizes = problem.sizes
    for k, own in enumerate(problem.activations):
        place = f"layer {k + 1}"

        def add(
            name: str, kind: object, knobs: Knobs, words: str, cost: float = 1.0, k: int = k
        ) -> None:
            parts.append(Part(name, ("forward", kind), knobs, words, cost, k))

        if problem.bias:
            words = f"{place}: z{k + 1} without b{k + 1}"
            add("bias_absent", "bias", Knobs(biased={k: False}), words)
        if own == "softmax":
            for axes in AXES:
                add("softmax_axis", axes, Knobs(softmax={k: axes}), axes)
        for name in ("identity", *USUAL, *(["softmax"] if sizes[k + 1] > 1 else []), *RARE):
            if name != own and not (name == "sigmoid" and own == "logistic"):
                words = f"{place}: {name} for {own}"
                cost = 1.0 if name == "identity" else 1.1 if name in USUAL else 1.3
                knobs = Knobs(activation={k: name})
                add("wrong_activation", ("activation", name, own), knobs, words, cost)
        if sizes[k] == sizes[k + 1]:
            words = f"{place}: W{k + 1}.T in the forward pass"
            add("weights_transposed", "W", Knobs(flipped={k: True}), words)
        for j in range(k):
            if sizes[j] == sizes[k]:
                words = f"{place}: {f'a{j}' if j else 'X'} goes in for a{k}"
                add("activation_off_by_one_layer", "input", Knobs(source={k: j}), words)
    return parts


assert set(IN_FORMULAS) <= set(FORMULAS)
