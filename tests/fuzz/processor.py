"""Compiling as for a processor without AVX-512."""

import llvmlite.binding as llvm


def without_avx512():
    """Environment variables that make Numba do without AVX-512; None where there is none of it.

    The name alone is not enough, since features are taken from the processor; nor are the features
    alone, since the name implies some.
    """
    features = llvm.get_host_cpu_features()
    if not any(on for name, on in features.items() if name.startswith("avx512")):
        return None
    newer = ("avx512", "amx", "avx10", "avxvnni", "evex512", "egpr", "gfni", "vaes", "vpclmulqdq")
    kept = sorted(name for name, on in features.items() if on and not name.startswith(newer))
    return {
        "NUMBA_CPU_NAME": "x86-64-v3" if "avx2" in kept else "x86-64",
        "NUMBA_CPU_FEATURES": ",".join(f"+{name}" for name in kept),
    }
