"""The refiner on top of a feature pyramid: bags A, B and C, two MIL stages and both self-distillations."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ssd_det.batches.batch import Objects
from ssd_det.losses.mil import instance_scores, of_label
from ssd_det.losses.sisd import predicted_iou
from ssd_det.models.backbone import STRIDES
from ssd_det.models.bag_features import BagGrid, Relevance, embed, enhance
from ssd_det.models.bag_merging import Merging, highest, mean_of_merged, merge_bags
from ssd_det.models.refiner_losses import LossWeights, refiner_losses
from ssd_det.models.refiner_output import Move, Negatives, RefinerOutput, StageTwo
from ssd_det.ops.bag_pooling import Pyramid
from ssd_det.ops.boxes import clip, decode
from ssd_det.ops.merging import MergedBoxes, scale_in_bag
from ssd_det.ops.sampling import far_from_bags, inside_image, negative_boxes, neighbours, sampler_for, shared_columns

PRIOR_BIAS = -math.log(99)


class RefinerHead(nn.Module):
    """SSD-Det's refiner: moves a bag of proposals twice towards the object and merges it.

    Its settings have no defaults here: :class:`ssd_det.tasks.refine.RefineTask` has them.

    Args:
        num_classes: K.
        channels: channels of the feature pyramid.
        feature_width: D, width of the fully connected layers.
        roi_size: cells along each side of a pooled proposal.
        sampling_ratio: samples along each side of a cell; 0 for adaptive.
        ratios: scales of the sampler.
        offsets: shifts of the sampler.
        top_k: proposals merged into a box.
        spsd_modules: how often bag A is moved before stage I, each time by a layer of its own towards the noisy box;
            with 0 B = A.
        use_stage1_regressor: move bag B before stage II; without it C is sampled anew around r1.
        use_stage2: without it r2 = r1.
        stage2_proposals: how many proposals of each bag go on to stage II, those that stage I ranks highest; 0 for all,
            as published.
        use_sisd: rank by predicted IoU; without it r2 is merged by stage II's MIL scores.
        resample: bag C starts from a new bag around r1, which stage I's regressor moves (the paper's text), instead of
            bag B (its code).
        revalidate: judge bags B and C anew by how far they lie inside the image; else B has the validity of A, and
            all of C is valid, as published.
        merging: what a proposal counts for in a merge: its ``ranking``, as published, or its ranking times its
            ``agreement`` with the rest of its bag; ``exclusive`` lowers the ranking of proposals that sit on r1 of
            another object of the class in the image.
        weight_by_omega: weigh the loss of stage I's regressor by ω.
        object_relevance: how the IoU branch takes in the mean feature of the bag (object relevance enhancement).
        share_sisd_fcs: give the IoU branch the two layers of the MIL stages instead of two of its own.
        loss_weights: weights of the terms.
        regression_beta: errors below it count quadratically in both regression terms; 0 is L1.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        channels: int,
        feature_width: int,
        roi_size: int,
        sampling_ratio: int,
        ratios: Sequence[float],
        offsets: Sequence[float],
        top_k: int,
        spsd_modules: int,
        use_stage1_regressor: bool,
        use_stage2: bool,
        stage2_proposals: int,
        use_sisd: bool,
        resample: bool,
        revalidate: bool,
        merging: Merging,
        weight_by_omega: bool,
        object_relevance: Relevance,
        share_sisd_fcs: bool,
        loss_weights: LossWeights,
        regression_beta: float,
    ) -> None:
        super().__init__()
        self.grid = BagGrid(roi_size, sampling_ratio)
        self.given_ratios = self.ratios = tuple(ratios)
        self.given_offsets = self.offsets = tuple(offsets)
        self.top_k = top_k
        self.stage2_proposals = stage2_proposals
        self.loss_weights = loss_weights
        self.regression_beta = regression_beta
        self.resample = resample
        self.revalidate = revalidate
        self.merging = merging
        self.weight_by_omega = weight_by_omega
        self.object_relevance = object_relevance
        pooled = roi_size * roi_size * channels
        self.shared_fcs = _two_layers(pooled, feature_width)
        self.spsd = nn.ModuleList(nn.Linear(feature_width, 4) for _ in range(spsd_modules))
        self.stage1_classes = nn.Linear(feature_width, num_classes + 1)
        self.stage1_instances = nn.Linear(feature_width, num_classes + 1)
        self.stage1_regressor = nn.Linear(feature_width, 4) if use_stage1_regressor else None
        self.stage2_classes = nn.Linear(feature_width, num_classes) if use_stage2 else None
        self.stage2_instances = nn.Linear(feature_width, num_classes) if use_stage2 else None
        use_sisd = use_sisd and use_stage2
        self.sisd_fcs = _two_layers(pooled, feature_width) if use_sisd and not share_sisd_fcs else None
        identity_width = 2 * feature_width if object_relevance == "concatenate" else feature_width
        self.sisd_mixer = nn.Linear(feature_width, feature_width) if use_sisd and object_relevance == "layer" else None
        self.sisd_iou = nn.Linear(identity_width, 1) if use_sisd else None
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
        for layer in (self.stage1_classes, self.stage2_classes):
            if layer is not None:
                nn.init.constant_(layer.bias, PRIOR_BIAS)

    def fit_sampler(self, noise_level: float) -> None:
        """Make bags as wide as the noise of the boxes; the ratios and offsets given are for level 0.4 and above."""
        self.ratios, self.offsets = sampler_for(noise_level, self.given_ratios, self.given_offsets)

    @property
    def bag_size(self) -> int:
        """Proposals of an object."""
        return len(self.ratios) ** 2 * (1 + 4 * len(self.offsets))

    def forward(
        self,
        features: Sequence[Tensor],
        objects: Objects,
        draws: Tensor | None = None,
        proposals: Tensor | None = None,
    ) -> RefinerOutput:
        """Refine the boxes of a batch.

        Args:
            features: P2 to P5, ``Tensor[B, channels, H_l, W_l]``; levels above are not used.
            objects: the annotated objects; there may be none.
            draws: ``Tensor[B, 4, N]`` uniform in [0, 1), to make negatives from; none when only refining.
            proposals: ``LongTensor[P]``, those of the :attr:`bag_size` that bags have; all where not given.
        """
        pyramid = Pyramid(features[: len(STRIDES)], STRIDES)
        sizes = objects.image_sizes[objects.image_index]
        bag_a = self._sample(objects.boxes, proposals)
        valid = inside_image(bag_a, sizes)
        moves: tuple[Move, ...] = ()
        bag_b = bag_a
        for regressor in self.spsd:
            columns = self._columns(bag_a, proposals) if bag_b is bag_a else None
            (embedded,) = embed(pyramid, bag_b, objects.image_index, self.grid, [self.shared_fcs], columns)
            move = Move(bag_b, regressor(embedded).to(bag_a.dtype))
            bag_b = decode(move.proposals, move.deltas).detach()
            moves = (*moves, move)
        if self.revalidate:
            valid = inside_image(bag_b, sizes)

        (embedded,) = embed(pyramid, bag_b, objects.image_index, self.grid, [self.shared_fcs])
        classes = self.stage1_classes(embedded).to(bag_a.dtype)
        instances = self.stage1_instances(embedded).to(bag_a.dtype)
        ranking = of_label(classes.softmax(dim=2) * instance_scores(instances, valid), objects.labels)
        merged = merge_bags(bag_b, ranking, objects.boxes, objects, self.top_k, self.merging)
        r1 = clip(merged.boxes, sizes)
        omega = ranking.detach().sum(dim=1)
        regression = None
        bag_c = bag_b
        if self.resample or self.stage1_regressor is None:
            bag_c = self._sample(r1, proposals)
        if self.stage1_regressor is not None:
            if self.resample:
                (embedded,) = embed(pyramid, bag_c, objects.image_index, self.grid, [self.shared_fcs])
            regression = Move(bag_c, self.stage1_regressor(embedded).to(bag_a.dtype))
            bag_c = decode(regression.proposals, regression.deltas).detach()
        valid_c = torch.ones_like(valid)
        if self.revalidate or self.stage1_regressor is None:
            valid_c = inside_image(bag_c, sizes)

        if 0 < self.stage2_proposals < bag_c.shape[1]:
            bag_c, valid_c = highest(self.stage2_proposals, ranking, bag_c, valid_c)

        stage_two, r2, score = None, r1, omega
        if self.stage2_classes is not None:
            stage_two = self._stage_two(pyramid, objects, bag_c, valid_c, draws)
            merged, score = self._second_boxes(stage_two, objects, r1)
            r2 = merged.boxes if stage_two.iou_scores is not None else clip(merged.boxes, sizes)
        return RefinerOutput(
            bag_a=bag_a,
            valid=valid,
            moves=moves,
            bag_b=bag_b,
            classes=classes,
            instances=instances,
            regression=regression,
            r1=r1,
            omega=omega,
            stage_two=stage_two,
            merged=merged,
            r2=r2,
            score=score.clamp(0, 1),
            refined=clip(r2, sizes),
        )

    def losses(self, output: RefinerOutput, objects: Objects) -> dict[str, Tensor]:
        """Weighted loss terms of a pass; see :func:`ssd_det.models.refiner_losses.refiner_losses`."""
        return refiner_losses(output, objects, self.loss_weights, self.regression_beta, self.weight_by_omega)

    def _sample(self, boxes: Tensor, proposals: Tensor | None) -> Tensor:
        """Sample bags ``Tensor[G, P, 4]`` around boxes ``Tensor[G, 4]``."""
        bags = neighbours(boxes, self.ratios, self.offsets)
        return bags if proposals is None else bags.index_select(1, proposals)

    def _columns(self, bags: Tensor, proposals: Tensor | None) -> Tensor | None:
        """Which proposals of sampled bags share their edges; ``None`` where :func:`pool_grids` would not be faster."""
        if not torch.is_grad_enabled() or bags.device.type != "cpu" or self.grid.sampling_ratio == 0:
            return None
        columns = shared_columns(len(self.ratios), len(self.offsets))
        return columns if proposals is None else columns.index_select(0, proposals)

    def _stage_two(
        self, pyramid: Pyramid, objects: Objects, bag_c: Tensor, valid: Tensor, draws: Tensor | None
    ) -> StageTwo:
        """Stage II and the IoU branch on bag C, and the negatives where draws are given."""
        assert self.stage2_classes is not None
        assert self.stage2_instances is not None
        layers = [self.shared_fcs] if self.sisd_fcs is None else [self.shared_fcs, self.sisd_fcs]
        embedded, *others = embed(pyramid, bag_c, objects.image_index, self.grid, layers)
        iou_scores, negatives = None, None
        if self.sisd_iou is not None:
            identity = others[0] if others else embedded
            identity = enhance(identity, self.object_relevance)
            if self.sisd_mixer is not None:
                identity = self.sisd_mixer(identity).relu()
            iou_scores = self.sisd_iou(identity).squeeze(2).to(bag_c.dtype)
        if draws is not None:
            negatives = self._negatives(pyramid, objects, bag_c, draws)
        return StageTwo(
            proposals=bag_c,
            valid=valid,
            classes=self.stage2_classes(embedded).to(bag_c.dtype),
            instances=self.stage2_instances(embedded).to(bag_c.dtype),
            iou_scores=iou_scores,
            negatives=negatives,
        )

    def _negatives(self, pyramid: Pyramid, objects: Objects, bag_c: Tensor, draws: Tensor) -> Negatives:
        assert self.stage2_classes is not None
        boxes = negative_boxes(objects.image_sizes, draws)
        images = torch.arange(len(boxes), device=boxes.device)
        (embedded,) = embed(pyramid, boxes, images, self.grid, [self.shared_fcs])
        return Negatives(
            boxes=boxes,
            valid=far_from_bags(boxes, bag_c, objects.image_index),
            classes=self.stage2_classes(embedded).to(bag_c.dtype),
        )

    def _second_boxes(self, stage: StageTwo, objects: Objects, r1: Tensor) -> tuple[MergedBoxes, Tensor]:
        """Merge bag C into r2, and score it ``Tensor[G]``."""
        ranking = of_label(stage.classes.sigmoid(), objects.labels).detach() * stage.valid
        if stage.iou_scores is None:
            ranking = ranking * of_label(instance_scores(stage.instances, stage.valid), objects.labels).detach()
            quality = None
        else:
            quality = predicted_iou(stage.iou_scores.detach())
            ranking = ranking * scale_in_bag(quality)
        merged = merge_bags(stage.proposals, ranking, r1, objects, self.top_k, self.merging, seen_at=r1)
        return merged, ranking.sum(dim=1) if quality is None else mean_of_merged(quality, merged)


def _two_layers(inputs: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
