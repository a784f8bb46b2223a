"""Compare kernels: do they take the same steps, and how fast is each.

`compare` solves one problem in several ways and with your own function beside them; what it
returns is a `Comparison`. The files, from the bottom: `task` and `problem` (what is trained or
computed), `runners` and `ways` (who does it), `variants` (under which name), `agreement` (the first
wrong step), `subprocesses` (what hangs or crashes), `code` (what the machine code looks like),
`running` (one after the other), `shares` (of the machine's peak) and `result`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

from numpy.typing import ArrayLike, DTypeLike

from .. import checks
from ..measuring import environment
from ..measuring.clock import quiet
from ..measuring.machine import Machine
from . import running
from .agreement import Finding, Oracle, WrongBlock
from .causes import CAUSES
from .problem import Problem, make_problem
from .result import Comparison, Row
from .runners import Function
from .running import Candidate
from .shares import share_peak
from .task import TASKS
from .variants import BASELINE, choose

__all__ = ["CAUSES", "Comparison", "Finding", "Row", "WrongBlock", "compare"]

Names = str | Iterable[str] | None


def compare(
    kernel: str | Function = "online",
    kind: Names = None,
    *,
    variants: Names = None,
    sizes: str | Iterable[int] = (8, 32, 1),
    hidden: str = "sigmoid",
    output: str = "identity",
    loss: str = "squared_error",
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    n_samples: int = 20_000,
    batch_size: int = 32,
    dtype: DTypeLike = "float32",
    lr: float | None = None,
    seed: int = 0,
    seconds: float = 2.0,
    time_limit: float = 20.0,
    inspect: bool = False,
    against: Names = None,
) -> Comparison:
    """Solve a problem in several ways: compare the steps they take and how fast each is.

    Parameters
    ----------
    kernel : str or callable
        The task: train an epoch, ``"online"``, in ``"batches"`` or with the ``"full"`` set at
        once; or compute outputs, ``"forward"``, or the ``"gradient"``, of all samples. Or your own
        function that does one of these, in plain Python, NumPy or compiled by Numba, see below.
    kind : str
        Which of these tasks your function does; only for a function of yours.
    variants : str or iterable of str, optional
        What to compare, besides the NumPy loop that is always there: ``python``, ``fastperc``,
        ``2 threads``, ``c``, ``jax``, ``onnxruntime``, ``sklearn``, ``torch``, or ``all``. By
        default those of fastperc, and C where there is a compiler.
    sizes, hidden, output, loss, dtype
        The network, as in `fastperc.Network`; sizes also as ``"8-32-1"``. Biases do not start at 0,
        so that a wrong sign of theirs shows.
    X, y : array_like, optional
        Samples; by default ``n_samples`` of them are drawn.
    batch_size : int
        Samples per update of ``"batches"``.
    lr : float, optional
        Learning rate; by default 0.01, or less for more than 50 inputs.
    seed : int
        Seed of samples and start values.
    seconds : float
        Approximate time to spend on timing.
    time_limit : float
        Seconds before a function of yours that has not been checked counts as hung.
    inspect : bool
        Also measure the compile time of fastperc's kernel, in a process of its own; without it,
        that is known only if the kernel was compiled in this process.
    against : str
        The name of ``kind`` in version 0.1 or, without a function of yours, of ``variants``; it
        works until 0.3, with a DeprecationWarning.

    Returns
    -------
    Comparison

    Notes
    -----
    **Your function** is called, by position, as

    ==============  ===========================================================
    ``"online"``    ``epoch(X, Y, weights, biases, lr)``
    ``"batches"``   ``epoch(X, Y, weights, biases, lr, batch_size)``
    ``"full"``      ``epoch(X, Y, weights, biases, lr)``
    ``"forward"``   ``forward(X, weights, biases)``
    ``"gradient"``  ``gradient(X, Y, weights, biases)``
    ==============  ===========================================================

    - ``X`` (n, n_inputs) and ``Y`` (n, n_outputs), of ``dtype``; take the rows in their order.
    - ``weights`` and ``biases``: one array per layer, (n_in, n_out) and (n_out,). Lists of them, or
      tuples if Numba compiled the function.
    - Train: for ``"online"`` one update per row; for ``"batches"`` one for each ``batch_size``
      rows, of which the last may be fewer; for ``"full"`` a single one with all rows. An update is
      ``parameter -= lr * gradient`` of the mean loss of the rows; squared_error is half the sum
      over outputs of ``(p - y)**2``. Change the arrays in place and return nothing, or return the
      new ``(weights, biases)``.
    - Or return the outputs (n, n_outputs); or the gradient of the mean loss of the rows, as
      ``(by_weights, by_biases)``, shaped like ``(weights, biases)``.

    It is checked in float64 first, if it takes that, then in ``dtype``, in a process of its own
    where the system allows: one that raises, crashes or hangs is reported, and the others go on.
    If it takes a wrong step, the result says which is the first and in which blocks (``W1``,
    ``b1``, ...); of outputs, which row; of a gradient, from how many rows on.

    Times are per sample. All variants run in turn in every round, each from fresh parameters, with
    libraries on one thread; slow ones take only the first samples. Peaks of the machine are
    measured in the same rounds.

    Examples
    --------
    >>> import numpy as np
    >>> def my_epoch(X, Y, weights, biases, lr):  # a linear unit, and a mistake
    ...     (W,), (b,) = weights, biases
    ...     for x, y in zip(X, Y, strict=True):
    ...         error = x @ W + b - y
    ...         W -= lr * np.outer(x, error)
    ...         b += lr * error
    >>> result = compare(my_epoch, "online", sizes=(3, 1), n_samples=100, seconds=0.1)
    >>> result.agrees
    False
    >>> finding = result["my_epoch"].finding
    >>> finding.first_wrong, [block.name for block in finding.blocks]
    (1, ['b1'])
    >>> finding.blocks[0].note
    'it moved -1 times as far as it should'
    """
    if against is not None or not (kind is None or callable(kernel)):
        kind, variants = _as_in_version_0_1(kernel, kind, variants, against)
    kind = _check_kind(kernel, kind)
    problem = make_problem(
        kind, sizes, dtype=dtype, n_samples=n_samples, batch_size=batch_size, lr=lr, seed=seed,
        hidden=hidden, output=output, loss=loss, X=X, y=y,
    )  # fmt: skip
    chosen, notes = choose(variants, problem)
    seconds = checks.check_positive(seconds, "seconds")
    time_limit = checks.check_positive(time_limit, "time_limit")
    with quiet():
        # The user's function first: its process is a copy of this one, best made before any thread
        # has been started here.
        own = [running.function_candidate(kernel, problem, time_limit)] if callable(kernel) else []
        oracle = Oracle(problem)
        candidates = own + [
            running.variant_candidate(variant, problem, oracle) for variant in chosen
        ]
        machine = running.time_all(candidates, seconds)
    return _sum_up(problem, candidates, machine, notes, checks.check_flag(inspect, "inspect"))


def _as_in_version_0_1(
    kernel: str | Function, kind: Names, variants: Names, against: Names
) -> tuple[Names, Names]:
    """Return kind and variants where ``against``, or the second argument, may be either."""
    warnings.warn(
        "kind= says what a function of yours does, variants= what is compared; against= for either "
        "of them, and variants without that name, go with fastperc 0.3",
        DeprecationWarning,
        stacklevel=3,
    )
    second = kind if against is None else against
    if callable(kernel):
        return second, variants
    return None, second if variants is None else variants


def _check_kind(kernel: str | Function, kind: Names) -> str:
    """Return the kind of the problem: that of a user's function, or the one that is named."""
    if not callable(kernel):
        return checks.check_choice(kernel, "kernel", TASKS)
    if kind is None:
        raise ValueError(
            f"kind: found None, expected one of {', '.join(TASKS)}: what your function does"
        )
    return checks.check_choice(kind, "kind", TASKS)


def _sum_up(
    problem: Problem, candidates: Sequence[Candidate], machine: Machine, notes: list[str],
    inspect: bool,
) -> Comparison:  # fmt: skip
    """Make the result of candidates that have been timed."""
    rows = [candidate.row for candidate in candidates]
    (baseline,) = (row for row in rows if row.name == BASELINE)
    for candidate in candidates:
        running.work_out(candidate.row, baseline, problem)
        running.read_code(candidate, inspect)
    machine = share_peak(candidates, machine)
    return Comparison(
        problem.title, rows, BASELINE, machine, problem.flops_per_sample, problem.bytes_per_sample,
        problem.summary(), dict(environment.describe()), notes,
    )  # fmt: skip
