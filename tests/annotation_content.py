"""A small COCO file without faults, for tests to add some."""


def clean_content():
    """Three images of 200x100 with three boxes each, of two categories, with areas and polygons."""
    annotations = []
    for image in (1, 2, 3):
        for number in range(3):
            x, y, width, height = 50 * number + image, 12 + number, 30, 40 + image
            polygon = [x, y, x + width, y, x + width, y + height, x, y + height]
            annotations.append(
                {
                    "id": 10 * image + number,
                    "image_id": image,
                    "category_id": 1 + number % 2,
                    "bbox": [x, y, width, height],
                    "area": width * height,
                    "segmentation": [polygon],
                    "iscrowd": 0,
                    "who": {"name": "ä", "rounds": [1, 2.5]},
                }
            )
    return {
        "info": {"year": 2020},
        "images": [{"id": i, "file_name": f"sub/{i}.png", "width": 200, "height": 100} for i in (1, 2, 3)],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }
