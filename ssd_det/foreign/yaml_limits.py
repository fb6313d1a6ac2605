"""Limits of yaml, looked at before anything is made of it: aliases grow without bound, and depth takes the stack."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import yaml

from ssd_det.errors import InputError
from ssd_det.foreign.regular_files import open_regular, read_regular
from ssd_det.foreign.shown_text import cut

# The one in C reads ten times as fast.
PlainLoader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
MOST_DEPTH = 40
MOST_ANCHORS = 1_000
MERGE = "<<"  # puts another mapping in, as often as it is given
COCO_START = re.compile(rb'(\xef\xbb\xbf)?\s*\{\s*"(info|licenses|images|annotations|categories)"\s*:')
HEAD = 1024  # bytes that it is looked for in


class Limits(NamedTuple):
    """What a yaml may have.

    Attributes:
        size: bytes of the file.
        values: with those that aliases repeat.
        length: characters of a value.
    """

    size: int
    values: int
    length: int


LISTS = Limits(2**20, 100_000, 2**20)  # such as the 21,843 names of ImageNet
CONFIGURATION = Limits(2**18, 3_000, 3_000)  # the parser takes a millisecond for a value, and longer for long numbers


class YamlLimitError(yaml.YAMLError):
    """A yaml is beyond the limits; the text says how, what it has."""


def check_limits(text: str, limits: Limits = LISTS) -> None:
    """Make sure that a yaml is not nested too deeply, and holds no more than a file that people write.

    Raises:
        YamlLimitError: if it is beyond the limits.
        yaml.YAMLError: if it is not yaml.
    """
    counts = [0]  # of the values in each of the collections that are open, the outermost first
    names: list[str | None] = []
    of_anchor: dict[str | None, int] = {}
    documents = 0
    for event in yaml.parse(text, Loader=PlainLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            names.append(event.anchor)
            counts.append(1)
        elif isinstance(event, yaml.CollectionEndEvent):
            count = counts.pop()
            of_anchor[names.pop()] = count
            counts[-1] += count
        elif isinstance(event, yaml.ScalarEvent):
            of_anchor[event.anchor] = 1
            counts[-1] += 1
            if len(event.value) > limits.length:
                raise YamlLimitError(f"a value of more than {limits.length:,} characters")
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor in names:
                raise YamlLimitError(f"a value {cut(event.anchor)} that is a part of itself")
            counts[-1] += of_anchor.get(event.anchor, 1)
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if len(names) > MOST_DEPTH:
            raise YamlLimitError(f"values nested more than {MOST_DEPTH} levels deep")
        if counts[-1] > limits.values:
            raise YamlLimitError(f"more than {limits.values:,} values, those that aliases repeat included")
        if documents > 1:
            raise YamlLimitError("more than one document")
        if len(of_anchor) > MOST_ANCHORS:
            raise YamlLimitError(f"more than {MOST_ANCHORS:,} anchors")


def why_not_yaml(error: Exception) -> str:
    """What is wrong with a yaml, a clause."""
    text = " ".join(str(error).split())
    return f"has {text}" if isinstance(error, YamlLimitError) else f"is not yaml ({cut(text, 300)})"


def check_configuration(path: Path) -> None:
    """Make sure that a configuration can be read without harm; whether its keys are right is for the parser to say.

    Raises:
        InputError: if it is missing, no regular file, a COCO json, too large, no mapping in yaml, beyond the limits,
            or has a key twice.
    """
    if _begins_as_coco(path):
        raise InputError(f"{path}: is a file of annotations and no configuration: give the path of one as --config.")
    content = read_regular(path, "configuration in yaml", CONFIGURATION.size)
    try:
        text = content.decode("utf-8-sig")
        check_limits(text, CONFIGURATION)
        root = yaml.compose(text, Loader=PlainLoader)
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not text in UTF-8: save it as UTF-8.") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: {why_not_yaml(error)}: correct it.") from None
    if not isinstance(root, yaml.MappingNode):
        raise InputError(f"{path}: is no configuration: give yaml with names and their settings.")
    check_keys(path, root)


def _begins_as_coco(path: Path) -> bool:
    """Whether the first key of a file is one of a COCO json, which may be too large to be read as a configuration."""
    with suppress(OSError), open_regular(path) as file:
        return COCO_START.match(file.read(HEAD)) is not None
    return False


def check_keys(path: Path, root: yaml.Node | None) -> None:
    """Make sure that no mapping of a yaml has a key twice, of which the last would count without a word.

    Args:
        path: of the yaml, for the error.
        root: what it comes to, as ``yaml.compose`` makes it.

    Raises:
        InputError: if one has.
    """
    if root is not None and (repeated := _repeated_key(root)):
        key, lines = repeated[0].value, " and ".join(str(node.start_mark.line + 1) for node in repeated)
        raise InputError(f"{path}: has {cut(key)} twice, in lines {lines}: take one out, as only one counts.")


def _repeated_key(root: yaml.Node) -> tuple[yaml.ScalarNode, yaml.ScalarNode] | None:
    """A key that a mapping has twice, of which the parser would take the last; ``None`` where there is none."""
    for mapping in _mappings(root):
        first_of: dict[str, yaml.ScalarNode] = {}
        for key, _ in mapping.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == MERGE:
                continue
            if (first := first_of.setdefault(key.value, key)) is not key:
                return first, key
    return None


def _mappings(root: yaml.Node) -> Iterator[yaml.MappingNode]:
    """The mappings of a yaml, each once, however many aliases lead to it."""
    nodes, seen = [root], set()
    while nodes:
        node = nodes.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            nodes += node.value
        elif isinstance(node, yaml.MappingNode):
            nodes += [value for _, value in node.value]
            yield node
