"""``refine-annotations``, in this process wherever no second process is needed."""

import json

import numpy as np
import pytest

from ssd_det.batches.refine_datamodule import unseen_images
from ssd_det.main import main
from ssd_det.tasks.checkpoint import load_checkpoint
from tests.command import fails, ssd_det
from tests.words import DATA, TINY, checkpoint_in, logging_to


def refine(folder, *more, output="refined.json"):
    checkpoint = f"--checkpoint={checkpoint_in(folder)}"
    return main(["refine-annotations", *TINY, *DATA, checkpoint, f"--output={output}", "--min_score=0", *more])


def test_refining_changes_boxes_and_nothing_else(inside, capsys):
    before = (inside / "noisy.json").read_bytes()
    assert refine(inside) == 0
    text = capsys.readouterr().out
    assert "boxes refined" in text
    assert "Passed through unchanged: none." in text
    assert (inside / "noisy.json").read_bytes() == before
    noisy, refined = json.loads(before), json.loads((inside / "refined.json").read_text())
    assert {key: value for key, value in refined.items() if key != "annotations"} == {
        key: value for key, value in noisy.items() if key != "annotations"
    }
    changed = {"bbox", "area", "original_bbox", "refine_score", "refine_iou"}
    for old, new in zip(noisy["annotations"], refined["annotations"], strict=True):
        assert new["original_bbox"] == old["bbox"]
        assert {k: v for k, v in new.items() if k not in changed} == {k: v for k, v in old.items() if k not in changed}
        assert 0 <= new["refine_score"] <= 1
        x, y, width, height = new["bbox"]
        assert 0 <= x < x + width <= 256.001
        assert 0 <= y < y + height <= 192.001
    assert any(entry["refine_iou"] < 1 for entry in refined["annotations"])


def test_the_file_comes_back_unchanged_when_every_score_is_low(inside, capsys):
    assert refine(inside, "--min_score=1") == 0
    assert "(score below 1.00)" in capsys.readouterr().out
    assert json.loads((inside / "refined.json").read_text()) == json.loads((inside / "noisy.json").read_text())


def test_two_refiners_are_averaged_and_judge_noise_by_images_that_they_have_not_seen(inside):
    runs = [inside / f"fold_{fold}" for fold in (0, 1)]
    for fold, run in enumerate(runs):
        folds = ["--data.folds=2", f"--data.fold={fold}", f"--seed_everything={fold}"]
        assert main(["fit", *TINY, *DATA, *folds, "--trainer.max_epochs=1", *logging_to(str(run))]) == 0
    checkpoints = [next(run.rglob("*.ckpt")) for run in runs]
    images = [entry["id"] for entry in json.loads((inside / "noisy.json").read_text())["images"]]
    unseen = [unseen_images(load_checkpoint(path)).tolist() for path in checkpoints]
    assert sorted(unseen[0] + unseen[1]) == sorted(images)
    first, second = (f"--checkpoint={path}" for path in checkpoints)
    command = ["refine-annotations", *TINY, *DATA, "--min_score=0", "--calibration_images=0"]
    assert main([*command, first, "--output=a.json"]) == 0
    assert main([*command, second, "--output=b.json"]) == 0
    assert main([*command, first, f"--other_checkpoints+={checkpoints[1]}", "--output=both.json"]) == 0
    one, other, both = (json.loads((inside / f"{name}.json").read_text()) for name in ("a", "b", "both"))
    different = 0
    for entries in zip(one["annotations"], other["annotations"], both["annotations"], strict=True):
        a, b, mean = (entry["bbox"] for entry in entries)
        different += a != b
        low, high = np.minimum(a, b), np.maximum(a, b)
        assert (low - 25 <= mean).all()  # each file has its own drift taken out
        assert (mean <= high + 25).all()
    assert different > len(one["annotations"]) / 2


def test_a_refiner_of_other_classes_is_no_other_checkpoint(inside, capsys):
    text = (inside / "noisy.json").read_text()
    content = json.loads(text)
    content["categories"][0]["name"] = "zebra"
    (inside / "others.json").write_text(json.dumps(content))
    words = [*TINY, *DATA, "--data.annotations=others.json", "--trainer.max_epochs=1", *logging_to("others")]
    assert main(["fit", *words]) == 0
    other = next((inside / "others").rglob("*.ckpt"))
    fails(capsys, refine(inside, f"--other_checkpoints+={other}"), "zebra")
    assert not (inside / "refined.json").exists()


@pytest.mark.parametrize("scale", ["0", "-1", "0.001", "1e9", ".nan"])
def test_scales_that_show_nothing_are_refused(inside, capsys, scale):
    fails(capsys, refine(inside, f"--average_over_scales=[{scale}]"), "give numbers from 0.25 to 4.0")
    assert not (inside / "refined.json").exists()


def test_any_batch_size_gives_the_same_boxes(inside):
    assert refine(inside) == 0
    assert refine(inside, "--data.batch_size=5", output="other.json") == 0
    first, second = (json.loads((inside / name).read_text()) for name in ("refined.json", "other.json"))
    for one, other in zip(first["annotations"], second["annotations"], strict=True):
        assert one["bbox"] == pytest.approx(other["bbox"], abs=2e-3)


def test_two_processes_write_every_annotation_once(inside):
    assert refine(inside) == 0
    result = ssd_det(
        "refine-annotations",
        *TINY,
        *DATA,
        f"--checkpoint={checkpoint_in(inside)}",
        "--output=two.json",
        "--min_score=0",
        "--trainer.devices=2",
        "--data.batch_size=16",
        cwd=inside,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("boxes refined") == 1
    one, two = (json.loads((inside / name).read_text()) for name in ("refined.json", "two.json"))
    assert [entry["id"] for entry in two["annotations"]] == [entry["id"] for entry in one["annotations"]]
    for first, second in zip(one["annotations"], two["annotations"], strict=True):
        assert first["bbox"] == pytest.approx(second["bbox"], abs=2e-3)


def test_two_processes_end_with_one_sentence_on_bad_input(inside):
    (inside / "images" / "0002.png").write_bytes(b"nothing")
    result = ssd_det(
        "refine-annotations",
        *TINY,
        *DATA,
        f"--checkpoint={checkpoint_in(inside)}",
        "--output=two.json",
        "--trainer.devices=2",
        cwd=inside,
    )
    assert result.returncode == 2, result.stderr
    assert "image 2 does not decode" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (inside / "two.json").exists()


def test_refining_leaves_the_folder_of_the_training_alone(inside):
    before = {path: path.read_bytes() for path in inside.rglob("*") if path.is_file()}
    assert refine(inside, *logging_to("runs")) == 0
    after = {path for path in inside.rglob("*") if path.is_file()}
    assert after == {*before, inside / "refined.json"}
    assert all(path.read_bytes() == content for path, content in before.items())


def test_the_input_is_the_output_only_with_overwrite(inside, capsys):
    fails(capsys, refine(inside, output="noisy.json"), "is the input as well")
    assert refine(inside, "--overwrite", output="noisy.json") == 0
    assert "refine_score" in json.loads((inside / "noisy.json").read_text())["annotations"][0]


def test_missing_images_stop_the_run_unless_skipped(inside, capsys):
    (inside / "images" / "0003.png").unlink()
    fails(capsys, refine(inside), "1 of 6 image files are not in images: 0003.png")
    assert not (inside / "refined.json").exists()
    assert refine(inside, "--skip_missing_images") == 0
    entries = json.loads((inside / "refined.json").read_text())["annotations"]
    assert all(("refine_score" in entry) == (entry["image_id"] != 3) for entry in entries)
    assert "(image missing)" in capsys.readouterr().out


def test_a_setting_against_the_checkpoint_is_refused(inside, capsys):
    fails(capsys, refine(inside, "--model.roi_size=5"), "model.roi_size is 5, but")
    assert refine(inside, "--model.learning_rate=3") == 0


def test_settings_need_not_be_repeated(inside):
    words = [word for word in TINY if not word.startswith("--model.")]
    checkpoint = f"--checkpoint={checkpoint_in(inside)}"
    assert main(["refine-annotations", *words, *DATA, checkpoint, "--output=plain.json", "--min_score=0"]) == 0
    assert refine(inside) == 0
    assert (inside / "plain.json").read_bytes() == (inside / "refined.json").read_bytes()


def test_the_configuration_of_a_training_serves_refining(inside):
    words = ["--config=runs/config.yaml", f"--checkpoint={checkpoint_in(inside)}", "--output=refined.json"]
    assert main(["refine-annotations", *words]) == 0


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_does_not_decode_is_named(inside, capsys, workers):
    (inside / "images" / "0002.png").write_bytes(b"nothing")
    fails(capsys, refine(inside, f"--data.num_workers={workers}"), "0002.png: image 2 does not decode")
    assert not (inside / "refined.json").exists()


def test_sizes_that_differ_are_named(inside, capsys):
    content = json.loads((inside / "noisy.json").read_text())
    content["images"][0]["width"] += 1
    (inside / "noisy.json").write_text(json.dumps(content))
    fails(capsys, refine(inside), "image 1 is 256x192, but the annotation file says 257x192")


def test_other_classes_are_refused(inside, capsys):
    content = json.loads((inside / "noisy.json").read_text())
    content["categories"][0]["name"] = "blob"
    (inside / "noisy.json").write_text(json.dumps(content))
    fails(capsys, refine(inside), "noisy.json has 1 blob")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data.annotations=none.json"], "none.json: there is no such file"),
        (["--data.image_root=none"], "none: there is no such folder"),
        (["--checkpoint=none.ckpt"], "none.ckpt: there is no such file"),
        (["--checkpoint=noisy.json"], "noisy.json: is not a checkpoint of a refiner"),
        (["--output=none/refined.json"], "none does not exist"),
        (["--trainer.fast_dev_run=true"], "was not refined"),
    ],
)
def test_bad_input_of_refining_ends_in_one_sentence(inside, capsys, words, message):
    fails(capsys, refine(inside, *words), message)


def test_too_few_boxes_to_judge_by_are_all_kept_unless_a_score_is_given(inside, capsys):
    content = json.loads((inside / "noisy.json").read_text())
    first = content["images"][0]["id"]
    few = {
        **content,
        "images": content["images"][:1],
        "annotations": [entry for entry in content["annotations"] if entry["image_id"] == first],
    }
    assert 0 < len(few["annotations"]) < 20
    (inside / "few.json").write_text(json.dumps(few))
    words = ["refine-annotations", *TINY, "--data.annotations=few.json", "--data.image_root=images"]
    words += [f"--checkpoint={checkpoint_in(inside)}", "--output=kept.json"]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert f"Passed through unchanged: {len(few['annotations'])} (too few boxes to learn which are better)." in text
    assert json.loads((inside / "kept.json").read_text()) == few
    assert main([*words, "--overwrite", "--min_score=0"]) == 0
    assert any("original_bbox" in entry for entry in json.loads((inside / "kept.json").read_text())["annotations"])


def test_trusted_boxes_are_put_in_before_a_folder_is_refined(inside, capsys):
    convert = ["convert-annotations", "noisy.json", "--to=yolo", "--image_root=images", "--output=yolo"]
    assert main(convert) == 0
    content = json.loads((inside / "train.json").read_text())
    boxes = [entry["bbox"] for entry in content["annotations"][:8]]
    content["annotations"] = content["annotations"][:8]
    (inside / "trusted.json").write_text(json.dumps(content))
    capsys.readouterr()
    words = ["--data.annotations=yolo", "--data.image_root=yolo", "--data.trusted=trusted.json"]
    assert refine(inside, *words, "--calibration_images=0", output="out") == 0
    assert "8 trusted boxes" in capsys.readouterr().out
    entries = json.loads((inside / "out.json").read_text())["annotations"]
    trusted = [entry for entry in entries if entry.get("trusted")]
    assert [entry["bbox"] for entry in trusted] == boxes
    assert main(["compare-annotations", "out", "--reference=out.json", "--output=same.json"]) == 0
    assert json.loads((inside / "same.json").read_text())["after"]["all"]["mean_iou"] > 0.99
    before = (inside / "trusted.json").read_bytes()
    refuse = ["--data.trusted=trusted.json", "--overwrite"]
    fails(capsys, refine(inside, *refuse, output="trusted.json"), "trusted.json")
    assert (inside / "trusted.json").read_bytes() == before
