"""Reading files of weights that people name."""

from pathlib import Path
from typing import Any

import torch

from ssd_det.errors import InputError


def load_tensors(path: str | Path, kind: str, advice: str) -> dict[str, Any]:
    """Read a dictionary that ``torch.save`` wrote, executing no code from it.

    Args:
        path: the file.
        kind: what it is meant to be, for the error.
        advice: what to give instead, for the error.

    Raises:
        InputError: if it is missing or something else.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file: {advice}.") from None
    except Exception as error:  # whatever the unpickler trips over in a file that is no checkpoint
        raise InputError(f"{path}: is not {kind} ({type(error).__name__}): {advice}.") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: is not {kind} (it holds a {type(content).__name__}): {advice}.")
    return content
