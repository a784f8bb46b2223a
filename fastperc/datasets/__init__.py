"""Load real data sets, split them and scale them.

>>> from fastperc import datasets
>>> iris = datasets.load("iris")
>>> X_train, X_test, y_train, y_test = datasets.split(iris, 0.2, seed=0)
>>> X_train, X_test = datasets.standardise(X_train, X_test)
>>> X_train.shape, X_test.shape, iris.target_names
((120, 4), (30, 4), ('setosa', 'versicolor', 'virginica'))

Four come with scikit-learn. The others are read from a file if a folder is named; otherwise
scikit-learn downloads them and keeps a copy.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .. import checks
from ..errors import DataError
from . import files

__all__ = ["DESCRIPTIONS", "DataError", "Dataset", "load", "split", "standardise"]

DESCRIPTIONS = {
    "breast_cancer": "Breast tumours, benign or malignant, from 30 measures of cell nuclei.",
    "diabetes": "Progression of diabetes within a year, from 10 measures of a patient.",
    "digits": "Handwritten digits, from images of 8 x 8 pixels.",
    "iris": "The species of an iris, from 4 lengths of its flower.",
    **{name: source.description for name, source in files.SOURCES.items()},
}


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples and targets, with their names.

    Attributes
    ----------
    name : str
    X : ndarray, float64, of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
        float64 for regression, int64 class numbers from 0 for classification.
    feature_names : tuple of str
    target_names : tuple of str
        The classes, or the one quantity to predict.
    description : str
        One sentence: the target and the features.
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    description: str

    @property
    def has_classes(self) -> bool:
        """Return whether the target is a class."""
        return self.y.dtype.kind == "i"


def load(name: str, folder: str | os.PathLike | None = None) -> Dataset:
    """Load a data set by name.

    Parameters
    ----------
    name : str
        ``breast_cancer``, ``diabetes``, ``digits`` or ``iris``, which come with scikit-learn;
        ``california_housing`` or ``heart_statlog``.
    folder : path, optional
        Folder of the file of one of the last two, see `fastperc.datasets.files.file_of`. By
        default the value of the environment variable FASTPERC_DATA; if the file is not there, the
        data are downloaded.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        If there is no data set of that name.
    DataError
        If the file is missing or damaged, or the data cannot be downloaded.

    Examples
    --------
    >>> load("diabetes").X.shape
    (442, 10)
    """
    checks.check_choice(name, "name", DESCRIPTIONS)
    if name not in files.SOURCES:
        return _load_bundled(name)
    source, path = files.SOURCES[name], files.file_of(name, folder)
    if path is None and folder is not None:
        raise DataError(
            f"{name}: found no file {source.file} in {os.fspath(folder)!r}. Name the "
            "folder that has it, or none, to fetch the data from the network"
        )
    X, y = files.download(name) if path is None else files.read_file(name, path)
    targets = source.classes or source.columns[-1:]
    return Dataset(name, X, y, source.columns[:-1], targets, source.description)


def split(
    dataset: Dataset, test_fraction: float = 0.2, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Split the samples at random into two sets, stratified by class if there are classes.

    Parameters
    ----------
    dataset : Dataset
    test_fraction : float
        Fraction of the samples in the test set.
    seed : int

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


def standardise(train: ArrayLike, *others: ArrayLike) -> tuple[np.ndarray, ...]:
    """Shift and scale each column so that ``train`` has mean 0 and standard deviation 1.

    The other arrays are shifted and scaled by the same amounts. A column that is constant in
    ``train`` is only shifted.

    Parameters
    ----------
    train, *others : array_like of shape (n_samples, n_features) or (n_samples,)

    Returns
    -------
    tuple of ndarray, float64
        One for each argument.

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
