import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ssd_det.annotations.coco import Image, read_coco
from ssd_det.batches.trusted_noise import LEAST_PAIRS, trusted_noise, with_noise
from ssd_det.ops.boxes import displaced, displacement

ENTRY = {"image_id": 1, "category_id": 3, "bbox": [10, 10, 10, 8]}
WAS = [9, 12, 12, 8]


@pytest.fixture
def trusted(make_coco):
    checked = {**ENTRY, "trusted": True, "untrusted": {"bbox": WAS}}
    return make_coco(
        annotations=[{**(checked if number else ENTRY), "id": number} for number in range(LEAST_PAIRS + 1)]
    )


def test_noise_is_how_boxes_differ_that_nobody_had_checked(trusted):
    noise = trusted_noise(read_coco(trusted))
    assert noise.shape == (LEAST_PAIRS, 4)
    box = torch.tensor([10.0, 10, 20, 18], dtype=torch.float64)
    assert displaced(box, noise[0]).tolist() == pytest.approx([9, 12, 21, 20])


def test_few_pairs_show_no_noise(trusted, make_coco):
    entries = list(read_coco(trusted).content["annotations"])
    assert len(trusted_noise(read_coco(make_coco(annotations=entries[:-1])))) == 0


BOXES = arrays(np.float64, (3, 4), elements=st.floats(0, 30))


@given(BOXES, arrays(np.float64, (3, 4), elements=st.floats(-0.5, 0.5)))
def test_noisy_boxes_stay_in_their_image_and_keep_an_area(drawn, noise):
    low, high = torch.from_numpy(drawn[:, :2]), torch.from_numpy(drawn[:, :2] + 1 + drawn[:, 2:] / 3)
    boxes = torch.cat([low, high.minimum(torch.tensor([40.0, 40.0], dtype=torch.float64))], dim=1)
    noisy = with_noise(boxes, torch.from_numpy(noise), Image(1, "a.png", 40, 40))
    assert (noisy[:, :2] >= 0).all()
    assert (noisy[:, 2:] <= 40).all()
    assert (noisy[:, 2:] > noisy[:, :2]).all()


def test_noise_is_a_share_of_the_box():
    boxes = torch.tensor([[100.0, 100, 140, 120]], dtype=torch.float64)
    noise = torch.tensor([[0.1, -0.1, 0.2, 0.0]], dtype=torch.float64)
    noisy = with_noise(boxes, noise, Image(1, "a.png", 300, 300))
    assert displacement(boxes, noisy)[0].tolist() == pytest.approx(noise[0].tolist())
