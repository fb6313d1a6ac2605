"""Reading the xml files of Pascal VOC, and noting where in their bytes the numbers of the boxes are."""

from pathlib import Path
from xml.parsers import expat

from ssd_det.annotations.formats.voc_encoding import encoding_of, why_not_xml
from ssd_det.annotations.formats.voc_file import CORNERS, FLAGS, Corner, VocFile, VocObject
from ssd_det.errors import InputError
from ssd_det.foreign.regular_files import read_regular
from ssd_det.foreign.shown_text import cut

KEPT = ("name", *FLAGS, "pose", "bndbox")  # elements of an object that COCO json keeps
MOST_BYTES = 4 * 2**20
MOST_LEVELS = 50
MOST_ELEMENTS = 150_000  # about 12,000 objects
MOST_PIECES = 1000  # of a text that is kept: lines, and characters written as &#48;
MOST_LENGTH = 10_000  # characters of it


def read_voc_file(path: Path) -> VocFile:
    """Read an xml file once. One with declarations of its own, such as entities, is refused: they grow without bound.

    Raises:
        InputError: if it is missing, unreadable, too large, nested too deeply, or not the xml of Pascal VOC.
    """
    if_missing = "add it, or take its name out of the split"
    content = read_regular(path, "Pascal VOC xml file", MOST_BYTES, if_missing)
    try:
        return _parsed(VocFile(path, content, _codec(content)))
    except (expat.ExpatError, LookupError, ValueError) as error:
        encoding = encoding_of(content)
        if encoding is None:
            raise InputError(f"{path}: {why_not_xml(content, error)}.") from None
    try:
        return _parsed(VocFile(path, content.decode(encoding).encode(), "ascii", encoding))
    except (expat.ExpatError, ValueError) as error:
        raise InputError(f"{path}: is not xml ({error}): replace the file.") from None


def _parsed(file: VocFile) -> VocFile:
    _Reader(file).parser.Parse(file.content, True)
    return file


class _Reader:
    """Takes what expat finds; of repeated elements the first counts."""

    def __init__(self, file: VocFile) -> None:
        self.file = file
        self.tags: list[str] = []
        self.pieces: list[tuple[int, str]] = []
        self.elements = 0
        self.parser = expat.ParserCreate(None if file.encoding is None else "utf-8")
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text
        self.parser.CommentHandler = self.comment
        self.parser.StartDoctypeDeclHandler = self.doctype

    def start(self, tag: str, _: object) -> None:
        if not self.tags and tag != "annotation":
            raise InputError(
                f"{self.file.path}: is xml of {cut(tag)}, not of Pascal VOC: give files with annotation on top."
            )
        self.tags.append(tag)
        self.pieces = []
        self.elements += 1
        if len(self.tags) > MOST_LEVELS or self.elements > MOST_ELEMENTS:
            most = f"{MOST_LEVELS} levels" if len(self.tags) > MOST_LEVELS else f"{MOST_ELEMENTS:,} elements"
            raise InputError(f"{self.file.path}: has more than {most}, which no VOC file needs: correct it.")
        if self.tags[1:] == ["object"]:
            self.file.objects.append(VocObject(self.parser.CurrentByteIndex))

    def text(self, text: str) -> None:
        if len(self.pieces) < MOST_PIECES:
            self.pieces.append((self.parser.CurrentByteIndex, text))

    def end(self, tag: str) -> None:
        match self.tags[1:]:
            case ["filename"] | ["size", "width" | "height"]:
                self.file.texts.setdefault("/".join(self.tags[1:]), self.whole_text())
            case ["object", name] if name in KEPT:
                self.file.objects[-1].texts.setdefault(name, self.whole_text())
            case ["object", name]:
                self.file.dropped[f"elements {cut(name)}"] += 1
            case ["object", "bndbox", name] if name in CORNERS:
                self.file.objects[-1].corners.setdefault(name, self._corner(name))
            case ["object"]:
                mark = ">".encode(self.file.codec)
                self.file.objects[-1].end = self.file.content.index(mark, self.parser.CurrentByteIndex) + len(mark)
            case [name] if name != "size":
                self.file.dropped[f"elements {cut(name)}"] += 1
        self.tags.pop()
        self.pieces = []

    def comment(self, _: str) -> None:
        self.file.dropped["comments"] += 1

    def doctype(self, _name: str, _system: str | None, _public: str | None, has_declarations: bool) -> None:
        if has_declarations:  # entities, or values of attributes, which can be repeated without bound
            raise InputError(
                f"{self.file.path}: declares entities or the like in its DOCTYPE, which no VOC file needs: remove them."
            )

    def whole_text(self) -> str:
        text = "".join(text for _, text in self.pieces)
        if len(self.pieces) == MOST_PIECES or len(text) > MOST_LENGTH:
            where = "/".join(self.tags[1:])
            raise InputError(f"{self.file.path}: {where} is {cut(text)}, too long to be meant: correct it.")
        return text

    def _corner(self, name: str) -> Corner:
        """The text of a coordinate and its span: the only piece of text that is not blank."""
        pieces = [(start, text) for start, text in self.pieces if text.strip()]
        written = self.whole_text().strip()
        if not pieces:
            return Corner("", 0, 0)
        start, text = pieces[0]
        width = len("0".encode(self.file.codec))
        start += width * (len(text) - len(text.lstrip()))
        end = start + width * len(written)
        if self.file.content[start:end] != written.encode(self.file.codec, errors="replace"):
            raise InputError(
                f"{self.file.path}: bndbox/{name} is {cut(written)} in pieces: write it as a plain number."
            )
        return Corner(written, start, end)


def _codec(content: bytes) -> str:
    """How a digit is written: in one byte, or in two in UTF-16, the only wider encoding that is read."""
    if content.startswith((b"\xff\xfe", b"<\x00")):
        return "utf-16-le"
    return "utf-16-be" if content.startswith((b"\xfe\xff", b"\x00<")) else "ascii"
