import json
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path

import msgspec
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.coco import parse_coco, read_coco
from ssd_det.annotations.entries_on_demand import TextEntries
from ssd_det.errors import InputError
from ssd_det.main import main
from ssd_det.report.quality import Failures, Statistics, compare, compare_trusted, failure_counts
from tests.command import fails

BOX = {"image_id": 1, "category_id": 3}


def test_before_and_after_are_measured_annotation_by_annotation(make_coco):
    true = [
        {**BOX, "id": 1, "bbox": [0, 0, 10, 10]},
        {**BOX, "id": 2, "bbox": [0, 0, 40, 30]},
        {**BOX, "id": 3, "bbox": [0, 0, 5, 5], "iscrowd": 1},
    ]
    refined = [
        {**BOX, "id": 2, "bbox": [0, 0, 40, 30]},
        {**BOX, "id": 1, "bbox": [0, 0, 10, 8], "original_bbox": [0, 0, 10, 4]},
        {**BOX, "id": 3, "bbox": [0, 0, 5, 5]},
    ]
    result = compare(read_coco(make_coco(annotations=refined)), read_coco(make_coco("true.json", annotations=true)))
    assert (result.annotations, result.left_out) == (2, 1)
    assert result.after.all == Statistics(
        count=2, mean_iou=pytest.approx(0.9), above_50=1.0, above_75=1.0, above_90=0.5
    )
    assert result.before.all.mean_iou == pytest.approx(0.7)
    assert result.after.by_size["small"].count == 1
    assert result.after.by_size["medium"].count == 1
    assert result.after.by_size["large"].mean_iou is None
    assert list(result.after.by_category) == ["cat"]
    assert sum(astuple(result.before.failures)) == 1


def test_the_json_file_has_the_keys_that_its_readers_know(make_coco, tmp_path):
    boxes = [{**BOX, "id": 1, "bbox": [0, 0, 10, 10], "original_bbox": [0, 0, 10, 4], "refine_score": 0.75}]
    refined, true = make_coco(annotations=boxes), make_coco("true.json", annotations=boxes)
    output = tmp_path / "quality.json"
    assert main(["compare-annotations", str(refined), "--reference", str(true), "--output", str(output)]) == 0
    everything = {"count": 1, "mean_iou": 1.0, "above_50": 1.0, "above_75": 1.0, "above_90": 1.0}
    nothing = {"count": 0, "mean_iou": None, "above_50": None, "above_75": None, "above_90": None}
    quality = json.loads(output.read_text())
    assert list(quality) == ["annotations", "left_out", "before", "after", "scores"]
    assert json.dumps(quality["after"]) == json.dumps(
        {
            "all": everything,
            "by_category": {"cat": everything},
            "by_size": {"small": everything, "medium": nothing, "large": nothing},
            "failures": {"drift": 0, "group": 0, "part": 0, "other": 0},
        }
    )
    scores = {"count": 1, "mean_score": 0.75, "share": 1.0, "calibration_error": 0.25, "auc": None}
    assert json.dumps(quality["scores"]) == json.dumps(
        {**scores, "bins": [{"count": 1, "mean_score": 0.75, "share": 1.0}]}
    )


def test_categories_and_order_are_those_of_the_reference(make_coco):
    categories = [{"id": 3, "name": "cat"}, {"id": 4, "name": "dog"}]
    boxes = [{**BOX, "id": 1, "bbox": [0, 0, 10, 10]}, {**BOX, "id": 2, "bbox": [0, 0, 10, 5]}]
    true = [{**BOX, "id": 2, "bbox": [0, 0, 10, 10], "category_id": 4}, {**BOX, "id": 1, "bbox": [0, 0, 10, 10]}]
    after = compare(
        read_coco(make_coco(annotations=boxes)),
        read_coco(make_coco("true.json", annotations=true, categories=categories)),
    ).after
    assert {name: statistics.mean_iou for name, statistics in after.by_category.items()} == {"cat": 1, "dog": 0.5}


def test_a_third_file_gives_the_boxes_before(make_coco):
    files = [
        read_coco(make_coco(name, annotations=[{**BOX, "id": 1, "bbox": box}]))
        for name, box in (("a", [0, 0, 10, 10]), ("b", [0, 0, 10, 10]), ("c", [0, 0, 10, 5]))
    ]
    assert compare(*files).before.all.mean_iou == pytest.approx(0.5)
    assert compare(*files[:2]).before is None


def test_ids_on_one_side_only_are_listed_up_to_ten(make_coco):
    many = read_coco(make_coco("many.json", annotations=[{**BOX, "id": i, "bbox": [0, 0, 1, 1]} for i in range(12)]))
    one = read_coco(make_coco("one.json", annotations=[{**BOX, "id": 11, "bbox": [0, 0, 1, 1]}]))
    for first, second in ((one, many), (many, one)):
        with pytest.raises(InputError, match=r"one\.json: 11 annotation ids of .*many\.json .* 8, 9 and 1 more"):
            compare(first, second)


def test_ids_that_belong_to_other_images_are_refused(make_coco, tmp_path, capsys):
    size = {"width": 40, "height": 30}
    images = [{"id": 1, "file_name": "a.png", **size}, {"id": 2, "file_name": "b.png", **size}]
    boxes = [{**BOX, "id": n, "image_id": image, "bbox": [n, 5, 10, 12]} for n, image in ((4, 1), (5, 2), (6, 2))]
    swapped = [boxes[0], *({**box, "image_id": 1} for box in boxes[1:])]
    refined, true = make_coco(images=images, annotations=boxes), make_coco("t.json", images=images, annotations=swapped)
    words = ["compare-annotations", str(refined), f"--reference={true}", f"--output={tmp_path / 'quality.json'}"]
    assert main(words) == 2
    assert f"{true}: annotation 5 is of a.png, but in {refined} of b.png: compare" in capsys.readouterr().err
    assert not (tmp_path / "quality.json").exists()
    renumbered = [{**image, "id": 7 + image["id"], "file_name": f"deep/{image['file_name']}"} for image in images]
    same = [{**box, "image_id": 7 + box["image_id"]} for box in boxes]
    assert main([*words, f"--reference={make_coco('t.json', images=renumbered, annotations=same)}"]) == 0


@pytest.mark.parametrize(
    ("box", "kind"),
    [
        ([22, 0, 32, 10], "drift"),
        ([0, 0, 30, 10], "group"),
        ([0, 0, 4, 10], "part"),
        ([0, 0, 9, 40], "other"),
        ([0, 0, 10, 9], None),
    ],
)
def test_failures_have_one_kind(box, kind):
    true = torch.tensor([[0, 0, 10, 10], [20, 0, 30, 10], [0, 0, 10, 10]], dtype=torch.float64)
    boxes = true.clone()
    boxes[0] = torch.tensor(box)
    counts = failure_counts(boxes, true, torch.tensor([1, 1, 2]))
    assert counts == Failures(**{name: int(name == kind) for name in ("drift", "group", "part", "other")})


def test_failures_are_the_same_however_many_boxes_are_compared_at_once(monkeypatch):
    torch.manual_seed(0)
    true = torch.rand(60, 4, dtype=torch.float64) * 40
    true[:, 2:] += true[:, :2] + 5
    boxes = true + torch.randn(60, 4, dtype=torch.float64) * 8
    images = torch.randint(5, (60,))
    together = failure_counts(boxes, true, images)
    assert min(astuple(together)) > 0
    monkeypatch.setattr("ssd_det.report.quality.MOST_PAIRS", 20)
    assert failure_counts(boxes, true, images) == together


def test_comparing_imports_nothing_that_takes_longer_than_it():
    modules = "ssd_det.report.quality, ssd_det.report.comparison_table"
    code = f"import sys, {modules}; print({{'torchmetrics', 'torchvision', 'lightning'}} & {{*sys.modules}})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"


def test_trusted_boxes_are_compared_with_where_the_file_does_not_have_them(make_coco, tmp_path, capsys):
    refined = [
        {**BOX, "id": 1, "bbox": [0, 0, 10, 8], "original_bbox": [0, 0, 10, 4]},
        {**BOX, "id": 2, "bbox": [0, 0, 40, 30], "trusted": True},
        {**BOX, "id": 3, "bbox": [20, 10, 5, 5]},
    ]
    file = make_coco("refined.json", annotations=refined)
    boxes = [{**BOX, "id": 1, "bbox": [0, 0, 10, 10]}, {**BOX, "id": 2, "bbox": [0, 0, 40, 30]}]
    words = ["compare-annotations", str(file), f"--trusted={make_coco('trusted.json', annotations=boxes)}"]
    assert main([*words, f"--output={tmp_path / 'quality.json'}"]) == 0
    quality = json.loads((tmp_path / "quality.json").read_text())
    assert (quality["annotations"], quality["before"]["all"]["count"]) == (1, 1)
    assert quality["before"]["all"]["mean_iou"] == pytest.approx(0.4)
    assert quality["after"]["all"]["mean_iou"] == pytest.approx(0.8)
    capsys.readouterr()
    fails(capsys, main([*words, f"--reference={file}"]), "give either --reference or --trusted")
    fails(capsys, main(words[:2]), "give either --reference or --trusted")
    words[2] = f"--trusted={make_coco('known.json', annotations=boxes[1:])}"
    fails(capsys, main(words), "none of its annotations has a trusted box that is not in it already")


BOXES = st.lists(st.integers(0, 20) | st.sampled_from([0.25, 7.5]), min_size=4, max_size=4)
JUDGED = st.fixed_dictionaries(
    {"image_id": st.sampled_from([1, 2]), "category_id": st.sampled_from([3, 4]), "bbox": BOXES},
    optional={
        "iscrowd": st.sampled_from([0, 1]),
        "original_bbox": BOXES,
        "refine_score": st.sampled_from([0, 0.25, 0.8, 1, None]),
        "refined_from": BOXES,
        "trusted": st.booleans(),
    },
)


def coco_of(entries, is_large):
    """A file of entries, which stay text as those of a large file do."""
    texts = [msgspec.Raw(json.dumps(entry).encode()) for entry in entries]
    content = {
        "images": [{"id": number, "file_name": f"{number}.png", "width": 40, "height": 30} for number in (1, 2)],
        "annotations": TextEntries(texts) if is_large else entries,
        "categories": [{"id": number, "name": "cat"} for number in (3, 4)],
    }
    return parse_coco(Path("in.json"), content)


@given(st.lists(st.tuples(JUDGED, JUDGED, st.booleans()), min_size=1, max_size=5), st.permutations(range(5)))
def test_large_files_are_compared_as_small_ones(drawn, order):
    """As columns of numbers and as annotations; true boxes are in another order, and of some annotations only."""
    file = [{**entry, "id": number} for number, (entry, _, _) in enumerate(drawn)]
    numbers = [number for number in order if number < len(drawn)]
    true = [{**drawn[number][1], "id": number, "image_id": file[number]["image_id"]} for number in numbers]
    trusted = {number: (1.0, 2.0, 8.0, 9.0) for number, (_, _, is_trusted) in enumerate(drawn) if is_trusted}
    files, references = ([coco_of(entries, is_large) for is_large in (False, True)] for entries in (file, true))
    small, large = map(compare, files, references)
    assert repr(small) == repr(large)
    assert small.annotations + small.left_out == len(drawn)
    small, large = (repr(compare(one, reference, reference)) for one, reference in zip(files, references, strict=True))
    assert small == large
    if any(not drawn[number][0].get("trusted") for number in trusted):
        small, large = (repr(compare_trusted(one, trusted)) for one in files)
        assert small == large
