"""Names that people give to weights and biases: ``W1``, ``b_1``, ``dW1``, ``weights``, ``bias``."""

from __future__ import annotations

import re
from collections.abc import Iterable

NAME = re.compile(
    r"(?P<gradient>(?:d|by|grad|nabla)_?)?"
    r"(?P<kind>w|weights?|kernels?|coefs?|theta|b|bias|biases|intercepts?)"
    r"_?(?P<layer>\d*)_?"
)


def has_number(name: object) -> bool:
    """Return whether a name of weights or biases says of which layer."""
    match = NAME.fullmatch(str(name).lower())
    return match is not None and bool(match["layer"])


def named(names: Iterable[object], is_gradient: bool = False) -> list[dict[str, list[object]]]:
    """Sort the names that stand for weights, ``W``, and biases, ``b``, by layer.

    Of a gradient, those come first that say so (``dW1``); parameters never do.
    """
    found: dict[bool, dict[str, list[tuple[int, object]]]] = {
        says: {"W": [], "b": []} for says in (True, False)
    }
    for name in names:
        match = NAME.fullmatch(str(name).lower())
        if match:
            kind = "b" if match["kind"][0] in "bi" else "W"
            layer = int(match["layer"] or 0)
            found[bool(match["gradient"])][kind].append((layer, name))
    wanted = (True, False) if is_gradient else (False,)
    return [
        {kind: [name for _, name in sorted(found[says][kind], key=lambda e: e[0])] for kind in "Wb"}
        for says in wanted
    ]
