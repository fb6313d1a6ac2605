"""Every configuration that comes with the package."""

import csv
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch
import yaml
from torchvision.models import mobilenet_v2

from ssd_det.main import COMMANDS, main
from ssd_det.shipped import configs_folder, shipped_configs
from ssd_det.tasks.base import Task
from tests.command import fails
from tests.conftest import TINY_DATA
from tests.limits import files_of_at_most
from tests.words import QUIET

CONFIGS = shipped_configs()
CONTENTS = {path: yaml.safe_load(path.read_text()) for path in CONFIGS}
CHAINS = [path for path, content in CONTENTS.items() if "refine" in content]
PAPER = [path for path in CHAINS if path.parent.name == "paper"]
REFINERS, DETECTORS, JOINTS = (
    [path for path, content in CONTENTS.items() if content.get("model", {}).get("class_path", "").endswith(task)]
    for task in ("RefineTask", "DetectTask", "JointTask")
)
SINGLE = [*REFINERS, *DETECTORS, *JOINTS]
ADDED = [path for path in CONFIGS if path.stem == "stop_early"]  # on top of another
SMALL_DATA = [f"--data.{name}={value}" for name, value in TINY_DATA.items()]
SMALL_DETECTOR = ["--model.shortest_side=64", "--model.longest_side=96", "--data.num_workers=0"]


def name_of(path):
    return path.stem


def test_there_are_the_configurations_that_the_readme_names():
    names = {path.name for path in CONFIGS}
    assert names == {*(path.name for path in [*CHAINS, *SINGLE, *ADDED])}
    assert names >= {
        "refine.yaml",
        "refine_small.yaml",
        "refine_robust.yaml",
        "detect.yaml",
        "pipeline.yaml",
        "demo.yaml",
    }
    assert names >= {"joint.yaml", "joint_small.yaml", "bccd.yaml", "voc_animals.yaml"}


@pytest.mark.parametrize("path", SINGLE, ids=name_of)
def test_every_configuration_takes_a_step(path, demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = [f"--data.annotations={demo / 'noisy.json'}", f"--data.image_root={demo / 'images'}"]
    small = SMALL_DETECTOR if path in DETECTORS else SMALL_DATA
    words = ["fit", f"--config={path}", *data, *small, "--model.weights=null", *QUIET]
    steps = []
    monkeypatch.setattr(Task, "on_train_batch_end", lambda *_: steps.append(1))
    assert main([*words, "--trainer.fast_dev_run=true"]) == 0
    assert steps == [1]


def test_a_training_ends_when_images_kept_aside_are_found_no_better(demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (added,) = ADDED
    robust = added.with_name("refine_robust.yaml")
    data = [f"--data.annotations={demo / 'noisy.json'}", f"--data.image_root={demo / 'images'}", *SMALL_DATA]
    torch.save(mobilenet_v2(weights=None).state_dict(), "weights.pth")
    still = ["--model.weights=weights.pth", "--model.learning_rate=0", "--trainer.callbacks.init_args.patience=1"]
    words = [f"--config={robust}", f"--config={added}", *data, *still, "--trainer.default_root_dir=run", *QUIET]
    assert main(["fit", *words]) == 0
    last, best = (
        torch.load(f"run/checkpoints/{name}.ckpt", weights_only=True, map_location="cpu") for name in ("last", "best")
    )
    assert last["epoch"] == 1, "patience"
    with Path("run/metrics.csv").open(newline="") as file:
        losses = [float(row["validation_spsd"]) for row in csv.DictReader(file) if row["validation_spsd"]]
    assert losses == pytest.approx([losses[0]] * 2, rel=1e-5), "averaging equal weights may round"
    assert best["epoch"] == losses.index(min(losses))
    assert "EMAWeightAveraging" in last["callbacks"], "the callbacks of the first file stay"


@pytest.mark.parametrize("path", SINGLE, ids=name_of)
def test_every_configuration_logs_to_its_folder_and_to_wandb_offline(path):
    loggers = CONTENTS[path]["trainer"]["logger"]
    assert [logger["class_path"].rpartition(".")[2] for logger in loggers] == ["CSVLogger", "WandbLogger"]
    assert loggers[1]["init_args"]["offline"] is True
    assert CONTENTS[path]["trainer"]["default_root_dir"].startswith("runs/")


@pytest.mark.parametrize("path", [*REFINERS, *JOINTS], ids=name_of)
def test_a_configuration_serves_refining_as_well(path, capsys):
    words = ["refine-annotations", f"--config={path}", "--checkpoint=a", "--output=b", "--print_config"]
    with pytest.raises(SystemExit) as end:
        main([*words, "--data.annotations=c", "--data.image_root=d"])
    assert end.value.code == 0
    assert yaml.safe_load(capsys.readouterr().out)["checkpoint"] == "a"


@pytest.mark.parametrize("command", ["test", "predict"])
@pytest.mark.parametrize("path", [*DETECTORS, *JOINTS], ids=name_of)
def test_a_configuration_serves_testing_as_well(path, command, capsys):
    words = ["--data.test_annotations=a", "--trainer.callbacks.init_args.per_class=true", "--print_config"]
    with pytest.raises(SystemExit) as end:
        main([command, f"--config={path}", *words])
    assert end.value.code == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["data"]["init_args"]["test_annotations"] == "a"
    assert printed["trainer"]["callbacks"][-1]["init_args"]["per_class"] is True


# The chains of the paper differ in single numbers; tests/test_paper_configs.py takes steps with each of them.
@pytest.mark.usefixtures("shared_starter")
@pytest.mark.parametrize("path", [path for path in CHAINS if path not in PAPER or path.stem == "voc07_40"], ids=name_of)
def test_every_chain_is_understood_down_to_its_stages(path, demo, tmp_path, monkeypatch, capsys):
    """The whole configuration of both stages is worked out and accepted before the first of them runs."""
    stages = []
    monkeypatch.setattr("ssd_det.pipeline.stage.Stage.advance", lambda self, *_: stages.append(self))
    monkeypatch.setattr("ssd_det.pipeline.processes.Processes.run", lambda *_: 0)
    data = [f"--annotations={demo / 'noisy.json'}", f"--test_annotations={demo / 'test.json'}"]
    words = ["pipeline", f"--config={path}", *data, f"--image_root={demo / 'images'}", f"--output={tmp_path / 'run'}"]
    assert main([*words, "--baselines", "--detect.model.learning_rate=0.5"]) == 0
    assert len(stages) == (10 if path in PAPER else 9)
    refiner = next(stage for stage in stages if stage.folder.name in ("refiner", "joint"))
    detector = next(stage for stage in stages if stage.folder.name == "detector")
    assert detector.settings["model"]["init_args"]["learning_rate"] == 0.5
    refiner, detector = (stage.settings["model"]["init_args"] for stage in (refiner, detector))
    assert refiner["backbone"] == detector["backbone"]
    assert refiner["image_mean"] == detector["image_mean"]


def test_configurations_can_be_written_out(tmp_path, capsys):
    assert main(["configs", f"--output={tmp_path / 'new'}"]) == 0
    for path in CONFIGS:
        assert (tmp_path / "new" / path.relative_to(configs_folder())).read_text() == path.read_text()
    assert main(["configs", f"--output={tmp_path / 'new'}"]) == 2
    assert "exists already" in capsys.readouterr().err


def test_the_list_of_commands_says_what_the_commands_say_of_themselves():
    for name, (text, module) in COMMANDS.items():
        if module != "cli":
            function = getattr(import_module(f"ssd_det.{module}"), name.replace("-", "_"))
            assert function.__doc__.splitlines()[0] == text


def test_the_pipeline_itself_the_doctor_and_noise_import_no_torch():
    modules = "ssd_det.pipeline.pipeline, ssd_det.doctor.check, ssd_det.commands.corrupting"
    code = f"import sys, ssd_det.main, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_configurations_that_cannot_all_be_written_leave_nothing(tmp_path, capsys):
    with files_of_at_most(3000):
        fails(capsys, main(["configs", f"--output={tmp_path / 'deep' / 'new'}"]), "cannot be written (File too large")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "paper").write_text("a file where a folder is needed")
    fails(capsys, main(["configs", f"--output={tmp_path}"]), "paper: cannot be made")
    assert [path.name for path in tmp_path.iterdir()] == ["paper"]
