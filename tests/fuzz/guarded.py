"""Arrays that lie against memory which may not be touched: an access beyond them is a crash.

Between two pages without any permission lie the pages of the array, which begins where they begin
or ends where they end. Where the system has no `mprotect`, they are plain copies.
"""

import contextlib
import ctypes
import mmap
import sys

import numpy as np

NO_PERMISSION = 0
CAN_GUARD = sys.platform == "linux"


def guarded(array, at="end"):
    """A copy of the array between two such pages: at the ``"begin"`` of what lies between them, or
    at its ``"end"``.
    """
    array = np.ascontiguousarray(array)
    if not CAN_GUARD or array.nbytes == 0:
        return array.copy()
    page = mmap.PAGESIZE
    inner = -(-array.nbytes // page) * page
    memory = mmap.mmap(-1, inner + 2 * page)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    for guard in (address, address + page + inner):
        if libc.mprotect(ctypes.c_void_p(guard), ctypes.c_size_t(page), NO_PERMISSION):
            raise OSError(ctypes.get_errno(), "mprotect")
    start = page if at == "begin" else page + inner - array.nbytes
    copy = np.frombuffer(memory, array.dtype, array.size, start).reshape(array.shape)
    copy[...] = array
    return copy


@contextlib.contextmanager
def guarded_scratch(at="end"):
    """Inside, whatever the library makes for its kernels lies against such pages, too.

    Parameters, scratch and the memory of the update rules all come from one function.
    """

    def make(n, dtype):
        return guarded(np.zeros(n, dtype), at)

    users = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("fastperc") and hasattr(module, "aligned_zeros")
    ]
    assert users, (
        "nothing in the library is called aligned_zeros any more: guard what took its place"
    )
    kept = [module.aligned_zeros for module in users]
    for module in users:
        module.aligned_zeros = make
    try:
        yield
    finally:
        for module, function in zip(users, kept, strict=True):
            module.aligned_zeros = function
