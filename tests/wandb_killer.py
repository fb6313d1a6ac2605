"""A callback for tests: it ends wandb's process, a child of this one, in the middle of a training."""

import os
import signal
from pathlib import Path

from lightning.pytorch import Callback


class WandbKiller(Callback):
    """Kills wandb's process as the second epoch begins."""

    def on_train_epoch_start(self, trainer, pl_module):
        """Find the process by its name and by the id of this process, which is among its arguments."""
        if trainer.current_epoch == 1:
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    words = path.read_bytes().split(b"\0")
                except OSError:
                    continue
                if words[0].endswith(b"wandb-core") and str(os.getpid()).encode() in words:
                    os.kill(int(path.parent.name), signal.SIGKILL)
                    print("killed", flush=True)
