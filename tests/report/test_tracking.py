"""wandb offline: a network namespace of its own shows that nothing needs a network or an account."""

import itertools
import json
import shutil

import pytest

from tests.command import ENVIRONMENT, warm_starter
from tests.conftest import TINY_DATA, TINY_MODEL
from tests.namespaces import NEW_NETWORK, alone, is_allowed
from tests.words import QUIET, options

WANDB = [
    "--trainer.logger=lightning.pytorch.loggers.WandbLogger",
    "--trainer.logger.offline=true",
    "--trainer.default_root_dir=run",
]


@pytest.fixture
def offline(tmp_path):
    """Starts commands where there is no network, no home and no key, and no input."""
    if not is_allowed(NEW_NETWORK):
        pytest.skip("network namespaces are forbidden here")
    environment = {key: value for key, value in ENVIRONMENT.items() if not key.startswith("WANDB")}
    with warm_starter({**environment, "HOME": str(tmp_path)}, prepare=alone) as starter:
        yield starter


def test_tracking_offline_needs_no_network_and_asks_nothing(demo, tmp_path, offline):
    shutil.copytree(demo, tmp_path, dirs_exist_ok=True)
    shared = [*options("model", TINY_MODEL), *options("data", TINY_DATA), *QUIET, *WANDB]
    shared += ["--data.annotations=noisy.json", "--data.image_root=images"]
    fit = ["fit", *shared, "--trainer.max_epochs=1", "--trainer.log_every_n_steps=1"]
    trained = offline.run(fit, tmp_path)
    assert trained.code == 0, trained.errors
    checkpoint = next((tmp_path / "run").rglob("*.ckpt"))
    words = [f"--checkpoint={checkpoint}", "--output=refined.json", "--min_score=0"]
    refined = offline.run(["refine-annotations", *shared, *words], tmp_path)
    assert refined.code == 0, refined.errors
    printed = (trained.output + trained.errors + refined.output + refined.errors).lower()
    assert not any(word in printed for word in ("log in", "login", "api key", "account", "wandb online"))

    runs = [next(folder.glob("*.wandb")).read_bytes() for folder in (tmp_path / "run" / "wandb").glob("offline-run-*")]
    assert len(runs) == 2
    training, refining = sorted(runs, key=lambda content: b"refined-annotations" in content)
    assert b"stage1_mil" in training
    assert b"seed_everything" in training, "the whole configuration"
    assert b"refined-annotations" in refining, "the artifact"

    panels = (tmp_path / "run" / "wandb").rglob("*.boxes2D.json")
    positions = [box["position"] for path in panels for box in json.loads(path.read_text())["box_data"]]
    drawn = {(p["minX"], p["minY"], p["maxX"], p["maxY"]) for p in positions}
    expected = set()
    for entry in json.loads((tmp_path / "refined.json").read_text())["annotations"]:
        for x, y, width, height in (entry["bbox"], entry["original_bbox"], entry["true_bbox"]):
            expected.add((x, y, x + width, y + height))
    assert drawn == expected, "refined, noisy and true boxes of all images"

    (table,) = (tmp_path / "run" / "wandb").rglob("most_moved_*.table.json")
    content = json.loads(table.read_text())
    rows = [dict(zip(content["columns"], row, strict=True)) for row in content["data"]]
    refined = {entry["id"]: entry for entry in json.loads((tmp_path / "refined.json").read_text())["annotations"]}
    assert {row["annotation_id"] for row in rows} == set(refined)
    for row, later in itertools.pairwise(rows):
        assert row["iou_with_original"] <= later["iou_with_original"]
        assert row["iou_with_original"] == pytest.approx(refined[row["annotation_id"]]["refine_iou"], abs=1e-4)
    staged = [path for path in (tmp_path / "run" / "wandb" / "artifacts").rglob("*") if path.is_file()]
    pictures = [path for path in staged if path.read_bytes().startswith(b"\x89PNG")]
    assert len(pictures) == len(rows), "wandb keeps the pictures of a table in an artifact"
