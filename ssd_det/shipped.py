"""The configurations that come with the package."""

from pathlib import Path


def configs_folder() -> Path:
    """The folder of these configurations: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).parent
    return package / "configs" if (package / "configs").is_dir() else package.parent / "configs"


def shipped_configs() -> list[Path]:
    """The configurations that come with the package."""
    return sorted(configs_folder().rglob("*.yaml"))
