"""A small data set with true boxes, drawn from a seed: shapes with texture, on clutter, overlapping."""

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.output import check_outputs, write_bytes, write_json, written_whole
from ssd_det.errors import InputError

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

HEIGHT, WIDTH = 192, 256
SMALLEST, LARGEST = 24, 96
MOST_OBJECTS = 7
LEAST_VISIBLE = 0.65
SEGMENT_TRIES = 40


def draw_demo_data(
    folder: Path, images: int = 150, test_images: int = 40, seed: int = 0, overwrite: bool = False
) -> tuple[Path, Path]:
    """Draw images with objects of four classes, and their COCO json, some to train on and others to test on.

    Args:
        folder: gets ``train.json``, ``test.json`` and ``images/``; made if it does not exist.
        images: how many to train on.
        test_images: how many to test on.
        seed: decides every pixel: the same seed gives the same files.
        overwrite: allow the files to exist.

    Returns:
        The paths of the two json files.

    Raises:
        InputError: if a number is not positive, a file exists and may not be replaced, or the folder cannot be written;
            then nothing is.
    """
    for name, count in (("images", images), ("test_images", test_images)):
        if count < 1:
            raise InputError(f"{name} is {count}: give a number from 1 up.")
    train, test = folder / "train.json", folder / "test.json"
    pictures = (_image_of(folder, image_id) for image_id in range(1, images + test_images + 1))
    check_outputs([train, test, *pictures], overwrite=overwrite)
    with written_whole(folder) as new:
        (new / "images").mkdir()
        _draw_set(new / train.name, range(1, images + 1), seed)
        _draw_set(new / test.name, range(images + 1, images + test_images + 1), seed)
    return train, test


def _image_of(folder: Path, image_id: int) -> Path:
    return folder / "images" / f"{image_id:04d}.png"


def _draw_set(path: Path, image_ids: Iterable[int], seed: int) -> None:
    entries: list[JsonObject] = []
    annotations: list[JsonObject] = []
    for image_id in image_ids:
        pixels, objects = _draw_image(np.random.default_rng([seed % 2**64, image_id]))
        image = _image_of(path.parent, image_id)
        write_bytes(image, cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes())
        entries.append({"id": image_id, "file_name": image.name, "width": WIDTH, "height": HEIGHT})
        for category_id, (x, y, width, height) in objects:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": category_id,
                    "bbox": [x, y, width, height],
                    "area": width * height,
                    "iscrowd": 0,
                }
            )
    categories = [{"id": key, "name": name} for key, name in enumerate(SHAPES, start=1)]
    write_json(path, {"images": entries, "annotations": annotations, "categories": categories})


def _draw_image(random: np.random.Generator) -> tuple[Pixels, list[tuple[int, tuple[int, int, int, int]]]]:
    """Draw an image; an object that would hide too much of an earlier one is left out."""
    image = _clutter(random)
    owner = np.zeros((HEIGHT, WIDTH), dtype=np.int64)
    masks: list[Mask] = []
    objects: list[tuple[int, tuple[int, int, int, int]]] = []
    for _ in range(int(random.integers(1, MOST_OBJECTS + 1))):
        category_id = int(random.integers(len(SHAPES))) + 1
        mask = _placed_shape(random, list(SHAPES.values())[category_id - 1])
        visible = [((owner == index) & ~mask).sum() / earlier.sum() for index, earlier in enumerate(masks, start=1)]
        if any(share < LEAST_VISIBLE for share in visible):
            continue
        left, top, width, height = bounds = _bounds(mask)
        masks.append(mask)
        objects.append((category_id, bounds))
        owner[mask] = len(masks)
        part = np.s_[top : top + height, left : left + width]
        image[part][mask[part]] = _texture(random, category_id, height, width)[mask[part]]
    return image, objects


def _placed_shape(random: np.random.Generator, shape: Callable[[int, int], Mask]) -> Mask:
    """The mask of a shape of random size at a random position, all of it in the image."""
    height, width = (int(side) for side in np.exp(random.uniform(np.log(SMALLEST), np.log(LARGEST), size=2)))
    top, left = int(random.integers(HEIGHT - height + 1)), int(random.integers(WIDTH - width + 1))
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[top : top + height, left : left + width] = shape(height, width)
    return mask


def _bounds(mask: Mask) -> tuple[int, int, int, int]:
    """The box around a mask, xywh."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0]) + 1,
        int(rows[-1] - rows[0]) + 1,
    )


def _grid(height: int, width: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Coordinates of the pixels' centres, from -1 to 1."""
    y = (np.arange(height) + 0.5) / height * 2 - 1
    x = (np.arange(width) + 0.5) / width * 2 - 1
    return y[:, None], x[None]


def _ellipse(height: int, width: int) -> Mask:
    y, x = _grid(height, width)
    return x**2 + y**2 <= 1


def _triangle(height: int, width: int) -> Mask:
    y, x = _grid(height, width)
    return 2 * np.abs(x) <= y + 1


def _ring(height: int, width: int) -> Mask:
    y, x = _grid(height, width)
    radius = x**2 + y**2
    return (radius <= 1) & (radius >= 0.25)


def _cross(height: int, width: int) -> Mask:
    y, x = _grid(height, width)
    return (np.abs(x) <= 0.35) | (np.abs(y) <= 0.35)


SHAPES: dict[str, Callable[[int, int], Mask]] = {
    "ellipse": _ellipse,
    "triangle": _triangle,
    "ring": _ring,
    "cross": _cross,
}


def _texture(random: np.random.Generator, category_id: int, height: int, width: int) -> Pixels:
    """Stripes of a colour near that of the class, with noise."""
    hue = (category_id * 45 + random.integers(-14, 15)) % 180
    colour = cv2.cvtColor(
        np.array([[[hue, random.integers(120, 230), random.integers(150, 250)]]], dtype=np.uint8), cv2.COLOR_HSV2RGB
    )[0, 0]
    y, x = np.mgrid[:height, :width]
    angle, period, phase = random.uniform(0, np.pi), random.uniform(6, 14), random.uniform(0, 1)
    waves = (x * np.cos(angle) + y * np.sin(angle)) / period + phase
    stripes = 0.82 + 0.18 * np.sign(np.sin(2 * np.pi * waves))
    noisy = colour * stripes[:, :, None] + random.normal(0, 10, size=(height, width, 3))
    return np.asarray(noisy.clip(0, 255), dtype=np.uint8)


def _clutter(random: np.random.Generator) -> Pixels:
    """A background of blurred noise and short thin lines in dull colours."""
    brightness = random.integers(60, 170, size=(6, 8, 1)) + random.integers(-12, 13, size=(6, 8, 3))
    small = brightness.astype(np.uint8)
    image = np.asarray(cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    for _ in range(SEGMENT_TRIES):
        start = random.integers((WIDTH, HEIGHT))
        end = start + random.integers(-30, 31, size=2)
        colour = tuple(int(value) for value in random.integers(30, 190, size=3))
        cv2.line(image, start.tolist(), end.tolist(), colour, int(random.integers(1, 4)))
    noisy = image + random.normal(0, 12, size=image.shape)
    return np.asarray(noisy.clip(0, 255), dtype=np.uint8)
