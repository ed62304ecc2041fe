"""The network of Wang et al. 2023 (Table 2), and the mean of several trained copies of it."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_jsn.registration.network.maps import similarities

#: Channels of the first convolution; residual blocks of each stage, and their channels (Table 2).
_FIRST, _BLOCKS, _CHANNELS = 64, (3, 4, 6, 3), (128, 256, 512, 512)


class PaperNet(nn.Module):
    """The registration network of Wang et al. 2023, Table 2: 47,000,224 parameters.

    Each image passes a 3 x 3 convolution with one channel. Both results and one mask channel of each image pass a
    7 x 7 convolution with stride 2, max pooling with stride 2 and four stages of residual blocks. At 224 x 224 pixels
    the feature maps are 112, 56, 28, 14 and 7 pixels wide (the first stage keeps the size of the pooled map). The mean
    over the image and one linear layer give eight numbers.

    References
    ----------
    Wang et al., CMIG 108:102273 (2023).

    Examples
    --------
    >>> import torch
    >>> from napari_jsn.registration.network.paper_net import PaperNet
    >>> network = PaperNet().eval()
    >>> sum(each.numel() for each in network.parameters())
    47000224
    >>> image, mask = torch.rand(1, 1, 224, 224), torch.ones(1, 1, 224, 224)
    >>> network(image, image, mask, mask).shape
    torch.Size([1, 2, 4])
    """

    def __init__(self) -> None:
        super().__init__()
        self.fixed: nn.Sequential = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1))
        self.moving: nn.Sequential = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1))
        self.first: nn.Sequential = nn.Sequential(
            nn.Conv2d(4, _FIRST, 7, 2, 3, bias=False), nn.BatchNorm2d(_FIRST), nn.ReLU(inplace=True)
        )
        self.pool: nn.MaxPool2d = nn.MaxPool2d(3, 2, 1)
        stages: list[nn.Module] = []
        before = _FIRST
        for number, (count, channels) in enumerate(zip(_BLOCKS, _CHANNELS, strict=True)):
            blocks = [ShortcutBlock(before, channels, stride=1 if number == 0 else 2, shortcut=True)]
            blocks += [ShortcutBlock(channels, channels) for _ in range(count - 1)]
            stages.append(nn.Sequential(*blocks))
            before = channels
        self.stages: nn.Sequential = nn.Sequential(*stages)
        self.head: nn.Linear = nn.Linear(before, 8)

    def forward(self, fixed: Tensor, moving: Tensor, fixed_mask: Tensor, moving_mask: Tensor) -> Tensor:
        """Return the transformation parameters (B, 2, 4) of the upper and the lower bone.

        Parameters
        ----------
        fixed, moving : (B, 1, H, W) float tensors
            Intensities in [0, 1].
        fixed_mask, moving_mask : (B, 1, H, W) float tensors
            Nonzero in the upper half of the joint, 0 elsewhere.

        Returns
        -------
        Tensor
            Of each bone ``dz`` in (0, 2), ``dtheta`` in (-pi/2, pi/2), and ``dx``, ``dy`` in halves of the image.
        """
        masks = [(mask != 0).to(fixed) for mask in (fixed_mask, moving_mask)]
        features = self.pool(self.first(torch.cat([self.fixed(fixed), self.moving(moving), *masks], 1)))
        output = self.head(self.stages(features).mean((2, 3))).float().unflatten(1, (2, 4))
        dz, dtheta = 1 + torch.tanh(output[..., :1]), torch.tanh(output[..., 1:2]) * math.pi / 2
        return torch.cat([dz, dtheta, output[..., 2:]], -1)


class ShortcutBlock(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation, added to the input (He et al., CVPR 2016)."""

    def __init__(self, before: int, channels: int, stride: int = 1, shortcut: bool = False) -> None:
        super().__init__()
        self.body: nn.Sequential = nn.Sequential(
            nn.Conv2d(before, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels),
        )  # fmt: skip
        self.shortcut: nn.Module = nn.Identity()
        if shortcut:
            self.shortcut = nn.Sequential(nn.Conv2d(before, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same size, or of half of it."""
        return torch.relu(self.body(features) + self.shortcut(features))


class PaperRuns(nn.Module):
    """Trained copies of :class:`PaperNet` whose transformation parameters are averaged (the paper averages three runs).

    Parameters
    ----------
    runs : int
        Number of copies.
    """

    def __init__(self, runs: int = 1) -> None:
        super().__init__()
        self.runs: nn.ModuleList = nn.ModuleList(PaperNet() for _ in range(runs))

    def forward(self, fixed: Tensor, moving: Tensor, fixed_masks: Tensor, moving_masks: Tensor) -> Tensor:
        """Return the maps (B, 2, 3, 3) of both bones, in pixels.

        Parameters
        ----------
        fixed, moving : (B, 1, S, S) float tensors
        fixed_masks, moving_masks : (B, 2, S, S) tensors
            Masks of the two bones; the network gets the half of the image that belongs to the upper one.
        """
        halves = [upper_halves(masks).to(fixed) for masks in (fixed_masks, moving_masks)]
        return to_maps(self.parameters_of(fixed, moving, *halves), fixed.shape[-1])

    def parameters_of(self, fixed: Tensor, moving: Tensor, fixed_half: Tensor, moving_half: Tensor) -> Tensor:
        """Return the mean of the copies' transformation parameters (B, 2, 4); see :meth:`PaperNet.forward`."""
        return torch.stack([network(fixed, moving, fixed_half, moving_half) for network in self.runs]).mean(0)


def to_maps(parameters: Tensor, side: int) -> Tensor:
    """Return maps (B, 2, 3, 3) in pixels of a square from transformation parameters (B, 2, 4) (Eq. 1).

    Parameters
    ----------
    parameters : tensor
        ``dz``, ``dtheta``, and ``dx``, ``dy`` in halves of the image.
    side : int
        Of the square, in pixels.
    """
    middle = (side - 1) / 2
    return similarities(parameters[..., 0], parameters[..., 1], parameters[..., 2:] * side / 2, (middle, middle))


def upper_halves(masks: Tensor) -> Tensor:
    """Return the halves (B, 1, S, S) of the images that belong to the upper bone, from the masks of both bones."""
    return torch.from_numpy(np.stack([upper_half(each) for each in masks.cpu().numpy() >= 0.5])[:, None])


def upper_half(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where the upper bone is nearer than the lower one (H, W): the paper's mask, made of two bones' masks.

    Parameters
    ----------
    masks : (2, H, W) bool array
        Upper and lower bone. Masks that are halves already give the upper half itself.
    """
    from scipy import ndimage

    signed = [ndimage.distance_transform_edt(~mask) - ndimage.distance_transform_edt(mask) for mask in masks]
    return np.asarray(signed[0] < signed[1])
