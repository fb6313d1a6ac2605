import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.edits.merged import check_shared_names, merge
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.errors import InputError
from ssd_det.main import main
from tests.annotations.formats.folders import make_yolo

CATS = [{"id": 3, "name": "cat", "supercategory": "animal"}]


def image(number, name, width=40, **more):
    return {"id": number, "file_name": name, "width": width, "height": 30, **more}


def box(number, image_id, category_id=3, **more):
    return {"id": number, "image_id": image_id, "category_id": category_id, "bbox": [4, 5, 10, 12], **more}


def by_id(entries):
    return {entry["id"]: entry for entry in entries}


def test_ids_stay_or_are_renumbered_and_say_where_they_came_from(make_coco):
    first = make_coco("a.json", images=[image(1, "a.png")], annotations=[box(5, 1, score=0.5)], info={"year": 1})
    second = make_coco(
        "b.json",
        images=[image(1, "b.png"), image(9, "c.png")],
        annotations=[box(5, 1, score=0.7), box(8, 9)],
        info={"year": 2},
        licenses=[],
    )
    before = first.read_bytes(), second.read_bytes()
    merged = merge([read_coco(first), read_coco(second)])
    assert by_id(merged.content["images"]) == {
        1: image(1, "a.png"),
        2: image(2, "b.png", merged_from={"file": str(second), "id": 1}),
        9: image(9, "c.png"),
    }
    assert by_id(merged.content["annotations"]) == {
        5: box(5, 1, score=0.5),
        1: box(1, 2, score=0.7, merged_from={"file": str(second), "id": 5}),
        8: box(8, 9),
    }
    assert merged.content["info"] == {"year": 1}
    assert merged.content["licenses"] == []
    assert merged.renumbered == 1
    assert (first.read_bytes(), second.read_bytes()) == before


def test_an_image_in_two_files_becomes_one(make_coco):
    first = make_coco("a.json", images=[image(1, "a.png", camera="x")])
    second = make_coco("b.json", images=[image(7, "a.png", camera="y", date="z")], annotations=[box(6, 7)])
    merged = merge([read_coco(first), read_coco(second)])
    assert merged.content["images"] == [image(1, "a.png", camera="x", date="z")]
    assert {entry["id"]: entry["image_id"] for entry in merged.content["annotations"]} == {5: 1, 6: 1}
    assert merged.shared_images == 1


def test_an_image_of_two_sizes_is_refused(make_coco):
    first, second = (make_coco(f"{width}.json", images=[image(1, "a.png", width)]) for width in (40, 50))
    with pytest.raises(InputError, match=r"50\.json: image 1: a\.png is 50x30, but 40x30 in .*40\.json: correct"):
        merge([read_coco(first), read_coco(second)])


def test_categories_of_one_name_become_one(make_coco):
    first = make_coco("a.json", images=[image(1, "a.png")], categories=CATS)
    second = make_coco(
        "b.json",
        images=[image(2, "b.png")],
        annotations=[box(6, 2, 1), box(7, 2, 3), box(8, 2, 4)],
        categories=[{"id": 1, "name": "cat"}, {"id": 3, "name": "dog"}, {"id": 4, "name": "cow"}],
    )
    merged = merge([read_coco(first), read_coco(second)])
    named = {entry["id"]: entry["name"] for entry in merged.content["categories"]}
    assert named == {3: "cat", 2: "dog", 4: "cow"}
    found = {entry["id"]: named[entry["category_id"]] for entry in merged.content["annotations"]}
    assert found == {5: "cat", 6: "cat", 7: "dog", 8: "cow"}


def test_what_one_file_distinguishes_stays_distinct(make_coco):
    path = make_coco(images=[image(1, "a.png"), image(2, "a.png")], annotations=[box(5, 2)])
    other = make_coco("b.json", images=[image(3, "a.png")], annotations=[box(6, 3)])
    merged = merge([read_coco(path), read_coco(other)])
    assert [entry["id"] for entry in merged.content["images"]] == [1, 2]
    assert [entry["image_id"] for entry in merged.content["annotations"]] == [2, 1]


files = st.lists(
    st.lists(st.tuples(st.integers(-2, 6), st.sampled_from("abcd")), min_size=1, max_size=4, unique_by=lambda e: e[0]),
    min_size=1,
    max_size=4,
)


@given(files, files)
def test_nothing_is_lost_and_every_id_is_used_once(tmp_path_factory, images, categories):
    folder = tmp_path_factory.mktemp("merged")
    read, expected = [], []
    for number, (file_images, file_categories) in enumerate(zip(images, categories, strict=False)):
        pairs = [(image_id, category_id) for image_id, _ in file_images for category_id, _ in file_categories]
        boxes = [
            box(position, image_id, category_id, mark=f"{number}.{position}")
            for position, (image_id, category_id) in enumerate(pairs)
        ]
        content = {
            "images": [image(key, name) for key, name in file_images],
            "annotations": boxes,
            "categories": [{"id": key, "name": name} for key, name in file_categories],
        }
        path = folder / f"{number}.json"
        path.write_text(json.dumps(content))
        read.append(read_coco(path))
        names, kinds = dict(file_images), dict(file_categories)
        expected += [(entry["mark"], names[entry["image_id"]], kinds[entry["category_id"]]) for entry in boxes]
    path = folder / "all.json"
    path.write_text(json.dumps(merge(read).content))
    merged = read_coco(path)  # which refuses ids that are used twice
    kinds = {category.id: category.name for category in merged.categories}
    found = [
        (merged.entry(a)["mark"], merged.image_by_id[a.image_id].file_name, kinds[a.category_id])
        for a in merged.annotations
    ]
    assert found == expected
    assert merge(read).content == json.loads(path.read_text())


def test_the_command_writes_one_file(make_coco, tmp_path, capsys):
    paths = [str(make_coco(name, images=[image(1, name)])) for name in ("a.json", "b.json", "c.json")]
    output = tmp_path / "all.json"
    assert main(["merge-annotations", *paths, "--output", str(output)]) == 0
    assert "3 annotations in 3 images; 0 images were in several files, 2 annotations" in capsys.readouterr().out
    assert len(json.loads(output.read_text())["annotations"]) == 3
    assert main(["merge-annotations", *paths, "--output", str(output)]) == 2
    assert main(["merge-annotations", *paths, "--output", paths[1], "--overwrite"]) == 2
    assert "is an input that would be lost" in capsys.readouterr().err


def test_images_that_may_be_different_pictures_are_not_merged_unless_said_so(make_coco, tmp_path, capsys):
    paths = [str(make_coco(name, images=[image(1, "frame_0.png")])) for name in ("a.json", "b.json")]
    output = tmp_path / "all.json"
    assert main(["merge-annotations", *paths, f"--output={output}"]) == 2
    error = capsys.readouterr().err
    assert "b.json: 1 of its images are called like images of" in error
    assert "give --prefix_folders if they are, or --same_images true if they are not" in error
    assert not output.exists()
    assert main(["merge-annotations", *paths, f"--output={output}", "--same_images"]) == 0
    assert len(json.loads(output.read_text())["images"]) == 1
    words = [*paths, f"--output={output}", "--overwrite", "--prefix_folders=[one/images,two/]"]
    assert main(["merge-annotations", *words]) == 0
    names = [entry["file_name"] for entry in json.loads(output.read_text())["images"]]
    assert names == ["one/images/frame_0.png", "two/frame_0.png"]
    assert main(["merge-annotations", *paths, f"--output={output}", "--overwrite", "--prefix_folders=[one]"]) == 2
    assert "prefix_folders has 1 folders: give one for each" in capsys.readouterr().err


def test_files_of_other_classes_of_the_same_images_are_merged(make_coco, tmp_path):
    cats = make_coco("a.json", images=[image(1, "a.png")], annotations=[box(1, 1)], categories=CATS)
    dogs = make_coco(
        "b.json", images=[image(1, "a.png")], annotations=[box(1, 1, 5)], categories=[{"id": 5, "name": "dog"}]
    )
    check_shared_names([read_coco(cats), read_coco(dogs)], one_root=False)


def test_folders_whose_names_start_from_different_places_are_not_merged(tmp_path):
    first, second = (
        read_annotations(make_yolo(tmp_path / name, labels={}), may_be_empty=True) for name in ("one", "two")
    )
    with pytest.raises(InputError, match="may be different pictures"):
        check_shared_names([first, second], one_root=False)
    check_shared_names([first, second], one_root=True)


def test_images_without_boxes_are_merged(make_coco, tmp_path):
    boxes = make_coco("a.json", images=[image(1, "a.png")])
    backgrounds = make_coco("b.json", images=[image(1, "b.png")], annotations=[], categories=[])
    output = tmp_path / "all.json"
    assert main(["merge-annotations", str(boxes), str(backgrounds), f"--output={output}"]) == 0
    content = json.loads(output.read_text())
    assert (len(content["images"]), len(content["annotations"])) == (2, 1)
