"""Runs in which boxes are trusted: how these judge the refined ones, and what each round has reached."""

import json
import shutil

import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.main import main
from ssd_det.report.result_tables import markdown, tables
from ssd_det.report.run_results import read_boxes, read_results
from tests.report.finished_run import measured


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
