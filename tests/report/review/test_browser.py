"""What the page shows in a real browser: with names that could break it, filters, keys and any width."""

import pytest

from tests.report.review.case import CATEGORIES, NAMES, content_of
from tests.report.review.using import export, focus_first, ids, progress

SHORT_SIDE = 400


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
    assert page.locator("#stage .missing").inner_text() == "This image cannot be shown: the file does not exist"
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
    page.wait_for_function("document.getElementById('progress').textContent.startsWith('20 shown')")


def test_sizes_are_those_of_coco(page):
    options = page.locator("[name=size] option")
    assert options.all_inner_texts() == ["all", "small, below 32² px", "medium", "large, from 96² px"]
    for size, shown in (("small", 20), ("medium", 0), ("large", 0), ("", 20)):  # of 20 x 30 pixels
        page.select_option("[name=size]", size)
        assert progress(page).startswith(f"{shown} shown")


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
    assert page.evaluate("document.activeElement.closest('li').dataset.index") == "1"
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
    page.wait_for_function("document.activeElement.closest('li')?.dataset.index === '2'")
    assert export(page)["decisions"] == {second: "accept"}
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()


def test_another_width_keeps_the_focus_where_it_was(page):
    focus_first(page)
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    page.set_viewport_size({"width": 700, "height": 600})
    page.wait_for_function("document.activeElement.closest('li')?.dataset.index === '9'")
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


def test_a_narrow_page_does_not_scroll_sideways(page):
    page.set_viewport_size({"width": SHORT_SIDE, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == SHORT_SIDE
    focus_first(page)
    page.keyboard.press("Enter")
    box = page.locator("#viewer").bounding_box()
    assert (box["x"], box["width"]) == (0, SHORT_SIDE)
