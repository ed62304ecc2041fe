"""Joint images with masks to train on: those of a folder, and simulated ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, counted
from napari_jsn.joint import JOINT_IMAGE_MM, BoneMasks
from napari_jsn.networks.cached_arrays import Arrays, cached_arrays
from napari_jsn.networks.inputs import UsedImage, content_hash
from napari_jsn.networks.task import split_groups
from napari_jsn.segmentation.canvas import SIDE, to_canvas
from napari_jsn.simulation.damage.difficulty import FIRST, OF_JOINTS

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
        Images of one group show one joint at several visits.
    joint : str
        ``"PIP2"``; empty where unknown.
    name : str
        Of the image.
    patient : str
        All images of one patient are trained on, or none; by default the group.
    """

    image: NDArray[np.float32]
    masks: BoneMasks
    group: str
    joint: str = ""
    name: str = ""
    patient: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "patient", self.patient or self.group)


@dataclass(frozen=True)
class Samples:
    """Joint images as the network sees them.

    Attributes
    ----------
    images : (N, 1, S, S) uint8 array
    masks : (N, 2, S, S) uint8 array
        Share of each pixel, times 255, that belongs to the upper and the lower bone.
    groups, joints : tuple of str
        Patient and joint of each image.
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
        groups.append(each.patient)
        names.append(each.joint)
    if not images:
        raise InputError("There are no joint images with masks of both bones to train on. Add some.", "data")
    return Samples(np.stack(images), np.stack(masks), tuple(groups), tuple(names))


def used_images(joints: Iterable[LabelledJoint], held_out: Collection[str]) -> tuple[UsedImage, ...]:
    """Return what a resume file and a card keep of joint images; ``held_out`` are the patients validated on."""
    return tuple(
        UsedImage(
            each.name or each.group,
            content_hash(each.image),
            content_hash(each.masks.upper, each.masks.lower),
            each.patient,
            each.patient in held_out,
        )
        for each in joints
    )


def _extend_to_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Extend a mask to the image's border: outlines drawn by hand are rounded where the image cuts a bone."""
    edge = round(_EDGE * max(mask.shape))
    return np.pad(mask[edge:-edge, edge:-edge], edge, mode="edge") if min(mask.shape) > 2 * edge > 0 else mask


def simulated_joints(
    count: int,
    seed: int,
    joints: Sequence[str] = anatomy.JOINTS,
    difficulty: int | None = None,
    samplings: Sequence[str | None] = (None,),
) -> Iterable[LabelledJoint]:
    """Simulate joint images with masks: patient after patient, each joint at two visits.

    Parameters
    ----------
    count : int
        Of the images.
    seed : int
    joints : sequence of str
        Names of the joints of each patient.
    difficulty : int, optional
        Version of the simulated images; the first one by default.
    samplings : sequence of str or None
        Grades of the damage that is drawn (:func:`~napari_jsn.simulation.joint_pair.joint_pairs`); the patients have
        them in turn.
    """
    from napari_jsn.simulation.joint_pair import joint_pairs

    size = 2 * SIDE
    version = FIRST if difficulty is None else difficulty
    sources = [
        joint_pairs(seed, joints, (size, size), JOINT_IMAGE_MM / size, difficulty=version, grades=grades)
        for grades in samplings
    ]
    for k in range((count + 1) // 2):
        patient = k // len(joints)
        pair = next(sources[patient % len(sources)])
        group, joint = f"simulated {seed}/{patient}", pair.fixed_truth.joint
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
    count: int,
    seed: int,
    cache: Path | None = None,
    side: int = SIDE,
    progress: Progress | None = None,
    difficulty: int = OF_JOINTS,
) -> Samples:
    """Return simulated images of all joints as the network sees them, from the cache if they were made before.

    Half of the patients have damage of all grades, with displaced and overlapping bones; of the joints of the others,
    one in ten is damaged. The first difficulty has no damage.

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
    difficulty : int
        Version of the simulated images.

    Raises
    ------
    Aborted
        When the progress is aborted; no image is kept then.
    """
    from napari_jsn import simulation

    samplings: tuple[str | None, ...] = (None,) if difficulty == FIRST else ("uniform", "natural")

    def make() -> Arrays:
        drawn = simulated_joints(count, seed, difficulty=difficulty, samplings=samplings)
        made = samples(counted(drawn, count, "Simulating joints", progress), side)
        groups, joints = np.array(made.groups), np.array(made.joints)
        return {"images": made.images, "masks": made.masks, "groups": groups, "joints": joints}

    arrays = cached_arrays(f"joints-version{difficulty}-{count}-{side}-{seed}", simulation, make, cache)
    return Samples(arrays["images"], arrays["masks"], tuple(arrays["groups"]), tuple(arrays["joints"]))
