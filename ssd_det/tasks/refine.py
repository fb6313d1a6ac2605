"""Training the refiner on noisy boxes alone, and refining boxes with it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from ssd_det.batches.batch import FailedBatch, RefineBatch
from ssd_det.batches.coco_datamodule import CocoDataModule
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.errors import InputError
from ssd_det.models.backbone import Backbone, BackboneName, ExtraLevels
from ssd_det.models.refiner import IMAGENET_MEAN, IMAGENET_STD, Refiner
from ssd_det.models.refiner_head import Merging, RefinerHead, Relevance
from ssd_det.models.refiner_losses import LossWeights
from ssd_det.models.refiner_output import RefinerOutput
from ssd_det.models.signals import box_signals, pass_signals
from ssd_det.models.views import View, look, look_back
from ssd_det.ops.boxes import iou
from ssd_det.ops.sampling import uniform_draws
from ssd_det.tasks.base import TRAINING_ONLY, OptimizerName, Task, check_range
from ssd_det.tasks.noise_estimate import NoiseEstimate
from ssd_det.tasks.noise_estimate import look as look_at_noise

Sampler = Literal["auto", "fixed"]

NOISE = "noise"


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
        sampler: ``auto`` narrows the neighbourhood sampler to the noise of the boxes, estimated while the
            training begins, and takes ``ratios`` and ``offsets`` for those of level 0.4; ``fixed`` leaves them.
        ratios: scales of the neighbourhood sampler; a bag has R² · (1 + 4·S) proposals.
        offsets: its S shifts, in units of the scaled box.
        noise_steps: steps of training after which the noise is estimated, from the later half of them.
        top_k: proposals merged into a box.
        num_negatives: random boxes an image in training.
        image_mean: mean of each colour channel, for images in [0, 1].
        image_std: standard deviation of each colour channel.
        spsd_modules: how often the sampled bag is moved before stage I; published 1, 0 for not at all.
        use_stage1_regressor: move the bag again before stage II; else it is sampled anew.
        use_stage2: the second stage; without it r2 is r1.
        use_sisd: rank stage II's proposals by predicted IoU.
        resample: bag C starts from a new bag around r1 (the paper's text) instead of bag B (its code).
        revalidate: judge bags B and C anew by how far they lie inside the image; as published B has the validity
            of A, and all of C is valid.
        merging: what a proposal counts for in a merge: its ``ranking``, as published, or its ranking times its
            ``agreement`` with the rest of its bag; ``exclusive`` lowers the ranking of proposals that sit on r1 of
            another object of the class in the image.
        weight_by_omega: weigh the loss of the regressor between the stages by ω, the confidence of stage I.
        object_relevance: how SISD takes in the mean feature of a bag: ``add`` as published, ``subtract``,
            ``concatenate``, ``none``, or ``layer``, which adds it and lets a layer with a non-linearity follow,
            without which it changes no ranking.
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
        views: how each image is looked at when refining; boxes are averaged over them.
        noise: what is known of the noise of the boxes.
    """

    NAME = "refiner"
    ACCEPTED = frozenset({"joint model"})
    DATA: ClassVar[type[CocoDataModule]] = RefineDataModule
    COMMANDS = frozenset({"fit", "refine_annotations"})
    FREE = TRAINING_ONLY | {
        "merging",
        "noise_steps",
        "num_negatives",
        "loss_weights",
        "regression_beta",
        "weight_by_omega",
    }

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
        sampler: Sampler = "auto",
        ratios: Sequence[float] = (1.0, 1.2, 1.3, 0.8, 0.7),
        offsets: Sequence[float] = (0.2,),
        noise_steps: int = 1000,
        top_k: int = 7,
        num_negatives: int = 500,
        image_mean: Sequence[float] = IMAGENET_MEAN,
        image_std: Sequence[float] = IMAGENET_STD,
        spsd_modules: int = 1,
        use_stage1_regressor: bool = True,
        use_stage2: bool = True,
        use_sisd: bool = True,
        resample: bool = False,
        revalidate: bool = False,
        merging: Merging = "exclusive",
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
        if sampler == "auto" and not spsd_modules:
            raise InputError("model.sampler is auto, which needs SPSD: set it to fixed, or model.spsd_modules to 1.")
        self.refiner: Refiner | None = None
        self.views: list[View] = [View()]
        self.noise = NoiseEstimate()

    def configure_model(self) -> None:
        """Build the network for the class list."""
        if self.refiner is None:
            self.know_categories()
            self.refiner = self.build_refiner()
            self._fit_sampler()

    @property
    def built_refiner(self) -> Refiner | None:
        """The refiner, once it has been built."""
        return self.refiner

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
                    "resample",
                    "revalidate",
                    "merging",
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

    def on_train_batch_end(  # type: ignore[override]
        self, outputs: dict[str, Any], batch: RefineBatch, batch_idx: int
    ) -> None:
        """Look at what SPSD does as training begins, and when that is done, fit the sampler to the noise."""
        super().on_train_batch_end(outputs, batch, batch_idx)
        steps = self.hparams["noise_steps"]
        if self.hparams["sampler"] == "fixed" or self.noise.level is not None or self.global_step <= steps // 2:
            return
        self.noise.add(outputs["output"], batch.objects)
        if self.global_step >= steps:
            self.noise.conclude(self._over_processes)
            self._fit_sampler()
        if self.noise.level is not None:
            rank_zero_info(
                f"The noise of the boxes is estimated at level {self.noise.level:.2f}: {self._describe_sampler()}."
            )

    def _over_processes(self, sums: Tensor) -> Tensor:
        return cast(Tensor, self.trainer.strategy.reduce(sums.to(self.device), reduce_op="sum"))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what is known of the noise as well."""
        super().on_save_checkpoint(checkpoint)
        checkpoint[NOISE] = self.noise.state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take over what is known of the noise as well."""
        super().on_load_checkpoint(checkpoint)
        self._know_noise(checkpoint)

    def adopt(
        self, path: str | Path, free: frozenset[str] | None = None, accepted: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        """Take over what is known of the noise as well; see :meth:`ssd_det.tasks.base.Task.adopt`."""
        checkpoint = super().adopt(path, free, accepted)
        self._know_noise(checkpoint)
        return checkpoint

    def _know_noise(self, checkpoint: Mapping[str, Any]) -> None:
        """Checkpoints of before there was an estimate have none, and the sampler that their settings say."""
        noise = checkpoint.get(NOISE)
        if noise is None:
            self.hparams["sampler"] = "fixed"
            return
        self.noise.restore(noise)
        self._fit_sampler()

    def _fit_sampler(self) -> None:
        refiner = self.built_refiner
        if refiner is not None and self.noise.level is not None and self.hparams["sampler"] == "auto":
            refiner.head.fit_sampler(self.noise.level)

    def _describe_sampler(self) -> str:
        assert self.built_refiner is not None
        head = self.built_refiner.head
        ratios, offsets = (", ".join(f"{value:.2f}" for value in values) for values in (head.ratios, head.offsets))
        return f"sampler with ratios {ratios} and offsets {offsets}"

    def predict_step(self, batch: RefineBatch | FailedBatch, batch_index: int) -> dict[str, Tensor] | FailedBatch:
        """Refine a batch in every view.

        Returns:
            ``annotation_ids`` [G], ``boxes`` [G, 4] (xyxy in pixels of the original images), ``signals`` [G, 12]
            (:data:`ssd_det.models.signals.SIGNALS`) and ``statistics`` [5, 2], which tell the noise level; or the
            batch itself if it could not be read.
        """
        if isinstance(batch, FailedBatch):
            return batch
        found = [self._refine(batch, view) for view in self.views]
        views = torch.stack([boxes for boxes, _, _ in found])
        signals = torch.stack([values for _, values, _ in found]).mean(dim=0)
        boxes = views.mean(dim=0)
        agreement = iou(views, boxes).mean(dim=0)
        signals = torch.cat([signals, box_signals(boxes, agreement, batch.objects)], dim=1)
        scale = batch.scales[batch.objects.image_index].repeat(1, 2)
        return {
            "annotation_ids": batch.annotation_ids,
            "boxes": boxes / scale,
            "signals": signals,
            "statistics": torch.stack([statistics for _, _, statistics in found]).sum(dim=0),
        }

    def _refine(self, batch: RefineBatch, view: View) -> tuple[Tensor, Tensor, Tensor]:
        """Refine a batch in one view: boxes as seen in no view, what the pass tells of them, and of the noise."""
        assert self.refiner is not None
        images, objects = look(batch.images, batch.objects, view)
        output: RefinerOutput = self.refiner(images, objects)
        boxes = look_back(output.refined, batch.images, batch.objects, view)
        return boxes, pass_signals(output, objects), look_at_noise(output, objects)
