"""Outputs by ONNX Runtime, which does not train."""

from __future__ import annotations

import numpy as np

from ..problem import Problem

NODES = {
    "identity": "Identity", "sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu",
    "softmax": "Softmax",
}  # fmt: skip


def onnx_refuses(problem: Problem) -> str:
    """Return why ONNX Runtime cannot do this, or nothing."""
    if problem.kind != "forward":
        return "ONNX Runtime does not train"
    unknown = [name for name in problem.activations if name not in NODES]
    return f"the ONNX model here has no {unknown[0]}" if unknown else ""


class OnnxRunner:
    """A session on one thread, on a model of Gemm and activation nodes."""

    def __init__(self, problem: Problem):
        import onnxruntime

        self.problem, self.X = problem, problem.samples[0]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            model(problem), options, providers=["CPUExecutionProvider"]
        )

    def reset(self) -> None:
        """Do nothing: nothing changes."""

    def train(self, n_rows: int) -> None:
        self.result = self.outputs(self.X[:n_rows])

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs of an array as an array."""
        return self.session.run(None, {"a0": X})[0]

    def parameters(self) -> list[np.ndarray]:
        return [self.result]


def model(problem: Problem) -> bytes:
    """Return the network at its start as a model file: inputs a0, layers' outputs a1, a2, ..."""
    from onnx import helper, numpy_helper

    nodes, constants = [], []
    layers = zip(*problem.start(), problem.activations, strict=True)
    for k, (W, b, activation) in enumerate(layers, start=1):
        nodes.append(helper.make_node("Gemm", [f"a{k - 1}", f"W{k}", f"b{k}"], [f"z{k}"]))
        nodes.append(helper.make_node(NODES[activation], [f"z{k}"], [f"a{k}"]))
        constants += [numpy_helper.from_array(a.copy(), f"{n}{k}") for n, a in (("W", W), ("b", b))]
    real = helper.np_dtype_to_tensor_dtype(np.dtype(problem.dtype))
    ends = [
        helper.make_tensor_value_info(f"a{k}", real, [None, problem.sizes[k]])
        for k in (0, len(problem.sizes) - 1)
    ]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], constants)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
