"""What a signal does to a training: it ends after a step, on all processes, with a checkpoint to go on from.

Lightning's own handler of SIGTERM talks to other processes from within the handler, where they may wait for something
else, and ends with exit code 0 and no checkpoint.
"""

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.strategies.launchers import _SubprocessScriptLauncher

from ssd_det.stopping import STOP_SIGNALS, Stopped, let_go_of_terminal, stopped_by


class StopRequest:
    """Notes that a signal asks the training of this process to end.

    Attributes:
        number: of the first signal; ``None`` before there is one.
    """

    def __init__(self) -> None:
        self.number: int | None = None

    def note(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal.

        Raises:
            Stopped: at once, at a second Ctrl-C.
        """
        if number == self.number == signal.SIGINT:
            raise Stopped(number)
        if number == getattr(signal, "SIGHUP", None):
            let_go_of_terminal()
        self.number = self.number or number

    def of_any_process(self, trainer: Trainer) -> bool:
        """Whether any process of the training was asked to end; all of them have to ask."""
        asked: bool = trainer.strategy.reduce_boolean_decision(self.number is not None, all=False)
        if asked:
            self.number = self.number or signal.SIGTERM
        return asked


def listen(trainer: Trainer, request: StopRequest | None) -> None:
    """Handle the signals that stop commands in place of Lightning's handlers, until its Trainer puts back the former.

    Args:
        trainer: whose handlers have just been set.
        request: what is to note them; ``None`` for the former handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in STOP_SIGNALS:
        former: Any = trainer._signal_connector._original_handlers.get(number)
        if former is not None:
            signal.signal(number, former if request is None or former == signal.SIG_IGN else request.note)


def within_epoch(trainer: Trainer) -> bool:
    """Whether some of the batches of an epoch have been trained on, and others have not."""
    epochs: Any = trainer.fit_loop.epoch_progress.current
    return bool(epochs.processed < epochs.started)


def can_stop(trainer: Trainer) -> bool:
    """Whether a training could go on from here as if it had not been stopped: after a step, or with a checkpoint.

    At the end of an epoch callbacks have their turn to write one; where they did not, the next step is as good.
    """
    if within_epoch(trainer):
        return not trainer.fit_loop._should_accumulate()
    last = _last_checkpoint(trainer)
    return last is None or last._last_global_step_saved == trainer.global_step


def stop(trainer: Trainer, number: int) -> Stopped:
    """Write a checkpoint from which the training goes on, on all processes.

    Args:
        trainer: of the training, which has just ended a step or an epoch.
        number: of the signal.

    Returns:
        What to end with.
    """
    callback = _last_checkpoint(trainer)
    path = _checkpoint_path(callback)
    if callback is not None and path is not None and callback.monitor is None and within_epoch(trainer):
        trainer.save_checkpoint(path, weights_only=False)
    epochs: Any = trainer.fit_loop.epoch_progress.current
    begun = f"{stopped_by(number)} after {epochs.processed} of {trainer.max_epochs} epochs"
    if path is None or not path.is_file():
        return Stopped(number, f"{begun}, without a checkpoint.")
    return Stopped(number, f"{begun}: the same command with --ckpt_path {path} goes on from the last checkpoint.")


def end_launched(trainer: Trainer) -> None:
    """End the processes that Lightning has started beside this one, which ends.

    The thread that watches them would kill this process as soon as one of them has ended.
    """
    launcher = trainer.strategy.launcher
    if isinstance(launcher, _SubprocessScriptLauncher):
        processes = list(launcher.procs)
        launcher.procs.clear()  # the thread's list
        for process in processes:
            process.kill()
            process.wait()


def _last_checkpoint(trainer: Trainer) -> ModelCheckpoint | None:
    """The callback that writes ``last.ckpt`` after epochs, or else another one."""
    callbacks = [callback for callback in trainer.checkpoint_callbacks if isinstance(callback, ModelCheckpoint)]
    return next((callback for callback in callbacks if callback.filename == "last"), next(iter(callbacks), None))


def _checkpoint_path(callback: ModelCheckpoint | None) -> Path | None:
    """Where to write a checkpoint in the middle of an epoch; ``None`` where no training could go on from it."""
    if callback is None or callback.dirpath is None or callback.save_weights_only:
        return None
    return Path(callback.dirpath) / f"last{ModelCheckpoint.FILE_EXTENSION}"
