"""Machine code of a kernel, for this processor or for another: what its innermost loops consist of.

    python bench/assembly.py KERNEL [--cpu neoverse-v1] [--triple aarch64-unknown-linux-gnu]
                             [--float64] [--loop N | --all]

One line for each innermost loop: how many instructions, how many of them calculate with floats in
SIMD lanes and how many with one float, how many touch memory, how many of these only because
registers ran out, and calls. ``--loop N`` prints the loop of that number, as llvm-mca takes it, and
``--all`` everything. Numba compiles as it would on the other machine; nothing is run.
"""

import argparse
import os
import re
from typing import NamedTuple

ARM = "aarch64-unknown-linux-gnu"
X86_ARITHMETIC = r"v?(?:add|sub|mul|div|sqrt|min|max|fn?m(?:add|sub)\d+)"
COUNTED = {  # of AArch64 and of x86-64: their names differ, so that one pattern serves both
    "SIMD": rf"\tf(?!mov)\w+\t(?:v\d+\.|z\d)|\t{X86_ARITHMETIC}p[sd]\t",
    "scalar": rf"\tf(?!mov|cvt|cmp|csel)\w+\t[sdh]\d+, [sdh]|\t{X86_ARITHMETIC}s[sd]\t",
    "memory": r"\[(?:x\d|sp)|\(%r",
    "spills": r"-byte (?:Folded )?(?:Spill|Reload)",
    "calls": r"\t(?:blr?|callq?)\t",
}


class Loop(NamedTuple):
    """An innermost loop: the function it is in, how deep, and its instructions with comments."""

    function: str
    depth: int
    lines: list[str]

    def counts(self):
        """Return how many instructions there are, and how many of each kind in `COUNTED`."""
        kinds = {
            name: sum(1 for line in self.lines if re.search(pattern, line))
            for name, pattern in COUNTED.items()
        }
        return {"instructions": len(self.lines)} | kinds


def innermost_loops(assembly):
    """Return the innermost loops of code that LLVM wrote with comments, in the order of the code.

    LLVM notes at each block which loop it belongs to, also where a loop's blocks lie apart.
    """
    loops, inner, function, current = {}, set(), "", None
    for line in assembly.splitlines():
        if found := re.match(r"\.LBB(\w+):|[#/]+ %bb\.|([A-Za-z_]\S*):", line):
            block, function, current = found[1], found[2] or function, None
        if found := re.search(r"=> *This (Inner )?Loop Header: Depth=(\d+)", line):
            current = loops.setdefault(block, Loop(function, int(found[2]), []))
            if found[1]:
                inner.add(block)
        elif found := re.search(r"in Loop: Header=BB(\w+) Depth=(\d+)", line):
            current = loops.setdefault(found[1], Loop(function, int(found[2]), []))
        elif current and re.match(r"\t[a-z]", line):
            current.lines.append(re.sub(r"\.LBB\w+", "here", line))  # stands without the rest
    return [loop for block, loop in loops.items() if block in inner]


def compile_for(triple, cpu):
    """Have Numba compile for another processor, or this one, from now on: before it is imported."""
    os.environ["FASTPERC_NUMBA_CACHE"] = "0"  # what comes from the disk cannot be inspected
    if cpu:
        os.environ |= {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": ""}
    if triple:
        from llvmlite import binding

        binding.initialize_all_targets()
        binding.initialize_all_asmprinters()
        binding.get_process_triple = lambda: triple
        binding.Target.from_default_triple = lambda: binding.Target.from_triple(triple)


def kernels(dtype):
    """Return the kernels that can be chosen, each with the types of its arguments."""
    from numba import float32, float64, int64
    from numba.types import Array, NamedTuple

    from fastperc.kernels import batch, elementary, matmul, online, peak, predict, single
    from fastperc.kernels.arguments import Net, Rule, Samples
    from fastperc.kernels.jit import kernel

    def product(x, rows, n_in, W, n_out, b, z):
        matmul.product(x, rows, n_in, W, 0, n_out, b, n_out, z)

    number = {"float32": float32, "float64": float64}[dtype]
    vector, rows = Array(number, 1, "C"), Array(number, 2, "C", readonly=True)
    table, doubles = Array(int64, 2, "C"), Array(float64, 1, "C")
    read = Array(number, 1, "C", readonly=True)
    samples = NamedTuple((rows, rows, read, table), Samples)
    net = NamedTuple((vector, table, int64), Net)
    rule = NamedTuple((int64, doubles, vector, doubles), Rule)
    sums = Array(float64, 2, "C")
    return {
        "elementary": (elementary.apply, (int64, vector, vector)),
        "online": (
            online.train_online,
            (samples, net, number, int64, int64, vector, vector, doubles),
        ),
        "predict_one": (single.predict_one, (vector, vector, table, vector, vector)),
        "learn_one": (
            single.learn_one,
            (vector, vector, vector, table, int64, number, vector),
        ),
        "batch": (
            batch.train_batches,
            (samples, net, rule, int64, int64, int64, vector, vector, sums),
        ),
        "predict": (predict.predict_rows, (rows, vector, table, sums, vector)),
        "product": (kernel(product), (vector, int64, int64, vector, int64, vector, vector)),
        "peak": (peak.multiply_add, (vector, int64)),
    }


def assembly_of(dispatcher, signature):
    """Compile a kernel and return its assembly, with LLVM's comments."""
    dispatcher.compile(signature)
    library = dispatcher.overloads[signature].library
    library.codegen._tm.set_asm_verbosity(True)
    return library.get_asm_str()


def plain_name(symbol):
    """Return a function's own name: in a mangled one, the last part that follows its length.

    >>> plain_name("_ZN8fastperc7kernels6online12train_onlineB3v13B38c8tJ")
    'train_online'
    """
    name, rest = symbol, symbol.removeprefix("_ZN")
    while found := re.match(r"\d+", rest):
        end = found.end() + int(found[0])
        name, rest = rest[found.end() : end], rest[end:]
    return name


def report(loops):
    """Print a line for each loop."""
    columns = ["instructions", *COUNTED]
    print("loop  depth  " + "  ".join(columns) + "  function")
    for k, loop in enumerate(loops):
        numbers = (f"{n:>{len(name)}}" for name, n in loop.counts().items())
        print(f"{k:4}  {loop.depth:5}  " + "  ".join(numbers) + f"  {plain_name(loop.function)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kernel")
    parser.add_argument("--cpu", help="as LLVM names it; default: this one")
    parser.add_argument("--triple", help=f"such as {ARM}; default: this machine's")
    parser.add_argument("--float64", action="store_true", help="instead of float32")
    parser.add_argument("--loop", type=int, help="print this loop")
    parser.add_argument("--all", action="store_true", help="print all of the code")
    options = parser.parse_args()
    compile_for(options.triple, options.cpu)
    known = kernels("float64" if options.float64 else "float32")
    if options.kernel not in known:
        parser.error(f"found kernel {options.kernel!r}, expected one of {', '.join(known)}")
    assembly = assembly_of(*known[options.kernel])
    loops = innermost_loops(assembly)
    if options.all:
        print(assembly)
    elif options.loop is not None:
        print("here:", *loops[options.loop].lines, sep="\n")
    else:
        report(loops)


if __name__ == "__main__":
    main()
