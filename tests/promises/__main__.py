"""``python -m tests.promises T9 --count 50``: try a promise and print its row."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time

from . import page


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.promises", description=__doc__)
    parser.add_argument("demands", nargs="*", choices=[*page.DEMANDS, []], metavar="T9")
    parser.add_argument("--all", action="store_true", help="try all of them")
    parser.add_argument("--count", type=int, help="how often, or of how many trainers")
    parser.add_argument("--store", action="store_true", help=f"write to {page.RESULTS.name}")
    parser.add_argument("--page", action="store_true", help="rebuild the table from what is stored")
    options = parser.parse_args()
    lost = 0
    for demand in page.DEMANDS if options.all else options.demands:
        begin = time.perf_counter()
        module = importlib.import_module(f"{__package__}.{page.DEMANDS[demand].module}")
        tally = module.run(options.count)
        row = {**tally.as_row(), "seconds": round(time.perf_counter() - begin, 1)}
        print(demand, json.dumps(row), flush=True)
        for line in tally.lost[:40]:
            print("  lost:", line, flush=True)
        lost += len(tally.lost)
        if options.store:
            page.store(demand, row)
    if options.page:
        page.rebuild()
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
