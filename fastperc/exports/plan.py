"""What a fitted model computes, as plain arrays: what every export is written from.

`describe.describe` makes a `Plan` of a model, and `evaluate.evaluate` computes one with NumPy: the
slow, obvious twin of what the exports do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from ..estimators.ensembles.intervals import Calibration

Activation = Literal[
    "identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "exp", "softmax",
    "step", "sign",
]  # fmt: skip


class Layer(NamedTuple):
    """One layer of networks of one shape: ``activation(x @ W + b)``.

    Attributes
    ----------
    W : ndarray of shape (n_networks, n_in, n_out)
    b : ndarray of shape (n_networks, n_out)
        Zeros for a layer without biases.
    activation : str
        One of `Activation`; ``leaky_relu`` has the slope `kernels.activations.LEAK` below 0,
        ``step`` is 0 or 1 and ``sign`` -1 or 1, both 1 at 0.
    """

    W: np.ndarray
    b: np.ndarray
    activation: Activation


class Stack(NamedTuple):
    """Networks of one shape, in one precision.

    The scaling of inputs is folded into the first layer, that of targets into the last.

    Attributes
    ----------
    layers : tuple of Layer
        The first one's inputs are the features.
    numbers : int array of shape (n_networks,)
        Which networks of the model these are.
    shift : ndarray of shape (n_networks, n_features) or None
        Subtracted from the inputs before anything else. Only where features lie so far from 0,
        measured in deviations, that a mean folded into ``b`` would cost digits.
    """

    layers: tuple[Layer, ...]
    numbers: np.ndarray
    shift: np.ndarray | None = None

    @property
    def dtype(self) -> np.dtype:
        """Precision of the networks: inputs are converted to it."""
        return self.layers[0].W.dtype

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, of units in each hidden layer, of outputs."""
        return (self.layers[0].W.shape[1], *(layer.W.shape[2] for layer in self.layers))


class Decision(NamedTuple):
    """How outputs become labels.

    Attributes
    ----------
    rule : {"argmax", "threshold"}
        ``argmax``: one label for each row, ``classes[k]`` where output ``k`` is the largest, the
        first one of equals. ``threshold``: one label for each output, ``classes[1]`` above the
        threshold and ``classes[0]`` otherwise; a single output makes one label for each row.
    classes : ndarray
        Labels by place: numbers, texts (an array of objects or of dtype ``U``) or booleans.
        There may be one twice, where a model knows one class only.
    threshold : float
    at_threshold : bool
        Whether an output that is equal to the threshold counts as above.
    """

    rule: Literal["argmax", "threshold"]
    classes: np.ndarray
    threshold: float = 0.0
    at_threshold: bool = False


class Probabilities(NamedTuple):
    """How outputs become probabilities, one column for each class.

    Attributes
    ----------
    link : {"identity", "sigmoid", "softmax", "clip"}
        What is done with the outputs first; ``clip`` is ``(min(max(s, -1), 1) + 1) / 2``.
    is_normalised : bool
        Whether each row is divided by its sum (``1 / n_classes`` each where the sum is 0).

    A single column ``p`` becomes two, ``1 - p`` and ``p``.
    """

    link: Literal["identity", "sigmoid", "softmax", "clip"] = "identity"
    is_normalised: bool = False


class Groups(NamedTuple):
    """Which network each group of rows has.

    Attributes
    ----------
    keys : ndarray of shape (n_groups,)
        Names, sorted: numbers, or an array of objects that are texts. Network ``k`` is that of
        ``keys[k]``.
    unknown : int or None
        The network for rows of all other groups; None where these are an error.
    """

    keys: np.ndarray
    unknown: int | None


@dataclass(frozen=True, eq=False)
class Plan:
    """A fitted model: inputs to outputs, outputs to labels and probabilities.

    Attributes
    ----------
    kind : str
        Name of the model's class.
    version : str
        Of fastperc.
    dtype : dtype
        float32 or float64: of inputs and outputs.
    n_features, n_outputs : int
    feature_names : tuple of str or None
    stacks : tuple of Stack
        Networks by shape: one stack of one network for a single model.
    combine : {"single", "each", "mean", "by_group"}
        What becomes of the outputs of several networks: all are given (`Fleet`), shape
        (n_networks, n_samples, n_outputs); their mean (ensembles); each row has a network of its
        own (by group, all of them in one stack).
    weights : float64 array of shape (n_networks,) or None
        Of the mean, which is computed in float64; their sum is 1.
    groups : Groups or None
    decision : Decision or None
        None for a regression.
    probabilities : Probabilities or None
    method : {"forward", "predict", "decision_function"}
        The method of the model that returns the outputs.
    loss : str
        What the model was trained on.
    lr : float or None
        The rate at which `Network.learn_one` goes on.
    calibration : Calibration or None
        Of an ensemble that gives prediction intervals.
    """

    kind: str
    version: str
    dtype: np.dtype
    n_features: int
    n_outputs: int
    feature_names: tuple[str, ...] | None
    stacks: tuple[Stack, ...]
    combine: Literal["single", "each", "mean", "by_group"]
    decision: Decision | None
    method: Literal["forward", "predict", "decision_function"]
    loss: str
    probabilities: Probabilities | None = None
    weights: np.ndarray | None = None
    groups: Groups | None = None
    lr: float | None = None
    calibration: Calibration | None = None

    @property
    def n_networks(self) -> int:
        """Number of networks in all stacks."""
        return sum(len(stack.numbers) for stack in self.stacks)
