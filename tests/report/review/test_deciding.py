"""Deciding on the page in a real browser: by keys, over reloads and windows, and from file to file."""

import json

from ssd_det.main import main
from tests.report.review.using import export, focus_first, ids, progress


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


def test_what_the_browser_kept_may_be_damaged(page):
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
