"""Annotations that are understood many at a time are those that are understood one by one, and so are their faults."""

import json
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations import annotation_entries, coco
from ssd_det.annotations.entries_on_demand import TextEntries
from ssd_det.annotations.regular_entries import fields_of_regular, refining_values
from ssd_det.annotations.values import MAX_ID
from ssd_det.errors import InputError

PATH = Path("in.json")
ODD = st.sampled_from([None, True, "1", 1.0, 1.5, float("nan"), float("inf"), 10**400, [], {}, [1], -0.0])
IDS = st.integers(0, 9) | st.sampled_from([MAX_ID, -MAX_ID, MAX_ID + 1, -MAX_ID - 1]) | ODD
NUMBERS = st.integers(-9, 9) | st.floats(-9, 9) | st.sampled_from([1e9, -(10**9), 1e9 + 1, 10**9 + 1]) | ODD
BOXES = st.lists(st.floats(0, 9), min_size=4, max_size=4) | st.lists(NUMBERS, min_size=3, max_size=5) | ODD
FLAGS = st.sampled_from([0, 1, "0", "true", "False"]) | ODD
ENTRIES = st.fixed_dictionaries(
    {"id": st.integers(0, 9), "image_id": st.just(1), "category_id": st.just(2), "bbox": st.just([1, 2.5, 3, 4])},
    optional={
        "true_bbox": st.none() | BOXES,
        "original_bbox": st.none() | BOXES,
        "iscrowd": FLAGS,
        "difficult": FLAGS,
        "rotation": NUMBERS | st.just(360),
        "attributes": st.fixed_dictionaries({}, optional={"rotation": NUMBERS}) | ODD,
        "trusted": FLAGS,
        "extra": ODD,
    },
)
DAMAGED = st.tuples(ENTRIES, st.sampled_from(["id", "image_id", "category_id", "bbox", "none"]), IDS | BOXES).map(
    lambda drawn: {**drawn[0], drawn[1]: drawn[2]}
)


def outcome(function, *arguments):
    try:
        return repr(function(*arguments))
    except InputError as error:
        return str(error)


def many(entries):
    annotations, fault = annotation_entries.read_entries(PATH, entries)
    if fault is not None:
        raise fault
    return list(annotations)


@given(st.lists(ENTRIES | DAMAGED, max_size=4))
def test_many_at_a_time_are_understood_as_one_by_one(entries):
    def one_by_one():
        return [annotation_entries._annotation(PATH, index, entry) for index, entry in enumerate(entries)]

    text = TextEntries([msgspec.Raw(json.dumps(entry).encode()) for entry in entries])
    for given_entries in (entries, text):
        assert outcome(many, given_entries) == outcome(one_by_one)


@given(st.lists(ENTRIES.filter(lambda entry: not {"true_bbox", "original_bbox"} & set(entry)), max_size=4))
def test_what_is_as_it_should_be_is_understood_at_once(entries):
    assert fields_of_regular(entries, 0, len(entries)) is not None


IMAGES = st.fixed_dictionaries(
    {
        "id": st.integers(0, 9) | IDS,
        "file_name": st.just("a.jpg") | st.sampled_from(["", "\ud800"]) | ODD,
        "width": st.integers(1, 9) | NUMBERS,
        "height": st.integers(1, 9),
    },
    optional={"extra": ODD},
)


@given(st.lists(IMAGES, max_size=4))
def test_images_are_understood_as_one_by_one(entries):
    def one_by_one():
        return [coco._image(PATH, index, entry) for index, entry in enumerate(entries)]

    assert outcome(coco._images, PATH, entries) == outcome(one_by_one)


def test_positions_go_on_over_pieces(monkeypatch):
    monkeypatch.setattr(annotation_entries, "PIECE", 2)
    entries = [{"id": float(number), "image_id": 1, "category_id": 2, "bbox": [0, 0, 1, 1]} for number in range(5)]
    entries[2]["id"] = entries[3]["id"] = 7
    assert [annotation.position for annotation in many(entries)] == list(range(5))


@given(
    st.lists(
        st.fixed_dictionaries({"id": IDS}, optional={"refine_score": NUMBERS, "refined_from": ODD, "other": ODD}),
        max_size=4,
    )
)
def test_what_refining_wrote_is_what_the_entries_say(entries):
    text = TextEntries([msgspec.Raw(json.dumps(entry).encode()) for entry in entries])
    expected = repr([(entry.get("refine_score"), entry.get("refined_from")) for entry in entries])
    for read in (refining_values(entries), refining_values(text)):
        assert repr([(values.refine_score, values.refined_from) for values in read]) == expected
