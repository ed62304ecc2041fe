"""The networks of the two-stage method: one for narrowing and one for erosion, which share no weights."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle, pixel_unshuffle

from napari_jsn.anatomy import JOINTS
from napari_jsn.networks.layers import ResidualBlock, channels_last, convolution
from napari_jsn.scoring.crops.patient_images import TOKENS as TOKENS
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.schemes import SIDES

#: Channels of the fine features, and places that are weighed to sum them up.
_FINE, _PLACES = 32, 4
#: Cells of the areas for one cell of the fine features, along a side; side of a block of pixels that is one such cell.
_FINER, BLOCK = 2, 2
#: Bands of rows and of columns of the areas by which erosion is graded: its extent across the bone is what counts.
_BANDS = (6, 24)
#: Arguments of :class:`PatientNet` for each preset.
ARCHITECTURES: dict[str, dict[str, Any]] = {"default": {"features": (20, 40, 72, 104), "width": 96, "layers": 2}}


class Graded(NamedTuple):
    """Output of a network for the joints (B, 28) of patients.

    Attributes
    ----------
    logits : (B, 28, highest grade) tensor
        Of "the grade is above k, if it is at least k", for k from 0: the conditional logits of CORN (Shi, Cao, Raschka
        2023).
    scored : (B, 28) tensor
        Logit of "this joint can be graded".
    widths : (B, 28, 2) tensor
        Visible width and healthy width in mm, which the network learns as well.
    areas : (B, 28, 48, 48) tensor or None
        Logit of the share of each block of 2 x 2 pixels that is eroded, of the network for erosion.
    alone : Graded or None
        The same (N, 1) of the N joints with an image, each graded as if it were the only one of the patient.
    """

    logits: Tensor
    scored: Tensor
    widths: Tensor
    areas: Tensor | None = None
    alone: Graded | None = None


class GradeNet(nn.Module):
    """Grade all joints of a patient for one kind of damage.

    A residual network encodes the image of each joint. Its coarse features are joined with finer ones (Lin et al.,
    CVPR 2017), since a margin or a small erosion covers few pixels. A transformer then compares the joints of both
    hands: narrowing is a share of the patient's healthy width, for which the other joints are the reference.

    Parameters
    ----------
    highest : int
        Highest grade.
    features : sequence of int
        Channels of the levels of the encoder; the first has half the image's resolution.
    width : int
        Length of the code of a joint.
    layers : int
        Of the transformer.
    areas : bool
        Whether the network also learns where bone is eroded, and grades by it.
    """

    def __init__(self, highest: int, features: Sequence[int], width: int, layers: int, areas: bool = False) -> None:
        super().__init__()
        self.stem: nn.Module = convolution(4, features[0])
        self.levels: nn.Sequential = nn.Sequential(
            ResidualBlock(features[0]),
            *(
                nn.Sequential(convolution(fine, coarse, stride=2), ResidualBlock(coarse))
                for fine, coarse in zip(features, features[1:], strict=False)
            ),
        )
        self.lateral: nn.ModuleList = nn.ModuleList(nn.Conv2d(each, _FINE, 1) for each in features[1:])
        self.fine: nn.Module = ResidualBlock(_FINE)
        self.places: nn.Conv2d = nn.Conv2d(_FINE, _PLACES, 1)
        self.areas: nn.Conv2d | None = nn.Conv2d(_FINE, _FINER**2, 1) if areas else None
        length = 2 * features[-1] + (2 + _PLACES) * _FINE + (_BANDS[0] * _BANDS[1] if areas else 0)
        self.code: nn.Sequential = nn.Sequential(
            nn.Linear(length, 2 * width), nn.ReLU(), nn.Linear(2 * width, width), nn.ReLU()
        )
        self.site: nn.Embedding = nn.Embedding(len(JOINTS), width)
        self.hand: nn.Embedding = nn.Embedding(len(SIDES), width)
        self.own_width: nn.Linear = nn.Linear(width, 1)
        self.place: nn.Linear = nn.Linear(width + 1, width)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, 0.1, batch_first=True, norm_first=True)
        self.context: nn.TransformerEncoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head: nn.Sequential = nn.Sequential(
            nn.LayerNorm(2 * width), nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, highest + 2)
        )

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the coarse features (N, C, 6, 6) and the fine ones (N, D, 24, 24) of images (N, 1, 96, 96)."""
        found = [self.stem(pixel_unshuffle(images, 2))]
        for level in self.levels:
            found.append(level(found[-1]))
        fine: Tensor | None = None
        for features, lateral in zip(found[:1:-1], list(self.lateral)[::-1], strict=True):
            here = lateral(features)
            fine = here if fine is None else here + interpolate(fine, scale_factor=2.0, mode="nearest")
        return found[-1], self.fine(fine)

    def encode(self, images: Tensor, sites: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the codes (N, width) of images (N, 1, 96, 96) of the sites (N,), and the areas (N, 48, 48) if any."""
        coarse, fine = self.maps(images)
        weights = torch.softmax(self.places(fine).flatten(2), 2)
        weighed = torch.bmm(weights, fine.flatten(2).transpose(1, 2)).flatten(1)
        pooled = [each(found) for found in (coarse, fine) for each in (_mean, _most)] + [weighed]
        areas = None
        if self.areas is not None:
            areas = pixel_shuffle(self.areas(fine), _FINER)[:, 0]
            pooled.append(_extents(torch.sigmoid(areas)))
        codes: Tensor = self.code(torch.cat([each.float() for each in pooled], 1))
        return codes + self.site(sites), areas

    def grade(self, codes: Tensor, there: Tensor, hands: Tensor | None = None) -> Graded:
        """Return the grades of patients by the codes (B, T, width) of their joints.

        The joints are of the hands (B, T); by default they are all joints of both hands.
        """
        own = self.own_width(codes)
        hands = _hands(there) if hands is None else hands
        tokens = self.place(torch.cat([codes, own], 2)) + self.hand(hands)
        tokens = self.context(tokens, src_key_padding_mask=~there)
        values = self.head(torch.cat([codes, tokens], 2))
        return Graded(values[..., :-2], values[..., -2], torch.stack([own[..., 0], values[..., -1]], 2))

    def forward(self, images: Tensor, there: Tensor, alone: bool = False) -> Graded:
        """Return the grades of patients.

        Parameters
        ----------
        images : (B, 28, 96, 96) tensor
            See :func:`normalise`.
        there : (B, 28) bool tensor
            Joints without an image have no influence.
        alone : bool
            Whether to grade each joint also as if it were the only one.
        """
        sites = torch.arange(len(JOINTS), device=images.device).repeat(len(SIDES)).expand(there.shape)
        given = images[there][:, None].contiguous(memory_format=torch.channels_last)
        found, areas = self.encode(given, sites[there])
        codes = found.new_zeros(*there.shape, found.shape[1])
        codes[there] = found
        graded = self.grade(codes, there)
        if alone:
            single = there[there][:, None]
            graded = graded._replace(alone=self.grade(found[:, None], single, _hands(there)[there][:, None]))
        if areas is None:
            return graded
        placed = areas.new_zeros(*there.shape, *areas.shape[1:])
        placed[there] = areas
        return graded._replace(areas=placed)


def _hands(there: Tensor) -> Tensor:
    """Return the number of the hand of each joint (B, 28)."""
    return torch.arange(len(SIDES), device=there.device).repeat_interleave(len(JOINTS)).expand(there.shape)


def _mean(features: Tensor) -> Tensor:
    return features.mean((2, 3))


def _most(features: Tensor) -> Tensor:
    return features.amax((2, 3))


def _extents(eroded: Tensor) -> Tensor:
    """Return the largest eroded share in each band of rows, column by column (N, 6 * 24), of areas (N, 48, 48)."""
    count, rows, cols = eroded.shape
    bands = eroded.view(count, _BANDS[0], rows // _BANDS[0], _BANDS[1], cols // _BANDS[1])
    return bands.amax(2).mean(3).flatten(1)


class PatientNet(nn.Module):
    """Two networks that share no weights: ``jsn`` and ``erosion``; see :class:`GradeNet`."""

    def __init__(self, features: Sequence[int], width: int, layers: int) -> None:
        super().__init__()
        self.kinds: nn.ModuleDict = nn.ModuleDict(
            {
                kind: GradeNet(highest, tuple(features), width, layers, areas=kind == "erosion")
                for kind, highest in HIGHEST.items()
            }
        )

    def forward(
        self, images: Tensor, there: Tensor, alone: Collection[str] = (), kinds: Iterable[str] = tuple(HIGHEST)
    ) -> dict[str, Graded]:
        """Return the output of each network by its kind; those of ``alone`` also grade each joint as the only one.

        See :meth:`GradeNet.forward`.
        """
        return {kind: self.kinds[kind](images, there, kind in alone) for kind in kinds}


def build_patient_net(arguments: dict[str, Any]) -> PatientNet:
    """Return networks with random weights, with the arguments of a preset or a card."""
    return channels_last(PatientNet(**arguments))


def normalise(images: Tensor) -> Tensor:
    """Return images (..., S, S) with mean 0 and standard deviation 1."""
    mean, sd = images.mean((-2, -1), keepdim=True), images.std((-2, -1), keepdim=True)
    return (images - mean) / sd.clamp_min(1e-3)


#: For cards.
NORMALISATION = "percentiles 1 and 99.8 become 0 and 1, then mean 0 and standard deviation 1 of each joint image"
