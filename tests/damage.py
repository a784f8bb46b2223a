"""Damaged files: ``python -m tests.damage`` tries every truncation and every flip of a byte.

Of a small file of each kind, read again each time; what is read has to predict the same bits.
``--kinds`` names some kinds, ``--step`` leaves places out.
"""

import argparse
import pathlib
import sys
import tracemalloc

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from fuzz import model_files
from saved_models import MAKERS, assert_same

from fastperc import ModelFileError, saving
from fastperc.files import container


def outcome_of(content, model):
    """Return "refused" or "read", and raise if a damaged file is read as another model."""
    try:
        found = container.decode(content, *saving.KINDS)
    except ModelFileError:
        return "refused"
    assert_same(found, model)
    return "read"


def damaged(content, step):
    """Yield every truncation, and the file with each byte changed in its lowest bit and wholly."""
    for place in range(0, len(content), step):
        yield content[:place]
        for mask in (1, 255):
            yield content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :]


def campaign(names, step=1):
    """Return how many files of each outcome there were."""
    found, files = {"refused": 0, "read": 0}, model_files.seeds()
    for name in names:
        model, content = MAKERS[name](), files[name]
        for changed in damaged(content, step):
            found[outcome_of(changed, model)] += 1
    return found


def peak(names):
    """Return the most memory that reading a truncated file took, in bytes."""
    files, most = model_files.seeds(), 0
    for name in names:
        for changed in damaged(files[name], 97):
            tracemalloc.start()
            outcome_of(changed, MAKERS[name]())
            most = max(most, tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    return most


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="*", default=[*MAKERS])
    parser.add_argument("--step", type=int, default=1)
    given = parser.parse_args()
    found = campaign(given.kinds, given.step)
    most = peak(["Network", "Fleet", "Perceptron"])
    print(f"{sum(found.values())} files of {len(given.kinds)} models: {found['refused']} refused, "
          f"{found['read']} read and the same, 0 others; {most / 1e3:.0f} kB at most")  # fmt: skip
