"""Finding the image files that an annotation file names."""

from collections.abc import Collection
from pathlib import Path

from PIL import Image as PillowImage

from ssd_det.data.coco import CocoFile, Image, first_of
from ssd_det.errors import InputError

UNREADABLE = (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError)  # what is no image raises these


def resolve_images(coco: CocoFile, image_root: str | Path) -> tuple[dict[int, Path], list[Image]]:
    """Find the files of all images.

    A file name may have folders in front that the root does not: leading folders are dropped one by one
    until a file is there.

    Returns:
        The path of each image that was found, by id, and the images that were not.

    Raises:
        InputError: if ``image_root`` is not a folder, or two file names lead to the same file.
    """
    root = Path(image_root)
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder: give the folder of the images as image_root.")
    found, missing = {}, []
    names: dict[Path, str] = {}
    for image in coco.images:
        path = find_image(root, image.file_name)
        if path is None:
            missing.append(image)
            continue
        found[image.id] = path
        if names.setdefault(path, image.file_name) != image.file_name:
            raise InputError(
                f"{coco.path}: image {image.id}: {image.file_name} and {names[path]} both lead to {path}: "
                f"give the folder that the file names start from as image_root."
            )
    return found, missing


def missing_images_error(coco: CocoFile, image_root: str | Path, missing: Collection[Image]) -> InputError:
    """The error that lists images without a file."""
    names = first_of(image.file_name for image in missing)
    return InputError(
        f"{coco.path}: {len(missing)} of {len(coco.images)} image files are not in {image_root}: {names}: "
        f"correct image_root or file_name, or leave these images out."
    )


def find_image(root: Path, file_name: str) -> Path | None:
    """The file that a name leads to, with as many of its folders as are there; ``None`` if there is none."""
    parts = Path(file_name).parts
    candidates = (root.joinpath(*parts[start:]) for start in range(len(parts)))
    return next((path for path in candidates if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long
        return False
