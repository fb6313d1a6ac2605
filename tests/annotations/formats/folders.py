"""Small YOLO and Pascal VOC folders as people have them."""

from PIL import Image

SIZES = {"a": (40, 30), "b": (64, 48), "c d": (50, 20)}

# Line ends, blanks, columns and decimals as different tools write them.
LABELS = {
    "a": b"\xef\xbb\xbf1 0.5 0.5 0.25 0.5\r\n\r\n0  0.312500\t0.25 .25 2.5e-1 0.93 \r\n",
    "b": b"0 0.5000000001 0.4 0.2 0.2\n1 0.1 0.1 0.5 0.1 0.4 0.6\n1 0.7 0.7 0.2 0.3",
}

XML = """<?xml version="1.0" encoding="{encoding}"?>
<!-- drawn by hand -->
<annotation verified="yes"><folder>x</folder>
\t<object><part><name>head</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></part>
\t<bndbox><ymax>25</ymax><!-- low --><xmin> 5 </xmin><ymin>
6</ymin><xmax>20</xmax></bndbox><name>Käfer</name><difficult>0</difficult><truncated>1</truncated></object>
  <object><name>dog</name><bndbox><xmin>3.50</xmin><ymin>4</ymin><xmax>9.25</xmax><ymax>8</ymax></bndbox></object>
  <object><name>dog</name><difficult>1</difficult>
    <bndbox><xmin>2</xmin><ymin>2</ymin><xmax>8</xmax><ymax>9</ymax></bndbox></object>
  <size><width>40</width><height>30</height><depth>3</depth></size><filename>{name}</filename></annotation>
"""


def make_yolo(root, yaml="train: images\nnames: [cat, no]  # two\n", labels=None):
    """Write a YOLO folder with three images, one of them without a label file."""
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    (root / "data.yaml").write_text(yaml)
    for name, size in SIZES.items():
        Image.new("RGB", size).save(root / "images" / f"{name}.png")
    for name, content in (LABELS if labels is None else labels).items():
        (root / "labels" / f"{name}.txt").write_bytes(content)
    return root


def make_voc(root, encodings=("utf-8", "iso-8859-1", "utf-16")):
    """Write a Pascal VOC folder, every xml file in another encoding."""
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    for number, encoding in enumerate(encodings):
        text = XML.format(encoding=encoding, name=f"{number}.png")
        (root / "Annotations" / f"{number}.xml").write_bytes(text.encode(encoding))
        Image.new("RGB", (40, 30)).save(root / "JPEGImages" / f"{number}.png")
    (root / "ImageSets" / "Main" / "all.txt").write_text("0\n1\n2\n")
    return root


def contents(folder):
    """The bytes of every file below a folder, by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
