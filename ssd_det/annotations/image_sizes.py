"""The sizes of images, as arrays."""

from collections.abc import Sequence

import numpy as np

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.annotation_columns import AnnotationColumns
from ssd_det.annotations.coco import CocoFile
from ssd_det.ops.box_arrays import Floats


def image_sizes(coco: CocoFile, annotations: Sequence[Annotation]) -> Floats:
    """(height, width) of the image of each annotation, ``[N, 2]``, in pixels."""
    size_of = {image.id: (image.height, image.width) for image in coco.images}
    if isinstance(annotations, AnnotationColumns):
        image_ids = annotations.image_id.tolist()
    else:
        image_ids = [annotation.image_id for annotation in annotations]
    return np.array([size_of[image_id] for image_id in image_ids], dtype=np.float64).reshape(-1, 2)
