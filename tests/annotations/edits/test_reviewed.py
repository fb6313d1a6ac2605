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
    assert json.dumps(back) == json.dumps(content)
    accepted = reviewed_content(parse_coco(path, refined), Review({1: "accept"}, {}))
    assert accepted["annotations"] == [*refined["annotations"]]


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
