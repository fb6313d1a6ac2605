"""What public tools write is read, refined and written back so that they read it again, and only boxes differ.

The tools are not among the dependencies of the tests. Where one is not installed in the version below, its tests are
skipped; none of them needs torch.
"""

import importlib.metadata
import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from ssd_det.annotations.entries import moved, with_annotations
from ssd_det.annotations.formats.destination import save_folder
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.annotations.output import write_json
from ssd_det.doctor.examination import examine, fix_faults

VERSIONS = {"supervision": "0.31.2", "labelformat": "0.1.17", "datumaro": "1.13.12"}
SIZES = {"a": (64, 48), "b": (128, 96), "c": (32, 64)}
NAMES = ("dog", "cat", "emu")
BOXES = {"a": [(0, [5, 7, 20, 12]), (1, [2, 2, 10, 12])], "b": [(0, [30, 10, 19, 18])], "c": [(2, [4, 8, 16, 32])]}
SHIFT = 1  # pixel to the right
TOLERANCE = 0.02  # pixels: supervision writes shares of an image with five decimals, datumaro reads two of pixels
NUMBER = re.compile(rb"\d+(\.\d+)?")
PATH = re.compile(rb"^path: .*$", re.MULTILINE)  # of data.yaml, which leads to the folder that it is in


def make_source(folder, first_class):
    """Write COCO files with images, boxes of whole pixels, in the layout of datumaro."""
    images, annotations = [], []
    for number, (name, size) in enumerate(SIZES.items(), start=1):
        subset = "val" if name == "c" else "train"
        path = folder / "images" / subset / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, "teal").save(path)
        images.append({"id": number, "file_name": path.name, "width": size[0], "height": size[1]})
        for class_id, box in BOXES[name]:
            entry = {"id": len(annotations) + 1, "image_id": number, "category_id": class_id + first_class, "bbox": box}
            annotations.append({**entry, "area": box[2] * box[3], "iscrowd": 0, "segmentation": []})
    categories = [{"id": number, "name": name} for number, name in enumerate(NAMES, start=first_class)]
    for subset, part in (("train", images[:2]), ("val", images[2:])):
        ids = {image["id"] for image in part}
        chosen = [entry for entry in annotations if entry["image_id"] in ids]
        path = folder / "annotations" / f"instances_{subset}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"images": part, "annotations": chosen, "categories": categories}))
    return folder


def supervision(source, folder, kind):
    """Write with supervision; the path to read, and how to read it again, as (class, xyxy) by image."""
    DataSet = pytest.importorskip("supervision").DetectionDataset  # noqa: N806 - a class
    data = DataSet.from_coco(str(source / "images/train"), str(source / "annotations/instances_train.json"))
    images = str(folder / "images")

    def found(data):
        return {
            Path(name).stem: [(data.classes[c], b) for c, b in zip(d.class_id.tolist(), d.xyxy.tolist(), strict=True)]
            for name, d in data.annotations.items()
        }

    if kind == "coco":
        data.as_coco(images, str(folder / "coco.json"))
        return folder / "coco.json", lambda new: found(DataSet.from_coco(images, str(new)))
    if kind == "yolo":
        data.as_yolo(images, str(folder / "labels"), str(folder / "data.yaml"))
        with (folder / "data.yaml").open("a") as file:  # supervision leaves that to its users
            file.write("train: images\n")
        return folder, lambda new: found(
            DataSet.from_yolo(str(new / "images"), str(new / "labels"), str(new / "data.yaml"))
        )
    data.as_pascal_voc(images, str(folder / "annotations"))
    return folder / "annotations", lambda new: found(DataSet.from_pascal_voc(images, str(xml_folder(new))))


def labelformat(source, folder, kind):
    """The same with labelformat, which copies no images."""
    formats = pytest.importorskip("labelformat.formats")
    data = formats.COCOObjectDetectionInput(source / "annotations/instances_train.json")
    folder.mkdir()
    shutil.copytree(source / "images/train", folder / "images")

    def found(data):
        return {
            Path(label.image.filename).stem: [
                (o.category.name, [o.box.xmin, o.box.ymin, o.box.xmax, o.box.ymax]) for o in label.objects
            ]
            for label in data.get_labels()
        }

    if kind == "coco":
        formats.COCOObjectDetectionOutput(folder / "coco.json").save(data)
        return folder / "coco.json", lambda new: found(formats.COCOObjectDetectionInput(new))
    if kind == "yolo":
        formats.YOLOv8ObjectDetectionOutput(folder / "data.yaml", "train").save(data)
        return folder, lambda new: found(formats.YOLOv8ObjectDetectionInput(new / "data.yaml", "train"))
    formats.PascalVOCObjectDetectionOutput(folder / "xml").save(data)
    for image in (folder / "images").iterdir():
        shutil.copy(image, folder / "xml")

    def read(new):
        for image in (folder / "images").iterdir():
            shutil.copy(image, xml_folder(new))
        return found(formats.PascalVOCObjectDetectionInput(xml_folder(new), ",".join(NAMES)))

    return folder / "xml", read


def datumaro(source, folder, kind):
    """The same with datumaro."""
    dm = pytest.importorskip("datumaro")
    name = {"coco": "coco_instances", "yolo": "yolo_ultralytics", "voc": "voc_detection"}[kind]

    def found(data):
        labels = data.categories()[dm.AnnotationType.label]
        return {item.id: sorted((labels[a.label].name, a.points) for a in item.annotations) for item in data}

    def read(new):
        root = new.parent.parent if kind == "coco" else new
        if root != folder:
            images = {"coco": "images", "yolo": "images", "voc": "JPEGImages"}[kind]
            shutil.rmtree(root / images, ignore_errors=True)  # links, which datumaro refuses to follow in VOC
            shutil.copytree(folder / images, root / images)
        return found(dm.Dataset.import_from(str(root), kind))

    dm.Dataset.import_from(str(source), "coco").export(str(folder), name, save_media=True)
    (folder / "annotations/instances_val.json").unlink(missing_ok=True)  # a COCO file is read alone
    return folder / "annotations/instances_train.json" if kind == "coco" else folder, read


TOOLS = {"supervision": supervision, "labelformat": labelformat, "datumaro": datumaro}


def xml_folder(folder):
    return next(folder.rglob("*.xml")).parent


def is_installed(tool):
    try:
        return importlib.metadata.version(tool) == VERSIONS[tool]
    except importlib.metadata.PackageNotFoundError:
        return False


@pytest.mark.parametrize("kind", ["coco", "yolo", "voc"])
@pytest.mark.parametrize(
    "tool", [pytest.param(t, marks=pytest.mark.skipif(not is_installed(t), reason=f"needs {t}")) for t in TOOLS]
)
def test_nothing_but_the_boxes_differs(tmp_path, tool, kind):
    source = make_source(tmp_path / "source", first_class=int(tool == "datumaro"))  # which takes 0 for no class
    path, read = TOOLS[tool](source, tmp_path / "written", kind)
    new = tmp_path / "new/annotations/instances_train.json" if kind == "coco" else tmp_path / "new"
    if kind == "coco":
        path = with_ids(path)
    before = read(path)
    coco = read_annotations(path)
    entries = {a.position: moved(coco.entry(a), [a.bbox[0] + SHIFT, *a.bbox[1:]]) for a in coco.annotations}
    content = with_annotations(coco, entries)
    if kind == "coco":
        new.parent.mkdir(parents=True)
        write_json(new, content)
    else:
        assert save_folder(coco, content, new) == 0
        assert without_numbers(new) == without_numbers(coco.source.dataset_root)
    after = read(new)
    assert {name: [label for label, _ in found] for name, found in after.items()} == {
        name: [label for label, _ in found] for name, found in before.items()
    }
    assert sum(map(len, after.values())) >= sum(len(BOXES[name]) for name in "ab")
    for name, found in after.items():
        for (_, box), (_, old) in zip(found, before[name], strict=True):
            assert box == pytest.approx([old[0] + SHIFT, old[1], old[2] + SHIFT, old[3]], abs=TOLERANCE)


def with_ids(path):
    """The file itself, where labelformat wrote no ids of annotations with ids as the doctor gives them."""
    content = json.loads(path.read_text())
    if any("id" not in entry for entry in content["annotations"]):
        path.write_text(json.dumps(fix_faults(content, examine(content)).content))
    return path


def without_numbers(folder):
    """The label and xml files below a folder with every number left out, and the bytes of all others but for paths."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".png")
    return {
        path.relative_to(folder).as_posix(): NUMBER.sub(b"", path.read_bytes())
        if path.suffix in (".xml", ".txt")
        else PATH.sub(b"", path.read_bytes())
        for path in files
    }
