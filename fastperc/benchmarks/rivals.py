"""Other libraries, predicting with the same network.

They are imported when one is asked for; where one is not there, it refuses and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np


def missing(*packages: str) -> str:
    """Which of these packages is not installed, in words; or nothing."""
    absent = [package for package in packages if find_spec(package) is None]
    return f"{' and '.join(absent)} not installed" if absent else ""


class Forward:
    """The outputs of a network with sigmoid units, 8-32-1 or so, as each library computes them.

    Parameters
    ----------
    weights, biases : list of ndarray, float32
    """

    def __init__(self, weights: list[np.ndarray], biases: list[np.ndarray]):
        self.weights, self.biases = weights, biases
        self.sizes = (*(len(W) for W in weights), len(biases[-1]))

    def sklearn(self) -> Callable[[np.ndarray], Any]:
        """`MLPRegressor.predict`."""
        from sklearn.neural_network import MLPRegressor

        net = MLPRegressor(hidden_layer_sizes=self.sizes[1:-1], activation="logistic")
        rows = np.zeros((2, self.sizes[0]), np.float32)
        net.partial_fit(rows, np.zeros(2, np.float32))
        net.coefs_, net.intercepts_ = list(self.weights), list(self.biases)
        return net.predict

    def torch(self) -> Callable[[np.ndarray], Any]:
        """Layers of torch.nn, without a record for gradients."""
        import torch

        layers: list[Any] = []
        for W, b in zip(self.weights, self.biases, strict=True):
            linear = torch.nn.Linear(*W.shape)
            linear.weight.data = torch.from_numpy(W.T.copy())
            linear.bias.data = torch.from_numpy(b.copy())
            layers += [linear, torch.nn.Sigmoid()]
        net = torch.nn.Sequential(*layers[:-1])

        def predict(X: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                return net(torch.from_numpy(X)).numpy()

        return predict

    def jax(self) -> Callable[[np.ndarray], Any]:
        """A compiled function."""
        import jax

        params = [*zip(self.weights, self.biases, strict=True)]

        @jax.jit
        def forward(x):
            for W, b in params[:-1]:
                x = jax.nn.sigmoid(x @ W + b)
            W, b = params[-1]
            return x @ W + b

        return lambda X: np.asarray(forward(X))

    def onnxruntime(self) -> Callable[[np.ndarray], Any]:
        """A session on one thread, on a model of Gemm and Sigmoid nodes."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            self._onnx_model(), options, providers=["CPUExecutionProvider"]
        )
        return lambda X: session.run(None, {"x0": X})[0]

    def _onnx_model(self) -> bytes:
        from onnx import TensorProto, helper, numpy_helper

        nodes, constants, last = [], [], len(self.weights)
        for i, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            to = "y" if i + 1 == last else f"z{i}"
            nodes.append(helper.make_node("Gemm", [f"x{i}", f"W{i}", f"b{i}"], [to]))
            constants += [numpy_helper.from_array(W.copy(), f"W{i}")]
            constants += [numpy_helper.from_array(b.copy(), f"b{i}")]
            if i + 1 < last:
                nodes.append(helper.make_node("Sigmoid", [to], [f"x{i + 1}"]))
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, n])
            for name, n in (("x0", self.sizes[0]), ("y", self.sizes[-1]))
        ]
        graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], constants)
        opset = [helper.make_opsetid("", 17)]
        return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


PREDICTORS: dict[str, tuple[Callable[[Forward], Callable], Callable[[], str]]] = {
    "jax": (Forward.jax, partial(missing, "jax")),
    "onnxruntime": (Forward.onnxruntime, partial(missing, "onnxruntime", "onnx")),
    "sklearn": (Forward.sklearn, partial(missing, "sklearn")),
    "torch": (Forward.torch, partial(missing, "torch")),
}
