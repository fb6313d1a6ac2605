"""Reading a run's folder, and what is made of it: tables, markdown and figures."""

import json
import shutil

import pytest
import torch
from PIL import Image

from ssd_det.annotations.coco import read_coco
from ssd_det.errors import InputError
from ssd_det.main import main
from ssd_det.report.figures import FigureData, figures, write_figures
from ssd_det.report.references import measure_against
from ssd_det.report.reliability import reliability
from ssd_det.report.result_tables import markdown, tables
from ssd_det.report.run_results import WonBack, read_boxes, read_results, won_back
from ssd_det.report.training_curves import TrainingCurve, training_curves
from tests.report.review.case import content_of


def measured(ap):
    sizes = {"ap_small": ap, "ap_medium": ap, "ap_large": None, "voc_ap_50": 2 * ap}
    counts = {"images": 4, "objects": 9, "detections": 20}
    return {"ap": ap, "ap_50": 2 * ap, "ap_75": None, **sizes, **counts, "precision_at_50": [2 * ap] * 101}


@pytest.fixture
def run(tmp_path):
    """A run with a clean baseline that is left from an earlier call."""
    folder = tmp_path / "run"
    stages = [("refiner", "fit refiner", 5.0), ("refined", "refine annotations", 2.0)]
    stages += [("true", "take out the true boxes", 1.0), ("detector", "fit detector", 3.0)]
    stages += [("test", "test detector", 1.0), ("test_noisy", "test detector on noisy boxes", 1.5)]
    for name, title, seconds in stages:
        (folder / name).mkdir(parents=True)
        record = {"title": title, "seconds": seconds, "finished": True, "commands": [], "settings": {}, "inputs": {}}
        (folder / name / "stage.json").write_text(json.dumps(record))
    (folder / "test_clean").mkdir()
    (folder / "test_clean" / "metrics.json").write_text(json.dumps(measured(0.9)))
    (folder / "run.json").write_text(
        json.dumps({"current": [name for name, _, _ in stages], "inputs": {"image_root": str(folder)}})
    )
    (folder / "test" / "metrics.json").write_text(json.dumps(measured(0.3)))
    (folder / "test_noisy" / "metrics.json").write_text(json.dumps(measured(0.1)))
    everything = {"count": 1, "mean_iou": 0.5, "above_50": 0.4, "above_75": 0.1, "above_90": 0.0}
    quality = {"before": {"all": everything}, "after": {"all": {**everything, "mean_iou": 0.8}}}
    (folder / "refined" / "quality.json").write_text(json.dumps(quality))
    entry = {"id": 5, "image_id": 1, "category_id": 3}
    for name, boxes in (
        ("refined", {"bbox": [0, 0, 10, 10], "original_bbox": [5, 0, 10, 10]}),
        ("true", {"bbox": [0, 0, 10, 10]}),
    ):
        content = {
            "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 30}],
            "annotations": [{**entry, **boxes}],
            "categories": [{"id": 3, "name": "cat"}],
        }
        (folder / name / f"{name}.json").write_text(json.dumps(content))
    (folder / "refiner" / "metrics.123.csv").write_text("epoch,loss,step\n0,5.0,9\n0,4.5,19\n")
    (folder / "refiner" / "metrics.csv").write_text("epoch,loss,step\n0,4.0,19\n0,3.0,29\n1,,29\n")
    return folder


def forget_stage(run, stage):
    """Make a run one whose last call had no such stage."""
    record = json.loads((run / "run.json").read_text())
    record["current"].remove(stage)
    (run / "run.json").write_text(json.dumps(record))


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


def test_the_command_writes_results_and_figures(run, capsys):
    assert main(["report", str(run)]) == 0
    results = json.loads((run / "results.json").read_text())
    assert list(results) == ["detectors", "won_back", "quality", "scores", "seconds"]
    assert json.dumps(results["detectors"]["noisy"]) == json.dumps(measured(0.1))
    assert results["won_back"] == {"refined": {"ap": None, "ap_50": None, "ap_75": None}}
    assert results["quality"]["after"]["mean_iou"] == 0.8
    assert results["scores"] is None
    assert {path.name for path in (run / "figures").iterdir()} == {"iou.png", "training.png", "precision_recall.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (run / "figures").iterdir())
    output = capsys.readouterr().out
    assert "share won back" in output
    assert f"{run / 'page' / 'index.html'}: a page to look at boxes and decide on them, 1 in 1 images." in output
    content = content_of(run / "page")
    assert content["tables"][0]["title"] == "Detector on the test file"
    assert content["objects"][0]["after"] == 1
    assert main(["report", str(run)]) == 0, "what it wrote itself it may replace"


def test_without_true_boxes_no_figure_compares_with_them(run):
    forget_stage(run, "true")
    assert main(["report", str(run)]) == 0
    assert {path.name for path in (run / "figures").iterdir()} == {"training.png", "precision_recall.png"}
    assert content_of(run / "page")["objects"][0]["after"] is None


def test_a_reference_is_for_the_page_the_figures_of_a_run_show_its_own_true_boxes(run, tmp_path):
    assert main(["report", str(run)]) == 0
    figure = (run / "figures" / "iou.png").read_bytes()
    content = json.loads((run / "true" / "true.json").read_text())
    content["annotations"][0]["bbox"] = [0, 0, 10, 5]
    (tmp_path / "other.json").write_text(json.dumps(content))
    assert main(["report", str(run), "--reference", str(tmp_path / "other.json")]) == 0
    assert content_of(run / "page")["objects"][0]["after"] == 0.5
    assert (run / "figures" / "iou.png").read_bytes() == figure


def test_a_page_of_a_run_elsewhere_does_not_replace_what_is_there(run, tmp_path, capsys):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "notes").touch()
    assert main(["report", str(run), "--output", str(tmp_path / "kept")]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert not (run / "results.json").exists()


def test_a_run_that_was_stopped_before_refining_has_no_page(run, capsys):
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "current": ["refiner"]}))
    assert main(["report", str(run)]) == 2
    assert "has no refined boxes yet: run the pipeline to its end" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "folder"),
    [
        ("refined/quality.json", "{", "refined"),
        ("refined/quality.json", '{"before": {}}', "refined"),
        ("test/metrics.json", "{}", "test"),
        ("refiner/metrics.csv", "epoch,loss,step\n0,4.0,word\n", "refiner"),
    ],
)
def test_a_file_of_the_run_that_was_damaged_is_named(run, capsys, name, text, folder):
    (run / name).write_text(text)
    assert main(["report", str(run)]) == 2
    assert f"{run / name}: is not what the pipeline wrote: remove {run / folder}" in capsys.readouterr().err


@pytest.mark.parametrize("damaged", [{"current": 5}, {"current": ["x" * 5000]}, {"inputs": {}}, {"inputs": None}])
def test_a_record_that_was_damaged_is_no_run(run, capsys, damaged):
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, **damaged}))
    assert main(["report", str(run)]) == 2
    assert "holds no run of the pipeline" in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no run of the pipeline"):
        read_results(tmp_path)


def test_trusted_boxes_judge_the_refined_ones_of_a_run(run):
    assert "trusted" not in read_results(run, read_boxes(run)[0]).to_json()
    path = run / "refined" / "refined.json"
    content = json.loads(path.read_text())
    entry = {**content["annotations"][0], "trusted": True, "original_bbox": [5, 0, 10, 10]}
    known = {"bbox": [5, 0, 10, 10], "refined_bbox": [0, 0, 10, 9], "refine_score": 0.75, "taken": False}
    content["annotations"] = [{**entry, "id": key, "untrusted": {**known, "taken": key == 1}} for key in (1, 2)]
    content["shared_offsets"] = {"trusted": 4, "shape": {"width": [0.18, 0.03]}, "sides": {}}
    path.write_text(json.dumps(content))
    results = read_results(run, read_boxes(run)[0])
    found = results.to_json()["trusted"]
    assert found["original"] == found["before"] == pytest.approx(1 / 3)
    assert found["after"] == pytest.approx((0.9 + 1 / 3) / 2), "one of them would not have been taken"
    assert (found["scores"]["count"], found["scores"]["share"], found["scores"]["mean_score"]) == (2, 1, 0.75)
    assert found["low"] == pytest.approx(0.342, abs=1e-3)
    assert found["high"] == pytest.approx(1)
    text = markdown(results, [])
    assert "| refined | 0.617 | 100% (34% to 100%) | 75% | 0.250 |" in text
    assert "Your boxes are 18% (± 3%) too wide; 4 trusted boxes." in text


@pytest.fixture
def second_round(run):
    """A run that goes on from another, in which the box is trusted."""
    folder = run.parent / "second"
    shutil.copytree(run, folder)
    record = json.loads((folder / "run.json").read_text())
    record["inputs"]["previous_round"] = str(run)
    (folder / "run.json").write_text(json.dumps(record))
    content = json.loads((folder / "refined" / "refined.json").read_text())
    (entry,) = content["annotations"]
    untrusted = {"bbox": [5, 0, 10, 10], "refined_bbox": [0, 0, 10, 8], "refine_score": 0.9, "taken": True}
    content["annotations"] = [{**entry, "trusted": True, "untrusted": untrusted}]
    (folder / "refined" / "refined.json").write_text(json.dumps(content))
    (folder / "test" / "metrics.json").write_text(json.dumps(measured(0.4)))
    return folder


def rows_of_rounds(folder):
    results = read_results(folder, read_coco(folder / "refined" / "refined.json"))
    (table,) = [table for table in tables(results) if table.title.startswith("Rounds")]
    assert table.title in markdown(results, [])
    return table.title, table.rows, results.to_json()["rounds"]


def test_a_run_that_goes_on_from_another_shows_what_each_round_has_reached(run, second_round):
    title, rows, content = rows_of_rounds(second_round)
    assert title == "Rounds, compared with 1 trusted boxes"
    assert rows == [
        ["before", "0", "0", "0.333", "0.100", ""],
        ["round 1 (run)", "0", "0", "1.000", "0.300", "13.5"],
        ["round 2 (second)", "1", "0", "0.800", "0.400", "13.5"],
    ]
    assert content["judged"] == 1
    assert [one["ap"] for one in content["rounds"]] == [0.1, 0.3, 0.4]
    assert read_results(run, read_coco(run / "refined" / "refined.json")).rounds is None


def test_a_round_whose_folder_is_gone_is_an_empty_row(run, second_round):
    shutil.rmtree(run)
    _, rows, _ = rows_of_rounds(second_round)
    assert [row[:2] for row in rows] == [
        ["before", "0"],
        ["round 1 (run)", "not there any more"],
        ["round 2 (second)", "1"],
    ]


def test_report_and_page_of_a_round_show_all_of_them(second_round, capsys):
    assert main(["report", str(second_round)]) == 0
    page = "".join(path.read_text() for path in (second_round / "page").rglob("*.js"))
    for shown in (capsys.readouterr().out, (second_round / "results.md").read_text(), page):
        assert "Rounds, compared with 1 trusted boxes" in shown
        assert "round 2 (second)" in shown
