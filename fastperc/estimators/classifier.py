"""MLPClassifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target
from sklearn.utils.validation import check_is_fitted

from ..model.losses import LOSSES, Loss, capped
from ..model.samples import Samples
from ..training.one_sample import SampleBuffer
from . import parameters
from .arrays import check_usable
from .base import BaseMLP
from .class_weights import ClassWeights, of_several
from .inputs import checked_data
from .labels import Labels, binarizer_of, classes_of
from .settings import Callback, Settings
from .typed import only_if

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ..network import Network


def _gives_probabilities(estimator: MLPClassifier) -> bool:
    if estimator._learned_loss() == "hinge":
        raise AttributeError("loss='hinge' learns margins, not probabilities: use loss='log_loss'")
    return True


def _gives_margins(estimator: MLPClassifier) -> bool:
    if estimator._learned_loss() != "hinge":
        raise AttributeError("decision_function belongs to loss='hinge': use predict_proba")
    return True


_HEADS = {"log_loss": "logistic", "cross_entropy": "softmax", "hinge": "identity"}


def softplus(z: np.ndarray) -> np.ndarray:
    """Return ``log(1 + exp(z))``."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


class MLPClassifier(ClassifierMixin, BaseMLP):
    """A dense network that classifies: scikit-learn's, compiled.

    Every parameter, attribute and method of `sklearn.neural_network.MLPClassifier` means what it
    means there, and an int as ``random_state`` gives the same start weights, batches and splits.

    >>> from fastperc import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(hidden_layer_sizes=(16,), solver="lbfgs", random_state=1).fit(X, y)
    >>> model.predict(X[[0, 50, 100]]).tolist()
    [0, 1, 2]

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer.
    activation : str or sequence of str, default='relu'
        Of the hidden layers, one name or one for each: identity, logistic (sigmoid), tanh, relu,
        leaky_relu, elu, softplus.
    solver : {'lbfgs', 'sgd', 'adam', 'adamw', 'rprop'}, default='adam'
        lbfgs and rprop take all samples at once. With adamw, ``alpha`` is the weights' decay per
        unit of learning rate.
    alpha : float, default=0.0001
        Penalty ``alpha / 2 * sum(W**2)``, divided by the number of samples in the batch.
    batch_size : int or 'auto', default='auto'
        Samples per step; 'auto' is ``min(200, n_samples)``.
    learning_rate : str or callable, default='constant'
        'constant', 'invscaling', 'adaptive' (these with sgd); 'step', 'cosine', 'one_cycle' over
        ``max_iter`` epochs; or a function from the epoch's number, counted from 1, to a rate.
    learning_rate_init : float, default=0.001
    power_t : float, default=0.5
        Exponent of 'invscaling'.
    max_iter : int, default=200
        Most epochs; with lbfgs, most iterations.
    shuffle : bool, default=True
        A new order of the samples in each epoch.
    random_state : int, RandomState or None, default=None
    tol : float, default=1e-4
        Progress below it counts as none.
    verbose : bool or int, default=False
        Print a line per epoch.
    warm_start : bool, default=False
        Let `fit` go on from the present weights. `partial_fit` takes samples of any of the known
        classes then, too, which scikit-learn refuses where one is missing.
    momentum : float, default=0.9
        Of sgd.
    nesterovs_momentum : bool, default=True
    early_stopping : bool, default=False
        Stop where the validation score stalls, and keep the best weights of this `fit`; with
        warm_start, scikit-learn compares with scores of earlier ones.
    validation_fraction : float, default=0.1
        Part of the samples set aside for it, if `fit` is given no validation set.
    beta_1, beta_2, epsilon : float
        Of adam and adamw.
    n_iter_no_change : int, default=10
        Epochs in a row without progress that are tolerated.
    max_fun : int, default=15000
        Most evaluations of the loss, with lbfgs.
    loss : {'log_loss', 'hinge'}, default='log_loss'
        With hinge there is `decision_function` and no `predict_proba`.
    class_weight : dict, 'balanced' or None, default=None
        Factors of the sample weights. In batches of one sample, where weights would cancel, they
        multiply the gradient. 'balanced' in `partial_fit` goes by the labels seen so far.
    l1 : float, default=0.0
        Penalty ``l1 * sum(abs(W))`` on each batch's mean loss; not part of ``loss_curve_``.
    clip_norm : float, optional
        Gradients of a larger norm are scaled down to it.
    scoring : str or callable, optional
        What early stopping watches: 'loss', or a scikit-learn scorer; by default the accuracy.
    scale : {'standard', None}, default=None
        Bring inputs to mean 0 and deviation 1, here and in `predict`; ``coefs_`` are those of the
        scaled inputs. Determined at the first `fit` or `partial_fit`.
    dtype : {'float32', 'float64', None}, default=None
        Of all arithmetic; by default that of X.
    n_threads : int, default=1
        For batches and predictions that are work enough: some thousand samples of a small network.
    time_limit : float, optional
        End training after so many seconds.
    progress : bool, default=False
        Show a progress bar.
    callback : callable, optional
        Called as ``callback(epoch, model)`` after each epoch; returning True ends training.

    Attributes
    ----------
    classes_, loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_, t_, \
coefs_, intercepts_, n_features_in_, feature_names_in_, n_iter_, n_layers_, n_outputs_, \
out_activation_
        As in scikit-learn. Arrays in ``coefs_`` and ``intercepts_`` may be written to, or replaced
        by others that make a network of as many inputs and outputs; these are copied.
    validation_loss_curve_ : list of float
        Mean loss on the validation set after each epoch, without penalties; if there is one.
    """

    classes_: np.ndarray

    _parameter_constraints: ClassVar[dict] = {
        **parameters.SHARED,
        "loss": [StrOptions({"log_loss", "hinge"})],
        "class_weight": [None, dict, list, StrOptions({"balanced"})],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str | Callable[[int], float] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: str = "log_loss",
        class_weight: object = None,
        l1: float = 0.0,
        clip_norm: float | None = None,
        scoring: str | Callable[..., float] | None = None,
        scale: str | None = None,
        dtype: str | None = None,
        n_threads: int = 1,
        time_limit: float | None = None,
        progress: bool = False,
        callback: Callback | None = None,
    ) -> None:
        parameters.store(self, locals())

    @classmethod
    def from_network(
        cls,
        net: Network,
        *,
        classes: ArrayLike | None = None,
        feature_names: Sequence[str] | None = None,
        **parameters: Any,
    ) -> Self:
        """Return a fitted estimator with a copy of a network's weights.

        It predicts as the network does, and learns on from there, by `partial_fit`, `learn_one`,
        and `fit` with ``warm_start=True``. Layers without biases have biases of 0, which learn.

        Parameters
        ----------
        net : Network
            With loss log_loss, cross_entropy or hinge.
        classes : array_like of shape (n_classes,), optional
            What the outputs stand for, in ascending order; with one output, first that of 0.
            By default 0, 1, 2, ...; -1 and 1 of a network that learned these by hinge. With
            log_loss and several outputs, samples have several labels, whose names are numbers.
            With hinge and several outputs, naming classes means that they exclude each other.
        feature_names : sequence of str, optional
            Names of the inputs, ``feature_names_in_``.
        **parameters
            Others of the constructor, such as ``solver``.

        Returns
        -------
        MLPClassifier

        Raises
        ------
        TypeError, ValueError
            For networks that are no classifiers, and classes that do not fit.

        Examples
        --------
        >>> from fastperc import MLPClassifier, Network
        >>> net = Network((2, 8, 1), output="sigmoid", loss="log_loss", seed=0)
        >>> history = net.train([[0, 1], [1, 0]], [0, 1], lr=0.5)
        >>> model = MLPClassifier.from_network(net, classes=["no", "yes"])
        >>> model.predict([[0.1, 0.8], [0.9, 0.2]]).tolist()
        ['no', 'yes']
        """
        from .exchange.networks import check_head, checked_classes, fill, parameters_of

        given = parameters_of(net, parameters)
        check_head(net, _HEADS, "MLPClassifier")
        given["loss"] = "hinge" if net.loss_name == "hinge" else "log_loss"
        names, n = checked_classes(classes, net), net.sizes[-1]
        is_multilabel = n > 1 and (
            net.loss_name == "log_loss" or (net.loss_name == "hinge" and classes is None)
        )
        if is_multilabel and not np.array_equal(names, np.arange(n)):
            raise ValueError(
                f"classes: found {classes!r:.60}, expected none, or 0 to {n - 1}: samples have "
                "several labels with loss='log_loss' and several outputs"
            )
        model = cls(**given)
        model._set_classes(binarizer_of(np.eye(n, dtype=int) if is_multilabel else names), names)
        fill(model, net, feature_names)
        return model

    # --- what comes in -----------------------------------------------------------------------

    def _validate_input(
        self, X: Any, y: Any, incremental: bool, reset: bool
    ) -> tuple[Any, np.ndarray]:
        X, y = checked_data(self, X, y, multi_output=True, reset=reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            binarizer = binarizer_of(y)
            self._set_classes(binarizer, binarizer.classes_)
        else:
            if self._labels.loss != self.loss:
                self._take_loss(self.loss)
            self._labels.check(classes_of(y), self.warm_start and not incremental)
        return X, self._labels.targets(y)

    def _set_classes(self, binarizer: LabelBinarizer, classes: np.ndarray) -> None:
        self.classes_ = classes
        self._labels = Labels(binarizer, classes, self.loss)

    def _take_loss(self, loss: str) -> None:
        self._labels = Labels(self._labels.binarizer, self._labels.classes, loss)

    @property
    def _label_binarizer(self) -> LabelBinarizer:
        """For tools that know scikit-learn's networks from the inside; read only."""
        return self._labels.binarizer

    def _learned_loss(self) -> str:
        """Return the loss that the weights were trained on; before training, the one to come."""
        return self.loss if self._settings is None else self._settings.loss

    def _validate_held(self, X: object, y: object) -> tuple[Any, np.ndarray]:
        X, y = checked_data(self, X, y, multi_output=True, reset=False)
        classes = classes_of(y)
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(f"y_val has classes {classes}, expected classes of y: {self.classes_}")
        return X, self._labels.targets(y)

    def _all_weights(
        self, Y: np.ndarray, weight: np.ndarray | None, incremental: bool
    ) -> tuple[np.ndarray | None, bool]:
        class_weight = self.class_weight
        if class_weight is None:
            return weight, False
        if self._labels.are_several:
            if isinstance(class_weight, str) and incremental:
                raise ValueError(
                    "class_weight: found 'balanced' with several labels per sample, which "
                    "partial_fit cannot count. Give a list of dicts, one for each output"
                )
            factors = of_several(class_weight, Y)
        else:
            known = self.__dict__.get("_class_weights") if incremental else None
            counts = known or ClassWeights(self.classes_)
            self._class_weights = counts.after(self._labels.places(Y), weight)
            factors = self._class_weights.of(class_weight, self._labels.places(Y))
        factors = factors if weight is None else factors * weight
        return check_usable(factors, "sample_weight times class_weight"), True

    def _with_class_weights(self, Y: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        if self.class_weight is None:
            return weight
        factors = self._class_weights.of(self.class_weight, self._labels.places(Y))
        return factors if weight is None else factors * weight

    def _take_target(self, buffer: SampleBuffer, y: object) -> float:
        self._labels.write_target(y, buffer.y)
        if self.class_weight is None:
            return 1.0
        weight, _ = self._all_weights(buffer.y[None], None, incremental=True)
        assert weight is not None
        return float(weight[0])

    def _is_plain_target(self, y: np.ndarray) -> bool:
        shape = (1, self.n_outputs_) if self._labels.are_several else (1,)
        return y.dtype.kind in "biufU" and y.shape == shape

    def _output_and_loss(self, now: Settings) -> tuple[str, Loss]:
        if now.loss == "hinge":
            return "identity", LOSSES["hinge"]
        if self._labels.exclude_each_other:
            return "softmax", capped(LOSSES["cross_entropy"])
        return "logistic", capped(LOSSES["log_loss"])

    def _stratify(self, Y: np.ndarray) -> np.ndarray | None:
        return Y > 0 if self.n_outputs_ == 1 else None

    # --- partial_fit and prediction --------------------------------------------------------------

    @only_if(lambda estimator: estimator._check_solver())
    def partial_fit(
        self, X: object, y: object, sample_weight: object = None, classes: object = None
    ) -> Self:
        """Go once through the given samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
        classes : array of shape (n_classes,), optional
            All classes that will ever come; required in the first call.

        Returns
        -------
        self : object
        """
        return self._partial_fit(X, y, sample_weight, classes)

    def _name_classes(self, y: object, classes: object) -> bool:
        first = _check_partial_fit_first_call(self, classes)
        if first:
            with np.errstate(invalid="ignore"):  # what is no number is refused later
                is_multilabel = type_of_target(y).startswith("multilabel")
            self._set_classes(binarizer_of(y if is_multilabel else classes), self.classes_)
        return first

    def _score_of(self, out: np.ndarray, samples: Samples) -> float:
        """Return the accuracy."""
        return self._labels.accuracy(out, samples)

    def predict(self, X: object) -> np.ndarray:
        """Predict labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        check_is_fitted(self)
        return self._labels.of(self._outputs(X))

    @only_if(_gives_probabilities)
    def predict_proba(self, X: object) -> np.ndarray:
        """Estimate probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        out = self._outputs(X)
        if self.n_outputs_ > 1:
            return out
        return np.hstack([1 - out, out])

    @only_if(_gives_probabilities)
    def predict_log_proba(self, X: object) -> np.ndarray:
        """Estimate logarithms of probabilities, exact where these round to 0 or 1.

        They are computed from the last layer's weighted sums, where scikit-learn takes the
        logarithm of a rounded probability.
        """
        check_is_fitted(self)
        z = self._outputs(X, sums=True)
        if self._labels.exclude_each_other:
            z = z - z.max(axis=1, keepdims=True)
            powers = np.exp(z)
            np.put_along_axis(powers, z.argmax(axis=1)[:, None], 0, axis=1)
            return z - np.log1p(powers.sum(axis=1, keepdims=True))
        if self.n_outputs_ == 1:
            return np.hstack([-softplus(z), -softplus(-z)])
        # Where several labels are as good as sure, none of them is to be ahead.
        return np.log(self.predict_proba(X), out=-softplus(-z), where=z > 0)

    @only_if(_gives_margins)
    def decision_function(self, X: object) -> np.ndarray:
        """Return the outputs of a network trained on the hinge loss: positive for the class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        margins : ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        check_is_fitted(self)
        out = self._outputs(X)
        return out[:, 0] if self.n_outputs_ == 1 else out

    def predict_one(self, x: object) -> Any:
        """Predict the label of one sample, in microseconds.

        Parameters
        ----------
        x : sequence of n_features numbers

        Returns
        -------
        label, or ndarray of shape (n_classes,) where samples have several
        """
        buffer = self._buffer_of(x)
        label = self._labels.of_one(self._outputs_of_one(buffer))
        self._buffers.append(buffer)
        return label

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
