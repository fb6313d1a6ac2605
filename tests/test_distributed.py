"""Two processes of one machine that talk through gloo, and one that talks to nobody."""

import json

import pytest

from ssd_det.distributed import led_by_first
from ssd_det.errors import InputError
from tests.command import Running


def run(folder, failing=""):
    processes = [Running(rank, folder, failing, package="tests.led_process") for rank in range(2)]
    for process in processes:
        assert process.wait() == 0, process.printed()
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def test_one_process_leads_itself():
    assert led_by_first(lambda on_all: [on_all(1), on_all(2)], lambda order: order * 10) == [[10], [20]]


def test_what_all_have_found_goes_to_the_first_and_its_result_to_all(tmp_path):
    assert run(tmp_path) == [[[10, 11], [20, 21]]] * 2


@pytest.mark.parametrize(
    ("failing", "sentence"),
    [
        ("work 0", "a.png: does not decode."),
        ("work 1", "a.png: does not decode."),
        ("lead", "b.json: cannot be written."),
    ],
)
def test_bad_input_of_one_ends_all(tmp_path, failing, sentence):
    assert run(tmp_path, failing) == [sentence] * 2


def test_bad_input_of_one_process_is_raised():
    def fail(order):
        raise InputError("a.png: does not decode.")

    with pytest.raises(InputError, match=r"a\.png"):
        led_by_first(lambda on_all: on_all(1), fail)
