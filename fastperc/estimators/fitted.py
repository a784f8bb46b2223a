"""The network behind ``coefs_`` and ``intercepts_``, and its predictions."""

from __future__ import annotations

import copy as copying
from collections.abc import Callable, Sequence
from contextlib import suppress
from operator import is_
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..model.dense import Dense
from ..model.evaluate import outputs
from ..model.losses import Loss
from ..training.one_sample import SampleBuffer
from . import parameters
from .arrays import parameters_of
from .inputs import checked_data, narrowed
from .optimizer import Optimizer
from .scaling import Scaling
from .settings import Callback, Raw, Settings
from .versioned import VersionedEstimator

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SMALL = 1 << 14  # numbers that are looked at faster than scikit-learn validates them


class FittedMLP(VersionedEstimator):
    """Parameters, fitted attributes, and the network that they make."""

    # Parameters; see `MLPClassifier`.
    hidden_layer_sizes: int | Sequence[int]
    activation: str | Sequence[str]
    solver: str
    alpha: float
    batch_size: int | str
    learning_rate: str | Callable[[int], float]
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: int | np.random.RandomState | None
    tol: float
    verbose: bool | int
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    loss: str
    l1: float
    clip_norm: float | None
    scoring: str | Callable[..., float] | None
    scale: str | None
    dtype: str | None
    n_threads: int
    time_limit: float | None
    progress: bool
    callback: Callback | None
    quantile: float | None = None  # of a regressor

    # What training leaves behind.
    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    n_features_in_: int
    n_outputs_: int
    n_layers_: int
    n_iter_: int
    t_: int
    out_activation_: str
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    validation_loss_curve_: list[float]
    _no_improvement_count: int
    _optimizer: Optimizer
    _model: Dense | None = None
    _arrays: tuple[np.ndarray, ...] = ()  # the network's W and b
    _buffers: list[SampleBuffer]  # not in use; `pop` and `append` are safe between threads
    _scaling: Scaling | None = None
    _target_scaling: Scaling | None = None
    _settings: Settings | None = None
    _raw: tuple[object, ...] = ()  # the parameters that the settings were made of

    # --- what the two kinds have of their own -------------------------------------------------

    def _output_and_loss(self, now: Settings) -> tuple[str, Loss]:
        """Return output activation and loss of the network."""
        raise NotImplementedError

    def _take_loss(self, loss: str) -> None:
        """Change what else the loss decides on."""

    # --- the network behind coefs_ -------------------------------------------------------------

    def _raw_settings(self) -> Raw:
        """Return the parameters that decide what weights mean, as they are."""
        return Raw(
            self.hidden_layer_sizes, self.activation, self.loss, self.quantile, self.scale,
            self.dtype,
        )  # fmt: skip

    def _network(self) -> Dense:
        """Return the network whose weights ``coefs_`` and ``intercepts_`` are.

        Whoever replaces them by arrays of their own gets a network of copies of these, if they fit.
        """
        model = self._model
        if model is None or not self._is_current():
            check_is_fitted(self)
            if self._settings is None:  # weights that did not come from `fit`
                self._raw = self._raw_settings()
                self._settings = Settings.of(self._raw_settings())
            model = self._new_network(self._settings)
            self._take_network(model)
        return model

    def _is_current(self) -> bool:
        """Return whether ``coefs_`` and ``intercepts_`` still are the arrays of the network."""
        for name in ("coefs_", "intercepts_"):
            if not isinstance(getattr(self, name), (list, tuple)):
                raise ValueError(
                    f"{name}: found {getattr(self, name)!r:.60}, expected a list of arrays, one "
                    "for each layer"
                )
        return same([*self.coefs_, *self.intercepts_], self._arrays)

    def _take_network(self, model: Dense) -> None:
        """Make the arrays of ``model`` those of the estimator."""
        self._model = model
        self.n_layers_ = len(model.sizes)
        self.coefs_, self.intercepts_ = model.weights, model.biases
        self._arrays = (*self.coefs_, *self.intercepts_)
        self._buffers = []

    def _new_network(self, now: Settings, dtype: str | None = None) -> Dense:
        sizes, theta = parameters_of(
            self.coefs_, self.intercepts_, self.n_features_in_, self.n_outputs_
        )
        hidden = parameters.hidden_activations(now.activation, len(sizes) - 2)
        output, loss = self._output_and_loss(now)
        model = Dense.zeros(sizes, hidden, output, loss, np.dtype(dtype or theta.dtype))
        model.theta[:] = theta
        return model

    def _follow(self) -> None:
        """Let parameters that were set since the last training take effect, or refuse them."""
        model, now = self._network(), Settings.of(self._raw_settings())
        is_cast = now.dtype is not None and now.dtype != model.dtype.name
        if is_cast or now != self._settings:
            assert self._settings is not None
            self._settings.check_can_become(now, model.sizes[1:-1])
            self._take_loss(now.loss)
            self._take_network(self._new_network(now, now.dtype))
            self._settings = now
            self.out_activation_ = self._output_and_loss(now)[0]
        self._raw = self._raw_settings()

    def _go_on_from(self, model: Dense) -> None:
        """Take weights that a callback assigned to ``coefs_`` into the network that is trained.

        Raises
        ------
        ValueError
            If they belong to another network. The estimator stays as the callback left it.
        """
        present = self._network()
        if present is model:
            return
        if configuration(present) != configuration(model):
            raise ValueError(
                f"callback: found a network {present.signature} in place of {model.signature}, "
                "which is being trained. Assign arrays of the same shapes, and train other "
                "networks in other estimators"
            )
        model.theta[:] = present.theta
        self._take_network(model)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        model = self._model
        if model is not None and same([*self.coefs_, *self.intercepts_], self._arrays):
            # Not the arrays themselves, of which somebody may have changed dtype or shape.
            state |= {"coefs_": model.weights, "intercepts_": model.biases}
        left = ("_model", "_buffers", "_arrays", "_raw")
        return {k: v for k, v in state.items() if k not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__dict__.pop("_best_theta", None)  # of version 0.1.0
        if hasattr(self, "coefs_"):
            with suppress(ValueError):  # replaced by arrays that do not fit: `predict` will say so
                model = self._network()
                optimizer = vars(self).get("_optimizer")
                if optimizer is not None and not hasattr(optimizer, "made_for"):  # of that, too
                    optimizer.made_for = model.sizes, model.dtype

    def __copy__(self) -> FittedMLP:
        """Return a copy that shares parameters, and nothing that training writes to."""
        given = self.get_params(deep=False)
        twin = object.__new__(type(self))
        state = FittedMLP.__getstate__(self)
        fitted = copying.deepcopy({k: v for k, v in state.items() if k not in given})
        twin.__setstate__({**state, **fitted})
        return twin

    # --- prediction ----------------------------------------------------------------------------

    def _outputs(self, X: object, sums: bool = False) -> np.ndarray:
        """Return the last layer's outputs in the targets' units; or its weighted sums."""
        if not self._is_plain(X, self._network()):
            X = checked_data(self, X, reset=False)
        return self._outputs_of_checked(X, sums)

    def _outputs_of_checked(self, X: Any, sums: bool = False) -> np.ndarray:
        """Return the same of inputs that were checked."""
        model = self._network()
        shown = model.with_output("identity") if sums else model
        out = outputs(shown, self._inputs(model, X), self.n_threads)
        return out if self._target_scaling is None else self._target_scaling.undo(out)

    def _is_plain(self, X: object, model: Dense) -> bool:
        """Return whether X can be seen to be in order at once."""
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype == model.dtype
            and X.shape[1] == model.sizes[0]
            and 0 < X.size < SMALL
            and not hasattr(self, "feature_names_in_")
            and bool(np.isfinite(X).all())
        )

    def _inputs(self, model: Dense, X: Any) -> np.ndarray | csr_matrix:
        """Return checked inputs, scaled, in the network's dtype."""
        if not isinstance(X, np.ndarray):
            X = X.tocsr()
        if self._scaling is not None:
            X = self._scaling.apply(X)
        if isinstance(X, np.ndarray):
            return narrowed(X, model.dtype, "X")
        narrowed(X.data, model.dtype, "X")
        return X.astype(model.dtype, copy=False)


def configuration(model: Dense) -> tuple[object, ...]:
    """Return all that a network is but for its weights."""
    return model.sizes, model.hidden, model.output, model.loss.code, model.dtype


def same(a: Sequence[object], b: Sequence[object]) -> bool:
    """Return whether two sequences hold the very same objects."""
    return len(a) == len(b) and all(map(is_, a, b))
