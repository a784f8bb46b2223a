"""Outputs of networks that know some of the classes, as outputs for all classes."""

from __future__ import annotations

import numpy as np

from ..labels import Labels


def outputs_for_all(out: np.ndarray, own: Labels, all_classes: Labels) -> np.ndarray:
    """Return outputs for classes ``own`` as those of a network that knows all classes.

    Parameters
    ----------
    out : ndarray of shape (n_samples, n_outputs)
    own : Labels
        The classes that the network knows.
    all_classes : Labels
        These and others, which get `Labels.low`.

    Returns
    -------
    ndarray of shape (n_samples, n_outputs)
    """
    if own.are_several or len(own.classes) == len(all_classes.classes):
        return out
    places = np.searchsorted(all_classes.classes, own.classes)
    full = np.full((len(out), len(all_classes.classes)), all_classes.low, out.dtype)
    if len(own.classes) == 1:
        full[:, places[0]] = 1
    elif own.exclude_each_other:
        full[:, places] = out
    else:
        full[:, places[0]] = own.low + 1 - out[:, 0] if own.low == 0 else -out[:, 0]
        full[:, places[1]] = out[:, 0]
    return full if all_classes.exclude_each_other else full[:, 1:]
