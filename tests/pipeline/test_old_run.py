"""A run of an earlier build is understood: its stages are finished, and its checkpoints are read."""

import contextlib
import hashlib
import io
import json
import math
import shutil
from pathlib import Path

import pytest
import torch
import yaml

from ssd_det.main import main
from ssd_det.runs.layout import CHECKPOINT

KEPT = Path(__file__).parent / "old_run"
VERSION = "0.1.0"
STAGES = ("fit refiner", "take out the true boxes", "refine annotations", "fit detector", "test detector")
TRAINED = ("refiner", "detector")


def tensor(name, dtype, shape, generator):
    """Values as a network starts with them, by the name of the entry."""
    values = torch.zeros(shape, dtype=getattr(torch, dtype))
    if name.endswith("weight") and len(shape) > 1:
        return values.normal_(0, math.sqrt(2 / math.prod(shape[1:])), generator=generator)
    return values + 1 if name.endswith(("weight", "running_var", "image_std")) else values


def checkpoint_of(layout, generator, name=""):
    """A checkpoint with the entries of a layout, and a tensor wherever this has a dtype and a shape."""
    if isinstance(layout, dict) and layout.keys() == {"dtype", "shape"}:
        return tensor(name, layout["dtype"], layout["shape"], generator)
    if isinstance(layout, dict):
        return {key: checkpoint_of(value, generator, key) for key, value in layout.items()}
    return layout


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """The checkpoint of each training, by the name of its folder."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for name in TRAINED:
        layout = json.loads((KEPT / "checkpoints" / f"{name}.json").read_text())
        torch.save(checkpoint_of(layout, torch.Generator().manual_seed(0)), folder / name)
    return {name: folder / name for name in TRAINED}


@pytest.fixture
def old(checkpoints, demo, tmp_path):
    """A copy of what was kept, in folders ``run``, ``data`` and ``configs``."""
    names = {"<run>": str(tmp_path / "run"), "<data>": str(tmp_path / "data")}
    for name, path in checkpoints.items():
        names[f"<digest of {name}>"] = hashlib.sha256(path.read_bytes()).hexdigest()
    for folder in ("run", "data", "configs"):
        shutil.copytree(KEPT / folder, tmp_path / folder)
    for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
        text = path.read_text()
        for name, value in names.items():
            text = text.replace(name, value)
        path.write_text(text)
    for name, path in checkpoints.items():
        (tmp_path / "run" / name / CHECKPOINT).parent.mkdir()
        shutil.copy(path, tmp_path / "run" / name / CHECKPOINT)
    shutil.copytree(demo / "images", tmp_path / "data" / "images")
    return tmp_path


class Commands:
    """Stands in for the processes: notes what is run, and lets this process work out configurations."""

    def __init__(self, monkeypatch):
        self.ran, self.asked = [], []
        monkeypatch.setattr(
            "ssd_det.pipeline.processes.Processes.run", lambda _, words, __=False: self.ran.append(words) or 0
        )
        monkeypatch.setattr("ssd_det.pipeline.processes.Processes.ask", lambda _, questions: self.answers(questions))

    def answers(self, questions):
        answers = {}
        for name, words in questions.items():
            self.asked.append(name)
            with contextlib.redirect_stdout(io.StringIO()) as printed, pytest.raises(SystemExit):
                main(words)
            answers[name] = printed.getvalue()
        return answers


@pytest.fixture
def commands(monkeypatch):
    return Commands(monkeypatch)


def run_pipeline(old, *more):
    words = [f"--{section}.config={old / 'configs' / section}.yaml" for section in ("refine", "detect")]
    words += [f"--annotations={old / 'data' / 'noisy.json'}", f"--test_annotations={old / 'data' / 'test.json'}"]
    words += [f"--image_root={old / 'data' / 'images'}", f"--output={old / 'run'}", "--average_over_flip"]
    return main(["pipeline", *words, *more])


@pytest.mark.parametrize("version", [VERSION, "0.1.1"], ids=["recorded settings", "settings worked out anew"])
def test_every_stage_is_seen_as_finished(old, commands, monkeypatch, capsys, version):
    monkeypatch.setattr("ssd_det.pipeline.run_folder.__version__", version)
    before = {path: path.read_bytes() for path in (old / "run").glob("*/*.json")}
    assert run_pipeline(old) == 0
    finished = "finished before, and nothing it depends on has changed."
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]
    assert lines == [f"[{number}/5] {title}: {finished}" for number, title in enumerate(STAGES, start=1)]
    assert commands.asked == ([] if version == VERSION else ["refine", "detect"])
    assert [words[0] for words in commands.ran] == ["report"]
    assert {path: path.read_bytes() for path in before} == before


def test_stages_side_by_side_are_seen_as_finished_as_well(old, commands, monkeypatch, capsys):
    monkeypatch.setattr("ssd_det.pipeline.run_folder.__version__", VERSION)
    assert run_pipeline(old, "--side_by_side=2") == 0
    assert len(finished_lines(capsys)) == 5
    assert [words[0] for words in commands.ran] == ["report"]
    record = json.loads((old / "run" / "run.json").read_text())
    assert record["current"] == ["refiner", "true", "refined", "detector", "test"]


def test_of_stages_side_by_side_one_that_fails_is_named_and_what_it_leads_to_is_not_begun(
    old, commands, monkeypatch, capsys
):
    monkeypatch.setattr("ssd_det.pipeline.run_folder.__version__", VERSION)
    (old / "run" / "refined" / "refined.json").unlink()
    assert run_pipeline(old, "--side_by_side=2") == 2, "nothing writes refined.json"
    printed = capsys.readouterr()
    assert "refined: the stage did not write refined.json" in printed.err
    assert "fit detector" not in printed.out


def test_its_record_has_short_names_from_now_on(old, commands, monkeypatch):
    monkeypatch.setattr("ssd_det.pipeline.run_folder.__version__", VERSION)
    assert run_pipeline(old) == 0
    record = json.loads((old / "run" / "run.json").read_text())
    assert record["current"] == ["refiner", "true", "refined", "detector", "test"]
    refine, detect = (record["resolved"][name]["settings"] for name in ("refine", "detect"))
    assert (refine["model"]["class_path"], refine["data"]["class_path"]) == ("RefineTask", "RefineDataModule")
    assert (detect["model"]["class_path"], detect["data"]["class_path"]) == ("DetectTask", "DetectDataModule")
    assert refine["trainer"]["callbacks"][0]["class_path"] == "BoxQuality"
    assert detect["trainer"]["callbacks"][0]["class_path"] == "DetectionMetrics"
    assert "ssd_det." not in json.dumps(record)


def test_a_training_that_was_stopped_goes_on(old, commands, monkeypatch, capsys):
    monkeypatch.setattr("ssd_det.pipeline.run_folder.__version__", VERSION)
    path = old / "run" / "detector" / "stage.json"
    record = json.loads(path.read_text())
    del record["finished"]
    path.write_text(json.dumps({**record, "seconds": 0.0, "started": 1.0}))
    assert run_pipeline(old) == 0
    assert "[4/5] fit detector: goes on\n" in capsys.readouterr().out
    checkpoint = old / "run" / "detector" / CHECKPOINT
    assert commands.ran[0] == [
        "fit",
        f"--config={old / 'run' / 'detector' / 'config.yaml'}",
        "--ckpt_path",
        str(checkpoint),
    ]
    assert [words[0] for words in commands.ran[1:]] == ["report"]
    assert json.loads(path.read_text())["finished"] is True
    assert yaml.safe_load((old / "run" / "detector" / "config.yaml").read_text())["model"]["class_path"] == "DetectTask"


def test_another_class_is_still_another_setting(old, commands, monkeypatch, capsys):
    monkeypatch.setattr("ssd_det.pipeline.run_folder.__version__", VERSION)
    path = old / "run" / "test" / "stage.json"
    path.write_text(path.read_text().replace("ssd_det.tasks.detect.DetectTask", "ssd_det.tasks.joint.JointTask"))
    assert run_pipeline(old) == 2, "nothing writes metrics.json"
    reason = "because model.class_path was JointTask and is DetectTask."
    assert f"[5/5] test detector: done again, {reason}" in capsys.readouterr().out


def test_its_refiner_refines(old):
    run = old / "run"
    words = [f"--config={run / 'refined' / 'config.yaml'}", f"--checkpoint={run / 'refiner' / CHECKPOINT}"]
    assert main(["refine-annotations", *words, f"--output={old / 'refined.json'}", "--min_score=0"]) == 0
    entries = json.loads((old / "refined.json").read_text())["annotations"]
    assert len(entries) == 21
    assert all(0 <= entry["refine_score"] <= 1 for entry in entries)
    assert any(entry["bbox"] != entry["original_bbox"] for entry in entries)


def test_its_detector_is_tested(old):
    run = old / "run"
    words = [f"--config={run / 'test' / 'config.yaml'}", f"--ckpt_path={run / 'detector' / CHECKPOINT}"]
    (run / "test" / "metrics.json").unlink()
    assert main(["test", *words]) == 0
    assert json.loads((run / "test" / "metrics.json").read_text())["images"] == 4


def finished_lines(capsys):
    return [line for line in capsys.readouterr().out.splitlines() if "finished before" in line]


def test_it_may_have_been_moved_alone_or_with_its_data(old, commands, monkeypatch, capsys):
    monkeypatch.setattr("ssd_det.pipeline.run_folder.__version__", VERSION)
    for place in ("there", "elsewhere"):
        (old / place).mkdir()
        (old / "run").rename(old / place / "run")
        if place == "elsewhere":
            for name in ("data", "configs"):
                (old / name).rename(old / place / name)
            old = old / place
        else:
            (old / "run").symlink_to(old / "there" / "run")
        assert run_pipeline(old) == 0
        assert len(finished_lines(capsys)) == 5
        if place == "there":
            (old / "run").unlink()
            (old / "there" / "run").rename(old / "run")
    assert [words[0] for words in commands.ran] == ["report", "report"]
    texts = [path.read_text() for path in (old / "run").rglob("*") if path.suffix in (".json", ".yaml")]
    assert not any(f"{old.parent}/{name}/" in text for text in texts for name in ("run", "there", "data"))


def test_a_moved_training_goes_on(old, commands, monkeypatch, capsys):
    monkeypatch.setattr("ssd_det.pipeline.run_folder.__version__", VERSION)
    path = old / "run" / "detector" / "stage.json"
    record = json.loads(path.read_text())
    del record["finished"]
    path.write_text(json.dumps({**record, "started": 1.0}))
    (old / "moved").mkdir()
    for name in ("run", "data", "configs"):
        (old / name).rename(old / "moved" / name)
    assert run_pipeline(old / "moved") == 0
    assert "[4/5] fit detector: goes on\n" in capsys.readouterr().out
    folder = old / "moved" / "run" / "detector"
    assert commands.ran[0] == ["fit", f"--config={folder / 'config.yaml'}", "--ckpt_path", str(folder / CHECKPOINT)]


def without(path, *names):
    """Take a setting out of a record."""
    record = json.loads(path.read_text())
    part = record["settings"]
    for name in names[:-1]:
        part = part[name]
    del part[names[-1]]
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    "names",
    [
        ("model", "init_args", "merging"),
        ("model", "init_args", "roi_size"),  # is 2, which is not its default
        ("trainer", "callbacks", 1, "init_args", "save_top_k"),
        ("trainer", "use_distributed_sampler"),
    ],
)
def test_a_setting_that_it_does_not_know_had_its_default(old, commands, monkeypatch, capsys, names):
    monkeypatch.setattr("ssd_det.pipeline.run_folder.__version__", VERSION)
    without(old / "run" / "refiner" / "stage.json", *names)
    code = run_pipeline(old)
    printed = capsys.readouterr().out
    assert commands.asked == ["fit refiner"]
    if "roi_size" in names:
        assert "[1/5] fit refiner: done again, because model.init_args.roi_size was 7 and is 2." in printed
        assert (old / "run" / "refiner.set_aside_1" / CHECKPOINT).is_file()
    else:
        assert code == 0
        assert printed.count("finished before") == 5


def test_a_training_that_it_calls_finished_too_early_goes_on(old, commands, monkeypatch, capsys):
    """A SIGTERM counted as success."""
    monkeypatch.setattr("ssd_det.pipeline.run_folder.__version__", VERSION)
    for path in (old / "run" / "refiner" / "stage.json", old / "run" / "run.json"):
        path.write_text(path.read_text().replace('"max_epochs": 1', '"max_epochs": 12'))
    assert run_pipeline(old) == 2
    printed = capsys.readouterr()
    assert "[1/5] fit refiner: goes on, as its checkpoint has 1 of 12 epochs" in printed.out
    assert "refiner: its checkpoint has 1 of 12 epochs: the same command goes on from there." in printed.err
    assert commands.ran[0][-2:] == ["--ckpt_path", str(old / "run" / "refiner" / CHECKPOINT)]
    assert "finished" not in json.loads((old / "run" / "refiner" / "stage.json").read_text())
