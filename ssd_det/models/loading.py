"""Reading files of weights that people name."""

from pathlib import Path
from typing import Any

import torch

from ssd_det.errors import InputError
from ssd_det.torch_archive import damaged_part


def load_tensors(path: str | Path, kind: str, advice: str) -> dict[str, Any]:
    """Read a dictionary that ``torch.save`` wrote, executing no code from it.

    Args:
        path: the file.
        kind: what it is meant to be, for the error.
        advice: what to give instead, for the error.

    Raises:
        InputError: if it is missing, damaged or something else.
    """
    if Path(path).exists() and not Path(path).is_file():
        raise InputError(f"{path}: is not a regular file: {advice}.")
    try:
        part = damaged_part(Path(path))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file: {advice}.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): give a file that you may read.") from None
    if part is not None:
        raise InputError(f"{path}: is damaged ({part} is not as it was written): give a whole copy of it.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the unpickler trips over in a file that is no checkpoint
        raise InputError(f"{path}: is not {kind} ({type(error).__name__}): {advice}.") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: is not {kind} (it holds a {type(content).__name__}): {advice}.")
    return content
