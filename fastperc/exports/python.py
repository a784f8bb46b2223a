"""A fitted model as a plain Python module, with lists or with NumPy, that reads like a textbook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .describe import describe
from .plan import Layer, Plan, Stack
from .python_functions import LISTS, NUMPY, Functions

MOST_PARAMETERS = {False: 20_000, True: 1_000_000}  # without NumPy, and with it
WIDTH = 88


def to_python(model: object, numpy: bool = False) -> str:
    """Write a fitted model as a Python module that does not need fastperc.

    Its ``predict(x)`` takes one sample, a sequence of numbers, or with NumPy ``predict(X)`` an
    array of shape (n_samples, n_features). Arithmetic is in double precision.

    Parameters
    ----------
    model : Network, Fleet or fitted estimator
    numpy : bool
        Whether to compute with NumPy; without, nothing but Python is needed.

    Returns
    -------
    str

    Raises
    ------
    TypeError
        For what is no model of this library.
    ValueError
        For a model too large to be a module: of more than 20,000 parameters, 1,000,000 with NumPy.

    Examples
    --------
    >>> import fastperc
    >>> net = fastperc.Network((2, 1), init=([[[1.0], [2.0]]], [[0.5]]))
    >>> names = {}
    >>> exec(to_python(net), names)
    >>> names["predict"]([1.0, 1.0])
    3.5
    """
    plan = describe(model)
    _check_size(plan, numpy)
    writer = Writer(plan, NUMPY if numpy else LISTS)
    return writer.text()


def _check_size(plan: Plan, numpy: bool) -> None:
    n = sum(layer.W.size + layer.b.size for stack in plan.stacks for layer in stack.layers)
    if n > MOST_PARAMETERS[numpy]:
        other = "to_onnx or to_c" if numpy else "numpy=True, to_onnx or to_c"
        raise ValueError(
            f"model: found {n:,} parameters, expected at most {MOST_PARAMETERS[numpy]:,} in a "
            f"Python module. Use {other}"
        )
    arrays = (a for stack in plan.stacks for layer in stack.layers for a in (layer.W, layer.b))
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("model: found weights that are infinite or NaN. Train again")


class Writer:
    """Writes the module of a plan, part by part.

    Parameters
    ----------
    plan : Plan
    functions : Functions
        How things are said with lists, or with NumPy.
    """

    def __init__(self, plan: Plan, functions: Functions):
        self.plan, self.say = plan, functions
        self.several = plan.n_networks > 1 or plan.combine in ("each", "by_group")
        self.numpy = functions is NUMPY

    def text(self) -> str:
        """Return the module."""
        plan, code = self.plan, self.code()
        names: set[str] = {layer.activation for stack in plan.stacks for layer in stack.layers}
        if plan.probabilities is not None:
            names.add(plan.probabilities.link)
        used = [self.say.functions[name] for name in sorted(names & set(self.say.functions))]
        used = [self.say.layer, *used] if self.say.layer else used
        needs_math = any("math." in part for part in (*used, code))
        imports = ["import numpy as np"] if self.numpy else ["import math"] * needs_math
        head = "\n\n".join([self.docstring(), *imports, self.constants()])
        return "\n\n\n".join([head, *(part.strip("\n") for part in (*used, code))]) + "\n"

    def docstring(self) -> str:
        """Return the words at the top."""
        plan = self.plan
        shapes = ", ".join("-".join(map(str, stack.sizes)) for stack in plan.stacks)
        return f'"""{plan.kind} {shapes}, written by fastperc {plan.version}."""'

    # --- constants -------------------------------------------------------------------------------

    def constants(self) -> str:
        """Return classes, names and weights; the formatter would give each number a line."""
        plan, lines = self.plan, ["# fmt: off"]
        if plan.feature_names is not None:
            lines += assigned("FEATURES", list(plan.feature_names), "{}")
        if plan.decision is not None:
            classes = plan.decision.classes.tolist()
            lines += assigned("CLASSES", classes, "np.array({})" if self.numpy else "{}")
        if plan.groups is not None:
            keys = plan.groups.keys.tolist()
            lines += ["NETWORK_OF = {  # group: network"]
            lines += [f"    {key!r}: {k}," for k, key in enumerate(keys)]
            lines += ["}"]
        if plan.weights is not None:
            lines += assigned("SHARES", plan.weights.tolist(), self.array)
        for i, stack in enumerate(plan.stacks):
            lines += [*self.weights(stack, self.suffix(i))]
        return "\n".join([*lines, "# fmt: on"])

    @property
    def array(self) -> str:
        """How numbers are made an array."""
        return "np.array({})" if self.numpy else "{}"

    def suffix(self, i: int) -> str:
        """Return what the names of the i-th stack end with."""
        return f"_{i}" if len(self.plan.stacks) > 1 else ""

    def weights(self, stack: Stack, suffix: str) -> Iterator[str]:
        """Yield the lines of a stack's weights."""
        some = slice(None) if self.several else 0
        if stack.shift is not None:
            yield from assigned(f"SHIFT{suffix}", stack.shift[some].tolist(), self.array)
        for k, layer in enumerate(stack.layers, 1):
            yield f"# layer {k}: {layer.W.shape[1]} to {layer.W.shape[2]}, {layer.activation}"
            yield from assigned(f"W{k}{suffix}", layer.W[some].tolist(), self.array)
            yield from assigned(f"b{k}{suffix}", layer.b[some].tolist(), self.array)

    # --- code ------------------------------------------------------------------------------------

    def code(self) -> str:
        """Return the functions of this model."""
        plan = self.plan
        parts = [self.forward(stack, self.suffix(i)) for i, stack in enumerate(plan.stacks)]
        parts += [self.outputs(), self.predict()]
        if plan.probabilities is not None:
            parts.append(self.predict_proba())
        return "\n\n\n".join(part for part in parts if part)

    def forward(self, stack: Stack, suffix: str) -> str:
        """Return the function that goes through the layers of a stack."""
        x = self.say.x
        name = "outputs" if self.is_plain else f"forward{suffix}"
        argument = "k, " if self.takes_place else ""
        lines = [f"def {name}({argument}{x}):", f'    """{self.forward_words(name)}"""']
        if stack.shift is not None:
            lines.append(
                "    " + self.say.shifted.format(x=x, shift=self.picked(f"SHIFT{suffix}", 1))
            )
        source = x
        for k, layer in enumerate(stack.layers, 1):
            is_last = k == len(stack.layers)
            line = self.layer(layer, source, f"{k}{suffix}")
            source = f"h{k}"
            lines.append(f"    return {line}" if is_last else f"    {source} = {line}")
        return "\n".join(lines)

    def forward_words(self, name: str) -> str:
        """Return what a forward pass says that it does."""
        who = "the network" if not self.takes_place else "network k"
        if self.numpy and self.plan.combine == "by_group":
            who = "network k[i] for row i"
        elif self.numpy and self.several:
            who = "each network"
        return f"Return the outputs of {who}."

    @property
    def is_plain(self) -> bool:
        """Whether the outputs are those of one network, or a list of them."""
        return not self.several

    @property
    def takes_place(self) -> bool:
        """Whether a forward pass is told which network to take."""
        return self.several and (not self.numpy or self.plan.combine == "by_group")

    def picked(self, name: str, n_axes: int) -> str:
        """Return the parameters that a forward pass takes: all, or those of a network."""
        if self.takes_place:
            return f"{name}[k]"
        return f"{name}[:, None]" if self.several and n_axes == 1 else name

    def layer(self, layer: Layer, source: str, number: str) -> str:
        """Return one layer, written out."""
        W, b = self.picked(f"W{number}", 2), self.picked(f"b{number}", 1)
        by_row = self.numpy and self.plan.combine == "by_group"
        z = (self.say.rows if by_row else self.say.sums).format(x=source, W=W, b=b)
        if layer.activation == "identity":
            return z
        if layer.activation == "softmax":
            return f"softmax({z})"
        return self.say.activated.format(
            f=self.say.names.get(layer.activation, layer.activation), z=z
        )

    def outputs(self) -> str:
        """Return the function that makes outputs of the networks'."""
        plan, x = self.plan, self.say.x
        if self.is_plain:
            return ""
        if plan.combine == "by_group":
            return self.say.by_group.format(default=self.default())
        if self.numpy:
            return self.numpy_outputs()
        calls = self.calls()
        if plan.combine == "each":
            return (
                f'{calls}def outputs({x}):\n    """Return the outputs of each network."""\n'
                f"    return [{self.called()}]"
            )
        return (
            f"{calls}def outputs({x}):\n"
            f'    """Return the weighted mean of the outputs of the networks."""\n'
            f"    members = [{self.called()}]\n"
            "    return [\n"
            "        sum(share * a for share, a in zip(SHARES, column, strict=True))\n"
            "        for column in zip(*members, strict=True)\n    ]"
        )

    def default(self) -> str:
        """Return how the network of a group is looked up."""
        assert self.plan.groups is not None
        unknown = self.plan.groups.unknown
        return "NETWORK_OF[group]" if unknown is None else f"NETWORK_OF.get(group, {unknown})"

    def calls(self) -> str:
        """Return a table of which function computes which network, where they are several."""
        if len(self.plan.stacks) == 1:
            return ""
        places = {
            number: f"(forward_{i}, {place})"
            for i, stack in enumerate(self.plan.stacks)
            for place, number in enumerate(stack.numbers.tolist())
        }
        body = "\n".join(f"    {places[number]}," for number in sorted(places))
        return f"NETWORKS = [  # the function of each, and its place there\n{body}\n]\n\n\n"

    def called(self) -> str:
        """Return the outputs of all networks, one after the other, within brackets."""
        if len(self.plan.stacks) == 1:
            return f"forward(k, x) for k in range({self.plan.n_networks})"
        return "forward(k, x) for forward, k in NETWORKS"

    def numpy_outputs(self) -> str:
        """Return the function that puts the outputs of several networks together."""
        words = (
            "each network" if self.plan.combine == "each" else "the networks, their weighted mean"
        )
        lines = ["def outputs(X):", f'    """Return the outputs of {words}."""']
        if len(self.plan.stacks) == 1:
            lines.append("    out = forward(X)")
        else:
            numbers = np.concatenate([stack.numbers for stack in self.plan.stacks])
            order = np.argsort(numbers).tolist()
            parts = ", ".join(f"forward_{i}(X)" for i in range(len(self.plan.stacks)))
            lines += [f"    out = np.concatenate([{parts}])", f"    out = out[{order}]"]
        mean = 'np.einsum("k,kno->no", SHARES, out)'
        lines.append("    return out" if self.plan.combine == "each" else f"    return {mean}")
        return "\n".join(lines)

    @property
    def parameters(self) -> str:
        """What `predict` takes."""
        if self.plan.combine != "by_group":
            return self.say.x
        return f"{self.say.x}, {'groups' if self.numpy else 'group'}"

    def predict(self) -> str:
        """Return the function that predicts numbers or labels."""
        return self.say.predict(self.plan, self.parameters)

    def predict_proba(self) -> str:
        """Return the function that estimates probabilities."""
        assert self.plan.probabilities is not None
        how, n = self.plan.probabilities, self.plan.n_outputs
        lines = [f"def predict_proba({self.parameters}):"]
        lines += ['    """Estimate the probability of each of CLASSES."""']
        out = f"outputs({self.parameters})"
        if how.link in ("sigmoid", "clip"):
            out = self.say.activated.format(f=how.link, z=out)
        elif how.link == "softmax":
            out = f"softmax({out})"
        lines += self.say.shares(out, n, how.is_normalised)
        return "\n".join(lines)


def assigned(name: str, value: Sequence[object], form: str) -> list[str]:
    """Return the lines that give a name to nested lists of numbers or texts."""
    before, after = form.split("{}")
    lines = nested(value, "")
    lines[0] = f"{name} = {before}{lines[0]}"
    lines[-1] += after
    return lines


def nested(value: Sequence[object], indent: str) -> list[str]:
    """Return the lines of nested lists, as many numbers in each as fit."""
    flat = f"{indent}[{', '.join(map(repr, value))}]"
    if not any(isinstance(item, list) for item in value):
        return (
            [flat]
            if len(flat) < WIDTH - 20
            else [f"{indent}[", *_filled(value, indent), f"{indent}]"]
        )
    lines = [f"{indent}["]
    for item in value:
        assert isinstance(item, list)
        inner = nested(item, indent + "    ")
        lines += [*inner[:-1], f"{inner[-1]},"]
    return [*lines, f"{indent}]"]


def _filled(value: Sequence[object], indent: str) -> list[str]:
    lines, line = [], f"{indent}   "
    for item in value:
        if len(line) + len(repr(item)) + 2 > WIDTH and line.strip():
            lines.append(line)
            line = f"{indent}   "
        line += f" {item!r},"
    return [*lines, line]
