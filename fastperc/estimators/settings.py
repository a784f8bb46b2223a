"""Parameters in typed records: those of the solver, of a run, and of what the weights mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from . import parameters

Record = TypeVar("Record", bound=tuple[object, ...])
Callback = Callable[[int, Any], object]  # of epoch and estimator


def read(kind: type[Record], estimator: object) -> Record:
    """Return the record of an estimator's present parameters."""
    return kind(*(getattr(estimator, name) for name in kind._fields))  # type: ignore[attr-defined]


class SolverSettings(NamedTuple):
    """Parameters of a stochastic solver, which wait for the next `fit`."""

    solver: str
    learning_rate: str | Callable[[int], float]
    learning_rate_init: float
    power_t: float
    max_iter: int
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float


class FitSettings(NamedTuple):
    """Parameters of one `fit` or `partial_fit`."""

    solver: str
    alpha: float
    batch_size: int | str
    shuffle: bool
    max_iter: int
    max_fun: int
    tol: float
    early_stopping: bool
    validation_fraction: float
    scoring: str | Callable[..., float] | None
    n_threads: int
    time_limit: float | None
    progress: bool
    callback: Callback | None


class Raw(NamedTuple):
    """The parameters of `Settings` as they are; the same objects have the same settings."""

    hidden_layer_sizes: object
    activation: Any
    loss: Any
    quantile: Any
    scale: Any
    dtype: Any


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
    def of(cls, raw: Raw) -> Settings:
        """Return the settings that parameters stand for."""
        return cls(
            tuple(parameters.hidden_widths(raw.hidden_layer_sizes)),
            raw.activation if isinstance(raw.activation, str) else tuple(raw.activation),
            raw.loss,
            raw.quantile,
            raw.scale,
            raw.dtype,
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
