"""Saying what rows of YOLO labels are, which do not tell, through every command."""

import pytest

from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.batches.detect_datamodule import DetectDataModule
from ssd_det.batches.joint_datamodule import JointDataModule
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.errors import InputError
from ssd_det.main import main
from ssd_det.pipeline.plan import plan
from ssd_det.pipeline.run_settings import Detecting, Inputs, Refining
from tests.annotations.formats.folders import make_yolo
from tests.pipeline.test_plan import settings

ROWS = b"0 0.5 0.5 0.25 0.5 0.9 1\n1 0.3 0.3 0.2 0.2 0.9 0\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder whose rows may be boxes with confidence and track id, or triangles."""
    monkeypatch.chdir(tmp_path)
    return make_yolo(tmp_path / "yolo", labels={"a": ROWS, "b": b"0 0.5 0.5 0.1 0.1\n"})


@pytest.mark.parametrize(
    "words",
    [
        ["check-annotations", "yolo"],
        ["compare-annotations", "yolo", "--reference=yolo"],
        ["convert-annotations", "yolo", "--to=coco", "--output=out.json"],
        ["convert-annotations", "yolo", "--like=yolo", "--output=out"],
        ["corrupt-annotations", "yolo", "--noise_level=0.1", "--output=out"],
        ["draw-annotations", "yolo", "--image_root=yolo", "--output=out"],
        ["init", "--annotations=yolo", "--image_root=yolo", "--output=out", "--skip_timing"],
        ["merge-annotations", "yolo", "--output=out.json"],
        ["split-annotations", "yolo", "--output=out", "--val=0.4"],
    ],
)
def test_every_command_refuses_rows_that_do_not_tell_until_it_is_told(folder, words, capsys):
    assert main(words) == (1 if words[0] == "check-annotations" else 2)
    captured = capsys.readouterr()
    text = " ".join((captured.out + captured.err).split())
    assert "line 1: has 7 columns, which may be a box with confidence and track id or a triangle" in text
    assert "--yolo_rows boxes, polygons, obb or pose" in text
    assert main([*words, "--yolo_rows=boxes"]) in (0, 1)
    assert "which may be" not in capsys.readouterr().out


@pytest.mark.parametrize("data", [RefineDataModule, DetectDataModule, JointDataModule])
def test_trainings_are_told_by_a_setting_of_the_data(folder, data):
    with pytest.raises(InputError, match="has 7 columns"):
        data(annotations=str(folder), image_root=str(folder)).coco.count_usable()
    told = data(annotations=str(folder), image_root=str(folder), yolo_rows="boxes")
    assert [a.bbox for a in told.coco.annotations][:2] == [(15, 7.5, 10, 15), pytest.approx((8, 6, 8, 6))]


def test_the_pipeline_tells_the_command_that_writes_the_folder(folder, tmp_path):
    inputs = Inputs(*[str(folder)] * 4)
    coco = read_annotations(folder, yolo_rows="boxes")
    sections = [settings(name) for name in ("refine_small.yaml", "detect.yaml")]
    last = {}
    for told in (None, "boxes"):
        stages = plan(inputs, coco, *sections, tmp_path / "run", Refining(), Detecting(), told)
        (last[told],) = [stage.commands[-1] for stage in stages if stage.commands[-1][0] == "convert-annotations"]
    assert last["boxes"] == [*last[None], "--yolo_rows=boxes"]
