"""Data with known boxes that no setting was chosen on: drawings and photographs of objects, pasted into other pictures.

    apt-get install tuxpaint-stamps-default mate-backgrounds
    python -m benchmarks.pasted_objects animals --output animals
    python -m benchmarks.pasted_objects vehicles --output vehicles

`animals`: one to four animals in each of 240 images, some cut off at a border. `vehicles`: 15 to 40 in each of 100
images, of 6 to 24 px. Other things lie between them that have no boxes. A box bounds what can be seen of an object that
nothing covers. The objects are the stamps of Tux Paint, the pictures backgrounds of the MATE desktop, both of Debian's
packages.
"""

import argparse
import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageFilter

from ssd_det.ops.box_types import as_xyxy, to_xywh
from ssd_det.ops.boxes import area, intersection

STAMPS = Path("/usr/share/tuxpaint/stamps")
BACKGROUNDS = Path("/usr/share/backgrounds/mate")
SEED = 7
OPAQUE = 100  # of 255: what of an object a box bounds
LEAST_STAMP = 30  # pixels
MOST_COVERED = 0.2  # of the smaller of two boxes
TRIES = 30

Box = tuple[int, int, int, int]  # xyxy in pixels


@dataclass(frozen=True)
class Kind:
    """What a data set is like.

    Attributes:
        folder: of the stamps that are objects.
        others: folders of those that are not.
        images: how many.
        size: of an image, (width, height) in pixels.
        objects: in an image, at least and at most.
        most_others: things that are not objects, in an image.
        sides: of a stamp in pixels, the root of its area, at least and at most.
        turn: degrees, to both sides.
        hidden: of an object beyond a border, as a share of its side.
    """

    folder: str
    others: Sequence[str]
    images: int
    size: tuple[int, int]
    objects: tuple[int, int]
    most_others: int
    sides: tuple[float, float]
    turn: float
    hidden: float


KINDS = {
    "animals": Kind("animals", ("plants", "food", "household"), 240, (480, 360), (1, 4), 3, (50, 240), 25, 0.35),
    "vehicles": Kind("vehicles", ("plants", "household"), 100, (320, 320), (15, 40), 12, (6, 24), 180, 0),
}


class Stamp(NamedTuple):
    """A picture with transparency, and what it is of."""

    picture: Image.Image
    category: str


def read_stamps(folder: str) -> list[Stamp]:
    """The stamps of a folder; the category is the folder below it."""
    stamps = []
    for path in sorted((STAMPS / folder).rglob("*.png")):
        parts = path.relative_to(STAMPS / folder).parts
        with Image.open(path) as image:
            picture = image.convert("RGBA")
        box = visible_box(picture)
        if box and min(box[2] - box[0], box[3] - box[1]) > LEAST_STAMP:
            stamps.append(Stamp(picture.crop(box), parts[0] if len(parts) > 1 else folder))
    return stamps


def read_backgrounds(width: int) -> list[Image.Image]:
    """The backgrounds, of one width."""
    pictures = []
    for path in sorted(BACKGROUNDS.rglob("*.jpg")):
        with Image.open(path) as image:
            pictures.append(image.convert("RGB").resize((width, round(width * image.height / image.width))))
    return pictures


def visible_box(picture: Image.Image) -> Box | None:
    """What of a picture is not transparent."""
    return picture.getchannel("A").point(lambda value: 255 if value > OPAQUE else 0).getbbox()


class Scene:
    """An image that things are pasted into.

    Args:
        kind: of the data set.
        backgrounds: one of them is behind the things.
        draw: decides all.
    """

    def __init__(self, kind: Kind, backgrounds: Sequence[Image.Image], draw: random.Random) -> None:
        self.kind, self.draw = kind, draw
        behind = draw.choice(backgrounds)
        zoom = draw.uniform(0.5, 1.6)
        width, height = (min(int(side * zoom), limit) for side, limit in zip(kind.size, behind.size, strict=True))
        left, top = draw.randint(0, behind.width - width), draw.randint(0, behind.height - height)
        self.image = behind.crop((left, top, left + width, top + height)).resize(kind.size)
        self.boxes: list[Box] = []

    def paste(self, stamp: Image.Image) -> Box | None:
        """Paste a stamp somewhere, turned and in another size; nothing where there is no room for it."""
        picture = self._changed(stamp)
        visible = visible_box(picture)
        if visible is None:
            return None
        for _ in range(TRIES):
            left, top = (
                self.draw.randint(int(-self.kind.hidden * own), int(whole - (1 - self.kind.hidden) * own))
                for own, whole in zip(picture.size, self.image.size, strict=True)
            )
            box = (
                max(left + visible[0], 0),
                max(top + visible[1], 0),
                min(left + visible[2], self.image.width),
                min(top + visible[3], self.image.height),
            )
            if self._has_room(box):
                alpha = picture.getchannel("A").filter(ImageFilter.GaussianBlur(0.6))
                self.image.paste(self._in_other_light(picture), (left, top), alpha)
                self.boxes.append(box)
                return box
        return None

    def finished(self, grain: np.random.Generator) -> Image.Image:
        """The image as a camera would see it: a little blurred, with grain."""
        blurred = self.image.filter(ImageFilter.GaussianBlur(self.draw.uniform(0.3, 0.9)))
        pixels = np.asarray(blurred) + grain.normal(0, self.draw.uniform(2, 9), (*blurred.size[::-1], 3))
        return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))

    def _changed(self, stamp: Image.Image) -> Image.Image:
        turned = stamp.rotate(
            self.draw.uniform(-self.kind.turn, self.kind.turn), expand=True, resample=Image.Resampling.BICUBIC
        )
        turned = turned.crop(visible_box(turned))
        factor = self.draw.uniform(*self.kind.sides) / math.sqrt(turned.width * turned.height)
        size = max(int(turned.width * factor), 3), max(int(turned.height * factor), 3)
        return turned.resize(size, Image.Resampling.LANCZOS)

    def _in_other_light(self, picture: Image.Image) -> Image.Image:
        darker = ImageEnhance.Brightness(picture.convert("RGB")).enhance(self.draw.uniform(0.5, 1.1))
        return ImageEnhance.Contrast(darker).enhance(self.draw.uniform(0.5, 1.0))

    def _has_room(self, box: Box) -> bool:
        new = torch.tensor(box, dtype=torch.float64)
        others = torch.tensor(self.boxes, dtype=torch.float64).reshape(-1, 4)
        covered = intersection(new, others) > MOST_COVERED * area(others).minimum(area(new))
        return bool(area(new) > 0) and not covered.any()


def make(kind: Kind, output: Path) -> dict[str, Any]:
    """Write the images of a data set, and give its annotations as a COCO dictionary."""
    draw, grain = random.Random(SEED), np.random.default_rng(SEED)
    objects, others = read_stamps(kind.folder), [stamp for folder in kind.others for stamp in read_stamps(folder)]
    backgrounds = read_backgrounds(width=1600)
    names = sorted({stamp.category for stamp in objects})
    images, annotations, ids = [], [], count(1)
    output.joinpath("images").mkdir(parents=True)
    for image_id in range(1, kind.images + 1):
        scene = Scene(kind, backgrounds, draw)
        for _ in range(draw.randint(0, kind.most_others)):
            scene.paste(draw.choice(others).picture)
        for _ in range(draw.randint(*kind.objects)):
            stamp = draw.choice(objects)
            if box := scene.paste(stamp.picture):
                bbox = to_xywh(as_xyxy(box))
                annotations.append(
                    {
                        "id": next(ids),
                        "image_id": image_id,
                        "category_id": names.index(stamp.category) + 1,
                        "bbox": bbox,
                        "area": bbox[2] * bbox[3],
                        "iscrowd": 0,
                    }
                )
        name = f"{image_id:04d}.jpg"
        scene.finished(grain).save(output / "images" / name, quality=90)
        images.append({"id": image_id, "file_name": name, "width": kind.size[0], "height": kind.size[1]})
    categories = [{"id": number, "name": name} for number, name in enumerate(names, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--output", type=Path, required=True, help="a folder that does not exist yet")
    settings = parser.parse_args()
    if settings.output.exists():
        parser.error(f"{settings.output} exists: give a folder that does not exist yet")
    if not (STAMPS.is_dir() and BACKGROUNDS.is_dir()):
        parser.error(f"install Debian's tuxpaint-stamps-default and mate-backgrounds, for {STAMPS} and {BACKGROUNDS}")
    data = make(KINDS[settings.kind], settings.output)
    settings.output.joinpath("boxes.json").write_text(json.dumps(data), encoding="utf-8")
    print(f"{settings.output}: {len(data['images'])} images, {len(data['annotations']):,} objects")


if __name__ == "__main__":
    main()
