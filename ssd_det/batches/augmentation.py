"""Resizing, flipping and colour changes of an image, and the same geometry for its boxes."""

import math
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import albumentations as A

Pixels = npt.NDArray[np.uint8]


class Augmented(NamedTuple):
    """An image after augmentation, and what was done to it.

    Attributes:
        image: ``[H, W, 3]``, RGB.
        scale: new over old size, (x, y).
        flipped: whether it was mirrored left to right, after resizing.
    """

    image: Pixels
    scale: tuple[float, float]
    flipped: bool


class Augmentation:
    """Resize an image, and flip, scale and recolour it at random.

    albumentations changes the image alone: its own box handling drops or clips boxes that leave the image.
    The geometry is recorded instead, so that boxes follow exactly wherever they lie.

    Args:
        shortest_side: pixels that the shorter side is resized to (``None`` keeps the size), unless
        longest_side: the longer side would then exceed this.
        horizontal_flip: probability of mirroring.
        color_jitter: relative range of brightness, contrast and saturation; 0 for none.
        scale_jitter: s, images are scaled by a factor from exp(-s) to exp(s) besides; 0 for none.
    """

    def __init__(
        self,
        shortest_side: int | None = None,
        longest_side: int | None = None,
        horizontal_flip: float = 0.0,
        color_jitter: float = 0.0,
        scale_jitter: float = 0.0,
    ) -> None:
        self.shortest_side = shortest_side
        self.longest_side = longest_side
        self.horizontal_flip = horizontal_flip
        self.color_jitter = color_jitter
        self.scale_jitter = scale_jitter
        import_module("albumentations")  # here at the latest, so that processes that read images have it

    def resized(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that an image of the given size is resized to."""
        if self.shortest_side is None or self.longest_side is None:
            return height, width
        scale = min(self.shortest_side / min(height, width), self.longest_side / max(height, width))
        return max(round(height * scale), 1), max(round(width * scale), 1)

    def _scaled(self, side: int, seed: int) -> int:
        """A side in pixels, scaled at random; the same factor for the same seed."""
        if not self.scale_jitter:
            return side
        exponent = np.random.default_rng(seed).uniform(-self.scale_jitter, self.scale_jitter)
        return max(round(side * math.exp(exponent)), 1)

    def __call__(self, image: Pixels, seed: int) -> Augmented:
        """Augment an image ``[H, W, 3]``; the same seed does the same."""
        height, width = image.shape[:2]
        new_height, new_width = (self._scaled(side, seed) for side in self.resized(height, width))
        transform = _compose(new_height, new_width, self.horizontal_flip, self.color_jitter)
        transform.set_random_seed(seed)
        result = transform(image=image)
        flipped = any(name == "HorizontalFlip" for name, _ in result["applied_transforms"])
        return Augmented(result["image"], (new_width / width, new_height / height), flipped)


@lru_cache(maxsize=64)
def _compose(height: int, width: int, horizontal_flip: float, color_jitter: float) -> "A.Compose":
    import albumentations as A  # noqa: PLC0415 (it takes a second, which the help of a command has no use for)

    transforms: list[A.BasicTransform] = [A.Resize(height, width, area_for_downscale="image")]
    if horizontal_flip > 0:
        transforms.append(A.HorizontalFlip(p=horizontal_flip))
    if color_jitter > 0:
        span = (1 - color_jitter, 1 + color_jitter)
        transforms.append(A.ColorJitter(span, span, span, hue=(0, 0), p=1))
    return A.Compose(transforms, save_applied_params=True)
