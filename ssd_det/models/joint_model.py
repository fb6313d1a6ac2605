"""Refiner and detector on one backbone: the detector learns from the boxes that the refiner has just made."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.image_list import ImageList

from ssd_det.annotations.values import LEAST_SIDE
from ssd_det.batches.batch import Objects
from ssd_det.models.refiner import Refiner
from ssd_det.models.refiner_output import RefinerOutput
from ssd_det.ops.boxes import clip


class JointModel(nn.Module):
    """SSD-Det as published: the refiner's boxes supervise a Faster R-CNN on the same features (section 3.4).

    Args:
        refiner: on a backbone that makes P2 to P6.
        detector: torchvision's Faster R-CNN on the same backbone. It is all that is left at inference.
    """

    def __init__(self, refiner: Refiner, detector: FasterRCNN) -> None:
        super().__init__()
        self.refiner = refiner
        self.detector = detector

    def forward(
        self,
        images: Tensor,
        objects: Objects,
        draws: Tensor | None = None,
        every: Objects | None = None,
        proposals: Tensor | None = None,
    ) -> tuple[RefinerOutput, dict[str, Tensor]]:
        """Refine the boxes of a batch, and learn to detect the refined boxes.

        Args:
            images: ``Tensor[B, 3, H, W]`` in [0, 1], RGB, padded on the right and below; H and W are
                multiples of 32.
            objects: the annotated objects that the refiner learns from.
            draws: ``Tensor[B, 4, N]`` uniform in [0, 1), to make the refiner's negatives from.
            every: the annotated objects, all of the images': what is not among them is background to the detector.
                Those of ``objects`` where not given.
            proposals: ``LongTensor[P]``, which proposals of each bag the refiner learns from; all where not given.

        Returns:
            What the refiner made, and the detector's losses, not weighted, by torchvision's names:
            ``loss_objectness``, ``loss_rpn_box_reg``, ``loss_classifier`` and ``loss_box_reg``.
        """
        features = self.refiner.features(images, objects.image_sizes)
        output: RefinerOutput = self.refiner.head(features, objects, draws, proposals)
        if every is None:
            return output, self.detection_losses(images, features, objects, output.refined)
        with torch.no_grad():  # pools some bags at a time, and keeps nothing of them
            boxes = self.refiner.head(features, every).refined
        return output, self.detection_losses(images, features, every, boxes)

    def detection_losses(
        self, images: Tensor, features: Sequence[Tensor], objects: Objects, boxes: Tensor
    ) -> dict[str, Tensor]:
        """Losses of the detector on features that are there already.

        Args:
            images: ``Tensor[B, 3, H, W]``, only their shape is used.
            features: P2 to P6 of these images.
            objects: labels and images of the objects.
            boxes: ``Tensor[G, 4]`` to learn, xyxy in pixels, inside their images; where one has no area, the box of
                ``objects`` is learnt instead.
        """
        sizes = [(int(height), int(width)) for height, width in objects.image_sizes.tolist()]
        pyramid = OrderedDict((str(level), feature) for level, feature in enumerate(features))
        targets = detection_targets(objects, boxes)
        proposals, losses = self.detector.rpn(ImageList(images, sizes), pyramid, targets)
        _, head_losses = self.detector.roi_heads(pyramid, proposals, sizes, targets)
        return {**losses, **head_losses}


def detection_targets(objects: Objects, boxes: Tensor) -> list[dict[str, Tensor]]:
    """What a detector of torchvision is to find in each image.

    Args:
        objects: labels and images of the objects, and boxes for those that have none of use in
        boxes: ``Tensor[G, 4]``, xyxy in pixels, inside their images.

    Returns:
        Of each image the ``boxes`` ``Tensor[N, 4]``, all with an area, and their ``labels`` ``LongTensor[N]`` from 1
        up.
    """
    noisy = clip(objects.boxes, objects.image_sizes[objects.image_index])
    boxes = torch.where(_has_area(boxes)[:, None], boxes, noisy)
    kept = _has_area(boxes)
    images = torch.arange(len(objects.image_sizes), device=boxes.device)
    counts = ((objects.image_index == images[:, None]) & kept).sum(dim=1).tolist()
    # Chosen by a mask, CUDA would be waited for once more each time.
    rows = torch.argsort(~kept, stable=True)[: sum(counts)]
    parts = zip(torch.split(boxes[rows], counts), torch.split(objects.labels[rows] + 1, counts), strict=True)
    return [{"boxes": some, "labels": labels} for some, labels in parts]


def _has_area(boxes: Tensor) -> Tensor:
    return ((boxes[:, 2:] - boxes[:, :2]) >= LEAST_SIDE).all(dim=1)
