"""What the demo trains: data set, network and learning rates.

Epochs and learning rates were chosen by the mean score on random splits, seeds 100 to 139 (to 109
for digits, to 103 for California housing); the demo splits with other seeds, from 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..datasets import Dataset
from ..network import Network


@dataclass(frozen=True)
class Task:
    """One network on one data set.

    Attributes
    ----------
    kind : str
        What the network is called.
    data : str
        Name of the data set, see `fastperc.datasets.load`.
    units : tuple of int
        Of each hidden layer.
    hidden : str
        Their activation.
    stages : tuple of (int, float)
        Epochs and learning rate, one after the other: a last stage with a small rate settles what
        the noise of single samples has stirred up.
    n_splits : int
        How often to train, each time on another split. scikit-learn's time decides.
    """

    kind: str
    data: str
    units: tuple[int, ...]
    hidden: str
    stages: tuple[tuple[int, float], ...]
    n_splits: int = 5

    def network(self, dataset: Dataset, seed: int) -> Network:
        """The network before training, its ends made to fit the data set."""
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
    Task("linear unit", "diabetes", (), "identity", ((20, 0.01), (20, 0.001)), n_splits=20),
    Task("two layers", "diabetes", (16,), "sigmoid", ((25, 0.003), (20, 0.0003)), n_splits=20),
    Task("classifier", "breast_cancer", (16,), "relu", ((20, 0.01),)),
    Task("softmax", "digits", (64,), "relu", ((20, 0.03),), n_splits=3),
    Task("softmax", "iris", (8,), "tanh", ((100, 0.02), (20, 0.002))),
)
EXTERNAL = (
    Task("two layers", "california_housing", (32,), "tanh", ((60, 0.01), (20, 0.001)), n_splits=1),
    Task("classifier", "heart_statlog", (8,), "relu", ((60, 0.002),)),
)
