"""Json through msgspec against the json module: the same values, texts and errors, whatever is read or written."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ssd_det.annotations.entries_on_demand import TextEntries
from ssd_det.annotations.json_files import read_json
from ssd_det.annotations.json_text import MARK, dumps, loads
from ssd_det.errors import InputError

KEYS = st.sampled_from(["segmentation", "id", "bbox", "ä", 'a"b', ""]) | st.text(max_size=3)
NUMBERS = (
    st.integers()
    | st.integers(2**63 - 2, 2**64 + 2)
    | st.integers(-(2**64), -(2**63) + 2)
    | st.floats()
    | st.floats(-1e-3, 1e-3)
    | st.floats(1e15, 1e17)
    | st.decimals(-700, 700, places=3).map(float)
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
SPELLINGS = st.sampled_from(
    [
        *("-0", "-0.0", "1.0", "1.50", "1E5", "1e+05", "1e400", "-1e400", "1e-400", "01", "1.", ".5", "-", "+1"),
        *("NaN", "Infinity", "-Infinity", "nul", "True", "9" * 30, "1" * 5000, "0." + "3" * 400, "5e-324", "0x1"),
        *('"\\ud800"', '"\\ud83d\\ude00"', '"\\x"', '"\n"', '"\\u0000"', "'a'", '"\x7f"', "\ufeff1", "[1,]"),
        *('{"a":1,"a":2,"b":3}', '{"a":1,}', "{1:2}", "[1 2]", "1 2", "", " 1 \n", "\xa01", '"ä"', '{"\\u0069d": 1}'),
    ]
)


def outcome(function, *arguments):
    """What a function returns, or how it fails, as a text that tells 1, 1.0 and True apart."""
    try:
        return repr(function(*arguments))
    except ValueError as error:
        return f"{type(error).__name__}: {error}"


def loads_of_before(content):
    return json.loads(content.decode("utf-8-sig"))


def loads_on_demand(content):
    """What is read where lists stay text, with all of their entries asked for."""
    value = loads(content, ["annotations"])
    if isinstance(value, dict):
        return {key: list(entry) if isinstance(entry, TextEntries) else entry for key, entry in value.items()}
    return value


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_values_are_read_as_the_json_module_reads_them(value, plain, indent):
    content = json.dumps(value, ensure_ascii=plain, indent=indent).encode("utf-8", "surrogatepass")
    assert outcome(loads, content) == outcome(loads_of_before, content)


AROUND = st.sampled_from(
    [
        *("{}", "[{}]", '{{"a": {}}}', '[0.5, {}, "é"]', '{{"annotations": [{{"x": {}}}]}}', '{{"annotations": {}}}'),
        '{{"annotations": [{}], "annotations": [1]}}',
    ]
)


@given(SPELLINGS, AROUND)
@example("1" * 4300, '{{"annotations": [{}], "annotations": 3}}')
@example("1" * 4301, '{{"annotations": [{}], "annotations": 3}}')
@example('"' + "1" * 4301 + '"', '{{"annotations": [{}]}}')
def test_every_spelling_is_read_as_the_json_module_reads_it(spelling, around):
    content = around.format(spelling).encode()
    assert outcome(loads, content) == outcome(loads_of_before, content)
    assert outcome(loads_on_demand, content) == outcome(loads_of_before, content)


@given(VALUES, st.integers(0, 200), st.binary(max_size=2))
def test_damaged_texts_are_read_or_refused_as_before(value, position, bytes_of_others):
    for content in (json.dumps(value).encode(), json.dumps({"annotations": [value]}).encode()):
        damaged = content[:position] + bytes_of_others + content[position + 1 :]
        assert outcome(loads, damaged) == outcome(loads_of_before, damaged)
        assert outcome(loads_on_demand, damaged) == outcome(loads_of_before, damaged)


@given(st.dictionaries(KEYS | st.just("annotations"), st.lists(VALUES, max_size=4) | VALUES, max_size=3), st.booleans())
def test_lists_that_stay_text_have_the_same_entries(value, plain):
    content = json.dumps(value, ensure_ascii=plain).encode("utf-8", "surrogatepass")
    assert outcome(loads_on_demand, content) == outcome(loads_of_before, content)


@given(VALUES)
def test_a_byte_order_mark_does_not_matter_once(value):
    content = json.dumps(value).encode()
    assert outcome(loads, MARK + content) == outcome(loads, content)
    assert outcome(loads, MARK + MARK + content) == outcome(loads_of_before, MARK + MARK + content)


@given(st.lists(VALUES, max_size=5))
@example([1e16, 1e-5, -0.0001, 0.00001, 10.00001, 123456789012345680.0, float("nan"), None])
@example([{"a": "\x7f"}, "é", "\ud800", "0e", "null", "0.00001", (1, 2), [[], {}], {"b": {}}])
@example([[float("inf")], {"a": None}, 2**64, -(2**63) - 1, {1: 2, None: 3, 2.5: 4}])
def test_values_are_written_as_the_json_module_writes_them(entries):
    assert dumps(entries).decode() == json.dumps(entries)


@given(st.lists(NUMBERS, max_size=20))
def test_numbers_that_are_read_and_written_stay_what_they_were(numbers):
    text = json.dumps(numbers)
    assert dumps(loads(text.encode())).decode() == text


@pytest.mark.parametrize("text", ["{", '{"a": 1e}', '{"a": "\\x"}', "[1,]", "\xa0{}", '{"a": ' + "1" * 5000 + "}"])
def test_the_sentence_is_that_of_the_json_module(tmp_path, text):
    path = tmp_path / "in.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError) as expected:  # noqa: PT011
        json.loads(text)
    with pytest.raises(InputError) as found:
        read_json(path)
    assert str(found.value) == f"{path}: is not json ({expected.value}): give a COCO json file."
