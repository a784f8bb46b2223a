"""R^2 of many networks at once."""

from __future__ import annotations

import numpy as np

from ...model.samples import Samples


def r2_scores(outs: np.ndarray, samples: Samples) -> np.ndarray:
    """Compute R^2 of many networks, the mean over outputs; NaN where outputs are not finite.

    ``1 - sum(w * (y - p)**2) / sum(w * (y - mean(y))**2)``, and where all targets are the same 1 if
    they are met and 0 if not: as `sklearn.metrics.r2_score`.

    Parameters
    ----------
    outs : ndarray of shape (n_networks, n_samples, n_outputs)
    samples : Samples
        Their targets and weights, the same for all or (n_networks, n_samples, ...).

    Returns
    -------
    ndarray of float64 of shape (n_networks,)
    """
    both = np.result_type(samples.Y, outs)
    dtype = both if both == np.float32 else np.float64
    Y, P = samples.Y.astype(dtype), outs.astype(dtype)
    weight = samples.weight.astype(dtype) if len(samples.weight) else np.ones(Y.shape[:-1], dtype)
    w = weight[..., None]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        errors = (w * (Y - P) ** 2).sum(axis=1)
        mean = (w * Y).sum(axis=-2, keepdims=True) / w.sum(axis=-2, keepdims=True)
        spread = (w * (Y - mean) ** 2).sum(axis=-2)
        scores = np.where(spread > 0, 1 - errors / spread, np.where(errors == 0, 1.0, 0.0))
        scores = scores.mean(axis=1)
    scores[~np.isfinite(P).all(axis=(1, 2))] = np.nan
    return scores if P.shape[1] > 1 else np.full(len(P), np.nan)
