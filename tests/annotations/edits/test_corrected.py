"""What trusted boxes change in a file, and what they leave."""

import json

import pytest

from ssd_det.annotations.coco import parse_coco
from ssd_det.annotations.edits.corrected import corrected_content
from ssd_det.annotations.entries import restored
from ssd_det.main import main
from tests.command import fails


@pytest.fixture
def tight(tmp_path):
    """A file of boxes that are all 0.8 times as wide and high as they should be, and their true boxes by id."""
    true = {key: (100 + 7 * key, 50 + 5 * key, 40 + 3 * key, 30 + 2 * key) for key in range(1, 13)}
    annotations = [
        {
            "id": key,
            "image_id": 1,
            "category_id": 1 + key % 2,
            "bbox": [x + 0.1 * w, y + 0.1 * h, 0.8 * w, 0.8 * h],
            "area": 0.8 * w * (0.8 * h),
            "mine": "kept",
        }
        for key, (x, y, w, h) in true.items()
    ]
    annotations[11]["iscrowd"] = 1
    content = {
        "info": {"year": 2020},
        "images": [{"id": 1, "file_name": "1.png", "width": 500, "height": 400}],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }
    path = tmp_path / "noisy.json"
    path.write_text(json.dumps(content))
    return parse_coco(path, content), true


def boxes_of(content):
    return {entry["id"]: entry["bbox"] for entry in content["annotations"]}


def test_a_few_trusted_boxes_correct_all_others(tight):
    coco, true = tight
    content, correction = corrected_content(coco, {key: true[key] for key in (1, 2, 3, 4)})
    for key, box in boxes_of(content).items():
        assert box == pytest.approx(true[key] if key != 12 else coco.annotations[11].bbox, abs=2e-3)
    assert (correction.taught, correction.trusted, correction.corrected) == (4, 4, 7)
    assert correction.passed_through == {"crowd": 1}
    for before, after in zip(coco.content["annotations"], content["annotations"], strict=True):
        assert after["mine"] == "kept"
        if before["id"] != 12:
            assert after["original_bbox"] == before["bbox"]
            assert after["area"] == pytest.approx(after["bbox"][2] * after["bbox"][3])
            assert restored(after) == before
        assert after.get("trusted", False) is (before["id"] <= 4)
    assert content["info"] == {"year": 2020}


def test_two_trusted_boxes_correct_no_others(tight):
    coco, true = tight
    content, correction = corrected_content(coco, {1: true[1], 2: true[2]})
    assert correction.corrected == 0
    assert correction.passed_through == {"nothing to correct": 9, "crowd": 1}
    assert content["annotations"][2:] == coco.content["annotations"][2:]
    assert boxes_of(content)[1] == list(true[1])


def test_trusted_boxes_in_the_file_teach_and_stay(tight):
    coco, true = tight
    taught, _ = corrected_content(coco, {key: true[key] for key in (1, 2, 3, 4)})
    flagged = {**coco.content, "annotations": taught["annotations"][:4] + coco.content["annotations"][4:]}
    content, correction = corrected_content(parse_coco(coco.path, flagged), {})
    assert (correction.taught, correction.trusted, correction.corrected) == (4, 4, 7)
    assert content["annotations"][:4] == flagged["annotations"][:4]
    assert boxes_of(content)[9] == pytest.approx(true[9], abs=2e-3)


def test_a_second_time_changes_nothing(tight):
    coco, true = tight
    once, _ = corrected_content(coco, {key: true[key] for key in (1, 2, 3, 4)})
    twice, correction = corrected_content(parse_coco(coco.path, once), {})
    assert twice == once
    assert correction.taught == 0, "boxes that were moved tell nothing of what they were moved by"
    again, correction = corrected_content(parse_coco(coco.path, once), {key: true[key] for key in (1, 2, 3, 4)})
    assert boxes_of(again) == boxes_of(once)
    assert correction.taught == 0, "a trusted box does not tell that it was right before"


def test_the_command_says_what_it_found_and_changes_no_input(tight, tmp_path, capsys):
    coco, true = tight
    entries = [{**coco.content["annotations"][key - 1], "bbox": list(true[key])} for key in (1, 2, 3, 4)]
    (tmp_path / "trusted.json").write_text(json.dumps({**coco.content, "annotations": entries}))
    before = coco.path.read_bytes()
    words = ["correct-annotations", str(coco.path), f"--trusted={tmp_path / 'trusted.json'}"]
    assert main([*words, f"--output={tmp_path / 'corrected.json'}"]) == 0
    printed = capsys.readouterr().out
    assert "4 trusted boxes, 0 of them matched by overlap" in printed
    assert "  cat (2 trusted): left -12.5% ± " in printed
    assert "4 boxes trusted, 7 corrected, unchanged: 1 (crowd)." in printed
    assert coco.path.read_bytes() == before
    assert boxes_of(json.loads((tmp_path / "corrected.json").read_text()))[7] == pytest.approx(true[7], abs=2e-3)


def test_trusted_boxes_of_an_earlier_round_are_added_to_those_of_today(tight, tmp_path):
    coco, true = tight
    for name, found in (("today", {1: true[1], 2: true[2]}), ("earlier", {2: true[3], 4: true[4]})):
        entries = [{**coco.content["annotations"][key - 1], "bbox": list(box)} for key, box in found.items()]
        (tmp_path / f"{name}.json").write_text(json.dumps({**coco.content, "annotations": entries}))
    words = ["correct-annotations", str(coco.path), f"--trusted={tmp_path / 'today.json'}"]
    words += [f"--also_trusted={tmp_path / 'earlier.json'}", f"--output={tmp_path / 'out.json'}"]
    assert main(words) == 0
    boxes = {
        e["id"]: e["bbox"] for e in json.loads((tmp_path / "out.json").read_text())["annotations"] if "trusted" in e
    }
    assert boxes == {key: list(true[key]) for key in (1, 2, 4)}


def test_bad_input_ends_in_one_sentence_and_writes_nothing(tight, tmp_path, capsys):
    coco, _ = tight
    entry = {**coco.content["annotations"][0], "id": 1, "bbox": [600, 10, 5, 5]}
    (tmp_path / "trusted.json").write_text(json.dumps({**coco.content, "annotations": [entry]}))
    words = ["correct-annotations", str(coco.path), f"--trusted={tmp_path / 'trusted.json'}"]
    code = main([*words, f"--output={tmp_path / 'corrected.json'}"])
    fails(capsys, code, "annotation 1: its box cannot be trusted (outside the image)")
    assert not (tmp_path / "corrected.json").exists()


@pytest.mark.parametrize(("box", "why"), [([100, 50, 0, 20], "no area"), ([600, 50, 20, 20], "outside the image")])
def test_boxes_that_the_file_has_as_trusted_are_checked_too(tight, tmp_path, capsys, box, why):
    coco, true = tight
    changed = {"bbox": box, "original_bbox": list(true[1]), "trusted": True}
    entries = [{**coco.content["annotations"][0], **changed}, *coco.content["annotations"][1:]]
    coco.path.write_text(json.dumps({**coco.content, "annotations": entries}))
    code = main(["correct-annotations", str(coco.path), f"--output={tmp_path / 'corrected.json'}"])
    fails(capsys, code, f"noisy.json: annotation 1: its box cannot be trusted ({why}): correct or remove it.")
    assert not (tmp_path / "corrected.json").exists()


def test_a_trusted_box_keeps_what_the_others_would_make_of_it(tight):
    coco, true = tight
    content, correction = corrected_content(coco, {key: true[key] for key in (1, 2, 3, 4, 5, 6)})
    for key in (1, 2, 3, 4, 5, 6):
        entry = content["annotations"][key - 1]
        assert entry["bbox"] == list(true[key])
        assert entry["untrusted"]["bbox"] == pytest.approx(true[key], abs=2e-3)
    # Of a box that is like no other only the others tell.
    x, y, width, height = true[3]
    odd, _ = corrected_content(coco, {key: true[key] for key in (1, 2, 4, 5, 6)} | {3: (x, y, 2 * width, height)})
    assert odd["annotations"][2]["untrusted"]["bbox"] == pytest.approx(true[3], abs=2e-3)
    assert all("untrusted" not in entry for entry in content["annotations"][6:])
    assert content["shared_offsets"]["trusted"] == 6
    assert content["shared_offsets"]["shape"]["width"][0] == pytest.approx(-0.2, abs=1e-3)
    assert content["shared_offsets"]["sides"]["cat"]["left"][0] == pytest.approx(-0.125, abs=1e-3)
    assert correction.record.sentence.startswith("Your boxes are 20% (± ")


def test_two_trusted_boxes_say_nothing_of_all(tight):
    coco, true = tight
    content, correction = corrected_content(coco, {1: true[1], 2: true[2]})
    assert "shared_offsets" not in content
    assert correction.record is None
    assert content["annotations"][0]["untrusted"] == {"bbox": coco.content["annotations"][0]["bbox"]}
