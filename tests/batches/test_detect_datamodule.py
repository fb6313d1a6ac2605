import json
import shutil

import pytest
import torch

from ssd_det.annotations.coco import Category
from ssd_det.batches.detect_datamodule import DetectDataModule
from ssd_det.errors import InputError
from tests.annotations.formats.folders import make_voc

FILES = {"annotations": "train", "test_annotations": "test"}


def test_training_has_the_usable_boxes_clipped_and_labels_from_1(make_coco, make_image, tmp_path, caplog):
    make_image()
    make_image("b.png")
    images = [{"id": i, "file_name": f"{n}.png", "width": 40, "height": 30} for i, n in ((1, "a"), (2, "b"))]
    boxes = [[-4, 5, 10, 12], [0, 0, 0, 0], [50, 5, 5, 5], [39.9995, 0, 9, 9], [1, 1, 5, 5]]
    annotations = [{"id": i, "image_id": 1, "category_id": 9, "bbox": box} for i, box in enumerate(boxes)]
    annotations[4]["iscrowd"] = 1
    categories = [{"id": 9, "name": "cat"}, {"id": 4, "name": "dog"}]
    path = make_coco(images=images, annotations=annotations, categories=categories)
    data = DetectDataModule(str(path), str(tmp_path), num_workers=0, horizontal_flip=0)
    data.setup("fit")
    batches = list(data.train_dataloader())
    assert "4 of 5 annotations are not trained on" in caplog.text
    assert [batch.image_ids for batch in batches] == [[1]]
    assert batches[0].targets[0]["boxes"].tolist() == [[0, 5, 6, 17]]
    assert batches[0].targets[0]["labels"].tolist() == [2]
    assert batches[0].images[0].shape == (3, 30, 40)
    assert batches[0].images[0].max() <= 1


def test_testing_sees_every_image_once_those_without_boxes_as_well(demo, tmp_path):
    content = json.loads((demo / "test.json").read_text())
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] != 7]
    (tmp_path / "some.json").write_text(json.dumps(content))
    files = {"test_annotations": str(tmp_path / "some.json"), "image_root": str(demo / "images")}
    data = DetectDataModule(**files, batch_size=3, num_workers=0)
    for loader in (data.test_dataloader(), data.predict_dataloader()):
        assert sorted(key for batch in loader for key in batch.image_ids) == [7, 8, 9, 10]


@pytest.mark.parametrize(("stage", "setting"), [("fit", "annotations"), ("test", "test_annotations")])
def test_a_file_that_is_not_given_is_named(stage, setting):
    with pytest.raises(InputError, match=f"data.{setting} is not given"):
        _ = DetectDataModule().coco_for(stage).path


def test_images_lie_beside_the_file_unless_said_otherwise(demo, tmp_path):
    data = DetectDataModule(str(demo / "train.json"), num_workers=0)
    assert len(data.train_dataloader().dataset) == 6
    with pytest.raises(InputError, match="there is no such folder"):
        _ = DetectDataModule(str(demo / "train.json"), str(tmp_path / "none")).coco


def test_a_seed_decides_the_batches(demo):
    def first(seed):
        return next(iter(DetectDataModule(str(demo / "train.json"), num_workers=0, seed=seed).train_dataloader()))

    one, same, other = first(1), first(1), first(2)
    assert one.image_ids == same.image_ids
    assert all(torch.equal(a, b) for a, b in zip(one.images, same.images, strict=True))
    assert one.seeds != other.seeds


def test_classes_of_a_test_folder_get_the_numbers_of_the_network(tmp_path):
    root = make_voc(tmp_path / "voc")
    data = DetectDataModule(test_annotations=str(root), num_workers=0)
    assert {a.category_id for a in data.test_coco.annotations} == {1, 2}
    data.take_classes([Category(1, "Käfer"), Category(2, "bee"), Category(3, "dog")])
    assert {a.category_id for a in data.coco_for("test").annotations} == {1, 3}
    (batch, *_) = data.test_dataloader()
    assert {label for target in batch.targets for label in target["labels"].tolist()} <= {1, 3}


def test_images_that_are_missing_are_left_out_and_counted(demo, tmp_path, caplog):
    shutil.copytree(demo, tmp_path, dirs_exist_ok=True)
    for number in (2, 8):
        (tmp_path / "images" / f"{number:04}.png").unlink()
    files = {name: str(tmp_path / f"{file}.json") for name, file in FILES.items()}
    with pytest.raises(InputError, match="1 of 6 image files are not in"):
        _ = DetectDataModule(**files).coco
    data = DetectDataModule(**files, num_workers=0, skip_missing_images=True)
    assert sorted(image.id for image in data.train_dataloader().dataset.images) == [1, 3, 4, 5, 6]
    assert sorted(key for batch in data.test_dataloader() for key in batch.image_ids) == [7, 9, 10]
    assert {annotation.image_id for annotation in data.coco_for("test").annotations} <= {7, 9, 10}
    assert caplog.text.count("1 of 6 image files are not in") == 1
    assert caplog.text.count("1 of 4 image files are not in") == 1


def test_boxes_to_validate_on_are_looked_at_before_a_training(demo, tmp_path, caplog):
    def make(content, **settings):
        (tmp_path / "val.json").write_text(json.dumps(content))
        data = DetectDataModule(str(demo / "train.json"), str(demo / "images"), val_annotations=path, **settings)
        data.check_training_data()
        return data

    path = str(tmp_path / "val.json")
    test, train = (json.loads((demo / f"{name}.json").read_text()) for name in ("test", "train"))
    [loader] = make(test, num_workers=0, batch_size=3).val_dataloader()
    assert sorted(key for batch in loader for key in batch.image_ids) == [7, 8, 9, 10]
    assert caplog.text == ""
    make(train)
    assert "6 of 6 images are trained on as well" in caplog.text
    train["annotations"][0]["bbox"][0] += 1
    with pytest.raises(InputError, match=r"with other boxes: .*give data\.val_image_root"):
        make(train)
    make(train, val_image_root=str(demo / "images"))
    test["categories"][0]["name"] = "blob"
    with pytest.raises(InputError, match=r"val\.json: has other categories than"):
        make(test)


def test_without_boxes_to_validate_on_there_are_no_batches_of_them(demo):
    assert DetectDataModule(str(demo / "train.json")).val_dataloader() == []
