"""Real data sets, and what has to be done to them before training.

>>> from fastperc import datasets
>>> iris = datasets.load("iris")
>>> X_train, X_test, y_train, y_test = datasets.split(iris, 0.2, seed=0)
>>> X_train, X_test = datasets.standardise(X_train, X_test)
>>> X_train.shape, X_test.shape, iris.target_names
((120, 4), (30, 4), ('setosa', 'versicolor', 'virginica'))

Four come with scikit-learn. The others are read from a file if a folder is named, and otherwise
fetched by scikit-learn, which keeps a copy.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from . import files as datafiles
from .files import DataError

__all__ = ["DESCRIPTIONS", "DataError", "Dataset", "load", "split", "standardise"]

DESCRIPTIONS = {
    "breast_cancer": "Whether a breast tumour is benign, from 30 measures of its cells' nuclei.",
    "diabetes": "Progression of diabetes within a year, from 10 measures of a patient.",
    "digits": "Which digit was written, from an image of 8 x 8 pixels.",
    "iris": "The species of an iris, from 4 lengths of its flower.",
    "california_housing": "Median value of the houses of a census block, from 8 figures on it.",
    "heart_statlog": "Whether a patient has a heart disease, from 13 findings.",
}


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples with their names.

    Attributes
    ----------
    name : str
    X : ndarray, float64, of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
        float64 for a regression, int64 class numbers from 0 for a classification.
    feature_names : tuple of str
    target_names : tuple of str
        The classes, or the one quantity that a regression predicts.
    description : str
        A sentence on what is predicted from what.
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    description: str

    @property
    def has_classes(self) -> bool:
        """Whether the target is a class."""
        return self.y.dtype.kind == "i"


def load(name: str, folder: str | os.PathLike | None = None) -> Dataset:
    """Load a data set by its name.

    Parameters
    ----------
    name : str
        ``breast_cancer``, ``diabetes``, ``digits`` or ``iris``, which come with scikit-learn;
        ``california_housing`` or ``heart_statlog``.
    folder : path, optional
        Where the file of one of the last two lies; `fastperc.datasets.files.file_of` says how it is
        called. Without it, the folder that the environment variable FASTPERC_DATA names is looked
        into, and if the file is not there, the data are fetched from the network.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        For a name that is not in the list.
    DataError
        If the file is missing or damaged, or the data cannot be fetched.

    Examples
    --------
    >>> load("diabetes").X.shape
    (442, 10)
    """
    checks.check_choice(name, "name", DESCRIPTIONS)
    if name not in datafiles.FILES:
        return _load_bundled(name)
    path = datafiles.file_of(name, folder)
    if path is None and folder is not None:
        raise DataError(
            f"{name}: found no file {datafiles.FILES[name]} in {os.fspath(folder)!r}. Name the "
            "folder that has it, or none, to fetch the data from the network"
        )
    X, y = _fetch(name) if path is None else datafiles.read_file(name, path)
    features: tuple[str, ...]
    targets: tuple[str, ...]
    if name == "california_housing":
        features, targets = datafiles.CALIFORNIA_COLUMNS[:-1], datafiles.CALIFORNIA_COLUMNS[-1:]
    else:
        features, targets = datafiles.HEART_COLUMNS[:-1], ("absence", "presence")
    return Dataset(name, X, y, features, targets, DESCRIPTIONS[name])


def split(
    dataset: Dataset, test_fraction: float = 0.2, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Set samples aside at random; of every class the same fraction, if there are classes.

    Returns
    -------
    X_train, X_test, y_train, y_test : ndarray

    Examples
    --------
    >>> [part.shape for part in split(load("iris"), 0.1)]
    [(135, 4), (15, 4), (135,), (15,)]
    """
    from sklearn.model_selection import train_test_split

    classes = dataset.y if dataset.has_classes else None
    X_train, X_test, y_train, y_test = train_test_split(
        dataset.X, dataset.y, test_size=test_fraction, random_state=seed, stratify=classes
    )
    return X_train, X_test, y_train, y_test


def standardise(train: Any, *others: Any) -> tuple[np.ndarray, ...]:
    """Shift and scale each column so that ``train`` has mean 0 and standard deviation 1.

    Whatever else is given is shifted and scaled by the same amounts, those of ``train``. A column
    that is constant in ``train`` is shifted only.

    Parameters
    ----------
    train, *others : array_like of shape (n_samples, n_features) or (n_samples,)

    Returns
    -------
    tuple of ndarray, float64
        As many as were given.

    Examples
    --------
    >>> standardise([[1.0], [3.0]], [[4.0]])
    (array([[-1.],
           [ 1.]]), array([[2.]]))
    """
    arrays = [
        checks.check_array(array, f"array {i}", ndim=np.ndim(train))
        for i, array in enumerate((train, *others), 1)
    ]
    first = arrays[0]
    is_constant = first.min(axis=0) == first.max(axis=0)
    mean = np.where(is_constant, first[0], first.mean(axis=0))
    deviation = np.where(is_constant, 1.0, first.std(axis=0))
    return tuple((array - mean) / deviation for array in arrays)


def _load_bundled(name: str) -> Dataset:
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    has_classes = "target_names" in bunch
    return Dataset(
        name,
        bunch.data.astype(np.float64),
        bunch.target.astype(np.int64 if has_classes else np.float64),
        tuple(map(str, bunch.feature_names)),
        tuple(map(str, bunch.target_names)) if has_classes else ("progression",),
        DESCRIPTIONS[name],
    )


def _fetch(name: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that it tries again; the error says it
            X, y = _FETCHERS[name]()
    except (OSError, ValueError) as error:
        raise DataError(
            f"{name}: could not be fetched ({error}). Put {datafiles.FILES[name]} into a folder "
            f"and name it, as folder or in the environment variable {datafiles.FOLDER_VARIABLE}"
        ) from error
    return datafiles.check_size(name, X, y, "what was fetched")


def _fetch_california() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import fetch_california_housing

    return fetch_california_housing(return_X_y=True, n_retries=1)


def _fetch_heart() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import fetch_openml

    bunch = fetch_openml(
        "heart-statlog", version=1, as_frame=False, parser="liac-arff", n_retries=1
    )
    return bunch.data.astype(np.float64), (bunch.target == "present").astype(np.float64)


_FETCHERS: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "california_housing": _fetch_california,
    "heart_statlog": _fetch_heart,
}
