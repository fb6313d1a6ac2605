"""A program of two processes: each works on orders of the first by adding its rank, and notes what it got.

Its words are the rank, the folder of the notes and where it fails.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path

from torch import distributed

from ssd_det.distributed import led_by_first
from ssd_det.errors import InputError


def main(rank, folder, failing):
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
    distributed.destroy_process_group()  # else its threads may abort the process as it ends, as Lightning sees to


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
