"""The stages of a run in rounds and folds; the commands are played by a function."""

import pytest
import yaml

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.errors import InputError
from ssd_det.main import main
from ssd_det.pipeline.plan import plan
from ssd_det.pipeline.run_settings import Detecting, Inputs, Refining
from ssd_det.shipped import configs_folder


def settings(name):
    content = yaml.safe_load((configs_folder() / name).read_text())
    content["model"]["init_args"]["weights"] = None
    return content


@pytest.fixture
def stages(demo, tmp_path):
    def make(config="refine_small.yaml", trusted=None, detecting=None, **refining):
        noisy = demo / "noisy.json"
        inputs = Inputs(str(noisy), str(demo / "images"), str(demo / "test.json"), str(demo / "images"), trusted)
        refine, detect = settings(config), settings("detect.yaml")
        return plan(
            inputs, read_coco(noisy), refine, detect, tmp_path / "run", Refining(**refining), detecting or Detecting()
        )

    return make


def test_rounds_learn_from_the_boxes_of_the_round_before(stages, demo, tmp_path):
    run = tmp_path / "run"
    fits = [stage for stage in stages(rounds=2) if stage.title.startswith("fit refiner")]
    assert [stage.title for stage in fits] == ["fit refiner, round 1", "fit refiner, round 2"]
    learnt = [stage.settings["data"]["init_args"]["annotations"] for stage in fits]
    assert learnt == [str(demo / "noisy.json"), str(run / "round_1" / "refined" / "refined.json")]
    assert [stage.folder for stage in fits] == [run / "round_1" / "refiner", run / "refiner"]


def test_boxes_are_averaged_over_the_views_that_are_asked_for(stages):
    views = {"average_over_flip": True, "average_over_scales": (0.8, 1.25)}
    for asked, words in ((views, ["--average_over_flip", "--average_over_scales=[0.8, 1.25]"]), ({}, [])):
        (refine,) = [stage for stage in stages(**asked) if stage.title == "refine annotations"]
        assert [word for word in refine.commands[0] if word.startswith("--average")] == words
    with pytest.raises(InputError, match=r"average_over_scales is \[0.8, 9\]: give numbers from 0.25 to 4.0"):
        stages(average_over_scales=(0.8, 9))


def test_folds_learn_from_noisy_boxes_and_refine_them_together(stages, demo, tmp_path):
    run = tmp_path / "run"
    made = stages(folds=2)
    fits = [stage for stage in made if stage.title.startswith("fit refiner")]
    (refine,) = [stage for stage in made if stage.title.startswith("refine annotations")]
    for fold, stage in enumerate(fits):
        data = stage.settings["data"]["init_args"]
        assert (data["annotations"], data["fold"], data["folds"]) == (str(demo / "noisy.json"), fold, 2)
    data = refine.settings["data"]["init_args"]
    assert (data["annotations"], data["folds"]) == (str(demo / "noisy.json"), 1)
    first, second = (run / f"fold_{fold}" / "refiner" / "checkpoints" / "last.ckpt" for fold in (0, 1))
    assert f"--checkpoint={first}" in refine.commands[0]
    assert f"--other_checkpoints+={second}" in refine.commands[0]
    assert {first, second} < set(refine.inputs)
    assert refine.folder == run / "refined"
    assert "quality.json" in refine.products


class KilledError(Exception):
    """What ends a run before its last command."""


class Player:
    """Leaves the products of the stage that it is in, and dies at a given command."""

    def __init__(self, dies_at=None):
        self.dies_at, self.ran = dies_at, []

    def run(self, words, on_all_cores=False):
        if len(self.ran) == self.dies_at:
            raise KilledError
        self.ran.append(words)
        for path in self.products:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(" ".join(words))
        return 0

    def advance(self, stages):
        for stage in stages:
            self.products = [stage.folder / name for name in stage.products]
            stage.advance(self, "")


@pytest.mark.parametrize("dies_at", [1, 3, 5, 7])
def test_a_run_in_rounds_and_folds_goes_on_after_a_kill(stages, dies_at):
    unbroken = Player()
    unbroken.advance(stages(rounds=2, folds=2))
    for stage in stages(rounds=2, folds=2):
        for name in stage.products:
            (stage.folder / name).unlink()
        (stage.folder / "stage.json").unlink()
    first, second = Player(dies_at), Player()
    with pytest.raises(KilledError):
        first.advance(stages(rounds=2, folds=2))
    second.advance(stages(rounds=2, folds=2))
    names = [words[0] for words in first.ran + second.ran]
    assert len([name for name in names if name == "fit"]) == 5
    assert [words[:2] for words in first.ran[:-1] + second.ran][-3:] == [words[:2] for words in unbroken.ran][-3:]
    third = Player()
    third.advance(stages(rounds=2, folds=2))
    assert third.ran == []


@pytest.fixture
def yolo_stages(demo, tmp_path):
    convert = ["convert-annotations", str(demo / "noisy.json"), "--to=yolo", f"--image_root={demo / 'images'}"]
    assert main([*convert, f"--output={tmp_path / 'yolo'}"]) == 0
    folder, root = tmp_path / "yolo", str(tmp_path / "yolo")

    def make(yolo_rows=None, trusted=None, **refining):
        inputs = Inputs(root, root, root, root, trusted)
        coco = read_annotations(folder, folder)
        refine, detect = settings("refine_small.yaml"), settings("detect.yaml")
        return plan(inputs, coco, refine, detect, tmp_path / "run", Refining(**refining), Detecting(), yolo_rows)

    return make


def test_refined_boxes_of_a_folder_go_into_a_copy_of_it_at_the_end(yolo_stages, tmp_path):
    run = tmp_path / "run"
    refines = [stage for stage in yolo_stages(rounds=2) if stage.title.startswith("refine annotations")]
    assert refines[0].products == ["refined.json"]
    assert refines[1].products == ["refined.json", "labels"]
    words = refines[1].commands[-1]
    assert words[:3] == ["convert-annotations", str(run / "refined" / "refined.json"), f"--like={tmp_path / 'yolo'}"]
    assert refines[1].settings["data"]["init_args"]["annotations"] == str(run / "round_1" / "refined" / "refined.json")
    told = next(stage for stage in yolo_stages("boxes") if stage.title.startswith("refine annotations"))
    assert told.commands[-1] == [*words, "--yolo_rows=boxes"]
    detector = yolo_stages()[-2]
    assert detector.settings["data"]["init_args"]["annotations"] == str(run / "refined" / "refined.json")


def test_a_changed_label_file_is_a_changed_input(yolo_stages, tmp_path, capsys):
    Player().advance(yolo_stages())
    (tmp_path / "yolo" / "notes.md").write_text("not a label")
    again = Player()
    again.advance(yolo_stages())
    assert again.ran == []
    label = tmp_path / "yolo" / "labels" / "0001.txt"
    label.write_bytes(label.read_bytes().replace(b" 0.", b" 00.", 1))
    again.advance(yolo_stages())
    assert [words[0] for words in again.ran][:2] == ["fit", "refine-annotations"]
    assert f"{tmp_path / 'yolo'} has changed" in capsys.readouterr().out


def test_a_joint_model_has_no_rounds_and_no_folds(stages):
    with pytest.raises(InputError, match="trained once and on all images: give no rounds, no folds"):
        stages("joint_small.yaml", rounds=2)


@pytest.mark.parametrize("name", ["rounds", "folds"])
def test_numbers_out_of_range_are_refused(name):
    with pytest.raises(InputError, match=f"{name} is 0: give a number from 1 up"):
        Refining(**{name: 0})


@pytest.mark.parametrize(("folds", "folder"), [(1, "refiner"), (2, "fold_0/refiner")])
def test_all_detectors_begin_with_the_refiner_if_they_are_told_to(stages, tmp_path, folds, folder):
    checkpoint = tmp_path / "run" / folder / "checkpoints" / "last.ckpt"
    detecting = Detecting(baselines=True, from_refiner=True)
    fits = [stage for stage in stages(folds=folds, detecting=detecting) if stage.title.startswith("fit detector")]
    assert [stage.title for stage in fits] == [
        "fit detector",
        "fit detector on noisy boxes",
        "fit detector on clean boxes",
    ]
    assert all(stage.commands[-1][-1] == f"--start_from={checkpoint}" for stage in fits)
    assert all(checkpoint in stage.inputs for stage in fits)
    assert "start_from" not in str(stages(folds=folds, detecting=Detecting(baselines=True)))


def test_a_joint_model_is_not_what_detectors_begin_with(stages):
    with pytest.raises(InputError, match="has a detector of its own: leave detectors_from_refiner out"):
        stages("joint_small.yaml", detecting=Detecting(from_refiner=True))


@pytest.mark.parametrize("config", ["refine_small.yaml", "joint_small.yaml"])
def test_trusted_boxes_correct_what_all_later_stages_learn_from(stages, demo, tmp_path, config):
    run, noisy, trusted = tmp_path / "run", str(demo / "noisy.json"), str(tmp_path / "trusted.json")
    first, *later = stages(config, trusted=trusted, detecting=Detecting(baselines=True))
    corrected = str(run / "corrected" / "corrected.json")
    assert first.commands[0][:3] == ["correct-annotations", noisy, f"--trusted={trusted}"]
    assert (first.folder / first.products[0], [str(path) for path in first.inputs]) == (
        run / "corrected" / "corrected.json",
        [noisy, trusted],
    )
    learnt = {stage.title: stage.settings["data"]["init_args"]["annotations"] for stage in later if stage.resumable}
    refiner = "fit refiner" if config == "refine_small.yaml" else "fit joint model"
    assert learnt[refiner] == corrected
    assert learnt["fit detector on noisy boxes"] == noisy
    (refine,) = [stage for stage in later if stage.title == "refine annotations"]
    assert refine.settings["data"]["init_args"]["annotations"] == corrected
    without = [stage for stage in stages(config, detecting=Detecting(baselines=True)) if "corrected" in str(stage)]
    assert without == []


def test_a_changed_trusted_file_does_again_what_depends_on_it(stages, tmp_path, capsys):
    trusted, more = tmp_path / "trusted.json", tmp_path / "more.json"
    for path in (trusted, more):
        path.write_text("{}")

    def ran(path):
        player = Player()
        player.advance(stages(trusted=path and str(path), detecting=Detecting(baselines=True)))
        return [words[0] for words in player.ran]

    chain = ["correct-annotations", "fit", "refine-annotations", "compare-annotations", "fit", "test"]
    assert [name for name in ran(trusted) if name != "true-annotations"] == chain + ["fit", "test"] * 2
    assert ran(trusted) == []
    trusted.write_text("{ }")
    # Played products have the words of their commands in them: only these tell what they were made from.
    assert ran(trusted)[0] == "correct-annotations"
    assert f"{trusted} has changed" in capsys.readouterr().out
    assert ran(more)[0] == "correct-annotations"
    assert ran(None)[0] == "fit"
    assert ran(None) == []


def test_trusted_boxes_of_a_folder_go_into_a_json_file_and_back_into_a_copy(yolo_stages, tmp_path):
    root = str(tmp_path / "yolo")
    first, *later = yolo_stages("boxes", trusted=root)
    assert first.commands == [
        [
            *("correct-annotations", root, f"--trusted={root}", f"--image_root={root}"),
            *(f"--output={tmp_path / 'run' / 'corrected' / 'corrected.json'}", "--overwrite", "--yolo_rows=boxes"),
        ]
    ]
    (refine,) = [stage for stage in later if stage.title == "refine annotations"]
    assert f"--like={root}" in refine.commands[-1]
