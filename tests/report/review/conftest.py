"""The page in a real browser, opened from disk."""

import os
import shlex
import shutil
import sys

import pytest

from ssd_det.main import main
from tests.report.review import firefox_for_playwright
from tests.report.review.case import write_case
from tests.report.review.using import opened

PROGRAMS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "firefox": ("firefox-esr", "firefox"),
}


@pytest.fixture(scope="module")
def browser(request, tmp_path_factory):
    """The Chromium that is installed, or Firefox for tests that are parametrised with it; see ``in_each_browser``."""
    name = getattr(request, "param", "chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="the page is not tested: pip install playwright")
    program = next(filter(None, map(shutil.which, PROGRAMS[name])), None)
    if program is None:
        pytest.skip(f"the page is not tested in {name.title()}: none is installed")
    with playwright.sync_playwright() as driver:
        if name == "chromium":
            sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium has none for root
            browser = driver.chromium.launch(executable_path=program, args=sandbox, timeout=0)
        else:
            pytest.importorskip("aiohttp", reason="the page is not tested in Firefox: pip install aiohttp")
            starter = _starter(program, tmp_path_factory.mktemp("firefox"))
            browser = driver.firefox.launch(channel="moz-firefox", executable_path=starter, timeout=0)
        yield browser
        browser.close()


def _starter(firefox, folder):
    """A program that starts Firefox so that Playwright can drive it."""
    path = folder / "firefox"
    words = [sys.executable, "-P", firefox_for_playwright.__file__, firefox]
    path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    path.chmod(0o700)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A refined file of five images with five annotations each, and its page."""
    folder = tmp_path_factory.mktemp("review")
    refined = write_case(folder, images=5, each=5, with_truth=True)
    words = ["--image_root", str(folder / "images"), "--output", str(folder / "page")]
    assert main(["report", str(refined), *words]) == 0
    return folder


@pytest.fixture
def page(browser, folder):
    """The page, opened for the first time."""
    with opened(browser, folder / "page") as page:
        yield page
