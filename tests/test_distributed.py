"""Two processes of one machine that talk through gloo, and one that talks to nobody."""

import json
import subprocess
import sys

import pytest

from ssd_det.distributed import led_by_first
from ssd_det.errors import InputError

# Each process works on an order by adding its rank, and notes what it got.
SCRIPT = """
import json, sys
from datetime import timedelta
from pathlib import Path
from torch import distributed
from ssd_det.distributed import led_by_first
from ssd_det.errors import InputError

rank, folder, failing = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
store = distributed.FileStore(str(folder / "store"), 2)
distributed.init_process_group("gloo", store=store, rank=rank, world_size=2, timeout=timedelta(hours=1))

def work(order):
    if failing == f"work {rank}":
        raise InputError("a.png: does not decode.")
    return order + rank

def lead(on_all):
    assert rank == 0
    found = [on_all(10), on_all(20)]
    if failing == "lead":
        raise InputError("b.json: cannot be written.")
    return found

try:
    noted = led_by_first(lead, work)
except InputError as error:
    noted = error.sentence
(folder / f"{rank}.json").write_text(json.dumps(noted))
distributed.destroy_process_group()  # else its threads may abort the process as it ends, as Lightning sees to as well
"""


def run(folder, failing=""):
    processes = [
        subprocess.Popen([sys.executable, "-c", SCRIPT, str(rank), str(folder), failing], stderr=subprocess.PIPE)
        for rank in range(2)
    ]
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
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
