"""Reading json files."""

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ssd_det.annotations.json_nesting import deepest_level
from ssd_det.annotations.json_text import loads
from ssd_det.annotations.text_encodings import is_empty, other_encoding, wide_encoding
from ssd_det.console import LARGE, busy
from ssd_det.errors import InputError
from ssd_det.foreign.regular_files import open_regular, read_regular
from ssd_det.memory import collection_paused

JsonObject = dict[str, Any]

MOST_LEVELS = 100  # COCO needs 5, and what tools add to it a few more
BEGINNING = 4096  # bytes
JSON_BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?\s*[\[{]")


def read_json(path: Path, kind: str = "COCO json file", on_demand: Collection[str] = ()) -> Any:
    """Read a json file.

    Args:
        path: of the file.
        kind: what the file should be, for errors.
        on_demand: see :func:`ssd_det.annotations.json_text.loads`.

    Raises:
        InputError: if it is missing, unreadable, not UTF-8 or not json.
    """
    content = b""
    try:
        with collection_paused(), busy(path):
            _check_beginning(path, kind)
            content = read_regular(path, kind)
            if deepest_level(content) > MOST_LEVELS:
                text = f"has values nested more than {MOST_LEVELS} levels deep, which no {kind} needs: take them out"
                raise InputError(f"{path}: {text}.")
            return loads(content, on_demand)
    except (ValueError, RecursionError) as error:
        if is_empty(content):
            raise InputError(f"{path}: is empty: give a {kind}.") from None
        if (encoding := other_encoding(content)) is not None:
            raise InputError(f"{path}: is {encoding}: save it as UTF-8.") from None
        raise InputError(f"{path}: is not json ({error}): give a {kind}.") from None
    except MemoryError:
        raise InputError(f"{path}: does not fit into memory: split it, or use a larger machine.") from None


def _check_beginning(path: Path, kind: str) -> None:
    """Look at the beginning of a large file, which may be anything, such as a video.

    Raises:
        InputError: if it is large and does not begin as json does.
    """
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size < LARGE:
                return
            beginning = file.read(BEGINNING)
    except OSError:
        return  # reading it says what is wrong
    if not JSON_BEGINNING.match(beginning) and wide_encoding(beginning) is None:
        raise InputError(f"{path}: is not json, by its beginning: give a {kind}.")
