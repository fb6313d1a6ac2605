"""What the pages say of the code, and of the paper."""

import re

import yaml

from ssd_det.doctor.faults import KINDS
from tests.docs.pages import PAGES, ROOT

EXAMPLES = {  # of what somebody might write
    "ssd_det/losses/spread.py",
    "tests/losses/test_spread.py",
    "ssd_det/annotations/formats/NAME.py",
    "ssd_det/annotations/formats/NAME_export.py",
}
CODE = re.compile(r"`((?:ssd_det|tests|benchmarks|configs)/[\w/.]+)`")


def test_every_fault_of_the_doctor_is_documented():
    text = (ROOT / "docs" / "annotations.md").read_text()
    assert [kind for kind in KINDS if f"`{kind}`" not in text] == []


def test_the_citation_names_the_paper_that_the_readme_names():
    (paper,) = yaml.safe_load((ROOT / "CITATION.cff").read_text())["references"]
    assert paper["title"] in " ".join((ROOT / "README.md").read_text().split())
    assert all(author["family-names"] in (ROOT / "README.md").read_text() for author in paper["authors"])


def test_code_that_the_pages_name_exists():
    named = {name for page in PAGES for name in CODE.findall(page.read_text())}
    assert {name for name in named - EXAMPLES if not (ROOT / name).exists()} == set()
