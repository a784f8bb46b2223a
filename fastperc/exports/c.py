"""A fitted model as one file of C99: no dependencies, no malloc, constant weights, re-entrant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..network import Network
from . import c_functions, c_selftest
from .c_answers import Answers
from .c_layers import WHOLE, Tables, forward
from .c_training import STRUCT, learn_one
from .describe import describe
from .plan import Plan

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}")


class CSource(NamedTuple):
    """C code of a model, and what it takes.

    Attributes
    ----------
    text : str
    plan : Plan
        What it computes: that of the model, or of its rounded weights.
    n_weight_bytes : int
        Size of its tables of parameters.
    n_stack_bytes : int
        Most that its arrays take on the stack.
    """

    text: str
    plan: Plan
    n_weight_bytes: int
    n_stack_bytes: int


def to_c(
    model: object, train: bool = False, *, prefix: str = "model", weights: str | None = None
) -> str:
    """Write a fitted model as one file of C99.

    The file needs nothing but the compiler; docs/exports.md says what is in it. It tests itself:
    ``cc -DSELF_TEST model.c && ./a.out``.

    Parameters
    ----------
    model : Network, Fleet or fitted estimator
    train : bool
        Of a `Network`: with ``PREFIX_learn_one``, and with parameters in a struct of the caller.
    prefix : str
        What all of its names begin with.
    weights : {"int8", "int16"}, optional
        Round weights to whole numbers, with a scale for each output of each layer.

    Returns
    -------
    str

    Raises
    ------
    TypeError, ValueError
        For a model or options that cannot be written.

    Examples
    --------
    >>> import fastperc
    >>> net = fastperc.Network((2, 4, 1), hidden="tanh", seed=0)
    >>> print(to_c(net).split("*/")[0].splitlines()[1])
     * Network 2-4-1, float32, written by fastperc 0.1.1.
    """
    return write_c(model, train, prefix=prefix, weights=weights).text


def write_c(
    model: object, train: bool = False, *, prefix: str = "model", weights: str | None = None
) -> CSource:
    """Write what `to_c` writes, and say what it takes."""
    _check_prefix(prefix)
    if weights is not None and weights not in WHOLE:
        raise ValueError(f"weights: found {weights!r}, expected 'int8', 'int16' or None")
    plan = describe(model)
    has_bias = _check_trainable(model, weights) if train else None
    whole = None if weights is None else WHOLE[weights]
    tables = [Tables(stack, plan.dtype, whole, has_bias) for stack in plan.stacks]
    if whole is not None:
        stacks = tuple(part.rounded() for part in tables)
        plan = replace(plan, stacks=stacks)
    answers = Answers(plan, tables, train)
    kinds = dict.fromkeys(layer.activation for stack in plan.stacks for layer in stack.layers)
    code = "".join(
        [
            *(c_functions.activation(name) for name in kinds if name in c_functions.ACTIVATIONS),
            *(forward(part, f"p_forward{answers.suffix(i)}") for i, part in enumerate(tables)),
            answers.functions(),
            learn_one(tables[0], plan.loss) if train else "",
        ]
    )
    text = "".join(
        [
            _head(plan, tables, answers, prefix, train),
            STRUCT.format(n=tables[0].n_theta) if train else "",
            answers.declarations(),
            LANGUAGE_ENDS,
            answers.names(),
            *(part.text(answers.suffix(i)) for i, part in enumerate(tables)),
            c_functions.needed(code),
            code,
            c_selftest.text(plan, None if whole else model, answers, train),
        ]
    )
    written = c_functions.spelled_out(text, plan.dtype, prefix)
    return CSource(written, plan, sum(part.n_bytes for part in tables), answers.n_stack_bytes)


def _check_prefix(prefix: object) -> None:
    is_name = isinstance(prefix, str) and IDENTIFIER.fullmatch(prefix) is not None
    if not is_name:
        raise ValueError(
            f"prefix: found {prefix!r:.60}, expected a name in C: a letter, then letters, digits "
            "and underscores, 31 at most"
        )


def _check_trainable(model: object, weights: str | None) -> tuple[bool, ...]:
    """Return which layers of a network that is to learn have biases."""
    if not isinstance(model, Network):
        raise TypeError(
            f"train: found {type(model).__name__}, expected a Network. Only its training step is "
            "written in C"
        )
    if weights is not None:
        raise ValueError(
            f"weights: found {weights!r} with train, expected None: these cannot learn"
        )
    return model.bias


HEAD = """/*
 * {what}, written by fastperc {version}.
 *
 * Compile:  cc -O2 -c {prefix}.c      (C99 or C++11; nothing to link with)
 * Test:     cc -O2 -DSELF_TEST {prefix}.c && ./a.out
 *
{lines}
 */
#include <stddef.h>
#include <stdint.h>

#ifdef __FAST_MATH__
#error "-ffast-math takes the rounding out of exp: compile without it"
#endif

#ifdef __cplusplus
extern "C" {{
#endif

typedef {real} real;
"""

LANGUAGE_ENDS = """
#ifdef __cplusplus
}
#endif
"""


def _head(plan: Plan, tables: Sequence[Tables], answers: Answers, prefix: str, train: bool) -> str:
    """Write the comment that says what this is, the includes and the type."""
    n_bytes = sum(part.n_bytes for part in tables)
    kept = "" if tables[0].whole is None else f", weights in {tables[0].whole}"
    lines = [
        f"Parameters take {n_bytes:,} bytes, constant; arrays on the stack at most "
        f"{answers.n_stack_bytes:,}.",
        "Nothing is allocated, and nothing is written to but what the caller hands over, so that",
        "all functions may be called by several threads at once.",
        "Arithmetic is done in the order of the library's own for one sample: compiled with",
        "-ffp-contract=off, outputs have the bits of that without fused multiply-adds (softmax and",
        "means of several networks up to their last places). Compiled otherwise, operations may be",
        "off by some units of the last place; the test allows 4 for each. Not for -ffast-math.",
    ]
    whole = [] if tables[0].whole is None else [f"typedef {tables[0].whole}_t weight;\n"]
    head = HEAD.format(
        what=f"{plan.kind} {shape_of(plan)}, {plan.dtype}{kept}{', that learns' if train else ''}",
        version=plan.version,
        prefix=prefix,
        lines="\n".join(f" * {line}" for line in lines),
        real="float" if plan.dtype == np.float32 else "double",
    )
    return head + "".join(whole)


def shape_of(plan: Plan) -> str:
    """Return the widths of a plan's layers: ``8-32-1``, ``100 x 8-32-1``."""
    shapes = []
    for stack in plan.stacks:
        n = len(stack.numbers)
        shapes.append((f"{n} x " if n > 1 else "") + "-".join(map(str, stack.sizes)))
    return ", ".join(shapes)
