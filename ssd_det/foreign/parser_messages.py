"""What jsonargparse says of a setting that it refuses, in many lines, as one sentence."""

import ast
import re
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from ssd_det.foreign.shown_text import cut

# A line names a setting or the class that has it; what is wrong follows in lines that are indented further.
STEP = re.compile(r"( *)(?:- )?(?:Parser key \"(?P<key>.+)\"|Problem with given class_path '(?P<kind>.+)'):")
REQUIRED = re.compile(r"the following arguments are required: (.+)")
UNKNOWN = re.compile(r"(?:Group '(?P<group>.+)' does not accept o|does not accept o|O)ption '(?P<name>.+?)'")
UNRECOGNISED = re.compile(r"unrecognized arguments: (.+)")
NOT_OF_TYPE = re.compile(r"Not of type \w+: ")
NO_CLASS = re.compile(r"Expected a dot import path string: (.+)")
NO_SUBCLASS = re.compile(r"Not a valid subclass of (\w+)")
EXPECTED = re.compile(r"Expected a (?:typing\.Literal(?P<choices>\[.*?\])|<class '(?P<kind>.+?)'>)")
VALUE = re.compile(r"(?:Given|Got) value: (.*)")
KINDS = {
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "dict": "names with their values",
    "NoneType": "null",
    **dict.fromkeys(("list", "tuple", "Sequence", "Iterable"), "a list"),
}


class Refusal(NamedTuple):
    """A setting that a parser refuses.

    Attributes:
        key: its dotted name, without ``init_args``; empty where no configuration can be its source.
        sentence: what is wrong with it and what to do, without a full stop.
    """

    key: str
    sentence: str


def refusal_of(message: str, command: str) -> Refusal:
    """The sentence that a message comes to.

    Args:
        message: of jsonargparse.
        command: what was called, ``ssd-det fit``.
    """
    keys, kind, lines = _innermost(message.split("\n"))
    text = "\n".join(lines)
    if found := REQUIRED.search(text):
        own = f"{command.rpartition(' ')[2].replace('-', '_')}."
        names = [".".join([*keys, name.removeprefix(own)]) for name in found[1].split(", ")]
        verb, pronoun = ("is", "it") if len(names) == 1 else ("are", "them")
        return Refusal(names[0], f"{_listed(names, 'and')} {verb} not given: give {pronoun} (see {command} --help)")
    if found := UNKNOWN.search(text):
        key = ".".join([*keys, *filter(None, (found["group"], found["name"]))]).replace(".init_args.", ".")
        return Refusal(key, f"{key} is no setting of {kind or command}: correct its name, or remove it")
    if found := UNRECOGNISED.search(text):
        words = ".".join([*keys, found[1].removeprefix("--")]) if keys else found[1]
        return Refusal("", f"{cut(words)} is nothing that {kind or command} takes: correct or remove it")
    key = ".".join(keys)
    if found := NO_CLASS.search(text):
        return Refusal(key, f"{key} has the class {cut(found[1])}, which is not known: correct its name or dotted path")
    advice = _advice(text)
    if key and advice:
        value = VALUE.search(text)
        return Refusal(key, f"{key} is {cut(value[1]) if value else 'something else'}: give {advice}")
    reason = " ".join(NOT_OF_TYPE.sub("", text).split())
    return Refusal(key, f"{key}: {reason}: correct it" if key else f"{reason} (see {command} --help)")


def _innermost(lines: Sequence[str]) -> tuple[list[str], str, Sequence[str]]:
    """The setting that is at fault, part by part, the class that has it, and the lines about it alone."""
    keys: list[str] = []
    kind = ""
    while step := next(((index, found) for index, line in enumerate(lines) if (found := STEP.fullmatch(line))), None):
        index, found = step
        keys += [found["key"]] if found["key"] else []
        kind = (found["kind"] or kind).rpartition(".")[2]
        lines = _deeper(lines[index + 1 :], len(found[1]))
    return keys, kind, lines


def _deeper(lines: Sequence[str], depth: int) -> list[str]:
    """The first lines, as long as they are indented further; empty ones count as if they were."""
    return [*takewhile(lambda line: not line.strip() or len(line) - len(line.lstrip()) > depth, lines)]


def _advice(text: str) -> str:
    """What to give in place of the value that the lines about a setting are about; empty where they do not say."""
    if found := NO_SUBCLASS.search(text):
        return f"the class_path of a {found[1]} and its init_args"
    kinds: dict[str, None] = {}
    for found in EXPECTED.finditer(text):
        if found["choices"]:
            kinds |= dict.fromkeys(map(str, ast.literal_eval(found["choices"])))
        else:
            name = found["kind"].rpartition(".")[2]
            kinds[KINDS.get(name, f"a {name}")] = None
    return _listed([*kinds], "or")


def _listed(parts: Sequence[str], conjunction: str) -> str:
    return f" {conjunction} ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""
