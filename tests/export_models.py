"""Models of every kind that exports are tested with: random networks, and fitted estimators."""

import functools
import itertools
import warnings
from typing import NamedTuple

import numpy as np

from fastperc import (
    Fleet,
    FTRLClassifier,
    FTRLRegressor,
    GroupedMLPClassifier,
    GroupedMLPRegressor,
    MLPClassifier,
    MLPEnsembleClassifier,
    MLPEnsembleRegressor,
    MLPRegressor,
    Network,
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    SGDClassifier,
    SGDRegressor,
)
from fastperc.model.losses import LOSSES
from networks import HEADS, HIDDEN


class Case(NamedTuple):
    """A fitted model, and inputs for it."""

    model: object
    X: np.ndarray
    groups: np.ndarray | None = None


# --- networks and fleets --------------------------------------------------------------------------


def random_network(i):
    """Network number ``i``: heads, depths and dtypes in turn, all else drawn."""
    rng = np.random.default_rng((16, i))
    output, loss = HEADS[i % len(HEADS)]
    depth = 0 if loss == "perceptron" else i % 5
    n_out = int(rng.integers(2, 5)) if output == "softmax" else int(rng.integers(1, 4))
    sizes = (int(rng.integers(1, 9)), *rng.integers(1, 20, depth).tolist(), n_out)
    return Network(
        sizes, hidden=rng.choice(HIDDEN, depth).tolist(), output=output, loss=loss,
        bias=(rng.random(depth + 1) < 0.7).tolist(), dtype=("float32", "float64")[i // 2 % 2],
        seed=rng,
    )  # fmt: skip


def network_case(i):
    """Network number ``i`` with biases that are not 0, and inputs."""
    net = random_network(i)
    rng = np.random.default_rng((17, i))
    net.theta[:] = net.theta + rng.normal(0, 0.3, net.theta.size)
    if net.loss_name == "hinge" and i % 2:
        net.labels = (-1, 1)
    return Case(net, rng.normal(0, 2, (50, net.sizes[0])).astype(net.dtype))


def fleet_case(i, shapes_differ=False):
    """Fleet number ``i``, of networks like number ``i``."""
    case = network_case(i)
    net, rng = case.model, np.random.default_rng((18, i))
    fleet = Fleet(
        net.sizes, 5, hidden=net.hidden, output=net.output, loss=net.loss_name, dtype=net.dtype,
        bias=net.bias, seed=rng,
    )  # fmt: skip
    if shapes_differ:
        other = Network((net.sizes[0], 3, net.sizes[-1]), output=net.output, loss=net.loss_name,
                        dtype=net.dtype, seed=1)  # fmt: skip
        fleet = Fleet([*fleet[:2], other, *fleet[2:4], other])
    return Case(fleet, case.X)


# --- estimators -----------------------------------------------------------------------------------

QUICK = {"max_iter": 5, "batch_size": 20, "random_state": 0}
LABELS = {
    "int": [7, -2, 5, 3],
    "str": ["red", "green", "blue", "ångström"],
    "bool": [True, False],
    "float": [0.0, 2.0, -1.0],
}


def rows(rng, dtype="float64", n=120, n_features=5, far=False):
    """Inputs; ``far``: of scales that differ, some columns far from 0, one constant."""
    X = rng.normal(0, 1, (n, n_features))
    if far:
        X = X * [1, 100, 1e-3, 1, 0] + [0, 5, 1, 1000, 7]
    return X.astype(dtype)


def labels_for(rng, X, kind="int", n_classes=2):
    """Labels that can be learned from X."""
    Z = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
    scores = Z @ rng.normal(0, 1, (X.shape[1], n_classes))
    return np.array(LABELS[kind][:n_classes])[scores.argmax(axis=1)]


def targets_for(rng, X, n_outputs=1):
    """Numbers that can be learned from X."""
    Y = np.tanh(X[:, :1] @ rng.normal(0, 1, (1, n_outputs))) * 30 + 200
    return Y[:, 0] if n_outputs == 1 else Y


def fitted(model, X, *y, **options):
    """A model fitted to data, with no word of how little it was trained."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, *y, **options)


def classifier_cases():
    """Dense classifiers: classes of every kind, scaling, precision, losses, shapes."""
    hidden = [(), (6,), (5, 4), (3, 4, 5), (3, 3, 3, 3)]
    turns = itertools.product(("log_loss", "hinge"), (None, "standard"), LABELS)
    for k, (loss, scale, kind) in enumerate(turns):
        rng = np.random.default_rng((19, k))
        X = rows(rng, ("float32", "float64")[k // 2 % 2], far=scale is not None)
        y = labels_for(rng, X, kind, min(len(LABELS[kind]), 2 + k % 3))
        model = MLPClassifier(
            hidden[k % 5], activation=HIDDEN[k % len(HIDDEN)], loss=loss, scale=scale, **QUICK
        )
        yield f"classifier-{loss}-{scale}-{kind}", Case(fitted(model, X, y), X)
    for loss in ("log_loss", "hinge"):
        rng = np.random.default_rng(20)
        X = rows(rng)
        Y = (X[:, :3] > 0).astype(int)
        yield f"multilabel-{loss}", Case(fitted(MLPClassifier((6,), loss=loss, **QUICK), X, Y), X)
        one = fitted(MLPClassifier((6,), loss=loss, **QUICK), X, np.full(len(X), "only"))
        yield f"one-class-{loss}", Case(one, X)


def regressor_cases():
    """Dense regressors: losses, scaling, precision, several outputs."""
    losses = ("squared_error", "poisson", "absolute_error", "huber", "quantile")
    for k, (loss, scale) in enumerate(itertools.product(losses, (None, "standard"))):
        rng = np.random.default_rng((21, k))
        X = rows(rng, ("float64", "float32")[k // 2 % 2], far=scale is not None)
        y = targets_for(rng, X, 1 + k % 3)
        options = {"quantile": 0.8} if loss == "quantile" else {}
        y = y / 100 if loss == "poisson" else y
        model = MLPRegressor(
            loss, (4,) * (k % 5), activation=HIDDEN[k % len(HIDDEN)], scale=scale, **options,
            **QUICK,
        )  # fmt: skip
        yield f"regressor-{loss}-{scale}", Case(fitted(model, X, y), X)


def ensemble_cases():
    """Ensembles: of one shape and several, precision too, chosen, weighted, scaled, intervals."""
    several = {"hidden_layer_sizes": [(3,), (4, 3), ()], "activation": ["relu", "elu"]}
    for name, options in {
        "plain": {},
        "bootstrap": {"bootstrap": True},
        "shapes": {"distributions": several},
        "precision": {"distributions": {"dtype": ["float32", "float64"]}},
        "chosen": {"n_selected": 6, "distributions": several},
        "scaled": {"scale": "standard", "bootstrap": True},
    }.items():
        for dtype in ("float32", "float64"):
            rng = np.random.default_rng(22)
            X = rows(rng, dtype, far="scale" in options)
            quick = {"n_members": 5, "hidden_layer_sizes": (4,), **options, **QUICK}
            y = labels_for(rng, X, "str", 3)
            yield (
                f"ensemble-{name}-{dtype}-3",
                Case(fitted(MLPEnsembleClassifier(**quick), X, y), X),
            )
            y = labels_for(rng, X, "bool", 2)
            hinge = MLPEnsembleClassifier(loss="hinge", **quick)
            yield f"ensemble-{name}-{dtype}-2", Case(fitted(hinge, X, y), X)
            y = targets_for(rng, X)
            yield f"ensemble-{name}-{dtype}", Case(fitted(MLPEnsembleRegressor(**quick), X, y), X)


def group_cases():
    """Grouped networks: names of groups, missing classes, a pooled network, a column of groups."""
    rng = np.random.default_rng(23)
    X = rows(rng, far=True)
    numbers = np.repeat([3, 11, -5, 8], 30)
    names = np.array(["a", "bb", "ü", "d"], object)[np.repeat(range(4), 30)]
    for unknown, scale in itertools.product(("error", "pooled"), (None, "standard")):
        one = MLPRegressor(hidden_layer_sizes=(4,), scale=scale, **QUICK)
        model = GroupedMLPRegressor(one, unknown=unknown)
        model = fitted(model, X, targets_for(rng, X, 2), groups=numbers)
        asked = np.where(numbers == 11, 99, numbers) if unknown == "pooled" else numbers
        yield f"grouped-{unknown}-{scale}", Case(model, X, asked)
    for loss, n_classes, scale in itertools.product(
        ("log_loss", "hinge"), (2, 4), (None, "standard")
    ):
        y = labels_for(rng, X, "str", n_classes)
        y[names == "a"] = "green"  # one class only
        y[names == "bb"] = np.where(np.arange(30) % 2, "red", "green")  # two
        if n_classes == 4:
            y[names == "ü"] = np.resize(["red", "green", "blue"], 30)
        else:
            y[names == "d"] = "red"  # the other one
        one = MLPClassifier((4,), loss=loss, scale=scale, solver="lbfgs", **QUICK)
        model = fitted(GroupedMLPClassifier(one), X, y, groups=names)
        yield f"grouped-{loss}-{n_classes}-{scale}", Case(model, X, names)
    one = MLPRegressor(hidden_layer_sizes=(4,), **QUICK)
    for name, groups in {"bool": numbers > 5, "fractions": numbers / 2}.items():
        model = fitted(GroupedMLPRegressor(one), X, targets_for(rng, X), groups=groups)
        yield f"grouped-{name}", Case(model, X, groups)
    with_column = np.insert(X, 2, numbers, axis=1)
    model = fitted(GroupedMLPRegressor(one, groups=2), with_column, targets_for(rng, X))
    yield "grouped-column", Case(model, X, numbers.astype(float))


def linear_cases():
    """Linear models: each kind, two classes and several, multinomial, sparse coefficients."""
    for dtype in ("float32", "float64"):
        rng = np.random.default_rng(24)
        X = rows(rng, dtype)
        quick = {"max_iter": 5, "random_state": 0, "tol": None}
        for loss, n_classes in itertools.product(("hinge", "log_loss", "modified_huber"), (2, 4)):
            model = SGDClassifier(loss=loss, average=n_classes == 4, **quick)
            y = labels_for(rng, X, "str", n_classes)
            yield f"sgd-{loss}-{n_classes}-{dtype}", Case(fitted(model, X, y), X)
        for n_classes in (2, 3):
            model = SGDClassifier(loss="log_loss", multi_class="multinomial", **quick)
            y = labels_for(rng, X, "int", n_classes)
            yield f"multinomial-{n_classes}-{dtype}", Case(fitted(model, X, y), X)
        for kind in (Perceptron, PassiveAggressiveClassifier, FTRLClassifier):
            y = labels_for(rng, X, "bool")
            yield f"{kind.__name__}-{dtype}", Case(fitted(kind(**quick), X, y).sparsify(), X)
        for kind in (SGDRegressor, PassiveAggressiveRegressor, FTRLRegressor):
            y = targets_for(rng, X) / 100
            yield f"{kind.__name__}-{dtype}", Case(fitted(kind(**quick), X, y), X)


@functools.cache
def estimator_cases():
    """All of them, by name."""
    return {
        **dict(classifier_cases()), **dict(regressor_cases()), **dict(ensemble_cases()),
        **dict(group_cases()), **dict(linear_cases()),
    }  # fmt: skip


def model_has_labels(model):
    """Whether a network or fleet predicts labels."""
    net = model[0] if isinstance(model, Fleet) else model
    return LOSSES[net.loss_name].labels_of is not None


def expected(case):
    """What the model itself says: outputs, labels and probabilities, or None in their place.

    Outputs have a column for each output, and those of a fleet the networks in front.
    """
    model, X = case.model, case.X
    if isinstance(model, (Network, Fleet)):
        out = model.forward(X)
        return out, model.predict(X) if model_has_labels(model) else None, None
    extra = {} if case.groups is None else {"groups": case.groups}
    if getattr(model, "groups", None) is not None:
        X, extra = np.insert(X, model.groups, case.groups, axis=1), {}
    if not hasattr(model, "classes_"):
        return model.predict(X, **extra).reshape(len(X), -1), None, None
    labels = model.predict(X, **extra)
    if hasattr(model, "predict_proba"):
        return None, labels, model.predict_proba(X, **extra)
    return model.decision_function(X, **extra).reshape(len(X), -1), labels, None


def random_estimator(i):
    """A fitted estimator whose kind, shape, loss, scaling and precision are drawn."""
    rng = np.random.default_rng((25, i))
    X = rows(rng, str(rng.choice(["float32", "float64"])), 60, far=bool(rng.random() < 0.5))
    depth = int(rng.integers(0, 5))
    options = {
        "hidden_layer_sizes": tuple(rng.integers(1, 12, depth).tolist()),
        "activation": rng.choice(HIDDEN, depth).tolist() if depth else "relu",
        "scale": None if X[0, 3] < 10 and rng.random() < 0.5 else "standard",
        **QUICK,
        "max_iter": 3,
    }
    is_ensemble = rng.random() < 0.3
    if is_ensemble:
        options |= {"n_members": int(rng.integers(1, 6)), "bootstrap": bool(rng.random() < 0.5)}
    if rng.random() < 0.5:
        options["loss"] = str(rng.choice(["log_loss", "hinge"]))
        kind = str(rng.choice([*LABELS]))
        y = labels_for(rng, X, kind, int(rng.integers(2, 1 + len(LABELS[kind]))))
        model = (MLPEnsembleClassifier if is_ensemble else MLPClassifier)(**options)
    else:
        options["loss"] = str(rng.choice(["squared_error", "poisson", "huber", "absolute_error"]))
        y = targets_for(rng, X, int(rng.integers(1, 4)))
        y = y / 100 if options["loss"] == "poisson" else y
        model = (MLPEnsembleRegressor if is_ensemble else MLPRegressor)(**options)
    return Case(fitted(model, X, y), X)


# --- ONNX -----------------------------------------------------------------------------------------

TOLERANCE = {"float32": 1e-6, "float64": 1e-12}


def run_onnx(proto, **inputs):
    """What ONNX Runtime makes of inputs, by the names of outputs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs), strict=True))


def require_agreement(proto, case, scale=1.0):
    """Raise AssertionError unless ONNX Runtime says what the model says.

    Numbers may differ relative to the largest of them, or to ``scale`` if that is larger.
    """
    dtype = "float32" if proto.graph.input[0].type.tensor_type.elem_type == 1 else "float64"
    X = case.X.astype(dtype)
    inputs = {"X": X}
    if case.groups is not None:
        inputs["groups"] = (
            case.groups.astype(np.int64) if case.groups.dtype == bool else case.groups
        )
    found = run_onnx(proto, **inputs)
    outputs, labels, probabilities = expected(case._replace(X=X))
    assert ("label" in found) == (labels is not None)
    if labels is not None:
        assert found["label"].dtype.kind == labels.dtype.kind.replace("U", "O")
        assert np.array_equal(found["label"], labels)
    theirs = outputs if probabilities is None else probabilities
    (name,) = {"variable", "outputs", "scores", "probabilities"} & set(found)
    assert (name == "probabilities") == (probabilities is not None)
    assert found[name].shape == theirs.shape
    assert found[name].dtype == dtype
    off = np.abs(found[name] - theirs.astype(np.float64)).max()
    assert off <= TOLERANCE[dtype] * max(scale, np.abs(theirs).max()), (name, off)
