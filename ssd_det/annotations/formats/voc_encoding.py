"""Encodings of xml files that Python reads and the xml parser does not: those of several bytes a character."""

import codecs
import re

from ssd_det.annotations.text_encodings import is_empty
from ssd_det.foreign.shown_text import cut

DECLARED = re.compile(rb"""^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
# Files declare the older standard and use characters of the newer one that contains it.
WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "cp950"}
NO_FILES = ("punycode", "idna")  # of names of hosts, and slow on anything longer


def encoding_of(content: bytes) -> str | None:
    """The encoding that an xml file declares, if all its bytes can be read in it and written again; else ``None``."""
    declared = _declared(content)
    encoding = WIDER.get(declared.lower().replace("-", "_"), declared)
    return encoding if declared and _comes_back(content, encoding) else None


def why_not_xml(content: bytes, error: Exception) -> str:
    """Why an xml file that the parser refused cannot be read, and what to do, a clause.

    Args:
        content: its bytes.
        error: of the parser.
    """
    if is_empty(content):
        return "is empty: replace the file"
    declared = _declared(content)
    if not declared and not _comes_back(content, "utf-8"):
        return "is not UTF-8 and declares no other encoding: save it as UTF-8"
    if declared and not _comes_back(content, declared):
        return f"is not in the encoding that it declares, {cut(declared)}: save it as UTF-8"
    return f"is not xml ({error}): replace the file"


def _declared(content: bytes) -> str:
    found = DECLARED.match(content)
    return found[1].decode() if found else ""


def _comes_back(content: bytes, encoding: str) -> bool:
    """Whether bytes are the same after they were decoded and encoded, and can be UTF-8 in between."""
    try:
        if codecs.lookup(encoding).name in NO_FILES:
            return False
        text = content.decode(encoding)
        return text.encode(encoding) == content and bool(text.encode())
    except (LookupError, ValueError):
        return False
