"""A run that goes on from another: what it takes over, and what it refuses."""

import json

import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.errors import InputError
from ssd_det.pipeline.plan import plan
from ssd_det.pipeline.previous_round import read_previous_round, shortened
from ssd_det.pipeline.run_folder import open_run
from ssd_det.pipeline.run_settings import Detecting, Inputs, Refining
from ssd_det.runs.records import ResolvedSection, RunRecord
from tests.pipeline.test_plan import KilledError, Player, settings
from tests.pipeline.test_refusals import refused

FOLDERS = ("corrected", "refiner", "refined", "detector", "test")
MINI = {"trainer": {"callbacks": []}, "model": {"class_path": "X", "init_args": {}}}


@pytest.fixture
def inputs(demo):
    return Inputs(*(str(demo / name) for name in ("noisy.json", "images", "test.json", "images", "noisy.json")))


@pytest.fixture
def before(inputs, demo, tmp_path):
    """Make the folder of a finished run, with two boxes that were trusted in it."""

    def make(name="before", finished=FOLDERS, **paths):
        run = tmp_path / name
        for folder in ("refiner", "detector", "fold_0/refiner", "fold_1/refiner"):
            (run / folder / "checkpoints").mkdir(parents=True)
            (run / folder / "checkpoints" / "last.ckpt").write_text(folder)
        content = json.loads((demo / "noisy.json").read_text())
        for entry in content["annotations"][:2]:
            entry["trusted"] = True
        (run / "corrected").mkdir()
        (run / "corrected" / "corrected.json").write_text(json.dumps(content))
        sections = {"refine": settings("refine_small.yaml"), "detect": settings("detect.yaml")}
        resolved = {section: ResolvedSection([], content) for section, content in sections.items()}
        record = RunRecord({**inputs.paths, **paths}, resolved, tuple(finished))
        (run / "run.json").write_text(json.dumps(record.to_json()))
        return run

    return make


@pytest.fixture
def stages(inputs, tmp_path):
    """Plan a round that goes on from another; keyword arguments change settings of the refiner's model."""

    def make(previous, refining=None, run="run", detecting=None, **model):
        read = read_previous_round(previous, tmp_path / run, inputs.paths, [])
        refine, detect = settings("refine_small.yaml"), settings("detect.yaml")
        refine["model"]["init_args"] |= model
        coco = read_coco(inputs.annotations)
        return plan(
            inputs, coco, refine, detect, tmp_path / run, refining or Refining(), detecting or Detecting(), None, read
        )

    return make


def test_every_training_starts_from_its_own_of_the_round_before_for_a_quarter_of_its_epochs(before, stages):
    run = before()
    correct, *others = stages(run)
    assert correct.commands[0][-1] == f"--also_trusted={run / 'corrected' / 'corrected.json'}"
    assert run / "corrected" / "corrected.json" in correct.inputs
    fits = [stage for stage in others if stage.resumable]
    for stage, folder, epochs in zip(fits, ("refiner", "detector"), (2, 3), strict=True):
        checkpoint = run / folder / "checkpoints" / "last.ckpt"
        assert stage.commands[-1][-1] == f"--start_from={checkpoint}"
        assert checkpoint in stage.inputs
        assert stage.settings["trainer"]["max_epochs"] == epochs
    assert fits[0].settings["model"]["init_args"]["milestones"] == [1]
    assert not any("start_from" in str(stage.commands) for stage in others if not stage.resumable)


def test_each_fold_starts_from_its_own(before, stages):
    run = before(finished=["refined", "fold_0/refiner", "fold_1/refiner", "detector"])
    fits = [stage for stage in stages(run, Refining(folds=2)) if stage.title.startswith("fit refiner")]
    assert [stage.commands[-1][-1] for stage in fits] == [
        f"--start_from={run / f'fold_{fold}' / 'refiner' / 'checkpoints' / 'last.ckpt'}" for fold in (0, 1)
    ]


def test_detectors_that_began_with_a_refiner_go_on_from_detectors(before, stages):
    run = before()
    (fit,) = [s for s in stages(run, detecting=Detecting(from_refiner=True)) if s.title == "fit detector"]
    assert [word for word in fit.commands[-1] if "start_from" in word] == [
        f"--start_from={run / 'detector' / 'checkpoints' / 'last.ckpt'}"
    ]


def test_a_round_without_trusted_boxes_has_none_to_take_over(before, stages):
    finished = [folder for folder in FOLDERS if folder != "corrected"]  # left from an earlier call
    assert "also_trusted" not in str(stages(before(finished=finished))[0].commands)


def test_boxes_that_were_corrected_alone_are_not_trusted(before, stages):
    run = before()
    path = run / "corrected" / "corrected.json"
    path.write_text(path.read_text().replace('"trusted": true', '"trusted": false'))
    assert "also_trusted" not in str(stages(run)[0].commands)


@pytest.mark.parametrize("dies_at", [0, 1, 3])
def test_a_round_goes_on_after_a_kill(before, stages, dies_at):
    run = before()
    first, second, third = Player(dies_at), Player(), Player()
    with pytest.raises(KilledError):
        first.advance(stages(run))
    second.advance(stages(run))
    names = [words[0] for words in first.ran + second.ran]
    chain = ["correct-annotations", "fit", "refine-annotations", "compare-annotations", "fit", "test"]
    assert [name for name in names if name != "true-annotations"][-len(chain) + dies_at :] == chain[dies_at:]
    third.advance(stages(run))
    assert third.ran == []


@pytest.mark.parametrize(
    ("epochs", "every", "expected"), [(8, 1, 2), (12, None, 3), (3, 1, 1), (1, 1, 1), (8, 3, 3), (-1, 1, -1)]
)
def test_the_shorter_training_leaves_a_checkpoint_at_its_end(epochs, every, expected):
    last = {"class_path": "ModelCheckpoint", "init_args": {"filename": "last", "every_n_epochs": every}}
    asked = {**MINI, "trainer": {"callbacks": [last], "max_epochs": epochs, "max_steps": -1}}
    assert shortened(asked)["trainer"] == {"callbacks": [last], "max_epochs": expected, "max_steps": -1}
    assert asked["trainer"]["max_epochs"] == epochs


def test_steps_and_the_schedule_of_the_rate_are_shortened_with_it():
    model = {"class_path": "X", "init_args": {"milestones": [1, 8, 11], "warmup_steps": 50}}
    short = shortened({"trainer": {"callbacks": [], "max_epochs": None, "max_steps": 90}, "model": model})
    assert short["trainer"] == {"callbacks": [], "max_epochs": None, "max_steps": 23}
    assert short["model"]["init_args"] == {"milestones": [1, 2], "warmup_steps": 13}


def test_other_models_and_trainings_that_are_not_there_are_refused(before, stages):
    run = before(finished=["corrected", "refiner", "refined"])
    with pytest.raises(InputError, match=f"{run}: has no finished detector: run the pipeline there to its end first"):
        stages(run)
    with pytest.raises(InputError, match="has no finished fold_0/refiner"):
        stages(run, Refining(folds=2))
    with pytest.raises(InputError, match=f"{run}: was made with refine.model.roi_size 5, not 7"):
        stages(run, roi_size=7)


def test_what_cannot_be_the_round_before_is_refused_before_anything_is_written(words, demo, before, tmp_path, capsys):
    asked = [*words, f"--output={tmp_path / 'run'}"]
    trusted = f"--trusted={demo / 'train.json'}"
    refused(capsys, [*asked, trusted, f"--previous_round={demo}"], f"{demo}: holds no run of the pipeline")
    unfinished = before("unfinished", finished=["refiner"])
    refused(capsys, [*asked, trusted, f"--previous_round={unfinished}"], "has no refined boxes yet")
    other = before("other", annotations=str(demo / "train.json"))
    refused(capsys, [*asked, trusted, f"--previous_round={other}"], "is a run on other data: its annotations is")
    run = before()
    given = [trusted, f"--previous_round={run}"]
    refused(capsys, [*asked, given[1]], "nothing was checked since: give --trusted")
    refused(capsys, [*asked, *given, "--baselines", "--rounds=2"], "baselines and rounds: a round that goes on from")
    refused(capsys, [*words, *given, f"--output={run}"], f"{run}: is the round before, or one before that")
    third = before("third", previous_round=str(run))
    refused(capsys, [*words, trusted, f"--previous_round={third}", f"--output={run}"], "or one before that")
    assert not (tmp_path / "run").exists()


def test_a_run_keeps_the_round_that_it_goes_on_from(inputs, before, tmp_path):
    run, first, second = tmp_path / "run", before("first"), before("second")
    (run / "corrected").mkdir(parents=True)
    (run / "corrected" / "stage.json").write_text("{}")

    def opened(begun_with, called_with):
        paths = {**inputs.paths, **({"previous_round": str(begun_with)} if begun_with else {})}
        (run / "run.json").write_text(json.dumps(RunRecord(paths, {}).to_json()))
        called = Inputs(**{**inputs.paths, **({"previous_round": str(called_with)} if called_with else {})})
        return open_run(run, called).inputs.get("previous_round")

    assert opened(first, first) == str(first)
    assert opened(tmp_path / "moved", first) == str(first)
    for begun_with, called_with, named in ((first, second, first), (first, None, first), (None, first, "nothing")):
        with pytest.raises(InputError, match=str(named)):
            opened(begun_with, called_with)
