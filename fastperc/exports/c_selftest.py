"""The test that a C file has of itself: samples, and what the library makes of them."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from ..errors import DivergedError
from ..network import Network
from .c_answers import Answers
from .c_layers import Part, table
from .evaluate import evaluate, outputs_of
from .plan import Plan
from .rounding import PER_OPERATION, bounds, place_of

MOST_NUMBERS = 4096  # of all golden samples together
MOST_SAMPLES = 16
HALVINGS = 60  # of samples, until their outputs are finite
SPREAD = 2.0  # deviation of the first layer's sums
ROUNDS = 3  # of training
TRAINED = {"float32": 1e-5, "float64": 1e-10}  # tolerance of training steps, relative


class Golden(NamedTuple):
    """Samples, what the library makes of them, and how far off C may be.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
    network : int array of shape (n_samples,)
        0 for models that do not choose.
    outputs, bounds : ndarray of shape (n_samples, n_outputs)
    labels : int array of shape (n_samples,) or (n_samples, n_outputs) or None
        Places of labels; -1 where rounding may change them.
    """

    X: np.ndarray
    network: np.ndarray
    outputs: np.ndarray
    bounds: np.ndarray
    labels: np.ndarray | None


def golden(plan: Plan, model: object, chosen: bool) -> Golden:
    """Draw samples, and let the library say what comes out; the plan itself without a model."""
    per_sample = plan.n_features + 3 * plan.n_outputs
    n = int(np.clip(MOST_NUMBERS // per_sample, 2, MOST_SAMPLES))
    rng = np.random.default_rng(0)
    network = np.arange(n) % plan.n_networks if chosen else np.zeros(n, np.intp)
    X = _samples(plan, network, rng)
    for _ in range(HALVINGS):
        with np.errstate(over="ignore", invalid="ignore"):
            out = _outputs(plan, model, X, network).astype(plan.dtype)
            off = (2 * bounds(plan, X, network)).astype(plan.dtype)
        if np.isfinite(out).all() and np.isfinite(off).all():
            break
        X = (X / 2).astype(plan.dtype)  # outputs such as exp are infinite
    else:
        raise ValueError(
            "model: found outputs that are infinite or NaN for any inputs. Train again"
        )
    off = np.maximum(off, np.finfo(plan.dtype).tiny)
    return Golden(X, network, out, off, _labels(plan, out, off))


def _samples(plan: Plan, network: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw inputs for which the first layer's sums have a deviation of `SPREAD`."""
    X = rng.normal(size=(len(network), plan.n_features)) * SPREAD / np.sqrt(plan.n_features)
    for x, number in zip(X, network, strict=True):
        stack, i = place_of(plan, number)
        size = np.sqrt((stack.layers[0].W[i].astype(np.float64) ** 2).mean(axis=1))
        x /= np.where(size > 0, size, 1.0)
        if stack.shift is not None:
            x += stack.shift[i]
    return X.astype(plan.dtype)


def _outputs(plan: Plan, model: Any, X: np.ndarray, network: np.ndarray) -> np.ndarray:
    """Return the outputs that the model gives; those of its plan where it gives none as such."""
    if model is None or plan.groups is not None:
        return _of_plan(plan, X, network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of names of columns
        if plan.combine == "each":
            return model.forward(X)[network, np.arange(len(X))]
        if plan.probabilities is not None and plan.probabilities.link == "identity":
            shares = model.predict_proba(X)
            return shares[:, 1:] if plan.n_outputs == 1 else shares
        found = getattr(model, plan.method)(X)
    is_margin = found.size != len(X) * plan.n_outputs  # one number for two multinomial scores
    return _of_plan(plan, X, network) if is_margin else found.reshape(len(X), plan.n_outputs)


def _of_plan(plan: Plan, X: np.ndarray, network: np.ndarray) -> np.ndarray:
    if plan.groups is None and plan.combine != "each":
        return evaluate(plan, X).outputs
    places = [place_of(plan, number) for number in network]
    return np.concatenate(
        [
            outputs_of(stack, x[None], np.array([i]))[0]
            for (stack, i), x in zip(places, X, strict=True)
        ]
    )


def _labels(plan: Plan, out: np.ndarray, off: np.ndarray) -> np.ndarray | None:
    """Return the places of labels, -1 where they could be others."""
    decision = plan.decision
    if decision is None:
        return None
    if decision.rule == "argmax":
        rest = out + off
        place = out.argmax(axis=1)
        rows = np.arange(len(out))
        least = (out - off)[rows, place]
        rest[rows, place] = -np.inf
        return np.where(rest.max(axis=1) < least, place, -1)
    is_sure = np.abs(out - decision.threshold) > off
    labels = np.where(is_sure, out > decision.threshold, -1)
    return labels[:, 0] if plan.n_outputs == 1 else labels


# --- in C -----------------------------------------------------------------------------------------

TEST = """
#ifdef SELF_TEST
#include <stdio.h>
{tables}
static real p_distance(real a, real b)
{{
    return a > b ? a - b : b - a;
}}
{steps}
int main(void)
{{
    /* How far off at worst: in units of the last place of the largest golden output, and as a part
       of what {per_operation} such units in each operation may add up to. */
    double worst = 0, worst_part = 0;
    int wrong = 0;
    size_t s, k;
{declared}
    for (s = 0; s < {n}; s++) {{
        real out[p_n_outputs];
{predict}
        for (k = 0; k < p_n_outputs; k++) {{
            real off = p_distance(out[k], p_golden_outputs[s][k]);
            real ulps = off / p_golden_ulps[k], part = off / p_golden_bounds[s][k];
            worst = (double)ulps > worst ? (double)ulps : worst;
            worst_part = (double)part > worst_part ? (double)part : worst_part;
            wrong |= !(off <= p_golden_bounds[s][k]);
        }}
    }}
    printf("%d samples: worst deviation %.3g ulp, %.3g of the tolerance\\n",
           {n}, worst, worst_part);
{learn}    if (wrong)
        printf("wrong\\n");
    return wrong;
}}
#endif
"""

LEARN = """
/* Train as the library did; return how far off losses and outputs are, relative to the largest. */
static double p_learned(p_parameters *model)
{{
    real off = 0.0, here;
    size_t s, k;
    p_init(model);
    for (s = 0; s < {n_steps}; s++) {{
        here = p_learn_one(model, p_golden_inputs[s % {n}], p_golden_targets[s % {n}], {lr});
        here = p_distance(here, p_golden_losses[s]) / {loss_scale};
        off = here > off ? here : off;
    }}
    for (s = 0; s < {n}; s++) {{
        real out[p_n_outputs];
        {predict}
        for (k = 0; k < p_n_outputs; k++) {{
            here = p_distance(out[k], p_golden_learned[s][k]) / {out_scale};
            off = here > off ? here : off;
        }}
    }}
    return (double)off;
}}
"""


def text(plan: Plan, model: object, answers: Answers, train: bool) -> str:
    """Write the test, compiled where SELF_TEST is defined."""
    found = golden(plan, model, answers.chosen)
    n = len(found.X)
    tables = _tables(found)
    declared, first = "", ""
    if train:
        declared, first = (
            "    static p_parameters model;\n    double learned;\n    p_init(&model);\n",
            "&model, ",
        )
    elif answers.chosen:
        tables += table("p_golden_networks", "size_t", [Part("", found.network[None])])
        first = "p_golden_networks[s], "
    steps = learn = ""
    if train:
        assert isinstance(model, Network)
        more, steps = _training(plan, model, found.X, answers)
        tables += more
        learn = _LEARN_CALL.format(tolerance=TRAINED[plan.dtype.name])
    return TEST.format(
        tables=tables, steps=steps, learn=learn, declared=declared, n=n,
        per_operation=int(PER_OPERATION), predict=_predict(answers, first),
    )  # fmt: skip


_LEARN_CALL = """    learned = p_learned(&model);
    wrong |= !(learned <= (double){tolerance});
    printf("training: worst deviation %.3g, tolerance %g\\n", learned, (double){tolerance});
"""


def _predict(answers: Answers, first: str) -> str:
    """Return the lines that predict one sample and check its labels."""
    call = f"p_predict({first}p_golden_inputs[s], out"
    if answers.has_label:
        return (
            f"        int label = {call});\n"
            "        wrong |= p_golden_labels[s] >= 0 && label != p_golden_labels[s];"
        )
    if answers.has_labels:
        return (
            f"        unsigned char labels[p_n_outputs];\n        {call}, labels);\n"
            "        for (k = 0; k < p_n_outputs; k++)\n"
            "            wrong |= p_golden_labels[s][k] >= 0 && labels[k] != p_golden_labels[s][k];"
        )
    return f"        {call});"


def _tables(found: Golden) -> str:
    dtype = found.outputs.dtype
    ulps = np.spacing(np.maximum(np.abs(found.outputs).max(axis=0), np.finfo(dtype).tiny))
    text = rows("p_golden_inputs", "real", found.X) + rows(
        "p_golden_outputs", "real", found.outputs
    )
    text += rows("p_golden_bounds", "real", found.bounds.astype(dtype))
    text += table("p_golden_ulps", "real", [Part("", ulps[None])])
    if found.labels is not None and found.labels.ndim == 1:
        text += table("p_golden_labels", "int", [Part("", found.labels[None])])
    elif found.labels is not None:
        text += rows("p_golden_labels", "int", found.labels)
    return text


def rows(name: str, kind: str, values: np.ndarray) -> str:
    """Write an array of arrays."""
    return table(name, kind, [Part("", values)])


def _training(plan: Plan, model: Network, X: np.ndarray, answers: Answers) -> tuple[str, str]:
    """Let a copy of the network learn; return the tables of what it did, and the test in C."""
    n, rng = len(X), np.random.default_rng(1)
    Y = targets(model, n, rng)
    lr = float(np.float32(model.lr))
    losses, twin = _learn(model, X, Y, lr)
    while losses is None or max(losses) > 100 * (1 + losses[0]):
        lr /= 2
        losses, twin = _learn(model, X, Y, lr)
    after = twin.forward(X)
    tables = rows("p_golden_targets", "real", Y)
    tables += rows("p_golden_learned", "real", after)
    tables += table("p_golden_losses", "real", [Part("", np.array(losses, plan.dtype)[None])])
    extra = ", labels" if answers.has_labels else ""
    declare = "unsigned char labels[p_n_outputs];\n        " if answers.has_labels else ""
    cast = "(void)" if answers.has_label else ""
    return tables, LEARN.format(
        n=n, n_steps=len(losses), lr=real(lr),
        loss_scale=real(max(np.abs(losses).max(), 1e-3)),
        out_scale=real(max(float(np.abs(after).max()), 1e-3)),
        predict=f"{declare}{cast}p_predict(model, p_golden_inputs[s], out{extra});",
    )  # fmt: skip


def real(number: float) -> str:
    """Write a number in C, in double precision: what suffix it gets is seen to later."""
    text = repr(float(number))
    return text if "." in text or "e" in text else f"{text}.0"


def _learn(
    model: Network, X: np.ndarray, Y: np.ndarray, lr: float
) -> tuple[list[float] | None, Network]:
    """Return the losses of some rounds of steps (None if they diverge), and the network then."""
    twin = model.copy()
    try:
        return [
            twin.learn_one(x, y, lr=lr) for _ in range(ROUNDS) for x, y in zip(X, Y, strict=True)
        ], twin
    except DivergedError:
        return None, twin


def targets(model: Network, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw targets as the loss has them, and kernels read them: (n, n_outputs)."""
    n_outputs, loss = model.sizes[-1], model.loss_name
    if loss == "cross_entropy":
        return np.eye(n_outputs, dtype=model.dtype)[rng.integers(n_outputs, size=n)]
    Y = rng.integers(0, 2, size=(n, n_outputs)).astype(model.dtype)
    if loss == "hinge" or (loss == "perceptron" and model.output == "sign"):
        return 2 * Y - 1
    if loss == "poisson":
        return rng.poisson(2.0, size=Y.shape).astype(model.dtype)
    if loss in ("log_loss", "perceptron"):
        return Y
    return rng.normal(size=Y.shape).astype(model.dtype)
