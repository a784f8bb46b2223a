"""Models written in C: compiled together, called, and compared with the library."""

import ctypes
import subprocess
from pathlib import Path

import numpy as np

from export_models import expected
from fastperc import DivergedError, Network
from fastperc.exports.c import write_c
from fastperc.exports.c_selftest import targets
from fastperc.exports.rounding import bounds
from fastperc.measuring.compilers import compiler

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wdouble-promotion"]
RELATIVE = 1e-5  # of training steps
REALS = {"float32": ctypes.c_float, "float64": ctypes.c_double}


def run(*words, **options):
    """Call a program; its output, and what it complained about where it fails."""
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{words[0]}: {done.returncode}\n{done.stdout}{done.stderr:.4000}"
    return done.stdout


class Compiled:
    """Models in one C file, each with a prefix of its own, as a loaded library."""

    def __init__(self, models, folder, *, flags=("-O1", "-ffp-contract=off"), cc=None, **options):
        self.sources = [write_c(model, prefix=f"m{i}", **options) for i, model in enumerate(models)]
        path = Path(folder) / "models.c"
        path.write_text("".join(source.text for source in self.sources))
        library = path.with_suffix(".so")
        run(
            cc or compiler(), "-std=c99", *flags, *WARNINGS, "-shared", "-fPIC", path,
            "-o", library,
        )  # fmt: skip
        self.library = ctypes.CDLL(str(library))

    def function(self, i, name, result=None):
        found = self.library[f"m{i}_{name}"]
        found.restype = result
        return found

    def constant(self, i, name, kind):
        return list(kind.in_dll(self.library, f"m{i}_{name}"))

    def predict(self, i, X, networks=None):
        """What model ``i`` says of each row: outputs, labels (or None), probabilities (or None)."""
        plan = self.sources[i].plan
        X = np.ascontiguousarray(X, plan.dtype)
        out = np.zeros((len(X), plan.n_outputs), plan.dtype)
        several = plan.decision is not None and plan.n_outputs > 1
        several = several and plan.decision.rule == "threshold"
        labels = np.zeros((len(X), plan.n_outputs if several else 1), np.uint8)
        function = self.function(i, "predict", ctypes.c_int)
        for k, x in enumerate(X):
            first = [] if networks is None else [ctypes.c_size_t(int(networks[k]))]
            last = [pointer(labels[k])] if several else []
            found = function(*first, pointer(x), pointer(out[k]), *last)
            if not several:
                labels[k] = found if plan.decision is not None else 0
        shares = None
        if plan.probabilities is not None:
            shares = np.zeros((len(X), max(2, plan.n_outputs)), plan.dtype)
            for k, x in enumerate(X):
                first = [] if networks is None else [ctypes.c_size_t(int(networks[k]))]
                self.function(i, "predict_proba")(*first, pointer(x), pointer(shares[k]))
        return out, None if plan.decision is None else labels, shares


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def networks_of(compiled, i, case):
    """Which network each row goes to, as C finds the groups; None where there is one."""
    plan = compiled.sources[i].plan
    if plan.groups is None:
        return None
    function = compiled.function(i, "network_of", ctypes.c_size_t)
    kind = plan.groups.keys.dtype.kind
    as_c = {
        "O": lambda name: name.encode(),
        "i": ctypes.c_longlong,
        "b": ctypes.c_longlong,
        "f": ctypes.c_double,
    }[kind]
    return np.array([function(as_c(name)) for name in case.groups.tolist()])


def compare(compiled, i, case):
    """Require that C says what the model says: outputs within the tolerance, labels if sure.

    Returns the largest deviation, as a part of the tolerance.
    """
    plan = compiled.sources[i].plan
    outputs, labels, shares = expected(case)
    if plan.combine == "each":
        return max(
            check(plan, case.X, np.full(len(case.X), n), compiled.predict(
                i, case.X, np.full(len(case.X), n)),
                (outputs[n], None if labels is None else labels[n], None))
            for n in range(plan.n_networks)
        )  # fmt: skip
    networks = networks_of(compiled, i, case)
    found = compiled.predict(i, case.X, networks)
    return check(plan, case.X, networks, found, (outputs, labels, shares))


def check(plan, X, networks, found, wanted):
    """Compare one network's answers."""
    networks = np.zeros(len(X), int) if networks is None else networks
    (out, labels, shares), (outputs, their_labels, their_shares) = found, wanted
    tolerance = 2 * bounds(plan, X, networks) + 1e-300
    worst = 0.0
    if outputs is not None:
        off = np.abs(out - outputs.reshape(out.shape)) / tolerance
        worst = float(off.max())
        assert worst <= 1, f"outputs are off by {worst:.3g} of the tolerance"
    if their_shares is not None:
        tiny = {"float32": 3e-6, "float64": 1e-12}[plan.dtype.name]
        most = np.maximum(tiny, 4 * tolerance.max(axis=1, keepdims=True))
        assert shares.shape == their_shares.shape
        assert (np.abs(shares - their_shares) <= most).all()
    if their_labels is not None:
        decision = plan.decision
        mine = decision.classes[labels.astype(int)]
        mine = mine if decision.rule == "threshold" and plan.n_outputs > 1 else mine[:, 0]
        sure = is_sure(decision, out, tolerance)
        assert np.array_equal(mine[sure], their_labels.reshape(mine.shape)[sure])
    return worst


def is_sure(decision, out, tolerance):
    """Whether rounding cannot change a label."""
    if decision.rule == "threshold":
        sure = np.abs(out - decision.threshold) > tolerance
        return sure.all(axis=1)
    top = np.sort(out, axis=1)[:, -2:]
    return top[:, 1] - top[:, 0] > 2 * tolerance.max(axis=1)


def compare_training(compiled, i, model, n_samples):
    """Let a network learn in C and here, sample by sample; how far apart they are, relatively.

    Of losses, to the largest of them; of parameters at the end, to the largest of them. Where that
    is more than `RELATIVE` in float32, float64 has to be as far from the library's float32.
    """
    rng = np.random.default_rng(i)
    X = rng.normal(size=(n_samples, model.sizes[0])).astype(model.dtype)
    Y = targets(model, n_samples, rng)
    lr, losses, theta = library_training(model, X, Y)
    mine = np.zeros_like(theta)
    compiled.function(i, "init")(pointer(mine))
    assert np.array_equal(mine, model.theta)
    real = REALS[model.dtype.name]
    learn_one = compiled.function(i, "learn_one", real)
    found = [
        learn_one(pointer(mine), pointer(x), pointer(y), real(lr))
        for x, y in zip(X, Y, strict=True)
    ]
    most, size = np.abs(losses).max(), np.abs(theta).max()

    def distance(some_losses, some_theta):
        off = np.abs(np.array(some_losses) - losses).max() / most
        return max(float(off), float(np.abs(some_theta - theta).max() / size))

    off = distance(found, mine)
    if off > RELATIVE and model.dtype == np.float32:  # is it that rounding grows from step to step?
        wide = in_double(model)
        _, exact, exact_theta = library_training(wide, X, Y, (lr,))
        assert off <= 3 * distance(exact, exact_theta), f"training: off by {off:.3g}"
        return 0.0
    assert off <= RELATIVE, f"training: off by {off:.3g}"
    return off


def in_double(model):
    """The same network in float64."""
    return Network(
        model.sizes, hidden=model.hidden, output=model.output, loss=model.loss_name,
        bias=model.bias, dtype="float64", init=model.theta.astype(np.float64),
    )  # fmt: skip


def library_training(model, X, Y, rates=(0.01, 0.001, 0.0001)):
    """The first of some learning rates that does not diverge, losses with it, and parameters."""
    for lr in rates:
        twin = model.copy()
        try:
            losses = [twin.learn_one(x, y, lr=lr) for x, y in zip(X, Y, strict=True)]
        except DivergedError:
            continue
        return lr, np.array(losses), twin.theta
    raise AssertionError("every learning rate diverges")
