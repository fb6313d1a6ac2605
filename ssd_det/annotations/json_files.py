"""Reading json files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ssd_det.annotations.text_encodings import other_encoding
from ssd_det.console import busy
from ssd_det.errors import InputError
from ssd_det.memory import collection_paused

JsonObject = dict[str, Any]


def read_json(path: Path, leave_out: Sequence[str] = (), kind: str = "COCO json file") -> Any:
    """Read a json file.

    Args:
        path: of the file.
        leave_out: keys that are left out of all its objects.
        kind: what the file should be, for errors.

    Raises:
        InputError: if it is missing, unreadable, not UTF-8 or not json.
    """

    def reduced(entry: JsonObject) -> JsonObject:
        for key in leave_out:
            entry.pop(key, None)
        return entry

    content = b""
    try:
        with collection_paused(), busy(path):
            content = path.read_bytes()
            return json.loads(content.decode("utf-8-sig"), object_hook=reduced if leave_out else None)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file: give the path of a {kind}.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): give a file that you may read.") from None
    except (ValueError, RecursionError) as error:
        if (encoding := other_encoding(content)) is not None:
            raise InputError(f"{path}: is {encoding}: save it as UTF-8.") from None
        raise InputError(f"{path}: is not json ({error}): give a {kind}.") from None
