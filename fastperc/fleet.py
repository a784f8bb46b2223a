"""Fleet: many networks, trained and asked in one call."""

from __future__ import annotations

import copy as copying
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import numpy as np

from . import checks
from .checkpointing import resumable
from .clients import on_client
from .kernels import single
from .model import options
from .model.dense import Dense
from .model.dense_fleet import DenseFleet, FleetSamples
from .model.fleet_blocks import fleet_losses, fleet_outputs, fleet_outputs_each
from .model.layout import aligned_zeros, initialise
from .model.losses import warn_out_of_reach
from .model.samples import Samples, split_off
from .network import Network
from .training.fleet_history import FleetHistory
from .training.fleet_options import (
    Penalties,
    check_finite_fleet,
    check_fleet_samples,
    split_fleet_samples,
)
from .training.fleet_orders import (
    check_fleet_order,
)
from .training.fleet_plan import (
    FleetPlan,
    Run,
    Shape,
    check_plan,
    check_rule_options,
    train_shape,
)
from .versions import stamped, unstamped

if TYPE_CHECKING:
    import os

    from numpy.typing import ArrayLike, DTypeLike

    from .files.fleets import StoredFleet
    from .results import ResultsTable


class FleetArrays(NamedTuple):
    """A fleet as compiled code takes it; see `Fleet.arrays`."""

    theta: np.ndarray
    layers: np.ndarray
    loss: int
    out: np.ndarray
    work: np.ndarray


class Fleet:
    """Many dense networks, trained and asked in one call.

    >>> import numpy as np
    >>> from fastperc import Fleet
    >>> X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), [0, 1, 1, 0]
    >>> fleet = Fleet((2, 4, 1), 20, hidden="tanh", output="sigmoid", loss="log_loss", seed=0)
    >>> history = fleet.train(X, y, epochs=2000, lr=np.geomspace(0.01, 1, 20))
    >>> fleet.best().predict(X).tolist()
    [0, 1, 1, 0]

    Small networks are trained side by side, one in each lane of the processor's SIMD units, several
    times as fast as one after the other; large ones one by one. Either way, what becomes of a
    network depends on itself and its samples alone, not on the others.

    Parameters
    ----------
    sizes : sequence of int, or sequence of Network
        Number of inputs, of units in each hidden layer, of outputs. Or networks, whose parameters
        are copied; their shapes may differ, not their loss and dtype.
    n : int
        How many networks; not given with networks.
    hidden, output, loss, dtype, bias
        As of `Network`.
    init : str or array_like
        Start weights: what `Network` takes, for all; or (n, n_parameters), a row for each, laid out
        as ``Network.theta``.
    seed : int, Generator, None, or sequence of n int
        For start weights and the order of samples. With one for each network, they start as
        ``Network(sizes, seed=seed[i])`` does.

    Attributes
    ----------
    theta : ndarray of shape (n, n_parameters)
        All parameters, a row for each network. Write to it freely; assigning to it copies, if shape
        and numbers fit. Where shapes differ, a list of vectors.
    history : FleetHistory or None
        Of the last training run.

    Notes
    -----
    ``fleet[i]`` is a `Network` that shares its parameters with the fleet: what either learns, the
    other knows. ``fleet[mask]``, ``fleet[2:5]`` and ``fleet[[7, 3]]`` are fleets of copies.
    """

    def __init__(
        self,
        sizes: Sequence[int] | Sequence[Network],
        n: int | None = None,
        *,
        hidden: str | Sequence[str] = "relu",
        output: str = "identity",
        loss: str = "squared_error",
        init: object = "glorot",
        seed: int | np.random.Generator | Sequence[int] | None = None,
        dtype: DTypeLike = "float32",
        bias: bool | Sequence[bool] = True,
    ):
        self.history: FleetHistory | None = None
        self.lr: np.ndarray | None = None  # of the last training
        self.labels = (0, 1)  # of hinge
        self._penalties: Penalties | None = None
        if _are_networks(sizes):
            if n is not None:
                raise TypeError(
                    f"n: found {n!r:.60} beside {len(sizes)} networks, expected none: they are the "
                    "fleet"
                )
            self._take_networks(sizes, seed)
            return
        if n is None:
            raise TypeError("n: found none, expected how many networks the fleet is to have")
        n = checks.check_count(n, "n")
        model = options.check_model(sizes, hidden, output, loss, dtype, bias)
        self.seeds = _check_seeds(seed, n)
        self.rng = options.check_seed(None if self.seeds is not None else seed)
        if self.seeds is not None:  # the order of samples is drawn from all of them
            self.rng = np.random.default_rng(self.seeds)
        theta = aligned_zeros(n * model.theta.size, model.dtype).reshape(n, -1)
        self._initialise(model, theta, init)
        self._shapes = [Shape(DenseFleet(model, theta), np.arange(n))]

    def _initialise(self, model: Dense, theta: np.ndarray, init: object) -> None:
        """Write start weights."""
        rows = _rows_of(init)
        if rows is not None:
            theta[:] = _check_theta(rows, theta, "init")
            return
        start = options.check_init(init, model)
        for i, row in enumerate(theta):
            rng = self.rng if self.seeds is None else np.random.default_rng(self.seeds[i])
            initialise(row, model.sizes, start, rng, model.bias)

    def _take_networks(self, networks: Sequence[Network], seed: object) -> None:
        """Become a fleet of copies of networks."""
        _check_alike(networks)
        self.seeds, self.rng = None, options.check_seed(seed)
        self.labels = networks[0].labels
        kinds: dict[object, list[int]] = {}
        for i, net in enumerate(networks):
            kinds.setdefault(_configuration(net._model), []).append(i)
        self._shapes = []
        for numbers in kinds.values():
            model = networks[numbers[0]]._model
            theta = aligned_zeros(len(numbers) * model.theta.size, model.dtype)
            theta = theta.reshape(len(numbers), -1)
            for row, i in zip(theta, numbers, strict=True):
                row[:] = networks[i].theta
            self._shapes.append(Shape(DenseFleet(model, theta), np.array(numbers)))

    # --- networks and parameters --------------------------------------------------------------

    def __len__(self) -> int:
        return sum(len(shape.numbers) for shape in self._shapes)

    def __iter__(self) -> Iterator[Network]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, (int, np.integer)) and not isinstance(key, (bool, np.bool_)):
            if not -len(self) <= key < len(self):
                raise IndexError(
                    f"fleet: found network {key}, expected one from 0 to {len(self) - 1}, or from "
                    f"-{len(self)} to -1 counted from the end"
                )
            return self._network(int(key) % len(self))
        some = np.arange(len(self))[key]
        if some.ndim != 1 or not len(some):
            raise IndexError(
                f"fleet: found {key!r:.60}, which chooses {some.size} networks in {some.ndim} "
                "dimensions, expected a number, or a slice, mask or list of at least one"
            )
        return self._some(some)

    def _network(self, i: int) -> Network:
        """Return network ``i``, which shares its parameters with the fleet."""
        shape, row = self._place(i)
        net = Network.__new__(Network)
        net.rng = np.random.default_rng((self._entropy(), i))
        net.lr = 0.01 if self.lr is None else float(self.lr[i])
        net.labels, net.history = self.labels, None
        net._take(shape.dense.member(row))
        return net

    def _entropy(self) -> int:
        """Return a number that tells this fleet's random state."""
        return int(copying.deepcopy(self.rng).integers(1 << 63))

    def _place(self, i: int) -> tuple[Shape, int]:
        for shape in self._shapes:
            row = np.flatnonzero(shape.numbers == i)
            if len(row):
                return shape, int(row[0])
        raise IndexError(i)

    def _some(self, some: np.ndarray) -> Fleet:
        fleet = Fleet.__new__(Fleet)
        fleet.__dict__.update(self.__dict__)
        fleet.history = fleet._penalties = None
        fleet.rng = copying.deepcopy(self.rng)
        fleet.seeds = None if self.seeds is None else [self.seeds[i] for i in some]
        fleet.lr = None if self.lr is None else self.lr[some]
        fleet._shapes = []
        for shape in self._shapes:
            row_of = np.full(len(self), -1)
            row_of[shape.numbers] = np.arange(len(shape.numbers))
            rows = row_of[some]
            numbers = np.flatnonzero(rows >= 0)
            if len(numbers):
                theta = shape.dense.theta[rows[numbers]]
                fleet._shapes.append(Shape(DenseFleet(shape.dense.dense, theta), numbers))
        return fleet

    @property
    def _only(self) -> DenseFleet | None:
        """The networks, where all have one shape."""
        return self._shapes[0].dense if len(self._shapes) == 1 else None

    @property
    def sizes(self) -> tuple[int, ...] | list[tuple[int, ...]]:
        """Sizes of the networks; a list of each one's where they differ."""
        if self._only is not None:
            return self._only.dense.sizes
        return [self._place(i)[0].dense.dense.sizes for i in range(len(self))]

    @property
    def theta(self) -> np.ndarray | list[np.ndarray]:
        """All parameters, (n, n_parameters); a list of vectors where shapes differ."""
        if self._only is not None:
            return self._only.theta[:]
        places = (self._place(i) for i in range(len(self)))
        return [shape.dense.theta[row] for shape, row in places]

    @theta.setter
    def theta(self, values: object) -> None:
        if self._only is None:
            raise TypeError(
                "theta: found an assignment to a fleet whose shapes differ, expected one of equal "
                "shapes. Write to each vector: fleet.theta[i][:] = ..."
            )
        self._only.theta[:] = _check_theta(values, self._only.theta, "theta")

    # --- training ------------------------------------------------------------------------------

    @on_client
    @resumable(lambda self: [self.rng])
    def train(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int = 100,
        lr: float | ArrayLike | Callable[[int], object] = 0.01,
        batch_size: int = 1,
        optimizer: str = "sgd",
        momentum: float = 0.0,
        nesterov: bool = False,
        alpha: float | ArrayLike = 0.0,
        l1: float | ArrayLike = 0.0,
        betas: Sequence[float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        shuffle: bool = True,
        order: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        validation: tuple[ArrayLike, ...] | float | None = None,
        patience: int | ArrayLike | None = None,
        tol: float = 0.0,
        threads: int = 1,
        progress: bool = False,
        callback: Callable[[int, FleetHistory], object] | None = None,
        time_limit: float | None = None,
        checkpoint: str | os.PathLike | None = None,
        every: str | int = "60s",
        resume: bool = False,
        client: object = None,
        **rule_options: object,
    ) -> FleetHistory:
        """Train all networks; each by itself, as `Network.train` would.

        A network whose loss or weights become infinite or NaN, or which stops early, leaves; the
        others go on. It keeps the weights from before the epoch in which it diverged.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_inputs)
        y : array_like of shape (n_samples, n_outputs) or (n, n_samples, n_outputs)
            Targets of all networks, or of each; labels as `Network.train` takes them. One output
            needs no last axis.
        epochs : int
            How often to go through the samples, at most.
        lr : float, array_like of shape (n,), or callable
            Learning rate of all or of each network; or a function from the epoch's number, counted
            from 1, to one or the other.
        batch_size : int
            Samples per update.
        optimizer : str
            As of `Network.train`, but for ``"lbfgs"``.
        momentum, nesterov, betas, epsilon, **rule_options
            As of `Network.train`, the same for all networks: ``dampening``, ``momentum_of``,
            ``rho``, ``epsilon_hat``, ``clip_norm``, ``penalize_biases`` too. With clip_norm or
            rprop, networks are trained one by one.
        alpha, l1 : float or array_like of shape (n,)
            Penalties ``alpha / 2 * sum(W**2)`` and ``l1 * sum(abs(W))``.
        shuffle : bool
            Go through the samples in a new random order in each epoch, the same for all networks.
        order : array_like of int, optional
            The rows of X that an epoch takes, one after the other: (m,) or (epochs, m) for all
            networks; (n, m) or (n, epochs, m) for each.
        sample_weight : array_like of shape (n_samples,) or (n, n_samples), optional
            Weights as of `Network.train`, of all networks or of each. With zeros, each network
            learns from samples of its own: folds, or bootstraps.
        validation : (X, y), (X, y, sample_weight) or float, optional
            Samples to compute a loss on after each epoch, or the fraction of (X, y) to set aside.
        patience : int or array_like of shape (n,), optional
            End a network's training after so many epochs without improvement by more than ``tol``.
            With ``validation``, its loss is watched and the best weights are restored at the end.
        tol : float
            See ``patience``; without it, end at the first epoch that improves by less than ``tol``.
        threads : int
            How many may train, each some of the networks, where that is work enough. The result
            does not depend on it.
        progress : bool
            Show a progress bar.
        callback : callable, optional
            Called as ``callback(epoch, history)`` after each epoch; returning True ends training.
            ``theta`` has the present parameters; what is written to it has no effect on training.
            Where shapes differ, these are trained one shape after the other.
        time_limit : float, optional
            End after so many seconds. Networks that are in the middle of an epoch go back to its
            beginning.
        checkpoint, every, resume
            As of `Network.train`.
        client : distributed.Client, str or bool, optional
            A Dask cluster to train on, by the extra ``fastperc[dask]``: a client, a scheduler's
            address, or True for one on this machine. The results are the same to the last bit. See
            `fastperc.distributed.on`.
            Neither callback nor checkpoint go with it.

        Returns
        -------
        FleetHistory

        Raises
        ------
        TypeError, ValueError
            Before anything is changed, for arguments that do not fit.
        KeyboardInterrupt
            Shortly after Ctrl-C; every network has the weights of its last whole epoch.

        Warns
        -----
        RuntimeWarning
            Where networks diverged, with their number.

        Examples
        --------
        Five folds of one network, as weights:

        >>> import numpy as np
        >>> from fastperc import Fleet
        >>> X = np.linspace(-1, 1, 100)[:, None]
        >>> fold = np.arange(100) % 5
        >>> fleet = Fleet((1, 8, 1), 5, hidden="tanh", seed=0)
        >>> weights = fold != np.arange(5)[:, None]
        >>> history = fleet.train(X, X**2, epochs=200, lr=0.05, sample_weight=weights)
        >>> bool((fleet.loss(X, X**2, ~weights) < 0.01).all())
        True
        """
        rule = check_rule_options(rule_options)._replace(
            optimizer=optimizer, momentum=momentum, nesterov=nesterov, betas=betas, epsilon=epsilon,
            alpha=alpha, l1=l1,  # type: ignore[arg-type]
        )  # fmt: skip
        plan = check_plan(
            len(self), self._shapes[0].dense.dense.dtype, rule, lr=lr, batch_size=batch_size,
            epochs=epochs, threads=threads,
            shuffle=shuffle, progress=progress, callback=callback, patience=patience, tol=tol,
            time_limit=time_limit,
        )  # fmt: skip
        runs = self._check_samples(plan, X, y, sample_weight, validation, order)
        labels = runs[0].model.loss.labels_in(y, self.labels) if np.ndim(y) < 3 else self.labels
        if runs[0].model.loss.labels_of is None:
            warn_out_of_reach(runs[0].samples.Y, runs[0].model.output, stacklevel=3)
        history = self.history = FleetHistory.empty(len(self))
        self.labels, self.lr, self._penalties = labels, plan.rates(1), plan.penalties
        state = self.rng.bit_generator.state
        try:
            for run in runs:
                self.rng.bit_generator.state = state  # the same order for all shapes
                train_shape(plan, run, history, self.rng)
        finally:
            self.history = history
            history.seconds = time.perf_counter() - plan.deadline.begin
        _warn_of_divergence(history)
        return history

    def _check_samples(
        self,
        plan: FleetPlan,
        X: object,
        y: object,
        weight: object,
        validation: object,
        order: object,
    ) -> list[Run]:
        """Return what each shape learns from."""
        are_factors = plan.batch_size == 1 and not plan.takes_all
        kept, n, runs = None, len(self), []
        is_fraction = validation is not None and not isinstance(validation, (tuple, list))
        if is_fraction and order is not None:
            raise ValueError(
                f"validation: found {validation!r:.60} with order, whose rows would not be those "
                "of X any more. Give a validation set, (X, y)"
            )
        for shape in self._shapes:
            check_finite_fleet(shape.dense.theta, shape.numbers)
            samples, held = self._samples(shape, X, y, weight, are_factors), None
            if is_fraction:
                kept = kept or split_off(_any_samples(samples), validation, self.rng)
                samples, held = split_fleet_samples(samples, *kept)
            elif isinstance(validation, (tuple, list)):
                if len(validation) not in (2, 3):
                    raise ValueError(
                        f"validation: found {len(validation)} items, expected (X, y), "
                        "(X, y, sample_weight) or a fraction"
                    )
                X_held, y_held, weight_held = (*validation, None)[:3]
                held = self._samples(shape, X_held, y_held, weight_held, False)
            given = None
            if order is not None:
                given = check_fleet_order(order, n, len(samples), plan.epochs)
                given = given if len(given) == 1 else given[shape.numbers]
            runs.append(Run(shape, samples, held, given))
        return runs

    def _samples(
        self, shape: Shape, X: object, y: object, weight: object, is_factor: bool
    ) -> FleetSamples:
        """Return checked samples of the networks of one shape."""
        y, weight = self._targets_of_shape(shape, X, y), self._of_shape(shape, weight)
        n = len(shape.numbers)
        return check_fleet_samples(shape.dense.dense, n, X, y, weight, is_factor)

    def _targets_of_shape(self, shape: Shape, X: object, y: object) -> object:
        """Return targets for the networks of one shape; a row for each sample is for all."""
        if len(self._shapes) == 1:
            return y
        targets = np.asarray(y)
        is_of_all = targets.ndim == 2 and targets.shape[:1] == np.asarray(X).shape[:1]
        return targets if is_of_all else self._of_shape(shape, targets)

    def _of_shape(self, shape: Shape, values: object) -> object:
        """Return what belongs to networks of one shape, where each network has its own."""
        if len(self._shapes) == 1 or values is None:
            return values
        array = np.asarray(values)
        return array[shape.numbers] if array.ndim > 1 and len(array) == len(self) else values

    # --- use -----------------------------------------------------------------------------------

    def forward(self, X: ArrayLike, *, threads: int = 1) -> np.ndarray:
        """Return the outputs of all networks for every row of X, (n, n_samples, n_outputs)."""
        threads = checks.check_count(threads, "threads")
        shapes = [shape.dense for shape in self._shapes]
        return self._in_order([fleet_outputs(f, _inputs(X, f.dense), threads) for f in shapes])

    def forward_each(self, X: ArrayLike) -> np.ndarray:
        """Return each network's outputs for a row of its own.

        Shape (n, n_outputs), for X (n, n_inputs).
        """
        rows = checks.check_array(X, "X")
        if len(rows) != len(self):
            raise ValueError(
                f"X: found {len(rows)} rows, expected {len(self)}, one for each network"
            )
        parts = []
        for fleet, numbers in self._shapes:
            parts.append(fleet_outputs_each(fleet, _inputs(rows[numbers], fleet.dense)))
        return self._in_order(parts)

    def predict(self, X: ArrayLike, *, threads: int = 1) -> np.ndarray:
        """Return what each network's `Network.predict` does: labels, or outputs.

        Shape (n, n_samples), or (n, n_samples, n_outputs) where a network has several numbers to
        say.
        """
        out = self.forward(X, threads=threads)
        labels_of = self._shapes[0].dense.dense.loss.labels_of
        if labels_of is not None:
            n, n_samples = out.shape[:2]
            named = labels_of(out.reshape(n * n_samples, -1), self.labels)
            out = named.reshape(n, n_samples, *named.shape[1:])
        return out[..., 0] if out.ndim == 3 and out.shape[2] == 1 else out

    def loss(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> np.ndarray:
        """Return the mean loss of each network on (X, y), shape (n,).

        ``y`` and ``sample_weight`` are those of all networks or of each, as in `train`.
        """
        parts = []
        for shape in self._shapes:
            samples = self._samples(shape, X, y, sample_weight, False)
            parts.append(fleet_losses(shape.dense, samples))
        return self._in_order(parts)

    def best(self) -> Network:
        """Return the network of the lowest loss in the last training: validation's, if there was.

        It shares its parameters with the fleet.
        """
        if self.history is None:
            raise ValueError("best: found no history, expected a trained fleet. Call train")
        loss = _score(self.history)
        loss = np.where(self.history.stopped == "diverged", np.inf, loss)
        if not np.isfinite(loss).any():
            raise ValueError("best: found no network that completed an epoch without diverging")
        return self[int(np.nanargmin(loss))]

    def table(self) -> ResultsTable:
        """Return the results of the last training: a row for each network.

        Its columns: the network's number, seed, learning rate and penalties, the epochs it
        completed, its losses, why its training ended, and after how many seconds.
        """
        from .results import ResultsTable

        if self.history is None or self.lr is None or self._penalties is None:
            raise ValueError("table: found no history, expected a trained fleet. Call train")
        history = self.history
        columns: dict[str, Any] = {"network": np.arange(len(self))}
        if self._only is None:
            models = [self._place(i)[0].dense.dense for i in range(len(self))]
            columns["sizes"] = ["-".join(map(str, model.sizes)) for model in models]
        if self.seeds is not None:
            columns["seed"] = np.array(self.seeds)
        columns |= {"lr": self.lr, "alpha": self._penalties.alpha, "l1": self._penalties.l1}
        columns |= {"epochs": history.epochs, "loss": history.final_loss}
        curves = {"loss": history.loss}
        if len(history.validation_loss):
            columns["validation_loss"] = history.best_validation_loss
            curves["validation_loss"] = history.validation_loss
        columns |= {"stopped": history.stopped.astype(str), "seconds": history.ended_after}
        varied = [name for name in ("lr", "alpha", "l1") if np.ptp(columns[name]) > 0]
        score = "validation_loss" if "validation_loss" in columns else "loss"
        return ResultsTable(columns, curves, score=score, parameters=varied)

    def arrays(self) -> FleetArrays:
        """Return what a caller's own ``@njit`` code needs to use the networks: arrays and ints.

        ``theta[i]`` with the others is what `Network.arrays` gives of network ``i``; see
        `fastperc.kernels.single` for the functions to call. ``theta`` is the fleet's own.
        """
        if self._only is None:
            raise ValueError("arrays: found networks of several shapes, expected one")
        model = self._only.dense
        return FleetArrays(
            theta=self._only.theta[:],
            layers=model.layers.copy(),
            loss=model.loss.code,
            out=np.zeros(model.sizes[-1], model.dtype),
            work=aligned_zeros(single.work_size(model.layers, model.dtype), model.dtype),
        )

    def _in_order(self, parts: list[np.ndarray]) -> np.ndarray:
        """Return results of each shape in the networks' order."""
        if len(parts) == 1:
            return parts[0]
        if len({part.shape[1:] for part in parts}) > 1:
            raise ValueError(
                "fleet: found networks of several numbers of outputs, expected one. Ask fleets of "
                "one shape: fleet[mask]"
            )
        whole = np.empty((len(self), *parts[0].shape[1:]), parts[0].dtype)
        for (_, numbers), part in zip(self._shapes, parts, strict=True):
            whole[numbers] = part
        return whole

    # --- keeping -------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike) -> None:
        """Write the fleet to a file (safetensors layout), replacing one that is there.

        Weights, configuration and random state are kept; the history is not.
        """
        from .files import fleets

        fleets.save(self._stored(), path)

    def _stored(self) -> StoredFleet:
        from .files.fleets import StoredFleet

        shapes = [(shape.dense, shape.numbers) for shape in self._shapes]
        return StoredFleet(shapes, self.labels, self.rng, self.seeds)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Fleet:
        """Read a fleet that `save` wrote; raises ModelFileError for any other file."""
        from .files import fleets

        return cls._from_stored(fleets.load(path))

    @classmethod
    def _from_stored(cls, stored: StoredFleet) -> Fleet:
        """Return the fleet that a file holds."""
        fleet = cls.__new__(cls)
        fleet.history = fleet.lr = fleet._penalties = None
        fleet.labels, fleet.rng, fleet.seeds = stored.labels, stored.rng, stored.seeds
        fleet._shapes = [Shape(dense, numbers) for dense, numbers in stored.shapes]
        return fleet

    def copy(self) -> Fleet:
        """Return an independent fleet of the same weights and random state."""
        return copying.deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        shapes = []
        for fleet, numbers in self._shapes:
            model = fleet.dense
            configuration = {
                "sizes": model.sizes, "hidden": model.hidden, "output": model.output,
                "loss": model.loss.name, "dtype": model.dtype, "bias": model.bias,
            }  # fmt: skip
            shapes.append((configuration, fleet.theta.copy(), numbers))
        return stamped({**self.__dict__, "_shapes": shapes})

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = unstamped(state, type(self).__name__)
        self.__dict__.update(state)
        self._shapes = [
            Shape(DenseFleet(options.check_model(**configuration), theta), numbers)
            for configuration, theta, numbers in state["_shapes"]
        ]

    def __repr__(self) -> str:
        kinds = [f"{len(s.numbers)} x {s.dense.dense.signature}" for s in self._shapes[:3]]
        more = ", ..." if len(self._shapes) > 3 else ""
        return f"Fleet({'; '.join(kinds)}{more})"


def _are_networks(sizes: object) -> TypeGuard[Sequence[Network]]:
    if not isinstance(sizes, (list, tuple)) or not sizes:
        return False
    are = [isinstance(item, Network) for item in sizes]
    if any(are) and not all(are):
        odd = sizes[are.index(False)]
        raise TypeError(f"fleet: found {odd!r:.60} among networks, expected networks alone")
    return all(are)


def _check_alike(networks: Sequence[Network]) -> None:
    """Refuse networks that differ in what results of a whole fleet have in common."""
    for what, values in (
        ("the loss", [net.loss_name for net in networks]),
        ("the dtype", [net.dtype.name for net in networks]),
        ("the labels", [net.labels for net in networks]),  # of hinge
    ):
        odd = next((i for i, value in enumerate(values) if value != values[0]), None)
        if odd is not None:
            raise ValueError(
                f"fleet: found {what} {values[odd]!r} of network {odd} beside {values[0]!r}, "
                "expected one for all. Make a fleet of each kind"
            )


def _configuration(model: Dense) -> tuple[object, ...]:
    """Return what networks trained side by side have in common."""
    return model.sizes, model.hidden, model.output, model.loss.code, model.dtype, model.bias


def _rows_of(init: object) -> np.ndarray | None:
    """Return parameters of each network, (n, n_parameters), if these are what was given."""
    try:
        array = np.asarray(init)
    except ValueError:  # arrays of several shapes: weights and biases
        return None
    return array if array.ndim == 2 else None


def _check_seeds(seed: object, n: int) -> list[int] | None:
    """Return a seed for each network, where these were given."""
    if seed is None or np.ndim(seed) == 0:  # type: ignore[arg-type]
        return None
    seeds = [checks.check_count(s, "seed", least=0) for s in np.asarray(seed).tolist()]
    if len(seeds) != n:
        raise ValueError(f"seed: found {len(seeds)} seeds, expected one, or {n}: one a network")
    return seeds


def _check_theta(values: object, theta: np.ndarray, name: str) -> np.ndarray:
    array = checks.check_array(values, name, dtype=theta.dtype)
    if array.shape != theta.shape:
        raise ValueError(
            f"{name}: found shape {array.shape}, expected {theta.shape}: a row for each network, "
            "as long as its theta"
        )
    return array


def _inputs(X: object, model: Dense) -> np.ndarray:
    return checks.check_array(X, "X", dtype=model.dtype, columns=model.sizes[0])


def _any_samples(samples: FleetSamples) -> Samples:
    """Return the samples as `split_off` takes them: with weight where any network has some."""
    weight = samples.weight.max(axis=0) if samples.weight.ndim == 2 else samples.weight
    Y = samples.Y[0] if samples.Y.ndim == 3 else samples.Y
    return Samples(samples.X, Y, weight)


def _warn_of_divergence(history: FleetHistory) -> None:
    n_diverged = int((history.stopped == "diverged").sum())
    if n_diverged:
        warnings.warn(
            f"{n_diverged} of {len(history.stopped)} networks diverged: their loss or weights "
            "became infinite or NaN. They keep the weights from before; history.stopped tells "
            "which. Use a smaller lr for them, or scale the samples",
            RuntimeWarning,
            stacklevel=4,
        )


def _score(history: FleetHistory) -> np.ndarray:
    """Return the loss by which networks are compared."""
    if len(history.validation_loss):
        return history.best_validation_loss
    return history.final_loss
