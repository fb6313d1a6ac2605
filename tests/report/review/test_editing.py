"""Correcting boxes on the page in a real browser: by mouse, touch and keys, and from there into the final file."""

import json

import pytest

from ssd_det.main import main
from tests.report.review.using import (
    apply,
    drag,
    export,
    ids,
    in_each_browser,
    load,
    new_page,
    open_large,
    progress,
    screen_point,
)

pytestmark = in_each_browser
NUMBERS = "#numbers"


def boxes_of(exported):
    return {entry["id"]: entry["bbox"] for entry in exported["annotations"]}


@pytest.mark.parametrize(
    ("start", "shift", "expected"),
    [
        ((8, 25), (-3, 5), [5, 10, 23, 30]),  # the left side
        ((28, 25), (4, 0), [8, 10, 24, 30]),  # the right side
        ((18, 10), (9, 3), [8, 13, 20, 27]),  # the top
        ((18, 40), (0, -5), [8, 10, 20, 25]),  # the bottom
        ((28, 40), (6, 8), [8, 10, 26, 38]),  # a corner
        ((18, 25), (-2, 7), [6, 17, 20, 30]),  # all of it
        ((18, 25), (-19, 42), [0, 30, 20, 30]),  # no further than the image
        ((8, 25), (40, 0), [27, 10, 1, 30]),  # no smaller than a pixel
    ],
)
def test_sides_corners_and_the_whole_box_are_dragged(page, start, shift, expected):
    open_large(page, "12")
    page.keyboard.press("z")  # the whole image
    drag(page, start, shift)
    assert boxes_of(export(page, "12")) == {12: pytest.approx(expected, abs=0.3)}
    assert " 1 trusted" in progress(page)


def test_a_click_corrects_nothing(page):
    open_large(page, "12")
    drag(page, (8, 25), (0, 0))
    assert page.locator("[data-part=left]").get_attribute("aria-pressed") == "true", "arrows move this side now"
    assert " trusted" not in progress(page)


def test_boxes_that_are_hidden_are_not_dragged(page):
    open_large(page, "12")
    assert page.locator("#stage .handle").first.is_visible()
    page.keyboard.press("b")
    assert page.locator("#stage .handle").first.is_hidden()
    drag(page, (8, 25), (-3, 5))
    page.keyboard.press("b")
    assert " trusted" not in progress(page)


def test_arrow_keys_move_by_a_pixel_and_shift_by_ten(page):
    open_large(page, "12")
    page.keyboard.press("e")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    assert page.locator(NUMBERS).inner_text() == "left 9, top 20, width 20, height 30 px"
    assert page.locator(NUMBERS).get_attribute("aria-live") == "polite"
    for key, arrow in (("1", "ArrowLeft"), ("2", "ArrowUp"), ("3", "ArrowRight"), ("4", "Shift+ArrowUp")):
        page.keyboard.press(key)
        page.keyboard.press(arrow)
    assert page.locator(NUMBERS).inner_text() == "left 8, top 19, width 22, height 21 px"
    page.keyboard.press("4")
    page.keyboard.press("ArrowLeft")  # the bottom does not go there
    assert page.locator(NUMBERS).inner_text() == "left 8, top 19, width 22, height 21 px"
    page.keyboard.press("Escape")
    assert page.locator("#viewer").is_visible(), "the first ends editing"
    page.keyboard.press("ArrowRight")
    assert page.locator("#facts dd").first.inner_text() != "12", "and arrows go on to other boxes"
    page.keyboard.press("Escape")
    assert boxes_of(export(page)) == {12: [8, 19, 22, 21]}


def test_another_box_is_not_moved_by_the_arrow_that_was_meant_for_the_last(page):
    open_large(page, "12")
    page.keyboard.press("e")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    assert " 1 trusted" in progress(page)


def test_undo_takes_corrections_back_one_by_one(page):
    open_large(page, "12")
    page.keyboard.press("r")
    page.keyboard.press("k")
    page.keyboard.press("e")
    page.keyboard.press("ArrowLeft")
    page.keyboard.down("ArrowDown")
    page.keyboard.down("ArrowDown")  # a repetition, until it is let up
    page.keyboard.up("ArrowDown")
    numbers = page.locator(NUMBERS)
    assert numbers.inner_text() == "left 9, top 12, width 20, height 30 px", "from the box that a rejection leaves"
    page.keyboard.press("u")
    assert numbers.inner_text() == "left 9, top 10, width 20, height 30 px", "a key that was held is one step"
    page.keyboard.press("u")
    assert page.locator("#verdict").inner_text() == "✕ rejected"
    page.keyboard.press("u")
    assert page.locator("#verdict").inner_text() == "not decided"


def test_right_as_it_is_trusts_the_box_that_is_shown(page):
    open_large(page, "12")
    page.click("[data-action=trust] >> visible=true")
    assert page.locator("#facts dd").first.inner_text() != "12", "and goes on"
    page.keyboard.press("k")
    assert page.locator("#verdict").inner_text() == "★ trusted, right as it is"
    assert boxes_of(export(page, "12")) == {12: [8, 10, 20, 30]}
    page.keyboard.press("r")
    page.keyboard.press("k")
    page.keyboard.press("t")
    assert boxes_of(export(page, "12")) == {12: [10, 10, 20, 30]}, "the original one, once the refined one is rejected"


def test_boxes_that_were_not_refined_can_be_trusted_but_not_rejected(page):
    page.select_option("[name=changed]", "no")
    page.locator("#gallery .open").first.focus()
    page.keyboard.press("r")  # which only goes on
    page.keyboard.press("t")
    assert page.locator("#gallery .verdict").all_inner_texts() == ["as it was", "★ trusted", *["as it was"] * 3]
    page.select_option("[name=changed]", "")
    page.select_option("[name=decision]", "trust")
    assert page.locator("#gallery rect.trusted.line").count() == 1


def test_accepting_keeps_a_correction(page):
    open_large(page, "12")
    page.keyboard.press("e")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    page.check("[value=images]", force=True)
    page.fill("[name=text]", "ein")
    page.fill("[name=text]", "")
    assert " 0 accepted · 0 rejected · 1 trusted" in progress(page)
    page.locator("#gallery .reject").first.click()
    page.locator("#gallery .reject").last.click()
    assert " 1 trusted" in progress(page), "rejecting all boxes of an image as well"


def test_a_finger_moves_sides(browser, folder):
    if browser.browser_type.name != "chromium":
        pytest.skip("Playwright moves fingers in Chromium only")
    page = new_page(browser, viewport={"width": 400, "height": 800}, has_touch=True)
    page.goto((folder / "page" / "index.html").as_uri())
    open_large(page, "12")
    x, y = screen_point(page, 8, 25)
    fingers = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [{"x": x - 15, "y": y}]),  # a finger is less exact than a mouse
        ("touchMove", [{"x": x - 15 + 20 * step, "y": y} for step in (1,)]),
        ("touchMove", [{"x": x + 45, "y": y}]),
        ("touchEnd", []),
    ):
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    left, top, width, height = boxes_of(export(page, "12"))[12]
    assert (top, height) == (10, 30)
    assert left > 9
    assert left + width == pytest.approx(28)
    page.context.close()


def test_zoom_shows_more_and_less_of_the_image(page):
    open_large(page, "12")
    svg = page.locator("#stage svg")
    close_by = [float(value) for value in svg.get_attribute("viewBox").split()]
    page.keyboard.press("+")
    closer = [float(value) for value in svg.get_attribute("viewBox").split()]
    assert closer[2] == pytest.approx(close_by[2] / 1.5)
    drag(page, (18, 25), (1, 0))
    assert [float(value) for value in svg.get_attribute("viewBox").split()] == closer, "a correction leaves it"
    for _ in range(9):
        page.keyboard.press("-")
    assert [float(value) for value in svg.get_attribute("viewBox").split()][2] >= 80
    page.mouse.move(*screen_point(page, 20, 20))
    page.mouse.wheel(0, -300)
    page.wait_for_function("document.querySelector('#stage svg').viewBox.baseVal.width < 80")


def test_from_the_first_correction_to_the_final_file(page, folder, tmp_path):
    refined = folder / "refined.json"
    for key, start, shift in (("12", (8, 25), (-3, 0)), ("13", (28, 40), (4, 4)), ("14", (18, 25), (5, 5))):
        open_large(page, key)
        page.keyboard.press("z")
        drag(page, start, shift)
        page.keyboard.press("z")
        page.keyboard.press("Escape")
    open_large(page, "16")
    page.keyboard.press("3")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    open_large(page, "17")
    page.keyboard.press("t")
    page.keyboard.press("r")  # the next one
    page.keyboard.press("Escape")
    page.reload()
    assert progress(page) == "20 shown · 0 accepted · 1 rejected · 5 trusted · 14 undecided"
    exported = export(page)
    (rejected,) = exported["decisions"]
    final = apply(refined, exported, tmp_path)
    was = json.loads(refined.read_text())
    assert {key for key in was if was[key] != final[key]} == {"annotations"}
    changed = {
        new["id"]: {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
        for old, new in zip(was["annotations"], final["annotations"], strict=True)
        if old != new
    }
    moved = {"bbox", "area", "trusted", "refine_score", "refine_iou"}
    assert {key: keys for key, keys in changed.items() if key != int(rejected)} == {
        **dict.fromkeys((12, 13), moved),
        14: moved - {"area"},
        16: moved,
        17: {"trusted"},
    }
    new = {entry["id"]: entry for entry in final["annotations"]}
    assert new[12]["bbox"] == pytest.approx([5, 10, 23, 30], abs=0.3)
    assert new[13]["bbox"] == pytest.approx([8, 10, 24, 34], abs=0.3)
    assert new[14]["bbox"] == pytest.approx([13, 15, 20, 30], abs=0.3)
    assert new[16]["bbox"] == [8, 10, 21, 30]
    assert new[16]["area"] == 630
    (tmp_path / "decisions.json").write_text(json.dumps(exported))
    words = ["--trusted", str(tmp_path / "decisions.json"), "--output", str(tmp_path / "corrected.json")]
    assert main(["correct-annotations", str(refined), *words]) == 0
    corrected = {e["id"]: e for e in json.loads((tmp_path / "corrected.json").read_text())["annotations"]}
    assert [key for key, entry in corrected.items() if entry.get("trusted")] == [12, 13, 14, 16, 17]
    assert corrected[16]["bbox"] == [8, 10, 21, 30]


def test_windows_on_the_same_file_share_their_corrections(page):
    other = page.context.new_page()
    other.goto(page.url)
    open_large(page, "12")
    open_large(other, "12")
    page.keyboard.press("e")
    page.keyboard.press("ArrowLeft")
    other.wait_for_function("document.getElementById('numbers').textContent.startsWith('left 7,')")
    other.keyboard.press("u")
    page.wait_for_function("document.getElementById('numbers').textContent.startsWith('left 8,')")


def test_corrections_are_loaded_and_what_does_not_fit_is_refused(page, tmp_path):
    open_large(page, "12")
    page.keyboard.press("e")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("u")
    page.keyboard.press("ArrowUp")
    exported = export(page, "12")
    page.keyboard.press("u")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    (entry,) = exported["annotations"]
    (image,) = exported["images"]
    for changes, complaint in (
        ({"annotations": [{**entry, "bbox": [90, 10, 20, 30]}]}, "The box of annotation 12 has no area in its image"),
        ({"annotations": [{**entry, "bbox": [8, 10, 0, 30]}]}, "The box of annotation 12 has no area in its image"),
        ({"annotations": [entry, entry]}, "Annotation 12 is there twice"),
        ({"decisions": {"12": "reject"}}, "Annotation 12 is there twice"),
        ({"annotations": [{**entry, "id": 99}]}, "Annotation 99 is not on this page"),
        ({"images": [{**image, "file_name": "missing.png"}]}, "Annotation 12 is of "),
        ({"categories": []}, "Annotation 12 has no image or category"),
        ({"images": None}, "The file holds no decisions"),
        ({"version": 3}, "The file is of a newer version"),
    ):
        load(page, {**exported, **changes}, tmp_path)
        page.wait_for_function("text => document.getElementById('banner').textContent.startsWith(text)", arg=complaint)
        assert " trusted" not in progress(page)
    load(page, exported, tmp_path)
    page.wait_for_function("document.getElementById('progress').textContent.includes('1 trusted')")
    assert boxes_of(export(page)) == {12: [8, 9, 20, 30]}


def test_decisions_of_the_first_version_are_still_read(page, folder, tmp_path):
    sha256 = page.evaluate("window.content.file.sha256")
    load(page, {"annotations": "refined.json", "sha256": sha256, "decisions": {"12": "reject"}}, tmp_path)
    page.wait_for_function("document.getElementById('progress').textContent.includes('1 rejected')")
    key = f"ssd-det review {sha256}"
    kept = json.dumps({"made": [["13", "accept"]], "history": [[["13", None]]]})
    page.evaluate("([key, kept]) => localStorage.setItem(key, kept)", [key, kept])
    page.reload()
    assert " 1 accepted · 0 rejected" in progress(page)
    page.keyboard.press("u")
    assert " 0 accepted · 0 rejected" in progress(page)
    assert ids(page)
