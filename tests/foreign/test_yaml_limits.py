"""Yaml that would grow without bound, for data.yaml and for configurations, and yaml as people write it."""

import pytest
import yaml

from ssd_det.errors import InputError
from ssd_det.foreign.yaml_limits import YamlLimitError, check_configuration, check_limits
from ssd_det.main import main
from ssd_det.shipped import configs_folder
from tests.command import fails

BEYOND = {
    "aliases": "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "merges": "a: &a {k: 1}\n"
    + "".join(f"{b}: &{b} {{<<: [{', '.join([f'*{a}'] * 9)}]}}\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "itself": "a: &a [*a]\n",
    "deep": "a: " + "[" * 500 + "]" * 500,
    "indented": "".join(" " * level + "a:\n" for level in range(200)),
    "wide": "names: [" + "1, " * 150_000 + "]",
    "documents": "---\na: 1\n" * 1000,
    "anchors": "".join(f"&a{number} {number}: 1\n" for number in range(20_000)),
    "size": "a: 1\n#" + "x" * 2**21,
}


@pytest.mark.parametrize("name", BEYOND)
def test_a_data_yaml_beyond_the_limits_ends_in_a_sentence(tmp_path, capsys, name):
    (tmp_path / "data.yaml").write_text(BEYOND[name] + "\nnames: [a]\n" * (name == "deep"))
    fails(capsys, main(["check-annotations", str(tmp_path / "data.yaml")]), "data.yaml: has ")


@pytest.mark.parametrize("command", ["fit", "pipeline --annotations=a.json --image_root=. --output=run"])
@pytest.mark.parametrize(
    "content",
    [
        *BEYOND.values(),
        "seed_everything: " + "1:" * 50_000 + "1\n",
        "seed_everything: " + "9" * 5000,
        "- a",
        "a: [",
        b"\xff\xfe\xff",
    ],
    ids=[*BEYOND, "sexagesimal", "digits", "list", "syntax", "binary"],
)
def test_a_configuration_beyond_the_limits_ends_in_a_sentence(tmp_path, capsys, command, content):
    path = tmp_path / "c.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    first, *rest = command.split()
    fails(capsys, main([first, f"--config={path}", *rest]), "c.yaml: ")


def test_a_word_of_the_command_line_has_the_limits_of_a_configuration(capsys):
    with pytest.raises(SystemExit):
        main(["fit", f"--trainer={BEYOND['aliases']}"])
    assert len(capsys.readouterr().err) < 20_000


def test_what_people_write_is_within_the_limits():
    names = "\n".join(f"  {number}: class {number}" for number in range(21_843))
    check_limits(f"train: &t images\nval: *t\nnames:\n{names}\n")
    for path in configs_folder().rglob("*.yaml"):
        check_configuration(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", "has a twice, in lines 1 and 3: "),
        ("model:\n  list:\n  - x: 1\n    deep: 2\n    x: 1\n", "has x twice, in lines 3 and 5: "),
        ("a: &a {k: 1}\nb: [*a, *a]\nc: {k: 1, 'k': 1}\n", "has k twice, in lines 3 and 3: "),
    ],
)
@pytest.mark.parametrize("command", ["fit", "pipeline --annotations=a.json --image_root=. --output=run"])
def test_a_key_that_is_given_twice_is_named(tmp_path, capsys, command, content, sentence):
    path = tmp_path / "c.yaml"
    path.write_text(content)
    first, *rest = command.split()
    fails(capsys, main([first, f"--config={path}", *rest]), f"c.yaml: {sentence}")


@pytest.mark.parametrize("words", [["fit"], ["pipeline", "--annotations=a.json", "--image_root=.", "--output=run"]])
@pytest.mark.parametrize("count", [0, 2_000, 20_000])
@pytest.mark.parametrize("before", ['{"images"', '\ufeff\n{ "info" : {}, "images"'])
def test_a_file_of_annotations_is_named_as_no_configuration(tmp_path, capsys, words, count, before):
    path = tmp_path / "boxes.json"
    path.write_text(before + ": [" + ", ".join(['{"id": 1, "width": 40}'] * count) + "]}")
    fails(capsys, main([words[0], f"--config={path}", *words[1:]]), "boxes.json: is a file of annotations and no")


def test_a_configuration_may_be_json(tmp_path):
    path = tmp_path / "c.json"
    path.write_text('{"data": {"annotations": "a.json", "images": 1}}')
    check_configuration(path)


def test_keys_of_several_mappings_may_be_the_same(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("a: &a {k: 1}\nb: &b {k: 2}\nc:\n  <<: *a\n  <<: *b\nd: [{k: 1}, {k: 2}, *a, *a]\n")
    check_configuration(path)


def test_sizes_count_what_aliases_repeat():
    thousand = "a: &a [" + "1, " * 1000 + "]\n"
    check_limits(thousand + "b: [" + "*a, " * 90 + "]")
    with pytest.raises(YamlLimitError, match="100,000 values"):
        check_limits(thousand + "b: [" + "*a, " * 110 + "]")


def test_what_is_no_yaml_stays_an_error_of_yaml():
    with pytest.raises(yaml.YAMLError):
        check_limits("a: [")
    with pytest.raises(InputError, match="there is no such file"):
        check_configuration(configs_folder() / "none.yaml")


def test_limits_are_found_without_reading_to_the_end():
    with pytest.raises(YamlLimitError, match="nested"):
        check_limits("[" * 100 + "1, " * 1000 + "}")  # which is no yaml
