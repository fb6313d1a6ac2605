"""The sizes of images, as arrays."""

from collections.abc import Sequence

import numpy as np

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.annotation_columns import ids_of
from ssd_det.annotations.coco import CocoFile
from ssd_det.ops.box_arrays import Floats
from ssd_det.ops.id_rows import rows_of


def image_sizes(coco: CocoFile, annotations: Sequence[Annotation]) -> Floats:
    """(height, width) of the image of each annotation, ``[N, 2]``, in pixels."""
    sizes = np.array([(image.height, image.width) for image in coco.images], dtype=np.float64).reshape(-1, 2)
    image_ids = np.array([image.id for image in coco.images], dtype=np.int64)
    return sizes[rows_of(ids_of(annotations, "image_id"), image_ids)]
