"""``fit``, in this process wherever no second process is needed."""

import json
from pathlib import Path

import pytest
import torch

from ssd_det.cli import SSDDetCLI
from ssd_det.errors import InputError
from ssd_det.main import main
from ssd_det.tasks.refine import RefineTask
from tests.command import fails, ssd_det
from tests.conftest import TINY_DETECTOR
from tests.words import DATA, QUIET, TINY, checkpoint_in, logging_to, options


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


def test_only_the_parser_of_the_command_itself_is_made(monkeypatch, capsys):
    add, made = SSDDetCLI.add_arguments_to_parser, []
    monkeypatch.setattr(SSDDetCLI, "add_arguments_to_parser", lambda *given: made.append(given) or add(*given))
    with pytest.raises(SystemExit):
        main(["fit", *DATA, "--print_config"])
    assert "seed_everything: 0" in capsys.readouterr().out
    assert len(made) == 1


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


def test_a_training_that_fails_before_it_starts_leaves_no_configuration(inside, capsys, monkeypatch):
    def fail(task):
        raise InputError("There is no optimiser.")

    monkeypatch.setattr(RefineTask, "configure_optimizers", fail)
    words = ["fit", *TINY, *DATA, "--trainer.max_epochs=1", *logging_to("again")]
    fails(capsys, main(words), "There is no optimiser.")
    assert not list(Path("again").glob("*"))


def test_an_image_of_another_size_is_named_before_anything_is_written(inside, capsys):
    content = json.loads((inside / "noisy.json").read_text())
    content["images"][-1]["width"] += 1
    (inside / "other.json").write_text(json.dumps(content))
    words = ["fit", *TINY, *DATA, "--data.annotations=other.json", "--trainer.max_epochs=1", *logging_to("again")]
    fails(capsys, main(words), "but the annotation file says")
    assert not Path("again").exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_does_not_decode_is_named(inside, capsys, workers):
    (inside / "images" / "0002.png").write_bytes(b"nothing")
    words = ["fit", *TINY, *DATA, "--trainer.max_epochs=1", f"--data.num_workers={workers}", *logging_to("again")]
    fails(capsys, main(words), "0002.png: image 2 does not decode")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data.annotations=none.json"], "none.json: there is no such file"),
        (["--model.weights=none.pth"], "none.pth are neither a file nor"),
        (["--model.weights=noisy.json"], "noisy.json: is not a state_dict of torchvision's resnet18"),
        (["--model.fpn_channels=20"], "fpn_channels is 20"),
        (["--model.roi_size=0"], "model.roi_size is 0"),
        (["--model.backbone=resnet10", "--model.weights=DEFAULT"], "torchvision has none for resnet10"),
        (["--model.learning_rate=.nan"], "model.learning_rate is nan"),
        (["--model.frozen_stages=1"], "model.weights is null, and model.frozen_stages 1 would keep layers as random"),
        (["--model.freeze_batch_norm=true"], "set model.freeze_batch_norm to false, or give model.weights"),
        (["--model.ratios=[]"], "model.ratios is []"),
        (["--model.image_mean=[0.5]"], "model.image_mean and model.image_std need 3 numbers"),
        (["--data.num_workers=-1"], "data.num_workers is -1"),
        (["--trainer.accelerator=gpu"], "No supported gpu backend found"),
        (["--trainer.accelerator=foo"], "invalid accelerator name"),
        (["--trainer.strategy=foo"], "invalid strategy name"),
        (["--trainer.devices=-1"], "should be an int > 0): correct the trainer's settings"),
        (
            ["--trainer.callbacks+=EarlyStopping", "--trainer.callbacks.monitor=loss", "--trainer.callbacks.mode=up"],
            "got up: correct the trainer's settings",
        ),
        (["--trainer.devices=2.5"], "should be an int > 0"),
        (["--trainer.num_nodes=0"], "must be a positive integer"),
        (["--trainer.max_epochs=0"], "trainer.max_epochs is 0, so nothing would be trained"),
        (["--trainer.max_steps=0"], "trainer.max_steps is 0, so nothing would be trained"),
        (["--trainer.accumulate_grad_batches=0"], "trainer.accumulate_grad_batches is 0"),
        (["--trainer.check_val_every_n_epoch=0"], "trainer.check_val_every_n_epoch is 0"),
        (["--trainer.overfit_batches=1"], "set trainer.limit_train_batches"),
        (["--seed_everything=-1"], "seed_everything is -1: give a number from 0"),
        (["--data.batch_size=0"], "data.batch_size is 0"),
        (["--ckpt_path=none.ckpt"], "none.ckpt: there is no such file"),
        (["--ckpt_path=noisy.json"], "noisy.json: is not a checkpoint"),
        (["--trainer.logger.save_dir=noisy.json/logs"], "noisy.json"),
    ],
)
def test_bad_input_of_training_ends_in_one_sentence(inside, capsys, words, message):
    once = ["--trainer.max_epochs=1", *logging_to("again")]
    fails(capsys, main(["fit", *TINY, *DATA, *once, *words]), message)
    assert not Path("again").exists()


DETECTOR = ["--model=DetectTask", "--data=DetectDataModule", *options("model", TINY_DETECTOR), *QUIET]


@pytest.mark.parametrize(
    "words",
    [
        [*TINY, "--data.longest_side=1"],
        [*DETECTOR, "--model.longest_side=1"],
        [*DETECTOR, "--model.longest_side=33", "--model.detector=fcos"],
    ],
)
def test_one_image_that_is_too_small_to_be_normalised_ends_in_one_sentence(inside, capsys, words):
    once = ["--trainer.fast_dev_run=true", "--data.num_workers=0", "--data.batch_size=1"]
    code = main(["fit", *words, *DATA, *once])
    fails(capsys, code, "The only image of a step is too small to normalise its features: raise shortest_side and")


@pytest.mark.parametrize("option", ["--ckpt_path", "--start_from"])
def test_layers_may_be_frozen_that_have_the_weights_of_a_checkpoint(inside, option):
    content = torch.load(checkpoint_in(inside), weights_only=True)
    content["settings"]["freeze_batch_norm"] = True
    torch.save(content, inside / "frozen.ckpt")
    model, data, *quiet = TINY
    model = model.replace('"freeze_batch_norm": false', '"freeze_batch_norm": true')
    more = [f"{option}=frozen.ckpt", "--trainer.max_epochs=2", *logging_to("again")]
    assert main(["fit", model, data, *quiet, *DATA, *more]) == 0


def test_wandb_tracks_a_training(inside):
    words = ["--trainer.logger=lightning.pytorch.loggers.WandbLogger", "--trainer.logger.offline=true"]
    assert main(["fit", *TINY, *DATA, *words, "--trainer.logger.save_dir=tracked", "--trainer.max_epochs=1"]) == 0
    assert list((inside / "tracked" / "wandb").glob("offline-run-*/*.wandb"))


def test_one_seed_decides_everything(inside, monkeypatch):
    seeds = []
    monkeypatch.setattr(
        "ssd_det.batches.refine_datamodule.RefineDataModule.train_dataloader",
        lambda self: seeds.append((self.seed, torch.initial_seed())) or self.to_refine().loader(1),
    )
    fast = ["--trainer.fast_dev_run=true", "--trainer.accelerator=cpu"]
    assert main(["fit", *TINY, *DATA, *fast, "--seed_everything=45"]) == 0
    assert seeds[0] == (45, 45)


def test_a_training_starts_from_the_weights_and_the_noise_of_another(inside):
    still = ["--model.learning_rate=0", "--model.optimizer=adamw", "--model.weight_decay=0"]
    first = checkpoint_in(inside)
    content = torch.load(first, weights_only=True)
    content["noise"]["level"] = 0.25
    torch.save(content, inside / "first.ckpt")
    more = ["--trainer.max_epochs=1", "--start_from=first.ckpt", *logging_to("next")]
    assert main(["fit", *TINY, *DATA, *more, *still]) == 0
    (last,) = (inside / "next" / "checkpoints").glob("*.ckpt")
    found = torch.load(last, weights_only=True)
    learnt = [name for name, value in found["state_dict"].items() if "running" not in name and "num_b" not in name]
    assert learnt
    for name in learnt:
        assert torch.equal(found["state_dict"][name], content["state_dict"][name]), name
    assert found["noise"]["level"] == 0.25
    assert found["epoch"] == content["epoch"] == 0, "its epochs are counted anew"
    assert "start_from" not in (inside / "next" / "config.yaml").read_text()
    # Going on with it needs no other checkpoint any more.
    (inside / "first.ckpt").unlink()
    again = ["--trainer.max_epochs=2", "--start_from=first.ckpt", f"--ckpt_path={last}", *logging_to("next")]
    assert main(["fit", *TINY, *DATA, *again, *still]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--start_from=none.ckpt"], "none.ckpt: there is no such file"),
        (["--start_from=noisy.json"], "noisy.json: is not a checkpoint of a refiner"),
        (["--start_from={checkpoint}", "--model.roi_size=3"], "model.roi_size is 3, but"),
        (["--start_from={checkpoint}", "--data.annotations=other.json"], "blob"),
    ],
)
def test_a_training_does_not_start_from_what_does_not_fit(inside, capsys, words, message):
    content = json.loads((inside / "noisy.json").read_text())
    content["categories"][0]["name"] = "blob"
    (inside / "other.json").write_text(json.dumps(content))
    words = [word.format(checkpoint=checkpoint_in(inside)) for word in words]
    fails(capsys, main(["fit", *TINY, *DATA, *logging_to("next"), *words]), message)
    assert not list(inside.glob("next/checkpoints/*"))


def detector_words(**settings):
    return [
        "--model=DetectTask",
        "--data=DetectDataModule",
        *options("model", {**TINY_DETECTOR, **settings}),
        *QUIET,
        *DATA,
    ]


@pytest.mark.parametrize(("detector", "finest"), [("faster_rcnn", 0), ("retinanet", 1)])
def test_a_detector_begins_with_the_network_and_the_pyramid_of_a_refiner(inside, detector, finest):
    learnt = torch.load(checkpoint_in(inside), weights_only=True)["state_dict"]
    still = {"learning_rate": 0, "optimizer": "adamw", "weight_decay": 0, "freeze_batch_norm": True, "frozen_stages": 2}
    words = detector_words(detector=detector, weights="DEFAULT", **still)
    more = [f"--start_from={checkpoint_in(inside)}", "--trainer.max_steps=1", *logging_to("detector")]
    assert main(["fit", *words, *more]) == 0
    (last,) = (inside / "detector" / "checkpoints").glob("*.ckpt")
    checkpoint = torch.load(last, weights_only=True)
    assert checkpoint["settings"]["weights"] is None
    found = checkpoint["state_dict"]
    same = [name for name in learnt if name.startswith("refiner.backbone.body.")]
    assert same
    for name in same:
        assert torch.equal(found[name.replace("refiner", "detector.backbone", 1)], learnt[name]), name
    block = "backbone.fpn.layer_blocks.{}.0.weight"
    for level in range(finest, 4):
        mine = found["detector.backbone." + block.format(level - finest)]
        assert torch.equal(mine, learnt["refiner." + block.format(level)])
    # Going on with it needs the refiner no more.
    checkpoint_in(inside).unlink()
    more = ["--trainer.max_steps=2", "--start_from=gone.ckpt", f"--ckpt_path={last}", *logging_to("again")]
    assert main(["fit", *words, *more]) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backbone": "resnet10"}, "model.backbone is resnet10, but the refiner of {} was trained with resnet18"),
        (
            {"fpn_channels": 64},
            "model.fpn_channels is 64, but the refiner of {} was trained with 32: give the detector",
        ),
        (
            {"image_mean": [0.5, 0.5, 0.5]},
            "model.image_mean is [0.5, 0.5, 0.5], but the refiner of {} was trained with",
        ),
    ],
)
def test_a_detector_does_not_begin_with_a_refiner_of_another_kind(inside, capsys, settings, message):
    first = checkpoint_in(inside)
    code = main(
        ["fit", *detector_words(**settings), f"--start_from={first}", "--trainer.max_steps=1", *logging_to("x")]
    )
    fails(capsys, code, message.format(first))
    assert not (inside / "x").exists()


def test_a_refiner_whose_weights_are_not_those_of_its_settings_begins_no_detector(inside, capsys):
    content = torch.load(checkpoint_in(inside), weights_only=True)
    del content["state_dict"]["refiner.backbone.body.conv1.weight"]
    torch.save(content, inside / "other.ckpt")
    code = main(["fit", *detector_words(), "--start_from=other.ckpt", "--trainer.max_steps=1", *logging_to("x")])
    fails(capsys, code, "other.ckpt: is not a checkpoint of a detector (its backbone does not fit its settings)")
