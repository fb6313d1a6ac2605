"""The run on a GPU, in its small form on the CPU."""

import json
import sys

import pytest

from benchmarks import gpu
from benchmarks.gpu import Part, PartError, finished, main
from tests.command import warm_starter


def finished_warm(words, seconds):
    """Runs a module in a process that is forked; only torchrun, which forks none itself, is started anew."""
    executable, option, module, *arguments = words
    assert (executable, option) == (sys.executable, "-m")
    if module == "torch.distributed.run":
        return finished(words, seconds)
    with warm_starter(package=module) as starter:
        ended = starter.run(arguments)
    assert ended.code == 0, ended.errors
    return ended.output


def test_the_small_form_fills_every_table(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "finished", finished_warm)
    main(["--output", str(tmp_path), "--small"])
    content = json.loads((tmp_path / "gpu.json").read_text())
    assert {part["name"]: part["failure"] for part in content["parts"]} == dict.fromkeys(
        ("tests", "steps", "refining", "ranks", "training")  # none
    )
    rows = {part["name"]: part["rows"] for part in content["parts"]}
    assert "passed" in rows["tests"][0]["pytest"] or "skipped" in rows["tests"][0]["pytest"]
    assert {(row["network"], row["precision"]) for row in rows["steps"]} == {
        (network, precision) for network in ("refiner", "joint", "Faster R-CNN") for precision in ("fp32", "bf16")
    }
    assert all(row["seconds"] > 0 for row in rows["steps"])
    assert all(row["images_a_second"] > 0 for row in rows["refining"])
    assert rows["ranks"][-1]["ranks"] == 2
    assert rows["ranks"][-1]["same_gradients"]
    assert 0 < rows["training"][0]["mean_iou_before"] < 1
    assert 0 < rows["training"][0]["mean_iou_after"] < 1
    page = (tmp_path / "gpu.md").read_text()
    assert all(f"## {name}" in page for name in rows)
    assert "Failed" not in page


def test_a_part_that_fails_does_not_stop_the_others(tmp_path, monkeypatch):
    def fail(seconds, small):
        raise ZeroDivisionError("the figures | of it")

    def refuse(seconds, small):
        return finished([sys.executable, "-c", "print('no driver'); raise SystemExit(3)"], seconds)

    parts = (Part("first", 9, fail), Part("second", 9, refuse), Part("third", 9, lambda *_: [{"found": 1.0}]))
    monkeypatch.setattr(gpu, "PARTS", parts)
    main(["--output", str(tmp_path), "--parts", "first", "second", "third"])
    first, second, third = json.loads((tmp_path / "gpu.json").read_text())["parts"]
    assert first["failure"] == "ZeroDivisionError: the figures | of it"
    assert second["failure"] == "ended with 3: no driver\n"
    assert third["failure"] is None
    assert third["rows"] == [{"found": 1.0}]
    assert "Failed: ended with 3: no driver" in (tmp_path / "gpu.md").read_text()


def test_a_part_that_hangs_is_ended():
    words = [sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(600)"]
    with pytest.raises(PartError, match="took more than"):
        finished(words, 2)


def test_all_parts_together_take_less_than_nine_minutes():
    assert sum(part.limit for part in gpu.PARTS) <= gpu.SECONDS < 9 * 60
