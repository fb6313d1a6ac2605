"""Writing files: what prevents it is said before any work, and nothing is ever half-written."""

import codecs
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple, TypeGuard

from ssd_det.annotations.json_text import dumps
from ssd_det.console import LONG, bar
from ssd_det.errors import InputError
from ssd_det.memory import collection_paused
from ssd_det.torch_archive import ZIP_START
from ssd_det.write_errors import NO_ROOM, cannot_be_written, size_of, writing

UNFINISHED = re.compile(r"\..+\.[a-z0-9_]{8}")  # the names of write_whole's temporary files
BEING_WRITTEN = ".being_written"
"""The folder in a folder that new files of it are in until all of them are whole."""
PIECE = 2_000  # entries that are encoded at once
HEAD = 1024  # bytes that tell what a file is


class Kind(NamedTuple):
    """What a command writes, and so what it may replace.

    Attributes:
        name: for messages.
        starts: what the content begins with, one of these.
    """

    name: str
    starts: tuple[bytes, ...]


JSON = Kind("json file", (b"{", b"["))
CHECKPOINT = Kind("checkpoint", (ZIP_START,))


def check_output(
    output: str | Path,
    rewritten: str | Path | None = None,
    others: Sequence[str | Path] = (),
    overwrite: bool = False,
    kind: Kind | None = JSON,
) -> Path:
    """Make sure, before any work is done, that the output may be written.

    Args:
        output: the path to write to.
        rewritten: the input that the output is a new version of; ``overwrite`` allows it to be replaced.
        others: inputs that must never be replaced.
        overwrite: allow the output to exist.
        kind: what will be written, and all that it may replace; ``None`` for anything.

    Raises:
        InputError: if it is an input or exists and may not be replaced, or its folder is missing or not writable.
    """
    path = Path(output).resolve()
    if path.exists() and not path.is_file():
        raise InputError(f"{output}: is not a regular file: give the path of a file as output.")
    if not path.parent.is_dir():
        raise InputError(f"{output}: the folder {path.parent} does not exist: make it, or give another output.")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{output}: the folder {path.parent} is not writable: give another output.")
    if path.exists() and any(path == Path(other).resolve() for other in others):
        raise InputError(f"{output}: is an input that would be lost: give another output.")
    if not overwrite and rewritten is not None and path == Path(rewritten).resolve():
        raise InputError(f"{output}: is the input as well: give another output, or --overwrite true.")
    if not overwrite and path.exists():
        raise InputError(f"{output}: exists already: give another output, or --overwrite true.")
    if kind is not None and path.exists() and not _is_of(kind, path):
        raise InputError(f"{output}: exists already and is no {kind.name}, and would be lost: give another output.")
    return path


def _is_of(kind: Kind, path: Path) -> bool:
    """Whether a file may be of a kind, as an empty one may."""
    with path.open("rb") as file:
        head = file.read(HEAD).removeprefix(codecs.BOM_UTF8).lstrip()
    return not head or head.startswith(kind.starts)


def check_outputs(outputs: Iterable[Path], others: Sequence[str | Path] = (), overwrite: bool = False) -> None:
    """Make sure, before any work is done, that files may be written into folders that are made if need be.

    Those that are named .json replace json files alone.

    Args:
        outputs: the paths to write to.
        others: inputs that must never be replaced.
        overwrite: allow the outputs to exist.

    Raises:
        InputError: see :func:`check_output`, or if a folder cannot be made.
    """
    for output in outputs:
        if output.parent.is_dir():
            check_output(output, others=others, overwrite=overwrite, kind=JSON if output.suffix == ".json" else None)
            continue
        above = next(folder for folder in output.absolute().parents if folder.exists())
        if not above.is_dir():
            raise InputError(f"{output.parent}: cannot be made, as {above} is a file: give another output.")
        if not os.access(above, os.W_OK):
            raise InputError(f"{output.parent}: cannot be made, as {above} is not writable: give another output.")


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it exists.

    Raises:
        InputError: if it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise cannot_be_written(folder, error) from error
        raise InputError(f"{folder}: cannot be made ({error.strerror}): give another output.") from error


@collection_paused()
def write_json(path: Path, content: object) -> None:
    """Write json, whole or not at all."""
    write_whole(path, lambda file: file.writelines(_pieces(content)))


def _pieces(content: object) -> Iterator[bytes | memoryview]:
    """The same text as that of ``json.dump``, which is slow, in pieces small enough to encode at once."""
    if isinstance(content, dict) and content and all(isinstance(key, str) for key in content):
        for number, (key, value) in enumerate(content.items()):
            yield f"{', ' if number else '{'}{json.dumps(key)}: ".encode()
            yield from _pieces(value) if _is_list(value) else [json.dumps(value).encode()]
        yield b"}"
    elif _is_list(content):
        yield b"["
        for start in bar(range(0, len(content), PIECE), "writing", long=LONG // PIECE):
            yield b", " if start else b""
            yield memoryview(dumps(content[start : start + PIECE]))[1:-1]
        yield b"]"
    else:
        yield json.dumps(content).encode()


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    """Whether json has it as a list; a tuple in a list stays one that ``json.dumps`` knows."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def write_text(path: Path, text: str) -> None:
    """Write text, whole or not at all."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    write_whole(path, lambda file: file.write(content))


def write_together(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files of a folder, which take the place of those that are there once all of them are whole.

    Args:
        folder: which exists.
        contents: of the files, by their names.

    Raises:
        InputError: if the disk is full or a file may not be written; then all are as they were.
    """
    new = folder / BEING_WRITTEN
    shutil.rmtree(new, ignore_errors=True)  # of a call that was killed
    try:
        new.mkdir()
        for name, content in contents.items():
            with (new / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for name in contents:
            (new / name).replace(folder / name)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)  # first, as it takes room
        raise cannot_be_written(folder / name, error, sum(map(len, contents.values()))) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """Write files, in folders of their own too, that come into a folder once all of them are whole.

    Args:
        folder: is made if need be, and is not left behind if the block fails.

    Yields:
        The folder to write them into.

    Raises:
        InputError: if the system refuses.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    new = folder / BEING_WRITTEN
    shutil.rmtree(new, ignore_errors=True)  # of a call that was killed
    try:
        make_folder(new)
        yield new
        with writing(folder):
            for path in [path for path in new.rglob("*") if path.is_file()]:
                target = (folder / path.relative_to(new)).resolve()  # a link stays one
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        with suppress(OSError):  # the first that is not empty ends it
            for path in made:
                path.rmdir()


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write to a temporary file in the same folder, flush it to disk, and rename it.

    Args:
        path: of the file.
        write: writes the content into the open file that it is called with.

    Raises:
        InputError: if the disk is full or the file may not be written.
    """
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)  # first, as it takes room
        final = Path(*(part for part in path.parts if part != BEING_WRITTEN))
        raise cannot_be_written(final, error, _needed(write) if error.errno in NO_ROOM else None) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove from a folder what :func:`write_whole` had begun in processes that were killed."""
    for path in folder.glob(".*"):
        if UNFINISHED.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def _needed(write: Callable[[IO[bytes]], object]) -> int | None:
    """How many bytes a file takes, ``None`` where that cannot be found out."""
    try:
        return size_of(write)
    except OSError:
        return None


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
