"""What a command line or a configuration has that no parser takes, named in one sentence."""

import pytest

from ssd_det.flags import source_of
from ssd_det.main import main
from tests.words import DATA

CONTENT = "trainer:\n  max_epochs: lots\nmodel:\n  init_args:\n    ratios: [1.0]\n"


@pytest.fixture
def configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(CONTENT)
    (tmp_path / "other.yaml").write_text("trainer: {max_steps: 1, callbacks: [{init_args: {name: a}}]}\n")


@pytest.mark.usefixtures("configuration")
@pytest.mark.parametrize(
    ("key", "words", "source"),
    [
        ("trainer.max_epochs", ["--config=mine.yaml"], "mine.yaml: "),
        ("trainer.max_epochs", ["--config", "mine.yaml", "-c", "other.yaml"], "mine.yaml: "),
        ("model.ratios", ["--config=mine.yaml"], "mine.yaml: "),
        ("trainer.callbacks.name", ["--config=other.yaml"], "other.yaml: "),
        ("model.ratios", ["--config=mine.yaml", "--model.ratios=x"], ""),
        ("model.ratios", ["--config=mine.yaml", "--model.init_args={}"], ""),
        ("trainer.max_epochs", ["--config=other.yaml"], ""),
        ("trainer.max_steps.days", ["--config=other.yaml"], ""),
        ("", ["--config=mine.yaml"], ""),
    ],
)
def test_the_configuration_that_a_setting_is_from_is_found(key, words, source):
    assert source_of(key, words) == source


def ends_in(capsys, words, sentence):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert capsys.readouterr().err == f"ssd-det: error: {sentence}\n"


@pytest.mark.usefixtures("configuration")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["fit", "--config=mine.yaml"], "mine.yaml: trainer.max_epochs is lots: give an integer or null."),
        (
            ["fit", "--config=more.json", *DATA],
            "more.json: images is no setting of ssd-det fit: correct its name, or remove it.",
        ),
        (["fit"], "data.annotations and data.image_root are not given: give them (see ssd-det fit --help)."),
        (["fit", "--model.foo=1"], "model.foo is no setting of RefineTask: correct its name, or remove it."),
        (
            ["pipeline", "--config=mine.yaml"],
            "mine.yaml: model.ratios is no setting of ssd-det pipeline: correct its name, or remove it.",
        ),
        (
            ["corrupt-annotations", "a.json", "--output=b.json", "--noise_level=high"],
            "noise_level is high: give a number or null.",
        ),
        (
            ["corrupt-annotations", "a.json"],
            "output is not given: give it (see ssd-det corrupt-annotations --help).",
        ),
    ],
)
def test_what_no_parser_takes_ends_in_one_sentence(tmp_path, capsys, words, sentence):
    (tmp_path / "more.json").write_text('{"trainer": {}, "images": []}')
    ends_in(capsys, words, sentence)


@pytest.mark.usefixtures("configuration")
def test_the_configuration_of_another_task_is_named(tmp_path, capsys):
    tasks = "model: {class_path: DetectTask, init_args: {weights: null}}\ndata: {class_path: DetectDataModule}\n"
    (tmp_path / "detect.yaml").write_text(tasks)
    words = ["refine-annotations", "--config=detect.yaml", "--checkpoint=a", "--output=b", "--trainer.accelerator=cpu"]
    assert main(words) == 2
    assert "ssd-det: error: detect.yaml: A detector cannot run refine-annotations" in capsys.readouterr().err
