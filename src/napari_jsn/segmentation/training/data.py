"""Joint images with masks to train on: those of a folder, and simulated ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, counted
from napari_jsn.joint import JOINT_IMAGE_MM, BoneMasks
from napari_jsn.networks.cached_arrays import Arrays, cached_arrays
from napari_jsn.networks.task import split_groups
from napari_jsn.segmentation.canvas import SIDE, to_canvas
from napari_jsn.segmentation.training import public_joints

#: File name extensions.
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".dcm")
_MASKS = (".png", ".bmp", ".tif", ".tiff")
#: What the name of a mask may add to the name of its image.
_ENDINGS = ("_mask", "-mask", "_masks", "-masks", "_labels", "-labels", "")
#: Largest overlap (intersection over union) of the masks of two bones.
_SAME_REGION = 0.5
#: Distance from the border, as a share of the image, within which masks drawn by hand are not reliable.
_EDGE = 4 / 256


@dataclass(frozen=True)
class LabelledJoint:
    """A joint image and the masks of its bones.

    Attributes
    ----------
    image : (H, W) float32 array
        In [0, 1].
    masks : BoneMasks
    group : str
        Images of one group show one joint (or one patient): all of them are trained on, or none.
    joint : str
        ``"PIP2"``; empty where unknown.
    name : str
        Of the image.
    """

    image: NDArray[np.float32]
    masks: BoneMasks
    group: str
    joint: str = ""
    name: str = ""


@dataclass(frozen=True)
class Samples:
    """Joint images as the network sees them.

    Attributes
    ----------
    images : (N, 1, S, S) uint8 array
    masks : (N, 2, S, S) uint8 array
        Share of each pixel, times 255, that belongs to the upper and the lower bone.
    groups, joints : tuple of str
        Of each image.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    groups: tuple[str, ...]
    joints: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def __add__(self, other: Samples) -> Samples:
        """Return these, followed by the others."""
        images, masks = (np.concatenate(parts) for parts in ((self.images, other.images), (self.masks, other.masks)))
        return Samples(images, masks, self.groups + other.groups, self.joints + other.joints)

    def of(self, chosen: Sequence[int]) -> Samples:
        """Return the chosen ones."""
        at = list(chosen)
        groups, joints = (tuple(names[k] for k in at) for names in (self.groups, self.joints))
        return Samples(self.images[at], self.masks[at], groups, joints)

    def split(self, share: float) -> tuple[Samples, Samples]:
        """Split off about ``share`` of the groups, always the same ones: return the rest, and those."""
        taken = split_groups(self.groups, share)
        inside = [group in taken for group in self.groups]
        return self.of(np.flatnonzero(~np.array(inside)).tolist()), self.of(np.flatnonzero(inside).tolist())


def samples(joints: Iterable[LabelledJoint], side: int = SIDE) -> Samples:
    """Resize joint images of any size to the network's square.

    Raises
    ------
    InputError
        If there is none.
    """
    images, masks, groups, names = [], [], [], []
    for each in joints:
        bones = (_extend_to_border(mask) for mask in (each.masks.upper, each.masks.lower))
        planes = np.stack([each.image, *bones]).astype(np.float32)
        small = np.rint(255 * to_canvas(planes, side).numpy().clip(0, 1)).astype(np.uint8)
        images.append(small[:1])
        masks.append(small[1:])
        groups.append(each.group)
        names.append(each.joint)
    if not images:
        raise InputError("There are no joint images with masks of both bones to train on. Add some.", "data")
    return Samples(np.stack(images), np.stack(masks), tuple(groups), tuple(names))


def _extend_to_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Extend a mask to the image's border: outlines drawn by hand are rounded where the image cuts a bone."""
    edge = round(_EDGE * max(mask.shape))
    return np.pad(mask[edge:-edge, edge:-edge], edge, mode="edge") if min(mask.shape) > 2 * edge > 0 else mask


def labelled_joints(folder: Path, part: str = "all") -> list[LabelledJoint]:
    """Read the images of a folder and its subfolders that have masks.

    A mask (labels 1 upper, 2 lower, 3 both; PNG, BMP or TIFF) has the name of its image, or that name and ``_mask``.
    Images in one subfolder are one group; those in ``folder`` itself are one group each. Images whose masks are empty
    or the same region are left out.

    Parameters
    ----------
    folder : Path
    part : {"all", "training", "test"}
        Of the public joints, see :mod:`~napari_jsn.segmentation.training.public_joints`: those kept for testing, or the
        others. Ignored for all other joints.

    Raises
    ------
    InputError
        If it is no folder, or a file in it cannot be read.
    """
    from napari_jsn.joint.read_masks import read_masks
    from napari_jsn.radiograph import read_radiograph

    pairs = _pairs(folder)
    found = []
    for group, image_path, mask_path in pairs:
        public = public_joints.are_public([group])
        if public and part != "all" and public_joints.is_test(group) != (part == "test"):
            continue
        if public and public_joints.is_left_out(group, image_path.stem):
            continue
        image, masks = read_radiograph(image_path).pixels, read_masks(mask_path)
        if masks.shape != image.shape:
            raise InputError(
                f"{mask_path} has another shape than {image_path}: {masks.shape}, not {image.shape}. Replace it.",
                "data",
            )
        if are_two_bones(masks):
            joint = public_joints.joint_of(group) if public else _joint_named(image_path)
            found.append(LabelledJoint(image, masks, group, joint, f"{group}/{image_path.stem}"))
    return found


def are_two_bones(masks: BoneMasks) -> bool:
    """Return whether masks show two bones: neither is empty, and they are not the same region or image halves."""
    union = int((masks.upper | masks.lower).sum())
    both = int((masks.upper & masks.lower).sum())
    return bool(masks.upper.any() and masks.lower.any() and both <= _SAME_REGION * union and union < masks.upper.size)


def _pairs(folder: Path) -> list[tuple[str, Path, Path]]:
    """Return group, image and mask, in the order of their names."""
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", "data")
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in IMAGES or path.stem.endswith(_ENDINGS[:-1]):
            continue
        masks = (path.with_name(path.stem + ending + kind) for ending in _ENDINGS for kind in _MASKS)
        mask = next((mask for mask in masks if mask != path and mask.is_file()), None)
        if mask is not None and not (path.suffix.lower() in _MASKS and mask.stem == path.stem):
            inside = path.relative_to(folder).parts
            found.append((inside[0] if len(inside) > 1 else path.stem, path, mask))
    if not found:
        raise InputError(
            f"{folder} holds no image with a mask beside it. Name the mask NAME_mask.png where the image is NAME.png, "
            "or NAME.png where it is NAME.jpg.",
            "data",
        )
    return found


def _joint_named(path: Path) -> str:
    """Return the joint that is part of a file's or its folder's name; empty without one."""
    words = path.stem.replace("-", "_").split("_") + path.parent.name.replace("-", "_").split("_")
    return next((word.upper() for word in words if word.upper() in anatomy.JOINTS), "")


def simulated_joints(count: int, seed: int, joints: Sequence[str] = anatomy.JOINTS) -> Iterable[LabelledJoint]:
    """Simulate joint images with masks: patient after patient, each joint at two visits.

    Parameters
    ----------
    count : int
        Of the images.
    seed : int
    joints : sequence of str
        Names of the joints of each patient.
    """
    from napari_jsn.simulation.joint_pair import joint_pairs

    size = 2 * SIDE
    pairs = joint_pairs(seed, joints, (size, size), JOINT_IMAGE_MM / size)
    for k, pair in enumerate(islice(pairs, (count + 1) // 2)):
        group, joint = f"simulated {seed}/{k // len(joints)}", pair.fixed_truth.joint
        visits = [(pair.fixed, pair.fixed_masks), (pair.moving, pair.moving_masks)][: count - 2 * k]
        for visit, (image, masks) in enumerate(visits, 1):
            yield LabelledJoint(image, smooth_masks(masks), group, joint, f"{group} {joint} {visit}")


def smooth_masks(masks: BoneMasks) -> BoneMasks:
    """Smooth and fill masks to outlines as a reader draws them; projected surfaces have pores and clefts."""
    from scipy import ndimage

    upper, lower = (
        np.asarray(ndimage.binary_fill_holes(ndimage.median_filter(mask, 5))) for mask in (masks.upper, masks.lower)
    )
    return BoneMasks(upper, lower)


def simulated_samples(
    count: int, seed: int, cache: Path | None = None, side: int = SIDE, progress: Progress | None = None
) -> Samples:
    """Return simulated images of all joints as the network sees them, from the cache if they were made before.

    Parameters
    ----------
    count : int
    seed : int
    cache : Path, optional
        The folder to keep them in; by default the platform's folder for caches.
    side : int
        Of the network's square.
    progress : Progress, optional
        Updated after every image that is made.

    Raises
    ------
    Aborted
        When the progress is aborted; no image is kept then.
    """
    from napari_jsn import simulation

    def make() -> Arrays:
        made = samples(counted(simulated_joints(count, seed), count, "Simulating joints", progress), side)
        groups, joints = np.array(made.groups), np.array(made.joints)
        return {"images": made.images, "masks": made.masks, "groups": groups, "joints": joints}

    arrays = cached_arrays(f"joints-{count}-{side}-{seed}", simulation, make, cache)
    return Samples(arrays["images"], arrays["masks"], tuple(arrays["groups"]), tuple(arrays["joints"]))
