from dataclasses import replace
from functools import partial

import pytest
import torch
from lightning.pytorch import Trainer
from torch.testing import assert_close

from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.errors import InputError
from ssd_det.models.signals import SIGNALS
from ssd_det.models.views import make_views
from ssd_det.ops.blending import Blend
from ssd_det.ops.boxes import corners, displacement
from ssd_det.refining import refine_file as module
from ssd_det.refining.edges import EdgeEvidence
from ssd_det.refining.refine_file import refine_file
from ssd_det.refining.rehearsal import Calibration, Outcomes
from ssd_det.refining.rest_correction import RestGain
from ssd_det.refining.second_pass import MeanBoxes
from ssd_det.tasks.kept_features import KeptFeatures
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
    refined = refine_file(trainer, refiners, data, make_views(), 0, 0, conclude=lambda refined: refined)
    assert list(refined.refinements) == sorted(annotation.id for annotation in data.coco.annotations)
    assert refined.calibration is None
    assert all(0 <= refinement.score <= 1 for refinement in refined.refinements.values())


def passes_of(monkeypatch, lead):
    """Let a function have passes done, in place of what is judged by them."""
    monkeypatch.setattr(module, "_judge", lambda refine, *rest: lead(refine))


def test_a_pass_over_other_boxes_refines_these_and_leaves_the_file_alone(trainer, refiners, data, monkeypatch):
    before = list(data.coco.annotations)
    first = before[0]
    there = [annotation.id for annotation in before if annotation.image_id == first.image_id]
    passes_of(monkeypatch, lambda refine: (refine(None), refine({first.id: (1.0, 2.0, 30.0, 40.0)})))
    plain, other = refine_file(trainer, refiners, data, make_views(), 0, 0, conclude=lambda both: both)
    assert other.annotation_ids.tolist() == sorted(there)
    row = plain.rows_of([first.id])
    assert not torch.equal(plain.boxes[row], other.boxes[other.rows_of([first.id])])
    assert data.coco.annotations == before


@pytest.mark.parametrize("gained", [False, True])
def test_boxes_are_those_that_trusted_ones_leave_or_improve(trainer, refiners, data, monkeypatch, gained):
    def calibrated(objects, *rest):
        scores = torch.full((len(objects.annotation_ids),), 0.9, dtype=torch.float64)
        nothing = Outcomes(scores[:0], scores[:0], torch.zeros(0, 4))
        return Calibration(scores, 0.5, 0.4, 0, EdgeEvidence(0.0, 0.0), nothing)

    def improved(objects, categories, trusted):
        assert categories.tolist() == [annotation.category_id for annotation in data.coco.annotations]
        gain = RestGain(0.5, 0.6) if gained else None
        return replace(objects, refined=objects.refined + 1) if gained else objects, gain

    plain = refine_file(trainer, refiners, data, make_views(), 0, 0, conclude=lambda refined: refined)
    monkeypatch.setattr(module, "calibrate", calibrated)
    monkeypatch.setattr(module, "without_rest", improved)
    found = refine_file(trainer, refiners, data, make_views(), 5, 0, conclude=lambda refined: refined)
    assert (found.rest is not None) == gained
    assert found.refinements.boxes == pytest.approx(plain.refinements.boxes + gained)
    assert set(found.refinements.scores.tolist()) == {0.9}


def test_boxes_are_the_means_of_two_passes_where_these_are_better(trainer, refiners, data, monkeypatch):
    def calibrated(objects, level, refine_again, *rest):
        scores = torch.full((len(objects.annotation_ids),), 0.9, dtype=torch.float64)
        nothing = Outcomes(scores[:0], scores[:0], torch.zeros(0, 4))
        return Calibration(scores, 0.5, 0.4, 0, EdgeEvidence(0.0, 0.0), nothing, passes=2)

    plain = refine_file(trainer, refiners, data, make_views(), 0, 0, conclude=lambda refined: refined)
    monkeypatch.setattr(module, "calibrate", calibrated)
    monkeypatch.setattr(module, "means_of_two_passes", lambda ids, boxes, *rest: MeanBoxes(boxes + 1, boxes + 2))
    found = refine_file(trainer, refiners, data, make_views(), 5, 0, conclude=lambda refined: refined)
    assert found.refinements.boxes == pytest.approx(plain.refinements.boxes + 1)


def test_boxes_go_back_towards_the_noisy_ones_where_this_is_better(trainer, refiners, data, monkeypatch):
    half = Blend(torch.zeros(len(SIGNALS)), torch.ones(len(SIGNALS)), torch.zeros(len(SIGNALS) + 1, 2).double())

    def calibrated(objects, *rest):
        scores = torch.full((len(objects.annotation_ids),), 0.9, dtype=torch.float64)
        nothing = Outcomes(scores[:0], scores[:0], torch.zeros(0, 4))
        return Calibration(scores, 0.5, 0.4, 0, EdgeEvidence(0.0, 0.0), nothing, blend=half)

    plain = refine_file(trainer, refiners, data, make_views(), 0, 0, conclude=lambda refined: refined)
    monkeypatch.setattr(module, "calibrate", calibrated)
    found = refine_file(trainer, refiners, data, make_views(), 5, 0, conclude=lambda refined: refined)
    boxes = {annotation.id: annotation.bbox for annotation in data.coco.annotations}
    noisy = corners([boxes[key] for key in found.refinements])
    refined, between = (torch.from_numpy(result.refinements.boxes) for result in (plain, found))
    assert_close(displacement(refined, between), displacement(refined, noisy) / 2)


def test_an_image_that_cannot_be_read_ends_it(trainer, refiners, data):
    paths = dict(data.paths)
    broken = next(iter(paths))
    paths[broken] = paths[broken].with_name("none.png")
    with pytest.raises(InputError, match=f"image {broken} "):
        refine_file(trainer, refiners, replace(data, paths=paths), make_views(), 0, 0, conclude=list)


def test_what_is_learnt_of_scores_needs_no_second_look_at_the_images(trainer, refiners, data):
    looks, outcomes = [], {}
    refiners[0].refiner.backbone.register_forward_hook(lambda _, images, __: looks.append(len(images[0])))
    for images in (0, 500):
        looks.clear()
        found = refine_file(trainer, refiners, data, make_views(), images, 0, conclude=lambda refined: refined)
        outcomes[images] = sum(looks), found
    assert outcomes[500][1].calibration.rehearsed
    assert outcomes[500][0] == outcomes[0][0]


def test_scores_are_the_same_where_there_is_no_room_for_features(trainer, refiners, data, monkeypatch):
    def refine():
        return refine_file(trainer, refiners, data, make_views(), 500, 0, conclude=lambda refined: refined)

    kept = refine()
    monkeypatch.setattr(module, "KeptFeatures", partial(KeptFeatures, most_bytes=0))
    computed = refine()
    assert_close(computed.calibration.scores, kept.calibration.scores, rtol=0, atol=1e-3)
