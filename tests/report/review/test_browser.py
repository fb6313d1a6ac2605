"""The page in a real browser, as people use it: from disk, with the keyboard, and with names that could break it."""

import json
import os
import shutil

import pytest

from ssd_det.main import main
from tests.report.review.case import CATEGORIES, NAMES, content_of, write_case

playwright = pytest.importorskip("playwright.sync_api", reason="the page is not tested: pip install playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the page is not tested: no Chromium is installed")

SHORT_SIDE = 400


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium has none for root
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield browser
        browser.close()


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
    """The page, opened for the first time; no word on the console and no request but to the disk is allowed."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or complaints.append(request.url))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto((folder / "page" / "index.html").as_uri())
    yield page
    context.close()
    assert complaints == []


def ids(page):
    """Of the annotations whose tiles are in the page, in their order."""
    places = page.locator("#gallery li .caption + .foot .accept").evaluate_all(
        "buttons => buttons.map((button) => button.getAttribute('aria-label'))"
    )
    return [label.removeprefix("Accept ") for label in places]


def focus_first(page):
    page.locator("#gallery li .open").first.focus()


def progress(page):
    return page.locator("#progress").inner_text()


def export(page):
    with page.expect_download() as download:
        page.click("#export")
    return json.loads(download.value.path().read_text())


def test_reviewing_from_the_first_look_to_the_final_file(page, folder, tmp_path):
    refined = folder / "refined.json"
    page.select_option("[name=sort]", "doubtful")
    assert ids(page)[:4] == ["34", "33", "32", "31"], "the lowest scores come first"
    focus_first(page)
    page.keyboard.press("r")
    page.keyboard.press("r")
    assert progress(page) == "20 shown · 0 accepted · 2 rejected · 18 undecided"
    page.keyboard.press("u")
    assert progress(page) == "20 shown · 0 accepted · 1 rejected · 19 undecided"
    page.reload()
    assert progress(page) == "20 shown · 0 accepted · 1 rejected · 19 undecided"
    page.select_option("[name=decision]", "reject")
    assert ids(page) == ["34"]
    decisions = export(page)
    assert decisions["decisions"] == {"34": "reject"}
    (tmp_path / "decisions.json").write_text(json.dumps(decisions))
    words = ["apply-review", str(refined), str(tmp_path / "decisions.json"), "--output", str(tmp_path / "final.json")]
    assert main(words) == 0
    was, final = (json.loads(path.read_text()) for path in (refined, tmp_path / "final.json"))
    assert {key for key in was if was[key] != final[key]} == {"annotations"}
    (changed,) = [pair for pair in zip(was["annotations"], final["annotations"], strict=True) if pair[0] != pair[1]]
    assert changed[1]["id"] == 34
    assert changed[1]["bbox"] == changed[0]["original_bbox"]


def test_undo_goes_back_over_a_reload(page):
    focus_first(page)
    page.keyboard.press("a")
    page.reload()
    page.keyboard.press("u")
    assert progress(page).endswith("0 accepted · 0 rejected · 20 undecided")
    page.keyboard.press("u")
    assert page.locator("#status").inner_text() == "There is nothing to undo."


def test_names_are_shown_as_text(page):
    page.select_option("[name=changed]", "")
    titles = set(page.locator("#gallery .caption strong").all_inner_texts())
    assert titles == set(CATEGORIES)
    options = page.locator("[name=category] option").all_inner_texts()
    assert options == ["all", *CATEGORIES]
    page.check("[value=images]", force=True)
    assert set(NAMES) <= set(page.locator("#gallery .caption strong").all_inner_texts())
    assert page.locator("#gallery i, #gallery script").count() == 0


def test_every_picture_loads_and_a_missing_image_is_said_to_be(page, folder):
    loaded = page.evaluate(
        """Promise.all([...document.querySelectorAll("image")].map((image) => new Promise((resolve) => {
             const picture = new Image();
             picture.onload = () => resolve(true);
             picture.onerror = () => resolve(false);
             picture.src = image.href.baseVal;
           })))"""
    )
    assert len(loaded) >= 8
    assert all(loaded)
    assert set(page.locator("#gallery .missing").all_inner_texts()) == {"cannot be shown"}
    page.fill("[name=text]", "missing.png")
    page.locator("#gallery .open").first.click()
    assert page.locator("#stage .missing").inner_text() == "This image cannot be shown: there is no such file"
    assert [image["missing"] for image in content_of(folder / "page")["images"]].count(None) == 4


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("[name=text]", "16", {"16"}),
        ("[name=from]", "0.88", {"11", "12"}),
        ("[name=to]", "0.67", {"33", "34"}),
        ("[name=text]", "Ä/Ö", {"16", "17", "18", "19"}),
    ],
)
def test_filters(page, field, value, expected):
    page.fill(field, value)
    assert set(ids(page)) == expected
    page.click("[type=reset]")
    assert progress(page).startswith("20 shown")


def test_filters_by_kind(page):
    page.select_option("[name=category]", label=CATEGORIES[1])
    assert all(int(key) % 2 for key in ids(page))
    page.click("[type=reset]")
    page.select_option("[name=changed]", "no")
    assert page.locator("#gallery .verdict").all_inner_texts() == ["as it was"] * 5
    assert ids(page) == []
    page.select_option("[name=size]", "large")
    assert page.locator("#empty").is_visible()


def test_keys_move_open_and_close(page):
    focus_first(page)
    first, second = ids(page)[:2]
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.closest('li').dataset.place") == "1"
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    assert page.locator("#facts dd").first.inner_text() == first
    close_by = page.locator("#stage svg").get_attribute("viewBox")
    page.keyboard.press("z")
    assert page.locator("#stage svg").get_attribute("viewBox") == "0 0 80 60" != close_by
    page.keyboard.press("ArrowRight")
    assert page.locator("#facts dd").first.inner_text() == second
    page.keyboard.press("a")
    assert page.locator("#facts dd").first.inner_text() == ids(page)[2], "a decision goes on to the next"
    page.keyboard.press("Escape")
    assert page.locator("#viewer").is_hidden()
    page.wait_for_function("document.activeElement.closest('li')?.dataset.place === '2'")
    assert export(page)["decisions"] == {second: "accept"}
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()


def test_windows_on_the_same_file_share_their_decisions(page):
    other = page.context.new_page()
    other.goto(page.url)
    focus_first(page)
    page.keyboard.press("r")
    other.wait_for_function("document.getElementById('progress').textContent.includes('1 rejected')")
    focus_first(other)
    other.keyboard.press("ArrowRight")
    other.keyboard.press("a")
    page.wait_for_function("document.getElementById('progress').textContent.includes('1 accepted')")
    page.reload()
    assert "1 accepted · 1 rejected" in progress(page)


def test_what_is_out_of_sight_is_not_decided(page):
    page.set_viewport_size({"width": 600, "height": 700})
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_function("document.querySelectorAll('#gallery li').length > 0 && scrollY > 500")
    page.keyboard.press("r")
    assert " 0 rejected" in progress(page)
    assert page.locator("#status").inner_text() == "This is the current box now: press again."
    page.keyboard.press("r")
    assert " 1 rejected" in progress(page)


def test_a_key_that_is_held_decides_once(page):
    focus_first(page)
    page.keyboard.down("a")
    page.keyboard.down("a")  # a repetition, until it is let up
    assert " 1 accepted" in progress(page)


def test_another_width_keeps_the_focus_where_it_was(page):
    focus_first(page)
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    page.set_viewport_size({"width": 700, "height": 600})
    page.wait_for_function("document.activeElement.closest('li')?.dataset.place === '9'")
    tile, bar = page.locator("#gallery li.current").bounding_box(), page.locator("#bar").bounding_box()
    assert tile["y"] >= min(bar["y"] + bar["height"], 600) or bar["y"] < 0
    assert tile["y"] < 600


def test_hidden_boxes_are_seen_in_the_legend(page):
    focus_first(page)
    page.keyboard.press("b")
    assert not page.is_checked("#show-refined")
    assert page.locator("#gallery rect.refined").first.is_hidden()
    page.keyboard.press("b")
    assert page.is_checked("#show-refined")
    assert page.locator("#gallery rect.refined").first.is_visible()


def test_what_the_browser_kept_may_be_spoiled(page):
    key = page.evaluate("`ssd-det review ${window.content.file.sha256}`")
    page.evaluate("key => localStorage.setItem(key, 'null')", key)
    page.reload()
    focus_first(page)
    page.keyboard.press("r")
    assert " 1 rejected" in progress(page)


def test_letters_can_be_switched_off(page):
    page.click("#open-help")
    page.uncheck("#shortcuts")
    page.keyboard.press("Escape")
    page.reload()
    focus_first(page)
    page.keyboard.press("r")
    assert " 0 rejected" in progress(page)


def test_an_image_is_decided_as_a_whole_and_undone_in_one_step(page):
    page.check("[value=images]", force=True)
    focus_first(page)
    page.keyboard.press("r")
    assert progress(page) == "5 shown · 0 accepted · 4 rejected · 16 undecided"
    page.keyboard.press("u")
    assert progress(page) == "5 shown · 0 accepted · 0 rejected · 20 undecided"


def test_decisions_are_loaded_and_those_of_another_file_refused(page, tmp_path):
    focus_first(page)
    page.keyboard.press("r")
    decisions = export(page)
    page.keyboard.press("u")
    path = tmp_path / "decisions.json"
    for content, complaint in (
        ({**decisions, "sha256": "0"}, "The decisions were made on another file"),
        ({**decisions, "decisions": {"999": "reject"}}, "Annotation 999 is not among the refined ones"),
        ({**decisions, "decisions": {"11": None}}, "The decision on annotation 11 is neither accept nor reject"),
        ({"decisions": {}}, "The file holds no decisions"),
        ([], "The file holds no decisions"),
    ):
        path.write_text(json.dumps(content))
        page.set_input_files("#load", path)
        page.wait_for_function("text => document.getElementById('banner').textContent.startsWith(text)", arg=complaint)
        assert " 0 rejected" in progress(page)
    path.write_text(json.dumps(decisions))
    page.set_input_files("#load", path)
    page.wait_for_function("document.getElementById('progress').textContent.includes('1 rejected')")
    assert page.locator("#banner").is_hidden()


def test_a_narrow_page_does_not_scroll_sideways(page):
    page.set_viewport_size({"width": SHORT_SIDE, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == SHORT_SIDE
    focus_first(page)
    page.keyboard.press("Enter")
    box = page.locator("#viewer").bounding_box()
    assert (box["x"], box["width"]) == (0, SHORT_SIDE)
