"""What a training or refining step is fed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import clip_boxes_to_image

SIZE_DIVISOR = 32


class Objects(NamedTuple):
    """The annotated objects of a batch, image after image.

    Attributes:
        boxes: ``Tensor[G, 4]``, noisy boxes, xyxy in pixels of the network's input.
        labels: ``LongTensor[G]`` in [0, K).
        image_index: ``LongTensor[G]`` in [0, B).
        image_sizes: ``Tensor[B, 2]``, (height, width) of each image without its padding.
        trusted: ``Tensor[G, 4]``, where boxes should be, NaN where nobody has checked it; ``None`` where nothing is to
            be learnt from that.
        trusted_weight: how much an object counts whose box should be known.
    """

    boxes: Tensor
    labels: Tensor
    image_index: Tensor
    image_sizes: Tensor
    trusted: Tensor | None = None
    trusted_weight: float = 1.0

    def rivals(self) -> Tensor:
        """Which objects are others of the same class in the same image, ``BoolTensor[G, G]``."""
        same_image = self.image_index[:, None] == self.image_index
        same_label = self.labels[:, None] == self.labels
        return (same_image & same_label).fill_diagonal_(False)


@dataclass
class Sample:
    """One image with its objects, resized; boxes are xyxy in pixels of the resized image.

    Attributes:
        image: ``Tensor[3, H, W]``, uint8, RGB.
        boxes: ``Tensor[N, 4]``.
        true_boxes: ``Tensor[N, 4]``, NaN where not known.
        labels: ``LongTensor[N]``.
        annotation_ids: ``LongTensor[N]``.
        scale: ``Tensor[2]``, resized over original size, (x, y).
        seed: for the random draws that the step makes for this image.
        image_id: of the annotation file.
        trusted: ``Tensor[N, 4]``, where boxes should be, NaN where nobody has checked it; ``None`` where nothing is to
            be learnt from that.
    """

    image: Tensor
    boxes: Tensor
    true_boxes: Tensor
    labels: Tensor
    annotation_ids: Tensor
    scale: Tensor
    seed: int
    image_id: int
    trusted: Tensor | None = None


@dataclass
class RefineBatch:
    """Several samples.

    Attributes:
        images: ``Tensor[B, 3, H, W]`` in [0, 1], padded on the right and below to multiples of 32.
        objects: the objects of all images.
        true_boxes: ``Tensor[G, 4]``, xyxy like the noisy boxes, NaN where not known.
        annotation_ids: ``LongTensor[G]``.
        image_ids: ``LongTensor[B]``, of the annotation file.
        scales: ``Tensor[B, 2]``, resized over original size, (x, y).
        seeds: B of them, which stay on the CPU.
        every: the objects of all images, those included that the refiner does not learn from in this step; ``None``
            where it does from all.
    """

    images: Tensor
    objects: Objects
    true_boxes: Tensor
    annotation_ids: Tensor
    image_ids: Tensor
    scales: Tensor
    seeds: tuple[int, ...]
    every: Objects | None = None


@dataclass
class DetectBatch:
    """Several samples in the form that torchvision's detectors take.

    Attributes:
        images: one ``Tensor[3, H, W]`` in [0, 1] an image.
        targets: of each image the ``boxes`` ``Tensor[N, 4]``, xyxy in pixels, inside the image, and their
            ``labels`` ``LongTensor[N]`` from 1 up, as 0 is the background.
        image_ids: of the annotation file.
        seeds: B of them, which stay on the CPU.
    """

    images: list[Tensor]
    targets: list[dict[str, Tensor]]
    image_ids: list[int]
    seeds: tuple[int, ...]


@dataclass
class FailedBatch:
    """A batch that could not be read: why, for every process to learn of it."""

    sentence: str


def padded_size(height: int, width: int) -> tuple[int, int]:
    """Size of an image after padding to multiples of 32."""
    return -(-height // SIZE_DIVISOR) * SIZE_DIVISOR, -(-width // SIZE_DIVISOR) * SIZE_DIVISOR


def collate(samples: Sequence[Sample], trusted_weight: float = 1.0) -> RefineBatch:
    """Put samples into one batch, images padded with zeros to the largest of them.

    Args:
        samples: all of them with trusted boxes, or none.
        trusted_weight: how much an object with a trusted box counts.
    """
    sizes = [(int(sample.image.shape[1]), int(sample.image.shape[2])) for sample in samples]
    height, width = padded_size(max(h for h, _ in sizes), max(w for _, w in sizes))
    images = torch.zeros(len(samples), 3, height, width)
    for target, sample, (h, w) in zip(images, samples, sizes, strict=True):
        target[:, :h, :w] = sample.image / 255
    counts = torch.tensor([len(sample.boxes) for sample in samples])
    trusted = [sample.trusted for sample in samples if sample.trusted is not None]
    objects = Objects(
        boxes=torch.cat([sample.boxes for sample in samples]),
        labels=torch.cat([sample.labels for sample in samples]),
        image_index=torch.arange(len(samples)).repeat_interleave(counts),
        image_sizes=torch.tensor(sizes, dtype=torch.float32),
        trusted=torch.cat(trusted) if trusted else None,
        trusted_weight=trusted_weight,
    )
    return RefineBatch(
        images=images,
        objects=objects,
        true_boxes=torch.cat([sample.true_boxes for sample in samples]),
        annotation_ids=torch.cat([sample.annotation_ids for sample in samples]),
        image_ids=torch.tensor([sample.image_id for sample in samples]),
        scales=torch.stack([sample.scale for sample in samples]),
        seeds=tuple(sample.seed for sample in samples),
    )


def collate_some(samples: Sequence[Sample], max_objects: int) -> RefineBatch:
    """Put samples into one batch, with a random subset of the objects of images that have more than ``max_objects``."""
    batch, counts = collate(samples), [len(sample.boxes) for sample in samples]
    if max(counts) <= max_objects:
        return batch
    firsts = accumulate(counts[:-1], initial=0)
    draws = (np.random.default_rng(sample.seed).permutation(len(sample.boxes)) for sample in samples)
    rows = torch.from_numpy(
        np.concatenate([first + np.sort(draw[:max_objects]) for first, draw in zip(firsts, draws, strict=True)])
    )
    every = batch.objects
    some = Objects(every.boxes[rows], every.labels[rows], every.image_index[rows], every.image_sizes)
    return replace(
        batch,
        objects=some,
        true_boxes=batch.true_boxes[rows],
        annotation_ids=batch.annotation_ids[rows],
        every=every,
    )


def collate_for_detection(samples: Sequence[Sample]) -> DetectBatch:
    """Put samples into one batch, boxes clipped to their images."""
    targets = []
    for sample in samples:
        height, width = sample.image.shape[1:]
        targets.append({"boxes": clip_boxes_to_image(sample.boxes, (height, width)), "labels": sample.labels + 1})
    return DetectBatch(
        images=[sample.image / 255 for sample in samples],
        targets=targets,
        image_ids=[sample.image_id for sample in samples],
        seeds=tuple(sample.seed for sample in samples),
    )
