"""Reading json files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ssd_det.console import busy
from ssd_det.errors import InputError
from ssd_det.memory import collection_paused

JsonObject = dict[str, Any]


def read_json(path: Path, leave_out: Sequence[str] = (), kind: str = "COCO json file") -> Any:
    """What a json file holds.

    Args:
        path: of the file.
        leave_out: keys that are left out of all its objects.
        kind: what it is to be, for errors.

    Raises:
        InputError: if it is missing, unreadable or no json.
    """

    def reduced(entry: dict[str, Any]) -> dict[str, Any]:
        for key in leave_out:
            entry.pop(key, None)
        return entry

    try:
        with collection_paused(), busy(path):
            return json.loads(path.read_bytes().decode("utf-8-sig"), object_hook=reduced if leave_out else None)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file: give the path of a {kind}.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): give a file that you may read.") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not json ({error}): give a {kind}.") from None
