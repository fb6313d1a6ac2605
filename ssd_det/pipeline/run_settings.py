"""What a run works on, how it refines boxes, and how it trains detectors."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ssd_det.errors import InputError
from ssd_det.refining.view_scales import check_scales


@dataclass(frozen=True)
class Inputs:
    """What a run works on.

    Attributes:
        annotations: the file or folder with noisy boxes.
        image_root: the folder of its images.
        test_annotations: the file or folder with true boxes to test on.
        test_image_root: the folder of its images.
        trusted: the file or folder with boxes that a person has checked, if there is one.
        previous_round: the folder of the run that it goes on from, if there is one.
    """

    annotations: str
    image_root: str
    test_annotations: str
    test_image_root: str
    trusted: str | None = None
    previous_round: str | None = None

    @property
    def paths(self) -> dict[str, str]:
        """Those that are given, by name."""
        return {name: path for name, path in asdict(self).items() if path is not None}


@dataclass(frozen=True)
class Refining:
    """How a run refines boxes.

    Attributes:
        average_over_flip: refine mirrored images as well, and average.
        average_over_scales: refine images scaled by these factors as well, and average.
        rounds: how often a refiner is trained, each time on the boxes that the one before wrote.
        folds: how many refiners a round trains, each on the images of all folds but one; boxes are averaged over them,
            and the noise is judged by those that have not seen the image. 1 for one refiner, trained on all images.
    """

    average_over_flip: bool = False
    average_over_scales: Sequence[float] = ()
    rounds: int = 1
    folds: int = 1

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            InputError: if one is out of range.
        """
        for name in ("rounds", "folds"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}: give a number from 1 up.")
        check_scales(self.average_over_scales)


@dataclass(frozen=True)
class Detecting:
    """How a run trains detectors.

    Attributes:
        baselines: on the noisy and, where they are known, on the true boxes as well.
        from_refiner: all begin with the backbone and the pyramid of the refiner, of several with those of the first.
    """

    baselines: bool = False
    from_refiner: bool = False
