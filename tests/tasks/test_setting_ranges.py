import pytest

from ssd_det.errors import InputError
from ssd_det.tasks.refine import RefineTask
from ssd_det.tasks.setting_ranges import check_range


def test_numbers_from_the_least_up_are_taken():
    check_range(1, {"a": 1, "b": 2.5}, "a", "b")


@pytest.mark.parametrize("value", [0, 0.9, float("nan")])
def test_what_is_not_from_the_least_up_is_named(value):
    with pytest.raises(InputError, match=rf"model\.b is {value}: give a number from 1 up"):
        check_range(1, {"a": 1, "b": value}, "a", "b")


@pytest.mark.parametrize(
    "settings",
    [
        *({name: float("nan")} for name in ("learning_rate", "momentum", "weight_decay", "regression_beta")),
        {"ratios": [1.0, float("nan")]},
        {"image_std": [1.0, float("nan"), 1.0]},
    ],
)
def test_a_refiner_takes_no_setting_that_is_no_number(settings):
    (name,) = settings
    with pytest.raises(InputError, match=rf"model\.(image_mean and model\.)?{name}"):
        RefineTask(**settings)
