"""The configurations that come with the package."""

from pathlib import Path


def configs_folder() -> Path:
    """Where the configurations that come with the package are: inside a wheel, or beside the package in a checkout."""
    package = Path(__file__).parent
    return package / "configs" if (package / "configs").is_dir() else package.parent / "configs"


def shipped_configs() -> list[Path]:
    """The configurations that come with the package."""
    return sorted(configs_folder().rglob("*.yaml"))
