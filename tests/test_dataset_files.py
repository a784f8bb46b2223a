"""Files of data sets are read as they should be, or refused with what is wrong."""

import gzip

import numpy as np
import pytest

from fastperc.datasets.files import CALIFORNIA_COLUMNS, FILES, DataError, file_of, read_file

CALIFORNIA_ROW = "8.3252,41.0,6.98,1.02,322.0,2.55,37.88,-122.23,4.526"
HEART_ROW = "70.0 1.0 4.0 130.0 322.0 0.0 2.0 109.0 0.0 2.4 2.0 3.0 3.0 {}"


HEADER = ",".join(CALIFORNIA_COLUMNS)


def california(rows, header=HEADER):
    return gzip.compress("\n".join([header, *rows, ""]).encode())


def heart(classes):
    return "".join(HEART_ROW.format(k) + "\n" for k in classes).encode()


@pytest.fixture
def read(tmp_path):
    """Write content to the file of a data set, and read it."""

    def run(name, content):
        path = tmp_path / FILES[name]
        path.write_bytes(content)
        return read_file(name, path)

    return run


def test_california_housing_is_read(read):
    X, y = read("california_housing", california([CALIFORNIA_ROW] * 20640))
    assert X.shape == (20640, 8)
    assert X[0].tolist() == [8.3252, 41, 6.98, 1.02, 322, 2.55, 37.88, -122.23]
    assert y.dtype == np.float64
    assert y[-1] == 4.526


def test_heart_disease_is_read_with_presence_as_class_1(read):
    X, y = read("heart_statlog", heart([2, 1] * 135))
    assert X.shape == (270, 13)
    assert y.dtype == np.int64
    assert y[:4].tolist() == [1, 0, 1, 0]


DAMAGED = {
    "empty": ("california_housing", b"", "expected 'MedInc,"),
    "not gzip": ("california_housing", b"MedInc,HouseAge\n1,2\n", "Not a gzipped file"),
    "cut short": (
        "california_housing",
        california([CALIFORNIA_ROW] * 20640)[:1000],
        "ended before",
    ),
    "bad checksum": ("california_housing", california([CALIFORNIA_ROW])[:-8] + bytes(8), "CRC"),
    "another header": (
        "california_housing",
        california(["1"], "price"),
        "found the header 'price'",
    ),
    "header only": ("california_housing", california([]), "no data"),
    "ragged": ("california_housing", california([CALIFORNIA_ROW, "1,2"]), "columns"),
    "text": ("california_housing", california([CALIFORNIA_ROW.replace("41.0", "old")]), "'old'"),
    "hole": (
        "california_housing",
        california([CALIFORNIA_ROW.replace("41.0", "nan")]),
        "found nan",
    ),
    "too few": ("california_housing", california([CALIFORNIA_ROW]), "1 samples .* expected 20640"),
    "too many": ("heart_statlog", heart([1] * 1000), "271 samples .* expected 270"),
    "no rows": ("heart_statlog", b"", "found no data"),
    "too narrow": ("heart_statlog", b"1 2 3\n" * 270, "found 3 columns, expected 14"),
    "another class": ("heart_statlog", heart([1, 2, 3]), "another class than 1"),
    "bytes": ("heart_statlog", bytes(range(256)), "cannot read"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_is_refused(read, case):
    name, content, message = DAMAGED[case]
    with pytest.raises(DataError, match=message) as caught:
        read(name, content)
    assert FILES[name] in str(caught.value)


def test_a_folder_in_place_of_the_file_is_no_file(tmp_path):
    (tmp_path / FILES["heart_statlog"]).mkdir()
    assert file_of("heart_statlog", tmp_path) is None


def test_the_folder_is_the_argument_or_the_variable(tmp_path, monkeypatch):
    argument, variable = tmp_path / "argument", tmp_path / "variable"
    for folder in (argument, variable):
        folder.mkdir()
        (folder / FILES["heart_statlog"]).touch()
    monkeypatch.setenv("FASTPERC_DATA", str(variable))
    assert file_of("heart_statlog").parent == variable
    assert file_of("heart_statlog", argument).parent == argument
    assert file_of("california_housing", argument) is None
    monkeypatch.delenv("FASTPERC_DATA")
    assert file_of("heart_statlog") is None
