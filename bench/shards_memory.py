"""Training on files of four times the memory that each worker has: time, and memory at most.

    python bench/shards_memory.py [--limit 640] [--times 4] [--workers 2] [--folder DIR]

Writes Parquet of 32-bit floats (50 columns and a target, row groups of 10 MB), trains 50-32-1 by
each method on workers with that ``memory_limit``, and removes the files. Dask's nannies pause a
worker at 80 % of its limit, and end it at 95 %. Printed is the most that each worker's process
has held, as the system counts it (VmHWM), of which libraries and machine code are the most; and
how long reading all row groups takes one process.
"""

import argparse
import json
import os
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
from distributed import Client, LocalCluster
from pyarrow import parquet
from sklearn.exceptions import ConvergenceWarning

from fastperc import MLPRegressor, distributed
from fastperc.distributed.shards import read_group
from fastperc.measuring.words import markdown

N_FEATURES, GROUP_ROWS, GROUPS_A_FILE = 50, 50_000, 20
WAYS = {
    "exact": ({"solver": "lbfgs", "max_iter": 2}, {}),
    "local": ({"solver": "adam", "max_iter": 2, "batch_size": 100}, {"method": "local"}),
}


def write(folder, n_bytes):
    """Write files of at least so many bytes of numbers; returns rows and bytes."""
    rng = np.random.default_rng(0)
    n_groups = -(-n_bytes // (4 * (N_FEATURES + 1) * GROUP_ROWS))
    columns = rng.standard_normal((N_FEATURES, GROUP_ROWS), np.float32)
    names = [f"x{k}" for k in range(N_FEATURES)]
    for file in range(-(-n_groups // GROUPS_A_FILE)):
        count = min(GROUPS_A_FILE, n_groups - file * GROUPS_A_FILE)
        path, writer = folder / f"part-{file:03}.parquet", None
        for _ in range(count):
            columns = np.roll(columns, 1, axis=0)  # other rows, for the time of none
            arrays = [*columns, np.sin(columns[0]) + columns[1] * columns[2]]
            table = pa.table(dict(zip([*names, "y"], arrays, strict=True)))
            writer = writer or parquet.ParquetWriter(
                path, table.schema, compression="none", use_dictionary=False
            )
            writer.write_table(table, row_group_size=GROUP_ROWS)
        writer.close()
    size = sum(path.stat().st_size for path in folder.glob("*.parquet"))
    return n_groups * GROUP_ROWS, size


def peak():
    """Return the process, its peak and present memory, and the processor's time that it took."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kilobytes = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
    most, now = (int(kilobytes[name]) / 1024 for name in ("VmHWM", "VmRSS"))
    return {"pid": os.getpid(), "most": most, "now": now}


def reading(folder):
    """Return the seconds that reading all row groups takes one process, without training."""
    begin = time.perf_counter()
    for path in sorted(Path(folder).glob("*.parquet")):
        for k in range(parquet.read_metadata(path).num_row_groups):
            read_group(str(path), k, ["y"])
    return time.perf_counter() - begin


def measure(folder, client, way):
    """Return what one training took."""
    parameters, options = WAYS[way]
    before = client.run(peak)
    client.get_task_stream(count=1)
    begin, since = time.perf_counter(), time.time()
    model = MLPRegressor(hidden_layer_sizes=(32,), random_state=0, tol=0.0, **parameters)
    distributed.fit(model, folder, target="y", client=client, **options)
    seconds = time.perf_counter() - begin
    after = client.run(peak)
    passes = {}
    for task in client.get_task_stream(start=since):
        name = str(task["key"]).split("-")[1] if str(task["key"]).startswith("fastperc") else ""
        for part in task["startstops"]:
            if part["action"] == "compute" and name:
                passes[name] = passes.get(name, 0.0) + part["stop"] - part["start"]
    return {
        "seconds": seconds,
        "loss": float(model.loss_),
        "samples": model.cluster_report_["n_samples"],
        "shards": model.cluster_report_["n_shards"],
        "computing": passes,
        "survived": {w["pid"] for w in before.values()} == {w["pid"] for w in after.values()},
        "megabytes at most": [w["most"] for w in after.values()],
        "megabytes before": [w["now"] for w in before.values()],
    }


def main():
    """Write, train, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=int, default=640, help="megabytes of each worker")
    parser.add_argument("--times", type=float, default=4.0, help="the files, in such limits")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", help="where the files are made")
    parser.add_argument("--json", metavar="FILE", type=Path,
                        default=Path(__file__).with_suffix(".json"))  # fmt: skip
    given = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    usual = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        rows, size = write(Path(folder), int(given.times * given.limit * 2**20))
        figures = {"rows": rows, "bytes": size, "limit": given.limit, "ways": {}}
        figures["seconds to read"] = reading(folder)
        for way in WAYS:  # each by new workers, whose peaks are their own
            with (
                LocalCluster(
                    n_workers=given.workers, memory_limit=f"{given.limit} MiB", **usual
                ) as cluster,
                Client(cluster) as client,
            ):
                figures["ways"][way] = measure(folder, client, way)
                print(f"{way}: {figures['ways'][way]['seconds']:.1f} s", flush=True)
    given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    show(figures)


def show(figures):
    """Print a table."""
    print(f"{figures['rows']:,} rows, {figures['bytes'] / 2**20:,.0f} MB of Parquet;", end=" ")
    print(f"{figures['limit']} MB a worker; reading alone {figures['seconds to read']:.1f} s")
    lines = [("way", "seconds", "MB at most, each worker", "MB before", "workers lived")]
    for way, found in figures["ways"].items():
        peaks, before = (
            ", ".join(f"{value:.0f}" for value in found[f"megabytes {when}"])
            for when in ("at most", "before")
        )
        seconds = f"{found['seconds']:.1f}"
        lines.append((way, seconds, peaks, before, "yes" if found["survived"] else "no"))
    print(markdown(lines))


if __name__ == "__main__":
    main()
