"""What people see and do on the page."""

import json


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


def export(page):
    with page.expect_download() as download:
        page.click("#export")
    return json.loads(download.value.path().read_text())
