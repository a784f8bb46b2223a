"""What all linear models share: fitted attributes, checked rows, seeds, calls of training."""

from __future__ import annotations

import warnings
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import (
    _check_sample_weight,
    assert_all_finite,
    check_is_fitted,
    validate_data,
)

from ...kernels.linear_parts.arguments import ADAGRAD, FTRL
from ...model.linear import Linear
from ...training.linear import NO_WEIGHT, SLICE, Orders, Rows, Stopping
from ...training.linear_row import SPARSE_INTERCEPT_DECAY
from ..inputs import Inputs, refuse_dates
from ..versioned import VersionedEstimator
from .rows import canonical

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MAX_INT = np.iinfo(np.int32).max  # as scikit-learn draws its seeds
# What lets weights that are all 0 pass, in versions of scikit-learn that refuse them otherwise.
CAN_ALLOW = "allow_all_zero_weights" in signature(_check_sample_weight).parameters
ALL_ZERO = {"allow_all_zero_weights": True} if CAN_ALLOW else {}


class BaseLinear(VersionedEstimator):
    """A linear model that learns one row at a time; see `SGDClassifier` and `SGDRegressor`."""

    fit_intercept: bool
    max_iter: int
    tol: float | None
    shuffle: bool
    verbose: int
    random_state: int | np.random.RandomState | None
    warm_start: bool
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    n_features: int | None

    n_features_in_: int
    n_iter_: int
    _linear: Linear | None = None
    _sparse: csr_matrix | None = None  # the coefficients, once they are to be sparse

    # --- what the kinds have of their own ---------------------------------------------------------

    def _fields(self) -> dict[str, float]:
        """Return the fields of the kernel's record that the parameters decide on.

        Raises
        ------
        ValueError
            For parameters that exclude each other.
        """
        raise NotImplementedError

    def _shaped(self, values: np.ndarray) -> np.ndarray:
        """Return coefficients of shape (n_outputs, n_features) as ``coef_`` has them."""
        return values

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        if not name.startswith("_") and not name.endswith("_"):  # a parameter
            self.__dict__.pop("_row", None)
            if name == "n_features":
                self.__dict__.pop("_names", None)

    def _take(self, model: Linear) -> None:
        """Make a model that was trained the estimator's."""
        model.settle()
        self._linear, self._sparse = model, None
        self.__dict__.pop("_row", None)

    # --- fitted attributes ------------------------------------------------------------------------

    def _model(self) -> Linear:
        if self._linear is None:
            raise AttributeError(
                f"{type(self).__name__!r} object has no coefficients yet: call fit, partial_fit or "
                "learn_one"
            )
        return self._linear

    @property
    def coef_(self) -> Any:
        """Coefficients, a view of the model: what is written there is used."""
        if self._sparse is not None:
            return self._sparse
        return self._shaped(self._model().learned()[0])

    @coef_.setter
    def coef_(self, value: Any) -> None:
        model = self._model()
        self._sparse = None
        model.learned()[0][:] = np.reshape(value, (model.n_outputs, model.n_features))

    @property
    def intercept_(self) -> np.ndarray:
        """Intercepts, a view of the model."""
        return self._model().learned()[1]

    @intercept_.setter
    def intercept_(self, value: Any) -> None:
        self._model().learned()[1][:] = value

    @property
    def t_(self) -> float:
        """The number of rows that were learned, plus 1."""
        return float(self._model().record["t"])

    def __sklearn_is_fitted__(self) -> bool:
        return self._linear is not None

    def sparsify(self) -> BaseLinear:
        """Convert ``coef_`` to a sparse matrix: smaller where L1 has left many zeros.

        Returns
        -------
        self : object
            Training and `densify` turn it back.
        """
        check_is_fitted(self)
        self._sparse = sparse.csr_matrix(self._model().learned()[0])
        return self

    def densify(self) -> BaseLinear:
        """Convert ``coef_`` back to an array.

        Returns
        -------
        self : object
        """
        check_is_fitted(self)
        self._sparse = None
        return self

    # --- scikit-learn's estimators ----------------------------------------------------------------

    def to_sklearn(self) -> Any:
        """Return scikit-learn's model of the same name, with the same coefficients.

        For tools that go by the type. Its ``partial_fit`` goes on as here.

        Returns
        -------
        estimator of sklearn.linear_model

        Raises
        ------
        ValueError
            For what scikit-learn does not have: FTRL, softmax.

        Warns
        -----
        UserWarning
            Of a learning rate that scikit-learn does not have.
        """
        from ..exchange.linear import to_sklearn

        check_is_fitted(self)
        return to_sklearn(self)

    @classmethod
    def from_sklearn(cls, estimator: object) -> Self:
        """Return a fitted model with parameters and coefficients of scikit-learn's of that name.

        Parameters
        ----------
        estimator : estimator of the same name, of sklearn.linear_model
            Fitted. `partial_fit` goes on as its own would.

        Raises
        ------
        TypeError
            For anything else.
        sklearn.exceptions.NotFittedError
            If it is not fitted.
        """
        from ..exchange.linear import from_sklearn

        return from_sklearn(cls, estimator)

    # --- rows -------------------------------------------------------------------------------------

    def _check(self, X: Inputs, *y: Any, reset: bool, trains: bool = False) -> Any:
        """Return checked rows, and targets.

        Where they are to be trained on, whether large ones are finite is found out on the way:
        looking at all numbers beforehand would take as long as an epoch.
        """
        refuse_dates(X, "X")
        finite = not (trains and self._is_large(X))
        return validate_data(
            self, X, *y, accept_sparse="csr", dtype=[np.float64, np.float32], order="C",
            reset=reset, ensure_all_finite=finite,
        )  # fmt: skip

    def _is_large(self, X: Inputs) -> bool:
        """Return whether rows are so many that another look at all of them would take long."""
        if isinstance(X, np.ndarray):
            size = X.size
        elif sparse.issparse(X):
            size = X.nnz
        else:
            return False
        return size > SLICE and X.dtype.kind == "f" and not self.early_stopping

    def _rows(
        self, X: Inputs, y: np.ndarray, weight: np.ndarray | None, class_weight: np.ndarray | None
    ) -> Rows:
        """Return rows as kernels take them, X and y of the model's dtype."""
        dtype = X.dtype
        if not isinstance(X, np.ndarray):
            X = canonical(X)
        return Rows(
            X, y.astype(dtype, copy=False),
            NO_WEIGHT.astype(dtype) if weight is None else weight.astype(dtype, copy=False),
            NO_WEIGHT if class_weight is None else class_weight,
            partial(assert_all_finite, X, estimator_name=type(self).__name__, input_name="X"),
        )  # fmt: skip

    def _weights(self, sample_weight: Any, X: Inputs) -> np.ndarray | None:
        """Return checked weights of samples; None where they have none."""
        if sample_weight is None:
            return None
        # Where some samples are set aside, `_hold_out` says more about weights that are all 0.
        options = ALL_ZERO if self.early_stopping else {}
        return _check_sample_weight(sample_weight, X, dtype=X.dtype, **options)

    # --- models -----------------------------------------------------------------------------------

    def _all_fields(self, X: Inputs) -> dict[str, float]:
        fields = {"fits_intercept": float(self.fit_intercept), "intercept_decay": 1.0}
        if sparse.issparse(X):
            fields["intercept_decay"] = SPARSE_INTERCEPT_DECAY
        fields.update(self._fields())
        if fields.get("average_from") and fields.get("rule") in (ADAGRAD, FTRL):
            raise ValueError(
                "average: found an average beside learning rates of each coefficient, expected "
                "average=False with learning_rate='adagrad'"
            )
        return fields

    def _beginning(self, n_outputs: int, X: Inputs, coef_init: Any, intercept_init: Any) -> Linear:
        """Return a new model: zeros, or what is given or was learned before."""
        model = Linear(n_outputs, X.shape[1], X.dtype, self._all_fields(X))
        if self.warm_start and self._linear is not None:
            coef_init = self.coef_ if coef_init is None else coef_init
            intercept_init = self.intercept_ if intercept_init is None else intercept_init
        if coef_init is not None:
            if sparse.issparse(coef_init):
                coef_init = coef_init.toarray()
            given = np.asarray(coef_init, X.dtype)
            fits = given.shape == model.coef.shape or (n_outputs == 1 and given.size == X.shape[1])
            if not fits:
                raise ValueError(
                    f"Provided coef_init does not match dataset: found shape {given.shape}, "
                    f"expected {self._shaped(model.coef).shape}"
                )
            model.coef[:] = given.reshape(model.coef.shape)
        if intercept_init is not None:
            given = np.asarray(intercept_init, np.float64)
            if given.shape != (n_outputs,) and not (n_outputs == 1 and given.shape == ()):
                raise ValueError(
                    f"Provided intercept_init does not match dataset: found shape {given.shape}, "
                    f"expected {(n_outputs,)}"
                )
            model.intercept[:] = given
        model.begin_from_given()
        return model

    # --- training ---------------------------------------------------------------------------------

    def _stopping(self, max_iter: int, score: Any) -> Stopping:
        return Stopping(
            max_iter=max_iter,
            tol=-np.inf if self.tol is None else self.tol,
            patience=self.n_iter_no_change,
            score=score,
            verbose=self.verbose > 0,
        )

    def _order(self, n: int, seed: int, held: np.ndarray | None) -> Orders:
        return Orders(n, seed if self.shuffle else None, held)

    def _hold_out(self, y: np.ndarray, weight: np.ndarray | None, splitter: Any) -> Any:
        """Return which rows early stopping sets aside; None without it."""
        if not self.early_stopping:
            return None
        split = splitter(test_size=self.validation_fraction, random_state=self.random_state)
        kept, held = next(split.split(np.zeros((len(y), 1)), y))
        if weight is not None and not np.any(weight[held] > 0):
            raise ValueError(
                "The sample weights for validation set are all zero, consider using a different "
                "random state."
            )
        if not len(kept) or not len(held):
            raise ValueError(
                f"Splitting {len(y)} samples into a train set and a validation set with "
                f"validation_fraction={self.validation_fraction!r} led to an empty set "
                f"({len(kept)} and {len(held)} samples). Please either change "
                "validation_fraction, increase number of samples, or disable early_stopping."
            )
        mask = np.zeros(len(y), bool)
        mask[held] = True
        return mask

    def _warn_of_end(self) -> None:
        if self.tol is not None and self.n_iter_ == self.max_iter:
            warnings.warn(
                "Maximum number of iteration reached before convergence. Consider increasing "
                "max_iter to improve the fit.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _scores_of(self, X: Inputs) -> np.ndarray:
        """Return X's products with the coefficients, of shape (n_samples, n_outputs)."""
        check_is_fitted(self)
        X = self._check(X, reset=False)
        model = self._model()
        coef, intercept = model.learned()
        if self._sparse is not None:
            coef = self._sparse
        return safe_sparse_dot(X, coef.T, dense_output=True) + intercept

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
