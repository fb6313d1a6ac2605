"""Annotation formats: COCO json, YOLO folders and Pascal VOC folders, read, written back in place, and converted."""
