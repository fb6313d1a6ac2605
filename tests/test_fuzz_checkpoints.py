"""Damaged checkpoints and records of runs: what is read either is right or ends in one sentence.

30 cases of each kind, the same each time; ``make fuzz`` sets ``SSD_DET_FUZZ`` to 10,000, others each time.
"""

import copy
import io
import json
import os
import warnings
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lightning.pytorch import Trainer
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from ssd_det.annotations.coco import read_coco
from ssd_det.batches.detect_datamodule import DetectDataModule
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.checkpoint_io import WholeCheckpointIO
from ssd_det.errors import InputError
from ssd_det.pipeline.plan import plan
from ssd_det.pipeline.run_settings import Detecting, Inputs, Refining
from ssd_det.report.run_results import read_results
from ssd_det.runs.records import image_root_of, read_run_record, read_stage_record
from ssd_det.tasks.detect import DetectTask
from tests.fuzzing import FUZZING
from tests.tasks.checkpoints import checkpoint_of, new_task
from tests.test_fuzz import EDITS, ODD, damage

CASES = int(os.environ.get("SSD_DET_FUZZ", "90"))
STATE = ("loops", "callbacks", "optimizer_states", "lr_schedulers", "epoch", "global_step")
OF_RESULTS = {"run.json": "run.json", "stage.json": "refined/stage.json", "quality.json": "refined/quality.json"}
OF_RESULTS["metrics.json"] = "test/metrics.json"
TENSORS = st.sampled_from(
    [torch.zeros(1), torch.full((2, 2), torch.nan), torch.zeros(1).expand(9**9), torch.ones(3).bool()]
)


def cases(share):
    return settings(
        max_examples=max(1, int(CASES * share)),
        deadline=None,
        derandomize=not FUZZING,
        suppress_health_check=list(HealthCheck),
    )


def edits(values):
    """Edits of a json-like value, as :func:`tests.test_fuzz.damage` takes them."""
    steps = st.lists(st.integers(0, 30), min_size=1, max_size=6)
    return st.lists(st.tuples(st.sampled_from(EDITS), steps, values), min_size=1, max_size=4)


def with_own_containers(value):
    """A copy that shares nothing but tensors and plain values."""
    if isinstance(value, dict):
        return {key: with_own_containers(item) for key, item in value.items()}
    return [with_own_containers(item) for item in value] if isinstance(value, list | tuple) else value


def sentence_or(costs, function, *allowed):
    """Call a function, which may raise errors for users alone; returns whether it came to its end."""
    with costs.of("a checkpoint or a record"), suppress(InputError, *allowed):
        function()
        return True
    return False


@pytest.fixture(scope="module")
def content(demo):
    return checkpoint_of(categories=read_coco(demo / "noisy.json").categories)


@pytest.fixture(scope="module")
def path(content, tmp_path_factory):
    """Where checkpoints are written; one was restored before, as the first takes longer."""
    path = tmp_path_factory.mktemp("fuzz") / "last.ckpt"
    torch.save(content, path)
    new_task().restore(path)
    return path


@cases(0.3)
@given(changes=edits(ODD | TENSORS))
def test_what_a_checkpoint_holds_is_checked(costs, content, path, changes):
    changed = with_own_containers(content)
    damage(changed, changes)
    torch.save(changed, path)
    task = new_task()
    if sentence_or(costs, lambda: task.restore(path)):
        assert all(value.isfinite().all() for value in task.state_dict().values())


@cases(0.1)
@given(changes=edits(ODD | TENSORS))
def test_what_a_detector_begins_with_is_checked(costs, content, path, demo, changes):
    changed = with_own_containers(content)
    damage(changed, changes)
    torch.save(changed, path)
    task, data = new_task(DetectTask), DetectDataModule(str(demo / "noisy.json"), str(demo / "images"), num_workers=0)
    if sentence_or(costs, lambda: task.begin_from(path, frozenset(), data)):
        task.take_data(data)
        task.configure_model()
        assert all(value.isfinite().all() for value in task.state_dict().values())


@cases(0.2)
@given(data=st.data())
def test_bytes_of_a_checkpoint_are_checked(costs, content, path, data):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    written = bytearray(buffer.getvalue())
    start = data.draw(st.integers(0, len(written)) | st.integers(max(0, len(written) - 30_000), len(written)))
    written[start : start + data.draw(st.sampled_from([1, 4, 64, 2048]))] = data.draw(st.binary(max_size=64))
    path.write_bytes(written)
    task = new_task()
    if sentence_or(costs, lambda: task.restore(path)):
        assert all(torch.equal(value, content["state_dict"][name]) for name, value in task.state_dict().items())


@cases(0.1)
@given(changes=edits(ODD | TENSORS))
def test_what_a_training_goes_on_from_is_checked(costs, content, path, demo, changes):
    changed = with_own_containers(content)
    state = {name: changed[name] for name in STATE}
    damage(state, changes)
    torch.save({**{name: value for name, value in changed.items() if name not in STATE}, **state}, path)
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        plugins=[WholeCheckpointIO()],
    )
    data = RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), num_workers=0)
    sentence_or(costs, lambda: trainer.fit(new_task(), data, ckpt_path=str(path)), MisconfigurationException)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run of which the records and results are kept."""
    folder = tmp_path_factory.mktemp("run")
    kept = Path(__file__).parent / "pipeline" / "old_run" / "run"
    for name in OF_RESULTS.values():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text((kept / name).read_text())
    return folder


@cases(0.4)
@given(name=st.sampled_from(sorted(OF_RESULTS)), changes=edits(ODD), cut=st.integers(0, 10_000) | st.none())
def test_records_and_results_of_a_run_are_checked(costs, run, demo, name, changes, cut):
    path = run / OF_RESULTS[name]
    before = path.read_text()
    content = json.loads(before)
    damage(content, copy.deepcopy(changes))
    path.write_text(json.dumps(content)[:cut])
    try:
        with warnings.catch_warnings(action="ignore"):
            sentence_or(costs, lambda: read_stage_record(run / "refined"))
            sentence_or(costs, lambda: image_root_of(run))
            sentence_or(costs, lambda: read_results(run))
            sentence_or(costs, lambda: planned(run, demo))
    finally:
        path.write_text(before)


def planned(run, demo):
    """Work out what is to be done from the configurations that a run has recorded, as the pipeline does."""
    record = read_run_record(run)
    if record is not None and {"refine", "detect"} <= record.resolved.keys():
        sections = [record.resolved[name].settings for name in ("refine", "detect")]
        inputs = Inputs(*(str(demo / name) for name in ("noisy.json", "images", "test.json", "images")))
        plan(inputs, read_coco(demo / "noisy.json"), *sections, run, Refining(), Detecting(baselines=True))
