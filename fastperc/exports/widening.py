"""A network that knows some of the classes, as one that knows them all."""

from __future__ import annotations

import numpy as np

from ..estimators.labels import Labels
from ..model.dense import Dense
from ..model.losses import LOSSES

CERTAIN = 1e30  # no other weighted sum is as far from 0: probabilities of exactly 0 and 1


def widened(model: Dense, own: Labels | None, all_classes: Labels) -> Dense:
    """Return a network with the outputs that `groups.classes.outputs_for_all` makes of another's.

    Two classes ``[1 - p, p]`` with ``p = sigmoid(z)`` are the softmax of ``[0, z]``; a class that
    the network does not know has a weighted sum that no other can reach.

    Parameters
    ----------
    model : Dense
    own : Labels or None
        The classes that it knows; None for all.
    all_classes : Labels

    Returns
    -------
    Dense
    """
    if own is None or own.are_several or len(own.classes) == len(all_classes.classes):
        return model
    n_outputs = len(all_classes.classes) if all_classes.exclude_each_other else 1
    is_margin = own.loss == "hinge"
    output = model.output if is_margin else "softmax" if n_outputs > 1 else "sigmoid"
    sizes = (*model.sizes[:-1], n_outputs)
    wide = Dense.zeros(sizes, model.hidden, output, LOSSES["squared_error"], model.dtype)
    for k in range(len(sizes) - 2):
        wide.weights[k][:], wide.biases[k][:] = model.weights[k], model.biases[k]
    W, b = model.weights[-1], model.biases[-1]
    places = np.searchsorted(all_classes.classes, own.classes)
    absent = -1.0 if is_margin else -CERTAIN
    present = 1.0 if is_margin else CERTAIN
    if n_outputs == 1:  # one class of two
        wide.biases[-1][0] = present if places[0] == 1 else absent
        return wide
    wide.biases[-1][:] = absent
    if len(own.classes) == 1:
        wide.biases[-1][places] = present
    elif own.exclude_each_other:
        wide.weights[-1][:, places], wide.biases[-1][places] = W, b
    else:
        first = -1.0 if is_margin else 0.0
        wide.weights[-1][:, places[0]], wide.biases[-1][places[0]] = first * W[:, 0], first * b[0]
        wide.weights[-1][:, places[1]], wide.biases[-1][places[1]] = W[:, 0], b[0]
    return wide
