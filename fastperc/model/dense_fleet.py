"""Many networks of one shape as data, and the samples that they learn from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..kernels.updates import LR, MEMORY, N_SETTINGS
from .dense import Dense
from .samples import Samples


@dataclass(frozen=True, eq=False, repr=False)
class DenseFleet:
    """Networks of one configuration, each with parameters of its own.

    Attributes
    ----------
    dense : Dense
        The configuration; its ``theta`` is not used.
    theta : ndarray of shape (n_networks, n_parameters)
        C-contiguous; a row is laid out as ``Dense.theta``. Written to by training.
    """

    dense: Dense
    theta: np.ndarray

    def __len__(self) -> int:
        return len(self.theta)

    def member(self, i: int) -> Dense:
        """Return network ``i``, which shares its parameters with the fleet."""
        return replace(self.dense, theta=self.theta[i])


@dataclass(frozen=True)
class FleetSamples:
    """Checked samples of many networks, in their dtype.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_inputs)
        Or, where the samples are not to be trained on, (n_networks, n_samples, n_inputs).
    Y : ndarray of shape (n_samples, n_outputs) or (n_networks, n_samples, n_outputs)
    weight : ndarray of shape (0,), (n_samples,) or (n_networks, n_samples)
    weight_is_factor : bool
        As in `samples.Samples`.
    """

    X: np.ndarray
    Y: np.ndarray
    weight: np.ndarray
    weight_is_factor: bool = False

    def __len__(self) -> int:
        return len(self.X)

    def of_some(self, networks: np.ndarray) -> FleetSamples:
        """Return the samples of some of the networks."""
        return replace(
            self,
            Y=self.Y[networks] if self.Y.ndim == 3 else self.Y,
            weight=self.weight[networks] if self.weight.ndim == 2 else self.weight,
        )

    def of(self, i: int) -> Samples:
        """Return the samples of network ``i``."""
        return Samples(
            self.X[i] if self.X.ndim == 3 else self.X,
            self.Y[i] if self.Y.ndim == 3 else self.Y,
            self.weight[i] if self.weight.ndim == 2 else self.weight,
            self.weight_is_factor,
        )


class FleetRule:
    """An update rule at work on many networks, whose rates and penalties may differ.

    Attributes
    ----------
    code : int
        See `kernels.updates`.
    settings : ndarray of float64 of shape (n_networks, N_SETTINGS)
        Learning rate, L2, L2_PER_WEIGHT and L1 may differ; all others are those of the first row.
    state : ndarray of shape (n_networks, MEMORY[code] * n_parameters)
        What the rule remembers of each.
    step_state : ndarray of float64 of shape (n_networks, 3)
    """

    def __init__(self, code: int, settings: np.ndarray, fleet: DenseFleet):
        n, size = fleet.theta.shape
        self.code = code
        self.settings = np.broadcast_to(settings, (n, N_SETTINGS)).astype(np.float64)
        self.state = np.zeros((n, MEMORY[code] * size), fleet.dense.dtype)
        self.step_state = np.zeros((n, 3))

    def identity(self) -> dict[str, object]:
        """Return what steps depend on, but for the learning rates: code and options."""
        settings = np.delete(self.settings, LR, axis=1)
        return {"optimizer": {"code": int(self.code), "options": settings.tolist()}}
