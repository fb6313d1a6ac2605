"""Short names of our classes in configurations and records."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.class_names import SHORT_NAMES, with_short_names

FORMER_PATHS = [
    "ssd_det.tasks.refine.RefineTask",
    "ssd_det.tasks.joint.JointTask",
    "ssd_det.tasks.detect.DetectTask",
    "ssd_det.data.datamodule.RefineDataModule",
    "ssd_det.data.joint_datamodule.JointDataModule",
    "ssd_det.data.detect_datamodule.DetectDataModule",
    "ssd_det.callbacks.box_quality.BoxQuality",
    "ssd_det.callbacks.box_panels.BoxPanels",
    "ssd_det.callbacks.detections.DetectionMetrics",
]


@pytest.mark.parametrize("path", FORMER_PATHS)
def test_a_dotted_path_of_an_earlier_layout_becomes_the_short_name(path):
    name = path.rpartition(".")[2]
    assert name in SHORT_NAMES
    assert with_short_names(path) == name


def test_every_short_name_had_a_dotted_path():
    assert {path.rpartition(".")[2] for path in FORMER_PATHS} == SHORT_NAMES


def test_names_are_found_at_any_depth_and_the_input_stays():
    settings = {
        "model": {"class_path": "ssd_det.tasks.refine.RefineTask", "init_args": {"ratios": [1.0], "weights": None}},
        "trainer": {"callbacks": [{"class_path": "ssd_det.callbacks.box_quality.BoxQuality"}], "max_epochs": 1},
    }
    before = copy.deepcopy(settings)
    assert with_short_names(settings) == {
        "model": {"class_path": "RefineTask", "init_args": {"ratios": [1.0], "weights": None}},
        "trainer": {"callbacks": [{"class_path": "BoxQuality"}], "max_epochs": 1},
    }
    assert settings == before


@pytest.mark.parametrize(
    "text",
    [
        "RefineTask",
        "mine.RefineTask",
        "my_ssd_det.tasks.refine.RefineTask",
        "ssd_det.tasks.refine.RefineTask.NAME",
        "ssd_det.tasks.refine.MyRefineTask",
        "ssd_det.callbacks.step_timer.StepTimer",
        "ssd_det.runs/mine.RefineTask",
        "ssd_det..RefineTask",
        "lightning.pytorch.callbacks.ModelCheckpoint",
    ],
)
def test_other_strings_stay(text):
    assert with_short_names([text, {text: text}]) == [text, {text: text}]


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(values)
def test_other_values_come_back_equal(value):
    assert with_short_names(value) == value


@given(values, st.sampled_from(FORMER_PATHS))
def test_shortening_twice_changes_nothing_more(value, path):
    once = with_short_names({"class_path": path, "init_args": value})
    assert with_short_names(once) == once
