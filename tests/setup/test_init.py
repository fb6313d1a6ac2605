"""``ssd-det init`` from the data to a yaml that runs."""

import contextlib
import io
import shlex
import shutil

import pytest
import yaml

from ssd_det.main import main
from ssd_det.setup import preparation as command
from ssd_det.setup.timing import Cost, measure
from ssd_det.shipped import configs_folder
from ssd_det.starting.starter import Finished
from tests.annotations.formats.folders import contents, make_yolo
from tests.command import fails


@pytest.fixture(scope="module")
def data(demo, tmp_path_factory):
    """A folder with a copy of the demo's files."""
    folder = tmp_path_factory.mktemp("init")
    shutil.copytree(demo, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture
def here(data, tmp_path, monkeypatch):
    monkeypatch.chdir(data)
    return tmp_path


WORDS = ["init", "--annotations=noisy.json", "--image_root=images"]


def measured(*costs):
    """Stands in for measuring: one cost after the other."""
    remaining = iter(costs)
    return lambda *_: next(remaining)


def in_process(words):
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors):
        code = main(words)
    return Finished(code, errors.getvalue())


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
    monkeypatch.setattr("ssd_det.setup.facts.free_memory", lambda: 8.0)  # beside what else runs on the machine
    monkeypatch.setattr(command, "measure", lambda *given: measure(*given[:3], in_process))
    assert main(["init", f"--annotations={path.name}", "--image_root=images", "--output=mine"]) == 0
    printed = capsys.readouterr().out
    for part in ("4, 4 with objects", "estimated while the refiner trains", "seconds a step", "peak memory", "GiB"):
        assert part in printed
    assert "Training will take about" in printed
    assert "ssd-det split-annotations noisy.json --output mine/split" in printed


def test_the_printed_command_runs_the_pipeline(here, monkeypatch, capsys):
    assert main([*WORDS, f"--output={here / 'mine'}", "--test_annotations=test.json", "--skip_timing"]) == 0
    printed = capsys.readouterr().out
    assert "Training will take" not in printed
    assert "split-annotations" not in printed
    command_line = shlex.split(printed.partition("Next:")[2])
    assert command_line[:2] == ["ssd-det", "pipeline"]
    stages = []
    monkeypatch.setattr("ssd_det.pipeline.stage.Stage.advance", lambda self, *_: stages.append(self))
    monkeypatch.setattr("ssd_det.pipeline.processes.Processes.run", lambda *_: 0)
    monkeypatch.setattr("ssd_det.pipeline.processes.Processes.ask", answer_in_process)
    assert main(command_line[1:]) == 0
    assert [stage.folder.name for stage in stages] == ["refiner", "true", "refined", "detector", "test"]
    chosen = yaml.safe_load((here / "mine" / "pipeline.yaml").read_text())
    for section, stage in (("refine", stages[0]), ("detect", stages[3])):
        resolved = stage.settings
        for group in ("model", "data"):
            for name, value in chosen[section]["settings"][group]["init_args"].items():
                assert resolved[group]["init_args"][name] == value
        for name, value in chosen[section]["settings"]["trainer"].items():
            assert resolved["trainer"][name] == value


def test_every_setting_has_a_reason_and_the_base_configurations_are_written_beside_them(here):
    path = here / "mine.yaml"
    assert main([*WORDS, f"--output={path}", "--skip_timing"]) == 0
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# Chosen by ssd-det init for noisy.json: 6 images, ")
    settings = [line for line in lines if ": " in line and not line.startswith("#") and "seed" not in line]
    assert len(settings) > 25
    assert all(" # " in line for line in settings)
    assert sorted(file.name for file in here.iterdir()) == ["detect.yaml", "mine.yaml", "refine_robust.yaml"]
    for name in ("detect.yaml", "refine_robust.yaml"):
        assert (here / name).read_text() == (configs_folder() / name).read_text()


def test_existing_files_are_kept_unless_overwrite_is_set(here, capsys):
    assert main(["configs", f"--output={here}"]) == 0
    assert main([*WORDS, f"--output={here}", "--skip_timing"]) == 2
    assert "pipeline.yaml: exists already" in capsys.readouterr().err
    (here / "pipeline.yaml").unlink()
    assert main([*WORDS, f"--output={here}", "--skip_timing"]) == 0, "unchanged base configurations may exist"
    (here / "pipeline.yaml").unlink()
    (here / "detect.yaml").write_text("model: null\n")
    assert main([*WORDS, f"--output={here}", "--skip_timing"]) == 2
    assert "detect.yaml: exists already" in capsys.readouterr().err
    assert not (here / "pipeline.yaml").exists()
    assert main([*WORDS, f"--output={here}", "--skip_timing", "--overwrite"]) == 0
    assert (here / "detect.yaml").read_text() == (configs_folder() / "detect.yaml").read_text()


def test_the_data_yaml_of_an_input_is_not_replaced(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(make_yolo(tmp_path / "yolo"))
    before = contents(tmp_path)
    words = ["init", "--annotations=labels", "--image_root=.", "--skip_timing", "--overwrite", "--output=data.yaml"]
    fails(capsys, main(words), "data.yaml: is an input that would be lost")
    assert contents(tmp_path) == before


def test_batches_are_halved_until_steps_fit_the_memory(here, monkeypatch, capsys):
    fitting = Cost(0.5, 1.0)
    monkeypatch.setattr(command, "measure", measured(None, fitting, Cost(1.0, 1e6), fitting, fitting, fitting))
    assert main([*WORDS, f"--output={here}"]) == 0
    printed = capsys.readouterr().out
    assert "They need more memory than there is, and" in printed
    assert "They need 1000000.0 GiB, and" in printed
    chosen = yaml.safe_load((here / "pipeline.yaml").read_text())
    assert chosen["refine"]["settings"]["data"]["init_args"]["batch_size"] == 1
    assert chosen["detect"]["settings"]["data"]["init_args"]["batch_size"] == 1
    assert "Warning" not in printed


def test_a_warning_is_printed_if_nothing_can_be_halved_any_more(here, monkeypatch, capsys):
    monkeypatch.setattr(command, "measure", lambda *_: None)
    assert main([*WORDS, f"--output={here}"]) == 0
    printed = capsys.readouterr().out
    assert "Warning: a training needs more memory than there is" in printed
    assert "Training will take" not in printed


@pytest.mark.parametrize(
    ("finished", "sentence"),
    [
        (
            Finished(2, "ssd-det: error: images/a.png: does not decode: replace the file.\n"),
            "images/a.png: does not decode",
        ),
        (Finished(1, "Traceback\nValueError: what\n"), "refine cannot be trained: ValueError: what"),
    ],
)
def test_the_error_of_a_training_is_passed_on(here, monkeypatch, capsys, finished, sentence):
    monkeypatch.setattr(command, "measure", lambda *given: measure(*given[:3], lambda _: finished))
    assert main([*WORDS, f"--output={here / 'deep' / 'mine'}"]) == 2
    assert sentence in capsys.readouterr().err
    assert list(here.iterdir()) == [], "nothing is left of a setup whose trainings fail"


@pytest.mark.parametrize(
    ("name", "sentence"), [("none.json", "there is no such file"), ("images", "holds no annotations")]
)
def test_test_annotations_are_looked_at_as_init_begins(here, capsys, name, sentence):
    words = [*WORDS, "--skip_timing", f"--output={here / 'mine'}", f"--test_annotations={name}"]
    assert main(words) == 2
    printed = capsys.readouterr()
    assert f"error: {name}: {sentence}" in printed.err
    assert not printed.out
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    "finished",
    [Finished(-9, ""), Finished(137, ""), Finished(1, "torch.OutOfMemoryError: CUDA out of memory. Tried")],
)
def test_a_training_that_runs_out_of_memory_is_recognised(here, finished):
    assert main([*WORDS, f"--output={here}", "--skip_timing"]) == 0
    assert measure(here / "pipeline.yaml", "detect", [], run=lambda _: finished) is None


def test_a_busy_machine_is_told_from_a_slow_model(here, monkeypatch, capsys):
    monkeypatch.setattr(command, "measure", measured(Cost(2.0, 1.0, 1.0), Cost(2.0, 1.0, 2.5)))
    assert main([*WORDS, f"--output={here / 'busy'}"]) == 0
    assert "made the steps that were measured take 2.5 times as long" in " ".join(capsys.readouterr().out.split())
    monkeypatch.setattr(command, "measure", measured(Cost(5.0, 1.0, 1.0), Cost(5.0, 1.0, 1.1)))
    assert main([*WORDS, f"--output={here / 'slow'}"]) == 0
    assert "times as long" not in capsys.readouterr().out


def test_names_that_lead_out_need_permission(make_coco, make_image, tmp_path, capsys):
    make_image("secret.png")
    (tmp_path / "images").mkdir()
    path = make_coco(images=[{"id": 1, "file_name": "../secret.png", "width": 40, "height": 30}])
    words = ["init", f"--annotations={path}", f"--image_root={tmp_path / 'images'}", f"--output={tmp_path / 'new'}"]
    assert main([*words, "--skip_timing"]) == 2
    assert "leads out of the image root" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    assert main([*words, "--skip_timing", "--allow_outside"]) == 0
    assert "--output runs/mine --allow_outside" in capsys.readouterr().out


def test_missing_images_are_left_out_where_that_is_asked_for(data, tmp_path, monkeypatch, capsys):
    shutil.copytree(data, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images" / "0002.png").unlink()
    words = [*WORDS, "--output=mine", "--skip_timing"]
    assert main(words) == 2
    assert "1 of 6 image files are not in images: 0002.png" in capsys.readouterr().err
    assert main([*words, "--skip_missing_images"]) == 0
    printed = capsys.readouterr().out
    assert "1 of 6 image files are not in images and are left out: 0002.png." in printed
    assert "5, 5 with objects" in printed
    assert "--skip_missing_images" in printed.partition("Next:")[2]


def test_trusted_boxes_are_looked_at_and_named_in_the_next_command(here, capsys):
    words = [*WORDS, f"--output={here}", "--skip_timing"]
    assert main([*words, "--trusted=train.json"]) == 0
    printed = capsys.readouterr().out
    assert "trusted boxes say of all others, in units of the box" in printed
    assert "--trusted train.json " in printed
    assert main([*words, "--trusted=test.json", "--overwrite"]) == 2
    assert "has boxes of images that" in capsys.readouterr().err
