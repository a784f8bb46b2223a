"""The record of a training: what was tried, what came of it, and how good it is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .columns import Understanding

Options = dict[str, object]


@dataclass(frozen=True)
class Candidate:
    """A network or a linear model that was tried.

    Attributes
    ----------
    name : str
        In words, such as ``"64-32, rate 0.003, alpha 0.0001"``; linear models are called so.
    parameters : dict
        Of the estimator.
    score : float
        Mean over the folds of R^2, or of the accuracy; NaN where training diverged.
    spread : float
        Standard deviation over the folds.
    fold_scores : tuple of float
    epochs : int
        Epochs that it was trained, on each fold.
    seconds : float
        Its share of the time.
    ended : str
        "chosen", "finished", "behind" (others were better half-way), "diverged" or "time_limit".
    """

    name: str
    parameters: Options
    score: float
    spread: float
    fold_scores: tuple[float, ...]
    epochs: int
    seconds: float
    ended: str


@dataclass
class TrainingRecord:
    """What `fastperc.tables.train` did; the attribute ``run_`` of the Pipeline that it returns.

    Attributes
    ----------
    understanding : Understanding
    options : dict
        Those of `train`, by name.
    score_name : str
        "R2" or "accuracy".
    score : float
        Of the model on the rows that were held out.
    baseline : float
        Of the mean of the targets, or the most frequent class, on the same rows.
    candidates : list of Candidate
        The best first; one without scores of folds after ``quick``.
    loss_curve, validation_curve : list of float
        Of the model that is returned, one number an epoch; the second may be empty.
    n_training, n_held : int
        Rows that were learned from, and those that were held out.
    held_rows : ndarray of int64 of shape (n,)
        Which rows of the table were held out, counted from 0, at most 100,000 of them.
    held_target, held_prediction : ndarray of shape (n,)
        Of these rows: numbers, or labels.
    held_probability : ndarray of float of shape (n, n_classes), or None
        The columns belong to ``classes_`` of the model.
    held_weight : ndarray of float of shape (n,), or None
    seconds : dict
        What took how long: "reading", "understanding", "training", "all".
    stopped : str
        Why training ended: "finished" or "time_limit".
    """

    understanding: Understanding
    options: Options
    score_name: str
    score: float
    baseline: float
    candidates: list[Candidate]
    loss_curve: list[float]
    validation_curve: list[float]
    n_training: int
    n_held: int
    held_rows: np.ndarray
    held_target: np.ndarray
    held_prediction: np.ndarray
    held_probability: np.ndarray | None = None
    held_weight: np.ndarray | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    stopped: str = "finished"

    @property
    def best(self) -> Candidate:
        """The candidate that was chosen."""
        return self.candidates[0]
