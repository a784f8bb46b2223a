"""Network: the simple door to the kernels."""

from __future__ import annotations

import copy as copying
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import checks, options
from .kernels import activations, batch, losses, online, predict
from .kernels.table import describe
from .layout import INITS, aligned_zeros, initialise, n_parameters, views
from .single import Room
from .training import History, Job, run

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
        (or ``logistic``), ``tanh``, ``relu``.
    output : str
        Activation of the output layer; ``softmax`` with cross_entropy only.
    loss : {"squared_error", "log_loss", "cross_entropy"}
        Half the sum over outputs of (p - y)**2; binary log loss, summed over outputs (needs
        ``output="sigmoid"``); log loss of one class among many (needs ``output="softmax"``). A loss
        over samples is the mean of theirs, weighted if they have weights.
    init : str
        Start weights: ``glorot``, ``he``, ``lecun``, ``uniform`` (+-1/sqrt(n_in)), ``normal``,
        ``zeros``. Biases start at 0.
    seed : int, Generator or None
        For start weights and the order of samples.
    dtype : {"float32", "float64"}
        Of all arithmetic.

    Attributes
    ----------
    theta : ndarray
        All parameters in one vector, layer by layer: W in C order, then b. Write to it freely.
    weights, biases : list of ndarray
        Each layer's W (n_in, n_out) and b (n_out,): views into ``theta``.
    sizes : tuple of int
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
        init: str = "glorot",
        seed: int | np.random.Generator | None = None,
        dtype: Any = "float32",
    ):
        self.sizes = options.check_sizes(sizes)
        self.hidden = options.check_hidden(hidden, len(self.sizes) - 2)
        self.output, self.loss_name = options.check_output(output, loss, self.sizes[-1])
        checks.check_choice(init, "init", INITS)
        self.dtype = options.check_dtype(dtype)
        self.rng = options.check_seed(seed)
        self.theta = aligned_zeros(n_parameters(self.sizes), self.dtype)
        initialise(self.theta, self.sizes, init, self.rng)
        self.lr = 0.01
        self.history: History | None = None
        self._prepare()

    def _prepare(self) -> None:
        """Make what follows from the configuration: views, table, scratch."""
        self.weights, self.biases = views(self.theta, self.sizes)
        codes = [activations.CODES[name] for name in (*self.hidden, self.output)]
        self.layers = describe(self.sizes, codes, self.dtype)
        self.loss_code = losses.CODES[self.loss_name]
        self._rooms: list[Room] = []  # those not in use; `pop` and `append` are safe between threads

    # --- training ----------------------------------------------------------------------------

    def train(
        self,
        X,
        y,
        *,
        epochs: int = 100,
        lr: float = 0.01,
        batch_size: int = 1,
        optimizer: str = "sgd",
        momentum: float = 0.0,
        nesterov: bool = False,
        alpha: float = 0.0,
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
            Numbers for squared_error; 0 and 1 for log_loss; labels 0 to n_outputs - 1, or rows of
            probabilities, for cross_entropy.
        epochs : int
            How often to go through the samples.
        lr : float
            Learning rate.
        batch_size : int
            Samples per update; 1 is the textbook's stochastic gradient descent. More than there
            are samples means all of them.
        optimizer : {"sgd"}
            How a gradient becomes a step.
        momentum, nesterov, alpha
            Not built yet: 0.0, False and 0.0 only.
        shuffle : bool
            Draw a new order of the samples for each epoch.
        sample_weight : array_like of shape (n_samples,), optional
            With ``batch_size=1``, a factor of each sample's step; with batches, the gradient is
            the weighted mean. A sample of weight 0 changes nothing.
        validation : (X, y) or float, optional
            Samples to compute a loss on after each epoch, or the fraction of (X, y) to set aside
            for that.
        patience : int, optional
            End after so many epochs without improvement by more than ``tol``. With ``validation``,
            its loss is watched and the best weights are restored at the end.
        tol : float
            See ``patience``; without it, end at the first epoch that improves by less than ``tol``.
        threads : int
            1, until the parallel kernel exists.
        progress : bool
            Show a progress bar.
        callback : callable, optional
            Called as ``callback(epoch, history)`` after each epoch; returning True ends training.
        time_limit : float, optional
            End after so many seconds.

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
            Within a quarter of a second after Ctrl-C; the network can be used as it is then.
        """
        if validation is not None and not isinstance(validation, (tuple, list)):
            X, y, sample_weight, validation = self._hold_out(X, y, sample_weight, validation)
        X, Y, weight = self._check_samples(X, y, sample_weight)
        lr = checks.check_positive(lr, "lr")
        batch_size = min(checks.check_count(batch_size, "batch_size"), len(X))
        options.check_unbuilt(optimizer, momentum, nesterov, alpha, threads)
        job = Job(
            advance=self._stepper(X, Y, weight, lr, batch_size),
            theta=self.theta,
            n_samples=len(X),
            n_steps=-(-len(X) // batch_size),
            epochs=checks.check_count(epochs, "epochs"),
            weight_sum=float(weight.sum(dtype=np.float64)) if len(weight) else len(X),
            rng=self.rng if checks.check_flag(shuffle, "shuffle") else None,
            stopping=options.check_stopping(patience, tol, time_limit),
            validation_loss=self._validation_loss(validation),
            callback=options.check_callback(callback),
            progress=checks.check_flag(progress, "progress"),
            lr=lr,
        )
        self.lr = lr
        self.history = History()
        run(job, self.history)
        return self.history

    def _stepper(self, X, Y, weight, lr, batch_size):
        """The function that takes training steps: the kernel, with all but the steps filled in."""
        kernel_lr = self.dtype.type(lr)
        good = np.empty_like(self.theta)
        if batch_size == 1:
            work = aligned_zeros(online.work_size(self.layers, self.dtype), self.dtype)

            def advance(order, first, last, losses):
                return online.train_online(
                    X, Y, weight, order, self.theta, self.layers, self.loss_code, kernel_lr,
                    first, last, work, good, losses,
                )  # fmt: skip
        else:
            work = self._batch_work(batch_size)

            def advance(order, first, last, losses):
                return batch.train_batches(
                    X, Y, weight, order, self.theta, self.layers, self.loss_code, kernel_lr,
                    batch_size, first, last, work, good, losses,
                )  # fmt: skip

        return advance

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
        room.take_inputs(x)
        room.take_target(y)
        loss = room.learn(rate)
        self._rooms.append(room)
        return loss

    # --- use ---------------------------------------------------------------------------------

    def forward(self, X) -> np.ndarray:
        """The outputs for every row of X: shape (n_samples, n_outputs)."""
        X = checks.check_array(X, "X", dtype=self.dtype, columns=self.sizes[0])
        out = np.empty((len(X), self.sizes[-1]), self.dtype)
        size = predict.rows_work_size(self.layers, self.dtype, min(predict.CHUNK, len(X)))
        work = aligned_zeros(size, self.dtype)
        predict.predict_rows(X, self.theta, self.layers, out, work)
        return out

    def predict(self, X) -> np.ndarray:
        """Labels for log_loss (0 or 1 per output) and cross_entropy, otherwise the outputs.

        One value per row of X, or one row of values where a network has several outputs (one label
        with cross_entropy).
        """
        out = self.forward(X)
        if self.loss_name == "cross_entropy":
            return out.argmax(axis=1)
        if self.loss_name == "log_loss":
            out = (out >= 0.5).astype(np.int64)
        return out[:, 0] if out.shape[1] == 1 else out

    def predict_one(self, x) -> float | np.ndarray:
        """The outputs for one sample: a float, or a 1-D array where there are several."""
        room = self._rooms.pop() if self._rooms else Room(self)
        room.take_inputs(x)
        out = room.predict()
        self._rooms.append(room)
        return out

    def loss(self, X, y, sample_weight=None) -> float:
        """The mean loss on (X, y)."""
        return self._mean_loss(*self._check_samples(X, y, sample_weight))

    def _mean_loss(self, X, Y, weight) -> float:
        loss_sum, weight_sum = batch.loss_rows(
            X, Y, weight, self.theta, self.layers, self.loss_code, self._batch_work(len(X))
        )
        return loss_sum / weight_sum

    def backward(self, X, y, sample_weight=None) -> np.ndarray:
        """The gradient of the mean loss on (X, y): a flat vector laid out as ``theta``."""
        X, Y, weight = self._check_samples(X, y, sample_weight)
        gradient = np.empty_like(self.theta)
        _, weight_sum = batch.gradient_rows(
            X, Y, weight, self.theta, self.layers, self.loss_code, gradient,
            self._batch_work(len(X)),
        )  # fmt: skip
        gradient /= self.dtype.type(weight_sum)
        return gradient

    def _batch_work(self, batch_size: int) -> np.ndarray:
        return aligned_zeros(batch.work_size(self.layers, self.dtype, batch_size), self.dtype)

    # --- keeping -----------------------------------------------------------------------------

    def save(self, path) -> None:
        """Write the network to a file (safetensors layout), replacing one that is there."""
        from .storing import save_network

        save_network(self, path)

    @classmethod
    def load(cls, path) -> Network:
        """Read a network that `save` wrote; raises ModelFileError for any other file."""
        from .storing import load_network

        return load_network(path)

    def copy(self) -> Network:
        """An independent network with the same weights and random state."""
        return copying.deepcopy(self)

    def __getstate__(self):
        made = ("weights", "biases", "layers", "loss_code", "_rooms")
        return {name: value for name, value in self.__dict__.items() if name not in made}

    def __setstate__(self, state):
        self.__dict__.update(state)
        theta = aligned_zeros(len(state["theta"]), self.dtype)
        theta[:] = state["theta"]
        self.theta = theta
        self._prepare()

    def __repr__(self) -> str:
        hidden = self.hidden[0] if len(set(self.hidden)) == 1 else self.hidden
        shown = f", hidden={hidden!r}" if self.hidden else ""
        return (
            f"Network({self.sizes}{shown}, output={self.output!r}, loss={self.loss_name!r}, "
            f"dtype='{self.dtype}')"
        )

    # --- what comes in -----------------------------------------------------------------------

    def _check_samples(self, X, y, sample_weight=None):
        X = checks.check_array(X, "X", dtype=self.dtype, columns=self.sizes[0])
        Y = checks.check_targets(y, self.loss_name, len(X), self.sizes[-1], self.dtype)
        return X, Y, checks.check_weights(sample_weight, len(X), self.dtype)

    def _hold_out(self, X, y, sample_weight, fraction):
        """Set a random ``fraction`` of the samples aside for validation."""
        fraction = checks.check_positive(fraction, "validation")
        X, Y, weight = self._check_samples(X, y, sample_weight)
        n_held = round(fraction * len(X))
        if fraction >= 1 or not 0 < n_held < len(X):
            raise ValueError(
                f"validation: found the fraction {fraction:g} of {len(X)} samples, expected a "
                "fraction that leaves samples on both sides"
            )
        order = self.rng.permutation(len(X))
        held, kept = order[:n_held], order[n_held:]
        return X[kept], Y[kept], weight[kept] if len(weight) else None, (X[held], Y[held])

    def _validation_loss(self, validation):
        if validation is None:
            return None
        if len(validation) != 2:
            raise ValueError(
                f"validation: found {len(validation)} items, expected (X, y) or a fraction"
            )
        samples = self._check_samples(*validation)
        return lambda: self._mean_loss(*samples)
