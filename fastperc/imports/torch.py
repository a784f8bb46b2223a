"""Networks of PyTorch: a Sequential of Linear and activations, there and back."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..kernels.activations import LEAK
from ..model.dense import Dense
from ..optional import require
from .layers import Layer, dense_of

torch: Any = require("torch", extra="torch")
nn: Any = torch.nn

# From here on PyTorch's Softplus returns its input, which is then the same to all digits.
THRESHOLD = 40.0
LEAST_THRESHOLD = 20.0  # PyTorch's own


class Exp(nn.Module):
    """The exponential function, at the output of a network for counts."""

    def forward(self, z: Any) -> Any:
        """Return ``exp(z)``."""
        return torch.exp(z)


class Step(nn.Module):
    """1 for sums from 0 on, otherwise 0: the output of a perceptron."""

    def forward(self, z: Any) -> Any:
        """Return 0 or 1, in the dtype of ``z``."""
        return (z >= 0).to(z.dtype)


class Sign(nn.Module):
    """1 for sums from 0 on, otherwise -1: the output of a perceptron."""

    def forward(self, z: Any) -> Any:
        """Return -1 or 1, in the dtype of ``z``."""
        return (z >= 0).to(z.dtype) * 2 - 1


# --- theirs to ours -------------------------------------------------------------------------------

# By type: the name of the activation, and what an attribute has to be for it to be ours.
ACTIVATIONS: dict[type, tuple[str, dict[str, Callable[[Any], bool]]]] = {
    nn.Identity: ("identity", {}),
    nn.ReLU: ("relu", {}),
    nn.LeakyReLU: ("leaky_relu", {"negative_slope": lambda slope: slope == LEAK}),
    nn.ELU: ("elu", {"alpha": lambda alpha: alpha == 1}),
    nn.Sigmoid: ("sigmoid", {}),
    nn.Tanh: ("tanh", {}),
    nn.Softplus: (
        "softplus",
        {"beta": lambda beta: beta == 1, "threshold": lambda least: least >= LEAST_THRESHOLD},
    ),
    nn.Softmax: ("softmax", {"dim": lambda dim: dim in (None, -1, 1)}),
    Exp: ("exp", {}),
    Step: ("step", {}),
    Sign: ("sign", {}),
}
DROPOUTS = (nn.Dropout, nn.AlphaDropout, nn.FeatureAlphaDropout)
KNOWN = "Linear, " + ", ".join(kind.__name__ for kind in ACTIVATIONS) + ", Flatten, Dropout"


def from_torch(model: object, loss: str | None = None) -> Dense:
    """Return the network of a Sequential; see `Network.from_torch`."""
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"model: found {type(model).__name__}, expected a torch.nn.Sequential of Linear and "
            "activations"
        )
    layers: list[Layer] = []
    is_open = False  # the last layer may still be given an activation
    dropouts = []
    for place, module in _modules(model, "model"):
        kind = type(module)
        if kind is nn.Linear:
            layers.append(_layer_of(module, place))
            is_open = True
        elif kind in ACTIVATIONS:
            name = _activation_of(module, place)
            if name != "identity":
                _check_open(is_open, place, kind.__name__)
                layers[-1].activation, is_open = name, False
        elif kind is nn.Flatten:
            _check_flatten(module, place)
        elif kind in DROPOUTS:
            dropouts += [place] if module.p > 0 else []
        else:
            raise ValueError(
                f"{place}: found {kind.__module__}.{kind.__qualname__}, expected a plain dense "
                f"network: {KNOWN}, in a torch.nn.Sequential"
            )
        _check_hooks(module, place)
    if dropouts:
        warnings.warn(
            f"{dropouts[0]}: found Dropout, which a Network has not: outputs are those of the "
            "model in evaluation mode, and training goes on without",
            stacklevel=3,
        )
    return dense_of(layers, "model", loss)


def _modules(module: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield each module within nested Sequentials, in order, and what leads to it."""
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        _check_hooks(module, place)
        for name, inner in module._modules.items():  # named_children leaves out repeated ones
            yield from _modules(inner, f"{place}[{name}]" if name.isdigit() else f"{place}.{name}")
    else:
        yield place, module


def _check_hooks(module: Any, place: str) -> None:
    if module._forward_hooks or module._forward_pre_hooks:
        raise ValueError(
            f"{place}: found a hook, which may change what goes through, expected none. Remove "
            "it, as torch.nn.utils.remove_weight_norm or prune.remove do"
        )


def _layer_of(module: Any, place: str) -> Layer:
    bias = None if module.bias is None else _array_of(module.bias, place)
    return Layer(_array_of(module.weight, place).T, bias)


def _array_of(parameter: Any, place: str) -> np.ndarray:
    if parameter.dtype not in (torch.float32, torch.float64):
        raise ValueError(
            f"{place}: found weights of dtype {parameter.dtype}, expected torch.float32 or "
            "torch.float64. Convert the model first, by model.float()"
        )
    return parameter.detach().cpu().numpy()


def _activation_of(module: Any, place: str) -> str:
    """Return the name of an activation, whose options have to be those of ours."""
    name, wanted = ACTIVATIONS[type(module)]
    for option, is_ours in wanted.items():
        found = getattr(module, option)
        if not is_ours(found):
            raise ValueError(
                f"{place}: found {type(module).__name__}({option}={found}), expected {option} as "
                f"in {name}, the activation of a Network"
            )
    return name


def _check_open(is_open: bool, place: str, name: str) -> None:
    if not is_open:
        raise ValueError(
            f"{place}: found {name} after no Linear of its own, expected one activation after "
            "each Linear, or none"
        )


def _check_flatten(module: Any, place: str) -> None:
    if module.start_dim != 1 or module.end_dim != -1:
        raise ValueError(
            f"{place}: found Flatten({module.start_dim}, {module.end_dim}), expected "
            "Flatten(1, -1), which makes each sample a row"
        )


# --- ours to theirs -------------------------------------------------------------------------------

MODULES: dict[str, Callable[[], Any]] = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(LEAK),
    "elu": nn.ELU,
    "sigmoid": nn.Sigmoid,
    "logistic": nn.Sigmoid,
    "tanh": nn.Tanh,
    "softplus": lambda: nn.Softplus(threshold=THRESHOLD),
    "softmax": lambda: nn.Softmax(-1),
    "exp": Exp,
    "step": Step,
    "sign": Sign,
}


def to_torch(model: Dense) -> Any:
    """Return a Sequential of the network; see `Network.to_torch`."""
    modules: list[Any] = []
    for W, b, has_bias, name in zip(
        model.weights, model.biases, model.bias, model.activations, strict=True
    ):
        dtype = getattr(torch, model.dtype.name)
        linear = nn.utils.skip_init(nn.Linear, *W.shape, bias=has_bias, dtype=dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T.copy()))
            if has_bias:
                linear.bias.copy_(torch.from_numpy(b.copy()))
        modules.append(linear)
        if name != "identity":
            modules.append(MODULES[name]())
    return nn.Sequential(*modules)
