"""Networks from ONNX models: of PyTorch, of skl2onnx, and built by hand; or a clear refusal."""

import io

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastperc import Network
from fastperc.kernels import reference

onnx = pytest.importorskip("onnx")
evaluator = pytest.importorskip("onnx.reference").ReferenceEvaluator
helper, numpy_helper = onnx.helper, onnx.numpy_helper

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 4))
W1, b1 = RNG.standard_normal((4, 5)), RNG.standard_normal(5)
W2, b2 = RNG.standard_normal((5, 3)), RNG.standard_normal(3)


def model_of(nodes, dtype="float64", outputs=("out",), inputs=("x",), metadata=None, **constants):
    """A model of nodes, each (operator, inputs, output, attributes)."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    constants = {"W1": W1, "b1": b1, "W2": W2, "b2": b2, **constants}
    made = [
        helper.make_node(op, given.split(), [out], domain=domain, **attributes)
        for op, given, out, attributes in nodes
        for domain in ["ai.onnx.ml" if op in ("Scaler", "ZipMap") else ""]
    ]
    used = {name for node in made for name in node.input}
    tensors = [
        numpy_helper.from_array(
            np.asarray(array, dtype if np.asarray(array).dtype.kind == "f" else None), name
        )
        for name, array in constants.items()
        if name in used
    ]
    graph = helper.make_graph(
        made, "graph", [helper.make_tensor_value_info(name, kind, ["n", 4]) for name in inputs],
        [helper.make_tensor_value_info(name, kind, ["n", "k"]) for name in outputs], tensors,
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    helper.set_model_props(model, metadata or {})
    return model


def run(model, X):
    return evaluator(model).run(None, {"x": X})[0]


def first(then, given="z"):
    """Nodes of a first layer, an activation, and a second layer."""
    layer = ("Gemm", "x W1 b1", given, {})
    return [layer, *then, ("MatMul", "a W2", "out", {})]


ACTIVATIONS = {
    "relu": [("Relu", "z", "a", {})],
    "leaky_relu": [("LeakyRelu", "z", "a", {})],
    "elu": [("Elu", "z", "a", {})],
    "sigmoid": [("Sigmoid", "z", "a", {})],
    "tanh": [("Tanh", "z", "a", {})],
    "softplus": [("Softplus", "z", "a", {})],
    "identity": [("Identity", "z", "a", {})],
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_each_activation(name, dtype):
    model = model_of(first(ACTIVATIONS[name]), dtype)
    net = Network.from_onnx(model)
    assert (net.sizes, net.hidden, net.output) == ((4, 5, 3), (name,), "identity")
    assert (net.bias, net.dtype) == ((True, False), np.dtype(dtype))
    if dtype == "float64":
        z = X @ W1 + b1
        expected = reference.ACTIVATIONS[name](z) @ W2
        np.testing.assert_allclose(net.forward(X), expected, rtol=1e-12, atol=1e-12)
    theirs = run(model, X.astype(dtype))
    np.testing.assert_allclose(net.forward(X), theirs, rtol=1e-6, atol=1e-6)


WRITTEN_OUT = {
    "leaky_relu": [("Mul", "slope z", "l", {}), ("Max", "l z", "a", {})],
    "elu": [
        ("Min", "zero z", "m", {}), ("Exp", "m", "e", {}), ("Sub", "e one", "s", {}),
        ("Max", "z s", "a", {}),
    ],
    "softplus": [
        ("Abs", "z", "p", {}), ("Neg", "p", "n", {}), ("Exp", "n", "e", {}),
        ("Add", "one e", "f", {}), ("Log", "f", "l", {}), ("Relu", "z", "r", {}),
        ("Add", "l r", "a", {}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_activations_of_several_nodes(name):
    model = model_of(first(WRITTEN_OUT[name]), slope=0.01, zero=0.0, one=1.0)
    net = Network.from_onnx(model)
    assert net.hidden == (name,)
    np.testing.assert_allclose(net.forward(X), run(model, X), rtol=1e-12, atol=1e-12)


LAYERS = {
    "add on the left": [("MatMul", "x W1", "y", {}), ("Add", "b1 y", "out", {})],
    "two adds": [("Gemm", "x W1 b1", "y", {}), ("Add", "y one", "out", {})],
    "factors": [("Gemm", "x W1 b1", "out", {"alpha": 0.5, "beta": 2.0})],
    "no biases": [("Gemm", "x W1", "out", {})],
    "transposed": [("Gemm", "x T b1", "out", {"transB": 1})],
    "transposed on the way": [
        ("Transpose", "T", "t", {"perm": [1, 0]}), ("MatMul", "x t", "out", {}),
    ],
    "row of biases": [("MatMul", "x W1", "y", {}), ("Add", "y row", "out", {})],
    "reshaped": [
        ("Flatten", "x", "f", {}), ("MatMul", "f W1", "y", {}), ("Reshape", "y five", "out", {}),
    ],
    "moved": [("Sub", "x mean", "c", {}), ("Gemm", "c W1 b1", "out", {})],
    "moved and scaled": [
        ("Sub", "x mean", "c", {}), ("Div", "c scale", "s", {}), ("Mul", "half s", "h", {}),
        ("Add", "mean h", "g", {}), ("MatMul", "g W1", "out", {}),
    ],
    "a scaler": [
        ("Scaler", "x", "c", {"offset": [1.0, 2, 3, 4], "scale": [0.5, 2, 1, 4]}),
        ("Cast", "c", "s", {"to": 11}), ("Gemm", "s W1 b1", "out", {}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("what", LAYERS)
def test_each_form_of_a_layer(what):
    model = model_of(
        LAYERS[what], T=W1.T, row=b1[None], one=1.0, five=np.array([-1, 5]), half=0.5,
        mean=np.array([1.0, -2, 300, 0]), scale=np.array([1.0, 2, 0.1, 5]),
    )  # fmt: skip
    net = Network.from_onnx(model)
    tolerance = 1e-5 if what == "a scaler" else 1e-12  # whose numbers are float32
    np.testing.assert_allclose(net.forward(X), run(model, X), rtol=tolerance, atol=1e-11)


def test_inputs_that_are_moved_make_a_network_in_float64():
    """In float32, biases of inputs around 10,000 would be off by a thousandth."""
    far = X + 10_000
    model = model_of(LAYERS["moved"], "float32", mean=far.mean(axis=0))
    net = Network.from_onnx(model)
    assert net.dtype == np.float64
    expected = (far - np.float32(far.mean(axis=0))) @ np.float32(W1) + np.float32(b1)
    np.testing.assert_allclose(net.forward(far), expected, atol=1e-9)


# --- what others write ----------------------------------------------------------------------------


legacy = pytest.mark.filterwarnings(
    "ignore:You are using the legacy TorchScript-based ONNX export:DeprecationWarning",
    "ignore:The feature will be removed:DeprecationWarning",
)


def written_by_torch(module, dtype):
    torch = pytest.importorskip("torch")
    file, example = io.BytesIO(), torch.zeros(2, 4, dtype=getattr(torch, dtype))
    torch.onnx.export(
        module.eval(), (example,), file, dynamo=False, input_names=["x"],
        dynamic_axes={"x": {0: "n"}},
    )  # fmt: skip
    return onnx.load_from_string(file.getvalue())


HEADS = [
    ("relu", "identity", "squared_error"), ("elu", "sigmoid", "log_loss"),
    ("leaky_relu", "softmax", "cross_entropy"), ("softplus", "exp", "poisson"),
    ("tanh", "softplus", "squared_error"), ("sigmoid", "tanh", "squared_error"),
]  # fmt: skip


@legacy
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("hidden", "output", "loss"), HEADS)
def test_what_pytorch_exports(hidden, output, loss, dtype):
    pytest.importorskip("torch")
    net = Network(
        (4, 6, 5, 3), hidden=hidden, output=output, loss=loss, dtype=dtype, seed=0,
        bias=(True, False, True),
    )  # fmt: skip
    back = Network.from_onnx(written_by_torch(net.to_torch(), dtype))
    assert repr(back) == repr(net)
    assert np.array_equal(back.theta, net.theta)


@legacy
@pytest.mark.parametrize("output", ["step", "sign"])
def test_perceptrons_of_pytorch(output):
    pytest.importorskip("torch")
    net = Network((4, 2), output=output, loss="perceptron", seed=0)
    assert repr(Network.from_onnx(written_by_torch(net.to_torch(), "float32"))) == repr(net)


def classifier():
    return MLPClassifier((5, 4), max_iter=3, random_state=0)


def regressor():
    return MLPRegressor(hidden_layer_sizes=(5,), activation="tanh", max_iter=3, random_state=0)


IRIS = load_iris(return_X_y=True)
SEVERAL = make_multilabel_classification(random_state=0)
SKLEARN = {
    "three classes": (classifier, IRIS, "softmax"),
    "two classes": (classifier, (IRIS[0], IRIS[1] > 0), "sigmoid"),
    "several labels": (classifier, SEVERAL, "sigmoid"),
    "a number": (regressor, (IRIS[0], IRIS[0][:, 0]), "identity"),
    "a pipeline": (lambda: make_pipeline(StandardScaler(), regressor()), IRIS, "identity"),
}


@pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning")
@pytest.mark.parametrize("zipmap", [False, True])
@pytest.mark.parametrize("what", SKLEARN)
def test_what_skl2onnx_writes(what, zipmap):
    skl2onnx = pytest.importorskip("skl2onnx")
    make, (inputs, y), output = SKLEARN[what]
    theirs = make().fit(inputs, y)
    options = (
        {"zipmap": zipmap} if hasattr(theirs, "classes_") and what != "several labels" else None
    )
    net = Network.from_onnx(skl2onnx.to_onnx(theirs, inputs[:1], options=options))
    assert net.output == output
    asked = theirs.predict_proba if hasattr(theirs, "predict_proba") else theirs.predict
    expected = asked(inputs).reshape(len(inputs), -1)[:, -net.sizes[-1] :]
    tolerance = 1e-6 if what == "a pipeline" else 1e-12  # Scaler's numbers are float32
    np.testing.assert_allclose(net.forward(inputs), expected, rtol=tolerance, atol=tolerance)


def test_numbers_that_skl2onnx_lays_out_in_one_column_are_refused():
    skl2onnx = pytest.importorskip("skl2onnx")
    theirs = regressor().set_params(solver="lbfgs", max_iter=500, tol=1).fit(X, X[:, :2])
    with pytest.raises(ValueError, match="reshaped to 1 columns, expected 2"):
        Network.from_onnx(skl2onnx.to_onnx(theirs, X[:1]))


def test_the_loss_that_the_model_tells_of_is_taken_if_it_fits():
    nodes = [("Gemm", "x W1 b1", "out", {})]
    told = [model_of(nodes, metadata={"loss": loss}) for loss in ("huber", "log_loss", "nonsense")]
    found = [Network.from_onnx(model).loss_name for model in told]
    assert found == ["huber", "squared_error", "squared_error"]
    assert Network.from_onnx(told[0], loss="hinge").loss_name == "hinge"


# --- refused --------------------------------------------------------------------------------------

REFUSED = {
    "a convolution": ([("Erf", "x", "a", {}), ("MatMul", "a W1", "out", {})], "a node Erf"),
    "an activation": (first([("LeakyRelu", "z", "a", {"alpha": 0.2})]), "a node LeakyRelu"),
    "a skip": (
        [*first([("Relu", "z", "a", {})])[:2], ("Add", "z a", "out", {})], "a node Add",
    ),
    "weights on the left": ([("MatMul", "W1 x", "out", {})], "constant right factor"),
    "a product of inputs": ([("MatMul", "x x", "out", {})], "constant right factor"),
    "transposed samples": ([("Gemm", "x W1", "out", {"transA": 1})], "transA=1"),
    "many networks": ([("MatMul", "x many", "out", {})], "3 dimensions"),
    "no layer": ([("Relu", "x", "out", {})], "tensor 'x'"),
    "nothing": ([("Identity", "x", "out", {})], "no layer with weights"),
    "another shape": (
        [("MatMul", "x W1", "y", {}), ("Reshape", "y one", "out", {})], "1 columns, expected 5",
    ),
    "biases of samples": (
        [("MatMul", "x W1", "y", {}), ("Add", "y column", "out", {})], "biases of shape",
    ),
    "softmax within": (first([("Softmax", "z", "a", {})]), "softmax"),
    "softmax over samples": (
        [("MatMul", "x W1", "y", {}), ("Softmax", "y", "out", {"axis": 0})], "a node Softmax",
    ),
    "division by inputs": (
        [("Div", "one_ x", "y", {}), ("MatMul", "y W1", "out", {})], "a node Div",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_plain_network_is_named(what):
    nodes, message = REFUSED[what]
    model = model_of(
        nodes, many=np.ones((2, 4, 5)), one=np.array([-1, 1]), column=np.ones((5, 1)), one_=1.0
    )
    with pytest.raises(ValueError, match=message):
        Network.from_onnx(model)


def test_outputs_and_inputs_are_counted():
    layer = ("Gemm", "x W1 b1", "out", {})
    with pytest.raises(ValueError, match="found 2 outputs"):
        Network.from_onnx(model_of([layer, ("Relu", "out", "b", {})], outputs=("out", "b")))
    with pytest.raises(ValueError, match=r"found 2 inputs \(x, y\)"):
        Network.from_onnx(model_of([layer], inputs=("x", "y")))
    labels = model_of([layer, ("ArgMax", "out", "label", {"axis": 1})], outputs=("label",))
    labels.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    with pytest.raises(ValueError, match="Labels alone, as of ArgMax"):
        Network.from_onnx(labels)


def test_files(tmp_path):
    path = tmp_path / "net.onnx"
    with pytest.raises(FileNotFoundError):
        Network.from_onnx(path)
    path.write_bytes(b"no model at all")
    with pytest.raises(ValueError, match=r"net\.onnx: not a readable ONNX model"):
        Network.from_onnx(path)
    path.write_bytes(model_of([("Gemm", "x W1 b1", "out", {})]).SerializeToString())
    assert Network.from_onnx(str(path)).sizes == Network.from_onnx(path).sizes == (4, 5)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="not a valid ONNX model"):
        Network.from_onnx(path)
    with pytest.raises(TypeError, match="found int, expected the path"):
        Network.from_onnx(3)
