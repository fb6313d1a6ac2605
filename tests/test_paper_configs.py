"""The configurations of the paper's runs: published shapes, rates and batches, and steps on data of the same layout."""

import gc
import json
import shutil

import pytest
import torch
import yaml

from ssd_det.annotations.coco import Category
from ssd_det.main import main
from ssd_det.models.refiner_losses import LossWeights
from ssd_det.ops.sampling import neighbours
from ssd_det.shipped import configs_folder
from ssd_det.tasks.base import Task
from ssd_det.tasks.joint import DetectionWeights, JointTask
from tests.voc_tree import make_voc_tree
from tests.words import QUIET, options

PAPER = configs_folder() / "paper"
CHAINS = {path.stem: yaml.safe_load(path.read_text()) for path in PAPER.glob("*.yaml") if path.stem != "detector"}
COCO = [name for name in CHAINS if name.startswith("coco")]
VOC = [name for name in CHAINS if name.startswith("voc07")]
RESNETS = {"resnet50": 23_508_032, "resnet101": 42_500_160}  # torchvision's counts without the classifier's 2,049,000
PYRAMID = 256 * (256 + 512 + 1024 + 2048) + 4 * 9 * 256**2 + 8 * 2 * 256 + (9 * 2048 * 256 + 2 * 256)
TWO_LAYERS = (7 * 7 * 256 * 1024 + 1024) + (1024**2 + 1024)
REGION_PROPOSALS = (9 * 256**2 + 256) + (256 * 3 + 3) + (256 * 12 + 12)


def linear(outputs):
    return 1024 * outputs + outputs


def parameters_by_hand(backbone, classes):
    """Backbone, P2 to P6, refiner and detector of the published system."""
    stages = 2 * linear(classes + 1) + 2 * linear(classes)
    refiner = 2 * TWO_LAYERS + 2 * linear(4) + stages + linear(1)
    detector = REGION_PROPOSALS + TWO_LAYERS + linear(classes + 1) + linear(4 * (classes + 1))
    return RESNETS[backbone] + PYRAMID + refiner + detector


def settings_of(name, section="refine"):
    """A section of a chain over the configuration that it names: settings of model, data and trainer."""
    chain = CHAINS[name][section]
    base = yaml.safe_load((PAPER / chain["config"]).read_text())
    more = chain["settings"]
    settings = {
        part: {**base[part]["init_args"], **more.get(part, {}).get("init_args", {})} for part in ("model", "data")
    }
    return {**settings, "trainer": {**base["trainer"], **more["trainer"]}}


def joint_task(name, **more):
    settings = {**settings_of(name)["model"], "weights": None, **more}
    settings["loss_weights"] = LossWeights(**settings["loss_weights"])
    settings["detection_weights"] = DetectionWeights(**settings["detection_weights"])
    return JointTask(**settings)


def test_there_is_a_chain_for_every_row():
    assert sorted(COCO) == ["coco_20", "coco_20_r101", "coco_40", "coco_40_r101"]
    assert sorted(VOC) == ["voc07_10", "voc07_20", "voc07_30", "voc07_40"]


@pytest.mark.parametrize(("name", "classes"), [("coco_40", 80), ("coco_40_r101", 80), ("voc07_20", 20)])
def test_the_network_has_the_published_shape(name, classes):
    task = joint_task(name)
    task.categories = [Category(number, str(number)) for number in range(classes)]
    task.hparams.update(shortest_side=800, longest_side=1333)
    with torch.device("meta"):
        task.configure_model()
    backbone = "resnet101" if "r101" in name else "resnet50"
    assert sum(parameter.numel() for parameter in task.parameters()) == parameters_by_hand(backbone, classes)
    detector = task.joint.detector
    assert [sizes[0] for sizes in detector.rpn.anchor_generator.sizes] == [32, 64, 128, 256, 512]
    assert detector.rpn.anchor_generator.aspect_ratios == ((0.5, 1.0, 2.0),) * 5
    assert (detector.rpn._pre_nms_top_n["training"], detector.rpn._post_nms_top_n["training"]) == (2000, 1000)
    assert (detector.rpn._pre_nms_top_n["testing"], detector.rpn._post_nms_top_n["testing"]) == (1000, 1000)
    assert detector.roi_heads.box_roi_pool.sampling_ratio == 0
    frozen = {n.split(".")[4] for n, p in task.named_parameters() if "backbone.body" in n and not p.requires_grad}
    assert frozen == {"conv1", "bn1", "layer1"}


@pytest.mark.parametrize("name", sorted(CHAINS))
def test_sampler_and_weights_are_the_published_ones(name):
    settings = settings_of(name)["model"]
    bag = neighbours(torch.tensor([[0.0, 0, 10, 10]]), settings["ratios"], settings["offsets"])
    assert bag.shape[1] == (125 if name.split("_")[1] in {"30", "40"} else 45)
    weights = {"spsd": 0.25, "stage1_mil": 0.25, "stage1_regression": 0.25, "stage2_mil": 0.25}
    assert settings["loss_weights"] == {**weights, "negatives": 0.75, "sisd": 5}
    assert list(settings["detection_weights"].values()) == [4, 1, 4, 4]
    assert (settings["top_k"], settings["num_negatives"], settings["regression_beta"]) == (7, 500, 0)


@pytest.mark.parametrize("name", sorted(CHAINS))
def test_images_a_step_and_their_size_are_the_published_ones(name):
    for section in ("refine", "detect"):
        settings = settings_of(name, section)
        data, trainer = settings["data"], settings["trainer"]
        images = trainer["devices"] * data["batch_size"] * trainer.get("accumulate_grad_batches", 1)
        sizes = data if section == "refine" else settings["model"]
        expected = (16, 0.02, 800, 1333) if name in COCO else (4, 0.002, 600, 1000)
        assert (images, settings["model"]["learning_rate"], sizes["shortest_side"], sizes["longest_side"]) == expected
        assert (trainer["max_epochs"], trainer["gradient_clip_val"]) == (12, 10)


@pytest.mark.parametrize(
    ("name", "rate", "second_drop"), [("coco_40", 0.02, 8), ("coco_40_r101", 0.02, 9), ("voc07_40", 0.002, 8)]
)
def test_the_rate_warms_up_by_step_and_falls_by_epoch(name, rate, second_drop):
    steps_an_epoch = 600
    task = joint_task(name, backbone="resnet18", fpn_channels=32, feature_width=16)
    task.categories = [Category(1, "cat")]
    task.hparams.update(shortest_side=64, longest_side=96)
    task.configure_model()
    [optimizer], schedules = task.configure_optimizers()
    found = []
    for step in range(12 * steps_an_epoch):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        for entry in schedules:
            if entry["interval"] == "step" or (step + 1) % steps_an_epoch == 0:
                entry["scheduler"].step()
    drop, last = second_drop * steps_an_epoch, 11 * steps_an_epoch
    points = {0: 0.001, 100: 0.2008, 250: 0.5005, 499: 0.998002, 500: 1.0, 3000: 1.0}
    points |= {drop - 1: 1.0, drop: 0.1, last - 1: 0.1, last: 0.01}
    assert len(points) == 10
    for step, factor in points.items():
        assert found[step] == pytest.approx(factor * rate, rel=1e-6), step


@pytest.fixture(scope="module")
def few(demo, tmp_path_factory):
    """The demo's images with two objects each, as whole bags of 125 take their time."""
    folder = tmp_path_factory.mktemp("few")
    shutil.copytree(demo / "images", folder / "images")
    content = json.loads((demo / "train.json").read_text())
    of_image = {
        image["id"]: [a for a in content["annotations"] if a["image_id"] == image["id"]] for image in content["images"]
    }
    content["annotations"] = [entry for entries in of_image.values() for entry in entries[:2]]
    (folder / "train.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def voc(few, tmp_path_factory):
    """VOCdevkit/VOC2007 as it is downloaded, converted and corrupted as docs/reproduce.md says."""
    folder = tmp_path_factory.mktemp("voc")
    tree = folder / "VOCdevkit" / "VOC2007"
    make_voc_tree(tree, few, {"trainval": "train.json"})
    assert main(["convert-voc", str(tree), "--split=trainval", f"--output={folder / 'trainval.json'}"]) == 0
    noise = ["--noise_level=0.4", "--seed=45", f"--output={folder / 'noisy.json'}"]
    assert main(["corrupt-annotations", str(folder / "trainval.json"), *noise]) == 0
    return folder / "noisy.json", tree / "JPEGImages"


@pytest.fixture(scope="module")
def coco(few, tmp_path_factory):
    """annotations/instances_train2017.json beside train2017."""
    folder = tmp_path_factory.mktemp("coco")
    (folder / "annotations").mkdir()
    shutil.copytree(few / "images", folder / "train2017")
    train = folder / "annotations" / "instances_train2017.json"
    content = json.loads((few / "train.json").read_text())
    content["annotations"][0]["iscrowd"] = 1
    train.write_text(json.dumps(content))
    noise = ["--noise_level=0.4", "--seed=45", f"--output={folder / 'noisy.json'}"]
    assert main(["corrupt-annotations", str(train), *noise]) == 0
    return folder / "noisy.json", folder / "train2017"


@pytest.fixture
def networks_given_back():
    """Trainer and network hold each other: published networks would take some GiB until objects are collected."""
    yield
    gc.collect()


@pytest.mark.usefixtures("networks_given_back")
@pytest.mark.parametrize(
    ("name", "section"),
    [*((name, "refine") for name in sorted(CHAINS)), ("voc07_40", "detect")],
)
def test_every_chain_takes_real_steps_on_data_of_its_layout(name, section, voc, coco, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    annotations, images = voc if name in VOC else coco
    chain = CHAINS[name][section]
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(chain["settings"]))
    small = {"shortest_side": 96, "longest_side": 128}
    sizes = options("data" if section == "refine" else "model", small)
    words = ["fit", f"--config={PAPER / chain['config']}", "--config=settings.yaml", *sizes, *QUIET]
    words += [f"--data.annotations={annotations}", f"--data.image_root={images}", "--data.num_workers=0"]
    words += ["--data.batch_size=1", "--model.weights=null", "--trainer.devices=1"]
    steps = 2 if name == "voc07_40" else 1
    if name != "voc07_40":  # adaptive sampling is slow on a CPU: once is enough
        words.append("--model.sampling_ratio=2")
    losses = []
    monkeypatch.setattr(Task, "on_train_batch_end", lambda _, outputs, *__: losses.append(outputs["loss"].item()))
    assert main([*words, f"--trainer.fast_dev_run={steps}"]) == 0
    assert len(losses) == steps
    assert all(0 < loss < 1000 for loss in losses)
