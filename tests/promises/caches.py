"""T21: whatever state the cache of machine code is in, results are right and later runs heal it."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .tally import Tally

ROOT = Path(__file__).parents[2]
PROCESSES = 20

# A kernel that compiles in a second, of a linear model: it goes through the same door as all.
ASK = """
import json, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import numpy as np
    from fastperc.tutorials import train_model
    found = train_model([0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0], [1.0, 3.0, 4.0, 6.0], 50, 0.1)
print(json.dumps({
    "found": found.tolist(),
    "warned": sum(w.category.__name__ == "KernelCacheWarning" for w in caught),
    "others": [str(w.message) for w in caught if w.category.__name__ != "KernelCacheWarning"],
}))
"""


def start(cache: Path) -> subprocess.Popen:
    """Start a process that trains with that cache."""
    return subprocess.Popen(
        [sys.executable, "-c", ASK],
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache), "FASTPERC_NUMBA_CACHE": "only"},
        cwd=tempfile.gettempdir(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def answers(cache: Path, n: int = 1) -> list[dict]:
    """Return what that many processes at once find."""
    found = []
    for process in [start(cache) for _ in range(n)]:
        out, err = process.communicate(timeout=600)
        found.append(json.loads(out) if process.returncode == 0 else {"error": err[-500:]})
    return found


def files(cache: Path) -> list[Path]:
    """Return the files of a cache."""
    return sorted(path for path in cache.rglob("*") if path.is_file())


def cut(path: Path, chance: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])


def flip(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def garbage(path: Path, chance: random.Random) -> None:
    path.write_bytes(chance.randbytes(1000))


def nothing(path: Path, chance: random.Random) -> None:
    path.write_bytes(b"")


def missing(path: Path, chance: random.Random) -> None:
    path.unlink()


def folder(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = {"cut": cut, "a bit flipped": flip, "garbage": garbage, "empty": nothing,
           "missing": missing, "a folder": folder}  # fmt: skip


def run(count: int | None = None, processes: int = PROCESSES) -> Tally:
    """Damage a cache in ``count`` ways, by default 30, and let many processes write one at once."""
    tally, chance = Tally(), random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        sound, cache = Path(place) / "sound", Path(place) / "cache"
        wanted = answers(sound)[0]
        assert "error" not in wanted, wanted
        for k in range(count or 30):
            name = [*DAMAGES][k % len(DAMAGES)]
            shutil.rmtree(cache, ignore_errors=True)
            shutil.copytree(sound, cache)
            DAMAGES[name](chance.choice(files(cache)), chance)
            first, second = answers(cache)[0], answers(cache)[0]
            problem = wrong(first, wanted) or wrong(second, wanted)
            if not problem and second["warned"] and name != "a folder":
                problem = "it did not heal"
            tally.take(f"{name}, try {k}", problem, "damaged")
        for state, make in {"empty": None, "damaged": garbage, "stale": old}.items():
            shutil.rmtree(cache, ignore_errors=True)
            if make is not None:
                shutil.copytree(sound, cache)
                for path in files(cache):
                    make(path, chance)
            for k, found in enumerate(answers(cache, processes)):
                tally.take(f"{state}, process {k}", wrong(found, wanted), "many writers at once")
            last = answers(cache)[0]
            problem = wrong(last, wanted) or ("it did not heal" if last["warned"] else "")
            tally.take(f"{state}, afterwards", problem, "afterwards")
        blocked = Path(place) / "file"
        blocked.write_text("")
        tally.take("no folder can be made", wrong(answers(blocked / "x")[0], wanted), "unwritable")
    return tally


def old(path: Path, chance: random.Random) -> None:
    """Rename a file, as if it were of other sources."""
    path.rename(path.with_name("0" + path.name[1:]))


def wrong(found: dict, wanted: dict) -> str:
    """Return what is wrong with an answer."""
    if "error" in found:
        return found["error"].replace("\n", " ")
    if found["others"]:
        return f"warnings of something else: {found['others']}"
    return "" if found["found"] == wanted["found"] else "another result"
