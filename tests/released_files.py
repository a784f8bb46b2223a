"""Files that each released version has written: ``python -m tests.released_files``.

It writes those of the version at hand, one of each kind, and beside them what the models predict.
Run it once when a version is released; older files stay as they are.
"""

import json
import pathlib
import sys
import warnings

import numpy as np

import fastperc

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from saved_models import MAKERS, answers

FOLDER = pathlib.Path(__file__).parent / "files"
KINDS = (
    "Network", "Fleet", "MLPClassifier", "MLPRegressor", "Perceptron", "SGDClassifier-hashed",
    "FTRLClassifier", "PassiveAggressiveRegressor", "MLPEnsembleRegressor", "GroupedMLPClassifier",
)  # fmt: skip


def plain(model):
    """Return what a model predicts as lists."""
    return [np.asarray(answer).tolist() for answer in answers(model)]


def main():
    """Write the files of this version."""
    folder = FOLDER / fastperc.__version__
    folder.mkdir(exist_ok=True)
    predictions = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in KINDS:
            model = MAKERS[name]()
            fastperc.save(model, folder / f"{name}.safetensors")
            predictions[name] = plain(model)
    text = json.dumps(predictions, indent=0) + "\n"
    (folder / "predictions.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
