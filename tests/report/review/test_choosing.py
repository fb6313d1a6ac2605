"""The page of boxes to check that ``ssd-det choose-boxes`` writes, before any training."""

import json

import pytest

from ssd_det.main import main
from tests.report.review.case import content_of, write_case
from tests.report.review.using import apply, drag, export, load, new_page, open_large, progress


@pytest.fixture
def noisy(tmp_path):
    """Twelve boxes in three images, none of them refined; the last image is missing."""
    path = write_case(tmp_path, images=3, each=4)
    content = json.loads(path.read_text())
    for entry in content["annotations"]:
        for key in ("original_bbox", "refine_score", "refine_iou"):
            entry.pop(key, None)
    path.write_text(json.dumps(content))
    return path


def change(path, position, **changes):
    content = json.loads(path.read_text())
    content["annotations"][position] |= changes
    path.write_text(json.dumps(content))


def choose(annotations, *words):
    root, output = annotations.parent / "images", annotations.parent / "check"
    return main(["choose-boxes", str(annotations), "--image_root", str(root), "--output", str(output), *words]), output


def test_the_page_has_the_chosen_boxes_and_why(noisy, capsys):
    before = noisy.read_bytes()
    code, page = choose(noisy, "--count", "4")
    assert code == 0
    output = capsys.readouterr()
    assert "a page to check 4 boxes on" in output.out
    assert "2 at random, 2 spread." in output.out
    assert "1 of 3 images do not exist: no boxes of them are chosen" in output.err
    content = content_of(page)
    assert (content["title"], content["choosing"]) == ("Boxes to check", True)
    reasons = [entry["chosen"] for entry in content["objects"]]
    assert len(reasons) == 4
    assert reasons.count("at random") == 2
    assert all(reason.startswith("small ") for reason in reasons if reason != "at random")
    assert {int(entry["id"]) for entry in content["objects"]} <= set(range(10, 18))
    assert noisy.read_bytes() == before


def test_another_seed_chooses_others(noisy):
    pages = [choose(noisy, "--count", "3", "--seed", seed, "--overwrite")[1] for seed in ("0",)]
    first = [entry["id"] for entry in content_of(pages[0])["objects"]]
    others = []
    for seed in ("0", "1", "2"):
        choose(noisy, "--count", "3", "--seed", seed, "--overwrite")
        others.append([entry["id"] for entry in content_of(pages[0])["objects"]])
    assert others[0] == first
    assert others[1:] != [first, first]


def test_boxes_that_refining_moved_most_are_chosen(noisy):
    change(noisy, 5, original_bbox=[40, 10, 20, 30])
    seen = set()
    for seed in range(3):
        _, page = choose(noisy, "--count", "4", "--seed", str(seed), "--overwrite")
        seen |= {(entry["id"], entry["chosen"]) for entry in content_of(page)["objects"]}
    assert ("15", "moved far: IoU 0.00") in seen


def test_trusted_and_unusable_boxes_are_not_chosen(noisy, capsys):
    change(noisy, 0, trusted=True)
    change(noisy, 1, iscrowd=1)
    change(noisy, 2, bbox=[8, 10, 0, 30])
    change(noisy, 3, bbox=[90, 10, 20, 30])
    code, page = choose(noisy, "--count", "100")
    assert code == 0
    assert {entry["id"] for entry in content_of(page)["objects"]} == {"14", "15", "16", "17"}
    for position in range(4, 8):
        change(noisy, position, trusted=True)
    code, _ = choose(noisy, "--overwrite")
    assert code == 2
    assert "has no box to check" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--count", "0"], "count is 0: give a number from 1 up"), (["--image_root", "nowhere"], "nowhere")],
)
def test_what_does_not_fit_is_refused(noisy, capsys, words, message):
    code, page = choose(noisy, *words)
    assert code == 2
    assert message in capsys.readouterr().err
    assert not page.exists()


def test_ids_that_a_browser_rounds_come_back_whole(noisy, browser, tmp_path):
    key = 2**53 + 1
    change(noisy, 0, id=key)
    _, folder = choose(noisy, "--count", "12")
    page = new_page(browser)
    page.goto((folder / "index.html").as_uri())
    page.fill("[name=text]", f"#{key}")
    page.locator("#gallery .open").first.focus()
    page.keyboard.press("t")
    exported = export(page)
    page.keyboard.press("u")
    load(page, exported, tmp_path)
    page.wait_for_function("document.getElementById('progress').textContent.includes('1 trusted')")
    again = export(page)
    page.context.close()
    assert [entry["id"] for entry in exported["annotations"]] == [key]
    assert again == exported
    (trusted,) = [entry for entry in apply(noisy, again, tmp_path)["annotations"] if "trusted" in entry]
    assert trusted["id"] == key


def test_boxes_that_the_file_trusts_are_marked_and_not_asked_for(tmp_path, browser):
    refined = write_case(tmp_path)
    for position in (4, 5):
        change(refined, position, trusted=True)
    words = ["--image_root", str(tmp_path / "images"), "--output", str(tmp_path / "page")]
    assert main(["report", str(refined), *words]) == 0
    page = new_page(browser)
    page.goto((tmp_path / "page" / "index.html").as_uri())
    verdicts = page.locator("#gallery .verdict").all_inner_texts()
    left = progress(page)
    page.context.close()
    assert sorted(verdicts) == ["", "", "", "", "☆ trusted", "☆ trusted"]
    assert left == "6 shown · 0 accepted · 0 rejected · 4 undecided"


def test_checking_from_the_first_look_to_the_final_file(noisy, browser, tmp_path):
    _, folder = choose(noisy, "--count", "6")
    page = new_page(browser)
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((folder / "index.html").as_uri())
    assert progress(page) == "6 shown · 0 trusted · 6 to check"
    assert page.locator("#gallery .accept, #gallery .reject").count() == 0
    keys = [entry["id"] for entry in content_of(folder)["objects"]]
    open_large(page, keys[0])
    assert page.locator("#decide").is_hidden()
    page.keyboard.press("t")
    page.keyboard.press("1")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    page.keyboard.press("z")  # the whole image
    for start, shift in (((8, 25), (-3, 0)), ((28, 40), (4, 4)), ((18, 25), (5, 5))):
        page.keyboard.press("j")
        drag(page, start, shift)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.reload()
    assert progress(page) == "6 shown · 5 trusted · 1 to check"
    page.click("[type=reset]")
    assert progress(page) == "6 shown · 5 trusted · 1 to check"
    exported = export(page)
    page.context.close()
    assert complaints == []
    final = apply(noisy, exported, tmp_path)
    expected = json.loads(noisy.read_text())
    boxes = [[8, 10, 20, 30], [7, 10, 21, 30], [5, 10, 23, 30], [8, 10, 24, 34], [13, 15, 20, 30]]
    for key, box in zip(keys, boxes, strict=False):
        (entry,) = [entry for entry in expected["annotations"] if entry["id"] == int(key)]
        entry |= {"bbox": pytest.approx(box, abs=0.3), "original_bbox": [8, 10, 20, 30], "trusted": True}
        if "area" in entry:
            entry["area"] = pytest.approx(box[2] * box[3], rel=0.05)
    assert final == expected
    again = ["correct-annotations", str(noisy), "--trusted", str(tmp_path / "decisions.json")]
    assert main([*again, "--output", str(tmp_path / "corrected.json")]) == 0
    corrected = json.loads((tmp_path / "corrected.json").read_text())["annotations"]
    assert [e["bbox"] for e in corrected if "trusted" in e] == [
        e["bbox"] for e in final["annotations"] if "trusted" in e
    ]
