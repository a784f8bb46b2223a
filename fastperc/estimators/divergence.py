"""What is raised where training diverges."""

from ..errors import DivergedError

NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed. Use a smaller learning_rate_init, or scale='standard'"
)


class NonFiniteWeightsError(DivergedError, ValueError):
    """Training diverged; a ValueError too, as scikit-learn has it."""
