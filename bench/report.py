"""Fill in the pages with tables and draw their pictures, from stored results.

    fastperc bench --json bench/results.json
    python bench/report.py bench/results.json [--readme FILE ...] [--pictures DIR] [--check]

A page is filled in where it has ``<!-- bench: GROUP -->`` ... ``<!-- end -->``; by default
README.md, docs/performance.md and bench/README.md are. Pictures go to bench/pictures. ``--check``
changes nothing, and fails where something would change.
"""

import argparse
import sys
from pathlib import Path

from fastperc.benchmarks.pictures import outdated, save_pictures
from fastperc.benchmarks.results import load
from fastperc.benchmarks.tables import filled
from fastperc.files.atomic import replace_file

BENCH = Path(__file__).parent
PAGES = tuple(BENCH.parent / p for p in ("README.md", "docs/performance.md", "bench/README.md"))


def stale_pages(results, pages, write):
    """Return the pages that show something else; with ``write``, update them."""
    stale = []
    for page in pages:
        before = page.read_text(encoding="utf-8")
        after = filled(before, results)
        if before != after:
            stale.append(page)
            if write:
                replace_file(str(page), after.encode())
    return stale


def main():
    """Fill in the pages, draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, nargs="?", default=BENCH / "results.json")
    parser.add_argument("--readme", type=Path, metavar="FILE", action="append")
    parser.add_argument("--pictures", type=Path, metavar="DIR", default=BENCH / "pictures")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    results = load(options.results)
    stale = stale_pages(results, options.readme or PAGES, write=not options.check)
    if not options.check:
        save_pictures(results, options.pictures)
        for path in outdated(results, options.pictures):
            path.unlink()
    elif stale := stale + outdated(results, options.pictures):
        sys.exit(f"not made from {options.results}: {', '.join(map(str, stale))}")


if __name__ == "__main__":
    main()
