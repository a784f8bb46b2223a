"""``fastperc demo``: real networks, trained on real data, and how much faster than by a plain loop.

Every number that it prints is computed in the run.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile
from time import perf_counter

from rich.console import Console

from .. import datasets
from .. import warmup as warming
from ..commands.console import LiveTable, show_heading
from ..datasets import Dataset
from ..datasets import files as datafiles
from ..measuring import environment
from ..measuring.words import duration
from ..network import Network
from ..training import History
from ..tutorials import Speedup, replay, speedups
from ..tutorials.cases import all_cases
from . import report
from .contest import compete, curves
from .peers import one_thread
from .pictures import draw_all
from .speed import Training, measure
from .tasks import BUNDLED, EXTERNAL, Task

TRAININGS = (Training((8, 32, 1), 5000), Training((64, 64, 10), 2000))
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
    start = perf_counter()
    can_draw = environment.version_of("matplotlib") != environment.MISSING
    if can_draw:
        make_folder(out)  # before all the work, so that a bad name is known at once
    contests = find_contests(folder, online)
    version, processor = environment.version_of("fastperc"), environment.processor()
    console.print(f"[bold]fastperc {version}[/] on {processor}, one thread for everything")
    with one_thread():
        prepare(console)
        show_replay(console)
        show_contests(console, contests)
        lines = show_speedups(console)
    show_heading(console, "Pictures")
    if can_draw:
        show_pictures(console, out, contests, lines)
    else:
        console.print(
            "None, since matplotlib is missing: pip install 'fastperc[plot]'", markup=False
        )
    console.print(f"\nDone in {duration(perf_counter() - start)}.")


def find_contests(folder: Path | None, online: bool) -> list[tuple[Task, Dataset]]:
    """The tasks whose data are at hand, with the data."""
    found = [task for task in EXTERNAL if online or datafiles.file_of(task.data, folder)]
    if folder is not None and not found:
        files = " nor ".join(datafiles.FILES.values())
        raise datasets.DataError(
            f"--data: found neither {files} in {str(folder)!r}. Name the folder that has them, or "
            "leave the option out"
        )
    # With --online, a file that the folder does not have is fetched.
    folders = [folder if datafiles.file_of(task.data, folder) else None for task in found]
    external = [datasets.load(task.data, where) for task, where in zip(found, folders, strict=True)]
    bundled = [datasets.load(task.data) for task in BUNDLED]
    return list(zip((*BUNDLED, *found), (*bundled, *external), strict=True))


def prepare(console: Console) -> None:
    """Load or compile all kernels that the demo uses, so that nothing else has to wait for it."""
    net, X, y = Network((2, 2, 1), seed=0), [[0, 0], [1, 1]], [0, 1]

    def call_kernels():
        net.train(X, y, epochs=1, validation=(X, y))
        net.predict(X)
        for case in all_cases():
            case.compiled()

    with console.status("Loading the kernels; compiling them, the first time, takes half a minute"):
        step = warming.timed("demo", "both", call_kernels)
    report.show_kernels(console, step)


def show_replay(console: Console) -> None:
    """The tutorials' printed figures, recomputed."""
    show_heading(
        console,
        "The tutorials' printed figures, recomputed",
        "Five perceptrons from scratch print their training runs. From the start weights that they "
        "print too, the kernels arrive at the same digits. All of them: fastperc replay",
    )
    report.show_replay(console, replay())


def show_contests(console: Console, contests: list[tuple[Task, Dataset]]) -> None:
    """Scores and times beside scikit-learn's."""
    show_heading(
        console,
        "Real data, beside scikit-learn",
        "Means over random splits; a fifth of the samples is held out and scored. fastperc takes "
        "one sample at a time. scikit-learn has as many units, and its own settings.",
    )
    with LiveTable(console, report.results_table()) as lines:
        for task, dataset in contests:
            lines.waiting_for(f"training on {report.plain(task.data)}")
            report.add_result(lines.table, compete(task, dataset))
    if len(contests) == len(BUNDLED):
        console.print(
            "California housing and heart disease join in when --data or the environment variable "
            f"{datafiles.FOLDER_VARIABLE} names "
            "the folder of their files, or when --online allows to fetch them.",
            style="dim",
        )


def show_speedups(console: Console) -> list[Speedup]:
    """Each tutorial's loop, and the general kernel, against the same in Python and NumPy."""
    show_heading(
        console,
        "Compiled training against the same loop in Python and NumPy",
        "Best times, both ways in turn, after their results were compared.",
    )
    measured = []
    with LiveTable(console, report.speedups_table()) as lines:
        for case in all_cases():
            lines.waiting_for(f"timing {case.name}")
            measured += speedups([case], SECONDS)
            report.add_speedup(lines.table, measured[-1])
        for training in TRAININGS:
            lines.waiting_for(f"timing {training.name}")
            measured.append(measure(training))
            report.add_speedup(lines.table, measured[-1])
    return measured


def show_pictures(
    console: Console, out: Path, contests: list[tuple[Task, Dataset]], lines: list[Speedup]
) -> None:
    """Draw, and say where."""
    kinds: dict[bool, dict[str, History]] = {False: {}, True: {}}
    for task, dataset in contests:
        label = f"{report.plain(task.data)}, {task.kind}"
        kinds[dataset.has_classes][label] = curves(task, dataset)
    for path in draw_all(out, kinds[False], kinds[True], lines):
        report.show_path(console, path)


def make_folder(path: Path) -> None:
    """Make a folder for the pictures if it is not there; OSError if it cannot be written to."""
    path.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=path):
        pass
