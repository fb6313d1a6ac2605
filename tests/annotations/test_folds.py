"""Images dealt out to folds."""

import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.folds import images_of_fold
from ssd_det.errors import InputError


@pytest.fixture
def five(make_coco):
    images = [{"id": key, "file_name": f"{key}.png", "width": 40, "height": 30} for key in (9, 2, 7, 4, 5)]
    return read_coco(make_coco(images=images, annotations=[]), may_be_empty=True)


@pytest.mark.parametrize("folds", [1, 2, 3, 5])
def test_every_image_is_in_one_fold_and_folds_are_as_large_as_each_other(five, folds):
    dealt = [images_of_fold(five, fold, folds) for fold in range(folds)]
    assert sorted(key for fold in dealt for key in fold) == [2, 4, 5, 7, 9]
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1


def test_more_folds_than_images_are_refused(five):
    with pytest.raises(InputError, match=r"its images \(5\) cannot be dealt out to 6 folds: give fewer folds"):
        images_of_fold(five, 0, 6)
