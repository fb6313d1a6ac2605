"""How well boxes sit on edges of their image: the contrast between what lies just inside and just outside a side.

It needs no network and no true box. For one box it says little; over many, boxes that scatter about the objects have a
lower mean than boxes that sit where the objects end.
"""

import torch
from torch import Tensor

from ssd_det.ops.boxes import centre_and_size

STRIP = 0.08  # thickness of the strips to both sides of a side, in units of the box
LEAST_STRIP = 1.0  # pixels
MIDDLE = 0.25  # strips leave out so much of a side at both ends, where round objects do not reach


def integral_image(pixels: Tensor) -> Tensor:
    """Sums over everything above and to the left.

    Args:
        pixels: ``Tensor[H, W, C]``.

    Returns:
        ``Tensor[H + 1, W + 1, C]``, float64.
    """
    sums = pixels.double().cumsum(dim=0).cumsum(dim=1)
    return torch.nn.functional.pad(sums, (0, 0, 1, 0, 1, 0))


def edge_contrast(integral: Tensor, boxes: Tensor) -> Tensor:
    """The contrast at each side of boxes.

    Args:
        integral: ``Tensor[H + 1, W + 1, C]``, from :func:`integral_image`.
        boxes: ``Tensor[..., 4]``, xyxy in pixels.

    Returns:
        ``Tensor[..., 4]``, sums over the channels, for the left, top, right and bottom side; NaN where a strip leaves
        the image or holds no pixel.
    """
    size = centre_and_size(boxes)[1]
    thick = (STRIP * size).clamp(min=LEAST_STRIP)
    start, end = boxes[..., :2] + MIDDLE * size, boxes[..., 2:] - MIDDLE * size
    sides = []
    for corner in (0, 2):
        for axis in (0, 1):
            at, depth = boxes[..., corner + axis], thick[..., axis]
            low, high = start[..., 1 - axis], end[..., 1 - axis]
            strips = [(at - depth, low, at, high), (at, low, at + depth, high)]
            before, after = (_mean(integral, strip if axis == 0 else _transposed(strip)) for strip in strips)
            sides.append((before - after).abs().sum(dim=-1))
    return torch.stack(sides, dim=-1)


def _transposed(strip: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    x1, y1, x2, y2 = strip
    return y1, x1, y2, x2


def _mean(integral: Tensor, strip: tuple[Tensor, ...]) -> Tensor:
    """Mean over the pixels of strips, ``Tensor[..., C]``; NaN where there are none, or they leave the image."""
    height, width = integral.shape[0] - 1, integral.shape[1] - 1
    limits = (width, height, width, height)
    x1, y1, x2, y2 = (value.round().long() for value in strip)
    inside = (x1 >= 0) & (y1 >= 0) & (x2 <= width) & (y2 <= height)
    x1, y1, x2, y2 = (value.clamp(0, limit) for value, limit in zip((x1, y1, x2, y2), limits, strict=True))
    count = ((x2 - x1) * (y2 - y1))[..., None]
    sums = integral[y2, x2] - integral[y1, x2] - integral[y2, x1] + integral[y1, x1]
    return torch.where(inside[..., None] & (count > 0), sums / count, torch.nan)
