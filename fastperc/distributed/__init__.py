"""Beyond one machine: training on a Dask cluster.

Many small models are cut into chunks of a few seconds of work, which workers train by the same
kernels, with the same results to the last bit. One model is fitted to data that are larger than a
machine, in shards. Needs the extra ``fastperc[dask]``.
"""

from .errors import ClusterError, ShardError, ShardSkewWarning
from .fitting import fit
from .groups import fit_groups, fit_partition
from .predicting import predict, predict_proba, score
from .progressive import progressive_score
from .report import Report
from .session import Session, on

__all__ = [
    "ClusterError",
    "Report",
    "Session",
    "ShardError",
    "ShardSkewWarning",
    "fit",
    "fit_groups",
    "fit_partition",
    "on",
    "predict",
    "predict_proba",
    "progressive_score",
    "score",
]
