"""Whether noisy or refined boxes sit better on the edges of their images, and by how much noise they differ.

What differs between a noisy and a refined box is noise of the one and error of the other. A network cannot tell them
apart; the pictures can. All boxes of a file may be a bit too large or too small, which is no scatter, so that each kind
of box is compared at the size that suits it best.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ssd_det.batches.augmentation import Pixels
from ssd_det.ops.boxes import displaced
from ssd_det.ops.edge_contrast import edge_contrast, integral_image

SCALES = (0.7, 0.76, 0.82, 0.88, 0.94, 1.0, 1.06, 1.12)
LEVELS = (0.05, 0.1, 0.15, 0.2, 0.3)  # of noise on the refined boxes, to compare the noisy ones with
SURE = 3.0  # standard errors

ReadImage = Callable[[int], Pixels]  # by image id


@dataclass(frozen=True)
class EdgeEvidence:
    """What the edges say.

    Attributes:
        preference: for the refined boxes, in standard errors; below 0 for the noisy ones.
        added_level: the noise that makes the refined boxes as bad as the noisy ones; 0 where these are no worse.
    """

    preference: float
    added_level: float

    @property
    def for_refined(self) -> bool:
        """Whether the refined boxes surely sit better."""
        return self.preference > SURE

    @property
    def for_noisy(self) -> bool:
        """Whether the noisy boxes surely sit better."""
        return self.preference < -SURE


def compare_edges(
    noisy: Tensor, refined: Tensor, image_ids: Sequence[int], read_image: ReadImage, seed: int
) -> EdgeEvidence:
    """Compare noisy and refined boxes by the edges of their images.

    Args:
        noisy: ``Tensor[N, 4]``, xyxy in pixels of the images.
        refined: ``Tensor[N, 4]``, the same objects.
        image_ids: of their images.
        read_image: gives an image ``[H, W, 3]``.
        seed: decides the noise that the refined boxes are given.
    """
    random = torch.Generator().manual_seed(seed % 2**63)
    draws = torch.rand(refined.shape, generator=random, dtype=torch.float64) * 2 - 1
    kinds = torch.stack([noisy, refined, *(displaced(refined, draws * level) for level in LEVELS)])
    contrast = _contrasts(kinds, image_ids, read_image)
    means = contrast.nanmean(dim=(2, 3))
    best = means.nan_to_num(-1).argmax(dim=1)
    of_kind = contrast[torch.arange(len(kinds)), best]
    of_noisy, of_refined, *of_levels = of_kind.nanmean(dim=(1, 2)).tolist()
    differences = of_kind[1] - of_kind[0]
    differences = differences[~differences.isnan()]
    error = differences.std() / max(len(differences), 1) ** 0.5
    preference = (differences.mean() / error).nan_to_num(0.0).item()
    # Contrast falls as noise grows; np.interp wants it rising.
    added = np.interp(-of_noisy, np.maximum.accumulate([-of_refined, *(-v for v in of_levels)]), [0.0, *LEVELS])
    return EdgeEvidence(preference, float(np.nan_to_num(added)))


def _contrasts(kinds: Tensor, image_ids: Sequence[int], read_image: ReadImage) -> Tensor:
    """Contrast of boxes ``Tensor[K, N, 4]`` at each scale, ``Tensor[K, S, N, 4]``."""
    factors = torch.tensor(SCALES, dtype=torch.float64).log()[:, None]
    moves = torch.cat([torch.zeros(len(SCALES), 2, dtype=torch.float64), factors.expand(-1, 2)], dim=1)
    boxes = displaced(kinds[:, None], moves[None, :, None])
    result = torch.full(boxes.shape, torch.nan, dtype=torch.float64)
    ids = np.asarray(image_ids)
    for image_id in np.unique(ids).tolist():
        rows = torch.from_numpy(np.flatnonzero(ids == image_id))
        integral = integral_image(torch.from_numpy(read_image(image_id)))
        result[:, :, rows] = edge_contrast(integral, boxes[:, :, rows])
    return result
