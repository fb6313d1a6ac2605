"""A run with trusted boxes, from the noisy file to the report, in processes of its own, two stages side by side."""

import json

import pytest

from tests.command import ssd_det

EPOCH = ["--refine.trainer.max_epochs=1", "--detect.trainer.max_epochs=1"]


def entries(path):
    return json.loads(path.read_text())["annotations"]


@pytest.fixture(scope="module")
def with_trusted(words, demo, tmp_path_factory):
    """A run with twelve trusted boxes, and what it printed."""
    run = tmp_path_factory.mktemp("runs") / "trusted"
    content = json.loads((demo / "train.json").read_text())
    content["annotations"] = content["annotations"][:12]
    path = run.parent / "trusted.json"
    path.write_text(json.dumps(content))
    result = ssd_det(*words, *EPOCH, f"--trusted={path}", "--side_by_side=2", f"--output={run}")
    assert result.returncode == 0, result.stderr
    return run, path, result.stdout


def test_trusted_boxes_are_learnt_from_kept_and_used_to_judge_all_others(with_trusted, demo):
    run, trusted, printed = with_trusted
    assert "[1/6] correct what boxes share" in printed
    assert f"{trusted}: 12 trusted boxes, 0 of them matched by overlap." in printed
    corrected, refined = entries(run / "corrected" / "corrected.json"), entries(run / "refined" / "refined.json")
    noisy, true = entries(demo / "noisy.json"), {entry["id"]: entry["bbox"] for entry in entries(trusted)}
    assert "corrected/corrected.json" in (run / "refiner" / "config.yaml").read_text()
    for before, middle, after in zip(noisy, corrected, refined, strict=True):
        if before["id"] in true:
            assert middle["bbox"] == after["bbox"] == true[before["id"]]
            assert after["trusted"] is True
            assert after["original_bbox"] == before["bbox"]
            assert after["untrusted"]["bbox"] == middle["untrusted"]["bbox"]
            assert 0 <= after["untrusted"]["refine_score"] <= 1
        else:
            assert not {"trusted", "untrusted"} & after.keys()
    found = json.loads((run / "results.json").read_text())["trusted"]
    assert found["scores"]["count"] == 12
    assert "Refining brings " in printed
    assert f"{found['offsets']}" in printed
    assert "12 trusted boxes, compared with what they would be" in (run / "results.md").read_text()
    scripts = "".join(path.read_text() for path in (run / "page").rglob("*.js"))
    assert "Closer to trusted boxes" in scripts


def digests(run):
    """The content of every file of a run."""
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def second_round(with_trusted, words, demo):
    """A round that goes on from that run with eight more trusted boxes, and what it printed."""
    first, _, _ = with_trusted
    kept = digests(first)
    content = json.loads((demo / "train.json").read_text())
    content["annotations"] = content["annotations"][12:20]
    path = first.parent / "decisions.json"
    path.write_text(json.dumps(content))
    run = first.parent / "second"
    result = ssd_det(*words, *EPOCH, f"--trusted={path}", f"--previous_round={first}", f"--output={run}")
    assert result.returncode == 0, result.stderr
    assert digests(first) == kept
    return run, result.stdout


def test_a_round_adds_to_the_trusted_boxes_of_the_one_before_and_starts_from_its_networks(second_round, with_trusted):
    run, printed = second_round
    first, _, _ = with_trusted
    assert f"Round 2 goes on from {first}: its trainings have 25% of their epochs." in printed
    assert f"{first / 'corrected' / 'corrected.json'}: 12 trusted boxes" in printed
    assert sum("trusted" in entry for entry in entries(run / "refined" / "refined.json")) == 20
    for folder in ("refiner", "detector"):
        checkpoint = first / folder / "checkpoints" / "last.ckpt"
        assert f"--start_from={checkpoint}" in (run / folder / "stage.json").read_text()
    rounds = json.loads((run / "results.json").read_text())["rounds"]
    assert rounds["judged"] == 20
    assert [one["trusted"] for one in rounds["rounds"]] == [0, 12, 20]
    assert all(0 < one["mean_iou"] < 1 for one in rounds["rounds"])
