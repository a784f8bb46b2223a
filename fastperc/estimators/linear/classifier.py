"""What all linear classifiers share: labels, one class against the others, predictions."""

from __future__ import annotations

import math
import os
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.parallel import Parallel, delayed

from ...checkpointing import resumable
from ...deadline import Deadline
from ...kernels.linear_parts.arguments import LOG_LOSS
from ...model.linear import Linear
from ...training.checkpoints import branches
from ...training.linear import train
from ..attempt import Attempt
from ..class_weights import balanced, chosen, plain
from ..draws import streams_of
from ..inputs import Inputs
from ..typed import fits, only_if
from .base import MAX_INT
from .endings import train_once, train_to_a_good_end
from .held_out import accuracy_of_largest, accuracy_of_signs, score_of
from .labels import check_label, check_several, distinct, places_of, targets_of, unknown, with_label
from .online import Part, UnknownLabelError
from .probabilities import probabilities, probabilities_of_one
from .progressive import ProgressiveLinear, values_of_labels


def _gives_probabilities(model: LinearClassifier) -> bool:
    loss = getattr(model, "loss", "perceptron")
    if loss not in ("log_loss", "modified_huber"):
        raise AttributeError(f"probability estimates are not available for loss={loss!r}")
    return True


class LinearClassifier(ClassifierMixin, ProgressiveLinear):
    """A linear classifier; see `SGDClassifier`."""

    class_weight: dict | str | None
    n_jobs: int | None
    order: str
    multi_class: str = "ovr"

    metrics = ("accuracy", "log_loss")
    _classes: np.ndarray
    _labels: list[Any]  # the same, as Python objects
    _targets: dict[Any, float]  # what each label is to a kernel, for rows that come one by one
    _may_grow = False  # whether labels may be added, as they come

    # --- fit --------------------------------------------------------------------------------------

    @fits
    @resumable(streams_of)
    def fit(
        self, X: object, y: object, coef_init: object = None, intercept_init: object = None,
        sample_weight: object = None, *, checkpoint: str | os.PathLike | None = None,
        every: str | int = "60s", resume: bool = False,
    ) -> Self:  # fmt: skip
        """Fit the model to X and y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        coef_init : array-like of shape (n_classes, n_features), optional
            Coefficients to begin with; of two classes there is one row.
        intercept_init : array-like of shape (n_classes,), optional
        sample_weight : array-like of shape (n_samples,), optional
            Factors of the steps on the samples.
        checkpoint, every, resume
            A file in which to keep training, how often, and whether to go on from it; as of
            `MLPClassifier.fit`.

        Returns
        -------
        self : object
        """
        return self._fit(X, y, coef_init, intercept_init, sample_weight)

    @fits
    def partial_fit(
        self, X: object, y: object, classes: object = None, sample_weight: object = None
    ) -> Self:
        """Go once through X and y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,), optional
            All labels that will ever come; the first call has to name them.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self : object
        """
        return self._partial_fit(X, y, classes, sample_weight)

    def _fit(self, X: Inputs, y: Any, coef_init: Any, intercept_init: Any, weight: Any) -> Self:
        with Attempt(self, self.random_state) as attempt:
            X, y = self._check(X, y, reset=True, trains=True)
            self.__dict__.pop("_names", None)
            classes = unique_labels(distinct(y))
            check_several(classes)
            places = places_of(y, classes)
            weight = self._weights(weight, X)
            n_outputs = self._n_outputs(classes)
            self.classes_ = classes
            train_to_a_good_end(
                self, lambda: self._beginning(n_outputs, X, coef_init, intercept_init),
                lambda *run: self._train(attempt, X, places, weight, *run),
            )  # fmt: skip
        self._warn_of_end()
        return self

    def _partial_fit(self, X: Inputs, y: Any, classes: Any, weight: Any) -> Self:
        with Attempt(self, self.random_state) as attempt:
            first = self._linear is None
            self._check_partial(first, classes)
            X, y = self._check(X, y, reset=first, trains=True)
            if first:
                self.classes_ = unique_labels(classes)
                check_several(self.classes_)
                model = self._beginning(self._n_outputs(self.classes_), X, None, None)
            else:
                model = self._model().with_options(self._all_fields(X))
                X = X.astype(model.theta.dtype, copy=False)
            places = places_of(y, self.classes_)
            weight = self._weights(weight, X)

            def run(model: Linear, epochs: int, deadline: Deadline) -> None:
                self._train(attempt, X, places, weight, model, epochs, deadline, goes_on=True)

            train_once(self, model, run)
        return self

    def _check_partial(self, first: bool, classes: Any) -> None:
        if self.early_stopping:
            raise ValueError("early_stopping should be False with partial_fit")
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit. In order to use "
                "'balanced' weights, use compute_class_weight('balanced', classes=classes, y=y). "
                "In place of y you can use a large enough sample of the full training set target "
                "to properly estimate the class frequency distributions. Pass the resulting "
                "weights as the class_weight parameter."
            )
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if not first and classes is not None and not np.array_equal(
            self.classes_, unique_labels(classes)
        ):  # fmt: skip
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                f"{self.classes_!r}"
            )

    def _n_outputs(self, classes: np.ndarray) -> int:
        return len(classes) if len(classes) > 2 or self.multi_class == "multinomial" else 1

    def _train(
        self, attempt: Attempt, X: Inputs, places: np.ndarray, weight: np.ndarray | None,
        model: Linear, max_iter: int, deadline: Deadline, goes_on: bool = False,
    ) -> None:  # fmt: skip
        """Train a model, and make it the estimator's."""
        class_weight = np.ones(len(self.classes_))
        if self.class_weight is not None:
            counts = np.bincount(places, minlength=len(self.classes_))
            is_balanced = isinstance(self.class_weight, str)
            class_weight = (
                balanced(counts) if is_balanced else chosen(self.class_weight, self._labels)
            )
        before = float(model.record["t"])
        from_zeros = not (goes_on or model.coef.any() or model.intercept.any())
        ends = max_iter, deadline
        if model.n_outputs == 1:
            is_last = places == len(self.classes_) - 1
            n_iter, mistakes = self._train_binary(
                model, X, is_last, weight, class_weight, self.random_state, None, *ends
            )
        elif self.order == "shared" or self.multi_class == "multinomial":
            n_iter, mistakes = self._train_together(model, X, places, weight, class_weight, *ends)
        else:
            n_iter, mistakes = self._train_each(model, X, places, weight, class_weight, *ends)
        self._take(model)
        model.record["t"] = before + n_iter * X.shape[0]
        if model.n_outputs > 1:
            model.class_weight[:-1] = class_weight
        else:
            model.class_weight[:] = class_weight
        self.n_iter_, self._may_grow = n_iter, False
        attempt.keep()
        self._note(X, places, mistakes, weight is None and from_zeros)

    def _note(self, X: Inputs, places: np.ndarray, mistakes: list[int], is_plain: bool) -> None:
        """Record what a training teaches beside its coefficients.

        ``is_plain``: it began at the beginning, and all samples count alike.
        """

    def _train_binary(
        self, model: Linear, X: Inputs, is_own: np.ndarray, weight: np.ndarray | None,
        class_weight: np.ndarray, seed: Any, held: np.ndarray | None, max_iter: int,
        deadline: Deadline,
    ) -> tuple[int, list[int]]:  # fmt: skip
        """Train one output: for the samples of a class, against all others."""
        low = 0.0 if model.record["loss"] == LOG_LOSS else -1.0
        y = np.where(is_own, X.dtype.type(1.0), X.dtype.type(low))
        stream = check_random_state(seed)
        stream.randint(1, MAX_INT)  # scikit-learn draws one number before that of the shuffle
        if held is None:
            held = self._hold_out(y, weight, StratifiedShuffleSplit)
        drawn = int(stream.randint(MAX_INT))
        factors = weight
        if (class_weight != 1).any():
            factors = np.where(is_own, class_weight[-1], class_weight[0])
            factors = factors if weight is None else factors * weight
        score = score_of(held, X, is_own, weight, accuracy_of_signs)
        rows = self._rows(X, y, factors, None)
        order = self._order(len(y), drawn, held)
        return train(model, rows, order, self._stopping(max_iter, score), deadline)

    def _train_each(
        self, model: Linear, X: Inputs, places: np.ndarray, weight: np.ndarray | None,
        class_weight: np.ndarray, max_iter: int, deadline: Deadline,
    ) -> tuple[int, list[int]]:  # fmt: skip
        """Train one output after another, each in an order of its own, as scikit-learn does."""
        if not isinstance(X, np.ndarray):
            X = self._rows(X, places, None, None).X
        held = self._hold_out(places, weight, StratifiedShuffleSplit)
        seeds = check_random_state(self.random_state).randint(MAX_INT, size=model.n_outputs)
        outputs = [model.output(k) for k in range(model.n_outputs)]

        def run(k: int) -> tuple[int, list[int]]:
            factors = np.array([1.0, class_weight[k]])
            return self._train_binary(
                outputs[k], X, places == k, weight, factors, seeds[k], held, max_iter, deadline
            )

        run_each = branches(run)
        if self.n_jobs in (None, 1):
            found = [run_each(k, k) for k in range(model.n_outputs)]
        else:
            jobs = Parallel(n_jobs=self.n_jobs, require="sharedmem")
            found = jobs(delayed(run_each)(k, k) for k in range(model.n_outputs))
        for k, output in enumerate(outputs):
            model.put(k, output)
        n_iter = max(n for n, _ in found)
        each = np.zeros(n_iter, np.int64)
        for n, mistakes in found:
            each[:n] += np.asarray(mistakes, np.int64)
            each[n:] += mistakes[-1] if mistakes else 0
        return n_iter, each.tolist()

    def _train_together(
        self, model: Linear, X: Inputs, places: np.ndarray, weight: np.ndarray | None,
        class_weight: np.ndarray, max_iter: int, deadline: Deadline,
    ) -> tuple[int, list[int]]:  # fmt: skip
        """Train all outputs on each row while it is in the cache."""
        stream = check_random_state(self.random_state)
        stream.randint(1, MAX_INT)
        held = self._hold_out(places, weight, StratifiedShuffleSplit)
        drawn = int(stream.randint(MAX_INT))
        score = score_of(held, X, places, weight, accuracy_of_largest)
        factors = None if (class_weight == 1).all() else class_weight.astype(np.float64)
        rows = self._rows(X, places, weight, factors)
        order = self._order(len(places), drawn, held)
        return train(model, rows, order, self._stopping(max_iter, score), deadline)

    # --- predictions ------------------------------------------------------------------------------

    def decision_function(self, X: object) -> np.ndarray:
        """Compute the scores of samples: signed distances from the boundary, times ``|coef_|``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            With two classes, one number: greater than 0 for ``classes_[1]``. Of
            ``multi_class="multinomial"`` it is the difference of the two scores, the log-odds.
        """
        found = self._scores_of(X)
        if found.shape[1] == 2 == len(self.classes_):
            return found[:, 1] - found[:, 0]
        return found[:, 0] if found.shape[1] == 1 else found

    def predict(self, X: object) -> np.ndarray:
        """Predict the class of each sample.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        found = self.decision_function(X)
        places = (found > 0).astype(np.intp) if found.ndim == 1 else found.argmax(axis=1)
        return self.classes_[np.minimum(places, len(self.classes_) - 1)]

    # --- one row at a time ------------------------------------------------------------------------

    def predict_one(self, x: object) -> Any:
        """Predict the class of one row, in about a microsecond.

        Parameters
        ----------
        x : array-like of n_features numbers, row of a sparse matrix, or dict of str to number

        Returns
        -------
        label
        """
        score, row = self._score_of_one(x)
        self._readers.append(row)
        labels = self._labels
        if len(row.scores) == 1:
            return labels[-1 if score > 0 else 0]
        return labels[min(int(score), len(labels) - 1)]

    @only_if(_gives_probabilities)
    def predict_proba_one(self, x: object) -> dict[Any, float]:
        """Estimate the probability of each class for one row.

        Parameters
        ----------
        x : array-like of n_features numbers, row of a sparse matrix, or dict of str to number

        Returns
        -------
        dict of label to float
        """
        _, row = self._score_of_one(x)
        shares = probabilities_of_one(row.scores.tolist(), int(self._model().record["loss"]))
        self._readers.append(row)
        if len(self._labels) == 1:
            return {self._labels[0]: 1.0}
        return dict(zip(self._labels, shares, strict=True))

    @property
    def classes_(self) -> np.ndarray:
        """The labels, sorted."""
        if "_classes" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no classes yet: call fit")
        return self._classes

    @classes_.setter
    def classes_(self, value: np.ndarray) -> None:
        self._classes, self._labels = value, value.tolist()

    def _target_of(self, y: Any) -> float:
        try:
            return self._targets[y]
        except (KeyError, TypeError):
            raise UnknownLabelError(y) from None

    def _targets_of(self, y: np.ndarray) -> np.ndarray:
        places = places_of(y, self.classes_).astype(np.float64)
        if self._model().n_outputs > 1:
            return places
        low = self._low()
        return np.where(places == len(self.classes_) - 1, 1.0, low)

    def _values_of(self, metric: str, y: np.ndarray, part: Part) -> np.ndarray:
        loss = int(self._model().record["loss"])
        values = values_of_labels(metric, part.outputs, y, part.classes, loss)
        if part.begins_new:
            values[0] = math.log(len(part.classes)) if metric == "log_loss" else 0.0
        return values

    def _check_metric(self, metric: str) -> None:
        if metric == "log_loss":
            _gives_probabilities(self)

    def _first_of_new(self, y: np.ndarray) -> list[int]:
        labels = distinct(y)
        new = labels[~np.isin(labels, self.classes_)]
        return [int(np.argmax(y == label)) for label in new]

    def _low(self) -> float:
        """Return the target of what is not the class."""
        return 0.0 if self._model().record["loss"] == LOG_LOSS else -1.0

    def _empty(self, y: Any) -> Linear:
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight: found 'balanced', expected a dict or None where rows come one by "
                "one: how often each class comes is not known beforehand"
            )
        check_label(plain(y))
        self.classes_, self._may_grow = np.array([plain(y)]), True
        n_outputs = 2 if self.multi_class == "multinomial" else 1
        return Linear(n_outputs, self.n_features_in_, np.dtype(np.float64), self._all_fields(None))

    def _grow_classes(self, y: Any) -> None:
        y = plain(y)
        check_label(y)
        try:
            if y in self._targets:
                return
        except TypeError:
            raise TypeError(f"y: found {y!r:.60}, expected a label") from None
        if not self._may_grow:
            raise unknown(y, self.classes_)
        model = self._model()
        labels, outputs = with_label(self.classes_.tolist(), y, model.n_outputs)
        self.classes_ = np.array(labels)
        self._replace(model.rearranged(outputs, model.n_features))

    def _new_row(self) -> None:
        model = self._model()
        self._targets = targets_of(self.classes_, model.n_outputs, self._low())
        if isinstance(self.class_weight, dict):
            found = [float(self.class_weight.get(label, 1.0)) for label in self.classes_.tolist()]
            if model.n_outputs == 1 and len(found) == 1:
                found = [1.0, *found]
            model.class_weight[: len(found)] = found

    @only_if(_gives_probabilities)
    def predict_proba(self, X: object) -> np.ndarray:
        """Estimate the probability of each class, for log loss and modified Huber loss.

        Several classes learned one against the others have their probabilities divided by the sum
        (Zadrozny and Elkan 2002); with ``multi_class="multinomial"`` they are softmax's.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        found = self._scores_of(X)
        return probabilities(found, int(self._model().record["loss"]))

    @only_if(_gives_probabilities)
    def predict_log_proba(self, X: object) -> np.ndarray:
        """Estimate logarithms of probabilities; minus infinity for those of 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        logarithms : ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))
