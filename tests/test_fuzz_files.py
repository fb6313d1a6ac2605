"""Damaged configurations and pictures: each ends in a sentence; see :mod:`tests.fuzzing`."""

import io
import warnings
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from ssd_det.annotations.coco import Image
from ssd_det.batches.image_reading import read_image
from ssd_det.errors import InputError
from ssd_det.foreign.yaml_limits import check_configuration
from ssd_det.shipped import configs_folder
from tests.fuzzing import FUZZED, NESTING, TOKENS_OF_TEXTS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@st.composite
def damaged_content(draw, contents):
    """A file with bytes replaced, repeated, or cut off."""
    data = draw(st.sampled_from(contents))
    for _ in range(draw(st.integers(0, 3))):
        offset, length = draw(st.integers(0, len(data))), draw(st.integers(0, 20))
        inside = draw(st.sampled_from(TOKENS_OF_TEXTS) | st.binary(max_size=8) | st.sampled_from(NESTING).map(b"".join))
        data = data[:offset] + inside + data[offset + length * draw(st.booleans()) :]
    return data[: draw(st.sampled_from([len(data), len(data), draw(st.integers(0, len(data)))]))]


def pictures():
    """A small picture of every format that is read, and some of its ways to store pixels."""
    image = PillowImage.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8))
    for kind in ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000", "PPM"):
        file = io.BytesIO()
        image.save(file, kind)
        yield file.getvalue()
    for mode, kind, settings_ in (("CMYK", "JPEG", {}), ("P", "PNG", {}), ("RGB", "TIFF", {"compression": "tiff_lzw"})):
        file = io.BytesIO()
        image.convert(mode).save(file, kind, **settings_)
        yield file.getvalue()


@FUZZED
@given(damaged_content([path.read_bytes() for path in sorted(configs_folder().glob("*.yaml"))]))
def test_damaged_configurations_end_in_a_sentence(folder, costs, content):
    (folder / "c.yaml").write_bytes(content)
    with costs.of("a configuration"), suppress(InputError):
        check_configuration(folder / "c.yaml")


@FUZZED
@given(damaged_content(list(pictures())))
def test_damaged_pictures_end_in_a_sentence(folder, costs, content):
    (folder / "a.png").write_bytes(content)
    with costs.of("a picture"), suppress(InputError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read_image(folder / "a.png", Image(1, "a.png", 40, 30))
