"""The whole refiner: images and noisy boxes in, better boxes out."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ssd_det.batches.batch import Objects
from ssd_det.models.backbone import Backbone, ExtraLevels
from ssd_det.models.refiner_head import RefinerHead
from ssd_det.models.refiner_losses import LossWeights
from ssd_det.models.refiner_output import RefinerOutput
from ssd_det.models.settings import taken_by

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Refiner(nn.Module):
    """A backbone with a feature pyramid, and the refiner head on it.

    Args:
        backbone: makes P2 to P5.
        head: refines boxes on them.
        image_mean: mean of each colour channel, for images in [0, 1].
        image_std: standard deviation of each colour channel.
    """

    image_mean: Tensor
    image_std: Tensor

    def __init__(
        self,
        backbone: Backbone,
        head: RefinerHead,
        image_mean: Sequence[float] = IMAGENET_MEAN,
        image_std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.register_buffer("image_mean", torch.tensor(image_mean).view(3, 1, 1))
        self.register_buffer("image_std", torch.tensor(image_std).view(3, 1, 1))

    def forward(
        self, images: Tensor, objects: Objects, draws: Tensor | None = None, proposals: Tensor | None = None
    ) -> RefinerOutput:
        """Refine the boxes of a batch.

        Args:
            images: ``Tensor[B, 3, H, W]`` in [0, 1], RGB, padded on the right and below; H and W are
                multiples of 32. What the padding holds does not matter.
            objects: the annotated objects.
            draws: ``Tensor[B, 4, N]`` uniform in [0, 1), to make negatives from.
            proposals: ``LongTensor[P]``, which proposals of each sampled bag take part; all where not given.
        """
        output: RefinerOutput = self.head(self.features(images, objects.image_sizes), objects, draws, proposals)
        return output

    def features(self, images: Tensor, image_sizes: Tensor) -> list[Tensor]:
        """Compute P2 to P5, and what the backbone makes above, of padded images ``Tensor[B, 3, H, W]`` in [0, 1]."""
        pyramid: list[Tensor] = self.backbone(self._normalise(images, image_sizes))
        return pyramid

    def _normalise(self, images: Tensor, image_sizes: Tensor) -> Tensor:
        """Subtract the mean, divide by the deviation, and set the padding to zero."""
        rows = torch.arange(images.shape[2], device=images.device) < image_sizes[:, :1]
        columns = torch.arange(images.shape[3], device=images.device) < image_sizes[:, 1:]
        inside = (rows[:, :, None] & columns[:, None, :])[:, None]
        return (images - self.image_mean) / self.image_std * inside


def build_refiner(settings: Mapping[str, Any], num_classes: int, extra_levels: ExtraLevels | None = None) -> Refiner:
    """Build a refiner.

    Args:
        settings: of :class:`ssd_det.tasks.refine.RefineTask`, by name; the loss weights as a dict.
        num_classes: K.
        extra_levels: makes levels above P5, for a detector on the same backbone; the refiner needs none.

    Raises:
        InputError: if the backbone cannot be built.
    """
    backbone = Backbone(
        settings["backbone"],
        settings["weights"],
        settings["fpn_channels"],
        settings["frozen_stages"],
        settings["freeze_batch_norm"],
        extra_levels=extra_levels,
    )
    return Refiner(backbone, build_head(settings, num_classes), settings["image_mean"], settings["image_std"])


def build_head(settings: Mapping[str, Any], num_classes: int) -> RefinerHead:
    """Build the head of a refiner; see :func:`build_refiner`."""
    adapted = {
        **taken_by(RefinerHead, settings),
        "channels": settings["fpn_channels"],
        "loss_weights": LossWeights(**settings["loss_weights"]),
    }
    return RefinerHead(num_classes, **adapted)
