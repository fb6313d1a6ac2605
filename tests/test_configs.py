"""Every configuration that comes with the package."""

import pytest
import yaml

from ssd_det.commands import shipped_configs
from ssd_det.main import main
from ssd_det.tasks.refine import RefineTask
from tests.conftest import TINY_DATA

CONFIGS = shipped_configs()
SMALL_DATA = [f"--data.{name}={value}" for name, value in TINY_DATA.items()]


def test_there_are_the_configurations_that_the_readme_names():
    assert {path.name for path in CONFIGS} >= {"refine.yaml", "refine_small.yaml", "demo.yaml"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_configuration_takes_a_step(path, demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = [f"--data.annotations={demo / 'noisy.json'}", f"--data.image_root={demo / 'images'}", *SMALL_DATA]
    words = ["fit", f"--config={path}", *data, "--model.weights=null", "--trainer.accelerator=cpu"]
    steps = []
    monkeypatch.setattr(RefineTask, "on_train_batch_end", lambda *_: steps.append(1))
    assert main([*words, "--trainer.fast_dev_run=true", "--trainer.enable_progress_bar=false"]) == 0
    assert steps == [1]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_configuration_serves_refining_as_well(path, capsys):
    words = ["refine-annotations", f"--config={path}", "--checkpoint=a", "--output=b", "--print_config"]
    with pytest.raises(SystemExit) as end:
        main([*words, "--data.annotations=c", "--data.image_root=d"])
    assert end.value.code == 0
    assert yaml.safe_load(capsys.readouterr().out)["checkpoint"] == "a"


def test_configurations_can_be_written_out(tmp_path, capsys):
    assert main(["configs", f"--output={tmp_path / 'new'}"]) == 0
    for path in CONFIGS:
        assert (tmp_path / "new" / path.name).read_text() == path.read_text()
    assert main(["configs", f"--output={tmp_path / 'new'}"]) == 2
    assert "exists already" in capsys.readouterr().err
