"""Five perceptrons that tutorials build from scratch, with their own names, on compiled kernels.

==================================================  ==============================================
`forward_pass`, `weight_update`, `train_model`      a linear unit with two inputs
`MLP`                                               two inputs, one hidden unit, five scalars
`TwoLayerRegression`                                sigmoid hidden layer, mini-batches
`NeuralNet`                                         relu, sigmoid output, log loss, full batch
`train_perceptron`, `train_two_layer`               sigmoid units without biases, by the delta rule
`replay`                                            the figures that the tutorials print, recomputed
`speedups`                                          each tutorial's loop timed against its kernel
==================================================  ==============================================

Where a tutorial's formula is not the gradient of its loss, its function here descends the true
gradient, says so, and offers the formula as published where that trains at all.
"""

from .linear_unit import forward_pass, train_model, weight_update
from .mlp import MLP
from .neural_net import NeuralNet
from .regression import TwoLayerRegression
from .replaying import Figure, Replay, replay
from .sigmoid_units import train_perceptron, train_two_layer
from .timing import Speedup, speedups

__all__ = [
    "MLP",
    "Figure",
    "NeuralNet",
    "Replay",
    "Speedup",
    "TwoLayerRegression",
    "forward_pass",
    "replay",
    "speedups",
    "train_model",
    "train_perceptron",
    "train_two_layer",
    "weight_update",
]
