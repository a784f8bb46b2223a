"""Parts of LLVM code, and how a function of `simd_numpy` gets its own."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import infer, infer_global, make_intrinsic_template

INT32 = ir.IntType(32)


def compiles(plain):
    """Register the decorated function as what compiled code makes of the function ``plain``.

    It is given Numba's typing context and the types of the arguments, under the names that they
    have in ``plain``, and returns a signature and a function that writes LLVM code: an intrinsic,
    as Numba calls it, that goes by a function which can also be called from Python.
    """

    def register(typing_function):
        template = make_intrinsic_template(plain, typing_function, plain.__name__)
        infer(template)
        infer_global(plain, types.Function(template))
        COMPILED[plain] = typing_function
        return typing_function

    return register


COMPILED = {}  # from the plain function to the one that types its calls


def spread(builder, scalar, vector):
    """Return the vector with ``scalar`` in every lane."""
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, scalar, INT32(0))
    zeros = ir.Constant(ir.VectorType(INT32, vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, undefined, zeros)


def vectors(builder, kinds, args, lanes):
    """Return LLVM values as vectors, scalars among them in every lane."""
    return [
        value if kind == lanes else spread(builder, value, lanes.llvm)
        for kind, value in zip(kinds, args, strict=True)
    ]


def everywhere(vector, number):
    """Return the constant vector with ``number`` in every lane."""
    return ir.Constant(vector, [number] * vector.count)


def numbers(lanes):
    """Return the constant vector 0, 1, 2, ... of 32-bit integers."""
    return ir.Constant(ir.VectorType(INT32, lanes.count), list(range(lanes.count)))


def lane_mask(builder, predicate, lanes, n):
    """Mark the lanes whose numbers stand in the relation ``predicate`` to ``n``, ``n >= 0``."""
    # What is larger than any lane's number stays so in 32 bits.
    most = ir.Constant(n.type, lanes.count)
    n = builder.select(builder.icmp_signed("<", n, most), n, most)
    all_numbers = numbers(lanes)
    return builder.icmp_signed(
        predicate, all_numbers, spread(builder, builder.trunc(n, INT32), all_numbers.type)
    )


def address(context, builder, array_type, array, index, vector=None):
    """Return the pointer to element ``index``, as one to ``vector`` where that is given."""
    data = context.make_array(array_type)(context, builder, array).data
    pointer = builder.gep(data, [index])
    return pointer if vector is None else builder.bitcast(pointer, vector.as_pointer())


def call(builder, name, result, *arguments, **options):
    """Call the LLVM intrinsic ``name``."""
    kind = ir.FunctionType(result, [a.type for a in arguments])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, arguments, **options)
