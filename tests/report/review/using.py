"""What people see and do on the page."""

import json
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from ssd_det.main import main

in_each_browser = pytest.mark.parametrize("browser", ["chromium", "firefox"], indirect=True)
NETWORK = ("http:", "https:", "ws:", "wss:")


def is_missing(url):
    """Whether an address is of a file that is not there; a picture may be given up while the page closes."""
    return url.startswith("file:") and not Path(url2pathname(urlsplit(url).path)).exists()


def new_page(browser, **settings):
    """A page in a context of its own, which waits as long as it takes."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **settings})
    context.set_default_timeout(0)
    return context.new_page()


@contextmanager
def opened(browser, folder):
    """A page, opened for the first time; no message on the console and no request to a network is allowed."""
    page = new_page(browser)
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: is_missing(request.url) and complaints.append(f"{request.url} is missing"))
    page.on("request", lambda request: request.url.startswith(NETWORK) and complaints.append(request.url))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto((folder / "index.html").as_uri())
    yield page
    page.context.close()
    assert complaints == [], complaints  # pytest does not rewrite the asserts of this module


def ids(page):
    """Those of the annotations whose tiles are in the page, in their order."""
    labels = page.locator("#gallery li .caption + .foot .accept").evaluate_all(
        "buttons => buttons.map((button) => button.getAttribute('aria-label'))"
    )
    return [label.removeprefix("Accept ") for label in labels]


def focus_first(page):
    page.locator("#gallery li .open").first.focus()


def progress(page):
    return page.locator("#progress").inner_text()


def export(page, opened=None):
    """What the page exports; ``opened`` is the annotation that is open large, and is so afterwards."""
    if opened is not None:
        page.evaluate("document.getElementById('viewer').close()")
    with page.expect_download() as download:
        page.click("#export")
    if opened is not None:
        open_large(page, opened)
    return json.loads(download.value.path().read_text())


def load(page, decisions, folder):
    """Load decisions from a file."""
    path = folder / "load.json"
    path.write_text(json.dumps(decisions))
    page.set_input_files("#load", path)


def apply(annotations, decisions, folder):
    """The content of the final file that decisions lead to."""
    (folder / "decisions.json").write_text(json.dumps(decisions))
    words = [str(annotations), str(folder / "decisions.json"), "--output", str(folder / "final.json")]
    assert main(["apply-review", *words]) == 0
    return json.loads((folder / "final.json").read_text())


def open_large(page, key):
    """Open an annotation in the large view, with all others in the grid, in the order of the file."""
    page.evaluate(
        """key => {
             const sort = document.querySelector("[name=sort]");
             if (sort.value !== "file") {
               sort.value = "file";
               sort.dispatchEvent(new Event("input", { bubbles: true }));
             }
             const caption = [...document.querySelectorAll("#gallery .id")].find((id) => id.textContent === `#${key}`);
             caption.closest("li").querySelector(".open").click();
           }""",
        key,
    )


def screen_point(page, x, y):
    """Where a point of the image is on the screen, in the large view."""
    return page.evaluate(
        """([x, y]) => {
             const point = new DOMPoint(x, y).matrixTransform(document.querySelector("#stage svg").getScreenCTM());
             return [point.x, point.y];
           }""",
        [x, y],
    )


def drag(page, start, shift):
    """Drag with the mouse from a point of the image by a shift, in pixels of the image."""
    page.mouse.move(*screen_point(page, *start))
    page.mouse.down()
    page.mouse.move(*screen_point(page, start[0] + shift[0] / 2, start[1] + shift[1] / 2))
    page.mouse.move(*screen_point(page, start[0] + shift[0], start[1] + shift[1]))
    page.mouse.up()
