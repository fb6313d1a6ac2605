"""What a file name in an annotation file may stand for: exports write paths of other machines, URLs and prefixes."""

import re
import unicodedata
from urllib.parse import parse_qs, unquote, urlsplit

LOCAL_FILES = "d"  # Label Studio's /data/local-files/?d=folder/a.jpg
UPLOAD_PREFIX = re.compile(r"[0-9a-f]{8}-(?=.)")  # Label Studio puts it in front of uploaded files


def readings(file_name: str) -> list[tuple[str, ...]]:
    """The ways to read a file name, the most literal first, each as folders and name in NFC.

    As it is written; with backslashes as separators; as a URL, which has quoted characters, a host, or the path
    under ``?d=``; and without the eight hexadecimal digits that Label Studio puts in front of an uploaded file.
    """
    texts = [file_name, file_name.replace("\\", "/")]
    texts.append(_path_of_url(texts[-1]))
    folder, separator, name = texts[-1].rpartition("/")
    texts.append(folder + separator + UPLOAD_PREFIX.sub("", name, count=1) if UPLOAD_PREFIX.match(name) else texts[-1])
    return [_parts(text) for text in dict.fromkeys(texts)]


def last_part(file_name: str) -> str:
    """A file name without its folders, and without what exports put around it."""
    parts = readings(file_name)[-1]
    return parts[-1] if parts else ""


def leads_up(file_name: str) -> bool:
    """Whether a file name has a part ``..`` in any way to read it."""
    return ".." in file_name.replace("%2e", ".").replace("%2E", ".") and any(".." in way for way in readings(file_name))


def _path_of_url(text: str) -> str:
    """The path that a URL or a quoted path names; the text itself where it is neither."""
    if "%" not in text and "?" not in text and "://" not in text:
        return text
    try:
        url = urlsplit(text)
    except ValueError:
        return text
    local = parse_qs(url.query).get(LOCAL_FILES)
    return local[0] if local else unquote(url.path)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in unicodedata.normalize("NFC", text).split("/") if part not in ("", "."))
