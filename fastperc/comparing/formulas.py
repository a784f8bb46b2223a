"""The formulas of a step as a tutorial writes them: ``z1 = x @ W1 + b1`` and what follows."""

from __future__ import annotations

from dataclasses import dataclass

from .passes import takes_difference
from .problem import Problem

SLOPES = {  # the derivative of an activation, by the layer's sums and outputs
    "identity": "",
    "softmax": "",
    "sigmoid": "a{0} * (1 - a{0})",
    "logistic": "a{0} * (1 - a{0})",
    "tanh": "(1 - a{0}**2)",
    "relu": "(z{0} > 0)",
}
ERRORS = {  # the derivative of a loss by the outputs
    "squared_error": "(a{0} - y)",
    "absolute_error": "sign(a{0} - y)",
    "huber": "clip(a{0} - y, -1, 1)",
    "poisson": "(1 - y / a{0})",
    "hinge": "where(y * a{0} < 1, -y, 0)",
}


@dataclass(frozen=True)
class Formulas:
    """Write the formulas of a problem's layers, counted from 1, for a step of ``n_rows``."""

    problem: Problem
    n_rows: int

    @property
    def _is_in_columns(self) -> bool:
        return self.problem.layout == "columns"

    def inputs(self, layer: int) -> str:
        """Return the name of what comes into a layer."""
        return "x" if layer == 1 else f"a{layer - 1}"

    def sums(self, layer: int) -> str:
        """Return the formula of the weighted sums."""
        inputs = self.inputs(layer)
        product = f"W{layer} @ {inputs}" if self._is_in_columns else f"{inputs} @ W{layer}"
        return f"z{layer} = {product}{f' + b{layer}' if self.problem.bias else ''}"

    def outputs(self, layer: int) -> str:
        """Return the formula of the outputs of a layer."""
        name = self.problem.activations[layer - 1]
        return f"a{layer} = {f'z{layer}' if name == 'identity' else f'{name}(z{layer})'}"

    def delta(self, layer: int) -> str:
        """Return the formula of the derivative of each row's loss by the weighted sums."""
        n_layers = len(self.problem.activations)
        if layer == n_layers and takes_difference(self.problem):
            return f"delta{layer} = a{layer} - y"
        error = ERRORS.get(self.problem.loss, f"{self.problem.loss}'(a{{0}}, y)").format(layer)
        if layer < n_layers:
            W, delta = f"W{layer + 1}", f"delta{layer + 1}"
            error = f"({W}.T @ {delta})" if self._is_in_columns else f"({delta} @ {W}.T)"
        name = self.problem.activations[layer - 1]
        slope = SLOPES.get(name, f"{name}'(z{{0}})").format(layer)
        if slope:
            return f"delta{layer} = {error} * {slope}"
        return f"delta{layer} = {error[1:-1] if error.startswith('(') else error}"

    def by_weights(self, layer: int) -> str:
        """Return the formula of the gradient of the weights."""
        inputs, delta = self.inputs(layer), f"delta{layer}"
        product = f"{delta} @ {inputs}.T" if self._is_in_columns else f"{inputs}.T @ {delta}"
        penalty = f" + alpha * W{layer}" if self.problem.alpha else ""
        return f"dW{layer} = {product}{self._mean}{penalty}"

    def by_biases(self, layer: int) -> str:
        """Return the formula of the gradient of the biases."""
        if self.n_rows == 1:
            return f"db{layer} = delta{layer}"
        axis = "axis=1, keepdims=True" if self._is_in_columns else "axis=0"
        return f"db{layer} = delta{layer}.sum({axis}){self._mean}"

    @property
    def _mean(self) -> str:
        return "" if self.n_rows == 1 else f" / {self.n_rows}"

    def update(self, block: str) -> str:
        """Return the formula of the update of a block, ``"W1"`` or ``"b1"``."""
        if self.problem.momentum:
            return f"v{block} = momentum * v{block} - lr * d{block}, {block} += v{block}"
        return f"{block} -= lr * d{block}"
