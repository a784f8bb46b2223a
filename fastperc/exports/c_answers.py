"""What the functions of a C file answer: outputs of one or several networks, labels, shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .c_layers import Part, Tables, filled, table
from .plan import Plan, Probabilities


class Answers:
    """The public functions of a plan, and the arrays of names that go with them.

    Parameters
    ----------
    plan : Plan
    tables : sequence of Tables
        Of each stack.
    train : bool
        Whether the parameters are those of a struct that is handed over.
    """

    def __init__(self, plan: Plan, tables: Sequence[Tables], train: bool):
        self.plan, self.tables, self.train = plan, tables, train
        self.chosen = plan.combine in ("each", "by_group")  # the caller says which network
        decision = plan.decision
        self.has_label = decision is not None and (decision.rule == "argmax" or plan.n_outputs == 1)
        self.has_labels = decision is not None and not self.has_label
        first = (
            "const p_parameters *model, " if train else "size_t network, " if self.chosen else ""
        )
        self.parameters = f"{first}const real *x"
        self.arguments = "model, x" if train else "network, x" if self.chosen else "x"
        self.result = "int" if self.has_label else "void"
        more = ", unsigned char *labels" if self.has_labels else ""
        self.predict = f"{self.result} p_predict({self.parameters}, real *out{more})"
        self.predict_proba = f"void p_predict_proba({self.parameters}, real *proba)"

    def suffix(self, i: int) -> str:
        """Return what the names of the i-th stack end with."""
        return f"_{i}" if len(self.tables) > 1 else ""

    @property
    def n_classes(self) -> int:
        """Number of columns of probabilities, or of labels that there may be."""
        if self.plan.decision is None:
            return 0
        return self.plan.n_outputs if self.plan.n_outputs > 1 else len(self.plan.decision.classes)

    @property
    def n_stack_bytes(self) -> int:
        """Most that the arrays of functions take on the stack."""
        most = 0
        for part in self.tables:
            sizes = part.stack.sizes
            hidden = sizes[1:-1]
            n = max(hidden[0::2], default=0) + max(hidden[1::2], default=0)
            n += sizes[0] if part.stack.shift is not None or part.whole is not None else 0
            most = max(most, 2 * sum(sizes[1:]) if self.train else n)
        return int((most + (self.plan.n_outputs if self.plan.weights is not None else 0))
                   * self.plan.dtype.itemsize)  # fmt: skip

    # --- declarations and names ------------------------------------------------------------------

    def declarations(self) -> str:
        """Write what other files may use."""
        plan = self.plan
        sizes = {"n_features": plan.n_features, "n_outputs": plan.n_outputs}
        sizes |= {"n_classes": self.n_classes} if plan.decision is not None else {}
        sizes |= {"n_networks": plan.n_networks} if self.chosen else {}
        lines = ["\nenum {"]
        lines += [f"    p_{name} = {n}," for name, n in sizes.items()]
        lines[-1] = lines[-1].removesuffix(",")
        lines += ["};\n"]
        if plan.feature_names is not None:
            lines.append(f"extern const char *const p_feature_names[{plan.n_features}];")
        if plan.decision is not None:
            n = len(plan.decision.classes)
            lines.append(f"extern const char *const p_class_names[{n}];")
            if self._has_values():
                lines.append(f"extern const long p_class_values[{n}];")
        if plan.groups is not None:
            key = KEY_TYPES[plan.groups.keys.dtype.kind]
            lines += ["", "/* The network of a group; p_n_networks where there is none. */"]
            lines.append(f"size_t p_network_of({key}group);")
        lines += ["", f"/* {self._says()} */", f"{self.predict};"]
        if plan.probabilities is not None:
            lines += ["", "/* Write the probability of each class. */", f"{self.predict_proba};"]
        return "\n".join(lines) + "\n"

    def _says(self) -> str:
        if self.has_label:
            return "Write the outputs for the features x; return the place of the label."
        if self.has_labels:
            return "Write the outputs for the features x, and for each whether its label holds."
        return "Write the outputs for the features x."

    def _has_values(self) -> bool:
        """Return whether all classes are whole numbers that fit into 32 bits."""
        assert self.plan.decision is not None
        classes = self.plan.decision.classes
        is_whole = classes.dtype.kind in "iub"
        return is_whole and bool((np.abs(classes.astype(np.float64)) < 2**31).all())

    def names(self) -> str:
        """Write the arrays of names."""
        plan, found = self.plan, ""
        if plan.feature_names is not None:
            found += _texts("p_feature_names", plan.feature_names)
        if plan.decision is not None:
            classes = plan.decision.classes
            found += _texts("p_class_names", classes.tolist())
            if self._has_values():
                values = Part("", classes.astype(np.int64)[None])
                found += table("p_class_values", "long", [values], external=True)
        if plan.groups is not None:
            found += _keys(plan.groups.keys)
        return found

    # --- functions -------------------------------------------------------------------------------

    def functions(self) -> str:
        """Write the functions that answer."""
        found = self._outputs() + self._predict()
        if self.plan.groups is not None:
            found = self._network_of() + found
        if self.plan.probabilities is not None:
            found += self._predict_proba(self.plan.probabilities)
        return found

    def _outputs(self) -> str:
        """Write the function that computes the outputs of the model."""
        head = f"\nstatic void p_outputs({self.parameters}, real *out)\n{{\n"
        if self.plan.weights is not None:
            return self._shares() + head + self._mean() + "}\n"
        if len(self.tables) > 1:
            return self._numbers() + head + self._switch() + "}\n"
        arguments = "model->theta" if self.train else self.tables[0].arguments("", "network")
        unused = "    (void)network;\n" if self.chosen and self.plan.n_networks == 1 else ""
        return f"{head}{unused}    p_forward({arguments}, x, out);\n}}\n"

    def _numbers(self) -> str:
        """Write which stack each network belongs to, and its place there."""
        places = np.zeros((2, self.plan.n_networks), np.int64)
        for i, part in enumerate(self.tables):
            numbers = part.stack.numbers
            places[0, numbers], places[1, numbers] = i, np.arange(len(numbers))
        stacks, rows = (Part("", row[None]) for row in places)
        return table("p_stacks", "int", [stacks]) + table("p_places", "size_t", [rows])

    def _switch(self) -> str:
        lines = ["    size_t i = p_places[network];", "    switch (p_stacks[network]) {"]
        for i, part in enumerate(self.tables):
            end = self.suffix(i)
            last = i == len(self.tables) - 1
            lines += ["    default:" if last else f"    case {i}:"]
            lines += [f"        p_forward{end}({part.arguments(end, 'i')}, x, out);"]
            lines += ["        break;"]
        return "\n".join([*lines, "    }"]) + "\n"

    def _shares(self) -> str:
        """Write the weight of each network in the mean."""
        assert self.plan.weights is not None
        found = ""
        for i, part in enumerate(self.tables):
            weights = self.plan.weights[part.stack.numbers].astype(self.plan.dtype)
            found += table(f"p_shares{self.suffix(i)}", "real", [Part("", weights[None])])
        return found

    def _mean(self) -> str:
        n = self.plan.n_outputs
        lines = [f"    real member[{n}];", "    size_t i, k;"]
        lines += [f"    for (k = 0; k < {n}; k++)", "        out[k] = 0.0;"]
        for i, part in enumerate(self.tables):
            end = self.suffix(i)
            lines += [
                f"    for (i = 0; i < {len(part.stack.numbers)}; i++) {{",
                f"        p_forward{end}({part.arguments(end, 'i')}, x, member);",
                f"        for (k = 0; k < {n}; k++)",
                f"            out[k] += p_shares{end}[i] * member[k];",
                "    }",
            ]
        return "\n".join(lines) + "\n"

    def _predict(self) -> str:
        lines, n = [f"    p_outputs({self.arguments}, out);"], self.plan.n_outputs
        decision = self.plan.decision
        if decision is not None and decision.rule == "argmax":
            lines = ["    int label = 0, k;", *lines]
            lines += [f"    for (k = 1; k < {n}; k++)", "        if (out[k] > out[label])"]
            lines += ["            label = k;", "    return label;"]
        elif decision is not None:
            above = ">=" if decision.at_threshold else ">"
            threshold = repr(float(decision.threshold))
            if self.has_label:
                lines.append(f"    return out[0] {above} {threshold};")
            else:
                lines = ["    size_t k;", *lines, f"    for (k = 0; k < {n}; k++)"]
                lines.append(f"        labels[k] = out[k] {above} {threshold};")
        return f"\n{self.predict}\n{{\n" + "\n".join(lines) + "\n}\n"

    def _predict_proba(self, how: Probabilities) -> str:
        n = self.plan.n_outputs
        lines = [f"    p_outputs({self.arguments}, proba);"]
        if how.link == "softmax":
            lines.append(f"    (void)p_softmax(proba, {n}, p_largest(proba, {n}));")
        elif how.link != "identity":
            lines += [f"    for (k = 0; k < {n}; k++)", f"        {LINKS[how.link]}"]
        if n == 1:
            lines += ["    proba[1] = proba[0];", "    proba[0] = 1.0 - proba[0];"]
        elif how.is_normalised:
            lines += [f"    for (k = 0; k < {n}; k++)", "        sum += proba[k];"]
            lines += [f"    for (k = 0; k < {n}; k++)"]
            lines += [f"        proba[k] = sum > 0.0 ? proba[k] / sum : 1.0 / {n}.0;"]
            lines = ["    real sum = 0.0;", *lines]
        if any("k++" in line for line in lines):
            lines = ["    size_t k;", *lines]
        return f"\n{self.predict_proba}\n{{\n" + "\n".join(lines) + "\n}\n"

    def _network_of(self) -> str:
        groups = self.plan.groups
        assert groups is not None
        n, unknown = len(groups.keys), groups.unknown
        missing = "p_n_networks" if unknown is None else str(unknown)
        key = KEY_TYPES[groups.keys.dtype.kind]
        is_text = key == KEY_TYPES["O"]
        same = "p_same(group, p_groups[g])" if is_text else "group == p_groups[g]"
        return (
            f"{SAME if is_text else ''}\nsize_t p_network_of({key}group)\n{{\n    size_t g;\n"
            f"    for (g = 0; g < {n}; g++)\n        if ({same})\n            return g;\n"
            f"    return {missing};\n}}\n"
        )


LINKS = {
    "sigmoid": "proba[k] = p_sigmoid(proba[k]);",
    "clip": "proba[k] = proba[k] > 1.0 ? 1.0 : (proba[k] < -1.0 ? 0.0 : (proba[k] + 1.0) / 2.0);",
}
KEY_TYPES = {
    "O": "const char *", "U": "const char *", "i": "long long ", "u": "unsigned long long ",
    "b": "long long ", "f": "double ",
}  # fmt: skip

SAME = """
static int p_same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}
"""


def _keys(keys: np.ndarray) -> str:
    """Write the names of groups."""
    if keys.dtype.kind in "OU":
        return _texts("p_groups", keys.tolist(), "static ")
    kind = KEY_TYPES[keys.dtype.kind].strip()
    wide = {"f": np.float64, "u": np.uint64}.get(keys.dtype.kind, np.int64)
    return table("p_groups", kind, [Part("", keys[None].astype(wide))])


def _texts(name: str, texts: Sequence[object], how: str = "") -> str:
    """Write an array of texts."""
    body = filled([quoted(str(text)) for text in texts])
    return f"\n{how}const char *const {name}[{len(texts)}] = {{\n{body}\n}};\n"


def quoted(text: str) -> str:
    r"""Write a text as C does, in UTF-8, all but plain characters as octal numbers.

    >>> print(quoted('größe "m"'))
    "gr\303\266\303\237e \042m\042"
    """
    plain = set(range(32, 127)) - set(b'"\\?')
    return '"' + "".join(chr(c) if c in plain else f"\\{c:03o}" for c in text.encode()) + '"'
