"""scikit-learn's callback protocol, from 1.9 on: `fit` is a task, and each epoch one inside it."""

from __future__ import annotations

from typing import Any

__all__ = ["CallbackSupportMixin", "FitTask"]

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # an older scikit-learn has none, and no way to set any

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing."""


# What an estimator needs to predict, besides its weights.
FITTED = (
    "classes_",
    "_labels",
    "n_layers_",
    "n_outputs_",
    "n_features_in_",
    "out_activation_",
    "_scaling",
    "_target_scaling",
    "_settings",
)


class FitTask:
    """The task of one `fit`; does nothing for an estimator on which no callback was set."""

    def __init__(self, estimator: Any, X: object, y: object, sample_weight: object):
        self.estimator = estimator
        weights = None if sample_weight is None else {"sample_weight": sample_weight}
        self.data = {"X": X, "y": y, "metadata": weights}
        self.context: Any = None
        if hasattr(estimator, "_skl_callbacks"):
            self.context = estimator._init_callback_context(max_subtasks=estimator.max_iter)
            self.context.call_on_fit_task_begin(estimator=estimator, **self.data)

    def begin_epoch(self) -> None:
        """Before an epoch."""
        if self.context is not None:
            self.epoch = self.context.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def end_epoch(self) -> bool:
        """After an epoch; returns whether a callback wants it to be the last one."""
        if self.context is None:
            return False
        return self.epoch.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=self._fitted, **self.data
        )

    def end(self) -> None:
        """After training."""
        if self.context is not None:
            self.context.call_on_fit_task_end(
                estimator=self.estimator, reconstruction_attributes=self._fitted, **self.data
            )

    def _fitted(self) -> dict[str, Any]:
        """Return attributes of an estimator that predicts as this one does now."""
        found = vars(self.estimator)
        attributes = {name: found[name] for name in FITTED if name in found}
        for name in ("coefs_", "intercepts_"):
            attributes[name] = [a.copy() for a in found[name]]
        return attributes
