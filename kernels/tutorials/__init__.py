"""The tutorials' own loops: one sample, one unit, or the whole published training.

=================  ==============================================================
`scalars`          two-input and one-hidden-unit networks, number by number
`sigmoid_layers`   layers of sigmoid units by the delta rule
`regression`       a hidden layer on tables, as published and with the true gradient
`reference`        all of them once more, in NumPy
=================  ==============================================================
"""

import importlib
import warnings


def __getattr__(name):
    """Hand out what was in this module until version 0.1, and is in `scalars` now."""
    scalars = importlib.import_module(f"{__name__}.scalars")
    if name.startswith("_") or not hasattr(scalars, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"{__name__}.{name} is {scalars.__name__}.{name} now; the old path goes with fastperc 0.3",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(scalars, name)
