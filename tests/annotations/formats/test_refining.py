"""Training on a YOLO folder and refining it, in this process, by the commands."""

import json
import re

import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.batches.detect_datamodule import DetectDataModule
from ssd_det.main import main
from tests.annotations.formats.folders import contents
from tests.conftest import TINY_DATA, TINY_MODEL
from tests.words import QUIET, options

TINY = [*options("model", TINY_MODEL), *options("data", TINY_DATA), *QUIET]


@pytest.fixture(scope="module")
def trained(demo, tmp_path_factory):
    """A folder with ``yolo`` and a checkpoint that was trained on it for an epoch."""
    folder = tmp_path_factory.mktemp("trained")
    words = ["--to=yolo", f"--image_root={demo / 'images'}", f"--output={folder / 'yolo'}"]
    assert main(["convert-annotations", str(demo / "noisy.json"), *words]) == 0
    first = folder / "yolo" / "labels" / "0001.txt"
    first.write_bytes(b"0 0.1 0.1 0.5 0.1 0.4 0.6\n" + first.read_bytes())
    data = [f"--data.annotations={folder / 'yolo'}", f"--data.image_root={folder / 'yolo'}"]
    log = [f"--trainer.logger.save_dir={folder / 'runs'}", "--trainer.logger.name=", "--trainer.logger.version="]
    logger = "--trainer.logger=lightning.pytorch.loggers.CSVLogger"
    assert main(["fit", *TINY, *data, "--trainer.max_epochs=1", logger, *log]) == 0
    return folder


@pytest.fixture(scope="module")
def boxes(demo):
    """How many boxes the folder has beside its polygon."""
    return len(read_coco(demo / "noisy.json").annotations)


def refine(trained, output, *more):
    (checkpoint,) = trained.glob("runs/checkpoints/*.ckpt")
    data = [f"--data.annotations={trained / 'yolo' / 'data.yaml'}", f"--data.image_root={trained / 'yolo'}"]
    words = [f"--checkpoint={checkpoint}", f"--output={output}", "--calibration_images=0"]
    return main(["refine-annotations", *TINY, *data, *words, *more])


def test_refining_a_folder_changes_the_boxes_in_its_lines(trained, boxes, tmp_path, capsys):
    before = contents(trained / "yolo")
    assert refine(trained, tmp_path / "refined_yolo") == 0
    printed = capsys.readouterr().out
    assert f"refined_yolo: {boxes} boxes refined" in printed
    assert "Passed through unchanged: 1 (polygon)." in printed
    assert f"{tmp_path / 'refined_yolo.json'}: the same as COCO json" in printed
    assert contents(trained / "yolo") == before
    after = contents(tmp_path / "refined_yolo")
    assert after.keys() == before.keys()
    for name, content in before.items():
        if name.startswith("labels/"):
            lines = [re.sub(rb"(?<= )[\d.]+", b"n", text) for text in (content, after[name])]
            assert lines[0] == lines[1]
            assert after[name] != content
        else:
            assert after[name] == content
    assert after["labels/0001.txt"].startswith(b"0 0.1 0.1 0.5 0.1 0.4 0.6\n")
    copy, beside = read_annotations(tmp_path / "refined_yolo"), read_coco(tmp_path / "refined_yolo.json")
    for found, expected in zip(copy.annotations, beside.annotations, strict=True):
        assert found.bbox == pytest.approx(expected.bbox, abs=0.01)
    entries = json.loads((tmp_path / "refined_yolo.json").read_text())["annotations"]
    assert ["refine_score" in entry for entry in entries] == [False, *[True] * boxes]
    assert refine(trained, tmp_path / "refined_yolo") == 2, "exists already"
    assert "exists already" in capsys.readouterr().err


def test_a_detector_reads_a_folder_without_an_image_root(trained, boxes):
    data = DetectDataModule(str(trained / "yolo"), test_annotations=str(trained / "yolo" / "labels"), num_workers=0)
    assert len(next(iter(data.train_dataloader())).images) == 2
    assert len(data.test_coco.annotations) == boxes + 1
