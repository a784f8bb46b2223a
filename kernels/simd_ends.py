"""LLVM code that loads and stores the first n lanes of a block: for the last one of a row.

AVX-512 has masked loads and stores that cost no more than others. AVX2's cost more, and its stores
ten times as much on AMD's processors. SSE and NEON have none, and SVE has them for single
registers: what LLVM makes of a masked load of 16 lanes is then 16 branches, also where all lanes
are wanted.

So without AVX-512, a whole block is loaded and stored as one: that costs a branch, which is nearly
always foreseen. And without AVX, a part of a block is loaded register by register, each in as many
ways as it has lanes.
"""

from functools import partial

from llvmlite import ir
from numba.core import cgutils

from .jit import target

FEATURES = target()[1]
FREE_MASKS = "+avx512f" in FEATURES
MASKS = "+avx" in FEATURES
REGISTER = 128  # bits, of SSE and of NEON

INT32 = ir.IntType(32)


def load_first(builder, vector, pointer, n):
    """Read the first ``n`` lanes of a ``vector`` and 0 into the others; all, if n is larger."""

    def masked():
        return _load(builder, vector, pointer, lane_mask(builder, "<", vector.count, n))

    def by_registers():
        parts = []
        for part, at, mask_of, rest in _registers(builder, vector, pointer, n):
            ways = [partial(_load, builder, part, at, mask_of(k)) for k in range(part.count + 1)]
            parts.append(_by_number(builder, rest, ways))
        return _joined(builder, parts)

    if FREE_MASKS:
        return masked()
    whole = partial(builder.load, pointer, align=_bits(vector) // 8)
    ways = [masked if MASKS else by_registers, whole]
    return _by_number(builder, _is_whole(builder, vector, n), ways)


def store_first(builder, value, pointer, n):
    """Write the first ``n`` lanes of ``value``, or all of them if n is larger."""
    vector = value.type

    def masked():
        _store(builder, value, pointer, lane_mask(builder, "<", vector.count, n))

    def by_registers():
        for r, (part, at, mask_of, rest) in enumerate(_registers(builder, vector, pointer, n)):
            lanes = range(r * part.count, (r + 1) * part.count)
            piece = builder.shuffle_vector(value, ir.Constant(vector, ir.Undefined), _ints(lanes))
            ways = [partial(_store, builder, piece, at, mask_of(k)) for k in range(part.count + 1)]
            _by_number(builder, rest, ways)

    def whole():
        builder.store(value, pointer, align=_bits(vector) // 8)

    if FREE_MASKS:
        masked()
    else:
        ways = [masked if MASKS else by_registers, whole]
        _by_number(builder, _is_whole(builder, vector, n), ways)


def lane_mask(builder, predicate, count, n):
    """Mark those of ``count`` lanes whose numbers stand in the relation ``predicate`` to ``n``."""
    numbers = _ints(range(count))
    # What is larger than any lane's number stays so in 32 bits.
    most = n.type(count)
    n = builder.select(builder.icmp_signed("<", n, most), n, most)
    return builder.icmp_signed(
        predicate, numbers, spread(builder, builder.trunc(n, INT32), numbers.type)
    )


def spread(builder, scalar, vector):
    """Return the vector with ``scalar`` in every lane."""
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, scalar, INT32(0))
    return builder.shuffle_vector(first, undefined, _ints([0] * vector.count))


def _registers(builder, vector, pointer, n):
    """Yield each register's type, address, masks by number of lanes, and its number of lanes."""
    size = REGISTER // _bits(vector)
    part = ir.VectorType(vector.element, size)
    first = builder.bitcast(pointer, part.as_pointer())
    for r in range(vector.count // size):
        rest = builder.sub(n, n.type(r * size))
        for predicate, limit in (("<", n.type(size)), (">", n.type(0))):
            rest = builder.select(builder.icmp_signed(predicate, rest, limit), rest, limit)
        yield part, builder.gep(first, [INT32(r)]), partial(_first_of, size), rest


def _by_number(builder, n, ways):
    """Have ``ways[n]`` run, of functions that write code, and return its value if they have one."""
    blocks = [builder.append_basic_block() for _ in ways]
    end = builder.append_basic_block()
    choice = builder.switch(n, blocks[0])
    for k, block in enumerate(blocks[1:], 1):
        choice.add_case(n.type(k), block)
    results = []
    for way, block in zip(ways, blocks, strict=True):
        builder.position_at_end(block)
        results.append((way(), builder.block))
        builder.branch(end)
    builder.position_at_end(end)
    if results[0][0] is None:
        return None
    result = builder.phi(results[0][0].type)
    for value, block in results:
        result.add_incoming(value, block)
    return result


def _is_whole(builder, vector, n):
    return builder.icmp_signed(">=", n, n.type(vector.count))


def _joined(builder, parts):
    """Return the vector of all lanes of the parts, whose number is a power of two."""
    while len(parts) > 1:
        lanes = _ints(range(2 * parts[0].type.count))
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [builder.shuffle_vector(a, b, lanes) for a, b in pairs]
    return parts[0]


def _ints(values):
    values = list(values)
    return ir.Constant(ir.VectorType(INT32, len(values)), values)


def _first_of(size, k):
    return ir.Constant(ir.VectorType(ir.IntType(1), size), [i < k for i in range(size)])


def _bits(vector):
    return {"float": 32, "double": 64}[str(vector.element)]


def _load(builder, vector, pointer, mask):
    alignment, zeros = INT32(_bits(vector) // 8), ir.Constant(vector, None)
    return _call(builder, "load", vector, vector, pointer, alignment, mask, zeros)


def _store(builder, value, pointer, mask):
    alignment = INT32(_bits(value.type) // 8)
    _call(builder, "store", ir.VoidType(), value.type, value, pointer, alignment, mask)


def _call(builder, verb, result, vector, *arguments):
    name = f"llvm.masked.{verb}.v{vector.count}f{_bits(vector)}.p0"
    kind = ir.FunctionType(result, [a.type for a in arguments])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, arguments)
