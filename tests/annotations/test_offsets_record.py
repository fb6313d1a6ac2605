import pytest

from ssd_det.annotations.offsets_record import KEY, Measured, OffsetsRecord, offsets_of


def record(**shape):
    return OffsetsRecord(52, {name: Measured(*value) for name, value in shape.items()}, {})


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ({"width": (0.18, 0.03)}, "Your boxes are 18% (± 3%) too wide; 52 trusted boxes."),
        ({"width": (0.02, 0.03), "height": (-0.3, 0.1)}, "Your boxes are 30% (± 10%) too short; 52 trusted boxes."),
        (
            {"height": (0.2, 0.1), "x": (-0.1, 0.02), "y": (0.05, 0.04)},
            "Your boxes are 20% (± 10%) too tall, shifted to the left by 10% (± 2%) of their width, "
            "shifted down by 5% (± 4%) of their height; 52 trusted boxes.",
        ),
        ({"x": (0.02, 0.02)}, "52 trusted boxes show nothing that is wrong with all boxes."),
        ({}, "52 trusted boxes show nothing that is wrong with all boxes."),
    ],
)
def test_it_says_what_is_certain(shape, words):
    assert record(**shape).sentence == words


def test_a_file_keeps_it():
    kept = OffsetsRecord(4, {"width": Measured(0.1, 0.02)}, {"cat": {"left": Measured(-0.1, 0.05)}})
    assert offsets_of({KEY: kept.to_json()}) == kept


@pytest.mark.parametrize(
    "content",
    [
        {},
        {KEY: None},
        {KEY: [1]},
        {KEY: {"trusted": "many", "shape": {}, "sides": {}}},
        {KEY: {"trusted": 1e999, "shape": {}, "sides": {}}},
        {KEY: {"trusted": 3, "shape": {"width": [1, 2, 3]}, "sides": {}}},
        {KEY: {"trusted": 3, "shape": {}, "sides": {"cat": [1]}}},
    ],
)
def test_what_is_something_else_says_nothing(content):
    assert offsets_of(content) is None
