import pytest
import torch
from lightning.pytorch import Trainer

from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.models.views import make_views
from ssd_det.refining import refine_file as module
from ssd_det.refining.refine_file import refine_file, refine_pass
from ssd_det.tasks.refine import RefineTask
from ssd_det.tasks.refine_pass import TrainedRefiner
from tests.conftest import TINY_DATA, TINY_MODEL


@pytest.fixture
def data(demo):
    return RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **TINY_DATA).to_refine()


@pytest.fixture
def refiners(data):
    torch.manual_seed(0)
    task = RefineTask(**TINY_MODEL)
    task.categories = data.coco.categories
    task.configure_model()
    return [TrainedRefiner(task.refiner, torch.zeros(0, dtype=torch.long))]


@pytest.fixture
def trainer():
    return Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False)


def test_a_file_is_refined_with_any_trainer(trainer, refiners, data):
    refined = refine_file(trainer, refiners, data, make_views(), calibration_images=0, seed=0)
    assert list(refined.refinements) == sorted(annotation.id for annotation in data.coco.annotations)
    assert refined.calibration is None
    assert all(0 <= refinement.score <= 1 for refinement in refined.refinements.values())


def test_a_pass_over_other_boxes_refines_these_and_leaves_the_file_alone(trainer, refiners, data):
    before = list(data.coco.annotations)
    first = before[0]
    there = [annotation.id for annotation in before if annotation.image_id == first.image_id]
    plain = refine_pass(trainer, refiners, data, make_views())
    other = refine_pass(trainer, refiners, data, make_views(), {first.id: (1.0, 2.0, 30.0, 40.0)})
    assert other.annotation_ids.tolist() == sorted(there)
    row = plain.rows_of([first.id])
    assert not torch.equal(plain.boxes[row], other.boxes[other.rows_of([first.id])])
    assert data.coco.annotations == before


def test_the_same_annotation_from_two_processes_is_an_error(trainer, refiners, data, monkeypatch):
    monkeypatch.setattr(module, "gather", lambda part: [part, part])
    with pytest.raises(RuntimeError, match="refined the same annotation"):
        refine_pass(trainer, refiners, data, make_views())
