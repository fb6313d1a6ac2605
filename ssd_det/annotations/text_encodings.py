"""Encodings of text files other than UTF-8, named for the sentence that says what to do."""

import json
import re

WIDE = ("utf-16", "utf-32")
PAIRS = re.compile(rb"(?:[\xa1-\xfe][\xa1-\xfe])+")  # how GBK and its relatives write a word
BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
NOTHING = b"\0 \t\r\n\xef\xbb\xbf\xfe\xff"  # zeros, as crashes leave them, blanks, and marks of encodings
BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # control characters that no text has


def is_empty(content: bytes) -> bool:
    """Whether a file has no text in it, only blanks or zeros."""
    return not content.strip(NOTHING)


def other_encoding(content: bytes) -> str | None:
    """The encoding of a text that is not UTF-8, in words for a sentence "is ...: save it as UTF-8".

    Args:
        content: of the file.

    Returns:
        ``None`` where it is UTF-8, with or without a byte order mark, or no text at all.
    """
    if _detected(content).startswith(WIDE):
        return wide_encoding(content)
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        if BINARY.search(content):
            return None
        likely = "GBK" if all(map(PAIRS.fullmatch, BEYOND_ASCII.findall(content))) else "Latin-1"
        return f"not UTF-8, but {likely} or the like"
    return None


def wide_encoding(content: bytes) -> str | None:
    """UTF-16 or UTF-32, if a text is in that."""
    encoding = _detected(content)
    if is_empty(content) or not encoding.startswith(WIDE):
        return None
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return None
    return encoding[: len("utf-16")].upper()


def _detected(content: bytes) -> str:
    """The encoding by the mark or the zeros at the beginning of a text, of any, not json alone."""
    return json.detect_encoding(content)
