import torch
from torch.testing import assert_close

from ssd_det.batches.batch import Objects
from ssd_det.models.backbone import Backbone
from ssd_det.models.refiner import Refiner
from tests.models.heads import published_head


def make_refiner():
    torch.manual_seed(0)
    head = published_head(2, 32, feature_width=16, roi_size=2, ratios=(1.0, 1.3))
    return Refiner(Backbone("resnet18", channels=32, frozen_stages=0), head).eval()


def test_what_the_padding_holds_does_not_matter():
    refiner = make_refiner()
    objects = Objects(
        torch.tensor([[5.0, 5.0, 40.0, 50.0]]), torch.tensor([1]), torch.tensor([0]), torch.tensor([[60.0, 50.0]])
    )
    images = torch.rand(1, 3, 64, 64)
    padded = images.clone()
    padded[:, :, 60:], padded[:, :, :, 50:] = 7.0, -3.0
    with torch.no_grad():
        assert_close(refiner(images, objects).refined, refiner(padded, objects).refined, rtol=0, atol=0)


def test_mean_and_deviation_are_taken_off():
    refiner = make_refiner()
    seen = []
    refiner.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    mean = refiner.image_mean.expand(3, 32, 32)
    refiner.features(torch.stack([mean, mean + refiner.image_std]), torch.tensor([[32.0, 32.0]] * 2))
    assert_close(seen[0][0], torch.zeros(3, 32, 32), rtol=0, atol=1e-6)
    assert_close(seen[0][1], torch.ones(3, 32, 32), rtol=0, atol=1e-6)
