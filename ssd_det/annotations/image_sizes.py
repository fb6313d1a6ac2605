"""The sizes of images, as arrays."""

from collections.abc import Sequence

import numpy as np

from ssd_det.annotations.coco import Annotation, CocoFile
from ssd_det.ops.box_arrays import Floats


def image_sizes(coco: CocoFile, annotations: Sequence[Annotation]) -> Floats:
    """(height, width) of the image of each annotation, ``[N, 2]``, in pixels."""
    images = (coco.image_by_id[annotation.image_id] for annotation in annotations)
    sides = np.fromiter((side for image in images for side in (image.height, image.width)), dtype=np.float64)
    return sides.reshape(-1, 2)
