"""``ssd-det report``: what it writes of a run, and what it refuses."""

import json

import pytest

from ssd_det.main import main
from tests.report.finished_run import forget_stage, measured
from tests.report.review.case import content_of


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
