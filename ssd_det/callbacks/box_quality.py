"""How good boxes and bags are while the refiner learns, where true boxes are known."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torchmetrics import MeanMetric

from ssd_det.batches.batch import RefineBatch
from ssd_det.models.refiner_output import RefinerOutput
from ssd_det.ops.boxes import iou

BEST_OF_BAG = 10
BAG_NAMES = [f"bag_{bag}_{kind}" for bag in "abc" for kind in ("mean", "best", "top10")]
NAMES = ("noisy_iou", "r1_iou", "r2_iou", "r2_above_50", *BAG_NAMES)


class BoxQuality(Callback):
    """Log, for each epoch, the mean IoU with the true boxes of noisy boxes, r1, r2 and the three bags.

    They are running means over the objects trained on, without an extra pass; no decision hangs on them.
    Logged are ``noisy_iou``, ``r1_iou``, ``r2_iou``, ``r2_above_50`` (share of r2 above IoU 0.5) and, for each
    bag, ``bag_a_mean``, ``bag_a_best`` and ``bag_a_top10``.
    """

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin new means, the same ones on every process, whatever its share of the data holds.

        A training that goes on within an epoch does not start this epoch: its means are those of the rest.
        """
        self.means = {name: MeanMetric().to(pl_module.device) for name in NAMES}
        for mean in self.means.values():
            mean.update(0.0, 0.0)

    on_train_epoch_start = on_train_start

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: RefineBatch, batch_idx: int
    ) -> None:
        """Measure one step."""
        known = ~batch.true_boxes.isnan().any(dim=1)
        if known.any():
            quality = measure(outputs["output"], batch.objects.boxes, batch.true_boxes, known)
            for name, value in quality.items():
                self.means[name].update(value, known.sum())

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the means over the objects of all processes, where there are any."""
        for name, mean in self.means.items():
            value = mean.compute()
            if value.isfinite():
                pl_module.log(name, value, sync_dist=True)


def measure(output: RefinerOutput, noisy: Tensor, true: Tensor, known: Tensor) -> dict[str, Tensor]:
    """Mean quality of the boxes and bags of one pass.

    Args:
        output: of the refiner.
        noisy: ``Tensor[G, 4]``, xyxy.
        true: ``Tensor[G, 4]``, xyxy.
        known: ``BoolTensor[G]``, objects whose true box is known; at least one.
    """
    true = true[known]
    refined = iou(output.refined[known], true)
    quality = {
        "noisy_iou": iou(noisy[known], true).mean(),
        "r1_iou": iou(output.r1[known], true).mean(),
        "r2_iou": refined.mean(),
        "r2_above_50": (refined > 0.5).to(refined.dtype).mean(),
    }
    bags = {"a": output.bag_a, "b": output.bag_b}
    if output.stage_two is not None:
        bags["c"] = output.stage_two.proposals
    for name, bag in bags.items():
        overlap = iou(bag[known], true[:, None])
        best = overlap.topk(min(BEST_OF_BAG, overlap.shape[1]), dim=1).values
        quality[f"bag_{name}_mean"] = overlap.mean()
        quality[f"bag_{name}_best"] = best[:, 0].mean()
        quality[f"bag_{name}_top10"] = best.mean()
    return quality
