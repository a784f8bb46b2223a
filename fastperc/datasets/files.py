"""Find, read or download the data sets that do not come with scikit-learn: a record for each."""

from __future__ import annotations

import gzip
import os
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import checks
from ..errors import DataError as DataError

FOLDER_VARIABLE = "FASTPERC_DATA"
Samples = tuple[np.ndarray, np.ndarray]  # X and y


@dataclass(frozen=True)
class Source:
    """A data set in a file.

    Attributes
    ----------
    file : str
        Name of the file.
    n_samples : int
    columns : tuple of str
        Names of the features, then of the target.
    classes : tuple of str
        Names of the classes 0, 1, ...; empty for regression.
    description : str
        One sentence: the target and the features.
    read : function of (path, max_rows)
        Reads the file as one table, the target last.
    download : function
        Fetches X and y, as scikit-learn does.
    """

    file: str
    n_samples: int
    columns: tuple[str, ...]
    classes: tuple[str, ...]
    description: str
    read: Callable[[Path, int], np.ndarray]
    download: Callable[[], Samples]


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


def read_file(name: str, path: Path) -> Samples:
    """Read features, float64 (n, d), and target (n,): float64, or int64 for classes.

    Raises
    ------
    DataError
        If the file cannot be read or has other contents.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty file; reported below
            source = SOURCES[name]
            table = source.read(path, source.n_samples + 1)  # one more shows that it has too many
        checks.check_array(table, "the table")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{name}: cannot read {path}: {error}. Replace the file") from error
    return _checked(name, table[:, :-1].copy(), table[:, -1].copy(), str(path))


def download(name: str) -> Samples:
    """Fetch features and target as scikit-learn does, which keeps a copy; see `read_file`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that it retries; the error tells
            X, y = SOURCES[name].download()
    except (OSError, ValueError) as error:
        raise DataError(
            f"{name}: could not be fetched ({error}). Put {FILES[name]} into a folder "
            f"and name it, as folder or in the environment variable {FOLDER_VARIABLE}"
        ) from error
    return _checked(name, X, y, "what was fetched")


def _checked(name: str, X: np.ndarray, y: np.ndarray, found_in: str) -> Samples:
    """Raise DataError unless the data set is complete; return it, classes as int64."""
    source = SOURCES[name]
    if len(X) != source.n_samples:
        raise DataError(
            f"{name}: found {len(X)} samples in {found_in}, expected {source.n_samples}. "
            "Replace it by a complete copy"
        )
    return X, y.astype(np.int64) if source.classes else y


# --- the data sets --------------------------------------------------------------------------------


CALIFORNIA_COLUMNS = (
    "MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude",
    "Longitude", "MedHouseVal",
)  # fmt: skip
HEART_COLUMNS = (
    "age", "sex", "chest_pain", "rest_bp", "cholesterol", "fasting_bs", "rest_ecg", "max_hr",
    "exercise_angina", "oldpeak", "slope", "n_vessels", "thal", "disease",
)  # fmt: skip


def _read_california(path: Path, max_rows: int) -> np.ndarray:
    expected = ",".join(CALIFORNIA_COLUMNS)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        header = lines.readline(1000).strip()
        if header != expected:
            raise ValueError(f"found the header {header!r:.60}, expected {expected!r}")
        return np.loadtxt(lines, delimiter=",", ndmin=2, max_rows=max_rows)


def _read_heart(path: Path, max_rows: int) -> np.ndarray:
    table = np.loadtxt(path, ndmin=2, max_rows=max_rows)
    if table.size == 0:
        raise ValueError("found no data")
    if table.shape[1] != len(HEART_COLUMNS):
        raise ValueError(f"found {table.shape[1]} columns, expected {len(HEART_COLUMNS)}")
    if not np.isin(table[:, -1], (1, 2)).all():
        raise ValueError("found another class than 1 (absence) and 2 (presence) in column 14")
    table[:, -1] -= 1
    return table


def _download_california() -> Samples:
    from sklearn.datasets import fetch_california_housing

    return fetch_california_housing(return_X_y=True, n_retries=1)


def _download_heart() -> Samples:
    from sklearn.datasets import fetch_openml

    bunch = fetch_openml(
        "heart-statlog", version=1, as_frame=False, parser="liac-arff", n_retries=1
    )
    return bunch.data.astype(np.float64), bunch.target == "present"


SOURCES = {
    "california_housing": Source(
        "california_housing.csv.gz", 20640, CALIFORNIA_COLUMNS, (),
        "Median house value of a census block, from 8 figures on it.",
        _read_california, _download_california,
    ),
    "heart_statlog": Source(
        "heart_statlog.dat", 270, HEART_COLUMNS, ("absence", "presence"),
        "Presence of a heart disease, from 13 findings on a patient.",
        _read_heart, _download_heart,
    ),
}  # fmt: skip
FILES = {name: source.file for name, source in SOURCES.items()}
