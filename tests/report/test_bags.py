"""What the bags of a pass hold, their figure, and the report that draws it."""

import json
from dataclasses import fields

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from ssd_det.errors import InputError
from ssd_det.main import main
from ssd_det.ops.boxes import corners, iou
from ssd_det.report.bag_figure import LABELS, bag_figure, shares_reaching
from ssd_det.report.bags import BagIous, bag_ious, measure_bags
from ssd_det.report.figures import FigureData, figures
from tests.command import ssd_det
from tests.conftest import TINY_DATA, TINY_MODEL
from tests.models.test_refiner_head import draws, make_features, make_head, make_objects
from tests.words import QUIET, options


@pytest.mark.parametrize("use_stage2", [True, False])
def test_best_chosen_and_merged_are_told_apart(use_stage2):
    head, objects = make_head(use_stage2=use_stage2), make_objects()
    output = head(make_features(), objects, draws())
    true = objects.boxes + 3
    ious = bag_ious(output, objects.boxes, true)
    columns = ious.columns()
    bags = {"a": output.bag_a, "b": output.bag_b}
    if use_stage2:
        bags["c"] = output.stage_two.proposals
    assert [name for name in columns if name.startswith("best")] == [f"best_of_{bag}" for bag in bags]
    for name, bag in bags.items():
        expected = [
            max(iou(proposal, box).item() for proposal in proposals) for proposals, box in zip(bag, true, strict=True)
        ]
        assert columns[f"best_of_{name}"].tolist() == pytest.approx(expected)
    last = list(bags.values())[-1]
    heaviest = output.merged.members.gather(1, output.merged.weights.argmax(dim=1, keepdim=True)).squeeze(1)
    assert_close(ious.chosen, iou(last[torch.arange(len(last)), heaviest], true))
    assert (ious.chosen <= columns[f"best_of_{list(bags)[-1]}"] + 1e-6).all()
    assert_close(ious.merged, iou(output.refined, true))
    assert_close(ious.before, iou(objects.boxes, true))


def test_shares_fall_from_all_to_those_that_reach_the_level():
    levels = np.array([0.0, 0.5, 0.6, 1.0])
    assert shares_reaching(torch.tensor([0.2, 0.5, 0.7, 0.9]), levels).tolist() == [1.0, 0.75, 0.5, 0.0]


def test_the_figure_shows_each_bag_and_what_is_made_of_the_last():
    columns = {name: torch.tensor([0.25, 0.75]) for name in LABELS}
    left, right = bag_figure(BagIous(**columns)).axes
    assert [line.get_label() for line in left.lines] == [
        "box before refining, mean 0.500",
        "best of the sampled bag, mean 0.500",
        "best of the bag that SPSD moved, mean 0.500",
        "best of the bag of stage II, mean 0.500",
    ]
    assert [line.get_label().partition(",")[0] for line in right.lines] == [
        LABELS[name] for name in ("before", "best_of_c", "chosen", "merged")
    ]
    assert right.lines[0].get_ydata()[50] == 0.5
    del columns["best_of_c"]
    assert bag_figure(BagIous(**columns)).axes[1].lines[1].get_label().startswith(LABELS["best_of_b"])


@pytest.fixture(scope="module")
def trained(demo, tmp_path_factory):
    """The folder of a tiny refiner of the demo's noisy boxes."""
    folder = tmp_path_factory.mktemp("trained") / "refiner"
    data = {**TINY_DATA, "annotations": str(demo / "noisy.json"), "image_root": str(demo / "images")}
    words = [*options("model", TINY_MODEL), *options("data", data), *QUIET, "--trainer.max_epochs=1"]
    logger = ["--trainer.logger=false", f"--trainer.default_root_dir={folder}"]
    result = ssd_det("fit", *words, *logger)
    assert result.returncode == 0, result.stderr
    (checkpoint,) = folder.rglob("*.ckpt")
    checkpoint.rename(checkpoint.with_name("last.ckpt"))  # as the pipeline has it
    return folder


@pytest.fixture
def make_run(demo, trained, tmp_path):
    """A run whose boxes were left as they were by a tiny refiner."""

    def make(noisy=demo / "noisy.json"):
        run = tmp_path / "run"
        (run / "refined").mkdir(parents=True)
        (run / "refiner").symlink_to(trained)
        init_args = {**TINY_DATA, "annotations": str(noisy), "image_root": str(demo / "images")}
        data = {"class_path": "ssd_det.batches.refine_datamodule.RefineDataModule", "init_args": init_args}
        record = {"title": "refine annotations", "commands": [], "settings": {"data": data}, "inputs": {}}
        (run / "refined" / "stage.json").write_text(json.dumps({**record, "seconds": 1.0, "finished": True}))
        (run / "refined" / "refined.json").write_text(noisy.read_text())
        inputs = {"image_root": str(demo / "images")}
        (run / "run.json").write_text(json.dumps({"current": ["refiner", "refined"], "inputs": inputs}))
        return run

    return make


@pytest.fixture
def without_truth(demo, tmp_path):
    content = json.loads((demo / "noisy.json").read_text())
    for entry in content["annotations"]:
        del entry["true_bbox"]
    (tmp_path / "noisy.json").write_text(json.dumps(content))
    return tmp_path / "noisy.json"


def test_every_object_of_a_run_is_compared_with_its_true_box(make_run, demo):
    ious = measure_bags(make_run(), 100)
    annotations = json.loads((demo / "noisy.json").read_text())["annotations"]
    noisy, true = (corners([entry[key] for entry in annotations]) for key in ("bbox", "true_bbox"))
    assert {len(getattr(ious, field.name)) for field in fields(ious)} == {len(annotations)}
    assert sorted(ious.before.tolist()) == pytest.approx(sorted(iou(noisy, true).tolist()), abs=1e-5)


def test_of_several_refiners_the_last_one_is_used(make_run, trained):
    run = make_run()
    (run / "refiner").unlink()
    (run / "fold_1").mkdir()
    (run / "fold_1" / "refiner").symlink_to(trained)
    record = json.loads((run / "run.json").read_text())
    stages = ["fold_0/refiner", "fold_0/refined", "fold_1/refiner", "refined"]
    (run / "run.json").write_text(json.dumps({**record, "current": stages}))
    assert measure_bags(run, 2) is not None


def test_fewer_images_have_fewer_objects(make_run):
    run = make_run()
    assert 0 < len(measure_bags(run, 2).merged) < len(measure_bags(run, 100).merged)


def test_without_true_boxes_there_is_nothing_to_compare_with(make_run, without_truth):
    assert measure_bags(make_run(without_truth), 100) is None


def test_only_objects_whose_true_box_is_known_are_compared(make_run, without_truth):
    content = json.loads(without_truth.read_text())
    content["annotations"][0]["true_bbox"] = content["annotations"][0]["bbox"]
    without_truth.write_text(json.dumps(content))
    assert measure_bags(make_run(without_truth), 100).before.tolist() == pytest.approx([1])


def test_the_report_draws_bags_where_it_is_asked_to(make_run, capsys):
    run = make_run()
    assert main(["report", str(run)]) == 0
    assert not (run / "figures" / "bags.png").exists()
    capsys.readouterr()
    assert main(["report", str(run), "--bags", "2"]) == 0
    assert str(run / "figures" / "bags.png") in capsys.readouterr().out.splitlines()
    assert (run / "figures" / "bags.png").read_bytes().startswith(b"\x89PNG")
    assert "![figures/bags.png](figures/bags.png)" in (run / "results.md").read_text()


def test_the_report_says_why_it_draws_no_bags(make_run, without_truth, capsys):
    run = make_run(without_truth)
    assert main(["report", str(run), "--bags", "2"]) == 0
    assert f"{run}: its true boxes are not known: there is nothing to compare bags with." in capsys.readouterr().out
    assert not (run / "figures" / "bags.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--bags", "-1"], "bags is -1: give a number of images from 0 up"),
        (["--bags", "3", "--image_root", ".", "--output", "page"], "--bags needs the folder of one"),
    ],
)
def test_bags_are_of_a_run_and_counted_from_0(make_coco, capsys, words, message):
    assert main(["report", str(make_coco()), *words]) == 2
    assert message in capsys.readouterr().err


def test_a_run_without_refined_boxes_is_refused(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"current": ["refiner"]}))
    with pytest.raises(InputError, match="has no refined boxes yet: run the pipeline to its end"):
        measure_bags(tmp_path, 100)


def test_where_nothing_is_known_nothing_is_drawn():
    assert figures(FigureData(detectors={"noisy": None})) == {}
