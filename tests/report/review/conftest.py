"""The page in a real browser, opened from disk."""

import os
import shlex
import shutil
import sys

import pytest

from ssd_det.main import main
from tests.report.review import firefox_for_playwright
from tests.report.review.case import write_case

PROGRAMS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "firefox": ("firefox-esr", "firefox"),
}
GIVEN_UP = "net::ERR_ABORTED"  # a picture that is still to come when the page closes, or is drawn anew


def said_of(request):
    return f"{request.url} {request.failure}"


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
    """The page, opened for the first time; no message on the console is allowed, and no request but to the disk."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(0)
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: request.failure == GIVEN_UP or complaints.append(said_of(request)))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or complaints.append(request.url))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto((folder / "page" / "index.html").as_uri())
    yield page
    context.close()
    assert complaints == []
