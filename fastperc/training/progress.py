"""The progress bar of a training run."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm.auto import tqdm


class ProgressBar:
    """A bar of epochs while its block runs, or nothing."""

    def __init__(self, is_shown: bool, epochs: int):
        self.is_shown, self.epochs = is_shown, epochs
        self.bar: tqdm | None = None

    def __enter__(self) -> ProgressBar:
        if self.is_shown:
            from tqdm.auto import tqdm

            self.bar = tqdm(total=self.epochs, unit="epoch")
        return self

    def show(self, done: int, loss: float) -> None:
        """Show how many epochs are done, and the last one's loss."""
        if self.bar is not None and done > self.bar.n:
            self.bar.set_postfix(loss=f"{loss:.4g}", refresh=False)
            self.bar.update(done - self.bar.n)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.close()
