"""The sizes of images, as arrays."""

from collections.abc import Sequence

import numpy as np

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.annotation_columns import ids_of
from ssd_det.annotations.coco import CocoFile
from ssd_det.ops.box_arrays import Floats


def image_sizes(coco: CocoFile, annotations: Sequence[Annotation]) -> Floats:
    """(height, width) of the image of each annotation, ``[N, 2]``, in pixels."""
    size_of = {image.id: (image.height, image.width) for image in coco.images}
    sizes = [size_of[image_id] for image_id in ids_of(annotations, "image_id")]
    return np.array(sizes, dtype=np.float64).reshape(-1, 2)
