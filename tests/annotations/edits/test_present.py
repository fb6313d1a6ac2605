import json

import pytest

from ssd_det.main import main


@pytest.fixture
def some_missing(make_coco, make_image):
    """Five images, the third of which is not there."""
    names = [f"images/{number}.png" for number in range(1, 6)]
    for name in (name for name in names if "3" not in name):
        make_image(name)
    images = [{"id": i, "file_name": f"{i}.png", "width": 40, "height": 30} for i in range(1, 6)]
    annotations = [{"id": i, "image_id": i, "category_id": 3, "bbox": [4, 5, 10, 12]} for i in range(1, 6)]
    return make_coco(images=images, annotations=annotations)


def images_of(path):
    return [image["id"] for image in json.loads(path.read_text())["images"]]


@pytest.mark.parametrize(
    "command",
    [
        "convert-annotations {} --to=coco --output={}/new.json",
        "convert-annotations {} --to=yolo --output={}/new",
        "draw-annotations {} --image_root={}/images --output={}/new",
        "merge-annotations {} --output={}/new.json",
        "split-annotations {} --val=0.3 --output={}/new",
    ],
)
def test_images_that_are_not_there_are_left_out_and_counted(some_missing, tmp_path, capsys, command):
    first, *rest = command.split("{}")
    words = [*(first + str(some_missing) + str(tmp_path).join(rest)).split(), "--skip_missing_images"]
    assert main(words) == 0
    error = capsys.readouterr().err
    assert "1 of 5 image files are not in" in error
    assert "are left out: 3.png." in error
    new = tmp_path / "new"
    if "json" in command:
        assert images_of(tmp_path / "new.json") == [1, 2, 4, 5]
    elif "yolo" in command:
        assert sorted(path.stem for path in (new / "labels").iterdir()) == ["1", "2", "4", "5"]
    elif "draw" in command:
        assert len(list(new.iterdir())) == 4
    else:
        assert sorted(images_of(new / "train.json") + images_of(new / "val.json")) == [1, 2, 4, 5]


@pytest.mark.parametrize(
    "command",
    [
        "convert-annotations --to=coco --output={}/new.json",
        "convert-annotations --to=yolo --output={}/new",
        "draw-annotations --output={}/new",
        "merge-annotations --output={}/new.json",
        "split-annotations --output={}/new",
    ],
)
def test_where_all_images_are_missing_the_folder_is_wrong(some_missing, tmp_path, capsys, command):
    (tmp_path / "none").mkdir()
    name, *words = command.format(tmp_path).split()
    words += [f"--image_root={tmp_path / 'none'}", "--skip_missing_images"]
    assert main([name, str(some_missing), *words]) == 2
    error = capsys.readouterr().err
    assert "noisy.json: 5 of 5 image files are not in" in error
    assert error.endswith(": correct image_root or file_name.\n")
    assert not list(tmp_path.glob("new*"))
