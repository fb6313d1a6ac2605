import pytest
import torch
from torch import nn
from torchvision.models import resnet18
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from ssd_det.errors import InputError
from ssd_det.models.backbone import STRIDES, Backbone, ConvolutionalP6


@pytest.mark.parametrize("name", ["resnet10", "resnet18", "resnet34", "resnet50", "resnet101", "mobilenet_v2"])
def test_levels_have_the_right_strides_and_channels(name):
    with torch.no_grad():
        levels = Backbone(name, channels=32)(torch.zeros(1, 3, 64, 96))
    assert [tuple(level.shape) for level in levels] == [(1, 32, 64 // s, 96 // s) for s in STRIDES]


@pytest.mark.parametrize(("lowest", "extra"), [(2, None), (2, ConvolutionalP6), (3, LastLevelP6P7)])
def test_network_and_pyramid_of_another_are_taken_over(lowest, extra):
    first = Backbone("resnet10", channels=32)
    own = Backbone("resnet10", channels=32, lowest_level=lowest, extra_levels=extra)
    above = {name: value.clone() for name, value in own.state_dict().items() if "extra_blocks" in name}
    own.take_over({name: value.clone() for name, value in first.state_dict().items()})
    images = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        theirs, ours = first.eval()(images), own.eval()(images)
    assert all(torch.equal(a, b) for a, b in zip(theirs[lowest - 2 :], ours, strict=False))
    assert all(torch.equal(own.state_dict()[name], value) for name, value in above.items())
    assert len(ours) == 4 - (lowest - 2) + {None: 0, ConvolutionalP6: 1, LastLevelP6P7: 2}[extra]


def test_another_network_is_not_taken_over():
    with pytest.raises(RuntimeError, match="size mismatch"):
        Backbone("resnet10", channels=32).take_over(Backbone("resnet10", channels=64).state_dict())
    with pytest.raises(RuntimeError, match="Unexpected key"):
        Backbone("resnet10", channels=32).take_over(Backbone("resnet18", channels=32).state_dict())


def test_every_pyramid_convolution_is_followed_by_group_norm():
    backbone = Backbone("resnet18", channels=64)
    convolutions = [module for module in backbone.fpn.modules() if isinstance(module, nn.Conv2d)]
    norms = [module for module in backbone.fpn.modules() if isinstance(module, nn.GroupNorm)]
    assert len(convolutions) == len(norms) == 8
    assert all(convolution.bias is None for convolution in convolutions)
    assert all(norm.num_groups == 32 for norm in norms)


@pytest.mark.parametrize(
    ("name", "frozen", "first_trained"),
    [("resnet18", 0, "conv1"), ("resnet18", 1, "layer2"), ("mobilenet_v2", 1, "4"), ("mobilenet_v2", 2, "7")],
)
def test_stages_are_frozen_from_the_stem_on(name, frozen, first_trained):
    backbone = Backbone(name, channels=32, frozen_stages=frozen, freeze_batch_norm=False)
    trained = [child for child, layer in backbone.body.items() if any(p.requires_grad for p in layer.parameters())]
    assert trained[0] == first_trained
    before = {key: value.clone() for key, value in backbone.body.state_dict().items()}
    backbone(torch.rand(2, 3, 64, 64))
    changed = {key.split(".")[0] for key, value in backbone.body.state_dict().items() if not value.equal(before[key])}
    assert changed
    assert changed.isdisjoint(list(backbone.body)[: list(backbone.body).index(first_trained)])


def test_frozen_batch_norms_keep_their_statistics_but_learn_their_scale():
    backbone = Backbone("resnet18", channels=32, frozen_stages=0, freeze_batch_norm=True)
    before = backbone.body["bn1"].running_mean.clone()
    sum(level.sum() for level in backbone(torch.rand(2, 3, 64, 64))).backward()
    assert backbone.body["bn1"].running_mean.equal(before)
    assert backbone.body["bn1"].weight.grad is not None


def test_weights_come_from_a_local_file(tmp_path):
    torch.manual_seed(1)
    network = resnet18()
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    backbone = Backbone("resnet18", weights=str(tmp_path / "weights.pth"), channels=32)
    assert backbone.body["conv1"].weight.equal(network.conv1.weight)


def test_weights_that_do_not_fit_are_named(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(InputError, match=r"weights\.pth: is not a state_dict of torchvision's resnet18"):
        Backbone("resnet18", weights=str(path), channels=32)
    path.write_bytes(b"no pickle at all")
    with pytest.raises(InputError, match=r"weights\.pth: is not a state_dict of torchvision's resnet18"):
        Backbone("resnet18", weights=str(path), channels=32)


def test_unknown_weights_are_named_with_what_there_is():
    with pytest.raises(InputError, match=r"neither a file nor weights that torchvision has.*IMAGENET1K_V1"):
        Backbone("resnet18", weights="nowhere.pth", channels=32)


def test_a_network_without_published_weights_says_so():
    with pytest.raises(InputError, match=r"torchvision has none for resnet10: give a path, or null with"):
        Backbone("resnet10", weights="DEFAULT", channels=32)


def test_resnet10_is_resnet18_with_half_of_its_blocks(tmp_path):
    shallow, deep = Backbone("resnet10", channels=32), Backbone("resnet18", channels=32)
    shapes = {key: value.shape for key, value in deep.state_dict().items()}
    assert all(shapes[key] == value.shape for key, value in shallow.state_dict().items())
    assert not any(
        key.startswith(tuple(f"body.layer{stage}.1." for stage in range(1, 5))) for key in shallow.state_dict()
    )
    torch.save(ResNet(BasicBlock, [1, 1, 1, 1]).state_dict(), tmp_path / "weights.pth")
    Backbone("resnet10", weights=str(tmp_path / "weights.pth"), channels=32)


def test_weights_that_cannot_be_downloaded_point_to_a_local_file(monkeypatch):
    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    monkeypatch.setattr("torch.hub.get_dir", lambda: "/nonexistent")
    monkeypatch.setattr("os.makedirs", lambda *_, **__: None)
    with pytest.raises(InputError, match=r"cannot be downloaded.*give the path of the file as weights"):
        Backbone("resnet18", weights="DEFAULT", channels=32)


@pytest.mark.parametrize(("setting", "value"), [("channels", 48), ("channels", 0), ("frozen_stages", 5)])
def test_settings_out_of_range_are_named(setting, value):
    with pytest.raises(InputError, match=f"is {value}: give a"):
        Backbone("resnet18", **{setting: value})
