"""The command that chooses boxes for a person to check."""


def choose_boxes(
    annotations: str,
    *,
    image_root: str,
    output: str,
    count: int = 50,
    seed: int = 0,
    overwrite: bool = False,
    allow_outside: bool = False,
) -> None:
    """Write a page with the boxes that tell most of all others, to be corrected or found right by a person.

    Half of them are drawn at random, a quarter are those that refining moved most, if it moved any, and the others are
    spread over categories, sizes and images. Boxes that are trusted already are left out.

    Args:
        annotations: a COCO json file; no box of it need be refined.
        image_root: the folder that file names start from.
        output: the folder to write the page to, which is then opened as index.html.
        count: how many boxes to choose.
        seed: another one chooses other boxes.
        overwrite: allow the output to have files in it; a page among them is replaced, others stay.
        allow_outside: let file names that are absolute or have a part .. lead out of image_root.
    """
    from ssd_det.commands.page_of_choice import write_choice  # noqa: PLC0415 (torch takes seconds to import)

    write_choice(annotations, image_root, output, count, seed, overwrite, allow_outside)
