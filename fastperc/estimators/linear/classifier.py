"""What all linear classifiers share: labels, one class against the others, predictions."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.parallel import Parallel, delayed

from ...kernels.linear_parts.arguments import LOG_LOSS, SOFTMAX
from ...model.linear import Linear
from ...training.linear import Rows, train
from ..attempt import Attempt
from .base import MAX_INT, BaseLinear
from .rows import scores


class LinearClassifier(ClassifierMixin, BaseLinear):
    """A linear classifier; see `SGDClassifier`."""

    class_weight: dict | str | None
    n_jobs: int | None
    order: str
    multi_class: str = "ovr"

    classes_: np.ndarray

    # --- fit ---------------------------------------------------------------------------------------

    def _fit(self, X: Any, y: Any, coef_init: Any, intercept_init: Any, weight: Any) -> Self:
        with Attempt(self, self.random_state) as attempt:
            X, y = self._check(X, y, reset=True)
            classes = unique_labels(np.unique(y))
            _check_several(classes)
            places = places_of(y, classes)
            weight = self._weights(weight, X)
            n_outputs = self._n_outputs(classes)
            model = self._beginning(n_outputs, X, coef_init, intercept_init)
            self.classes_ = classes
            self._train(attempt, model, X, places, weight, y, self.max_iter)
        self._warn_of_end()
        return self

    def _partial_fit(self, X: Any, y: Any, classes: Any, weight: Any) -> Self:
        with Attempt(self, self.random_state) as attempt:
            first = self._linear is None
            self._check_partial(first, classes)
            X, y = self._check(X, y, reset=first)
            if first:
                self.classes_ = unique_labels(classes)
                _check_several(self.classes_)
                model = self._beginning(self._n_outputs(self.classes_), X, None, None)
            else:
                model = self._model().with_options(self._all_fields(X))
                X = X.astype(model.theta.dtype, copy=False)
            places = places_of(y, self.classes_)
            weight = self._weights(weight, X)
            self._train(attempt, model, X, places, weight, y, 1)
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
        self, attempt: Attempt, model: Linear, X: Any, places: np.ndarray,
        weight: np.ndarray | None, y: np.ndarray, max_iter: int,
    ) -> None:  # fmt: skip
        """Train a model, and make it the estimator's."""
        class_weight = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        before = float(model.record["t"])
        if model.n_outputs == 1:
            n_iter, mistakes = self._train_binary(
                model, X, places == 1, weight, class_weight, self.random_state, None, max_iter
            )
        elif self.order == "shared" or self.multi_class == "multinomial":
            n_iter, mistakes = self._train_together(
                model, X, places, weight, class_weight, max_iter
            )
        else:
            n_iter, mistakes = self._train_each(model, X, places, weight, class_weight, max_iter)
        model.settle()
        model.record["t"] = before + n_iter * X.shape[0]
        if model.n_outputs > 1:
            model.class_weight[:-1] = class_weight
        else:
            model.class_weight[:] = class_weight
        self._linear, self._sparse, self.n_iter_ = model, None, n_iter
        attempt.keep()
        self._note(X, places, mistakes)

    def _note(self, X: Any, places: np.ndarray, mistakes: list[int]) -> None:
        """Record what a training teaches beside its coefficients."""

    def _train_binary(
        self, model: Linear, X: Any, is_own: np.ndarray, weight: np.ndarray | None,
        class_weight: np.ndarray, seed: Any, held: np.ndarray | None, max_iter: int,
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
        if class_weight[0] != 1 or class_weight[1] != 1:
            factors = np.where(is_own, class_weight[1], class_weight[0])
            factors = factors if weight is None else factors * weight
        score = None
        if held is not None:
            X_held, is_own_held = X[held], is_own[held]
            weight_held = None if weight is None else weight[held]

            def score(model: Linear) -> float:
                right = (scores(X_held, *model.current())[:, 0] > 0) == is_own_held
                return float(np.average(right, weights=weight_held))

        rows = self._rows(X, y, factors, None)
        order = self._order(len(y), drawn, held)
        return train(model, rows, order, self._stopping(max_iter, score))

    def _train_each(
        self, model: Linear, X: Any, places: np.ndarray, weight: np.ndarray | None,
        class_weight: np.ndarray, max_iter: int,
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
                outputs[k], X, places == k, weight, factors, seeds[k], held, max_iter
            )

        if self.n_jobs in (None, 1):
            found = [run(k) for k in range(model.n_outputs)]
        else:
            jobs = Parallel(n_jobs=self.n_jobs, require="sharedmem")
            found = jobs(delayed(run)(k) for k in range(model.n_outputs))
        for k, output in enumerate(outputs):
            model.put(k, output)
        n_iter = max(n for n, _ in found)
        each = np.zeros(n_iter, np.int64)
        for n, mistakes in found:
            each[:n] += mistakes
            each[n:] += mistakes[-1]
        return n_iter, each.tolist()

    def _train_together(
        self, model: Linear, X: Any, places: np.ndarray, weight: np.ndarray | None,
        class_weight: np.ndarray, max_iter: int,
    ) -> tuple[int, list[int]]:  # fmt: skip
        """Train all outputs on each row while it is in the cache."""
        stream = check_random_state(self.random_state)
        stream.randint(1, MAX_INT)
        held = self._hold_out(places, weight, StratifiedShuffleSplit)
        drawn = int(stream.randint(MAX_INT))
        score = None
        if held is not None:
            X_held, places_held = X[held], places[held]
            weight_held = None if weight is None else weight[held]

            def score(model: Linear) -> float:
                right = scores(X_held, *model.current()).argmax(axis=1) == places_held
                return float(np.average(right, weights=weight_held))

        factors = None if (class_weight == 1).all() else class_weight.astype(np.float64)
        rows = self._rows(X, places, weight, factors)
        order = self._order(len(places), drawn, held)
        return train(model, rows, order, self._stopping(max_iter, score))

    # --- predictions -------------------------------------------------------------------------------

    def decision_function(self, X: Any) -> np.ndarray:
        """Compute the scores of samples: signed distances from the boundary, times ``|coef_|``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            With two classes, one number: greater than 0 for ``classes_[1]``.
        """
        found = self._scores_of(X)
        return found[:, 0] if found.shape[1] == 1 else found

    def predict(self, X: Any) -> np.ndarray:
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
        return self.classes_[places]

    def _probabilities(self, X: Any) -> np.ndarray:
        """Return the probability of each class, of shape (n_samples, n_classes)."""
        model = self._model()
        return probabilities(self._scores_of(X), int(model.record["loss"]))


def probabilities(found: np.ndarray, loss: int) -> np.ndarray:
    """Turn scores of shape (n, n_outputs) into probabilities of shape (n, n_classes)."""
    if loss == SOFTMAX:
        powers = np.exp(found - found.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    if loss == LOG_LOSS:
        with np.errstate(over="ignore"):  # exp of a large number is infinite: the sigmoid is 0
            each = 1.0 / (1.0 + np.exp(-found))
    else:
        each = (np.clip(found, -1, 1) + 1) / 2
    if each.shape[1] == 1:
        return np.hstack([1 - each, each])
    each[each.sum(axis=1) == 0] = 1.0
    return each / each.sum(axis=1, keepdims=True)


def places_of(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the places of labels among the sorted classes."""
    places = np.zeros(len(y), np.intp)
    if len(classes) == 2:
        places[y == classes[1]] = 1
    else:
        places = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    strange = classes[places] != y
    if np.any(strange):
        raise ValueError(
            f"`y` has classes not in `self.classes_`. `self.classes_` has {classes}. 'y' has "
            f"{np.unique(y[strange])}. The first call to partial_fit has to name all classes"
        )
    return places


def _check_several(classes: np.ndarray) -> None:
    if len(classes) < 2:
        raise ValueError(
            f"The number of classes has to be greater than one; got {len(classes)} class"
        )
