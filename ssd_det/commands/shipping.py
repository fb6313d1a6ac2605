"""The command that writes out what comes with the package."""

from pathlib import Path

from ssd_det.annotations.output import check_output, make_folder, write_text
from ssd_det.console import say
from ssd_det.shipped import configs_folder, shipped_configs


def configs(*, output: str, overwrite: bool = False) -> None:
    """Write out the configurations that come with the package.

    Args:
        output: the folder to write them to; it is made if need be.
        overwrite: allow the files to exist.
    """
    root = configs_folder()
    sources = shipped_configs()
    targets = [Path(output) / source.relative_to(root) for source in sources]
    for folder in {target.parent for target in targets}:
        make_folder(folder)
    paths = [check_output(target, overwrite=overwrite) for target in targets]
    for source, path in zip(sources, paths, strict=True):
        write_text(path, source.read_text(encoding="utf-8"))
        say(str(path))
