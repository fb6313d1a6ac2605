"""Imports run one way: a room imports its own files and those of the rooms below it, and no files form a circle."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from itertools import chain
from pathlib import Path

import pytest

import ssd_det

PACKAGE = Path(ssd_det.__file__).parent

# From the lowest to the highest; the rooms of one row do not know of each other.
ROWS = (
    (
        "class_names",
        "errors",
        "free_memory",
        "late_files",
        "memory",
        "shipped",
        "stopping",
        "torch_archive",
        "value_types",
    ),
    ("foreign", "starting"),
    ("console", "distributed", "flags", "ops", "precision", "write_errors"),
    ("losses", "annotations"),
    ("annotations.edits", "annotations.formats"),
    ("runs",),
    ("batches",),
    ("models",),
    ("tasks",),
    ("refining",),
    ("report",),
    ("callbacks",),
    ("checkpoint_io", "training_output", "training_stop"),
    ("tracked_config", "trainer"),
    ("cli", "commands", "doctor", "pipeline", "setup"),
    ("main",),
    ("__main__",),
)
HEIGHT = {room: height for height, row in enumerate(ROWS) for room in row}


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module: path for path in sorted(PACKAGE.rglob("*.py")) if (module := module_of(path))}


def imports_of(path: Path) -> Iterator[str]:
    """The modules of the package that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in (n.removeprefix("ssd_det.") for n in names) if name in MODULES)


IMPORTS = {module: sorted(set(imports_of(path))) for module, path in MODULES.items()}


def room_of(module: str) -> str:
    parts = module.split(".")
    return next(room for end in (2, 1) if (room := ".".join(parts[:end])) in HEIGHT)


@pytest.mark.parametrize("module", MODULES)
def test_a_file_imports_only_its_own_room_and_lower_ones(module: str) -> None:
    room = room_of(module)
    upward = [other for other in IMPORTS[module] if room_of(other) != room and HEIGHT[room_of(other)] >= HEIGHT[room]]
    assert upward == []


def test_no_files_form_a_circle() -> None:
    list(TopologicalSorter(IMPORTS).static_order())  # raises CycleError, which names them


def test_every_room_has_a_place() -> None:
    assert {room_of(module) for module in MODULES} == set(chain.from_iterable(ROWS))


def test_file_names_tell_files_apart() -> None:
    names = [path.name for path in MODULES.values() if path.name != "__init__.py"]
    assert sorted(names) == sorted(set(names))
