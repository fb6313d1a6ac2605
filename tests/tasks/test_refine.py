import json
from dataclasses import replace

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging
from torch.testing import assert_close

from ssd_det.annotations.coco import Category, read_coco
from ssd_det.annotations.edits.demo import draw_demo_data
from ssd_det.annotations.edits.noise import corrupt
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.callbacks.box_quality import BoxQuality
from ssd_det.errors import InputError
from ssd_det.models.refiner_losses import LossWeights
from ssd_det.ops.sampling import uniform_draws
from ssd_det.tasks.refine import RefineTask
from tests.conftest import TINY_DATA, TINY_MODEL


@pytest.fixture
def datamodule(demo):
    return RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **TINY_DATA)


def make_trainer(**settings):
    return Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **settings,
    )


def built(datamodule, **settings):
    torch.manual_seed(0)
    task = RefineTask(**{**TINY_MODEL, **settings})
    task.categories = datamodule.categories
    task.configure_model()
    return task


@pytest.fixture(scope="module")
def checkpoint(demo, tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("task") / "last.ckpt"
    trainer = make_trainer(max_epochs=1)
    data = RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **TINY_DATA)
    trainer.fit(RefineTask(**TINY_MODEL, learning_rate=0.01), datamodule=data)
    trainer.save_checkpoint(path)
    return path


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


def test_training_goes_on_from_a_checkpoint_as_if_unbroken(demo, tmp_path):
    def data():
        return RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **{**TINY_DATA, "horizontal_flip": 0.5})

    torch.manual_seed(0)
    unbroken = RefineTask(**TINY_MODEL)
    make_trainer(max_epochs=2).fit(unbroken, datamodule=data())
    torch.manual_seed(0)
    trainer = make_trainer(max_epochs=1)
    trainer.fit(RefineTask(**TINY_MODEL), datamodule=data())
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    torch.manual_seed(99)
    resumed = RefineTask(**TINY_MODEL)
    make_trainer(max_epochs=2).fit(resumed, datamodule=data(), ckpt_path=tmp_path / "half.ckpt", weights_only=True)
    for name, value in unbroken.state_dict().items():
        assert_close(resumed.state_dict()[name], value, rtol=0, atol=0)


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


def test_a_checkpoint_brings_architecture_classes_and_weights(checkpoint, datamodule):
    task = RefineTask()
    task.restore(checkpoint)
    saved = torch.load(checkpoint, weights_only=True)
    assert task.categories == datamodule.categories
    assert task.hparams["backbone"] == "resnet18"
    assert all(value.equal(saved["state_dict"][name]) for name, value in task.state_dict().items())


def test_a_setting_that_contradicts_the_checkpoint_is_an_error(checkpoint):
    task = RefineTask(backbone="resnet50", learning_rate=7.0)
    with pytest.raises(InputError, match=r"model.backbone is resnet50, but .*last\.ckpt was trained with resnet18"):
        task.restore(checkpoint, given=frozenset({"backbone"}))
    task.restore(checkpoint, given=frozenset({"learning_rate"}))


def test_files_that_are_no_checkpoint_are_named(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        RefineTask().restore(tmp_path / "none.ckpt")
    (tmp_path / "text.ckpt").write_text("text")
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    torch.save([1], tmp_path / "list.ckpt")
    for name in ("text.ckpt", "other.ckpt", "list.ckpt"):
        with pytest.raises(InputError, match=f"{name}: is not a checkpoint of a refiner"):
            RefineTask().restore(tmp_path / name)


def test_data_with_other_classes_is_refused(checkpoint):
    task = RefineTask()
    task.restore(checkpoint)
    with pytest.raises(InputError, match=r"only noisy\.json has 1 cat; only the training data has 1 ellipse"):
        task.check_categories([Category(1, "cat")], "noisy.json")


def test_resuming_on_data_with_other_classes_is_refused(checkpoint, make_coco, make_image, tmp_path):
    make_image()
    data = RefineDataModule(str(make_coco()), str(tmp_path), **TINY_DATA)
    with pytest.raises(InputError, match="the data: has other categories than the training data"):
        make_trainer(max_epochs=2).fit(
            RefineTask(**TINY_MODEL), datamodule=data, ckpt_path=checkpoint, weights_only=True
        )


@pytest.fixture(scope="module")
def estimates(tmp_path_factory):
    """Tasks that have seen the noise of demo data, by its level."""
    folder = tmp_path_factory.mktemp("estimates")
    (train, _) = draw_demo_data(folder, images=40, test_images=1, seed=3)
    tasks = {}
    for level in (0.0, 0.2, 0.4):
        content, _ = corrupt(read_coco(train), level, seed=45)
        (folder / "noisy.json").write_text(json.dumps(content))
        sizes = {**TINY_DATA, "batch_size": 4, "max_objects": 8}
        data = RefineDataModule(str(folder / "noisy.json"), str(folder / "images"), **sizes)
        torch.manual_seed(0)
        small = {**TINY_MODEL, "feature_width": 64, "roi_size": 3, "ratios": [1.0, 1.4, 0.7], "offsets": [0.3]}
        training = {"regression_beta": 5.0, "optimizer": "adamw", "learning_rate": 1e-3, "warmup_steps": 10}
        weights = LossWeights(spsd=1.0, stage1_regression=0.5)
        tasks[level] = RefineTask(**small, **training, loss_weights=weights, noise_steps=50)
        make_trainer(max_epochs=5).fit(tasks[level], datamodule=data)
    return tasks


def test_the_estimated_noise_grows_with_the_noise(estimates):
    levels = [task.noise.level for task in estimates.values()]
    assert levels[0] < levels[1] < levels[2]
    assert levels[2] > 2 * levels[0]


def test_the_sampler_is_fitted_to_the_noise(estimates):
    widths = [task.refiner.head.offsets[0] for task in estimates.values()]
    assert widths[0] < widths[1] <= widths[2] <= 0.3
    assert estimates[0.0].refiner.head.ratios == pytest.approx(
        [1.0, 1.4 ** (widths[0] / 0.3), 0.7 ** (widths[0] / 0.3)]
    )


def test_a_checkpoint_knows_the_noise(datamodule, tmp_path):
    task = RefineTask(**TINY_MODEL, noise_steps=6)
    trainer = make_trainer(max_epochs=3)
    trainer.fit(task, datamodule=datamodule)
    assert task.noise.level is not None
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    restored = RefineTask()
    restored.restore(tmp_path / "last.ckpt")
    assert restored.noise.level == task.noise.level
    assert restored.refiner.head.offsets == task.refiner.head.offsets
    resumed = RefineTask(**TINY_MODEL, noise_steps=6)
    make_trainer(max_epochs=4).fit(resumed, datamodule=datamodule, ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert resumed.noise.level == task.noise.level
    assert resumed.refiner.head.offsets == task.refiner.head.offsets


def test_a_fixed_sampler_stays_and_so_does_that_of_a_checkpoint_without_an_estimate(checkpoint, datamodule, tmp_path):
    task = RefineTask(**TINY_MODEL, sampler="fixed", noise_steps=1)
    make_trainer(max_epochs=1).fit(task, datamodule=datamodule)
    assert task.noise.level is None
    assert task.refiner.head.offsets == (0.2,)
    content = torch.load(checkpoint, weights_only=True)
    del content["noise"]
    torch.save(content, tmp_path / "old.ckpt")
    old = RefineTask()
    old.restore(tmp_path / "old.ckpt")
    assert old.hparams["sampler"] == "fixed"


def test_a_fitted_sampler_needs_spsd():
    with pytest.raises(InputError, match=r"model\.sampler is auto, which needs SPSD"):
        RefineTask(spsd_modules=0)


def test_averaged_weights_are_those_that_are_kept(datamodule, tmp_path):
    trainer = make_trainer(max_epochs=1, callbacks=[EMAWeightAveraging(decay=0.5)])
    torch.manual_seed(0)
    task = RefineTask(**TINY_MODEL)
    trainer.fit(task, datamodule=datamodule)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    restored = RefineTask()
    restored.restore(tmp_path / "last.ckpt")
    assert_close(restored.state_dict(), task.state_dict())


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
