"""Trusted boxes are read from what the page exports, whatever its version."""

import json

import pytest

from ssd_det.annotations.digests import digest
from ssd_det.main import main
from tests.command import fails

FIRST_VERSION = {"annotations": "noisy.json", "decisions": {"5": "reject"}}
WITHOUT_BOXES = {"version": 2, "file": "noisy.json", "decisions": {}, "images": [], "categories": [], "annotations": []}


@pytest.mark.parametrize("exported", [FIRST_VERSION, WITHOUT_BOXES])
def test_a_review_without_trusted_boxes_is_said_to_be_one(make_coco, capsys, exported):
    noisy = make_coco()
    path = noisy.with_name("decisions.json")
    path.write_text(json.dumps({**exported, "sha256": digest(noisy)}))
    output = noisy.with_name("corrected.json")
    code = main(["correct-annotations", str(noisy), f"--trusted={path}", f"--output={output}"])
    fails(capsys, code, "decisions.json: is a review in which no box is trusted: correct boxes on its page or call")
    assert not output.exists()


def test_other_files_that_hold_no_annotations_are_said_to_be_what_they_are(make_coco, capsys):
    noisy = make_coco()
    output = noisy.with_name("corrected.json")
    for name, content in (("list.json", []), ("images.json", {"images": []})):
        noisy.with_name(name).write_text(json.dumps(content))
        code = main(["correct-annotations", str(noisy), f"--trusted={noisy.with_name(name)}", f"--output={output}"])
        fails(capsys, code, "is json but not COCO")
