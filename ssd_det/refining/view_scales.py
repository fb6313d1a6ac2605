"""Which scales images may be refined at as well."""

from collections.abc import Sequence

from ssd_det.errors import InputError

SMALLEST_SCALE, LARGEST_SCALE = 0.25, 4.0  # beyond them there is nothing to be seen, or no memory for it


def check_scales(scales: Sequence[float]) -> None:
    """Make sure of the factors by which images are scaled.

    Raises:
        InputError: if one is out of range.
    """
    if not all(SMALLEST_SCALE <= scale <= LARGEST_SCALE for scale in scales):
        raise InputError(
            f"average_over_scales is {list(scales)}: give numbers from {SMALLEST_SCALE} to {LARGEST_SCALE}."
        )
