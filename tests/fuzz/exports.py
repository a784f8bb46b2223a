"""Random models, exported to ONNX and run by ONNX Runtime; see tests/fuzz."""

import sys
import warnings
from pathlib import Path

import numpy as np

from fastperc import to_onnx
from fastperc.exports.describe import describe
from fastperc.exports.onnx_check import scales

from . import running
from .judging import Disagreement

sys.path.insert(0, str(Path(__file__).parents[1]))
from export_models import fleet_case, network_case, random_estimator, require_agreement


def run(seed):
    """Export a model and compare; raises where it differs."""
    make = (network_case, random_estimator, network_case, fleet_case)[seed % 4]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        case = make(seed)
        try:
            # Some networks are so deep, and powers so steep, that float32 has fewer digits left.
            scale = scales(describe(case.model), case.X).max()
            require_agreement(to_onnx(case.model), case, scale)
        except Exception as error:
            what = f"{type(error).__name__}: {error} [{case.model}]"
            raise Disagreement(what) from error


if __name__ == "__main__":
    running.main("exports", run)
