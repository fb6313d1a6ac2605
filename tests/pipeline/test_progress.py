"""What is said of how far a run has come."""

import pytest

from ssd_det.annotations.output import write_json
from ssd_det.pipeline.progress import progress
from ssd_det.pipeline.stage import Stage
from ssd_det.runs.layout import STAGE_RECORD
from ssd_det.runs.records import StageRecord


@pytest.fixture
def stages(tmp_path):
    """A refiner, and two detectors that are trained and tested."""
    plan = [
        ("fit", "RefineTask"),
        ("refine-annotations", "RefineTask"),
        *[("fit", "DetectTask"), ("test", "DetectTask")] * 2,
    ]
    return [
        Stage(f"{number}", tmp_path / f"{number}", [[command]], [], [], {"model": {"class_path": task}})
        for number, (command, task) in enumerate(plan)
    ]


def end(stage, seconds, finished=True):
    stage.folder.mkdir(exist_ok=True)
    record = StageRecord(stage.title, stage.commands, stage.settings, {}, seconds, None, finished)
    write_json(stage.folder / STAGE_RECORD, record.to_json())


def test_what_nothing_is_known_of_is_not_said(stages):
    assert progress(stages, []) == ""
    end(stages[0], 600.0, finished=False)
    assert progress(stages, []) == ""
    end(stages[0], 600.0)
    assert progress(stages, stages[:1]) == "About 10 minutes so far."


def test_stages_of_the_same_kind_take_as_long(stages):
    for stage, seconds in zip(stages[:4], (600.0, 120.0, 300.0, 60.0), strict=True):
        end(stage, seconds)
    assert progress(stages, stages[:4]) == "About 18 minutes so far, about 6 minutes left."
    end(stages[4], 420.0)
    assert progress(stages, stages[:5]) == "About 25 minutes so far, about 60 seconds left."


def test_a_run_that_is_done_again_takes_as_long_as_before(stages):
    for stage in stages:
        end(stage, 100.0)
    assert progress(stages, []) == "About 10 minutes left."


def test_stages_side_by_side_take_less_time(stages):
    for stage, seconds in zip(stages[:4], (600.0, 120.0, 300.0, 60.0), strict=True):
        end(stage, seconds)
    end(stages[4], 420.0)
    ended = [stages[0], *stages[3:5]]
    assert progress(stages, ended, side_by_side=2) == "About 9 minutes so far, about 4 minutes left."
