"""Which pixels a box is in does not depend on the format of the image, nor on what its EXIF header asks for."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image as PillowImage

from ssd_det.annotations.coco import Image
from ssd_det.annotations.formats.image_headers import size_of
from ssd_det.annotations.stored_pixels import read_header
from ssd_det.batches.image_reading import read_image
from ssd_det.errors import InputError

WIDTH, HEIGHT = 64, 48


def save(path, orientation, mode="RGB"):
    """A picture with a bright object at x 30, y 4, 10 wide and 20 high, in its stored pixels."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels[4:24, 30:40] = 255
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    PillowImage.fromarray(pixels).convert(mode).save(
        path, exif=exif, **({"lossless": True} if path.suffix == ".webp" else {})
    )


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_sizes_and_pixels_are_those_that_are_stored(tmp_path, suffix, orientation):
    path = tmp_path / f"a.{suffix}"
    save(path, orientation)
    assert read_header(path) == (WIDTH, HEIGHT, orientation)
    assert size_of(path) == (WIDTH, HEIGHT)
    pixels = read_image(path, Image(1, path.name, WIDTH, HEIGHT))
    bright = pixels[:, :, 0] > 128
    assert bright[6:22, 32:38].all()
    assert bright.sum() == pytest.approx(200, abs=60)


def read_image_of_nothing(mode, folder):
    PillowImage.new(mode, (WIDTH, HEIGHT)).save(folder / "nothing.tif")
    return read_image(folder / "nothing.tif", Image(2, "nothing.tif", WIDTH, HEIGHT))


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "RGBA", "I;16", "F"])
def test_tiff_of_any_mode_is_turned_back(tmp_path, mode):
    path = tmp_path / "a.tif"
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    image = PillowImage.new(mode, (WIDTH, HEIGHT))
    image.putpixel((30, 4), (0, 0, 0, 255) if len(image.getbands()) > 1 else 1)
    image.save(path, exif=exif)
    odd = (read_image(path, Image(1, path.name, WIDTH, HEIGHT)) != read_image_of_nothing(mode, tmp_path)).any(axis=2)
    assert np.argwhere(odd).tolist() == [[4, 30]]


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_means_nothing_turns_nothing(tmp_path, value):
    save(tmp_path / "a.jpg", value)
    assert read_header(tmp_path / "a.jpg").orientation == 1


def test_an_image_that_is_too_large_is_called_so(tmp_path, monkeypatch):
    PillowImage.new("1", (3000, 1000)).save(tmp_path / "big.png")
    monkeypatch.setattr(PillowImage, "MAX_IMAGE_PIXELS", 1_000_000)
    sentence = r"big\.png: {}has 3 megapixels, more than 2: cut it into tiles\.$"
    with pytest.raises(InputError, match=sentence.format("image 7 ")):
        read_image(tmp_path / "big.png", Image(7, "big.png", 3000, 1000))
    with pytest.raises(InputError, match=sentence.format("")):
        size_of(tmp_path / "big.png")


def test_an_honest_large_image_is_read_without_a_word(tmp_path):
    PillowImage.new("1", (3000, 1000)).save(tmp_path / "big.png")
    code = (
        "from PIL import Image; from ssd_det.annotations.stored_pixels import read_header;"
        f"Image.MAX_IMAGE_PIXELS = 2_000_000; print(read_header({str(tmp_path / 'big.png')!r})[:2])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("(3000, 1000)\n", "")
