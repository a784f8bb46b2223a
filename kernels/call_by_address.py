"""Calls of one kernel's machine code by another, by its address.

Where a kernel calls a function as usual, Numba compiles that function's code into it once more, and
into a parallel one four times. A call by address costs nothing where much work lies behind it.

With ``NUMBA_DISABLE_JIT=1`` a kernel stands for its own address.
"""

from llvmlite import ir
from numba import typeof, types
from numba.core import cgutils, config
from numba.extending import intrinsic


def address_of(kernel, *arguments):
    """Return the address of a kernel's code, compiled for arguments such as these, for `call`."""
    signature = tuple(_as_passed(typeof(a)) for a in arguments)
    kernel.compile(signature)  # does nothing the second time
    compiled = kernel.overloads[signature]
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)


def entrance(kernel, *arguments):
    """Return the function that a kernel is from Python, for arguments of the types of these only.

    It saves the look at the types of all arguments at each call, a third of a short one's time.
    Other arguments are not compiled for: an array of another dtype is misread.
    """
    signature = tuple(typeof(a) for a in arguments)
    kernel.compile(signature)
    return kernel.overloads[signature].entry_point


def _as_passed(kind):
    """Return the type that an argument is passed as: one of integers and one of floats.

    Nothing checks a call by address, and a float32 taken for a float64 is another number.
    """
    if isinstance(kind, types.Integer):
        return types.intp
    return types.float64 if isinstance(kind, types.Float) else types.unliteral(kind)


@intrinsic
def call(typing, address, result, arguments):
    """Call the kernel at ``address`` with a tuple of arguments; it returns what ``result`` is.

    Arrays must be of the types that the address was asked for with, integers and floats in the same
    places; nothing checks it.
    """
    kinds = tuple(_as_passed(kind) for kind in arguments)
    result = types.unliteral(result)

    def code(context, builder, sig, args):
        convention = context.call_conv
        kernel = convention.get_function_type(result, kinds)
        function = builder.inttoptr(args[0], ir.PointerType(kernel))
        values = [
            context.cast(builder, value, found, kind)
            for value, found, kind in zip(
                cgutils.unpack_tuple(builder, args[2], len(kinds)), arguments, kinds, strict=True
            )
        ]
        status, value = convention.call_function(builder, function, result, kinds, values)
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return value

    return result(types.intp, result, arguments), code


if config.DISABLE_JIT:

    def address_of(kernel, *arguments):
        return kernel

    entrance = address_of

    def call(address, result, arguments):
        return address(*arguments)
