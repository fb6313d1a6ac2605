"""Commands with a model under signals, in this process wherever no second process is needed."""

import os
import signal
import time

import pytest
import torch

from ssd_det.main import main
from ssd_det.tasks.detect import DetectTask
from ssd_det.tasks.refine import RefineTask
from ssd_det.tasks.refine_pass import RefinePass
from tests.command import Running
from tests.conftest import TINY_DETECTOR
from tests.words import DATA, QUIET, TINY, checkpoint_in, logging_to, options

LAST = [
    "--trainer.callbacks=ModelCheckpoint",
    "--trainer.callbacks.filename=last",
    "--trainer.callbacks.enable_version_counter=false",
    "--trainer.callbacks+=BoxQuality",
]
FIT = ["fit", *TINY, *DATA, *LAST, "--trainer.max_epochs=2", "--trainer.log_every_n_steps=1", "--data.batch_size=1"]


@pytest.fixture
def signalled(monkeypatch):
    """Send this process a signal in the nth call of a method, as often as it is set."""

    def signal_in(owner, name, call, *numbers):
        method, calls = getattr(owner, name), []

        def signalling(*arguments, **options):
            calls.append(1)
            if len(calls) == call:
                for number in numbers:
                    signal.raise_signal(number)
            return method(*arguments, **options)

        monkeypatch.setattr(owner, name, signalling)

    return signal_in


def checkpoint(folder):
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)


@pytest.fixture(scope="module")
def whole(trained, tmp_path_factory):
    """The checkpoint of a training that was not stopped."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(trained)
        assert main([*FIT, *logging_to(str(folder))]) == 0
    return checkpoint(folder)


@pytest.mark.parametrize(
    ("call", "epochs", "numbers", "workers"),
    [
        (3, 0, [signal.SIGTERM], 0),  # in an epoch
        (6, 1, [signal.SIGHUP], 0),  # in the last step of one
        (8, 1, [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], 1),
    ],
)
def test_a_stopped_training_goes_on_as_if_it_had_not_been(
    whole, inside, capsys, signalled, call, epochs, numbers, workers
):
    words = [*FIT, f"--data.num_workers={workers}", *logging_to("stopped")]
    signalled(RefineTask, "training_step", call, *numbers)
    assert main(words) == 128 + numbers[0]
    error = capsys.readouterr().err
    assert f"after {epochs} of 2 epochs: the same command with --ckpt_path stopped/checkpoints/last.ckpt goes" in error
    assert "Traceback" not in error
    assert checkpoint(inside / "stopped")["global_step"] == call
    assert main([*words, "--ckpt_path=stopped/checkpoints/last.ckpt"]) == 0
    assert "is not resumable" not in capsys.readouterr().err
    state = checkpoint(inside / "stopped")
    assert state["loops"]["fit_loop"]["epoch_progress"] == whole["loops"]["fit_loop"]["epoch_progress"]
    assert state["state_dict"].keys() == whole["state_dict"].keys()
    for name, value in whole["state_dict"].items():
        assert torch.equal(state["state_dict"][name], value), name
    assert {path.name for path in (inside / "stopped" / "checkpoints").iterdir()} == {"last.ckpt"}


def test_steps_over_several_batches_are_not_cut(inside, signalled):
    words = [*FIT, "--trainer.accumulate_grad_batches=4"]
    signalled(RefineTask, "training_step", 2, signal.SIGTERM)
    assert main([*words, *logging_to("stopped")]) == 143
    assert checkpoint(inside / "stopped")["global_step"] == 1


def test_without_checkpoints_none_is_written(inside, capsys, signalled):
    signalled(RefineTask, "training_step", 2, signal.SIGTERM)
    words = ["fit", *TINY, *DATA, "--trainer.enable_checkpointing=false", "--trainer.max_epochs=1"]
    assert main([*words, *logging_to("stopped")]) == 143
    assert "stopped by SIGTERM after 0 of 1 epochs, without a checkpoint." in capsys.readouterr().err
    assert not list((inside / "stopped").rglob("*.ckpt"))


def test_refining_ends_at_once_and_writes_nothing(inside, capsys, signalled):
    signalled(RefinePass, "predict_step", 1, signal.SIGTERM)
    words = ["refine-annotations", *TINY, *DATA, f"--checkpoint={checkpoint_in(inside)}", "--output=refined.json"]
    before = set(inside.iterdir())
    assert main(words) == 143
    assert capsys.readouterr().err.splitlines()[-1] == "ssd-det: stopped by SIGTERM."
    assert set(inside.iterdir()) == before


@pytest.mark.parametrize("command", ["test", "predict"])
def test_a_detector_that_is_stopped_writes_nothing(inside, capsys, signalled, command):
    detector = ["--model=DetectTask", "--data=DetectDataModule", *options("model", TINY_DETECTOR), *QUIET]
    detector += ["--data.num_workers=1", "--data.test_annotations=test.json"]
    assert main(["fit", *detector, *DATA, "--trainer.max_epochs=1", *logging_to("detector")]) == 0
    (last,) = inside.rglob("detector/checkpoints/*.ckpt")
    signalled(DetectTask, "predict_step", 2, signal.SIGHUP)
    words = [command, *detector, *DATA, f"--ckpt_path={last}", "--trainer.default_root_dir=tested"]
    assert main(words) == 129
    assert capsys.readouterr().err.splitlines()[-1] == "ssd-det: stopped by SIGHUP."
    assert not list(inside.rglob("metrics.json"))
    assert not list(inside.rglob("predictions.json"))


@pytest.mark.parametrize("to_group", [False, True])
def test_two_processes_stop_after_the_same_step_whoever_is_asked(inside, to_group):
    words = [*FIT, "--trainer.devices=2", "--data.num_workers=1", "--trainer.max_epochs=500", *logging_to("two")]
    process = Running(*words, "--trainer.logger.flush_logs_every_n_steps=1", cwd=inside)
    log = inside / "two" / "metrics.csv"
    while not (log.is_file() and len(log.read_text().splitlines()) > 1):
        assert process.poll() is None, process.printed()
        time.sleep(0.05)
    os.killpg(process.group, signal.SIGTERM) if to_group else process.send_signal(signal.SIGTERM)
    assert process.wait() == 143, process.printed()
    printed = process.printed()
    assert printed.count("ssd-det: stopped by SIGTERM") == 1
    assert "Traceback" not in printed
    assert checkpoint(inside / "two")["global_step"] > 0
    assert not process.left()  # the other process has ended as well


def test_an_earlier_training_is_kept(inside, capsys):
    words = ["fit", *TINY, *DATA, *LAST, "--trainer.max_epochs=1", *logging_to("run")]
    for _ in range(3):
        assert main(words) == 0
    assert "of an earlier training is kept as" in capsys.readouterr().out
    folder = inside / "run" / "checkpoints"
    assert {path.name for path in folder.iterdir()} == {"last.ckpt", "earlier_1.ckpt", "earlier_2.ckpt"}


def test_a_configuration_names_no_folder_of_its_training(inside, capsys):
    first = ["--trainer.max_epochs=1", "--trainer.callbacks.dirpath=first/here", *logging_to("first")]
    assert main(["fit", *TINY, *DATA, *LAST[:3], *first, "--trainer.default_root_dir=first"]) == 0
    config = inside / "first" / "config.yaml"
    assert "first" not in config.read_text()
    before = {path: path.read_bytes() for path in (inside / "first").rglob("*") if path.is_file()}
    assert main(["fit", f"--config={config}", "--trainer.default_root_dir=second"]) == 0
    assert {path: path.read_bytes() for path in (inside / "first").rglob("*") if path.is_file()} == before
    assert {"config.yaml", "hparams.yaml"} <= {path.name for path in (inside / "second").iterdir()}
    assert (inside / "second" / "checkpoints" / "last.ckpt").is_file()
