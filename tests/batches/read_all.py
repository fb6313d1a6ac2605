"""A program that reads all images of the demo in two processes, for training or, told ``refine``, for refining."""

import sys

from ssd_det.batches.batch import FailedBatch
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.errors import InputError

if __name__ == "__main__":
    data = RefineDataModule("noisy.json", "images", 480, 640, 2, 2)
    loader = data.to_refine().loader(1) if sys.argv[1] == "refine" else data.train_dataloader()
    try:
        for batch in loader:
            if isinstance(batch, FailedBatch):
                raise InputError(batch.sentence)
    except InputError as error:
        print(error.sentence)
