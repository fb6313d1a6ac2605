"""Pixels of any kind of image as RGB with 8 bits a channel, which is what networks with pretrained weights know."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from ssd_det.batches.augmentation import Pixels

WIDE_MODES = ("I", "F")  # and I;16 with its byte orders: more than 8 bits a pixel
BACKGROUND = "white"


def to_rgb(file: PillowImage.Image) -> Pixels:
    """The pixels of an open image as RGB, ``[H, W, 3]``; of several frames the first.

    Grey values of more than 8 bits are stretched, the lowest of the image to 0 and the highest to 255, as viewers do:
    cameras seldom use the whole range, and Pillow would clip at 255. Transparent pixels are laid over white.
    """
    if file.mode.startswith(WIDE_MODES):
        return np.repeat(_stretched(np.asarray(file))[:, :, np.newaxis], 3, axis=2)
    if file.has_transparency_data:
        image = file.convert("RGBA")
        background = PillowImage.new("RGBA", image.size, BACKGROUND)
        return np.array(PillowImage.alpha_composite(background, image).convert("RGB"))
    return np.array(file.convert("RGB"))


def _stretched(values: npt.NDArray[Any]) -> Pixels:
    """Grey values ``[H, W]`` on 0 to 255; those that are no finite numbers are 0."""
    wide = values.astype(np.float64)
    finite = np.isfinite(wide)
    if not finite.any():
        return np.zeros(wide.shape, dtype=np.uint8)
    low, high = wide[finite].min(), wide[finite].max()
    scaled = (np.where(finite, wide, low) - low) / (high - low or 1.0) * 255
    pixels: Pixels = scaled.round().astype(np.uint8)
    return pixels
