#!/bin/bash
# Pillow 13.0.0 scrambles the pixels of an uncompressed grey TIFF with orientation 5 to 8 that is opened by its name: it maps the
# file into memory with the width of the turned picture in place of the stored one. Opened as a stream, the same bytes come out right,
# and so does RGB, which is not mapped. That is why ssd-det opens image files as streams.
#
# Seen, of 4 by 3 stored pixels 0 to 11 with orientation 6: as a stream 3 by 4, rows 8 4 0, 9 5 1, 10 6 2, 11 7 3; by name size
# (3, 4) until it is loaded, then (4, 3), rows 9 6 3 0, 10 7 4 1, 11 8 5 2.
#
# Run by hand: it needs a package index. It ends with an error where the behaviour is another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pillow==13.0.0
cd "$folder"
venv/bin/python - <<'PYTHON'
from io import BytesIO
from pathlib import Path

from PIL import ExifTags, Image


def pixels(file):
    with Image.open(file) as image:
        before = image.size
        image.load()
        return before, image.size, list(image.tobytes())


exif = Image.Exif()
exif[ExifTags.Base.Orientation] = 6
Image.frombytes("L", (4, 3), bytes(range(12))).save("a.tif", exif=exif)
by_name, as_stream = pixels("a.tif"), pixels(BytesIO(Path("a.tif").read_bytes()))
print(by_name, as_stream)
assert as_stream == ((3, 4), (3, 4), [8, 4, 0, 9, 5, 1, 10, 6, 2, 11, 7, 3])
assert by_name == ((3, 4), (4, 3), [9, 6, 3, 0, 10, 7, 4, 1, 11, 8, 5, 2])
Image.frombytes("RGB", (4, 3), bytes(range(36))).save("b.tif", exif=exif)
assert pixels("b.tif") == pixels(BytesIO(Path("b.tif").read_bytes()))
PYTHON
