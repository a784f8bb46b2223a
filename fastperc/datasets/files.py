"""Find and read the files of the data sets that do not come with scikit-learn."""

from __future__ import annotations

import gzip
import os
import warnings
import zlib
from pathlib import Path

import numpy as np

from .. import checks
from ..errors import DataError as DataError

FOLDER_VARIABLE = "FASTPERC_DATA"

FILES = {
    "california_housing": "california_housing.csv.gz",
    "heart_statlog": "heart_statlog.dat",
}
N_SAMPLES = {"california_housing": 20640, "heart_statlog": 270}

CALIFORNIA_COLUMNS = (
    "MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude",
    "Longitude", "MedHouseVal",
)  # fmt: skip
HEART_COLUMNS = (
    "age", "sex", "chest_pain", "rest_bp", "cholesterol", "fasting_bs", "rest_ecg", "max_hr",
    "exercise_angina", "oldpeak", "slope", "n_vessels", "thal", "disease",
)  # fmt: skip


def file_of(name: str, folder: str | os.PathLike | None = None) -> Path | None:
    """Return the path of a data set's file, if there is one in ``folder``.

    Parameters
    ----------
    name : str
        ``"california_housing"``, whose file is ``california_housing.csv.gz`` (a header, then 8
        features and the target, with commas), or ``"heart_statlog"``, whose file is
        ``heart_statlog.dat`` (13 features and the class 1 or 2, with spaces).
    folder : path, optional
        By default the value of the environment variable FASTPERC_DATA, if it is set.

    Returns
    -------
    Path or None
    """
    where = folder if folder is not None else os.environ.get(FOLDER_VARIABLE)
    if not where:
        return None
    path = Path(where) / FILES[name]
    return path if path.is_file() else None


def read_file(name: str, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read features, float64 (n, d), and target (n,): float64, or int64 for classes.

    Raises
    ------
    DataError
        If the file cannot be read or has other contents.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty file; reported below
            table = READERS[name](path)
        checks.check_array(table, "the table")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{name}: cannot read {path}: {error}. Replace the file") from error
    return check_size(name, table[:, :-1].copy(), table[:, -1].copy(), str(path))


def check_size(
    name: str, X: np.ndarray, y: np.ndarray, source: str
) -> tuple[np.ndarray, np.ndarray]:
    """Raise DataError unless the data set is complete; return it, classes as int64."""
    if len(X) != N_SAMPLES[name]:
        raise DataError(
            f"{name}: found {len(X)} samples in {source}, expected {N_SAMPLES[name]}. "
            "Replace it by a complete copy"
        )
    return X, y if name == "california_housing" else y.astype(np.int64)


def _read_california(path: Path) -> np.ndarray:
    expected = ",".join(CALIFORNIA_COLUMNS)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        header = lines.readline(1000).strip()
        if header != expected:
            raise ValueError(f"found the header {header!r:.60}, expected {expected!r}")
        return np.loadtxt(lines, delimiter=",", ndmin=2, max_rows=_at_most("california_housing"))


def _read_heart(path: Path) -> np.ndarray:
    table = np.loadtxt(path, ndmin=2, max_rows=_at_most("heart_statlog"))
    if table.size == 0:
        raise ValueError("found no data")
    if table.shape[1] != len(HEART_COLUMNS):
        raise ValueError(f"found {table.shape[1]} columns, expected {len(HEART_COLUMNS)}")
    if not np.isin(table[:, -1], (1, 2)).all():
        raise ValueError("found another class than 1 (absence) and 2 (presence) in column 14")
    table[:, -1] -= 1
    return table


def _at_most(name: str) -> int:
    """Return the number of rows to read: one more than expected shows that there are too many."""
    return N_SAMPLES[name] + 1


READERS = {"california_housing": _read_california, "heart_statlog": _read_heart}
