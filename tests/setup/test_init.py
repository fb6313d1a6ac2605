"""``ssd-det init`` from the data to a yaml that runs."""

import contextlib
import io
import shlex
import shutil
from functools import partial

import pytest
import yaml

from ssd_det.main import main
from ssd_det.setup import init as command
from ssd_det.setup.messages import duration
from ssd_det.setup.timing import Cost, measure
from ssd_det.shipped import configs_folder


@pytest.fixture(scope="module")
def data(demo, tmp_path_factory):
    """A folder with the demo's files to work in."""
    folder = tmp_path_factory.mktemp("init")
    shutil.copytree(demo, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture
def here(data, tmp_path, monkeypatch):
    monkeypatch.chdir(data)
    return tmp_path


WORDS = ["init", "--annotations=noisy.json", "--image_root=images"]


def costs(*found):
    """Stands in for measuring, and notes what was to be measured."""
    calls = iter(found)
    return lambda *_: next(calls)


def in_process(words):
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        code = main(words)
    return code, said.getvalue()


def answer_in_process(_, questions):
    answers = {}
    for name, words in questions.items():
        with contextlib.redirect_stdout(io.StringIO()) as printed, pytest.raises(SystemExit):
            main(words)
        answers[name] = printed.getvalue()
    return answers


def test_the_yaml_trains_refiner_and_detector(make_coco, make_image, tmp_path, monkeypatch, capsys):
    names = [make_image(f"images/{number}.png").name for number in range(4)]
    images = [{"id": key, "file_name": name, "width": 40, "height": 30} for key, name in enumerate(names)]
    boxes = [{"id": key, "image_id": key, "category_id": 3, "bbox": [4, 5, 10, 12]} for key in range(4)]
    path = make_coco(images=images, annotations=boxes)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "measure", partial(measure, run=in_process))
    assert main(["init", f"--annotations={path.name}", "--image_root=images", "--output=mine"]) == 0
    said = capsys.readouterr().out
    for part in ("4, 4 with objects", "estimated while the refiner trains", "seconds a step", "peak memory", "GiB"):
        assert part in said
    assert "Training will take about" in said
    assert "ssd-det split-annotations noisy.json --output mine/split" in said


def test_the_printed_command_runs_the_chain(here, monkeypatch, capsys):
    assert main([*WORDS, f"--output={here / 'mine'}", "--test_annotations=test.json", "--skip_timing"]) == 0
    said = capsys.readouterr().out
    assert "Training will take" not in said
    assert "split-annotations" not in said
    printed = shlex.split(said.partition("Next:")[2])
    assert printed[:2] == ["ssd-det", "pipeline"]
    stages = []
    monkeypatch.setattr("ssd_det.pipeline.stage.Stage.advance", lambda self, *_: stages.append(self))
    monkeypatch.setattr("ssd_det.pipeline.processes.Processes.run", lambda *_: 0)
    monkeypatch.setattr("ssd_det.pipeline.processes.Processes.ask", answer_in_process)
    assert main(printed[1:]) == 0
    assert [stage.folder.name for stage in stages] == ["refiner", "true", "refined", "detector", "test"]
    chosen = yaml.safe_load((here / "mine" / "pipeline.yaml").read_text())
    for section, stage in (("refine", stages[0]), ("detect", stages[3])):
        resolved = stage.settings
        for group in ("model", "data"):
            for name, value in chosen[section]["settings"][group]["init_args"].items():
                assert resolved[group]["init_args"][name] == value
        for name, value in chosen[section]["settings"]["trainer"].items():
            assert resolved["trainer"][name] == value


def test_every_setting_has_its_reason_and_the_base_configurations_lie_beside(here):
    path = here / "own.yaml"
    assert main([*WORDS, f"--output={path}", "--skip_timing"]) == 0
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# Chosen by ssd-det init for noisy.json: 6 images, ")
    settings = [line for line in lines if ": " in line and not line.startswith("#") and "seed" not in line]
    assert len(settings) > 25
    assert all(" # " in line for line in settings)
    assert sorted(file.name for file in here.iterdir()) == ["detect.yaml", "own.yaml", "refine_small.yaml"]
    for name in ("detect.yaml", "refine_small.yaml"):
        assert (here / name).read_text() == (configs_folder() / name).read_text()


def test_files_that_are_there_are_kept_unless_overwritten(here, capsys):
    assert main(["configs", f"--output={here}"]) == 0
    assert main([*WORDS, f"--output={here}", "--skip_timing"]) == 2
    assert "pipeline.yaml: exists already" in capsys.readouterr().err
    (here / "pipeline.yaml").unlink()
    assert main([*WORDS, f"--output={here}", "--skip_timing"]) == 0, "untouched base configurations are no obstacle"
    (here / "pipeline.yaml").unlink()
    (here / "detect.yaml").write_text("model: null\n")
    assert main([*WORDS, f"--output={here}", "--skip_timing"]) == 2
    assert "detect.yaml: exists already" in capsys.readouterr().err
    assert not (here / "pipeline.yaml").exists()
    assert main([*WORDS, f"--output={here}", "--skip_timing", "--overwrite"]) == 0
    assert (here / "detect.yaml").read_text() == (configs_folder() / "detect.yaml").read_text()


def test_steps_that_do_not_fit_the_memory_are_halved(here, monkeypatch, capsys):
    fitting = Cost(0.5, 1.0)
    monkeypatch.setattr(command, "measure", costs(None, fitting, Cost(1.0, 1e6), fitting, fitting, fitting))
    assert main([*WORDS, f"--output={here}"]) == 0
    said = capsys.readouterr().out
    assert "They need more memory than there is, and" in said
    assert "They need 1000000.0 GiB, and" in said
    chosen = yaml.safe_load((here / "pipeline.yaml").read_text())
    assert chosen["refine"]["settings"]["data"]["init_args"]["batch_size"] == 1
    assert chosen["detect"]["settings"]["data"]["init_args"]["batch_size"] == 1
    assert "Warning" not in said


def test_where_nothing_can_be_halved_any_more_it_is_said(here, monkeypatch, capsys):
    monkeypatch.setattr(command, "measure", lambda *_: None)
    assert main([*WORDS, f"--output={here}"]) == 0
    said = capsys.readouterr().out
    assert "Warning: a training needs more memory than there is" in said
    assert "Training will take" not in said


def test_what_a_training_says_of_bad_input_is_passed_on(here, data, monkeypatch, capsys):
    answers = {
        (2, "ssd-det: error: images/a.png: does not decode: replace the file.\n"): "images/a.png: does not decode",
        (1, "Traceback\nValueError: what\n"): "refine cannot be trained: ValueError: what",
    }
    for number, (answer, sentence) in enumerate(answers.items()):
        monkeypatch.setattr(command, "measure", partial(measure, run=lambda _, answer=answer: answer))
        assert main([*WORDS, f"--output={here / str(number)}"]) == 2
        assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("answer", [(-9, ""), (137, ""), (1, "torch.OutOfMemoryError: CUDA out of memory. Tried")])
def test_a_training_that_runs_out_of_memory_is_recognised(here, answer):
    assert main([*WORDS, f"--output={here}", "--skip_timing"]) == 0
    assert measure(here / "pipeline.yaml", "detect", [], run=lambda _: answer) is None


def test_names_that_lead_out_need_leave(make_coco, make_image, tmp_path, capsys):
    make_image("secret.png")
    (tmp_path / "images").mkdir()
    path = make_coco(images=[{"id": 1, "file_name": "../secret.png", "width": 40, "height": 30}])
    words = ["init", f"--annotations={path}", f"--image_root={tmp_path / 'images'}", f"--output={tmp_path / 'new'}"]
    assert main([*words, "--skip_timing"]) == 2
    assert "leads out of the image root" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    assert main([*words, "--skip_timing", "--allow_outside"]) == 0
    assert "--output runs/mine --allow_outside" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 seconds"),
        (50, "50 seconds"),
        (100, "2 minutes"),
        (5399, "90 minutes"),
        (9000, "2.5 hours"),
        (86400, "24 hours"),
        (864000, "10 days"),
    ],
)
def test_durations_are_round(seconds, text):
    assert duration(seconds) == f"about {text}"
