"""Images of one source, such as the augmented copies of a photograph, by their file names."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from ssd_det.errors import InputError

ROBOFLOW = "roboflow"
ROBOFLOW_NAME = re.compile(r"(.+)\.rf\.[^.]+\.[^.]+")  # Roboflow's copies: photo_jpg.rf.3f2a.jpg


def groups(names: Iterable[str], pattern: str) -> dict[str, str]:
    """What the images of one source have in common, by file name; names that do not fit are alone.

    Args:
        names: of the files.
        pattern: ``roboflow``, or a regular expression: images are of one source if it finds the same in their names, in
            its first group if it has one.

    Raises:
        InputError: if it is no regular expression, or fits no name.
    """
    names = list(names)
    if pattern == ROBOFLOW:
        found = {name: ROBOFLOW_NAME.fullmatch(PurePosixPath(name).name) for name in names}
    else:
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise InputError(f"group is {pattern}: is no regular expression ({error}): correct it.") from None
        found = {name: compiled.search(name) for name in names}
    if not any(found.values()):
        raise InputError(f"group is {pattern}: fits no file name, such as {names[0]}: correct it.")
    return {name: match[1 if match.re.groups else 0] or name for name, match in found.items() if match}


def copies(names: Iterable[str]) -> int:
    """How many images are, by their names, Roboflow's copies of a photograph that has others."""
    found = [match[1] for name in names if (match := ROBOFLOW_NAME.fullmatch(PurePosixPath(name).name))]
    return len(found) - len(set(found))
