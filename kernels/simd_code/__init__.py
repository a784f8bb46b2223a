"""What the compiler makes of the functions of `simd_numpy`, and of operators between values.

===============  ==============================================================================
`kinds`          Numba's types of values and masks; the errors of those who pass something else
`llvm`           parts of LLVM code; how code is registered for a function
`bounds`         tests of indices, where they are asked for
`ends`           the first lanes of a block: the last one of a row
`operators`      operators of values and masks
the others       the functions of the file of the same name in `simd_numpy`
===============  ==============================================================================
"""

from . import arithmetic, blocks, conversions, gathers, lanes, masks, memory, operators, views
from .llvm import COMPILED

__all__ = [
    "COMPILED",
    "arithmetic",
    "blocks",
    "conversions",
    "gathers",
    "lanes",
    "masks",
    "memory",
    "operators",
    "views",
]
