"""The one place where kernels are compiled: flags, overrides and the cache's off switch.

Every compiled function of this package carries ``@kernel``, or ``@inlined`` or ``@outlined`` where
it is only ever a part of kernels. Where machine code is kept, and what makes a stored copy count as
fresh, is decided in `caching`.
"""

import signal
import threading
from contextlib import ExitStack, contextmanager
from functools import partial

from numba import njit, types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.registry import cpu_target

from .cache_folders import SWITCH as OFF_SWITCH
from .cache_folders import is_off
from .caching import keep_on_disk

# The fast-math subset that lets reductions run in SIMD lanes. Never True: that also assumes that no
# value is NaN or infinite, and so deletes the checks by which divergence is noticed.
FAST_MATH = {"reassoc", "contract", "arcp", "nsz"}

# error_model: the Python model tests every division for zero, and that branch stops vectorisation.
# nogil: callers may run kernels from several threads, on separate arrays.
# no_cfunc_wrapper: nothing calls kernels from C.
FLAGS = {"fastmath": FAST_MATH, "error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}

# No entrance from Python for what only kernels call: it would be half of the code to compile.
INNER = {"no_cpython_wrapper": True}

# Number of LLVM blocks from which on a function that kernels call is left to them to optimise.
MAX_OPTIMISED_BLOCKS = 100


def target():
    """Return LLVM's name of the processor that code is made for, and the set of its features.

    A feature is a text such as ``+avx2``. Numba's cache keeps the code of each set apart.
    """
    _, name, features = magic_tuple()
    return name, set(features.split(","))


def magic_tuple():
    """Return LLVM's target triple, name of the processor and features, as Numba keys code by."""
    return cpu_target.target_context.codegen().magic_tuple()


class _InlineLibrary(JITCodeLibrary):
    """The LLVM code of a function that kernels call: kept to be linked into theirs, no more.

    Numba would make machine code of it, and do that and optimise it again with all that it is part
    of, in each function up to the kernel: twice the time to compile.
    """

    def _optimize_final_module(self):
        blocks = sum(1 for function in self._final_module.functions for _ in function.blocks)
        if blocks <= MAX_OPTIMISED_BLOCKS:  # what is longer is made of optimised functions
            super()._optimize_final_module()

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._finalized = True

    # Numba asks for an entrance and, through `codegen`, sets the globals of what it can enter; here
    # is nothing to enter.

    def get_pointer_to_function(self, name):
        return 0

    @property
    def codegen(self):
        return self

    def set_env(self, name, environment):
        pass


class _OutlineLibrary(_InlineLibrary):
    """The same, of a function that LLVM must not inline."""

    def add_ir_module(self, module):
        for function in module.functions:
            if not function.is_declaration:
                function.attributes.add("noinline")
        super().add_ir_module(module)


class _InlineCompiler(Compiler):
    library = _InlineLibrary

    def __init__(self, typing, target, library, *rest):
        super().__init__(typing, target, self.library(target.codegen(), "inner"), *rest)


class _OutlineCompiler(_InlineCompiler):
    library = _OutlineLibrary


def kernel(function=None, /, **overrides):
    """Compile a function with the flags that all kernels share, and keep the machine code on disk.

    Parameters
    ----------
    function : function, optional
        What to compile. It is compiled at its first call with new argument types. Left out when the
        decorator is written with overrides.
    **overrides
        Options of `numba.njit` that replace or join the shared ones, such as ``fastmath=False``
        where a result is promised to the last bit, or ``parallel=True``.

    Returns
    -------
    numba dispatcher
        Or ``function`` itself, uncompiled, when ``NUMBA_DISABLE_JIT=1`` is set.

    Notes
    -----
    ``FASTPERC_NUMBA_CACHE=0`` in the environment turns the disk cache off: every process compiles
    afresh and nothing is written.

    Examples
    --------
    >>> import numpy as np
    >>> @kernel
    ... def dot(a, b):
    ...     total = 0.0
    ...     for i in range(a.shape[0]):
    ...         total += a[i] * b[i]
    ...     return total
    >>> float(dot(np.arange(3.0), np.ones(3)))
    3.0

    >>> @kernel(fastmath=False)
    ... def keep_order(a, b, c):
    ...     return (a + b) + c
    >>> keep_order(1e16, -1e16, 1.0)
    1.0
    """
    if function is None:
        return partial(kernel, **overrides)
    options = FLAGS | overrides
    compiled = njit(**options)(function)
    if compiled is not function:
        _compile_undisturbed(compiled)
        if cache_is_on():
            keep_on_disk(compiled, options)
    return compiled


def inlined(function=None, /, **overrides):
    """Compile a function that is always inlined into the kernels that call it.

    A call that is not inlined passes every array with all that describes it: more than a small
    layer costs. What is inlined has no cache entry of its own; its code is in the kernel's.
    """
    return _compile_inner(function, {"forceinline": True} | overrides, _InlineCompiler)


def rounded(function=None, /, **overrides):
    """Compile a function as `inlined` does, each operation rounded by itself as written.

    For numbers that are promised to the last bit, and that nothing is gained by rearranging.
    """
    return inlined(function, **({"fastmath": False} | overrides))


def outlined(function=None, /, **overrides):
    """Compile a function that kernels call and that is never inlined.

    For what is seldom needed: a copy in each loop would make all of them larger.
    """
    return _compile_inner(function, {"forceinline": False} | overrides, _OutlineCompiler)


def _compile_inner(function, options, compiler):
    if function is None:
        return partial(_compile_inner, options=options, compiler=compiler)
    compiled = njit(**(FLAGS | INNER | {"pipeline_class": compiler} | options))(function)
    if compiled is not function:
        _ignore_literals(compiled)
    return compiled


def _ignore_literals(dispatcher):
    """Compile for an int where Numba would compile for the int 0, and again for the int 1.

    It takes each constant that a call shows for a type of its own, also the one that a loop counter
    starts from: without this, most functions are compiled two to six times.
    """
    resolve = dispatcher.get_call_template

    def get_call_template(args, kws):
        plain = [types.unliteral(a) for a in args]
        return resolve(plain, {name: types.unliteral(a) for name, a in kws.items()})

    dispatcher.get_call_template = get_call_template


def _compile_undisturbed(dispatcher):
    """Let signals wait while a dispatcher compiles, or loads, one version of its function."""
    compile_version = dispatcher.compile

    def compile_undisturbed(signature):
        with signals_held():
            return compile_version(signature)

    dispatcher.compile = compile_undisturbed


@contextmanager
def signals_held():
    """Keep Python's signal handlers waiting until the block ends; then call them.

    Ctrl-C is an exception in the middle of whatever runs, and a compiler that is left in the middle
    of its work crashes the process, then or later. A handler of SIGALRM or SIGTERM that raises does
    the same. Only the main thread runs handlers: in another, there is nothing to do.
    """
    with ExitStack() as afterwards:
        for number, handler in _handlers().items():
            came = []
            signal.signal(number, lambda number, frame, came=came: came.append(number))
            afterwards.callback(_give_back, number, handler, came)
        yield


def _handlers():
    """Return the signal handlers that are Python functions, by the number of the signal."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    return {number: handler for number, handler in handlers.items() if callable(handler)}


def _give_back(number, handler, came):
    signal.signal(number, handler)
    if came:
        signal.raise_signal(number)


def cache_is_on():
    """Return whether the environment leaves the disk cache on, as it is by default."""
    return not is_off(OFF_SWITCH)
