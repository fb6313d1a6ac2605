"""The formats of annotations, each by its name on the command line."""

from typing import Literal

from ssd_det.annotations.formats.annotation_format import AnnotationFormat
from ssd_det.annotations.formats.coco_json import CocoFormat
from ssd_det.annotations.formats.voc import VocFormat
from ssd_det.annotations.formats.yolo import YoloFormat

FormatName = Literal["coco", "yolo", "voc"]

FORMATS: dict[FormatName, AnnotationFormat] = {"coco": CocoFormat(), "yolo": YoloFormat(), "voc": VocFormat()}
