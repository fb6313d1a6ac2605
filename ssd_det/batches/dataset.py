"""Images with their objects, resized and augmented, the same for a seed, an epoch and an image id."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ssd_det.annotations.coco import CocoFile
from ssd_det.batches.augmentation import Augmentation
from ssd_det.batches.batch import Sample
from ssd_det.batches.image_reading import read_image
from ssd_det.batches.trusted_noise import with_noise
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.boxes import corners, mirror

UNKNOWN = Xywh((float("nan"),) * 4)


class CocoDataset(Dataset[Sample]):
    """The images of an annotation file, each with the annotations that can be learnt from.

    Args:
        coco: the annotation file.
        paths: file of each image, by id. Images without one are left out.
        augmentation: what is done to each image.
        seed: decides every random draw, together with epoch and image id.
        max_objects: at most so many objects an image, a random subset each epoch; ``None`` for all.
        skip_empty: leave out images without objects.
        trusted_noise: ``Tensor[N, 4]``, displacements from a trusted box to what it was before; a trusted one is given
            one of them, anew each epoch. Trusted boxes are boxes like all others where there are none.
    """

    def __init__(
        self,
        coco: CocoFile,
        paths: Mapping[int, Path],
        augmentation: Augmentation,
        seed: int = 0,
        max_objects: int | None = None,
        skip_empty: bool = True,
        trusted_noise: Tensor | None = None,
    ) -> None:
        self.paths = paths
        self.augmentation = augmentation
        self.seed = seed
        self.max_objects = max_objects
        self.trusted_noise = trusted_noise if trusted_noise is not None and len(trusted_noise) else None
        self.label_of = {category.id: label for label, category in enumerate(coco.categories)}
        self.objects = {
            image.id: [a for a in coco.annotations_by_image.get(image.id, []) if coco.why_unusable(a) is None]
            for image in coco.images
        }
        self.images = [
            image for image in coco.images if image.id in paths and (self.objects[image.id] or not skip_empty)
        ]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, epoch_and_index: tuple[int, int]) -> Sample:
        """Read a sample.

        Args:
            epoch_and_index: of the sample; the epoch decides its random draws.
        """
        epoch, index = epoch_and_index
        image = self.images[index]
        random = np.random.default_rng([self.seed % 2**64, epoch, image.id % 2**64])
        augment_seed, step_seed = random.integers(2**31, size=2).tolist()
        annotations = self.objects[image.id]
        if self.max_objects is not None and len(annotations) > self.max_objects:
            chosen = random.choice(len(annotations), self.max_objects, replace=False)
            annotations = [annotations[i] for i in sorted(chosen)]
        boxes, trusted = corners([a.bbox for a in annotations]), None
        if self.trusted_noise is not None:
            is_trusted = torch.tensor([a.trusted for a in annotations])
            drawn = random.integers(len(self.trusted_noise), size=len(annotations))
            noisy = with_noise(boxes, self.trusted_noise[drawn], image)
            trusted = torch.where(is_trusted[:, None], boxes, torch.nan)
            boxes = torch.where(is_trusted[:, None], noisy, boxes)
        augmented = self.augmentation(read_image(self.paths[image.id], image), augment_seed)
        width = augmented.image.shape[1]

        def augmented_boxes(boxes: Tensor) -> Tensor:
            scaled = boxes * torch.tensor(augmented.scale * 2, dtype=torch.float64)
            return (mirror(scaled, scaled.new_tensor(width)) if augmented.flipped else scaled).float()

        return Sample(
            image=torch.from_numpy(np.ascontiguousarray(augmented.image.transpose(2, 0, 1))),
            boxes=augmented_boxes(boxes),
            true_boxes=augmented_boxes(corners([a.true_bbox or UNKNOWN for a in annotations])),
            labels=torch.tensor([self.label_of[a.category_id] for a in annotations], dtype=torch.long),
            annotation_ids=torch.tensor([a.id for a in annotations], dtype=torch.long),
            scale=torch.tensor(augmented.scale),
            seed=step_seed,
            image_id=image.id,
            trusted=None if trusted is None else augmented_boxes(trusted),
        )
