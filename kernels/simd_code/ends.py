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

from ..jit import target
from .llvm import INT32, call, lane_mask

FEATURES = target()[1]
FREE_MASKS = "+avx512f" in FEATURES
MASKS = "+avx" in FEATURES
REGISTER = 128  # bits, of SSE and of NEON


def load_first(builder, lanes, pointer, n):
    """Read the first ``n`` lanes of a block and 0 into the others; all, if n is larger."""

    def masked():
        return _load(builder, lanes.llvm, pointer, lane_mask(builder, "<", lanes, n))

    def by_registers():
        parts = []
        for part, at, mask_of, rest in _registers(builder, lanes.llvm, pointer, n):
            ways = [partial(_load, builder, part, at, mask_of(k)) for k in range(part.count + 1)]
            parts.append(_by_number(builder, rest, ways))
        return _joined(builder, parts)

    if FREE_MASKS:
        return masked()
    whole = partial(builder.load, pointer, align=lanes.alignment)
    ways = [masked if MASKS else by_registers, whole]
    return _by_number(builder, _is_whole(builder, lanes, n), ways)


def store_first(builder, lanes, value, pointer, n):
    """Write the first ``n`` lanes of ``value``, or all of them if n is larger."""

    def masked():
        _store(builder, value, pointer, lane_mask(builder, "<", lanes, n))

    def by_registers():
        for r, (part, at, mask_of, rest) in enumerate(_registers(builder, lanes.llvm, pointer, n)):
            numbers = _ints(range(r * part.count, (r + 1) * part.count))
            piece = builder.shuffle_vector(value, ir.Constant(lanes.llvm, ir.Undefined), numbers)
            ways = [partial(_store, builder, piece, at, mask_of(k)) for k in range(part.count + 1)]
            _by_number(builder, rest, ways)

    def whole():
        builder.store(value, pointer, align=lanes.alignment)

    if FREE_MASKS:
        masked()
    else:
        ways = [masked if MASKS else by_registers, whole]
        _by_number(builder, _is_whole(builder, lanes, n), ways)


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


def _is_whole(builder, lanes, n):
    return builder.icmp_signed(">=", n, n.type(lanes.count))


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
    return int(_kind(vector)[1:])


def _kind(vector):
    """Return how LLVM's intrinsics name the elements of a vector."""
    return {"float": "f32", "double": "f64"}.get(str(vector.element), str(vector.element))


def _load(builder, vector, pointer, mask):
    name = f"llvm.masked.load.v{vector.count}{_kind(vector)}.p0"
    alignment, zeros = INT32(_bits(vector) // 8), ir.Constant(vector, None)
    return call(builder, name, vector, pointer, alignment, mask, zeros)


def _store(builder, value, pointer, mask):
    name = f"llvm.masked.store.v{value.type.count}{_kind(value.type)}.p0"
    alignment = INT32(_bits(value.type) // 8)
    call(builder, name, ir.VoidType(), value, pointer, alignment, mask)
