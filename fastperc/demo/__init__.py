"""``fastperc demo``: real networks, trained on real data, and how much faster than by a plain loop.

Every number that it prints is computed in the run.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile

from rich.console import Console
from threadpoolctl import threadpool_limits

from .. import datasets
from .. import warmup as warming
from ..commands.console import LiveTable, show_heading
from ..comparing import compare
from ..datasets import Dataset
from ..datasets import files as datafiles
from ..measuring import environment
from ..measuring.clock import Stopwatch
from ..measuring.words import duration
from ..network import Network
from ..training import History
from ..tutorials import Speedup, replay, speedups
from ..tutorials.cases import all_cases
from . import tables
from .experiments import BUNDLED, EXTERNAL, Experiment
from .pictures import draw_all
from .scores import compete, curves

Experiments = list[tuple[Experiment, Dataset]]

NETWORKS = (((8, 32, 1), 5000), ((64, 64, 10), 2000))  # sizes and samples of the speed-ups
SECONDS = 0.1  # for repeating each of the tutorials' loops


def run(console: Console, out: Path, folder: Path | None = None, online: bool = False) -> None:
    """Run the whole demo.

    Parameters
    ----------
    console : rich Console
        Where to print.
    out : Path
        Folder for the pictures; made if it is not there.
    folder : Path, optional
        Where the files of California housing and heart disease lie, see `fastperc.datasets.files`.
    online : bool
        Fetch those two if they are not in a folder.

    Raises
    ------
    DataError
        If ``folder`` has neither file, or a data set cannot be read or fetched.
    """
    can_draw = environment.version_of("matplotlib") != environment.MISSING
    if can_draw:
        make_folder(out)  # before all the work, so that a bad name is known at once
    experiments = find_experiments(folder, online)
    version, processor = environment.version_of("fastperc"), environment.processor()
    console.print(f"[bold]fastperc {version}[/] on {processor}, one thread for everything")
    with Stopwatch() as watch:
        with threadpool_limits(1):
            prepare(console)
            show_replay(console)
            show_experiments(console, experiments)
            lines = show_speedups(console)
        show_heading(console, "Pictures")
        if can_draw:
            show_pictures(console, out, experiments, lines)
        else:
            missing = "None, since matplotlib is missing: pip install 'fastperc[plot]'"
            console.print(missing, markup=False)
    console.print(f"\nDone in {duration(watch.seconds)}.")


def find_experiments(folder: Path | None, online: bool) -> Experiments:
    """Return the experiments whose data are at hand, with the data."""
    found = [each for each in EXTERNAL if online or datafiles.file_of(each.data, folder)]
    if folder is not None and not found:
        files = " nor ".join(datafiles.FILES.values())
        raise datasets.DataError(
            f"--data: found neither {files} in {str(folder)!r}. Name the folder that has them, or "
            "leave the option out"
        )
    # With --online, a file that the folder does not have is fetched.
    folders = [folder if datafiles.file_of(each.data, folder) else None for each in found]
    external = [datasets.load(each.data, where) for each, where in zip(found, folders, strict=True)]
    bundled = [datasets.load(each.data) for each in BUNDLED]
    return list(zip((*BUNDLED, *found), (*bundled, *external), strict=True))


def prepare(console: Console) -> None:
    """Load or compile all kernels that the demo uses, so that nothing else has to wait for it."""
    net, X, y = Network((2, 2, 1), seed=0), [[0, 0], [1, 1]], [0, 1]

    def call_kernels() -> None:
        net.train(X, y, epochs=1, validation=(X, y))
        net.predict(X)
        for case in all_cases():
            case.compiled()

    with console.status("Loading the kernels; compiling them, the first time, takes half a minute"):
        step = warming.timed("demo", "both", call_kernels)
    tables.show_kernels(console, step)


def show_replay(console: Console) -> None:
    """Print the tutorials' figures, recomputed."""
    show_heading(
        console,
        "The tutorials' printed figures, recomputed",
        "Five perceptrons from scratch print their training runs. From the start weights that they "
        "print too, the kernels arrive at the same digits. All of them: fastperc replay",
    )
    tables.show_replay(console, replay())


def show_experiments(console: Console, experiments: Experiments) -> None:
    """Run the experiments, and print scores and times beside scikit-learn's."""
    show_heading(
        console,
        "Real data, beside scikit-learn",
        "Means over random splits; a fifth of the samples is held out and scored. fastperc takes "
        "one sample at a time. scikit-learn has as many units, and its own settings.",
    )
    with LiveTable(console, tables.outcomes_table()) as lines:
        for experiment, dataset in experiments:
            lines.waiting_for(f"training on {tables.plain(experiment.data)}")
            tables.add_outcome(lines.table, compete(experiment, dataset))
    if len(experiments) == len(BUNDLED):
        console.print(
            "California housing and heart disease join in when --data or the environment variable "
            f"{datafiles.FOLDER_VARIABLE} names "
            "the folder of their files, or when --online allows to fetch them.",
            style="dim",
        )


def show_speedups(console: Console) -> list[Speedup]:
    """Time each tutorial's loop, and two networks, against the same in Python and NumPy."""
    show_heading(
        console,
        "Compiled training against the same loop in Python and NumPy",
        "Best times, both ways in turn, after their results were compared.",
    )
    measured: list[Speedup] = []
    with LiveTable(console, tables.speedups_table()) as lines:
        for case in all_cases():
            lines.waiting_for(f"timing {case.name}")
            measured += speedups([case], SECONDS)
            tables.add_speedup(lines.table, measured[-1])
        for sizes, n_samples in NETWORKS:
            lines.waiting_for(f"timing Network {'-'.join(map(str, sizes))}")
            measured.append(network_speedup(sizes, n_samples))
            tables.add_speedup(lines.table, measured[-1])
    return measured


def network_speedup(sizes: tuple[int, ...], n_samples: int, seconds: float = 0.3) -> Speedup:
    """Time an epoch of a network, one sample at a time, beside the loop in NumPy.

    Raises
    ------
    ArithmeticError
        If one of them does not take the steps of the reference.
    """
    found = compare(variants="fastperc", sizes=sizes, n_samples=n_samples, seconds=seconds)
    loop, ours = found["numpy"], found["fastperc"]
    if not found.agrees or ours.finding is None:
        raise ArithmeticError(f"the ways of training differ\n{found}")
    name, work = f"Network {'-'.join(map(str, sizes))}", f"{n_samples} samples, one at a time"
    seconds_of_loop, seconds_of_ours = (1e-9 * n_samples * row.best for row in (loop, ours))
    return Speedup(name, work, seconds_of_loop, seconds_of_ours, ours.finding.absolute, target=15)


def show_pictures(
    console: Console, out: Path, experiments: Experiments, lines: list[Speedup]
) -> None:
    """Draw, and print where the pictures are."""
    kinds: dict[bool, dict[str, dict[str, History]]] = {False: {}, True: {}}
    for experiment, dataset in experiments:
        runs = kinds[dataset.has_classes].setdefault(tables.plain(experiment.data), {})
        runs[experiment.kind] = curves(experiment, dataset)
    for path in draw_all(out, kinds[False], kinds[True], lines):
        tables.show_path(console, path)


def make_folder(path: Path) -> None:
    """Make a folder for the pictures if it is not there; OSError if it cannot be written to."""
    path.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=path):
        pass
