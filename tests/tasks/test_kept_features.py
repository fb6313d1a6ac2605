"""Pyramids of images that several passes look at."""

import pytest
import torch

from ssd_det.free_memory import GIB
from ssd_det.tasks import kept_features as module
from ssd_det.tasks.kept_features import KeptFeatures


def pyramid(images=2):
    return [torch.rand(images, 3, 8, 8), torch.rand(images, 3, 4, 4)]


OF_ONE = 4 * 3 * (64 + 16)


def fail():
    pytest.fail("computed again")


def test_what_was_computed_for_an_image_is_kept_to_the_bit_in_any_order():
    kept, features = KeptFeatures([7, 8]), pyramid()
    assert kept.of([7, 8], 0, lambda: features) is features
    again = kept.of([8, 7], 0, fail)
    assert all(torch.equal(level, before[[1, 0]]) for level, before in zip(again, features, strict=True))


def test_each_view_has_its_own():
    kept, features = KeptFeatures([7, 8]), pyramid()
    kept.of([7, 8], 0, pyramid)
    assert kept.of([7, 8], 1, lambda: features) is features


def test_images_that_no_pass_will_see_again_are_not_kept():
    kept, features = KeptFeatures([7]), pyramid()
    kept.of([7, 8], 0, pyramid)
    assert kept.of([7, 8], 0, lambda: features) is features
    kept.of([7], 0, fail)


def test_no_more_is_kept_than_there_is_room_for():
    kept, features = KeptFeatures([7, 8], most_bytes=2 * OF_ONE - 1), pyramid(1)
    kept.of([7, 8], 0, pyramid)
    kept.of([7], 0, fail)
    assert kept.of([8], 0, lambda: features) is features


@pytest.mark.parametrize(("processes", "kept"), [(1, True), (2, False)])
def test_a_quarter_of_the_free_memory_is_shared_by_the_processes(monkeypatch, processes, kept):
    monkeypatch.setattr(module, "free_memory", lambda: 4 * OF_ONE / GIB)
    keeping, features = KeptFeatures([7], processes), pyramid(1)
    keeping.of([7], 0, lambda: features)
    computed = []
    keeping.of([7], 0, lambda: computed.append(1) or pyramid(1))
    assert bool(computed) != kept


def test_a_kept_image_holds_no_others_of_its_batch():
    kept = KeptFeatures([7])
    kept.of([7, 8], 0, pyramid)
    (level, _) = kept.of([7], 0, fail)
    assert level.untyped_storage().nbytes() == level.nbytes


def test_what_is_dropped_is_computed_again():
    kept, features = KeptFeatures([7]), pyramid(1)
    kept.of([7], 0, lambda: pyramid(1))
    kept.drop()
    assert kept.of([7], 0, lambda: features) is features
