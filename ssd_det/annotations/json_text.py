"""Json as the json module reads and writes it, by msgspec where both agree: a third of the time for large files."""

import codecs
import json
import re
from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import numpy as np

from ssd_det.annotations.entries_on_demand import TextEntries

MARK = b"\xef\xbb\xbf"  # of UTF-8, which Windows writes
DIGITS = b"0123456789"
DIGITS_AS_ZERO = bytes.maketrans(DIGITS, b"0" * len(DIGITS))
ZERO = np.uint8(ord("0"))
SMALL_NUMBER = re.compile(rb"(?<![0-9])0\.0000")
PIECE = 2**20  # bytes
MANY_DIGITS = b"0" * 4301  # which Python does not take for an integer
STRIDE = 64  # bytes

Object = dict[str, list[msgspec.Raw] | dict[str, Any] | str | int | float | bool | None]

_decode_value = msgspec.json.Decoder().decode
_decode_object = msgspec.json.Decoder(Object).decode


def loads(content: bytes, on_demand: Collection[str] = ()) -> Any:
    """What ``json.loads`` makes of a text in UTF-8, which may begin with a byte order mark.

    msgspec accepts nothing that the json module does not, and gives the same values. What it does not accept is left to
    the json module: NaN, infinities, halves of surrogate pairs, and everything that is not json.

    Args:
        content: the text.
        on_demand: keys of the outermost object whose lists may stay text, as :class:`TextEntries`.

    Raises:
        ValueError: if it is not json, as the json module says it.
    """
    try:
        text = content.removeprefix(MARK)
        return _loads_partly(text, on_demand) if on_demand else _decode_value(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(content.decode("utf-8-sig"))


def _loads_partly(text: bytes, on_demand: Collection[str]) -> dict[str, Any]:
    """Read an object whose long lists stay text.

    Raises:
        msgspec.DecodeError: if it is not an object, among others.
        UnicodeDecodeError: if it is not UTF-8.
    """
    _check_encoding(text)
    _check_digits(text)
    content: dict[str, Any] = _decode_object(text)
    for key, value in content.items():
        if isinstance(value, list):
            entries = TextEntries(value)
            content[key] = entries if key in on_demand else entries[:]
    return content


def _check_encoding(text: bytes) -> None:
    """Make sure that texts that are only passed over are UTF-8.

    Raises:
        UnicodeDecodeError: if they are not.
    """
    if text.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(text), PIECE):
        decoder.decode(text[start : start + PIECE])
    decoder.decode(b"", final=True)


def _check_digits(text: bytes) -> None:
    """Look for integers that the json module refuses, and msgspec passes over where it only looks for ends of values.

    Raises:
        msgspec.DecodeError: if a number may have too many digits.
    """
    some = text[::STRIDE].translate(DIGITS_AS_ZERO)  # in which so long a number leaves many digits in a row as well
    if MANY_DIGITS[: len(MANY_DIGITS) // STRIDE] in some and MANY_DIGITS in text.translate(DIGITS_AS_ZERO):
        raise msgspec.DecodeError("too many digits")


def dumps(entries: Sequence[object]) -> bytes:
    """The text that ``json.dumps`` gives for entries of a json file."""
    try:
        text = msgspec.json.format(msgspec.json.encode(entries), indent=0)
        if _is_of_json(text, entries):
            return text
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError):
        pass  # what msgspec refuses, json may write
    return json.dumps(entries, check_circular=False).encode()


def _is_of_json(text: bytes, entries: Sequence[object]) -> bool:
    """Whether the json module would write the same: msgspec differs in what is tested for here, and nothing else."""
    if not text.isascii() or b"\x7f" in text:
        return False  # which json writes as \uXXXX
    codes = np.frombuffer(text, dtype=np.uint8)  # pairs are found in them in a quarter of the time
    before, after = codes[:-1], codes[1:]
    if ((before - ZERO < len(DIGITS)) & (after == ord("e"))).any():
        return False  # which may be 1e16 for 1e+16
    if b"0.0000" in text and SMALL_NUMBER.search(text):
        return False  # which may be 0.00001 for 1e-05
    if not ((before == ord("n")) & (after == ord("u"))).any():
        return True
    return b"null" not in text or bool(_decode_value(text) == entries)  # which may be a NaN
