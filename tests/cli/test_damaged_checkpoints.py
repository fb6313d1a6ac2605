"""Commands that are given checkpoints that are damaged, or words in their place."""

import pytest
import torch

from ssd_det.main import main
from tests.command import fails
from tests.words import DATA, TINY, checkpoint_in

DETECTOR = ["--model=DetectTask", "--data=DetectDataModule"]


@pytest.fixture
def damaged(inside):
    """A checkpoint with 2 kB of zeros inside its weights."""
    path = checkpoint_in(inside)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2048] = bytes(2048)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "words",
    [
        ["fit", *TINY, *DATA, "--trainer.max_epochs=2", "--ckpt_path={}"],
        ["refine-annotations", *TINY, *DATA, "--checkpoint={}", "--output=refined.json"],
        ["test", *DETECTOR, "--data.test_annotations=test.json", "--data.image_root=images", "--ckpt_path={}"],
        ["predict", *DETECTOR, "--data.test_annotations=test.json", "--data.image_root=images", "--ckpt_path={}"],
        ["export-detector", "{}", "--output=detector.ckpt"],
    ],
    ids=lambda words: words[0],
)
def test_damage_inside_the_weights_ends_every_command(damaged, inside, capsys, words):
    before = set(inside.rglob("*"))
    fails(capsys, main([word.replace("{}", str(damaged)) for word in words]), f"{damaged}: is damaged (")
    assert set(inside.rglob("*")) == before


@pytest.mark.parametrize("command", ["fit", "test", "validate", "predict"])
@pytest.mark.parametrize("word", ["last", "best", "hpc"])
def test_words_of_lightning_are_no_paths(inside, capsys, command, word):
    code = main([command, *TINY, *DATA, f"--ckpt_path={word}"])
    fails(capsys, code, f"ckpt_path is {word}, a word of Lightning: give the path of a checkpoint.")


def change(content, part):
    """Give a part of what a training goes on from another type."""
    if part == "loops.fit_loop.epoch_progress.current":
        content["loops"]["fit_loop"]["epoch_progress"]["current"] = {}
    elif part == "loops.fit_loop.epoch_progress.current.completed":
        content["loops"]["fit_loop"]["epoch_progress"]["current"]["completed"] = "1"
    elif part == "what a training goes on from":
        del content["loops"]["fit_loop"]
    elif part == "optimizer_states":
        state = content["optimizer_states"][0]["state"]
        state[0] = {name: value[:1] for name, value in state[0].items()}
    elif part == "lr_schedulers":
        content["lr_schedulers"][0]["last_epoch"] = []
    else:
        content["global_step"] = None


@pytest.mark.parametrize(
    "part",
    [
        "loops.fit_loop.epoch_progress.current",
        "loops.fit_loop.epoch_progress.current.completed",
        "what a training goes on from",
        "optimizer_states",
        "lr_schedulers",
        "epoch or global_step",
    ],
)
def test_a_training_does_not_go_on_from_what_is_of_another_type(inside, capsys, part):
    path = checkpoint_in(inside)
    content = torch.load(path, weights_only=True)
    change(content, part)
    torch.save(content, path)
    code = main(["fit", *TINY, *DATA, "--trainer.max_epochs=2", "--trainer.logger=false", f"--ckpt_path={path}"])
    fails(capsys, code, f"does not hold the state of a training ({part}")
