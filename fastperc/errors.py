"""What fastperc raises beyond ValueError and TypeError."""


class DivergedError(FloatingPointError):
    """Training ran into infinite or undefined numbers.

    It is raised in the epoch in which that happens. The network keeps the weights of the end of
    the last good epoch and can be used, or trained on with a smaller learning rate.

    Attributes
    ----------
    epoch : int
        The epoch that failed, counted from 1.
    cause : str
        The likely cause.
    """

    def __init__(self, epoch: int, cause: str):
        super().__init__(epoch, cause)
        self.epoch = epoch
        self.cause = cause

    def __str__(self) -> str:
        return (
            f"training diverged in epoch {self.epoch}: {self.cause}. "
            "The weights of the last good epoch are kept"
        )


class ModelFileError(ValueError):
    """A file that is not a readable fastperc model; the message names file and broken rule."""
