import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.errors import InputError
from ssd_det.setup.facts import inspect_machine, measure_data


def annotation(number, image_id, width, height, **more):
    return {"id": number, "image_id": image_id, "category_id": 3, "bbox": [1, 1, width, height], **more}


def test_the_content_of_a_file_is_measured(make_coco):
    images = [
        {"id": number, "file_name": f"{number}.png", "width": width, "height": height}
        for number, (width, height) in enumerate([(400, 200), (200, 300), (100, 100), (500, 250)])
    ]
    boxes = [
        annotation(1, 0, 40, 10),
        annotation(2, 0, 20, 20),
        annotation(3, 0, 20, 80),
        annotation(4, 1, 30, 30),
        annotation(5, 1, 9, 9, iscrowd=1),
    ]
    data = measure_data(read_coco(make_coco(images=images, annotations=boxes)))
    assert (data.images, data.images_with_objects, data.objects, data.left_out) == (4, 2, 4, 1)
    assert (data.longest_side, data.shortest_side, data.largest_image) == (350, 200, (500, 250))
    assert data.objects_per_image == (2, 3, 3)
    assert data.object_sides[1] == pytest.approx(25)
    assert data.relative_sides[1] == pytest.approx((20 / 400 + 40 / 400) / 2)


def test_a_file_without_usable_boxes_is_refused(make_coco):
    with pytest.raises(InputError, match="no images with boxes"):
        measure_data(read_coco(make_coco(annotations=[annotation(1, 1, 0, 0)])))


def test_the_machine_has_cores_and_memory():
    machine = inspect_machine()
    assert machine.cores >= 1
    assert machine.memory > 0
    assert "GiB of memory free" in machine.describe()
