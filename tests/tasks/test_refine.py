"""Training a refiner: what it logs, its rate, its gradients, and which proposals take part."""

from dataclasses import replace

import pytest
import torch
from lightning.pytorch.callbacks import Callback

from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.callbacks.box_quality import BoxQuality
from ssd_det.errors import InputError
from ssd_det.ops.sampling import uniform_draws
from ssd_det.tasks.refine import RefineTask
from tests.conftest import TINY_DATA, TINY_MODEL
from tests.tasks.trainers import make_trainer


def built(datamodule, **settings):
    torch.manual_seed(0)
    task = RefineTask(**{**TINY_MODEL, **settings})
    task.categories = datamodule.categories
    task.configure_model()
    return task


def test_training_logs_every_term_and_the_quality_of_boxes(datamodule):
    trainer = make_trainer(max_epochs=1, callbacks=[BoxQuality()])
    trainer.fit(RefineTask(**TINY_MODEL), datamodule=datamodule)
    names = {"spsd", "stage1_mil", "stage1_regression", "stage2_mil", "negatives", "sisd", "loss", "omega"}
    names |= {"learning_rate", "noisy_iou", "r1_iou", "r2_iou", "r2_above_50"}
    names |= {f"bag_{bag}_{kind}" for bag in "abc" for kind in ("mean", "best", "top10")}
    assert set(trainer.callback_metrics) == names
    assert 0.3 < trainer.callback_metrics["noisy_iou"] < 0.6


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_rate_warms_up_and_steps_down(datamodule, optimizer):
    rates = []

    class Task(RefineTask):
        def on_train_batch_start(self, batch, batch_index):
            rates.append(self.trainer.optimizers[0].param_groups[0]["lr"])

    task = Task(**TINY_MODEL, optimizer=optimizer, learning_rate=0.001, warmup_steps=4, milestones=[2, 3])
    make_trainer(max_epochs=4).fit(task, datamodule=datamodule)
    expected = [0.001 * (0.001 + 0.999 * step / 4) for step in range(4)] + [0.001] * 2 + [1e-4] * 3 + [1e-5] * 3
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize("frozen", [{"frozen_stages": 4}, {"freeze_batch_norm": True}])
def test_what_is_frozen_keeps_its_statistics_in_a_training(datamodule, frozen):
    task = RefineTask(**{**TINY_MODEL, **frozen})
    make_trainer(max_epochs=1).fit(task, datamodule=datamodule)
    seen = {name: value for name, value in task.state_dict().items() if name.endswith("num_batches_tracked")}
    assert seen
    assert not any(seen.values())


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize(("algorithm", "size"), [("norm", torch.linalg.vector_norm), ("value", torch.amax)])
def test_gradients_are_clipped_in_each_precision(datamodule, precision, algorithm, size):
    sizes = []

    class Task(RefineTask):
        def on_before_zero_grad(self, optimizer):
            gradients = [parameter.grad.flatten() for parameter in self.parameters() if parameter.grad is not None]
            sizes.extend([size(torch.cat(gradients).abs()).item()] if gradients else [])

    settings = {"precision": precision, "gradient_clip_val": 1e-3, "gradient_clip_algorithm": algorithm}
    make_trainer(max_steps=2, **settings).fit(Task(**TINY_MODEL, optimizer="adamw"), datamodule=datamodule)
    assert sizes
    assert sizes == pytest.approx([1e-3] * len(sizes), rel=1e-3)


def test_training_twice_gives_the_same_weights_bit_for_bit(demo):
    weights = []
    for _ in range(2):
        torch.manual_seed(0)
        task = RefineTask(**TINY_MODEL)
        data = RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **TINY_DATA)
        make_trainer(max_steps=3).fit(task, datamodule=data)
        weights.append(task.state_dict())
    assert all(weights[0][name].equal(weights[1][name]) for name in weights[0])


def test_a_step_reaches_every_trained_parameter(datamodule):
    task = built(datamodule)
    batch = next(iter(datamodule.train_dataloader()))
    output = task(batch, uniform_draws(batch.seeds, 10))
    sum(task.refiner.head.losses(output, batch.objects).values()).backward()
    assert all(parameter.grad is not None for parameter in task.parameters())


def test_a_loss_that_is_no_number_names_step_and_terms(datamodule):
    class Broken(RefineTask):
        def forward(self, batch, *choices):
            batch.images[:] = float("nan")
            return super().forward(batch, *choices)

    with pytest.raises(InputError, match=r"The loss became nan at step 0 \(spsd nan, .*lower model.learning_rate"):
        make_trainer(max_epochs=1).fit(Broken(**TINY_MODEL), datamodule=datamodule)


def test_unseen_images_are_validated_on_after_each_epoch(demo):
    data = RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **TINY_DATA, validation_share=0.34)
    trainer = make_trainer(max_epochs=1)
    trainer.fit(RefineTask(**TINY_MODEL), datamodule=data)
    logged = trainer.callback_metrics["validation_spsd"].item()
    (measured,) = trainer.validate(trainer.lightning_module, datamodule=data, verbose=False)
    assert measured["validation_spsd"] == pytest.approx(logged)


def test_validating_needs_spsd(demo):
    data = RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **TINY_DATA, validation_share=0.34)
    task = RefineTask(**TINY_MODEL, spsd_modules=0, sampler="fixed")
    with pytest.raises(InputError, match=r"data.validation_share needs SPSD"):
        make_trainer(max_epochs=1).fit(task, datamodule=data)


@pytest.mark.parametrize("settings", [{"resample": True}, {"use_stage1_regressor": False}])
def test_stage_two_takes_a_part_of_the_proposals_only_where_stage_one_has_ranked_them(settings):
    with pytest.raises(InputError, match=r"model\.stage2_proposals chooses among proposals"):
        RefineTask(**TINY_MODEL, stage2_proposals=8, **settings)


class Bags(Callback):
    """Bag A of every step, without the boxes that it was sampled around."""

    def __init__(self):
        self.bags = []

    def on_train_batch_end(self, trainer, task, outputs, batch, batch_index):
        self.bags.append(outputs["output"].bag_a)


def test_some_random_proposals_take_part_in_a_step_and_all_in_refining(datamodule):
    seen = Bags()
    task = RefineTask(**TINY_MODEL, training_proposals=7, stage2_proposals=3)
    make_trainer(max_epochs=1, callbacks=[seen]).fit(task, datamodule=datamodule)
    assert {bags.shape[1] for bags in seen.bags} == {7}
    batch = next(iter(datamodule.train_dataloader()))
    assert task(batch).bag_a.shape[1] == task.refiner.head.bag_size == 20
    first, second = (task.random_proposals(replace(batch, seeds=seeds)).tolist() for seeds in ((1, 2), (3, 4)))
    assert first != second
    assert first == task.random_proposals(replace(batch, seeds=(1, 2))).tolist()


@pytest.mark.parametrize("count", [0, 20, 99])
def test_all_proposals_take_part_where_no_fewer_are_asked_for(count, datamodule):
    task = built(datamodule, training_proposals=count)
    assert task.random_proposals(next(iter(datamodule.train_dataloader()))) is None


def test_a_negative_number_of_proposals_is_refused():
    with pytest.raises(InputError, match=r"model\.training_proposals is -1"):
        RefineTask(**TINY_MODEL, training_proposals=-1)
