"""From noisy boxes to the final file, in each browser: boxes are chosen, corrected, learnt from and reviewed."""

import json

import pytest

from ssd_det.annotations.edits.demo import WIDTH
from ssd_det.main import main
from tests.command import ssd_det
from tests.pipeline.conftest import write_configs
from tests.report.review.case import content_of
from tests.report.review.using import drag, export, in_each_browser, open_large, opened, progress

EPOCH = ["--refine.trainer.max_epochs=1", "--detect.trainer.max_epochs=1"]


def literal(path):
    """The content of a file and its annotations by id, with the digits of numbers as they stand there."""
    content = json.loads(path.read_text(), parse_float=str)
    return content, {entry["id"]: entry for entry in content.pop("annotations")}


def numbers(box):
    return [float(value) for value in box]


def correct_four(page, boxes):
    """Correct three boxes by mouse, and one by keyboard.

    Args:
        page: with the boxes.
        boxes: xywh, by id; the first four are corrected.

    Returns:
        What they are meant to be.
    """
    left, corner, whole, top = list(boxes)[:4]
    x, y, width, height = boxes[left]
    open_large(page, left)
    drag(page, (x, y + height / 2), (3, 0))
    meant = {int(left): [x + 3, y, width - 3, height]}
    x, y, width, height = boxes[corner]
    open_large(page, corner)
    drag(page, (x + width, y + height), (-3, -2))
    meant[int(corner)] = [x, y, width - 3, height - 2]
    x, y, width, height = boxes[whole]
    shift = 4 if x + width + 4 <= WIDTH else -4
    open_large(page, whole)
    drag(page, (x + width / 2, y + height / 2), (shift, 0))
    meant[int(whole)] = [x + shift, y, width, height]
    x, y, width, height = boxes[top]
    open_large(page, top)
    for key in ("2", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    meant[int(top)] = [x, y + 2, width, height - 2]
    return meant


def review(page, corrected, right):
    """Correct a box by keyboard, call another one right, and export."""
    page.evaluate("document.getElementById('more').open = false")  # boxes out of sight are not in the document
    page.select_option("[name=changed]", "")
    open_large(page, str(corrected))
    for key in ("4", "Shift+ArrowUp"):
        page.keyboard.press(key)
    open_large(page, str(right))
    page.keyboard.press("t")
    page.reload()
    return export(page)


def check_final(refined, final, corrected, right):
    """Check that a final file is the refined one but for what a review of it decided."""
    (rest, entries), (rest_after, written) = literal(refined), literal(final)
    assert rest_after == rest
    assert list(written) == list(entries)
    assert {key for key in entries if written[key] != entries[key]} == {corrected, right}
    was = entries[right]
    assert written[right] == {"original_bbox": was["bbox"], **was, "trusted": True}
    was, new = entries[corrected], written[corrected]
    assert new["bbox"][:3] == was["bbox"][:3]
    assert float(new["bbox"][3]) == pytest.approx(float(was["bbox"][3]) - 10, abs=0.001)
    assert new["original_bbox"] == was.get("original_bbox", was["bbox"])
    assert new["trusted"] is True
    changed = {"bbox", "area", "original_bbox", "original_area", "trusted", "refine_score", "refine_iou"}
    assert {key for key in was.keys() | new.keys() if was.get(key) != new.get(key)} <= changed


@in_each_browser
def test_what_was_meant_and_nothing_else_is_in_the_final_file(browser, demo, tmp_path):
    noisy, check, run = demo / "noisy.json", tmp_path / "check", tmp_path / "run"
    decisions, final = tmp_path / "decisions.json", tmp_path / "final.json"
    words = ["--image_root", str(demo / "images"), "--count", "6", "--output", str(check)]
    assert main(["choose-boxes", str(noisy), *words]) == 0
    with opened(browser, check) as page:
        meant = correct_four(page, {entry["id"]: entry["box"] for entry in content_of(check)["objects"]})
        page.reload()
        assert progress(page) == "6 shown · 4 trusted · 2 to check"
        exported = export(page)
    trusted = {entry["id"]: entry["bbox"] for entry in exported["annotations"]}
    assert trusted == {key: pytest.approx(box, abs=0.5) for key, box in meant.items()}
    decisions.write_text(json.dumps(exported))

    write_configs(tmp_path)
    inputs = [f"--annotations={noisy}", f"--image_root={demo / 'images'}", f"--test_annotations={demo / 'test.json'}"]
    words = [f"--config={tmp_path / 'pipeline.yaml'}", *inputs, f"--trusted={decisions}", *EPOCH, f"--output={run}"]
    result = ssd_det("pipeline", *words)
    assert result.returncode == 0, result.stderr
    refined = run / "refined" / "refined.json"
    (_, before), (_, entries) = literal(noisy), literal(refined)
    for key, box in trusted.items():
        assert numbers(entries[key]["bbox"]) == box
        assert entries[key]["original_bbox"] == before[key]["bbox"]
    assert {key for key, entry in entries.items() if "trusted" in entry} == trusted.keys()

    corrected, right = [key for key in entries if key not in trusted][:2]
    with opened(browser, run / "page") as page:
        decisions.write_text(json.dumps(review(page, corrected, right)))
    assert main(["apply-review", str(refined), str(decisions), "--output", str(final)]) == 0
    check_final(refined, final, corrected, right)
