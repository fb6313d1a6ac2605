"""The command that writes out what comes with the package."""

from pathlib import Path

from ssd_det.annotations.output import check_outputs, make_folder, write_text, written_whole
from ssd_det.console import say
from ssd_det.shipped import configs_folder, shipped_configs


def configs(*, output: str, overwrite: bool = False) -> None:
    """Write out the configurations that come with the package.

    Args:
        output: the folder to write them to; it is made if need be.
        overwrite: allow the files to exist.
    """
    folder = Path(output)
    texts = {path.relative_to(configs_folder()): path.read_text(encoding="utf-8") for path in shipped_configs()}
    check_outputs([folder / name for name in texts], overwrite=overwrite)
    with written_whole(folder) as new:
        for name, text in texts.items():
            make_folder((new / name).parent)
            write_text(new / name, text)
    for name in texts:
        say(str(folder / name))
