"""The command line, in this process wherever no second process is needed."""

import json
import shutil

import pytest
import torch

from ssd_det.main import COMMANDS, main
from tests.command import ssd_det
from tests.conftest import TINY_DATA, TINY_MODEL
from tests.words import QUIET, options

# Merging as published: the boxes of a network that has hardly learnt anything are compared to a few thousandths of a
# pixel across batch sizes, and which of its near ties magnify rounding is chance.
TINY = [*options("model", {**TINY_MODEL, "merging": "ranking"}), *options("data", TINY_DATA), *QUIET]


@pytest.fixture(scope="module")
def trained(demo, tmp_path_factory):
    """A folder with the demo's files and a checkpoint of one epoch."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copytree(demo, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        more = ["--trainer.max_epochs=1", "--trainer.log_every_n_steps=1", *logging_to("runs")]
        assert main(["fit", *TINY, *DATA, *more]) == 0
    return folder


DATA = ["--data.annotations=noisy.json", "--data.image_root=images"]


def logging_to(folder):
    return [
        "--trainer.logger=lightning.pytorch.loggers.CSVLogger",
        f"--trainer.logger.save_dir={folder}",
        "--trainer.logger.name=",
        "--trainer.logger.version=",
    ]


def checkpoint_in(folder):
    return next(folder.glob("runs/checkpoints/*.ckpt"))


@pytest.fixture
def inside(trained, tmp_path, monkeypatch):
    """A fresh copy of the trained folder as the working directory."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refine(folder, *more, output="refined.json"):
    checkpoint = f"--checkpoint={checkpoint_in(folder)}"
    return main(["refine-annotations", *TINY, *DATA, checkpoint, f"--output={output}", "--min_score=0", *more])


def fails(capsys, code, message):
    """Whether a command ended with exit code 2 and one sentence on the error stream, without a traceback."""
    error = capsys.readouterr().err
    sentences = [line for line in error.splitlines() if line.startswith("ssd-det: error: ")]
    assert code == 2
    assert len(sentences) == 1
    assert message in sentences[0]
    assert "Traceback" not in error


def test_help_lists_every_command_with_one_line(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    for command in COMMANDS:
        lines = [line for line in text.splitlines() if line.strip().startswith(f"{command} ")]
        assert len(lines) == 1
        assert lines[0].strip().endswith(".")


@pytest.mark.parametrize("words", [["fly"], [], ["corrupt-annotations"], ["corrupt-annotations", "a", "--what", "1"]])
def test_wrong_usage_ends_with_code_2(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


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


def test_two_processes_train_together_whoever_has_the_true_boxes(inside):
    content = json.loads((inside / "noisy.json").read_text())
    for entry in content["annotations"][1:]:
        del entry["true_bbox"]
    (inside / "noisy.json").write_text(json.dumps(content))
    quality = ["--trainer.callbacks=ssd_det.callbacks.box_quality.BoxQuality", "--trainer.max_epochs=1"]
    words = [*TINY, *DATA, *quality, *logging_to("two"), "--trainer.devices=2", "--data.batch_size=1"]
    result = ssd_det("fit", *words, cwd=inside)
    assert result.returncode == 0, result.stderr
    assert "noisy_iou" in (inside / "two" / "metrics.csv").read_text()


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


def test_resuming_refuses_settings_that_it_could_not_follow(inside, capsys):
    more = [f"--ckpt_path={checkpoint_in(inside)}", "--trainer.max_epochs=2", *logging_to("again")]
    fails(capsys, main(["fit", *TINY, *DATA, *more, "--model.learning_rate=0.5"]), "model.learning_rate is 0.5, but")
    assert main(["fit", *TINY, *DATA, *more]) == 0
    assert "learning_rate: 0.02" in (inside / "again" / "hparams.yaml").read_text()
    assert "ckpt_path" not in (inside / "again" / "config.yaml").read_text()


def test_resuming_keeps_the_log_of_the_first_attempt(inside):
    log = (inside / "runs" / "metrics.csv").read_text()
    more = [f"--ckpt_path={checkpoint_in(inside)}", "--trainer.max_epochs=2", "--trainer.log_every_n_steps=1"]
    assert main(["fit", *TINY, *DATA, *more, *logging_to("runs")]) == 0
    assert [path.read_text() for path in (inside / "runs").glob("metrics.*.csv")] == [log]
    assert (inside / "runs" / "metrics.csv").read_text() != log


def test_the_configuration_of_a_training_serves_refining(inside):
    words = ["--config=runs/config.yaml", f"--checkpoint={checkpoint_in(inside)}", "--output=refined.json"]
    assert main(["refine-annotations", *words]) == 0


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_does_not_decode_is_named(inside, capsys, workers):
    (inside / "images" / "0002.png").write_bytes(b"nothing")
    fails(capsys, refine(inside, f"--data.num_workers={workers}"), "0002.png: image 2 does not decode")
    assert not (inside / "refined.json").exists()
    words = ["fit", *TINY, *DATA, "--trainer.max_epochs=1", f"--data.num_workers={workers}", *logging_to("again")]
    fails(capsys, main(words), "0002.png: image 2 does not decode")


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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data.annotations=none.json"], "none.json: there is no such file"),
        (["--model.weights=none.pth"], "none.pth are neither a file nor"),
        (["--model.weights=noisy.json"], "noisy.json: is not a state_dict of torchvision's resnet18"),
        (["--model.fpn_channels=20"], "fpn_channels is 20"),
        (["--model.roi_size=0"], "model.roi_size is 0"),
        (["--model.ratios=[]"], "model.ratios is []"),
        (["--model.image_mean=[0.5]"], "model.image_mean and model.image_std need 3 numbers"),
        (["--data.num_workers=-1"], "data.num_workers is -1"),
        (["--trainer.accelerator=gpu"], "No supported gpu backend found"),
        (["--data.batch_size=0"], "data.batch_size is 0"),
        (["--ckpt_path=none.ckpt"], "none.ckpt: there is no such file"),
        (["--ckpt_path=noisy.json"], "noisy.json: is not a checkpoint"),
        (["--trainer.logger.save_dir=noisy.json/logs"], "noisy.json"),
    ],
)
def test_bad_input_of_training_ends_in_one_sentence(inside, capsys, words, message):
    fails(capsys, main(["fit", *TINY, *DATA, *logging_to("again"), *words]), message)


def test_wandb_tracks_a_training(inside):
    words = ["--trainer.logger=lightning.pytorch.loggers.WandbLogger", "--trainer.logger.offline=true"]
    assert main(["fit", *TINY, *DATA, *words, "--trainer.logger.save_dir=tracked", "--trainer.max_epochs=1"]) == 0
    assert list((inside / "tracked" / "wandb").glob("offline-run-*/*.wandb"))


def test_noise_then_comparison_by_the_command(inside, capsys):
    noise = ["--output=n.json", "--noise_level=0.3", "--seed=1"]
    assert main(["corrupt-annotations", "train.json", *noise]) == 0
    first = (inside / "n.json").read_bytes()
    assert main(["corrupt-annotations", "train.json", *noise, "--overwrite"]) == 0
    assert (inside / "n.json").read_bytes() == first
    assert main(["compare-annotations", "n.json", "--reference=train.json", "--output=q.json"]) == 0
    result = json.loads((inside / "q.json").read_text())
    assert 0.4 < result["after"]["all"]["mean_iou"] < 0.7
    assert result["before"] is None
    assert "IoU with the true boxes" in capsys.readouterr().out


def test_a_bad_noise_level_writes_nothing(inside, capsys):
    code = main(["corrupt-annotations", "train.json", "--output=n.json", "--noise_level=1"])
    fails(capsys, code, "noise_level is 1.0")
    assert not (inside / "n.json").exists()


def test_checking_ends_with_0_1_or_2(inside, capsys):
    assert main(["check-annotations", "noisy.json", "--image_root=images"]) == 0
    (inside / "images" / "0001.png").unlink()
    assert main(["check-annotations", "noisy.json", "--image_root=images"]) == 1
    assert "missing-file" in capsys.readouterr().out
    fails(capsys, main(["check-annotations", "noisy.json", "--image_root=none"]), "none: there is no such folder")


def test_module_and_command_are_the_same(inside):
    result = ssd_det("check-annotations", "noisy.json", "--image_root=images", cwd=inside)
    assert result.returncode == 0, result.stderr
    assert "6 images" in result.stdout
    assert ssd_det("--version").stdout.startswith("ssd-det 0.")


def test_one_seed_decides_everything(inside, monkeypatch):
    seeds = []
    monkeypatch.setattr(
        "ssd_det.batches.refine_datamodule.RefineDataModule.train_dataloader",
        lambda self: seeds.append((self.seed, torch.initial_seed())) or self.predict_dataloader(),
    )
    fast = ["--trainer.fast_dev_run=true", "--trainer.accelerator=cpu"]
    assert main(["fit", *TINY, *DATA, *fast, "--seed_everything=45"]) == 0
    assert seeds[0] == (45, 45)
