"""What the pages say about the code, and about the paper."""

import re

import yaml

from ssd_det.doctor.faults import KINDS
from tests.docs.pages import PAGES, ROOT
from tests.test_layout import ROWS

EXAMPLES = {  # of what somebody might write
    "ssd_det/losses/spread.py",
    "tests/losses/test_spread.py",
    "ssd_det/annotations/formats/NAME.py",
}
CODE = re.compile(r"`((?:ssd_det|tests|benchmarks|configs)/[\w/.]+)`")
FILE = re.compile(r"`(\w+\.(?:py|js|html))`")
IDENTIFIER = re.compile(r"`(?:\w+\.)?(_?[A-Za-z]\w*)`")
NEW = {"corner", "spread", "retinanet_v2"}  # what the recipes add
SOURCES = ("ssd_det/**/*.py", "ssd_det/**/*.js", "tests/**/*.py", "docs/hooks/*.py", "configs/*.yaml")


def test_every_fault_of_the_doctor_is_documented_with_its_severity_and_whether_it_is_fixed():
    text = (ROOT / "docs" / "annotations.md").read_text()
    rows = dict(re.findall(r"^\| (error|warning|note) \| (.*) \|$", text, re.MULTILINE))
    documented = {(kind, severity, bool(star)) for severity in rows for kind, star in faults_in(rows[severity])}
    assert documented == {(name, str(kind.severity), kind.fixable) for name, kind in KINDS.items()}


def faults_in(cell):
    """The kinds in a cell of the table, and the stars of those that are fixed."""
    return re.findall(r"`([\w-]+)`(\*?)", cell)


def test_the_citation_names_the_paper_that_the_readme_names():
    (paper,) = yaml.safe_load((ROOT / "CITATION.cff").read_text())["references"]
    assert paper["title"] in " ".join((ROOT / "README.md").read_text().split())
    assert all(author["family-names"] in (ROOT / "README.md").read_text() for author in paper["authors"])


def test_code_that_the_pages_name_exists():
    named = {name for page in PAGES for name in CODE.findall(page.read_text())}
    assert {name for name in named - EXAMPLES if not (ROOT / name).exists()} == set()


def extending():
    return (ROOT / "docs" / "extending.md").read_text()


def test_the_map_has_every_room_from_the_lowest_to_the_highest():
    rows = [re.findall(r"`([\w/]+)`", cell) for cell in re.findall(r"^\| (`.*?) \|", extending(), re.MULTILINE)]
    rooms = [{room.replace("/", ".") for room in row} for row in rows]
    assert rooms == [set(row) for row in ROWS if row != ("__main__",)]


def test_files_that_recipes_and_journeys_name_exist():
    existing = {path.name for folder in ("ssd_det", "tests") for path in (ROOT / folder).rglob("*")}
    assert set(FILE.findall(extending())) - existing == set()


def test_names_in_recipes_and_journeys_are_in_the_code():
    words = {
        word for pattern in SOURCES for path in ROOT.glob(pattern) for word in re.findall(r"\w+", path.read_text())
    }
    assert set(IDENTIFIER.findall(extending())) - NEW - words == set()
