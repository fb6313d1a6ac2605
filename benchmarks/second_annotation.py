"""What a second annotation, which errs itself, can tell of refined boxes.

    python -m benchmarks.second_annotation noisy.json refined.json second.json

The three files hold the same annotations. For several errors of the refined boxes it makes up a truth, and a second
annotation that is as far from the refined boxes as the real one: the share of refined boxes that are closer to the
truth, and the share that would be measured. Errors are those between the real boxes, given to other objects: of the
refined boxes what is between them and the noisy ones, of the second annotation what is between it and the refined ones.
"""

import argparse
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ssd_det.annotations.coco import read_coco
from ssd_det.ops.boxes import corners, displaced, displacement, iou

SHARES = (0.2, 0.4, 0.6, 0.8)  # of what is between noisy and refined boxes, which the refined boxes err by
DRAWS = 5


class Measured(NamedTuple):
    """Refined boxes against something: the share that is closer to it, and the mean IoU before and after."""

    closer: float
    before: float
    after: float

    def __str__(self) -> str:
        return f"{self.closer:.3f} | {self.before:.3f}, {self.after:.3f}"


def measured(noisy: Tensor, refined: Tensor, reference: Tensor) -> Measured:
    """Compare boxes ``Tensor[N, 4]``, xyxy, with a reference."""
    before, after = iou(noisy, reference), iou(refined, reference)
    return Measured((after > before).double().mean().item(), before.mean().item(), after.mean().item())


def made_up(
    noisy: Tensor, refined: Tensor, second: Tensor, share: float, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A truth that the refined boxes err from, and a second annotation of it.

    Args:
        noisy: ``Tensor[N, 4]``, xyxy in pixels.
        refined: ``Tensor[N, 4]``.
        second: ``Tensor[N, 4]``.
        share: of the distance of noisy and refined boxes, that the refined boxes err by.
        random: gives errors to objects.
    """
    own, between = share * displacement(refined, noisy), displacement(refined, second)
    rest = (1 - own.var(dim=0) / between.var(dim=0)).clamp(min=0).sqrt()
    one, other = (torch.randperm(len(noisy), generator=random) for _ in range(2))
    truth = displaced(refined, own[one])
    return truth, displaced(truth, rest * between[other])


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("noisy", "refined", "second"):
        parser.add_argument(name)
    args = parser.parse_args(words)
    files = [
        {annotation.id: annotation.bbox for annotation in read_coco(path).annotations}
        for path in (args.noisy, args.refined, args.second)
    ]
    ids = [key for key in files[0] if all(key in boxes for boxes in files)]
    noisy, refined, second = (corners([boxes[key] for key in ids]) for boxes in files)
    print(f"{len(ids)} boxes\n")
    print("| refined boxes err by | closer to the truth | mean IoU | closer to the second | mean IoU |")
    print("|---|---|---|---|---|")
    print(f"| the files themselves | | | {measured(noisy, refined, second)} |")
    random = torch.Generator().manual_seed(0)
    for share in SHARES:
        draws = [made_up(noisy, refined, second, share, random) for _ in range(DRAWS)]
        by_truth, by_second = (
            measured(noisy.repeat(DRAWS, 1), refined.repeat(DRAWS, 1), torch.cat(boxes))
            for boxes in zip(*draws, strict=True)
        )
        print(f"| {share} of what they moved | {by_truth} | {by_second} |")


if __name__ == "__main__":
    main()
