"""Derivatives by central differences, the judge of every gradient formula."""

import numpy as np


def numeric_gradient(function, arrays, step=1e-6):
    """Gradient of ``function(*arrays)`` by each of the float64 arrays: a list of arrays."""
    arrays = [np.array(a, dtype=np.float64) for a in arrays]
    gradients = []
    for a in arrays:
        gradient = np.empty_like(a)
        for i in np.ndindex(a.shape):
            kept = a[i]
            a[i] = kept + step
            above = function(*arrays)
            a[i] = kept - step
            below = function(*arrays)
            a[i] = kept
            gradient[i] = (above - below) / (2 * step)
        gradients.append(gradient)
    return gradients


def relative_error(found, expected):
    """Largest difference of two arrays of one shape, relative to the largest expected value."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    return np.abs(found - expected).max() / np.abs(expected).max()
