"""The pages that users read, and the commands in them."""

import subprocess
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
# Bash splits and expands the words, and runs nothing: there is no PATH, and other commands do nothing.
RECORDER = """
command_not_found_handle() { :; }
source() { :; }
mkdir() { :; }
touch() { :; }
ssd-det() { printf '%s\\0' "$@"; printf '\\n\\0'; }
launched() { while [ "$1" != ssd-det ]; do shift; done; "$@"; }
torchrun() { launched "$@"; }
srun() { launched "$@"; }
"""
PLACEHOLDERS = {"DATA": "data", "WEIGHTS": "weights", "MOBILENET": ""}  # the last is defined further down the page


def commands_of(page):
    """The words after each ``ssd-det`` in the bash blocks of a page, as a shell would pass them to it."""
    blocks = [token.content for token in MarkdownIt().parse(page.read_text()) if token.info.strip() == "bash"]
    return recorded("\n".join(blocks))


def recorded(script):
    """The words after each ``ssd-det`` of a script."""
    environment = {**PLACEHOLDERS, "PATH": ""}
    result = subprocess.run(
        ["/bin/bash", "-u", "-c", f"{RECORDER}\n{script}\n:"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    calls = result.stdout.removesuffix("\n\0").split("\n\0") if result.stdout else []
    return [call.removesuffix("\0").split("\0") for call in calls]
