"""Writes what is made of stored results: the README's tables, and the report's pictures.

    fastperc bench --json bench/results.json
    python bench/report.py bench/results.json [--readme README.md] [--report DIR]

A page is filled in where it has ``<!-- bench: GROUP -->`` ... ``<!-- end -->``; ``--check`` changes
nothing and fails where the page would change.
"""

import argparse
import sys
from pathlib import Path

from fastperc.benchmarks.report import write_report
from fastperc.benchmarks.storing import load
from fastperc.benchmarks.tables import filled


def main():
    """Fill in the page, write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--readme", type=Path, metavar="FILE")
    parser.add_argument("--report", type=Path, metavar="DIR")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    results = load(options.results)
    if options.readme:
        before = options.readme.read_text(encoding="utf-8")
        after = filled(before, results)
        if options.check and before != after:
            sys.exit(f"{options.readme} does not show what {options.results} holds")
        if not options.check:
            options.readme.write_text(after, encoding="utf-8")
    if options.report:
        write_report(results, options.report)


if __name__ == "__main__":
    main()
