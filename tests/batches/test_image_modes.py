"""Images of every mode: what their pixels become, and that a training step can be taken with each."""

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from ssd_det.annotations.coco import Image
from ssd_det.batches.image_modes import to_rgb
from ssd_det.batches.image_reading import read_image
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.ops.sampling import uniform_draws
from ssd_det.tasks.refine import RefineTask
from tests.conftest import TINY_DATA, TINY_MODEL

WIDTH, HEIGHT = 40, 30
COLOURS = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
RAMP = np.linspace(100, 4000, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)
STRETCHED = ((RAMP - 100) / 3900 * 255).round()

PICTURE = PillowImage.fromarray(COLOURS)
HALF = PillowImage.fromarray(np.dstack([COLOURS, np.full((HEIGHT, WIDTH), 128, np.uint8)]))
PALETTE = PICTURE.convert("P")
SAVED = {
    "grey.png": (PICTURE.convert("L"), {}),
    "grey.jpg": (PICTURE.convert("L"), {}),
    "rgb.jpg": (PICTURE, {}),
    "rgb.webp": (PICTURE, {}),
    "rgb.bmp": (PICTURE, {}),
    "rgb.tiff": (PICTURE, {}),
    "bits.png": (PICTURE.convert("1"), {}),
    "alpha.png": (HALF, {}),
    "alpha.webp": (HALF, {}),
    "alpha.tiff": (HALF, {}),
    "grey_alpha.png": (HALF.convert("LA"), {}),
    "palette.png": (PALETTE, {}),
    "palette.gif": (PALETTE, {}),
    "transparent_palette.png": (PALETTE, {"transparency": 3}),
    "transparent_palette.gif": (PALETTE, {"transparency": 3}),
    "cmyk.jpg": (PICTURE.convert("CMYK"), {}),
    "cmyk.tiff": (PICTURE.convert("CMYK"), {}),
    "lab.tiff": (PICTURE.convert("LAB"), {}),
    "wide.png": (PillowImage.fromarray(RAMP.astype(np.uint16)), {}),
    "wide.tiff": (PillowImage.fromarray(RAMP.astype(np.uint16)), {}),
    "integers.tiff": (PillowImage.fromarray(RAMP.astype(np.int32)), {}),
    "floats.tiff": (PillowImage.fromarray(RAMP.astype(np.float32)), {}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modes")
    for name, (image, settings) in SAVED.items():
        image.save(folder / name, **settings)
    return folder


@pytest.fixture(scope="module")
def batch(folder):
    """All of them, as the refiner is given them."""
    content = {
        "images": [{"id": key, "file_name": name, "width": WIDTH, "height": HEIGHT} for key, name in enumerate(SAVED)],
        "annotations": [
            {"id": key, "image_id": key, "category_id": 3, "bbox": [4, 5, 10, 12]} for key in range(len(SAVED))
        ],
        "categories": [{"id": 3, "name": "cat"}],
    }
    (folder / "noisy.json").write_text(json.dumps(content))
    settings = {**TINY_DATA, "shortest_side": 48, "longest_side": 64, "batch_size": len(SAVED)}
    return next(iter(RefineDataModule(str(folder / "noisy.json"), str(folder), **settings).train_dataloader()))


@pytest.mark.parametrize("name", SAVED)
def test_every_mode_has_something_to_learn_from(batch, name):
    place = batch.annotation_ids.tolist().index(list(SAVED).index(name))
    image = batch.images[batch.objects.image_index[place]]
    assert image.max() - image.min() > 0.8


def test_every_mode_trains_a_step(batch):
    torch.manual_seed(0)
    task = RefineTask(**TINY_MODEL)
    task.categories = [(3, "cat")]
    task.configure_model()
    images = batch.images.requires_grad_()
    output = task(batch, uniform_draws(batch.seeds, TINY_MODEL["num_negatives"]))
    sum(task.refiner.head.losses(output, batch.objects).values()).backward()
    taught = images.grad.abs().flatten(1).sum(dim=1)
    assert taught.isfinite().all()
    assert (taught > 0).all(), "every image takes part in the step"


def pixels(image, kind="PNG", **settings):
    file = io.BytesIO()
    image.save(file, kind, **settings)
    with PillowImage.open(file) as opened:
        return to_rgb(opened)


@pytest.mark.parametrize("name", ["wide.png", "wide.tiff", "integers.tiff", "floats.tiff"])
def test_wide_values_are_stretched_over_the_range_that_the_image_uses(folder, name):
    found = read_image(folder / name, Image(1, name, WIDTH, HEIGHT))
    assert found.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(found - STRETCHED[:, :, None]).max() <= 1
    assert found.min() == 0
    assert found.max() == 255


def test_an_image_of_the_whole_range_has_its_upper_bytes():
    values = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
    assert (pixels(PillowImage.fromarray(values)) == np.arange(256).reshape(16, 16, 1)).all()


def test_byte_order_does_not_matter():
    big = PillowImage.frombytes("I;16B", (WIDTH, HEIGHT), RAMP.astype(">u2").tobytes())
    little = PillowImage.fromarray(RAMP.astype(np.uint16))
    assert (pixels(big, "TIFF") == pixels(little, "TIFF")).all()


def test_images_without_range_and_values_that_are_no_numbers_are_black():
    assert not pixels(PillowImage.fromarray(np.full((4, 4), 700, np.uint16))).any()
    assert not pixels(PillowImage.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF").any()
    mixed = PillowImage.fromarray(np.array([[np.nan, np.inf], [1, 3]], np.float32))
    assert pixels(mixed, "TIFF")[:, :, 0].tolist() == [[0, 0], [0, 255]]


def test_transparent_pixels_are_laid_over_white():
    image = PillowImage.fromarray(np.array([[[10, 20, 30, 0], [10, 20, 30, 255], [0, 0, 0, 51]]], np.uint8))
    assert pixels(image).tolist() == [[[255, 255, 255], [10, 20, 30], [204, 204, 204]]]
    palette = PillowImage.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putdata([0, 1])
    assert pixels(palette, transparency=0).tolist() == [[[255, 255, 255], [40, 50, 60]]]
    assert pixels(palette).tolist() == [[[10, 20, 30], [40, 50, 60]]]


def test_of_several_frames_the_first_is_read():
    second = PillowImage.new("L", (WIDTH, HEIGHT))
    assert (pixels(PICTURE, "TIFF", save_all=True, append_images=[second]) == COLOURS).all()


def test_plain_images_are_as_they_are():
    assert (pixels(PICTURE) == COLOURS).all()
    grey = pixels(PICTURE.convert("L"))
    assert (grey == np.asarray(PICTURE.convert("L"))[:, :, None]).all()
