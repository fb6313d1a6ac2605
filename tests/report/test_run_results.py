"""Reading a run's folder, and what is made of it: tables, markdown and figures."""

import json

import pytest
import torch
from PIL import Image

from ssd_det.errors import InputError
from ssd_det.report.figures import FigureData, figures, write_figures
from ssd_det.report.references import measure_against
from ssd_det.report.reliability import reliability
from ssd_det.report.result_tables import markdown, tables
from ssd_det.report.run_results import WonBack, read_boxes, read_results, won_back
from ssd_det.report.training_curves import TrainingCurve, training_curves
from tests.report.finished_run import forget_stage, measured


def test_stages_of_the_last_call_count_and_others_do_not(run):
    results = read_results(run)
    assert results.detectors["refined"].ap == 0.3
    assert results.detectors["clean"] is None
    assert results.won_back == {"refined": WonBack(ap=None, ap_50=None, ap_75=None)}
    assert results.quality["after"].mean_iou == 0.8
    assert list(results.seconds) == [
        "fit refiner",
        "refine annotations",
        "take out the true boxes",
        "fit detector",
        "test detector",
        "test detector on noisy boxes",
    ]


@pytest.mark.parametrize(
    ("noisy", "refined", "clean", "share"),
    [(0.1, 0.3, 0.5, 0.5), (0.1, 0.05, 0.2, -0.5), (0.3, 0.3, 0.3, None), (0.1, 0.2, None, None)],
)
def test_the_share_won_back(noisy, refined, clean, share):
    assert won_back(noisy, refined, clean) == (None if share is None else pytest.approx(share))


def test_curves_join_the_logs_of_all_attempts(run):
    assert training_curves(run) == {"refiner": TrainingCurve([9, 19, 29], [5.0, 4.0, 3.0])}


def test_boxes_of_a_run_are_its_refined_and_its_true_ones(run):
    coco, true = read_boxes(run)
    boxes = measure_against(coco, true)
    assert boxes.iou_with_true_before.tolist() == pytest.approx([1 / 3])
    assert boxes.iou_with_true_after.tolist() == pytest.approx([1.0])
    forget_stage(run, "true")
    assert read_boxes(run)[1] is None


def test_quality_without_earlier_boxes_is_shown_without_them(run):
    path = run / "refined" / "quality.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "before": None}))
    results = read_results(run)
    assert list(results.quality) == ["after"]
    assert [row[0] for row in tables(results)[1].rows] == ["after"]


def test_tables_say_what_was_not_run(run):
    table = tables(read_results(run))[0]
    assert table.title == "Detector on the test file"
    assert table.columns == ["trained on", "AP", "AP50", "AP75"]
    assert table.rows[0] == ["noisy boxes", "0.100", "0.200", "-"]
    assert table.rows[2] == ["clean boxes", "not run", "", ""]
    text = markdown(read_results(run), ["figures/iou.png"])
    assert "| clean boxes | not run |  |  |" in text
    assert "| all stages | 13.5 |" in text
    assert "![figures/iou.png](figures/iou.png)" in text


def test_a_joint_model_has_rows_of_its_own(run):
    for name, ap in (("test_joint", 0.2), ("test_clean", 0.5)):
        (run / name).mkdir(exist_ok=True)
        (run / name / "metrics.json").write_text(json.dumps(measured(ap)))
    current = json.loads((run / "run.json").read_text())["current"]
    (run / "run.json").write_text(json.dumps({"current": [*current, "test_joint", "test_clean"]}))
    results = read_results(run)
    assert results.won_back["joint"].ap == pytest.approx(0.25)
    assert results.won_back["refined"].ap == pytest.approx(0.5)
    rows = {row[0]: row[1] for row in tables(results)[0].rows}
    assert rows["refined boxes, jointly"] == "0.200"
    assert rows["share won back by refined boxes, jointly"] == "0.25"


def test_scores_are_drawn_as_a_reliability_diagram(tmp_path):
    scores = reliability(torch.tensor([0.1, 0.2, 0.6, 0.9]), torch.tensor([False, True, True, True]))
    (path,) = write_figures(tmp_path, figures(FigureData(scores=scores)))
    assert path.name == "reliability.png"
    with Image.open(path) as picture:
        assert picture.width > 400
        assert len(picture.convert("RGB").getcolors(1_000_000)) > 10, "more than an empty frame"


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no run of the pipeline"):
        read_results(tmp_path)
