"""Near duplicates, against a comparison of every pair."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.ops import box_iou

from ssd_det.doctor.examination import examine
from ssd_det.ops.boxes import corners

SIDE = st.floats(10, 60)
BOX = st.tuples(st.integers(0, 3), st.integers(0, 3), SIDE, SIDE)


@given(st.lists(st.tuples(st.integers(1, 2), st.integers(1, 2), BOX), min_size=1, max_size=25, unique=True))
def test_near_duplicates_are_those_that_a_comparison_of_all_pairs_finds(drawn):
    annotations = [
        {"id": i, "image_id": image, "category_id": category, "bbox": list(box)}
        for i, (image, category, box) in enumerate(drawn)
    ]
    content = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 100, "height": 100} for i in (1, 2)],
        "annotations": annotations,
        "categories": [{"id": i, "name": str(i)} for i in (1, 2)],
    }
    boxes = corners([box for _, _, box in drawn])
    groups = torch.tensor([(image, category) for image, category, _ in drawn])
    overlaps = box_iou(boxes, boxes).numpy()
    same_group = (groups[:, None] == groups).all(dim=2).numpy()
    near = np.tril(same_group & (overlaps > 0.95), -1).any(axis=1)
    if (np.abs(overlaps - 0.95) < 1e-9).any():
        return
    counts = {fault.kind: fault.count for fault in examine(content).faults}
    assert counts.get("near-duplicate", 0) == near.sum()


EXACT = st.tuples(*[st.sampled_from([0, -0.0, 1, 1.0, 2**0.5, 30.5])] * 2, *[st.sampled_from([20, 20.0, 30.5])] * 2)


@given(st.lists(st.tuples(st.integers(1, 2), st.integers(1, 2), EXACT), min_size=1, max_size=25))
def test_exact_duplicates_are_those_whose_numbers_are_all_equal(drawn):
    content = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 100, "height": 100} for i in (1, 2)],
        "annotations": [
            {"id": i, "image_id": image, "category_id": category, "bbox": list(box)}
            for i, (image, category, box) in enumerate(drawn)
        ],
        "categories": [{"id": i, "name": str(i)} for i in (1, 2)],
    }
    counts = {fault.kind: fault.count for fault in examine(content).faults}
    assert counts.get("exact-duplicate", 0) == len(drawn) - len(set(drawn))
