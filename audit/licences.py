"""The licences of everything that is installed at run time, compared with those that were looked at.

    python -m audit.licences
    python -m audit.licences --write

Fails for a package that is not in ``reviewed.toml`` or has another licence than there, and for GPL and AGPL. With
``--write``, the licences of the installed packages are put into that file: look at what has changed.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REVIEWED = Path(__file__).with_name("reviewed.toml")
PACKAGE = "ssd-det"
EXTRAS = ("fast-eval",)  # those of the container
NONE = "none declared"
LONGEST_NAME = 100  # of a licence; what is longer is its text
FORBIDDEN = re.compile(r"\bA?GPL|Affero|(?<!Lesser )General Public License", re.IGNORECASE)
LINKING_IS_FREE = re.compile(r"\bGPL[-.\w]*(-WITH-| WITH |-with-)GCC-exception[-.\w]*", re.IGNORECASE)


def runtime_packages(name: str = PACKAGE, extras: tuple[str, ...] = EXTRAS) -> dict[str, Distribution]:
    """The installed packages that one needs at run time, by name, itself included.

    Args:
        name: of the package.
        extras: of it that are wanted.
    """
    found: dict[str, Distribution] = {}
    wanted, seen = [(name, extras)], set[tuple[str, tuple[str, ...]]]()
    while wanted:
        current = wanted.pop()
        if current in seen:
            continue
        seen.add(current)
        package, package_extras = current
        try:
            found[package] = distribution(package)
        except PackageNotFoundError:  # of another system
            continue
        for text in found[package].requires or []:
            requirement = Requirement(text)
            if any(_applies(requirement, extra) for extra in ("", *package_extras)):
                wanted.append((canonicalize_name(requirement.name), tuple(sorted(requirement.extras))))
    return dict(sorted(found.items()))


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def declared_licence(package: Distribution) -> str:
    """What a package says of its licence in the field that says it most precisely."""
    metadata = package.metadata
    for key in ("License-Expression", "License"):
        text = " ".join(" ".join(metadata.get_all(key) or []).split())
        if text and len(text) < LONGEST_NAME:
            return text
    classifiers = [text for text in metadata.get_all("Classifier") or [] if text.startswith("License :: ")]
    return "; ".join(text.rpartition(" :: ")[2] for text in classifiers) or NONE


def faults(declared: Mapping[str, str], reviewed: Mapping[str, str]) -> list[str]:
    """What must be looked at, a sentence each.

    Args:
        declared: licences by the packages that are installed.
        reviewed: licences by the packages that were looked at.
    """
    found = []
    for name, licence in declared.items():
        if FORBIDDEN.search(LINKING_IS_FREE.sub("", licence)):
            found.append(f"{name}: {licence}: is not allowed.")
        elif name not in reviewed:
            found.append(f"{name}: {licence}: is new.")
        elif reviewed[name] != licence:
            found.append(f"{name}: {licence}: was {reviewed[name]}.")
    return found


def _as_toml(declared: Mapping[str, str]) -> str:
    lines = [f'{name} = "{licence.replace(chr(34), chr(39))}"' for name, licence in declared.items()]
    return "\n".join(
        ["# What the packages of the run time declare, on Linux; looked at before each release.", *lines, ""]
    )


def main() -> int:
    """Check the licences of this environment, or write them down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the list instead of comparing with it")
    writes = parser.parse_args().write
    declared = {name: declared_licence(package) for name, package in runtime_packages().items()}
    if writes:
        REVIEWED.write_text(_as_toml(declared), encoding="utf-8")
        return 0
    for name, licence in declared.items():
        print(f"{name}: {licence}")
    found = faults(declared, tomllib.loads(REVIEWED.read_text(encoding="utf-8")))
    for sentence in found:
        print(f"audit: {sentence}", file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
