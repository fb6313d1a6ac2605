"""The site builds without a warning, its links lead somewhere, and its page of commands follows from the parsers."""

import re
from pathlib import Path

import pytest
import yaml

from ssd_det.main import COMMANDS
from ssd_det.tasks.refine import RefineTask
from tests.docs.pages import ROOT

pytest.importorskip("material", reason="the documentation is built with the extra docs: pip install 'ssd-det[docs]'")

from mkdocs.commands.build import build
from mkdocs.config import load_config

FOREIGN = re.compile(r"""<(?:script|img|link|iframe)[^>]*(?:src|href)=["']?(?:https?:)?//""")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site; a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    build(load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(folder)))
    return folder


def test_every_page_is_built(site):
    names = {page.with_suffix(".html").name for page in (ROOT / "docs").glob("*.md")}
    assert {path.name for path in site.glob("*.html")} == {*names, "commands.html", "404.html"}
    assert not (site / "hooks").exists()


def test_pages_fetch_nothing_from_elsewhere(site):
    for path in site.glob("*.html"):
        assert FOREIGN.search(path.read_text()) is None, path.name


def test_the_page_of_commands_has_every_command_and_setting(site):
    text = (site / "commands.html").read_text()
    for name in COMMANDS:
        assert f'<h2 id="{name}">' in text
    for argument in ("--min_score", "--noise_level", "--refine.config", "--data.max_objects", "--model.detector"):
        assert f"<code>{argument}</code>" in text
    for name in RefineTask().hparams.keys() - {"loss_weights"}:
        assert f"<code>--model.{name}</code>" in text
    assert "<code>--model.loss_weights.sisd</code>" in text
    assert "--trainer.max_epochs" not in text


def test_the_page_of_commands_has_types_defaults_and_what_is_required():
    from docs.hooks.commands import commands_page  # noqa: PLC0415 (needs the extra)

    rows = commands_page().splitlines()
    assert "| `--output` | text | required |" in "\n".join(row[:34] for row in rows)
    for start in (
        "| `--to` | `coco`, `yolo`, `voc` |  |",
        "| `ANNOTATIONS` | text, one or more | required |",
        "| `--average_over_scales` | list of number | `[]` |",
        "| `--model.weights` | text or `null` | `DEFAULT` |",
        "| `--overwrite` | boolean | `false` |",
        "| `--model.ratios` | list of number | `[1.0, 1.2, 1.3, 0.8, 0.7]` |",
    ):
        assert any(row.startswith(start) for row in rows), start


def test_links_of_the_pages_in_the_root_lead_somewhere(tmp_path, caplog):
    for path in (*(path for path in ROOT.iterdir() if path.is_file()), ROOT / "docs"):
        (tmp_path / path.name).symlink_to(path)
    assert broken_links(tmp_path, caplog) == []


def test_a_link_that_leads_nowhere_would_be_found(tmp_path, caplog):
    (tmp_path / "README.md").write_text("[a](docs/none.md) [b](CONTRIBUTING.md#none) [c](CONTRIBUTING.md#there)")
    (tmp_path / "CONTRIBUTING.md").write_text("## There")
    assert len(broken_links(tmp_path, caplog)) == 2


def broken_links(folder, caplog):
    """What mkdocs reports about the links of the pages in a folder, without its subfolders."""
    settings = {
        "site_name": "root",
        "docs_dir": str(folder),
        "site_dir": f"{folder}_site",
        "theme": "mkdocs",
        "plugins": [],
        "validation": yaml.load((ROOT / "mkdocs.yml").read_text(), yaml.BaseLoader)["validation"],
    }
    config = Path(f"{folder}_mkdocs.yml")
    config.write_text(yaml.safe_dump(settings))
    caplog.clear()
    build(load_config(str(config)))
    return [record.message for record in caplog.records if re.match(r"Doc file '[^/]+\.md'", record.message)]
