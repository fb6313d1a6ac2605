import pytest

from ssd_det.errors import InputError
from ssd_det.models.refiner_losses import LossWeights
from ssd_det.tasks.detect import DetectTask
from ssd_det.tasks.joint import DetectionWeights, JointTask
from ssd_det.tasks.refine import RefineTask
from ssd_det.tasks.setting_ranges import check_finite, check_range

NAN, INFINITY = float("nan"), float("inf")


def test_numbers_from_the_least_up_are_taken():
    check_range(1, {"a": 1, "b": 2.5}, "a", "b")


@pytest.mark.parametrize("value", [0, 0.9, NAN])
def test_what_is_not_from_the_least_up_is_named(value):
    with pytest.raises(InputError, match=rf"model\.b is {value}: give a number from 1 up"):
        check_range(1, {"a": 1, "b": value}, "a", "b")


def test_of_a_group_of_settings_the_one_that_is_too_small_is_named():
    check_range(0, {"a": {"b": 0.0, "c": 1.0}}, "a")
    with pytest.raises(InputError, match=r"model\.a\.c is -0\.5: give a number from 0 up"):
        check_range(0, {"a": {"b": 0.0, "c": -0.5}}, "a")


@pytest.mark.parametrize(
    ("task", "settings", "name"),
    [
        (RefineTask, {"loss_weights": LossWeights(spsd=-1.0)}, "loss_weights.spsd"),
        (JointTask, {"loss_weights": LossWeights(sisd=-1.0)}, "loss_weights.sisd"),
        (JointTask, {"detection_weights": DetectionWeights(loss_box_reg=-1.0)}, "detection_weights.loss_box_reg"),
    ],
)
def test_no_loss_is_maximised(task, settings, name):
    with pytest.raises(InputError, match=rf"model\.{name} is -1\.0: give a number from 0 up"):
        task(**settings)


def test_what_is_finite_or_no_number_is_taken():
    check_finite({"a": 1, "b": [2.5, -3], "c": {"d": 1e300}, "e": None, "f": "nan", "g": True, "h": 10**400})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"a": 1.0, "b": -INFINITY}, r"model\.b is -inf: give finite numbers"),
        ({"b": (1.0, NAN)}, r"model\.b is \[1\.0, nan\]: give finite numbers"),
        ({"b": {"c": 1.0, "d": INFINITY}}, r"model\.b\.d is inf: give finite numbers"),
    ],
)
def test_what_is_not_finite_is_named(settings, message):
    with pytest.raises(InputError, match=message):
        check_finite(settings)


@pytest.mark.parametrize("value", [NAN, INFINITY])
@pytest.mark.parametrize("name", ["learning_rate", "momentum", "weight_decay", "regression_beta"])
def test_a_refiner_takes_no_number_that_is_not_finite(name, value):
    with pytest.raises(InputError, match=rf"model\.{name} is {value}"):
        RefineTask(**{name: value})


@pytest.mark.parametrize("value", [NAN, INFINITY])
@pytest.mark.parametrize("name", ["ratios", "offsets", "image_mean", "image_std"])
def test_a_refiner_takes_no_list_with_a_number_that_is_not_finite(name, value):
    with pytest.raises(InputError, match=rf"model\.{name} is \[0\.5, {value}, 1\.0\]"):
        RefineTask(**{name: [0.5, value, 1.0]})


@pytest.mark.parametrize(
    ("task", "settings", "name"),
    [
        (RefineTask, {"loss_weights": LossWeights(spsd=NAN)}, "loss_weights.spsd"),
        (JointTask, {"loss_weights": LossWeights(sisd=INFINITY)}, "loss_weights.sisd"),
        (JointTask, {"detection_weights": DetectionWeights(loss_box_reg=NAN)}, "detection_weights.loss_box_reg"),
        (JointTask, {"anchor_sizes": [8, 16, 32, 64, NAN]}, "anchor_sizes"),
        (DetectTask, {"anchor_sizes": [8, 16, 32, 64, INFINITY]}, "anchor_sizes"),
        (DetectTask, {"learning_rate": INFINITY}, "learning_rate"),
    ],
)
def test_no_weight_and_no_anchor_of_any_task_is_other_than_finite(task, settings, name):
    with pytest.raises(InputError, match=rf"model\.{name} is .*: give finite numbers"):
        task(**settings)
