"""wandb that ends with a warning where it fails: nothing that is tracked is worth the work that it is tracked of."""

import atexit
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from lightning.fabric.loggers.logger import _DummyExperiment
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import Logger, WandbLogger

from ssd_det.console import say
from ssd_det.errors import InputError

PROBE = bytes(4096)


class TolerantWandbLogger(WandbLogger):
    """A logger that gives up, once and for all, when wandb's process has ended or its folder cannot be written.

    Args:
        logger: one that has not begun, whose settings it takes over.
    """

    def __init__(self, logger: WandbLogger) -> None:
        vars(self).update(vars(logger))
        self.has_given_up = False

    @property
    def experiment(self) -> Any:
        """The run, which is begun where it is not yet; one that takes anything and keeps nothing after giving up."""
        if self._experiment is None and not self.has_given_up:
            with self.giving_up():
                begun = super().experiment
                if self._experiment is not None:
                    # After wandb's own, so that it is called before: that one would fail with a traceback.
                    atexit.register(self._look_after)
                return begun
        return self._experiment or _DummyExperiment()

    @contextmanager
    def giving_up(self) -> Iterator[None]:
        """Give up, with a warning, if wandb fails in the block.

        Raises:
            InputError: as it is raised in the block, as this is not about wandb.
        """
        try:
            yield
        except InputError:
            raise
        except Exception as error:
            self._give_up(error)

    def log_hyperparams(self, params: Any) -> None:
        """Log settings, unless it has given up."""
        if not self.has_given_up:
            with self.giving_up():
                super().log_hyperparams(params)

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        """Log numbers, unless it has given up."""
        if not self.has_given_up:
            with self.giving_up():
                super().log_metrics(metrics, step)

    def after_save_checkpoint(self, checkpoint_callback: ModelCheckpoint) -> None:
        """Log checkpoints where ``log_model`` asks for them, unless it has given up."""
        if not self.has_given_up:
            with self.giving_up():
                super().after_save_checkpoint(checkpoint_callback)

    def finalize(self, status: str) -> None:
        """Log the last checkpoints where ``log_model`` asks for them, unless it has given up."""
        if not self.has_given_up:
            with self.giving_up():
                super().finalize(status)

    def _give_up(self, error: Exception) -> None:
        """Say so, and leave nothing behind that fails at the end of this process."""
        import wandb  # noqa: PLC0415 (it takes half a second, also where nothing is logged)

        if not self.has_given_up:
            reason = " ".join(str(error).split()) or type(error).__name__
            say(f"Warning: wandb has failed ({reason}): nothing more is tracked; all else goes on.")
        self.has_given_up = True
        self._experiment = None
        for end in (wandb.finish, wandb.teardown):
            with suppress(Exception, SystemExit):
                end(exit_code=1)
        wandb.run = None  # one that could not be ended would be the next training's

    def _look_after(self) -> None:
        """Find out, at the end of the process, whether wandb was there to the last."""
        import wandb  # noqa: PLC0415

        run = self._experiment
        if run is not None and run is wandb.run:
            with self.giving_up():
                run.status()
                with TemporaryFile(dir=Path(run.dir)) as file:
                    file.write(PROBE)


def tolerant(logger: Any) -> Any:
    """A logger that gives up where wandb fails, in the place of wandb's; any other setting as it is."""
    return TolerantWandbLogger(logger) if type(logger) is WandbLogger else logger


def working(loggers: Iterable[Logger]) -> list[WandbLogger]:
    """Those loggers that hand on to wandb and have not given up."""
    return [
        logger for logger in loggers if isinstance(logger, WandbLogger) and not getattr(logger, "has_given_up", False)
    ]


def giving_up(logger: WandbLogger) -> AbstractContextManager[None]:
    """Let a logger give up if wandb fails in the block; one of another kind raises its error."""
    return logger.giving_up() if isinstance(logger, TolerantWandbLogger) else nullcontext()
