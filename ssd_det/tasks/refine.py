"""Training the refiner on noisy boxes alone."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from torch import Tensor

from ssd_det.batches.batch import FailedBatch, RefineBatch
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.errors import InputError
from ssd_det.models.backbone import BackboneName
from ssd_det.models.bag_features import Relevance
from ssd_det.models.bag_merging import Merging
from ssd_det.models.refiner import IMAGENET_MEAN, IMAGENET_STD, Refiner, build_refiner
from ssd_det.models.refiner_losses import LossWeights
from ssd_det.models.refiner_output import RefinerOutput
from ssd_det.models.settings import taken_by
from ssd_det.ops.device_values import copied_to
from ssd_det.ops.sampling import uniform_draws
from ssd_det.tasks.base import TRAINING_ONLY
from ssd_det.tasks.optimisation import OptimizerName
from ssd_det.tasks.refiner_training import RefinerTraining, StepResult
from ssd_det.tasks.setting_ranges import check_range

Sampler = Literal["auto", "fixed"]
MOST_SPSD_MODULES = 100  # published 1; each is a layer, and a pass over all proposals


class RefineTask(RefinerTraining):
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
        stage2_proposals: how many proposals of each bag go on to stage II, those that stage I ranks highest; 0 for all,
            as published. Fewer save time and memory where images have many objects.
        training_proposals: how many random proposals of each bag take part in a training step, others in the next; 0
            for all, as published. Refining takes all. Fewer save time and memory where images have many objects.
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
    """

    NAME = "refiner"
    ACCEPTED = frozenset({"joint model"})
    DATA = RefineDataModule
    COMMANDS = frozenset({"fit", "validate", "refine_annotations"})
    FREE = TRAINING_ONLY | {
        "merging",
        "noise_steps",
        "num_negatives",
        "loss_weights",
        "regression_beta",
        "stage2_proposals",
        "training_proposals",
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
        stage2_proposals: int = 0,
        training_proposals: int = 0,
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
        self.refiner: Refiner | None = None

    def check_settings(self) -> None:
        """Make sure of the refiner's settings as well.

        Raises:
            InputError: if one is out of range, or two do not go together.
        """
        super().check_settings()
        settings = self.hparams
        check_range(1, settings, "roi_size", "top_k")
        check_range(0, settings, "num_negatives", "sampling_ratio", "regression_beta", "spsd_modules")
        check_range(0, settings, "stage2_proposals", "training_proposals", "loss_weights")
        if settings["stage2_proposals"] and (settings["resample"] or not settings["use_stage1_regressor"]):
            raise InputError(
                "model.stage2_proposals chooses among proposals that stage I has ranked and moved: set it to 0, or "
                "model.resample to false and model.use_stage1_regressor to true."
            )
        if settings["spsd_modules"] > MOST_SPSD_MODULES:
            raise InputError(
                f"model.spsd_modules is {settings['spsd_modules']}: give a number from 0 to {MOST_SPSD_MODULES}."
            )
        if not settings["ratios"] or not all(ratio > 0 for ratio in settings["ratios"]):
            raise InputError(f"model.ratios is {list(settings['ratios'])}: give at least one number above 0.")
        if settings["sampler"] == "auto" and not settings["spsd_modules"]:
            raise InputError("model.sampler is auto, which needs SPSD: set it to fixed, or model.spsd_modules to 1.")

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "RefineTask":
        """A task with the settings of another, such as a joint model's, as far as they are the refiner's.

        Args:
            settings: by name; the loss weights as a dict, as hyperparameters hold them.
        """
        own = taken_by(cls, settings)
        return cls(**{**own, "loss_weights": LossWeights(**own["loss_weights"])})

    def configure_model(self) -> None:
        """Build the network for the class list."""
        if self.refiner is None:
            self.refiner = build_refiner(self.hparams, len(self.known_categories()))
            self.fit_sampler()

    @property
    def built_refiner(self) -> Refiner | None:
        """The refiner, once it has been built."""
        return self.refiner

    def forward(
        self, batch: RefineBatch, draws: Tensor | None = None, proposals: Tensor | None = None
    ) -> RefinerOutput:
        """Refine the boxes of a batch; see :class:`ssd_det.models.refiner.Refiner`."""
        assert self.refiner is not None
        output: RefinerOutput = self.refiner(batch.images, batch.objects, draws, proposals)
        return output

    def training_step(self, batch: RefineBatch, batch_index: int) -> StepResult:
        """Compute and log the losses; what the step found goes to the callbacks."""
        assert self.refiner is not None
        draws = copied_to(batch.images.device, uniform_draws(batch.seeds, self.hparams["num_negatives"]))
        output = self(batch, draws, self.random_proposals(batch))
        return self.finish_step(self.refiner.head.losses(output, batch.objects), output, len(batch.images))

    def validation_step(self, batch: RefineBatch | FailedBatch, batch_index: int) -> None:
        """Log how well SPSD finds the boxes of images that it was not trained on, as ``validation_spsd``.

        Noise has nothing to do with the picture, so what is predicted for an unseen image cannot follow the noise of
        its boxes: the loss is the refiner's own error and the noise, which stays the same from epoch to epoch.

        Raises:
            InputError: if an image cannot be read.
        """
        if isinstance(batch, FailedBatch):
            raise InputError(batch.sentence)
        assert self.refiner is not None
        if not self.hparams["spsd_modules"]:
            raise InputError("data.validation_share needs SPSD: set it to 0, or model.spsd_modules to 1.")
        loss = self.refiner.head.losses(self(batch), batch.objects)["spsd"]
        self.log("validation_spsd", loss, batch_size=len(batch.objects.boxes), sync_dist=True)
