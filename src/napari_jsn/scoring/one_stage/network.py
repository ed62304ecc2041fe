"""The network of the one-stage method: a U-Net with an EfficientNet encoder, and networks that grade regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate

from napari_jsn.anatomy import JOINTS
from napari_jsn.networks.layers import channels_last
from napari_jsn.scoring.crops.site_image import SIDE
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.one_stage.canvas import CANVAS
from napari_jsn.scoring.one_stage.places import circle_kernel, joint_places
from napari_jsn.scoring.one_stage.regions import finger_axes, nearest_places, places_tensor, regions
from napari_jsn.scoring.schemes import SIDES
from napari_jsn.scoring.two_stage.network import TOKENS, PatientNet, normalise
from napari_jsn.scoring.two_stage.views import mean_probabilities

#: Arguments of :class:`HandNet` for each preset: small enough for two cores; and as in the talk.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "one-stage": {"backbone": "efficientnet-b0", "decoder": (64, 48, 32, 24, 16), "regions": (20, 40, 72, 104)},
    "paper": {"backbone": "efficientnet-b5", "decoder": (256, 128, 64, 32, 16), "regions": (20, 40, 72, 104)},
}
#: Layers of the encoder that classify whole images: they are not used here, and have a third of its weights.
_OF_IMAGE_CLASSES = ("_conv_head", "_bn1", "_fc")
#: Share of a batch in the statistics of normalisation. The encoder's own 0.01 is for trainings of many thousand steps:
#: in shorter ones the statistics lag behind the weights, and the network marks nothing when it is evaluated.
_MOMENTUM = 0.1
#: Radius in pixels of the circle over which features are averaged, about that of a joint's target, side of the blocks
#: that it is made of, and channels of the classifier of narrowing.
_RADIUS, _BLOCK, _HIDDEN = 14, 4, 24
#: Length of the code of a region, and layers of the networks behind it.
_CODE, _LAYERS = 96, 2
#: Numbers of a left hand's joints among those of both hands: each hand lies on the canvas as a left one.
LEFT = slice(SIDES.index("L") * len(JOINTS), (SIDES.index("L") + 1) * len(JOINTS))
#: Least probability of a grade.
_LEAST = 1e-6
#: Channels: the image, and the coordinates x and y of each pixel.
CHANNELS = 3


class PixelClasses(NamedTuple):
    """Probabilities of every pixel.

    Attributes
    ----------
    joint : (B, 15, H, W) tensor
        Background, then the joints in anatomical order.
    jsn : (B, 5, H, W) tensor
    erosion : (B, 6, H, W) tensor
    eroded : (B, 1, H, W) tensor
        Of the class "bone is eroded here".
    narrowing : (B, 5, H, W) tensor
        Of the grades of narrowing by what the U-Net sees around the pixel alone: where narrowing is seen.
    """

    joint: Tensor
    jsn: Tensor
    erosion: Tensor
    eroded: Tensor
    narrowing: Tensor


class PixelOutputs(NamedTuple):
    """Output for every pixel: logits of the classes of :class:`PixelClasses`, and what the network learns as well.

    Attributes
    ----------
    joint, jsn, erosion, eroded, narrowing : tensor
        As in :class:`PixelClasses`.
    widths : (B, 2, H, W) tensor
        Visible width and healthy width of the pixel's joint in mm.
    """

    joint: Tensor
    jsn: Tensor
    erosion: Tensor
    eroded: Tensor
    narrowing: Tensor
    widths: Tensor

    def classes(self) -> PixelClasses:
        """Return the probabilities on the CPU."""
        parts = (self.joint, self.jsn, self.erosion, self.narrowing)
        joint, jsn, erosion, narrowing = (torch.softmax(each.float(), 1).cpu() for each in parts)
        return PixelClasses(joint, jsn, erosion, torch.sigmoid(self.eroded.float()).cpu(), narrowing)


class UNetOutputs(NamedTuple):
    """What the U-Net gives for every pixel: all of :class:`PixelOutputs` but the grades of the joints."""

    joint: Tensor
    eroded: Tensor
    narrowing: Tensor
    widths: Tensor


class FullPrecisionConvolution(nn.Conv2d):
    """A convolution of 32 bits also where others have 16.

    On CPUs, torch computes the gradients of depthwise convolutions of 16 bits three to five times slower than those of
    32 bits, unless they are 3 x 3 without stride.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return the convolved features, of 32 bits."""
        if features.is_meta:  # which has no types but those it is given
            return super().forward(features)
        with torch.autocast(features.device.type, enabled=False):
            return super().forward(features.float())


class CircleMean(nn.Module):
    """Mean of features over the circle around each pixel, at a quarter of the resolution.

    Parameters
    ----------
    channels : int
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.kernel: Tensor
        kernel = circle_kernel(_RADIUS / _BLOCK).repeat(channels, 1, 1, 1)
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Return the means (B, C, H, W) of features (B, C, H, W)."""
        blocks = avg_pool2d(features, _BLOCK)
        means = conv2d(blocks, self.kernel.to(blocks.dtype), padding=self.kernel.shape[-1] // 2, groups=blocks.shape[1])
        return interpolate(means, scale_factor=float(_BLOCK), mode="nearest")


class HandNet(nn.Module):
    """A U-Net over a whole left hand, and two networks that grade the regions of its joints.

    The U-Net marks the joints, eroded pixels, and pixels where it sees narrowing, by the features of a pixel and by
    their means over the circle around it. Both kinds of damage are graded on the region of the image around each joint
    that it marks, along the joint's finger, together with the hand's other joints: how far bone is eroded along a
    margin is seen best upright and in detail, and narrowing is a share of the patient's healthy width. The grade of a
    region is that of all pixels to which its joint is the nearest.

    Parameters
    ----------
    backbone : str
        ``"efficientnet-b0"`` to ``"efficientnet-b7"``.
    decoder : sequence of int
        Channels of the five levels of the decoder, the coarsest first.
    regions : sequence of int
        Channels of the levels of the networks of regions; see
        :class:`~napari_jsn.scoring.two_stage.network.PatientNet`.
    """

    def __init__(self, backbone: str, decoder: Sequence[int], regions: Sequence[int]) -> None:
        from monai.networks.nets import FlexibleUNet

        super().__init__()
        self.body: Any = FlexibleUNet(
            in_channels=CHANNELS, out_channels=1, backbone=backbone, decoder_channels=tuple(decoder), pretrained=False
        )
        self.body.add_module("segmentation_head", nn.Identity())  # three classifiers of single pixels replace it
        for name in _OF_IMAGE_CLASSES:
            self.body.encoder.add_module(name, nn.Identity())
        for layer in list(self.body.modules()):
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = _MOMENTUM
            for name, part in layer.named_children():
                if isinstance(part, nn.Conv2d) and part.groups > 1 and (part.kernel_size[0] > 3 or part.stride[0] > 1):
                    layer.add_module(name, _of_full_precision(part))
                elif type(part).__name__ == "MemoryEfficientSwish":  # slower than torch's own
                    layer.add_module(name, nn.SiLU(inplace=True))
        last = decoder[-1]
        self.joint: nn.Conv2d = nn.Conv2d(last, 1 + len(JOINTS), 1)
        self.circle: CircleMean = CircleMean(last + 1)
        self.narrowing: nn.Sequential = _classifier(2 * last + 1, 1 + HIGHEST["jsn"])
        self.eroded: nn.Conv2d = nn.Conv2d(last, 1, 1)
        self.widths: nn.Conv2d = nn.Conv2d(last, 2, 1)
        self.regions: PatientNet = PatientNet(regions, _CODE, _LAYERS)

    def forward(self, images: Tensor) -> PixelOutputs:
        """Return the output for images (B, 3, H, W); see :func:`with_coordinates`. H and W are multiples of 32."""
        found = self.unet(images)
        jsn, erosion = self._grades(images[:, 0], found.joint.float())
        return PixelOutputs(found.joint, jsn, erosion, found.eroded, found.narrowing, found.widths)

    def unet(self, images: Tensor) -> UNetOutputs:
        """Return the output of the U-Net alone, which saves the time of the regions."""
        features = self.body(images)
        eroded = self.eroded(features)
        means = self.circle(torch.cat([features, torch.sigmoid(eroded)], 1))
        narrowing = self.narrowing(torch.cat([features, means], 1))
        return UNetOutputs(self.joint(features), eroded, narrowing, self.widths(features))

    def _grades(self, images: Tensor, joint: Tensor) -> list[Tensor]:
        """Return the logarithms (B, K + 1, H, W) of the probabilities of each kind, by the logits of the joint map."""
        shown = images.new_zeros(len(images), len(JOINTS), SIDE, SIDE)
        there = torch.zeros(shown.shape[:2], dtype=torch.bool, device=images.device)
        nearest = torch.zeros_like(images, dtype=torch.long)
        if not images.is_meta:
            marked = torch.softmax(joint, 1).cpu()
            for k, (image, probabilities) in enumerate(zip(images, marked, strict=True)):
                places = places_tensor(joint_places(probabilities, _RADIUS))
                which = torch.isfinite(places).all(1)
                if not which.any():
                    continue
                joints = torch.nonzero(which)[:, 0].to(image.device)
                there[k] = which.to(image.device)
                cut = regions(image[None], places[which].to(image), finger_axes(places)[which].to(image), joints)
                shown[k, joints] = normalise(cut[:, 0])
                nearest[k] = nearest_places(places.to(image), image.shape)
        found = []
        for kind, of_joints in self.of_regions(of_left_hands(shown), of_left_hands(there)).items():
            count = HIGHEST[kind] + 1
            graded = torch.where(there[..., None], of_joints, 1 / count)  # of what is not marked: all alike
            maps = graded.clamp_min(_LEAST).log().movedim(1, 2)
            found.append(
                maps.gather(2, nearest.flatten(1)[:, None].expand(-1, count, -1)).view(-1, count, *images.shape[1:])
            )
        return found

    def of_regions(self, shown: Tensor, there: Tensor) -> dict[str, Tensor]:
        """Return the probabilities (B, 14, K + 1) of the grades of regions, by kind: means over both mirrorings.

        Parameters
        ----------
        shown : (B, 28, 96, 96) tensor
            Normalised; only those of the left hand count.
        there : (B, 28) bool tensor
        """
        if there.is_meta or not there.any():
            return {kind: shown.new_full((len(shown), len(JOINTS), n + 1), 1 / (n + 1)) for kind, n in HIGHEST.items()}
        views = [self.regions(each, there) for each in (shown, shown.flip(-1))]
        return {
            kind: mean_probabilities(torch.stack([each[kind].logits.float() for each in views]))[:, LEFT]
            for kind in HIGHEST
        }


def of_left_hands(each: Tensor) -> Tensor:
    """Return what belongs to joints (B, 14, ...) as that of the left hands of patients (B, 28, ...)."""
    found = each.new_zeros(len(each), TOKENS, *each.shape[2:])
    found[:, LEFT] = each
    return found


def _classifier(channels: int, classes: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, _HIDDEN, 1), nn.ReLU(inplace=True), nn.Conv2d(_HIDDEN, classes, 1))


def _of_full_precision(layer: nn.Conv2d) -> FullPrecisionConvolution:
    """Return a convolution with the same weights."""
    made = FullPrecisionConvolution(
        layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding, layer.dilation,  # type: ignore[arg-type]
        layer.groups, layer.bias is not None,
    )  # fmt: skip
    made.load_state_dict(layer.state_dict())
    return made


def build_hand_net(arguments: dict[str, Any]) -> HandNet:
    """Return a network with random weights, with the arguments of a preset or a card."""
    return channels_last(HandNet(**arguments))


def with_coordinates(images: Tensor, origin: Tensor | None = None) -> Tensor:
    """Return images (B, H, W) with two more channels (B, 3, H, W): x and y of each pixel, -1 to 1 on the canvas.

    Parameters
    ----------
    images : (B, H, W) tensor
    origin : (B, 2) tensor, optional
        ``(x, y)`` on the canvas of the first pixel of each image, by default (0, 0).
    """
    count, rows, cols = images.shape
    first = images.new_zeros(count, 2) if origin is None else origin.to(images)
    x = 2 * (first[:, :1] + torch.arange(cols, device=images.device)) / (CANVAS[1] - 1) - 1
    y = 2 * (first[:, 1:] + torch.arange(rows, device=images.device)) / (CANVAS[0] - 1) - 1
    return torch.stack([images, x[:, None].expand_as(images), y[:, :, None].expand_as(images)], 1)
