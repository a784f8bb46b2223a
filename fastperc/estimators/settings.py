"""What a fitted model keeps of the parameters that decide what its weights mean."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import parameters


class Settings(NamedTuple):
    """Parameters as they were when the weights were last trained.

    Predictions go by these, so that setting a parameter changes nothing before the next `fit`,
    `partial_fit` or `learn_one`, and a pickle is the same model.
    """

    widths: tuple[int, ...]
    activation: str | tuple[str, ...]
    loss: str
    quantile: float | None
    scale: str | None
    dtype: str | None

    @classmethod
    def of(cls, estimator: Any) -> Settings:
        """Those of an estimator now."""
        activation = estimator.activation
        return cls(
            tuple(parameters.hidden_widths(estimator.hidden_layer_sizes)),
            activation if isinstance(activation, str) else tuple(activation),
            estimator.loss,
            getattr(estimator, "quantile", None),
            estimator.scale,
            estimator.dtype,
        )

    def check_can_become(self, new: Settings, present: tuple[int, ...]) -> None:
        """Refuse what weights of hidden layers of ``present`` widths cannot follow."""
        if new.widths not in (self.widths, present):
            raise ValueError(
                f"hidden_layer_sizes: found {new.widths}, but the weights to go on from are those "
                f"of {present}. Use fit with warm_start=False to start anew, or set it back"
            )
        if new.scale != self.scale:
            raise ValueError(
                f"scale: found {new.scale!r}, but the weights to go on from were trained with "
                f"{self.scale!r}. Use fit with warm_start=False to start anew, or set it back"
            )
        if self.scale is not None and (new.loss == "poisson") != (self.loss == "poisson"):
            raise ValueError(
                f"loss: found {new.loss!r}, but the targets were {self.loss!r}'s, which are scaled "
                "in another way. Use fit with warm_start=False to start anew, or set it back"
            )


def raw(estimator: Any) -> tuple[Any, ...]:
    """The parameters of `Settings` as they are; the same objects have the same settings."""
    e = estimator
    quantile = getattr(e, "quantile", None)
    return e.hidden_layer_sizes, e.activation, e.loss, quantile, e.scale, e.dtype
