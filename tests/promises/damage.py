"""T13: files cut anywhere, or with any byte changed, are refused or read as the same model."""

from __future__ import annotations

import sys
from pathlib import Path

from .tally import Tally

sys.path.insert(0, str(Path(__file__).parents[1]))  # where campaigns on files are

# One of each way in which a model is laid out; others are made of these.
KINDS = (
    "Network", "Fleet", "Perceptron", "SGDClassifier-hashed", "FTRLClassifier", "MLPClassifier",
    "MLPRegressor-lbfgs",
)  # fmt: skip


def run(count: int | None = None, kinds: tuple[str, ...] = KINDS) -> Tally:
    """Damage every byte of files of these kinds, or of about ``count`` places of each."""
    from damage import damaged, outcome_of
    from fuzz import model_files
    from saved_models import MAKERS

    tally, files = Tally(), model_files.seeds()
    for kind in kinds:
        model, content = MAKERS[kind](), files[kind]
        for changed in damaged(content, max(1, len(content) // count if count else 1)):
            try:
                tally.take(kind, "", outcome_of(changed, model))
            except AssertionError:
                tally.take(kind, "read as another model")
    return tally
