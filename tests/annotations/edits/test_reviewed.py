"""Decisions of a review in the final file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.coco import parse_coco, read_coco
from ssd_det.annotations.digests import digest
from ssd_det.annotations.edits.refined import Refinement, refined_content
from ssd_det.annotations.edits.reviewed import Review, reviewed_content
from ssd_det.annotations.output import write_json
from ssd_det.main import main

IMAGE = {"id": 1, "file_name": "a.png", "width": 40, "height": 30}
BOXES = [[4, 5, 10, 12], [1.5, 2, 8, 9.25], [0, 0, 3, 3]]


@pytest.fixture
def files(make_coco):
    """A noisy file and what refining makes of it: annotations 5 and 6 refined, the crowd 7 left as it was."""
    annotations = [
        {"who": "ä", "id": 5 + i, "image_id": 1, "category_id": 3, "bbox": box, "area": 120.0 + i, "iscrowd": i // 2}
        for i, box in enumerate(BOXES)
    ]
    noisy = make_coco(annotations=annotations)
    content, _ = refined_content(read_coco(noisy), dict.fromkeys((5, 6), Refinement((3.0, 4.0, 13.0, 15.0), 0.9)), {})
    refined = noisy.with_name("refined.json")
    write_json(refined, content)
    return noisy, refined


def decide(refined, decisions, **changes):
    path = refined.with_name("decisions.json")
    path.write_text(
        json.dumps({"annotations": "refined.json", "sha256": digest(refined), "decisions": decisions, **changes})
    )
    return path


def trust(refined, boxes, decisions=None, **changes):
    """Write what the page exports, with trusted boxes by annotation id."""
    entries = [
        {"id": key, "key": str(key), "image_id": 0, "category_id": 0, "bbox": box, "trusted": True}
        for key, box in boxes.items()
    ]
    image = {**IMAGE, "id": 0}
    lists = {"images": [image], "annotations": entries, "categories": [{"id": 0, "name": "cat"}]}
    return decide(refined, decisions or {}, **{"version": 2, "file": "refined.json", **lists, **changes})


def apply(refined, decisions):
    final = refined.with_name("final.json")
    final.unlink(missing_ok=True)
    code = main(["apply-review", str(refined), str(decisions), "--output", str(final)])
    return code, final


@pytest.mark.parametrize("decisions", [{}, {"5": "accept", "6": "accept"}])
def test_what_is_not_rejected_stays_as_refined_to_the_byte(files, decisions):
    _, refined = files
    code, final = apply(refined, decide(refined, decisions))
    assert code == 0
    assert final.read_bytes() == refined.read_bytes()


def test_all_rejected_is_the_original_file(files, capsys):
    noisy, refined = files
    code, final = apply(refined, decide(refined, {"5": "reject", "6": "reject"}))
    assert code == 0
    assert json.loads(final.read_text()) == json.loads(noisy.read_text())
    assert final.read_text() == json.dumps(json.loads(noisy.read_text())), "keys in their order, numbers as they were"
    assert (
        "of 2 refined boxes 2 rejected and back to their originals, 0 accepted, 0 not decided"
        in capsys.readouterr().out
    )


def test_one_rejected_changes_that_annotation_only(files):
    noisy, refined = files
    before = refined.read_bytes()
    _, final = apply(refined, decide(refined, {"6": "reject"}))
    final_entries, refined_entries, noisy_entries = (
        json.loads(path.read_text())["annotations"] for path in (final, refined, noisy)
    )
    assert [final_entries[0], final_entries[2]] == [refined_entries[0], refined_entries[2]]
    assert final_entries[1] == noisy_entries[1]
    assert refined.read_bytes() == before


def test_trusted_boxes_are_written_and_nothing_else_changes(files, capsys):
    _, refined = files
    refined_entries = json.loads(refined.read_text())["annotations"]
    code, final = apply(refined, trust(refined, {5: [2.5, 4, 10.5, 11]}, {"6": "accept"}))
    assert code == 0
    entries = json.loads(final.read_text())["annotations"]
    assert entries[1:] == refined_entries[1:]
    old, new = refined_entries[0], entries[0]
    assert new["bbox"] == [2.5, 4, 10.5, 11]
    assert new["trusted"] is True
    assert new["original_bbox"] == BOXES[0]
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    assert changed == {"bbox", "area", "trusted", "refine_score", "refine_iou"}
    assert new["area"] == 10.5 * 11
    assert "1 boxes trusted, 1 of them corrected" in capsys.readouterr().out
    back = reviewed_content(read_coco(final), Review({5: "reject"}, {}))["annotations"][0]
    assert back == json.loads(refined.with_name(files[0].name).read_text())["annotations"][0]


def test_boxes_that_were_never_refined_are_trusted_too(make_coco, capsys):
    entry = {"id": 5, "image_id": 1, "category_id": 3, "bbox": [4, 5, 10, 12], "area": 120, "who": "ä"}
    noisy = make_coco(annotations=[entry, {**entry, "id": 6}, {**entry, "id": 7}])
    code, final = apply(noisy, trust(noisy, {5: [3, 5, 11, 12], 6: [4, 5, 10, 12]}))
    assert code == 0
    content = json.loads(noisy.read_text())
    trusted = {"original_bbox": [4, 5, 10, 12], "trusted": True}
    content["annotations"][0] |= {"bbox": [3, 5, 11, 12], "area": 132, **trusted}
    content["annotations"][1] |= trusted
    assert json.loads(final.read_text()) == content
    assert capsys.readouterr().out.endswith("2 boxes trusted, 1 of them corrected, the others right as they were.\n")


@given(
    box=st.tuples(st.floats(0, 20), st.floats(0, 15), st.floats(0.5, 18), st.floats(0.5, 14)).map(list),
    original=st.none()
    | st.tuples(st.floats(0, 20), st.floats(0, 15), st.floats(0.5, 18), st.floats(0.5, 14)).map(list),
    area=st.none() | st.floats(0, 900),
)
def test_right_as_it_is_keeps_every_digit(box, original, area, tmp_path_factory):
    entry = {"id": 5, "image_id": 1, "category_id": 3, "bbox": box, "area": area}
    if original:
        entry |= {"original_bbox": original, "refine_score": 0.5}
    path = tmp_path_factory.getbasetemp() / "digits.json"
    path.write_text(json.dumps({"images": [IMAGE], "annotations": [entry], "categories": [{"id": 3, "name": "cat"}]}))
    _, final = apply(path, trust(path, {5: [round(value, 3) for value in box]}))  # as the page shows them
    (new,) = json.loads(final.read_text())["annotations"]
    assert new == {**entry, "original_bbox": original or box, "trusted": True}


OTHER = {"id": 0, "file_name": "b.png", "width": 40, "height": 30}


@pytest.mark.parametrize(
    ("boxes", "decisions", "changes", "message"),
    [
        ({5: [41, 2, 5, 5]}, {}, {}, "annotation 5: its box cannot be trusted (outside the image)"),
        ({5: [4, 2, 0, 5]}, {}, {}, "annotation 5: its box cannot be trusted (no area)"),
        ({7: [4, 2, 5, 5]}, {}, {}, "annotation 7: its box cannot be trusted (crowd)"),
        ({99: [4, 2, 5, 5]}, {}, {}, "annotation 99: not in"),
        ({5: [4, 2, 5, 5]}, {}, {"images": [OTHER]}, "annotation 5: is of the image b.png, but in"),
        ({5: [4, 2, 5, 5]}, {"5": "reject"}, {}, "annotation 5: has a decision and a trusted box"),
        ({5: [4, 2, 5]}, {}, {}, "annotation 5: bbox is [4, 2, 5]: give 4 finite numbers"),
        ({5: [4, 2, 5, 5]}, {}, {"images": []}, "there are no images"),
        ({5: [4, 2, 5, 5]}, {}, {"categories": None}, "holds no lists of images, annotations, categories"),
        ({5: [4, 2, 5, 5]}, {}, {"version": 3}, "has version 3, but 1 to 2 are known"),
        ({5: [4, 2, 5, 5]}, {}, {"version": [2]}, "has version [2], but 1 to 2 are known"),
        ({5: [4, 2, 5, 5]}, {}, {"sha256": "0"}, "was made on another file than"),
    ],
)
def test_boxes_that_cannot_be_trusted_are_refused(files, capsys, boxes, decisions, changes, message):
    _, refined = files
    code, final = apply(refined, trust(refined, boxes, decisions, **changes))
    error = capsys.readouterr().err
    assert code == 2
    assert message in error
    assert error.count("\n") == 1
    assert not final.exists()


def test_two_boxes_for_one_annotation_are_refused(files, capsys):
    _, refined = files
    path = trust(refined, {5: [4, 2, 5, 5]})
    content = json.loads(path.read_text())
    content["annotations"] *= 2
    path.write_text(json.dumps(content))
    code, final = apply(refined, path)
    assert code == 2
    assert "annotation id 5 is used more than once" in capsys.readouterr().err
    assert not final.exists()


side = st.integers(1, 30) | st.floats(0.5, 30)
coordinate = st.integers(0, 25) | st.floats(0, 25)  # in the image


@given(
    bbox=st.tuples(coordinate, coordinate, side, side).map(list),
    area=st.none() | st.integers(0, 900) | st.floats(0, 900) | st.just("product") | st.just("nearly"),
    box=st.tuples(st.floats(0, 19), st.floats(0, 14), st.floats(20, 40), st.floats(15, 30)),
)
def test_any_annotation_comes_back_as_it_was(bbox, area, box, tmp_path_factory):
    product = bbox[2] * bbox[3]
    area = {"product": product, "nearly": product * (1 + 1e-6)}.get(area, area)
    entry = {"id": 1, "image_id": 1, "area": area, "bbox": bbox, "category_id": 3, "extra": [1, 2.0]}
    content = {"images": [IMAGE], "annotations": [entry], "categories": [{"id": 3, "name": "cat"}]}
    path = tmp_path_factory.getbasetemp() / "any.json"
    refined, summary = refined_content(parse_coco(path, content), {1: Refinement(box, 0.5)}, {})
    assert summary.refined == 1
    back = reviewed_content(parse_coco(path, refined), Review({1: "reject"}, {}))
    assert json.dumps({**back, "annotations": list(back["annotations"])}) == json.dumps(content)
    accepted = reviewed_content(parse_coco(path, refined), Review({1: "accept"}, {}))
    assert list(accepted["annotations"]) == list(refined["annotations"])


@pytest.mark.parametrize(
    ("decisions", "changes", "message"),
    [
        ({"5": "reject"}, {"sha256": "0" * 64}, "was made on another file"),
        ({"5": "reject", "99": "reject"}, {}, 'annotation "99": not in'),
        ({"7": "reject"}, {}, 'annotation "7": was not refined'),
        ({"5": "maybe"}, {}, 'annotation "5": the decision is "maybe"'),
        ({"5": None}, {}, 'annotation "5": the decision is null'),
        ({"5\n": "accept"}, {}, r'annotation "5\n": not in'),
        (["5"], {}, "holds no decisions"),
    ],
)
def test_decisions_that_do_not_fit_are_refused(files, capsys, decisions, changes, message):
    _, refined = files
    code, final = apply(refined, decide(refined, decisions, **changes))
    error = capsys.readouterr().err
    assert code == 2
    assert message in error
    assert error.count("\n") == 1
    assert not final.exists()


@pytest.mark.parametrize(("text", "message"), [("{", "is not json"), (None, "there is no such file")])
def test_damaged_decisions_are_refused(files, capsys, text, message):
    _, refined = files
    path = refined.with_name("broken.json")
    if text is not None:
        path.write_text(text)
    code, final = apply(refined, path)
    error = capsys.readouterr().err
    assert code == 2
    assert message in error
    assert "page of a report" in error
    assert not final.exists()


def test_no_input_is_replaced(files, capsys):
    _, refined = files
    decisions = decide(refined, {"5": "reject"})
    for path in (refined, decisions):
        words = ["apply-review", str(refined), str(decisions), "--output", str(path), "--overwrite"]
        assert main(words) == 2
        assert "is an input that would be lost" in capsys.readouterr().err
