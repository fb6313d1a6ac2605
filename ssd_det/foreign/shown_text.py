"""Texts of files as messages show them: cut, and without characters that a terminal would obey."""

import re

# Control characters, and those that turn the direction of what follows or break the line.
OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
MOST_SHOWN = 60  # characters of a value
MOST_HEAD, MOST_TAIL = 1500, 400  # characters of a sentence


def escaped(text: str) -> str:
    """A text in one line, its control characters written as Python writes them, with a backslash."""
    return OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


def cut(value: object, most: int = MOST_SHOWN) -> str:
    """A value as text, no longer than messages have room for."""
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def sentence_of(text: str) -> str:
    """A sentence that can be printed; of a very long one, the middle is left out: its end has the fix."""
    text = escaped(text)
    return text if len(text) <= MOST_HEAD + MOST_TAIL else f"{text[:MOST_HEAD]} ... {text[-MOST_TAIL:]}"


def lines_of(text: str) -> str:
    """A text of any number of lines that can be printed."""
    return "\n".join(map(escaped, text.split("\n")))
