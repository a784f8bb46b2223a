"""Network: the simple door to the kernels."""

from __future__ import annotations

import copy as copying
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from . import checks
from .checkpointing import resumable
from .kernels import single
from .kernels.losses import QUANTILE
from .model import options, summary
from .model.dense import Dense
from .model.evaluate import (
    Objective,
    batch_scratch,
    forward_scratch,
    loss_and_gradient,
    mean_loss,
    outputs,
)
from .model.inputs import check_inputs, check_samples
from .model.layout import BiasArrays, LayerArrays, aligned_zeros, initialise, write_arrays
from .model.losses import loss_of, warn_out_of_reach
from .model.samples import Samples, split_off
from .training import lbfgs
from .training.batches import Batches, check_batches_fit, fit_batches
from .training.history import History
from .training.loop import fit
from .training.metrics import Metrics, check_metrics
from .training.one_sample import SampleBuffer
from .training.options import (
    check_callback,
    check_deadline,
    check_finite_weights,
    check_schedule,
)
from .training.orders import Order, check_order_fits, order_for
from .training.permutations import Permutations
from .training.rules import Rule, RuleOptions, check_penalties, check_reduction, check_rule
from .training.stopping import HistoryWatcher, check_stopping
from .versions import stamped, unstamped

if TYPE_CHECKING:
    import os

    import torch
    from numpy.typing import ArrayLike, DTypeLike

    from .files.models import Stored


class NetworkArrays(NamedTuple):
    """A network as compiled code takes it; see `Network.arrays`."""

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
        Activation of the output layer: these, ``exp``; ``softmax``, with cross_entropy,
        squared_error, absolute_error or huber; ``step`` (0 or 1) and ``sign`` (-1 or 1), with
        perceptron only.
    loss : str
        ``squared_error`` (half the sum over outputs of (p - y)**2), ``absolute_error``, ``huber``,
        ``poisson`` (needs output ``exp`` or ``softplus``); ``log_loss`` (one probability per
        output, needs ``sigmoid``), ``cross_entropy`` (one class among many, needs ``softmax``),
        ``hinge``; ``perceptron`` (needs ``step`` or ``sign`` and a single layer): Rosenblatt's
        rule, ``w += lr * (y - p) * x``.
        A loss over samples is the mean of theirs, weighted if they have weights.
    init : str or array_like
        Start weights: ``glorot``, ``he``, ``lecun``, ``uniform`` (+-1/sqrt(n_in)), ``normal``,
        ``zeros``; biases start at 0. Or all parameters: ``(weights, biases)``, a list of arrays
        each; pairs ``[(W1, b1), (W2, b2)]``; or one vector laid out as ``theta``.
    bias : bool or sequence of bool
        Whether layers have biases, one value for all or one per layer. Those of a layer without
        are shown as zeros; ``theta`` has no place for them.
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
    sizes, hidden, output, loss_name, dtype, bias
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
        init: object = "glorot",
        seed: int | np.random.Generator | None = None,
        dtype: DTypeLike = "float32",
        bias: bool | Sequence[bool] = True,
    ):
        model = options.check_model(sizes, hidden, output, loss, dtype, bias)
        start = options.check_init(init, model)
        self.rng = options.check_seed(seed)
        initialise(model.theta, model.sizes, start, self.rng, model.bias)
        self.lr = 0.01
        self.labels = (0, 1)  # of hinge
        self.history: History | None = None
        self._take(model)

    def _take(self, model: Dense) -> None:
        """Become the network of ``model``."""
        self._model = model
        self._labels_of = model.loss.labels_of
        # Buffers for one sample and scratch for many, not in use; `pop` and `append` are safe
        # between threads.
        self._buffers: list[SampleBuffer] = []
        self._scratch: list[np.ndarray] = []
        self._batch_scratch: list[np.ndarray] = []

    # --- configuration and parameters --------------------------------------------------------

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, of units in each hidden layer, of outputs."""
        return self._model.sizes

    @property
    def hidden(self) -> tuple[str, ...]:
        """Activation of each hidden layer."""
        return self._model.hidden

    @property
    def output(self) -> str:
        """Activation of the output layer."""
        return self._model.output

    @property
    def loss_name(self) -> str:
        """The loss."""
        return self._model.loss.name

    @property
    def loss_code(self) -> int:
        """Code of the loss; see `kernels.losses`."""
        return self._model.loss.code

    @property
    def dtype(self) -> np.dtype:
        """Precision of parameters and arithmetic."""
        return self._model.dtype

    @property
    def bias(self) -> tuple[bool, ...]:
        """Whether each layer has biases."""
        return self._model.bias

    @property
    def codes(self) -> list[int]:
        """Code of each layer's activation; see `kernels.activations`."""
        return self._model.codes

    @property
    def layers(self) -> np.ndarray:
        """The table that kernels read, see `kernels.table`: a copy, since they trust it."""
        return self._model.layers.copy()

    # Kernels are handed the vector itself. What users get are views made for them: whatever they
    # do to shape or dtype of one, they do to that one.

    @property
    def theta(self) -> np.ndarray:
        """All parameters, in one vector."""
        return self._model.theta[:]

    @theta.setter
    def theta(self, values: object) -> None:
        write_arrays([self._model.theta], [values], "theta")

    @property
    def weights(self) -> LayerArrays:
        """Each layer's W (n_in, n_out)."""
        return LayerArrays(self._model.weights)

    @weights.setter
    def weights(self, values: object) -> None:
        write_arrays(self.weights, values, "weights")

    @property
    def biases(self) -> BiasArrays:
        """Each layer's b (n_out,); zeros for a layer without."""
        return BiasArrays(self._model.biases)

    @biases.setter
    def biases(self, values: object) -> None:
        write_arrays(self.biases, values, "biases")

    # --- training ----------------------------------------------------------------------------

    @resumable(lambda self: [self.rng])
    def train(
        self,
        X: ArrayLike | Iterable[Sequence[ArrayLike]] | Callable[[], Iterable[Sequence[ArrayLike]]],
        y: ArrayLike | None = None,
        *,
        epochs: int = 100,
        lr: float | Callable[[int], float] = 0.01,
        batch_size: int = 1,
        optimizer: str = "sgd",
        momentum: float = 0.0,
        nesterov: bool = False,
        dampening: float = 0.0,
        momentum_of: str = "velocity",
        alpha: float = 0.0,
        l1: float = 0.0,
        penalize_biases: bool = False,
        clip_norm: float | None = None,
        betas: Sequence[float] = (0.9, 0.999),
        rho: float = 0.9,
        epsilon: float = 1e-8,
        epsilon_hat: bool = False,
        reduction: str = "mean",
        frozen: Sequence[str] = (),
        shuffle: bool = True,
        order: ArrayLike | Callable[[int], ArrayLike] | None = None,
        drop_last: bool = False,
        sample_weight: ArrayLike | None = None,
        validation: float | Sequence[ArrayLike] | None = None,
        metrics: object = None,
        patience: int | None = None,
        tol: float = 0.0,
        threads: int = 1,
        progress: bool = False,
        callback: Callable[[int, History], Any] | None = None,
        time_limit: float | None = None,
        checkpoint: str | os.PathLike | None = None,
        every: str | int = "60s",
        resume: bool = False,
    ) -> History:
        """Train on the samples (X, y), from the present weights on.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n_samples, n_inputs)
            Not copied if it is C-contiguous, or CSR, and of the network's dtype. Of a sparse
            matrix, a few rows at a time are made dense.

            Or, without ``y``, an iterable of batches (x, y) or (x, y, sample_weight), such as a
            list or a PyTorch DataLoader, or a function that returns one: each batch is one update,
            whatever ``batch_size`` and ``shuffle`` are. It is gone through once per epoch, so an
            iterator will do for one only. An error on the way, in a batch for example, leaves the
            network as it was after the last batch before.
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
        optimizer : {"sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "rprop", "lbfgs"}
            How a gradient becomes a step; lbfgs is SciPy's. Their formulas are in docs/rules.md.
        momentum : float
            With sgd, the part of its velocity that a step keeps.
        nesterov : bool
            Whether that looks one step ahead.
        dampening : float
            The part of the gradient that the velocity does not take: with ``dampening=momentum``
            it is an average of the gradients, from 0 on. (PyTorch's takes the first one whole.)
        momentum_of : {"velocity", "gradient"}
            What ``momentum`` multiplies: the step before, or only the gradient of the step before.
        alpha : float
            Penalty ``alpha / 2 * sum(W**2)`` on the loss; with adamw, the weights' decay per
            unit of learning rate instead. Weights only, like l1.
        l1 : float
            Penalty ``l1 * sum(abs(W))``.
        penalize_biases : bool
            Whether alpha and l1 hold for biases too.
        clip_norm : float, optional
            Gradients of a larger norm are scaled down to it.
        betas
            Of adam and adamw; as in PyTorch.
        rho : float
            Of rmsprop and adadelta: how much of the mean of squares is kept.
        epsilon : float
            Added to the root of the mean of squares; within the root in adadelta.
        epsilon_hat : bool
            With adam and adamw, add epsilon before the moments are corrected for their start: the
            epsilon-hat of Kingma and Ba.
        reduction : {"mean", "sum"}
            Follow the gradient of the mean of a batch's losses, or of their sum. `History` has
            means or sums accordingly.
        frozen : sequence of str
            Parameters that keep their values: ``"W1"``, ``"b1"``, ``"W2"``, ...
        shuffle : bool
            Draw a new order of the samples for each epoch.
        order : array_like of int or callable, optional
            Which rows of X an epoch takes, counted from 0, one after the other, instead of
            ``shuffle``: of each epoch (m,), of all (epochs, m), or a function from the epoch's
            number, counted from 1, to the rows of that epoch. More or fewer than there are
            samples, some of them repeatedly, may be given; with batches, each ``batch_size`` of
            them in turn make one, and with rprop, all of them. The function is asked for some
            epochs ahead, or for one at a time where something looks at each epoch: validation,
            metrics, patience or a callback. An error of the function, or in what it returns, leaves
            the network as it was at the end of the epoch before. Not with lbfgs.
        drop_last : bool
            Leave out the last batch of an epoch if it has fewer samples than ``batch_size``.
        sample_weight : array_like of shape (n_samples,), optional
            With ``batch_size=1``, a factor of each sample's step; with batches, the gradient is
            the weighted mean. A sample of weight 0 changes nothing, whatever its numbers are.
        validation : (X, y), (X, y, sample_weight) or float, optional
            Samples to compute a loss on after each epoch, or the fraction of (X, y) to set aside
            for that, with their weights.
        metrics : str, callable, list or dict, optional
            What to keep in ``History.metrics`` after each epoch: ``"accuracy"``,
            ``"mean_squared_error"``, ``"mean_absolute_error"``, ``"r2"``, or a function of
            (y_true, y_pred), where y_pred is what `predict` gives and y_true the targets in the
            same form; several in a list, or by names of your own in a dict. Computed on the
            validation set if there is one, otherwise on the samples; on those of batches before
            each one's update. Weights do not count.
        patience : int, optional
            End after so many epochs without improvement by more than ``tol``. With ``validation``,
            its loss is watched and the best weights are restored at the end.
        tol : float
            See ``patience``; without it, end at the first epoch that improves by less than ``tol``.
        threads : int
            How many may compute the gradient of a batch, where that is work enough: some thousand
            samples of a small network. The result does not depend on it.
        progress : bool
            Show a progress bar.
        callback : callable, optional
            Called as ``callback(epoch, history)`` after each epoch; returning True ends training.
        time_limit : float, optional
            End after so many seconds, also within an epoch; see `History`.
        checkpoint : str or os.PathLike, optional
            A file in which to keep, now and then, all that training has to know to go on where it
            was if the process is killed. Not with lbfgs, whose memory is SciPy's own.
        every : str or int
            How often: a time, such as ``"60s"``, ``"10min"`` or ``"2h"``, or so many epochs. It is
            also written at the end, and at Ctrl-C as it was after the last whole epoch.
        resume : bool
            Go on from the checkpoint, if the file is there: the same call then ends with the bits
            of one that was never interrupted. Other data or options are refused. What cannot be
            told apart from what it was must be the same: the functions that were given, and batches
            from an iterable. ``epochs`` may be more.

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
        deadline = check_deadline(time_limit)
        stopping = check_stopping(patience, tol)
        if checkpoint is not None and optimizer == "lbfgs":
            raise ValueError(
                "checkpoint: found one with optimizer='lbfgs', which cannot go on from it: its "
                "memory is SciPy's own. Use another optimizer, or save the network in a callback"
            )
        model = self._model.with_frozen(options.check_frozen(frozen, self._model))
        optimizer, code, settings = check_rule(
            RuleOptions(
                optimizer, momentum, nesterov, dampening, momentum_of, alpha, l1, penalize_biases,
                clip_norm, betas, rho, epsilon, epsilon_hat, reduction,
            ),
            model.dtype,
        )  # fmt: skip
        schedule = check_schedule(lr, model.dtype)
        batch_size = checks.check_count(batch_size, "batch_size")
        threads = checks.check_count(threads, "threads")
        shuffle = checks.check_flag(shuffle, "shuffle")
        epochs = checks.check_count(epochs, "epochs")
        progress = checks.check_flag(progress, "progress")
        callback = check_callback(callback)
        drop_last = checks.check_flag(drop_last, "drop_last")
        takes_all = optimizer in ("rprop", "lbfgs")
        is_sum = reduction == "sum"
        functions = check_metrics(metrics)
        samples: Samples | None = None
        rows: Order | Batches
        if y is None:
            check_batches_fit(
                optimizer, validation, order=order, drop_last=drop_last, sample_weight=sample_weight
            )
            rows = Batches(X, self._check_batch, deadline)
            held, labels = self._held(validation, is_sum), self.labels
        else:
            check_order_fits(order, optimizer, validation)
            are_factors = (batch_size == 1 and not takes_all) or is_sum
            samples = check_samples(model, X, y, sample_weight, weight_is_factor=are_factors)
            labels = model.loss.labels_in(y, self.labels)
            if model.loss.labels_of is None:
                warn_out_of_reach(samples.Y, model.output, stacklevel=3)
            drop_last = drop_last and not takes_all
            samples, held = self._split(samples, validation, is_sum, batch_size if drop_last else 1)
            shuffle = shuffle and not (takes_all or batch_size >= len(samples))
            rows = order_for(
                samples, order=order, draw=self._draw(samples) if shuffle else None, epochs=epochs,
                batch_size=batch_size, drop_last=drop_last, deadline=deadline,
            )  # fmt: skip
        check_finite_weights(model.theta)
        watcher = HistoryWatcher(
            model, History(), stopping, deadline, rows, schedule,
            own_schedule=lr if callable(lr) else None,
            callback=callback,
            validation_loss=None if held is None else lambda d: mean_loss(
                model, held, d, reduction
            ),
            metrics=Metrics(functions, model, self._named, held or samples, threads)
            if functions else None,
            reduction=reduction, held=held,
        )  # fmt: skip
        self.lr = schedule(1) or self.lr  # a schedule may start at 0
        self.labels = labels
        self.history = watcher.history
        try:
            with watcher.keeping_history() as history:
                if isinstance(rows, Batches):
                    history.stopped = fit_batches(
                        model, rows, Rule(code, settings, model), watcher, epochs=epochs,
                        threads=threads, deadline=deadline, progress=progress,
                    )  # fmt: skip
                elif optimizer == "lbfgs":
                    history.stopped = lbfgs.minimise(
                        model, rows.samples, watcher, epochs=epochs,
                        objective=Objective(alpha, 0.0, penalize_biases, reduction),
                        max_evaluations=20 * epochs + 20, ftol=1e-12, deadline=deadline,
                        progress=progress,
                    ).reason  # fmt: skip
                else:
                    history.stopped = fit(
                        model, rows.samples, Rule(code, settings, model), watcher,
                        batch_size=batch_size, epochs=epochs, order=rows, threads=threads,
                        deadline=deadline, progress=progress,
                    )  # fmt: skip
        finally:
            self.history = watcher.history  # and not that of a run that a callback made
        return watcher.history

    def _draw(self, samples: Samples) -> Permutations:
        """Return a function that draws so many orders of the samples."""
        return Permutations(self.rng, len(samples))

    def learn_one(self, x: ArrayLike, y: ArrayLike, *, lr: float | None = None) -> float:
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
        buffer = self._buffers.pop() if self._buffers else SampleBuffer(self._model)
        loss = buffer.learn(x, y, rate)
        self._buffers.append(buffer)
        if buffer.labels_in is not None:
            self.labels = buffer.labels_in(buffer.target, self.labels)
        return loss

    # --- use ---------------------------------------------------------------------------------

    def forward(self, X: ArrayLike, *, threads: int = 1) -> np.ndarray:
        """Return the outputs for every row of X, an array or a sparse matrix.

        Their shape is (n_samples, n_outputs).
        """
        model = self._model
        X = check_inputs(X, model)
        threads = checks.check_count(threads, "threads")
        scratch = self._scratch.pop() if self._scratch else forward_scratch(model)
        out = outputs(model, X, threads, scratch=scratch)
        self._scratch.append(scratch)
        return out

    def forward_one(self, x: ArrayLike) -> float | np.ndarray:
        """Return the outputs for one sample: a float, or a 1-D array where there are several."""
        buffer = self._buffers.pop() if self._buffers else SampleBuffer(self._model)
        out = buffer.forward(x)
        self._buffers.append(buffer)
        return out

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return labels for log_loss, hinge and cross_entropy, otherwise the outputs.

        0 or 1 per output for log_loss; for hinge too, or -1 or 1 if it was trained on these. One
        value per row of X, or one row of values where a network has several outputs (one label
        with cross_entropy).
        """
        return self._named(self.forward(X))

    def _named(self, out: np.ndarray) -> np.ndarray:
        """Return what `predict` says of such outputs; or of targets, which are laid out alike."""
        labels_of = self._model.loss.labels_of
        if labels_of is not None:
            out = labels_of(out, self.labels)
        return out[:, 0] if out.ndim == 2 and out.shape[1] == 1 else out

    def predict_one(self, x: ArrayLike) -> float | int | np.ndarray:
        """Return what `predict` says of one sample: a number or label, or an array of several."""
        buffer = self._buffers.pop() if self._buffers else SampleBuffer(self._model)
        out = buffer.forward(x)
        self._buffers.append(buffer)
        if self._labels_of is None:
            return out
        loss = self._model.loss
        if loss.label_of is not None and isinstance(out, float):
            return loss.label_of(out, self.labels)
        labels = self._labels_of(np.asarray(out), self.labels)
        return labels if labels.ndim else int(labels)

    def loss(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        alpha: float = 0.0,
        l1: float = 0.0,
        penalize_biases: bool = False,
        reduction: str = "mean",
    ) -> float:
        """Return the mean loss on (X, y), or the sum, plus penalties as in `train`."""
        objective = _check_objective(alpha, l1, penalize_biases, reduction)
        samples = check_samples(self._model, X, y, sample_weight, reduction == "sum")
        loss = mean_loss(self._model, samples, reduction=reduction)
        return loss + objective.penalty(self._model)

    def backward(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        alpha: float = 0.0,
        l1: float = 0.0,
        penalize_biases: bool = False,
        reduction: str = "mean",
    ) -> np.ndarray:
        """Return the gradient of `loss`: a flat vector laid out as ``theta``."""
        objective = _check_objective(alpha, l1, penalize_biases, reduction)
        samples = check_samples(self._model, X, y, sample_weight, reduction == "sum")
        scratch = self._batch_scratch.pop() if self._batch_scratch else batch_scratch(self._model)
        gradient = loss_and_gradient(self._model, samples, objective, scratch=scratch)[1]
        self._batch_scratch.append(scratch)
        return gradient

    def arrays(self) -> NetworkArrays:
        """Return what a caller's own ``@njit`` code needs to use the network: arrays and ints.

        See `fastperc.kernels.single` for the functions to call with it. ``theta`` is the network's
        own, so what compiled code learns, the network knows.
        """
        return NetworkArrays(
            theta=self.theta,
            layers=self.layers,
            loss=self.loss_code,
            out=np.zeros(self.sizes[-1], self.dtype),
            work=aligned_zeros(single.work_size(self.layers, self.dtype), self.dtype),
        )

    def compiled(self) -> NetworkArrays:
        """Return `arrays`, under the name that they had until version 0.1."""
        warnings.warn(
            "Network.compiled() is Network.arrays() now; the old name goes with fastperc 0.3",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.arrays()

    # --- networks from and for other libraries ------------------------------------------------

    @classmethod
    def _of(cls, model: Dense, seed: int | np.random.Generator | None = None) -> Self:
        """Return the network of ``model``, whose parameters it shares."""
        net = cls.__new__(cls)
        net.rng, net.lr, net.labels, net.history = options.check_seed(seed), 0.01, (0, 1), None
        net._take(model)
        return net

    @classmethod
    def from_sklearn(cls, mlp: object, *, seed: int | np.random.Generator | None = None) -> Self:
        """Return the network of a fitted MLPClassifier or MLPRegressor of scikit-learn.

        Parameters
        ----------
        mlp : sklearn.neural_network.MLPClassifier or MLPRegressor
            Its weights are copied; the outputs are those of its `predict_proba` or `predict`, but
            with one output, which is the probability of the second class. An estimator of fastperc
            from one of scikit-learn is `MLPClassifier.from_sklearn`.
        seed : int, Generator or None
            As of `Network`.

        Returns
        -------
        Network
            Of the same activations, loss and dtype.

        Raises
        ------
        TypeError, ValueError
            For anything else.

        Examples
        --------
        >>> from sklearn.neural_network import MLPClassifier
        >>> mlp = MLPClassifier((4,), solver="lbfgs", random_state=0)
        >>> mlp = mlp.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0])
        >>> Network.from_sklearn(mlp)
        Network((2, 4, 1), hidden='relu', output='logistic', loss='log_loss', dtype='float64')
        """
        from .imports.sklearn import from_sklearn

        return cls._of(from_sklearn(mlp), seed)

    @classmethod
    def from_torch(
        cls,
        model: object,
        *,
        loss: str | None = None,
        seed: int | np.random.Generator | None = None,
    ) -> Self:
        """Return the network of a PyTorch model: a Sequential of Linear and activations.

        Needs PyTorch: ``pip install 'fastperc[torch]'``.

        Parameters
        ----------
        model : torch.nn.Sequential
            Of Linear, with or without bias, of ReLU, LeakyReLU(0.01), ELU, Sigmoid, Tanh, Softplus,
            Identity, and Softmax at the end, at default options; and of such Sequentials. Flatten
            is passed over, since samples are rows; Dropout too, with a warning: outputs are those
            of the model in evaluation mode. Weights are copied.
        loss : str, optional
            By default the one that goes with the last activation: log_loss with Sigmoid,
            cross_entropy with Softmax, otherwise squared_error.
        seed : int, Generator or None
            As of `Network`.

        Returns
        -------
        Network
            Of the same dtype, float32 or float64, with the same outputs. PyTorch's Softplus is 2e-9
            off beyond 20, where it returns its input.

        Raises
        ------
        TypeError, ValueError
            For any other module, which is named; for other dtypes, and losses that do not fit.

        Warns
        -----
        UserWarning
            Of Dropout.
        """
        from .imports.torch import from_torch

        return cls._of(from_torch(model, loss), seed)

    @classmethod
    def from_onnx(
        cls,
        model: object,
        *,
        loss: str | None = None,
        seed: int | np.random.Generator | None = None,
    ) -> Self:
        """Return the network of an ONNX model whose graph is a plain dense network.

        Needs onnx: ``pip install 'fastperc[onnx]'``.

        Parameters
        ----------
        model : str, os.PathLike or onnx.ModelProto
            A file, or what was read from one: a chain of MatMul and Add, or Gemm, and of
            activations, such as PyTorch, skl2onnx and `fastperc.to_onnx` write. Outputs that are
            labels are left aside; the two columns that classifiers make of one probability become
            one output again.
        loss : str, optional
            By default the one that goes with the last activation: log_loss with Sigmoid,
            cross_entropy with Softmax, poisson with Exp, otherwise squared_error.
        seed : int, Generator or None
            As of `Network`.

        Returns
        -------
        Network
            Of the same dtype, float32 or float64, with the same outputs.

        Raises
        ------
        TypeError, ValueError
            For any other graph; what does not belong there is named.
        """
        from .imports.onnx import from_onnx

        return cls._of(from_onnx(model, loss), seed)

    def to_torch(self) -> torch.nn.Sequential:
        """Return a PyTorch model with the same outputs: a Sequential of Linear and activations.

        Its weights are copies, of the same dtype. ``exp``, ``step`` and ``sign``, which PyTorch has
        no modules for, are those of `fastperc.imports.torch`. Needs PyTorch:
        ``pip install 'fastperc[torch]'``.
        """
        from .imports.torch import to_torch

        return to_torch(self._model)

    # --- keeping -----------------------------------------------------------------------------

    def save(self, path: str | os.PathLike) -> None:
        """Write the network to a file (safetensors layout), replacing one that is there.

        Weights, configuration, learning rate and random state are kept, so that training goes on
        after loading as it would have without; the history is not. See `files.models.save`.
        """
        from .files import models

        models.save(self._stored(), path)

    def _stored(self) -> Stored:
        """Return what a file holds of the network."""
        if self._model.loss.code >= QUANTILE:
            raise ValueError(
                "loss: found a quantile, which files of networks have no place for. Keep the "
                "estimator that the network is of"
            )
        from .files.models import Stored

        return Stored(self._model, self.labels, self.lr, self.rng)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Network:
        """Read a network that `save` wrote; raises ModelFileError for any other file."""
        from .files import models

        return cls._from_stored(models.load(path))

    @classmethod
    def _from_stored(cls, stored: Stored) -> Network:
        """Return the network that a file holds."""
        net = cls.__new__(cls)
        net.labels, net.lr, net.rng, net.history = stored.labels, stored.lr, stored.rng, None
        net._take(stored.model)
        return net

    def copy(self) -> Network:
        """Return an independent network with the same weights and random state."""
        return copying.deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        made = {"_model", "_labels_of", "_buffers", "_scratch", "_batch_scratch"}
        state = {name: value for name, value in self.__dict__.items() if name not in made}
        model = self._model
        configuration = {
            "sizes": model.sizes, "hidden": model.hidden, "output": model.output,
            "loss": model.loss.name, "dtype": model.dtype, "bias": model.bias,
        }  # fmt: skip
        if model.loss.code >= QUANTILE:
            configuration["loss_code"] = model.loss.code
        return stamped({**state, **configuration, "theta": model.theta.copy()})

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = unstamped(state, type(self).__name__)
        loss = state.pop("loss_name", None)  # its name until version 0.1.0
        loss = state.pop("loss", loss)
        names = ("sizes", "hidden", "output", "dtype")
        sizes, hidden, output, dtype = (state.pop(name) for name in names)
        bias = state.pop("bias", None)  # all had biases until version 0.1
        record = loss_of(loss, output)
        record = replace(record, code=state.pop("loss_code", record.code))
        model = Dense.zeros(sizes, hidden, output, record, dtype, bias)
        model.theta[:] = state.pop("theta")
        self.__dict__.update(state)
        self._take(model)

    def __repr__(self) -> str:
        return f"Network({self._model.signature})"

    def summary(self) -> str:
        """Describe the network as a table: each layer's units, activation and parameters."""
        return summary.as_text(self._model)

    def _repr_html_(self) -> str:
        """Return the summary as notebooks show it."""
        return summary.as_html(self._model)

    # --- what comes in -----------------------------------------------------------------------

    def _check_batch(self, x: object, y: object, sample_weight: object = None) -> Samples:
        samples = check_samples(self._model, x, y, sample_weight, weight_is_factor=True)
        self.labels = self._model.loss.labels_in(y, self.labels)
        return samples

    def _split(
        self, samples: Samples, validation: object, weight_is_factor: bool, least: int
    ) -> tuple[Samples, Samples | None]:
        """Return samples to train on, and those of ``validation`` or a part set aside for it."""
        if validation is None or isinstance(validation, (tuple, list)):
            return samples, self._held(validation, weight_is_factor)
        kept, held = split_off(samples, validation, self.rng, least)
        return samples.take(kept), samples.take(held)

    def _held(self, validation: object, weight_is_factor: bool) -> Samples | None:
        """Return the samples of a validation set, if there is one."""
        if not isinstance(validation, (tuple, list)):
            return None
        if len(validation) not in (2, 3):
            raise ValueError(
                f"validation: found {len(validation)} items, expected (X, y), "
                "(X, y, sample_weight) or a fraction"
            )
        X, y, *weight = validation
        return check_samples(self._model, X, y, weight[0] if weight else None, weight_is_factor)


def _check_objective(
    alpha: object, l1: object, penalize_biases: object, reduction: object
) -> Objective:
    """Return the objective that `Network.loss` and `Network.backward` are asked for."""
    try:
        return _objective(alpha, l1, penalize_biases, reduction)
    except TypeError:  # of an argument, such as a list, that cannot be looked up
        return _objective.__wrapped__(alpha, l1, penalize_biases, reduction)


@lru_cache(maxsize=32, typed=True)
def _objective(alpha: object, l1: object, penalize_biases: object, reduction: object) -> Objective:
    """Apply `_check_objective`, once for the same arguments: calls may be many and short."""
    penalties = check_penalties(alpha, l1)
    flag = checks.check_flag(penalize_biases, "penalize_biases")
    return Objective(*penalties, flag, check_reduction(reduction))
