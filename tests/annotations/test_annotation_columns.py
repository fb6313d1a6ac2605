"""Columns of annotations hold the same as the annotations themselves."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.annotation_columns import AnnotationColumns, ColumnsInPieces
from ssd_det.annotations.values import LEAST_SIDE, MAX_ID

IDS = st.integers(-MAX_ID, MAX_ID)
NUMBERS = st.floats(-1e9, 1e9) | st.sampled_from([LEAST_SIDE, math.nextafter(LEAST_SIDE, 0), -0.0])
BOXES = st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
FLAGS = st.booleans()
ANNOTATIONS = st.builds(
    Annotation, IDS, IDS, IDS, BOXES, FLAGS, FLAGS, st.none() | BOXES, st.none() | BOXES, FLAGS, FLAGS, IDS
)
LISTS = st.lists(ANNOTATIONS, max_size=5)


@given(LISTS)
def test_columns_hold_what_annotations_hold(annotations):
    columns = AnnotationColumns.of(annotations)
    assert repr(list(columns)) == repr(annotations)  # to the sign of a zero
    assert len(columns) == len(annotations)
    assert AnnotationColumns.of(columns) is columns
    assert columns.measurable.tolist() == [annotation.measurable for annotation in annotations]
    assert list(map(tuple, columns.unrefined.tolist())) == [annotation.unrefined for annotation in annotations]


@given(LISTS, st.data())
def test_rows_are_those_asked_for(annotations, data):
    columns = AnnotationColumns.of(annotations)
    indices = data.draw(st.lists(st.integers(0, max(len(annotations) - 1, 0)), max_size=5 if annotations else 0))
    assert list(columns.rows(indices)) == [annotations[index] for index in indices]
    assert list(columns.rows(columns.crowd)) == [annotation for annotation in annotations if annotation.crowd]
    assert columns.rows(np.ones(len(annotations), dtype=bool)) is columns
    assert columns[1:4] == annotations[1:4]
    assert [columns[index] for index in indices] == [annotations[index] for index in indices]


@given(LISTS, LISTS)
def test_pieces_become_columns(first, second):
    columns = ColumnsInPieces(len(first) + len(second) + 1)  # some may be refused
    for piece in filter(None, (first, second)):
        columns.add(list(zip(*piece, strict=True)))
    assert list(columns.whole()) == first + second


def test_some_of_the_boxes_may_be_missing():
    plain = Annotation(1, 1, 1, (0.0, 0.0, 1.0, 1.0), False, False, None, None, False, False, 0)
    columns = AnnotationColumns.of([plain, plain._replace(id=2, original_bbox=(1.0, 2.0, 3.0, 4.0))])
    assert np.isnan(columns.original_bbox).all(axis=1).tolist() == [True, False]
    assert [annotation.original_bbox for annotation in columns] == [None, (1.0, 2.0, 3.0, 4.0)]
    assert [annotation.true_bbox for annotation in columns] == [None, None]
