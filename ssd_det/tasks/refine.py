"""Training the refiner on noisy boxes alone, and refining boxes with it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import torch
from torch import Tensor

from ssd_det.data.batch import FailedBatch, Objects, RefineBatch
from ssd_det.data.datamodule import CocoDataModule, RefineDataModule
from ssd_det.errors import InputError
from ssd_det.models.backbone import Backbone, BackboneName, ExtraLevels
from ssd_det.models.refiner import IMAGENET_MEAN, IMAGENET_STD, Refiner
from ssd_det.models.refiner_head import LossWeights, RefinerHead, Relevance
from ssd_det.models.refiner_output import RefinerOutput
from ssd_det.ops.boxes import mirror, mirror_images
from ssd_det.ops.sampling import uniform_draws
from ssd_det.tasks.base import TRAINING_ONLY, OptimizerName, Task, check_range

OBJECTS_AT_ONCE = 32


class RefineTask(Task):
    """SSD-Det's refiner with its losses, optimiser and schedule.

    The network is built when the class list is known, from the data or from a checkpoint.

    Args:
        backbone: torchvision network under the feature pyramid.
        weights: ``null`` for random weights, the name of torchvision weights, or a path to a state_dict.
        frozen_stages: stages of the backbone that are not trained, the stem with the first.
        freeze_batch_norm: keep batch norms on their running statistics; not for random weights.
        fpn_channels: channels of the feature pyramid, a multiple of 32.
        feature_width: D, width of the fully connected layers.
        roi_size: cells along each side of a pooled proposal.
        sampling_ratio: RoIAlign samples along each side of a cell; 0 for adaptive, as published.
        ratios: scales of the neighbourhood sampler; a bag has R² · (1 + 4·S) proposals.
        offsets: its S shifts, in units of the scaled box.
        top_k: proposals merged into a box.
        num_negatives: random boxes an image in training.
        image_mean: mean of each colour channel, for images in [0, 1].
        image_std: standard deviation of each colour channel.
        spsd_modules: how often the sampled bag is moved before stage I; published 1, 0 for not at all.
        use_stage1_regressor: move the bag again before stage II; else it is sampled anew.
        use_stage2: the second stage; without it r2 is r1.
        use_sisd: rank stage II's proposals by predicted IoU.
        weight_by_omega: weigh the loss of the regressor between the stages by ω, the confidence of stage I.
        object_relevance: how SISD takes in the mean feature of a bag: ``add`` as published, ``subtract``,
            ``concatenate`` or ``none``.
        share_sisd_fcs: give SISD the two layers of the MIL stages instead of two of its own, as published.
        loss_weights: weights of the six terms.
        regression_beta: errors below it count quadratically in both regression terms; 0 is L1, as published.
        optimizer: ``sgd`` as published, or ``adamw``, which needs far fewer steps.
        learning_rate: after warm-up.
        momentum: of SGD.
        weight_decay: of either.
        warmup_steps: steps of linear warm-up from 0.001 of the rate.
        milestones: epochs after which the rate is divided by 10.

    Attributes:
        average_over_flip: refine mirrored images as well, and average.
    """

    NAME = "refiner"
    ACCEPTED = frozenset({"joint model"})
    DATA: ClassVar[type[CocoDataModule]] = RefineDataModule
    COMMANDS = frozenset({"fit", "refine_annotations"})
    FREE = TRAINING_ONLY | {"num_negatives", "loss_weights", "regression_beta", "weight_by_omega"}

    def __init__(
        self,
        backbone: BackboneName = "resnet50",
        weights: str | None = "DEFAULT",
        frozen_stages: int = 1,
        freeze_batch_norm: bool = True,
        fpn_channels: int = 256,
        feature_width: int = 1024,
        roi_size: int = 7,
        sampling_ratio: int = 2,
        ratios: Sequence[float] = (1.0, 1.2, 1.3, 0.8, 0.7),
        offsets: Sequence[float] = (0.2,),
        top_k: int = 7,
        num_negatives: int = 500,
        image_mean: Sequence[float] = IMAGENET_MEAN,
        image_std: Sequence[float] = IMAGENET_STD,
        spsd_modules: int = 1,
        use_stage1_regressor: bool = True,
        use_stage2: bool = True,
        use_sisd: bool = True,
        weight_by_omega: bool = True,
        object_relevance: Relevance = "add",
        share_sisd_fcs: bool = False,
        loss_weights: LossWeights = LossWeights(),  # noqa: B008 (frozen)
        regression_beta: float = 0.0,
        optimizer: OptimizerName = "sgd",
        learning_rate: float = 0.02,
        momentum: float = 0.9,
        weight_decay: float = 1e-4,
        warmup_steps: int = 500,
        milestones: Sequence[int] = (8, 11),
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore="loss_weights")
        self.save_hyperparameters({"loss_weights": asdict(loss_weights)})
        self.check_settings()
        check_range(1, self.hparams, "roi_size", "top_k")
        check_range(0, self.hparams, "num_negatives", "sampling_ratio", "regression_beta", "spsd_modules")
        if not ratios or min(ratios) <= 0:
            raise InputError(f"model.ratios is {list(ratios)}: give at least one number above 0.")
        self.refiner: Refiner | None = None
        self.average_over_flip = False

    def configure_model(self) -> None:
        """Build the network for the class list."""
        if self.refiner is None:
            self.refiner = self.build_refiner()

    def build_refiner(self, extra_levels: ExtraLevels | None = None) -> Refiner:
        """Build the refiner for the class list.

        Args:
            extra_levels: what makes levels above P5, for somebody else; the refiner needs none.
        """
        assert self.categories is not None
        settings = self.hparams
        backbone = Backbone(
            settings["backbone"],
            settings["weights"],
            settings["fpn_channels"],
            settings["frozen_stages"],
            settings["freeze_batch_norm"],
            extra_levels=extra_levels,
        )
        head = RefinerHead(
            num_classes=len(self.categories),
            channels=settings["fpn_channels"],
            loss_weights=LossWeights(**settings["loss_weights"]),
            regression_beta=settings["regression_beta"],
            **{
                name: settings[name]
                for name in (
                    "feature_width",
                    "roi_size",
                    "sampling_ratio",
                    "ratios",
                    "offsets",
                    "top_k",
                    "spsd_modules",
                    "use_stage1_regressor",
                    "use_stage2",
                    "use_sisd",
                    "weight_by_omega",
                    "object_relevance",
                    "share_sisd_fcs",
                )
            },
        )
        return Refiner(backbone, head, settings["image_mean"], settings["image_std"])

    def forward(self, batch: RefineBatch, draws: Tensor | None = None) -> RefinerOutput:
        """Refine the boxes of a batch; see :class:`ssd_det.models.refiner.Refiner`."""
        assert self.refiner is not None
        output: RefinerOutput = self.refiner(batch.images, batch.objects, draws)
        return output

    def training_step(self, batch: RefineBatch, batch_index: int) -> dict[str, Any]:
        """Compute and log the losses; what the step found goes to the callbacks."""
        assert self.refiner is not None
        draws = uniform_draws(batch.seeds, self.hparams["num_negatives"]).to(batch.images.device)
        output = self(batch, draws)
        return self.finish_step(self.refiner.head.losses(output, batch.objects), output, len(batch.images))

    def finish_step(self, terms: Mapping[str, Tensor], output: RefinerOutput, count: int) -> dict[str, Any]:
        """Log the losses, and hand on to the callbacks what the step found.

        Args:
            terms: scalars, by name.
            output: of the refiner.
            count: images in the batch.
        """
        loss = self.log_losses(terms, count)
        self.log("omega", output.omega.mean() if len(output.omega) else 0.0, prog_bar=True, batch_size=count)
        return {"loss": loss, "output": output}

    def predict_step(self, batch: RefineBatch | FailedBatch, batch_index: int) -> dict[str, Tensor] | FailedBatch:
        """Refine a batch.

        Returns:
            ``annotation_ids`` [G], ``boxes`` [G, 4] (xyxy in pixels of the original images) and
            ``scores`` [G] in [0, 1]; or the batch itself if it could not be read.
        """
        if isinstance(batch, FailedBatch):
            return batch
        boxes, scores = self._refine(batch.images, batch.objects)
        if self.average_over_flip:
            # Images are padded on the right: mirror each inside its own width.
            widths = batch.objects.image_sizes[:, 1]
            object_widths = widths[batch.objects.image_index]
            objects = batch.objects._replace(boxes=mirror(batch.objects.boxes, object_widths))
            flipped, flipped_scores = self._refine(mirror_images(batch.images, widths), objects)
            boxes = (boxes + mirror(flipped, object_widths)) / 2
            scores = (scores + flipped_scores) / 2
        scale = batch.scales[batch.objects.image_index].repeat(1, 2)
        return {"annotation_ids": batch.annotation_ids, "boxes": boxes / scale, "scores": scores}

    def _refine(self, images: Tensor, objects: Objects) -> tuple[Tensor, Tensor]:
        """Refined boxes and scores, some objects at a time, to bound memory."""
        assert self.refiner is not None
        features = self.refiner.features(images, objects.image_sizes)
        parts = torch.split(torch.arange(len(objects.boxes), device=images.device), OBJECTS_AT_ONCE)
        outputs = [self.refiner.head(features, objects.only(part)) for part in parts]
        return torch.cat([o.refined for o in outputs]), torch.cat([o.score for o in outputs])
