"""Words on the screen."""

from rich.console import Console


def say(text: str) -> None:
    """Print a line as it is."""
    Console().print(text, highlight=False, markup=False, soft_wrap=True)


def listed(counts: dict[str, int]) -> str:
    """Counts by reason in words."""
    return ", ".join(f"{count} ({reason})" for reason, count in counts.items()) or "none"
