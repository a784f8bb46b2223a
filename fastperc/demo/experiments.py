"""The experiments of the demo: data set, network and learning rates.

Epochs and learning rates were chosen by the mean score on random splits, seeds 100 to 139 (to 109
for digits, to 103 for California housing); the demo splits with other seeds, from 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..datasets import Dataset
from ..network import Network


@dataclass(frozen=True)
class Experiment:
    """A network trained on a data set.

    Attributes
    ----------
    kind : str
        What the network is called.
    data : str
        Name of the data set, see `fastperc.datasets.load`.
    units : tuple of int
        Number of units of each hidden layer.
    hidden : str
        Activation of the hidden layers.
    stages : tuple of (int, float)
        Epochs and learning rate of each stage: a last one with a small rate settles what the noise
        of single samples has stirred up.
    n_splits : int
        Number of trainings, each on another split; scikit-learn's time limits it.
    """

    kind: str
    data: str
    units: tuple[int, ...]
    hidden: str
    stages: tuple[tuple[int, float], ...]
    n_splits: int = 5

    def network(self, dataset: Dataset, seed: int) -> Network:
        """Return the network before training, with outputs and loss that fit the data set."""
        n_in, n_classes = dataset.X.shape[1], len(dataset.target_names)
        if not dataset.has_classes:
            return Network((n_in, *self.units, 1), hidden=self.hidden, seed=seed)
        n_out, output, loss = n_classes, "softmax", "cross_entropy"
        if n_classes == 2:
            n_out, output, loss = 1, "sigmoid", "log_loss"
        return Network(
            (n_in, *self.units, n_out), hidden=self.hidden, output=output, loss=loss, seed=seed
        )


BUNDLED = (
    Experiment("linear unit", "diabetes", (), "identity", ((20, 0.01), (20, 0.001)), n_splits=20),
    Experiment(
        "two layers", "diabetes", (16,), "sigmoid", ((25, 0.003), (20, 0.0003)), n_splits=20
    ),
    Experiment("classifier", "breast_cancer", (16,), "relu", ((20, 0.01),)),
    Experiment("softmax", "digits", (64,), "relu", ((20, 0.03),), n_splits=3),
    Experiment("softmax", "iris", (8,), "tanh", ((100, 0.02), (20, 0.002))),
)
EXTERNAL = (
    Experiment(
        "two layers", "california_housing", (32,), "tanh", ((60, 0.01), (20, 0.001)), n_splits=1
    ),
    Experiment("classifier", "heart_statlog", (8,), "relu", ((60, 0.002),)),
)
