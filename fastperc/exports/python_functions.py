"""How a Python module says what a model computes: with lists of numbers, or with NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..kernels.activations import LEAK
from .plan import Plan


@dataclass(frozen=True)
class Functions:
    """The words of one of the two languages.

    Attributes
    ----------
    x : str
        What one sample, or all of them, are called.
    layer : str
        A function that computes weighted sums.
    sums, rows, activated, shifted : str
        Templates: of weighted sums, of those with a network for each row, of an activation, and of
        what is subtracted from the inputs.
    names : mapping of str to str
        Activations that need no function of their own.
    functions : mapping of str to str
        The others, written out.
    by_group : str
        The outputs where each group has a network.
    predict : function of (plan, parameters)
    shares : function of (outputs, n_outputs, is_normalised)
    """

    x: str
    layer: str
    sums: str
    rows: str
    activated: str
    shifted: str
    by_group: str
    functions: Mapping[str, str]
    predict: Callable[[Plan, str], str]
    shares: Callable[[str, int, bool], list[str]]
    names: Mapping[str, str]


def _one(name: str, formula: str) -> str:
    return f"def {name}(z):\n    return {formula}"


# --- lists ----------------------------------------------------------------------------------------


def _predict_one(plan: Plan, parameters: str) -> str:
    """Return ``predict`` for one sample, or for one sample of each of several networks."""
    what = _answer(plan)
    if plan.combine == "each":
        each = f"[answer(out) for out in outputs({parameters})]"
        return (
            f'def answer(out):\n    """Return {what} that outputs stand for."""\n'
            f"{_from_outputs(plan)}\n\n\n"
            f'def predict({parameters}):\n    """Predict {what} by each network."""\n'
            f"    return {each}"
        )
    return (
        f'def predict({parameters}):\n    """Predict {what} of one sample."""\n'
        f"    out = outputs({parameters})\n{_from_outputs(plan)}"
    )


def _answer(plan: Plan) -> str:
    if plan.decision is None:
        return "the number" if plan.n_outputs == 1 else "the numbers"
    is_several = plan.decision.rule == "threshold" and plan.n_outputs > 1
    return "the labels" if is_several else "the label"


def _from_outputs(plan: Plan) -> str:
    decision = plan.decision
    if decision is None:
        return "    return out[0]" if plan.n_outputs == 1 else "    return out"
    if decision.rule == "argmax":
        return "    return CLASSES[out.index(max(out))]"
    above = f"{'>=' if decision.at_threshold else '>'} {float(decision.threshold)!r}"
    if plan.n_outputs == 1:
        return f"    return CLASSES[out[0] {above}]"
    return f"    return [CLASSES[a {above}] for a in out]"


def _shares_of_one(out: str, n_outputs: int, is_normalised: bool) -> list[str]:
    if n_outputs == 1:
        return [f"    p = {out}[0]", "    return [1.0 - p, p]"]
    if not is_normalised:
        return [f"    return {out}"]
    return [
        f"    p = {out}", "    total = sum(p)",
        f"    return [pk / total if total > 0 else 1 / {n_outputs} for pk in p]",
    ]  # fmt: skip


SIGMOID = """
def sigmoid(z):
    if z >= 0:
        return 1.0 / (1.0 + math.exp(-z))
    e = math.exp(z)  # which cannot overflow here
    return e / (1.0 + e)
"""
SOFTMAX = """
def softmax(z):
    top = max(z)
    e = [math.exp(zk - top) for zk in z]
    total = sum(e)
    return [ek / total for ek in e]
"""

LISTS = Functions(
    x="x",
    layer="""
def layer(x, W, b):
    \"\"\"Return the weighted sums x @ W + b.\"\"\"
    columns = zip(*W, strict=True)
    return [
        sum((xi * wi for xi, wi in zip(x, column, strict=True)), bk)
        for column, bk in zip(columns, b, strict=True)
    ]
""",
    sums="layer({x}, {W}, {b})",
    rows="",
    activated="[{f}(z) for z in {z}]",
    shifted="{x} = [xi - si for xi, si in zip({x}, {shift}, strict=True)]",
    by_group='def outputs(x, group):\n    """Return the outputs of the network of a group."""\n'
    "    return forward({default}, x)",
    functions={
        "sigmoid": SIGMOID,
        "softmax": SOFTMAX,
        "relu": _one("relu", "max(z, 0.0)"),
        "leaky_relu": _one("leaky_relu", f"z if z > 0 else {LEAK} * z"),
        "elu": _one("elu", "z if z > 0 else math.expm1(z)"),
        "softplus": _one("softplus", "max(z, 0.0) + math.log1p(math.exp(-abs(z)))"),
        "exp": _one("exp", "math.exp(z) if z < 709.78 else math.inf"),
        "step": _one("step", "0.0 if z < 0 else 1.0"),
        "sign": _one("sign", "-1.0 if z < 0 else 1.0"),
        "clip": _one("clip", "(min(max(z, -1.0), 1.0) + 1.0) / 2.0"),
    },
    names={"tanh": "math.tanh"},
    predict=_predict_one,
    shares=_shares_of_one,
)


# --- NumPy ----------------------------------------------------------------------------------------


def _predict_rows(plan: Plan, parameters: str) -> str:
    decision, what = plan.decision, _answer(plan)
    lines = [f"def predict({parameters}):", f'    """Predict {what} for each row of X."""']
    lines.append(f"    out = outputs({parameters})")
    if decision is not None and decision.rule == "argmax":
        lines.append("    return CLASSES[out.argmax(axis=-1)]")
        return "\n".join(lines)
    column = "[..., 0]" if plan.n_outputs == 1 else ""
    if decision is None:
        lines[-1:] = [f"    return outputs({parameters}){column}"]
        return "\n".join(lines)
    above = f"{'>=' if decision.at_threshold else '>'} {float(decision.threshold)!r}"
    lines.append(f"    return CLASSES[(out{column} {above}).astype(int)]")
    return "\n".join(lines)


def _shares_of_rows(out: str, n_outputs: int, is_normalised: bool) -> list[str]:
    if n_outputs == 1:
        return [f"    p = {out}", "    return np.hstack([1.0 - p, p])"]
    if not is_normalised:
        return [f"    return {out}"]
    return [
        f"    p = {out}", "    p[p.sum(axis=1) == 0] = 1.0",
        "    return p / p.sum(axis=1, keepdims=True)",
    ]  # fmt: skip


NUMPY = Functions(
    x="X",
    layer="",
    sums="{x} @ {W} + {b}",
    rows='np.einsum("ni,nio->no", {x}, {W}) + {b}',
    activated="{f}({z})",
    shifted="{x} = {x} - {shift}",
    by_group='def outputs(X, groups):\n    """Return the outputs of the network of each row\'s '
    'group."""\n    return forward([{default} for group in groups], X)',
    functions={
        "sigmoid": _one("sigmoid", "np.exp(-np.logaddexp(0.0, -z))  # 1 / (1 + exp(-z))"),
        "softmax": "def softmax(z):\n    e = np.exp(z - z.max(axis=-1, keepdims=True))\n"
        "    return e / e.sum(axis=-1, keepdims=True)",
        "relu": _one("relu", "np.maximum(z, 0.0)"),
        "leaky_relu": _one("leaky_relu", f"np.where(z > 0, z, {LEAK} * z)"),
        "elu": _one("elu", "np.where(z > 0, z, np.expm1(np.minimum(z, 0.0)))"),
        "softplus": _one("softplus", "np.logaddexp(0.0, z)  # log(1 + exp(z))"),
        "step": _one("step", "np.where(z < 0, 0.0, 1.0)"),
        "sign": _one("sign", "np.where(z < 0, -1.0, 1.0)"),
        "clip": _one("clip", "(np.clip(z, -1.0, 1.0) + 1.0) / 2.0"),
    },
    names={"tanh": "np.tanh", "exp": "np.exp"},
    predict=_predict_rows,
    shares=_shares_of_rows,
)
