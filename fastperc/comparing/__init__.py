"""Compare kernels: do they take the same steps, and how fast is each.

`compare` solves one problem in several ways and with your own function beside them; what it
returns is a `Comparison`. The files, from the bottom: `forms`, `task` and `problem` (what is
trained or computed, and what its arrays look like), `calling`, `runners`, `objects` and `ways` (who
does it), `variants` (under which name), `agreement` (the first wrong step), `causes` (why),
`conduct`, `prints` and `subprocesses` (what else a function may do), `code` (what the machine code
looks like), `starts`, `own` and `candidate` (rows in the making), `running` (one after the other),
`shares` (of the machine's peak), and `result`, `printing` and `explain`, with `formulas` and
`numbers` (what is shown of it).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from datetime import date

from numpy.typing import ArrayLike, DTypeLike

from .. import checks
from ..measuring import environment
from ..measuring.clock import quiet
from ..measuring.machine import Machine
from . import own, running
from .agreement import Finding, Oracle, WrongBlock
from .candidate import Candidate
from .causes import CAUSES
from .objects import Kernel
from .problem import Problem, make_problem
from .result import Comparison, Row
from .shares import share_peak
from .slots import Reader
from .task import TASKS
from .variants import BASELINE, choose

__all__ = ["CAUSES", "Comparison", "Finding", "Row", "WrongBlock", "compare"]

Names = str | Iterable[str] | None


def compare(
    kernel: str | Kernel | Sequence[Kernel] = "online",
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
    momentum: float = 0.0,
    alpha: float = 0.0,
    epochs: int = 1,
    bias: bool = True,
    layout: str = "rows",
    start: object = None,
    parameters: Reader | None = None,
    seed: int = 0,
    seconds: float = 2.0,
    time_limit: float = 20.0,
    inspect: bool = False,
    against: Names = None,
) -> Comparison:
    """Solve a problem in several ways: compare the steps they take and how fast each is.

    Parameters
    ----------
    kernel : str, callable, object with ``fit``, or list of these
        The task: train an epoch, ``"online"``, in ``"batches"`` or with the ``"full"`` set at
        once; or compute outputs, ``"forward"``, or the ``"gradient"``, of all samples. Or your own
        function that does one of these, in plain Python, NumPy or compiled by Numba, or an object
        that does it by its method ``fit``, see below; or several of them, such as one before and
        one after a change.
    kind : str
        Which of these tasks your function does; only for functions of yours.
    variants : str or iterable of str, optional
        What to compare, besides the NumPy loop that is always there: ``python``, ``fastperc``,
        ``2 threads``, ``c``, ``jax``, ``onnxruntime``, ``sklearn``, ``torch``, or ``all``. By
        default those of fastperc, and C where there is a compiler.
    sizes, hidden, output, loss, dtype
        The network, as in `fastperc.Network`; sizes also as ``"8-32-1"``. Biases do not start at 0,
        so that a wrong sign of theirs shows.
    X, y : array_like, optional
        Samples, one per row; by default ``n_samples`` of them are drawn.
    batch_size : int
        Samples per update of ``"batches"``.
    lr : float, optional
        Learning rate; by default that of your object, or 0.01, or less for more than 50 inputs.
    momentum, alpha : float
        Train with ``v = momentum * v - lr * (gradient + alpha * W); W += v``, where v is 0 at the
        beginning of each call, and biases have no ``alpha``. A gradient includes ``alpha * W``.
    epochs : int
        How often a call goes through its rows.
    bias : bool
        Whether layers have biases.
    layout : {"rows", "columns"}
        Of the arrays that functions of yours get: one sample per row, or per column.
    start : (weights, biases), list of pairs, vector, or dict, optional
        Start values, in any form that a function may return, in rows or in ``layout``. By default
        those of your object, or drawn ones.
    parameters : callable, optional
        Function from your object to its ``(weights, biases)``: the arrays themselves, so that start
        values can be written to them. By default they are found among its attributes.
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
        Printed, it says what was found and how fast each is; its method ``explain`` returns the
        numbers of the first wrong step, expected and found, below the formulas.

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

    - ``X`` (n, n_inputs) and ``Y`` (n, n_outputs), of ``dtype``; take the rows in their order. It
      is called with the first 1, 2, ..., n rows; to train, with those of the first steps.
    - ``weights`` and ``biases``: one array per layer, (n_in, n_out) and (n_out,). Lists of them, or
      tuples if Numba compiled the function.
    - With ``layout="columns"``: ``X`` (n_inputs, n), ``Y`` (n_outputs, n), weights (n_out, n_in),
      biases (n_out, 1), outputs (n_outputs, n).
    - With ``bias=False``, ``biases`` is a list of None, or is left out of the call where the
      function has no such argument.
    - Further arguments called ``epochs``, ``batch_size``, ``momentum``, ``alpha`` or the like are
      given by name; the last two if they are not 0, or have no default.
    - Train: for ``"online"`` one update per row; for ``"batches"`` one for each ``batch_size``
      rows, of which the last may be fewer; for ``"full"`` a single one with all rows. An update is
      ``parameter -= lr * gradient`` of the mean loss of the rows; squared_error is half the sum
      over outputs of ``(p - y)**2``. Change the arrays in place and return nothing, or a loss; or
      return the new ``(weights, biases)``.
    - Or return the outputs (n, n_outputs); or the gradient of the mean loss of the rows, as
      ``(by_weights, by_biases)``, shaped like ``(weights, biases)``.

    What it returns is taken in other forms too: arrays, lists or tensors; biases as (n_out,),
    (n_out, 1) or (1, n_out); outputs of one unit as (n,), or first in a tuple; parameters and
    gradients as ``(W1, b1, W2, b2)``, ``[(W1, b1), (W2, b2)]``, ``{"W1": ..., "b1": ...}``,
    ``{"dW1": ..., "db1": ...}``, ``{"weights": [...], "biases": [...]}``, a list of dicts, or one
    vector of W1, b1, W2, ... in C order; without biases also as ``(W1, W2)``; a loss may stand
    beside them.

    **Your object** is copied for each run, and ``fit(X, y)`` called. Its parameters are found in
    its attributes: ``weights`` and ``biases``, ``W1``, ``b1``, ..., in a dict, in a list of layers,
    or by their shapes, in either layout. Those it has, or that its ``fit`` makes, always the same,
    are where all variants start, unless there is ``start``. Arguments of ``fit``, or attributes,
    called ``lr``, ``learning_rate`` or ``eta``, ``epochs`` or ``n_iter``, ``batch_size`` and
    ``shuffle`` are set. ``y`` is (n, n_outputs) or, of one output, a vector if only that comes out
    right. For ``"forward"``, its method ``forward``, ``predict_proba`` or ``predict`` is called.

    It is checked in float64 first, if it takes that, then in ``dtype``, in a process of its own
    where the system allows: one that raises, crashes or hangs is reported, and the others go on.
    If it takes a wrong step, the result says which is the first and in which blocks (``W1``,
    ``b1``, ...); of outputs, which row; of a gradient, from how many rows on. It is called twice
    with the same arguments: one that keeps state between calls, draws random numbers, or changes
    what it is only to read is told so. What it prints in its first call is kept, in
    ``Row.output``, and the rest is swallowed.

    Times are per sample. All variants run in turn in every round, each from fresh parameters, with
    libraries on one thread; slow ones take only the first samples. Peaks of the machine are
    measured in the same rounds. What is wrong is timed, but not compared with what is right.

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
    is_name = isinstance(kernel, str)
    if against is not None or not (kind is None or not is_name):
        kind, variants = _as_in_version_0_1(kernel, kind, variants, against)
    kernels = [] if is_name else own.check_kernels(kernel)
    kind = _check_kind(kernel, kind)
    seconds = checks.check_positive(seconds, "seconds")
    time_limit = checks.check_positive(time_limit, "time_limit")
    problem = make_problem(
        kind, sizes, dtype=dtype, n_samples=n_samples, batch_size=batch_size, lr=lr, seed=seed,
        hidden=hidden, output=output, loss=loss, X=X, y=y, momentum=momentum, alpha=alpha,
        epochs=epochs, bias=bias, layout=layout, start=start,
    )  # fmt: skip
    chosen, notes = choose(variants, problem)
    with quiet():
        # The user's functions first: their processes are copies of this one, best made before any
        # thread has been started here.
        problem = own.settle(problem, kernels, time_limit, parameters, with_lr=lr is None)
        mine = running.own_candidates(kernels, problem, time_limit, parameters)
        oracle = Oracle(problem)
        candidates = mine + [
            running.variant_candidate(variant, problem, oracle) for variant in chosen
        ]
        machine = running.time_all(candidates, seconds)
    return _sum_up(problem, candidates, machine, notes, checks.check_flag(inspect, "inspect"))


def _as_in_version_0_1(
    kernel: str | Kernel | Sequence[Kernel], kind: Names, variants: Names, against: Names
) -> tuple[Names, Names]:
    """Return kind and variants where ``against``, or the second argument, may be either."""
    warnings.warn(
        "kind= says what a function of yours does, variants= what is compared; against= for either "
        "of them, and variants without that name, go with fastperc 0.3",
        DeprecationWarning,
        stacklevel=3,
    )
    second = kind if against is None else against
    if not isinstance(kernel, str):
        return second, variants
    return None, second if variants is None else variants


def _check_kind(kernel: object, kind: Names) -> str:
    """Return the kind of the problem: that of a user's function, or the one that is named."""
    if isinstance(kernel, str):
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
        problem.summary(), dict(environment.describe()) | {"date": date.today().isoformat()},
        notes,
    )  # fmt: skip
