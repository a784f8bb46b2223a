"""How large C code becomes, where there is a compiler to ask."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

from ..measuring.compilers import compiler


def size_of(text: str) -> int | None:
    """Return the bytes of code and constants that C becomes with -Os.

    None where there is no compiler, or no program that tells sizes.
    """
    cc, size = compiler(), shutil.which("size")
    if cc is None or size is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "model.o")
        command = [cc, "-std=c99", "-Os", "-x", "c", "-c", "-", "-o", target]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the C compiler failed: {done.stderr:.300}")
        told = subprocess.run([size, target], capture_output=True, text=True, check=False).stdout
    heading, *lines = told.splitlines() or [""]
    if heading.split()[:3] != ["text", "data", "bss"] or not lines:
        return None
    return sum(int(word) for word in lines[0].split()[:2])
