"""Feature pyramids over torchvision's classification networks."""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Literal, cast
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.models import get_model, get_model_weights
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

from ssd_det.errors import InputError
from ssd_det.models.loading import load_tensors

BackboneName = Literal["resnet10", "resnet18", "resnet34", "resnet50", "resnet101", "mobilenet_v2"]
ExtraLevels = Callable[[int, int], ExtraFPNBlock]

STRIDES = (4, 8, 16, 32)
FINEST_LEVEL = 2
PYRAMID_BLOCK = re.compile(r"(fpn\.(?:inner|layer)_blocks)\.(\d+)\.(.+)")
EXTRA_LEVELS = "fpn.extra_blocks."
NORM_GROUPS = 32
RESNET_STAGES = (("conv1", "bn1", "relu", "maxpool"), ("layer1",), ("layer2",), ("layer3",), ("layer4",))
MOBILENET_STAGES = (
    ("0", "1"),
    ("2", "3"),
    ("4", "5", "6"),
    ("7", "8", "9", "10", "11", "12", "13"),
    ("14", "15", "16", "17"),
)


class Backbone(nn.Module):
    """A torchvision network and a feature pyramid, by default with the levels P2 to P5.

    As published, every convolution of the pyramid is followed by GroupNorm with 32 groups.

    Args:
        name: which network; ``resnet10`` is a ResNet of one basic block a stage, which torchvision has no weights for:
            for trainings from random weights, where there is little time.
        weights: ``None`` for random weights, the name of torchvision weights (``IMAGENET1K_V1``,
            ``DEFAULT``), or a path to a state_dict of the whole torchvision model.
        channels: channels of every pyramid level, a multiple of 32.
        frozen_stages: how many of the network's stages are not trained: 0 none, 1 the stem and the first
            stage, up to 4 all of it. The stem is frozen with the first stage.
        freeze_batch_norm: keep batch norms on their running statistics (their scale and shift still learn).
        lowest_level: the finest level, 2 to 5.
        extra_levels: makes levels above P5, given the channels of the network's highest map and of the pyramid.

    Raises:
        InputError: if an argument is out of range or the weights cannot be had or do not fit.
    """

    def __init__(
        self,
        name: BackboneName = "resnet50",
        weights: str | None = None,
        channels: int = 256,
        frozen_stages: int = 1,
        freeze_batch_norm: bool = True,
        lowest_level: int = FINEST_LEVEL,
        extra_levels: ExtraLevels | None = None,
    ) -> None:
        super().__init__()
        if channels < 1 or channels % NORM_GROUPS:
            raise InputError(f"fpn_channels is {channels}: give a multiple of {NORM_GROUPS}.")
        if not 0 <= frozen_stages < len(STRIDES) + 1:
            raise InputError(f"frozen_stages is {frozen_stages}: give a number from 0 to {len(STRIDES)}.")
        network = load_network(name, weights)
        stages: tuple[tuple[str, ...], ...] = RESNET_STAGES
        if name == "mobilenet_v2":
            network, stages = cast(nn.Module, network.features), MOBILENET_STAGES
        levels = enumerate(stages[1:], start=FINEST_LEVEL)
        outputs = {stage[-1]: f"p{level}" for level, stage in levels if level >= lowest_level}
        self.body = IntermediateLayerGetter(network, outputs)
        self.frozen = [layer for stage in stages[: frozen_stages + 1] for layer in stage] if frozen_stages else []
        self.freeze_batch_norm = freeze_batch_norm
        for layer in self._frozen_layers():
            layer.requires_grad_(False)
        widths = _channels_of(self.body)
        extra = extra_levels(widths[-1], channels) if extra_levels else None
        self.fpn = FeaturePyramidNetwork(widths, channels, extra, norm_layer=partial(nn.GroupNorm, NORM_GROUPS))
        self.channels = channels
        self.lowest_level = lowest_level
        self.train()  # Lightning trains a module in the mode that it finds it in

    def _frozen_layers(self) -> Iterator[nn.Module]:
        return (self.body[layer] for layer in self.frozen)

    def train(self, mode: bool = True) -> "Backbone":
        """Switch to training, but for frozen layers and, if so set, batch norms."""
        super().train(mode)
        for layer in self._frozen_layers():
            layer.eval()
        if self.freeze_batch_norm:
            for module in self.body.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def take_over(self, weights: Mapping[str, Tensor]) -> None:
        """Take the network and the pyramid of another backbone, but for levels above P5, which stay as they are.

        Args:
            weights: the state_dict of a backbone whose finest level is P2.

        Raises:
            RuntimeError: if it is one of another network, or of other channels.
        """
        own = {self._name_here(name): value for name, value in weights.items() if not name.startswith(EXTRA_LEVELS)}
        kept = {name: value for name, value in self.state_dict().items() if name.startswith(EXTRA_LEVELS)}
        self.load_state_dict({name: value for name, value in own.items() if name is not None} | kept)

    def _name_here(self, name: str) -> str | None:
        """What a weight of a pyramid from P2 on is called in this one; ``None`` for one of a level that it lacks."""
        if (block := PYRAMID_BLOCK.fullmatch(name)) is None:
            return name
        number = int(block[2]) - (self.lowest_level - FINEST_LEVEL)
        return f"{block[1]}.{number}.{block[3]}" if number >= 0 else None

    def forward(self, images: Tensor) -> list[Tensor]:
        """Compute the pyramid.

        Args:
            images: ``Tensor[B, 3, H, W]``, normalised, H and W multiples of 32.

        Returns:
            The levels from the finest on, ``Tensor[B, channels, H / stride, W / stride]``; the strides of P2 to
            P5 are 4, 8, 16 and 32.
        """
        features: OrderedDict[str, Tensor] = self.fpn(self.body(images))
        return list(features.values())


class ConvolutionalP6(ExtraFPNBlock):  # type: ignore[misc]
    """P6 as published: a convolution with stride 2 on the highest map of the network, with GroupNorm.

    Args:
        in_channels: of that map.
        channels: of the pyramid.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        convolution = nn.Conv2d(in_channels, channels, 3, stride=2, padding=1, bias=False)
        nn.init.kaiming_uniform_(convolution.weight, a=1)  # as the other levels
        self.p6 = nn.Sequential(convolution, nn.GroupNorm(NORM_GROUPS, channels))

    def forward(self, results: list[Tensor], x: list[Tensor], names: list[str]) -> tuple[list[Tensor], list[str]]:
        """Append P6 to the levels ``results``, from the maps ``x`` of the network."""
        return [*results, self.p6(x[-1])], [*names, "p6"]


def load_network(name: BackboneName, weights: str | None) -> nn.Module:
    """Build a torchvision classification network, with weights by name or from a local state_dict."""
    if weights is None:
        return _random_network(name)
    published = _published_weights(name)
    if published and weights in ("DEFAULT", *published):
        try:
            return cast(nn.Module, get_model(name, weights=weights))
        except (URLError, OSError) as error:
            raise InputError(
                f"The torchvision weights {weights} of {name} cannot be downloaded ({error}): download them on "
                f"another machine and give the path of the file as weights."
            ) from error
    path = Path(weights)
    if not path.is_file():
        if not published:
            raise InputError(
                f"The weights {weights} are no file, and torchvision has none for {name}: give a path, or null with "
                f"model.frozen_stages 0 and model.freeze_batch_norm false."
            )
        raise InputError(
            f"The weights {weights} are neither a file nor weights that torchvision has for {name}: "
            f"give a path, null, or one of {', '.join(published)}."
        )
    network = _random_network(name)
    kind = f"a state_dict of torchvision's {name}"
    advice = "give a file saved with torch.save(model.state_dict(), path)"
    try:
        network.load_state_dict(load_tensors(path, kind, advice))
    except RuntimeError as error:
        raise InputError(f"{path}: is not {kind} (other names or shapes): {advice}.") from error
    return network


def _random_network(name: BackboneName) -> nn.Module:
    if name == "resnet10":
        return cast(nn.Module, ResNet(BasicBlock, [1, 1, 1, 1]))
    return cast(nn.Module, get_model(name, weights=None))


def _published_weights(name: BackboneName) -> list[str]:
    """The names of torchvision's weights of a network."""
    return [] if name == "resnet10" else list(get_model_weights(name).__members__)


def _channels_of(body: nn.Module) -> list[int]:
    """Channels of each output of the network, read off a tiny image."""
    training = body.training
    with torch.no_grad():
        outputs = body.eval()(torch.zeros(1, 3, 32, 32))
    body.train(training)
    return [feature.shape[1] for feature in outputs.values()]
