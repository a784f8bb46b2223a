"""Network: the simple door to the kernels."""

from __future__ import annotations

import copy as copying
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from . import checks
from .deadline import NO_LIMIT, Watch
from .kernels import activations, losses, single
from .kernels.table import CHUNK, describe
from .model import options, summary
from .model.evaluate import forward_on_threads, forward_rows, forward_work, gradient_sums, loss_sums
from .model.layout import (
    BiasArrays,
    LayerArrays,
    aligned_zeros,
    initialise,
    n_parameters,
    views,
    write_arrays,
)
from .training.loop import History, Job, run
from .training.one_sample import Room
from .training.steps import Plan, stepper

REGRESSION = ("squared_error", "absolute_error", "huber", "poisson")  # the others have labels


class Configuration(NamedTuple):
    """What a network is, but for its parameters."""

    sizes: tuple[int, ...]
    hidden: tuple[str, ...]
    output: str
    loss: str
    dtype: np.dtype


class CompiledNetwork(NamedTuple):
    """A network as compiled code takes it; see `Network.compiled`."""

    theta: np.ndarray
    layers: np.ndarray
    loss: int
    out: np.ndarray
    work: np.ndarray


class Network:
    """A dense network: layers of units, each a weighted sum and an activation.

    >>> from fastperc import Network
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = Network((2, 4, 1), hidden="tanh", output="sigmoid", loss="log_loss", seed=0)
    >>> history = net.train(X, y, epochs=2000, lr=0.5)
    >>> net.predict(X).tolist()
    [0, 1, 1, 0]

    Parameters
    ----------
    sizes : sequence of int
        Number of inputs, of units in each hidden layer (none to a few), of outputs.
    hidden : str or sequence of str
        Activation of the hidden layers, one name or one per layer: ``identity``, ``sigmoid``
        (or ``logistic``), ``tanh``, ``relu``, ``leaky_relu``, ``elu``, ``softplus``.
    output : str
        Activation of the output layer: these, ``exp``, and ``softmax`` with cross_entropy only.
    loss : str
        ``squared_error`` (half the sum over outputs of (p - y)**2), ``absolute_error``, ``huber``,
        ``poisson`` (needs output ``exp`` or ``softplus``); ``log_loss`` (one probability per
        output, needs ``sigmoid``), ``cross_entropy`` (one class among many, needs ``softmax``),
        ``hinge``.
        A loss over samples is the mean of theirs, weighted if they have weights.
    init : str or array_like
        Start weights: ``glorot``, ``he``, ``lecun``, ``uniform`` (+-1/sqrt(n_in)), ``normal``,
        ``zeros``; biases start at 0. Or all parameters, as one vector laid out as ``theta``.
    seed : int, Generator or None
        For start weights and the order of samples.
    dtype : {"float32", "float64"}
        Of all arithmetic.

    Attributes
    ----------
    theta : ndarray
        All parameters in one vector, layer by layer: W in C order, then b. Write to it freely;
        assigning to it copies, if the length fits and all numbers are finite.
    weights, biases : sequence of ndarray
        Each layer's W (n_in, n_out) and b (n_out,): views into ``theta``, likewise.
        ``weights[0] = W`` and ``weights = [W1, W2]`` copy what is given, or refuse it.
    sizes, hidden, output, loss_name, dtype
        The configuration; read-only.
    history : History or None
        Of the last training run, also if it was interrupted or diverged.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        hidden: str | Sequence[str] = "relu",
        output: str = "identity",
        loss: str = "squared_error",
        init: Any = "glorot",
        seed: int | np.random.Generator | None = None,
        dtype: Any = "float32",
    ):
        sizes = options.check_sizes(sizes)
        names = options.check_hidden(hidden, len(sizes) - 2)
        output, loss = options.check_output(output, loss, sizes[-1])
        self._configuration = Configuration(sizes, names, output, loss, options.check_dtype(dtype))
        start = options.check_init(init, sizes)
        self.rng = options.check_seed(seed)
        self._theta = aligned_zeros(n_parameters(sizes), self.dtype)
        initialise(self._theta, sizes, start, self.rng)
        self.lr = 0.01
        self.labels = (0, 1)  # of hinge
        self.history: History | None = None
        self._prepare()

    def _prepare(self) -> None:
        """Make what follows from the configuration: table, scratch."""
        self._layers = describe(self.sizes, self.codes, self.dtype)
        self.loss_code = losses.CODES[self.loss_name]
        self._has_labels = self.loss_name not in REGRESSION
        # Rooms for one sample and scratch for many, not in use; `pop` and `append` are safe between
        # threads.
        self._rooms: list[Room] = []
        self._slabs: list[np.ndarray] = []

    # --- configuration and parameters --------------------------------------------------------

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, of units in each hidden layer, of outputs."""
        return self._configuration.sizes

    @property
    def hidden(self) -> tuple[str, ...]:
        """Activation of each hidden layer."""
        return self._configuration.hidden

    @property
    def output(self) -> str:
        """Activation of the output layer."""
        return self._configuration.output

    @property
    def loss_name(self) -> str:
        """The loss."""
        return self._configuration.loss

    @property
    def dtype(self) -> np.dtype:
        """Precision of parameters and arithmetic."""
        return self._configuration.dtype

    @property
    def codes(self) -> list[int]:
        """The code of each layer's activation; see `kernels.activations`."""
        return [activations.CODES[name] for name in (*self.hidden, self.output)]

    @property
    def layers(self) -> np.ndarray:
        """The table that kernels read, see `kernels.table`: a copy, since they trust it."""
        return self._layers.copy()

    # Kernels are handed `_theta` itself. What users get are views made for them: whatever they do
    # to shape or dtype of one, they do to that one.

    @property
    def theta(self) -> np.ndarray:
        """All parameters, in one vector."""
        return self._theta[:]

    @theta.setter
    def theta(self, values: Any) -> None:
        write_arrays([self._theta], [values], "theta")

    @property
    def weights(self) -> LayerArrays:
        """Each layer's W (n_in, n_out)."""
        return LayerArrays(views(self._theta, self.sizes)[0])

    @weights.setter
    def weights(self, values: Any) -> None:
        write_arrays(self.weights, values, "weights")

    @property
    def biases(self) -> BiasArrays:
        """Each layer's b (n_out,)."""
        return BiasArrays(views(self._theta, self.sizes)[1])

    @biases.setter
    def biases(self, values: Any) -> None:
        write_arrays(self.biases, values, "biases")

    # --- training ----------------------------------------------------------------------------

    def train(
        self,
        X,
        y,
        *,
        epochs: int = 100,
        lr: float | Callable[[int], float] = 0.01,
        batch_size: int = 1,
        optimizer: str = "sgd",
        momentum: float = 0.0,
        nesterov: bool = False,
        alpha: float = 0.0,
        l1: float = 0.0,
        clip_norm: float | None = None,
        betas: Sequence[float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        shuffle: bool = True,
        sample_weight=None,
        validation=None,
        patience: int | None = None,
        tol: float = 0.0,
        threads: int = 1,
        progress: bool = False,
        callback: Callable[[int, History], Any] | None = None,
        time_limit: float | None = None,
    ) -> History:
        """Train on the samples (X, y), from the present weights on.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_inputs)
            Not copied if it is C-contiguous and of the network's dtype.
        y : array_like of shape (n_samples,) or (n_samples, n_outputs)
            Numbers for the losses of regression; 0 and 1 for log_loss; labels 0 to n_outputs - 1,
            or rows of probabilities, for cross_entropy; -1 and 1 or 0 and 1 for hinge.
        epochs : int
            How often to go through the samples; for lbfgs, the largest number of iterations.
        lr : float or callable
            Learning rate, or a function from the epoch's number, counted from 1, to one; see
            `fastperc.schedules`. The first step of rprop; lbfgs does not use it.
        batch_size : int
            Samples per update; 1 is the textbook's stochastic gradient descent. More than there
            are samples means all of them, which rprop and lbfgs always take.
        optimizer : {"sgd", "adam", "adamw", "rprop", "lbfgs"}
            How a gradient becomes a step; lbfgs is SciPy's.
        momentum : float
            With sgd, the part of its velocity that a step keeps.
        nesterov : bool
            Whether that looks one step ahead.
        alpha : float
            Penalty ``alpha / 2 * sum(W**2)`` on the mean loss; with adamw, the weights' decay per
            unit of learning rate instead. Weights only, like l1.
        l1 : float
            Penalty ``l1 * sum(abs(W))``.
        clip_norm : float, optional
            Gradients of a larger norm are scaled down to it.
        betas, epsilon
            Of adam and adamw; as in PyTorch.
        shuffle : bool
            Draw a new order of the samples for each epoch.
        sample_weight : array_like of shape (n_samples,), optional
            With ``batch_size=1``, a factor of each sample's step; with batches, the gradient is
            the weighted mean. A sample of weight 0 changes nothing, whatever its numbers are.
        validation : (X, y), (X, y, sample_weight) or float, optional
            Samples to compute a loss on after each epoch, or the fraction of (X, y) to set aside
            for that, with their weights.
        patience : int, optional
            End after so many epochs without improvement by more than ``tol``. With ``validation``,
            its loss is watched and the best weights are restored at the end.
        tol : float
            See ``patience``; without it, end at the first epoch that improves by less than ``tol``.
        threads : int
            How many may compute the gradient of batches of more than 256 samples. The result does
            not depend on it.
        progress : bool
            Show a progress bar.
        callback : callable, optional
            Called as ``callback(epoch, history)`` after each epoch; returning True ends training.
        time_limit : float, optional
            End after so many seconds, also within an epoch; see `History`.

        Returns
        -------
        History

        Raises
        ------
        TypeError, ValueError
            Before anything is changed, for arguments that do not fit.
        DivergedError
            When loss or weights become infinite or NaN, in that epoch; the weights of the last good
            epoch are kept.
        KeyboardInterrupt
            Within a quarter of a second after Ctrl-C; the network can be used as it is then, and
            has its best weights where ``patience`` and ``validation`` promise them.

        Warns
        -----
        UserWarning
            Of targets of a regression that the output activation cannot reach.
        """
        watch = options.check_watch(time_limit)
        stopping = options.check_stopping(patience, tol)
        rule, rates = options.check_rule(
            optimizer, momentum, nesterov, alpha, l1, clip_norm, betas, epsilon, self.dtype
        )
        schedule = options.check_schedule(lr, self.dtype)
        batch_size = checks.check_count(batch_size, "batch_size")
        threads = checks.check_count(threads, "threads")
        shuffled = checks.check_flag(shuffle, "shuffle")
        epochs = checks.check_count(epochs, "epochs")
        progress = checks.check_flag(progress, "progress")
        callback = options.check_callback(callback)
        full = optimizer in ("rprop", "lbfgs")
        online = batch_size == 1 and not full
        X, Y, weight = self._check_samples(X, y, sample_weight, only_ratios=not online)
        labels = options.hinge_labels(y, self.labels) if self.loss_name == "hinge" else self.labels
        if self.loss_name in REGRESSION:
            checks.warn_out_of_reach(Y, self.output, stacklevel=2)
        options.check_finite_weights(self._theta)
        held: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        if isinstance(validation, (tuple, list)):
            held = self._check_validation(*validation)
        elif validation is not None:
            (X, Y, weight), held = self._hold_out(X, Y, weight, validation)
        plan = Plan(
            X=X, Y=Y, weight=weight, batch_size=len(X) if full else min(batch_size, len(X)),
            rule=rule, rates=rates, is_online=online, threads=threads, watch=watch,
        )  # fmt: skip
        job = Job(
            advance=stepper(self, plan),
            theta=self._theta,
            n_samples=len(X),
            n_steps=plan.n_steps,
            epochs=epochs,
            weight_sum=float(weight.sum(dtype=np.float64)) if len(weight) else len(X),
            rates=rates,
            schedule=schedule,
            watched_schedule=lr if callable(lr) else None,
            rng=self.rng if shuffled and plan.n_steps > 1 else None,
            stopping=stopping,
            watch=watch,
            validation_loss=partial(self._mean_loss, *held) if held else None,
            callback=callback,
            progress=progress,
        )
        self.lr = schedule(1) or self.lr  # a schedule may start at 0
        self.labels = labels
        history = self.history = History()
        try:
            if optimizer == "lbfgs":
                from .training.lbfgs import run_lbfgs

                run_lbfgs(self, plan, job, history)
            else:
                run(job, history)
        finally:
            self.history = history  # and not that of a run that a callback made
        return history

    def learn_one(self, x, y, *, lr: float | None = None) -> float:
        """Take one step of stochastic gradient descent on one sample.

        Parameters
        ----------
        x : array_like of shape (n_inputs,)
        y : number, label or array_like of shape (n_outputs,)
            As a row of ``y`` in `train`.
        lr : float, optional
            Learning rate; by default that of the last training, or 0.01.

        Returns
        -------
        float
            The sample's loss before the step.
        """
        rate = self.lr if lr is None else checks.check_positive(lr, "lr")
        room = self._rooms.pop() if self._rooms else Room(self)
        loss = room.learn(x, y, rate)
        self._rooms.append(room)
        if self._has_labels and self.loss_name == "hinge":
            self.labels = options.hinge_labels(y, self.labels)
        return loss

    # --- use ---------------------------------------------------------------------------------

    def forward(self, X, *, threads: int = 1) -> np.ndarray:
        """The outputs for every row of X: shape (n_samples, n_outputs)."""
        X = checks.check_array(X, "X", dtype=self.dtype, columns=self.sizes[0])
        threads = checks.check_count(threads, "threads")
        out = np.empty((len(X), self.sizes[-1]), self.dtype)
        arguments = X, self._theta, self._layers, out
        if threads > 1 and len(X) > CHUNK and forward_on_threads(*arguments, threads):
            return out
        work = self._slabs.pop() if self._slabs else forward_work(self._layers, self.dtype, CHUNK)
        forward_rows(*arguments, work)
        self._slabs.append(work)
        return out

    def forward_one(self, x) -> float | np.ndarray:
        """The outputs for one sample: a float, or a 1-D array where there are several."""
        room = self._rooms.pop() if self._rooms else Room(self)
        out = room.predict(x)
        self._rooms.append(room)
        return out

    def predict(self, X) -> np.ndarray:
        """Labels for log_loss, hinge and cross_entropy, otherwise the outputs.

        0 or 1 per output for log_loss; for hinge too, or -1 or 1 if it was trained on these. One
        value per row of X, or one row of values where a network has several outputs (one label
        with cross_entropy).
        """
        out = self.forward(X)
        if self._has_labels:
            out = self._labels_of(out)
        return out[:, 0] if out.ndim == 2 and out.shape[1] == 1 else out

    def predict_one(self, x) -> float | int | np.ndarray:
        """What `predict` says of one sample: a number or label, or a 1-D array of several."""
        room = self._rooms.pop() if self._rooms else Room(self)
        out = room.predict(x)
        self._rooms.append(room)
        return self._label_of(out) if self._has_labels else out

    def _label_of(self, out: float | np.ndarray) -> int | np.ndarray:
        """The label that the outputs for one sample stand for, or an array of several."""
        loss = self.loss_name
        if isinstance(out, np.ndarray):
            return int(out.argmax()) if loss == "cross_entropy" else self._labels_of(out)
        return int(out >= 0.5) if loss == "log_loss" else self.labels[out > 0]

    def _labels_of(self, out: np.ndarray) -> np.ndarray:
        """The labels that outputs stand for."""
        if self.loss_name == "cross_entropy":
            return out.argmax(axis=1)
        if self.loss_name == "log_loss":
            return (out >= 0.5).astype(np.int64)
        return np.where(out > 0, self.labels[1], self.labels[0])

    def loss(self, X, y, sample_weight=None, *, alpha: float = 0.0, l1: float = 0.0) -> float:
        """The mean loss on (X, y), plus penalties as in `train`."""
        alpha, l1 = options.check_penalties(alpha, l1)
        mean = self._mean_loss(*self._check_samples(X, y, sample_weight))
        return mean + self._penalty(alpha, l1)

    def _mean_loss(self, X, Y, weight, watch: Watch = NO_LIMIT) -> float:
        sums = np.zeros(2)
        loss_sums(X, Y, weight, self._theta, self._layers, self.loss_code, sums, watch)
        return float(sums[0] / sums[1])

    def _penalty(self, alpha: float, l1: float) -> float:
        if alpha == 0 and l1 == 0:
            return 0.0
        weights = [W.astype(np.float64) for W in self.weights]
        squares = sum(float((W * W).sum()) for W in weights)
        return alpha / 2 * squares + l1 * sum(float(np.abs(W).sum()) for W in weights)

    def backward(
        self, X, y, sample_weight=None, *, alpha: float = 0.0, l1: float = 0.0
    ) -> np.ndarray:
        """The gradient of `loss`: a flat vector laid out as ``theta``."""
        alpha, l1 = options.check_penalties(alpha, l1)
        X, Y, weight = self._check_samples(X, y, sample_weight)
        return self._loss_and_gradient(X, Y, weight, alpha, l1)[1]

    def _loss_and_gradient(
        self, X, Y, weight, alpha=0.0, l1=0.0, watch: Watch = NO_LIMIT
    ) -> tuple[float, np.ndarray]:
        loss_sum, weight_sum, gradient = gradient_sums(
            X, Y, weight, self._theta, self._layers, self.loss_code, watch
        )
        gradient /= self.dtype.type(weight_sum)
        number = self.dtype.type
        for W, g in zip(self.weights, views(gradient, self.sizes)[0], strict=True):
            if alpha or l1:
                g += number(alpha) * W + number(l1) * np.sign(W)
        return loss_sum / weight_sum + self._penalty(alpha, l1), gradient

    def compiled(self) -> CompiledNetwork:
        """What a caller's own ``@njit`` code needs to use the network: arrays and ints.

        See `fastperc.kernels.single` for the functions to call with it. ``theta`` is the network's
        own, so what compiled code learns, the network knows.
        """
        return CompiledNetwork(
            theta=self.theta,
            layers=self.layers,
            loss=self.loss_code,
            out=np.zeros(self.sizes[-1], self.dtype),
            work=aligned_zeros(single.work_size(self.layers, self.dtype), self.dtype),
        )

    # --- keeping -----------------------------------------------------------------------------

    def save(self, path) -> None:
        """Write the network to a file (safetensors layout), replacing one that is there."""
        from .files.models import save_network

        save_network(self, path)

    @classmethod
    def load(cls, path) -> Network:
        """Read a network that `save` wrote; raises ModelFileError for any other file."""
        from .files.models import load_network

        return load_network(path)

    def copy(self) -> Network:
        """An independent network with the same weights and random state."""
        return copying.deepcopy(self)

    def __getstate__(self):
        made = {"_layers", "loss_code", "_rooms", "_slabs", "_configuration", "_theta"}
        made.add("_has_labels")
        state = {name: value for name, value in self.__dict__.items() if name not in made}
        return {**state, **self._configuration._asdict(), "theta": self._theta.copy()}

    def __setstate__(self, state):
        state = dict(state)
        loss = state.pop("loss_name", None)  # its name until version 0.1.0
        state.setdefault("loss", loss)
        self._configuration = Configuration(*(state.pop(name) for name in Configuration._fields))
        theta = state.pop("theta")
        self._theta = aligned_zeros(n_parameters(self.sizes), self.dtype)
        self._theta[:] = theta
        self.__dict__.update(state)
        self._prepare()

    def __repr__(self) -> str:
        hidden = self.hidden[0] if len(set(self.hidden)) == 1 else self.hidden
        shown = f", hidden={hidden!r}" if self.hidden else ""
        return (
            f"Network({self.sizes}{shown}, output={self.output!r}, loss={self.loss_name!r}, "
            f"dtype='{self.dtype}')"
        )

    def summary(self) -> str:
        """Describe the network as a table: each layer's units, activation and parameters."""
        return summary.as_text(self)

    def _repr_html_(self) -> str:
        """The summary as notebooks show it."""
        return summary.as_html(self)

    # --- what comes in -----------------------------------------------------------------------

    def _check_samples(self, X, y, sample_weight=None, *, only_ratios: bool = True):
        X = checks.check_array(X, "X", dtype=self.dtype, columns=self.sizes[0])
        Y = checks.check_targets(y, self.loss_name, len(X), self.sizes[-1], self.dtype)
        weight = checks.check_weights(sample_weight, len(X), self.dtype, only_ratios=only_ratios)
        return X, Y, weight

    def _hold_out(self, X, Y, weight, fraction):
        """Set a random ``fraction`` of the samples aside for validation."""
        fraction = checks.check_positive(fraction, "validation")
        n_held = round(fraction * len(X))
        if fraction >= 1 or not 0 < n_held < len(X):
            raise ValueError(
                f"validation: found the fraction {fraction:g} of {len(X)} samples, expected a "
                "fraction that leaves samples on both sides"
            )
        state = self.rng.bit_generator.state
        order = self.rng.permutation(len(X))
        held, kept = order[:n_held], order[n_held:]
        if len(weight) and not (weight[held].any() and weight[kept].any()):
            self.rng.bit_generator.state = state
            raise ValueError(
                "validation: found a part without any sample of positive sample_weight, expected "
                "some on both sides. Give a validation set, or leave out samples of weight 0"
            )
        parts = []
        for rows in (kept, held):
            arrays = X[rows], Y[rows], weight[rows] if len(weight) else weight
            for array in arrays:
                array.flags.writeable = False
            parts.append(arrays)
        return parts

    def _check_validation(self, *validation):
        if len(validation) not in (2, 3):
            raise ValueError(
                f"validation: found {len(validation)} items, expected (X, y), "
                "(X, y, sample_weight) or a fraction"
            )
        return self._check_samples(*validation)
