"""Compare kernels: do they take the same steps, and how fast is each.

`compare` works on one problem in several ways and with your own function beside them; what it
returns is a `Comparison`. The files, from the bottom: `problem` (what is trained or computed),
`loops`, `c_twin`, `rivals`, `jax_rival` and `onnx_rival` (who does it), `runners` and `variants`
(how they are called, and their names), `agreement` (the first wrong step), `children` (what hangs
or crashes), `clock`, `stillness`, `machine` and `code` (how fast, and why), `contest` (one after
the other), `comparison` (the result).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .. import checks
from ..measuring import environment, machine
from ..measuring.clock import quiet
from .agreement import Finding, Oracle, WrongBlock
from .comparison import Comparison, Row
from .contest import Contestant, enter_function, enter_variant, read_code, time_all, work_out
from .problem import KINDS, Problem, make_problem
from .variants import BASELINE, choose

__all__ = ["Comparison", "Finding", "Row", "WrongBlock", "compare"]


def compare(
    kernel: str | Callable = "online",
    against: str | Iterable[str] | None = None,
    *,
    variants: str | Iterable[str] | None = None,
    sizes: Any = (8, 32, 1),
    hidden: str = "sigmoid",
    output: str = "identity",
    loss: str = "squared_error",
    X: Any = None,
    y: Any = None,
    n_samples: int = 20_000,
    batch_size: int = 32,
    dtype: Any = "float32",
    lr: float | None = None,
    seed: int = 0,
    seconds: float = 2.0,
    time_limit: float = 20.0,
    inspect: bool = False,
) -> Comparison:
    """Do one thing in several ways: do they agree with the reference, how fast is each?

    Parameters
    ----------
    kernel : str or callable
        What to do: train an epoch, ``"online"``, in ``"batches"`` or with the ``"full"`` set at
        once; or compute outputs, ``"forward"``, or the ``"gradient"``, of all samples. Or your own
        function that does one of these, in plain Python, NumPy or compiled by Numba, see below.
    against : str
        Which of these your function does. Without one of yours, the same as ``variants``.
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
        Of ``"batches"``.
    lr : float, optional
        Learning rate; by default 0.01, or less for more than 50 inputs.
    seed : int
        Of samples and start.
    seconds : float
        About how long to time.
    time_limit : float
        A function of yours that has not been checked after so many seconds hangs.
    inspect : bool
        Also compile fastperc's kernel afresh, in a process of its own, to see how long that takes;
        without it, that is known only if it was compiled here.

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
    function, kind, variants = split(kernel, against, variants)
    problem = make_problem(
        kind, sizes, dtype, n_samples, batch_size, lr, seed, hidden, output, loss, X, y
    )
    chosen, notes = choose(variants, problem)
    seconds = checks.check_positive(seconds, "seconds")
    time_limit = checks.check_positive(time_limit, "time_limit")
    with quiet():
        # Somebody's own function first: its process is a copy of this one, best made before any
        # thread has been started here.
        own = [enter_function(function, problem, time_limit)] if function is not None else []
        oracle = Oracle(problem)
        contestants = own + [enter_variant(variant, problem, oracle) for variant in chosen]
        peak = time_all(contestants, seconds)
    return sum_up(problem, contestants, peak, notes, checks.check_flag(inspect, "inspect"))


def split(kernel: Any, against: Any, variants: Any) -> tuple[Callable | None, Any, Any]:
    """Somebody's function, if there is one; what it does; and the variants."""
    if not callable(kernel):
        kind = checks.check_choice(kernel, "kernel", KINDS)
        return None, kind, against if variants is None else variants
    if against is None:
        raise ValueError(
            f"against: found None, expected one of {', '.join(KINDS)}: what your function does"
        )
    return kernel, checks.check_choice(against, "against", KINDS), variants


def sum_up(problem: Problem, contestants: list[Contestant], peak, notes, inspect) -> Comparison:
    """The result of a comparison whose contestants have been timed."""
    rows = [contestant.row for contestant in contestants]
    traffic = machine.bytes_per_sample(problem)
    (baseline,) = (row for row in rows if row.name == BASELINE)
    for contestant in contestants:
        work_out(contestant.row, baseline, problem, peak, traffic)
        read_code(contestant, inspect)
    return Comparison(
        problem.title, rows, BASELINE, peak, machine.flops_per_sample(problem), traffic,
        problem.summary(), dict(environment.describe()), notes,
    )  # fmt: skip
