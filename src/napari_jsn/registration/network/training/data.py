"""Joint images to train registration on: visits of one joint, real or simulated, as the network sees them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, counted
from napari_jsn.joint import JOINT_IMAGE_MM
from napari_jsn.joint.similarity import pixel_scaling
from napari_jsn.networks.cached_arrays import Arrays, cached_arrays
from napari_jsn.networks.inputs import LeftOut, first_names
from napari_jsn.networks.patients import group_of, joint_named
from napari_jsn.networks.task import split_groups
from napari_jsn.segmentation.training.data import LabelledJoint, samples, smooth_masks
from napari_jsn.segmentation.training.folder import (
    JointFolder,
    Scan,
    joint_folder,
    read_joint_folder,
    refusal,
    unmasked,
)
from napari_jsn.segmentation.training.mask_checks import masks_problem

#: Side of the images, in pixels.
SIDE = 128
#: How the images of one joint are paired: see :func:`pairs_of_visits`.
PAIRS = ("all", "paper")
#: Distances from outlines are stored in quarters of a pixel, up to 31 px.
_PER_PX = 4.0


@dataclass(frozen=True)
class Visits:
    """Joint images and the pairs among them.

    Attributes
    ----------
    images : (N, S, S) uint8 array
    distances : (N, 2, S, S) uint8 array
        From each bone's outline in quarters of a pixel, plus 128; above 128 outside.
    groups : tuple of str
        Patient of each image.
    pairs : (M, 2) int array
        Images of two visits of one joint.
    between : (M, 2, 3, 3) float32 array
        Maps of the bones from the first to the second image; NaN where unknown.
    """

    images: NDArray[np.uint8]
    distances: NDArray[np.uint8]
    groups: tuple[str, ...]
    pairs: NDArray[np.int64]
    between: NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def split(self, share: float) -> tuple[Visits, Visits]:
        """Split off about ``share`` of the groups, always the same ones: return the rest, and those."""
        taken = split_groups(self.groups, share)
        inside = np.array([group in taken for group in self.groups])
        return self._of(~inside), self._of(inside)

    def _of(self, chosen: NDArray[np.bool_]) -> Visits:
        number = np.cumsum(chosen) - 1
        kept = chosen[self.pairs].all(axis=1) if len(self.pairs) else np.zeros(0, bool)
        groups = tuple(np.array(self.groups, dtype=object)[chosen])
        return Visits(
            self.images[chosen], self.distances[chosen], groups, number[self.pairs[kept]], self.between[kept]
        )  # fmt: skip


def pairs_of_visits(groups: Sequence[str], how: str = "all") -> NDArray[np.int64]:
    """Return the pairs (M, 2) of images that show one joint.

    Parameters
    ----------
    groups : sequence of str
        The joint of each image; the images of a joint are in the order of their visits.
    how : {"all", "paper"}
        ``all``: every two images. ``paper``: each image before the middle one, as fixed image, with each image from
        the middle on (Wang et al. 2023): of images 0, 1, 2, 3 the pairs 0-2, 0-3, 1-2 and 1-3.

    Examples
    --------
    >>> from napari_jsn.registration.network.training.data import pairs_of_visits
    >>> pairs_of_visits(["a", "a", "a", "b", "b"], "paper").tolist()
    [[0, 1], [0, 2], [3, 4]]
    """
    check_pairs(how)
    by_group: dict[str, list[int]] = {}
    for k, group in enumerate(groups):
        by_group.setdefault(group, []).append(k)
    pairs: list[tuple[int, int]] = []
    for members in by_group.values():
        middle = len(members) // 2
        pairs += combinations(members, 2) if how == "all" else product(members[:middle], members[middle:])
    return np.array(pairs, np.int64).reshape(-1, 2)


def check_pairs(how: str) -> None:
    """Refuse a way to pair images that does not exist.

    Raises
    ------
    InputError
    """
    if how not in PAIRS:
        raise InputError(f"There are no pairs {how!r}. Choose one of: {', '.join(PAIRS)}.", "pairs")


def real_visits(joints: Iterable[LabelledJoint], pairs: str = "all") -> Visits:
    """Return images with masks; images of one group are paired, with unknown motion between them.

    Raises
    ------
    InputError
        If there is none.
    """
    joints = list(joints)
    small = samples(joints, SIDE)
    chosen = pairs_of_visits([each.group for each in joints], pairs)
    between = np.full((len(chosen), 2, 3, 3), np.nan, np.float32)
    masks = small.masks >= 128
    distances = np.stack([_distances(each) for each in masks])
    return Visits(small.images[:, 0], distances, small.groups, chosen, between)


def simulated_visits(count: int, seed: int, cache: Path | None = None, progress: Progress | None = None) -> Visits:
    """Return simulated pairs of all joints, whose motion is known, from the cache if they were made before.

    Parameters
    ----------
    count : int
        Of the pairs.
    seed : int
    cache : Path, optional
        The folder to keep them in; by default the platform's folder for caches.
    progress : Progress, optional
        Updated after every pair that is made.

    Raises
    ------
    Aborted
        When the progress is aborted; no pair is kept then.
    """
    from napari_jsn import simulation

    def make() -> Arrays:
        made = _simulate(count, seed, progress=progress)
        arrays = {name: getattr(made, name) for name in ("images", "distances", "pairs", "between")}
        return {**arrays, "groups": np.array(made.groups)}

    arrays = cached_arrays(f"visits-{count}-{SIDE}-{seed}", simulation, make, cache)
    return Visits(**{**arrays, "groups": tuple(arrays["groups"])})  # type: ignore[arg-type]  # one key is no array


def _simulate(
    count: int, seed: int, joints: Sequence[str] = anatomy.JOINTS, progress: Progress | None = None
) -> Visits:
    from napari_jsn.simulation.damage.difficulty import OF_JOINTS
    from napari_jsn.simulation.joint_pair import joint_pairs

    size = 2 * SIDE
    found, between = [], []
    to_small, to_large = pixel_scaling(0.5), pixel_scaling(2.0)
    pairs_made = islice(joint_pairs(seed, joints, (size, size), JOINT_IMAGE_MM / size, difficulty=OF_JOINTS), count)
    for k, pair in enumerate(counted(pairs_made, count, "Simulating joint pairs", progress)):
        group = f"simulated {seed}/{k // len(joints)}"
        for image, masks in ((pair.fixed, pair.fixed_masks), (pair.moving, pair.moving_masks)):
            found.append(LabelledJoint(image, smooth_masks(masks), group, pair.fixed_truth.joint))
        truth = [bone.matrix for bone in (pair.moving_truth.upper, pair.moving_truth.lower)]
        between.append([to_small @ matrix @ to_large for matrix in truth])
    visits = real_visits(found)
    pairs = np.arange(2 * count).reshape(-1, 2)
    return Visits(visits.images, visits.distances, visits.groups, pairs, np.array(between, np.float32))


def _distances(masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the signed distance from each outline, negative inside, as stored in :class:`Visits`."""
    from scipy import ndimage

    planes = []
    for mask in masks:
        if not mask.any() or mask.all():
            raise InputError("A mask to train on is empty or covers its whole image. Remove it or its image.", "data")
        outside, inside = ndimage.distance_transform_edt(~mask), ndimage.distance_transform_edt(mask)
        planes.append(np.where(mask, 0.5 - inside, outside - 0.5))
    return np.rint(128 + _PER_PX * np.stack(planes)).clip(0, 255).astype(np.uint8)


def distances_px(distances: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return stored distances in pixels."""
    return (distances.astype(np.float32) - 128) / np.float32(_PER_PX)


def joint_images(folder: Path) -> list[LabelledJoint]:
    """Return the joint images of :func:`read_visits` alone."""
    return read_visits(folder).joints


def read_visits(folder: Path, groups: Path | None = None) -> JointFolder:
    """Read the joint images of a folder with the masks beside them; without any mask the bones are segmented.

    Images of one subfolder show one joint at several visits, or several joints where their names state these. Of the
    public joints those kept for testing are left out.

    Parameters
    ----------
    folder : Path
    groups : Path, optional
        Table of the patients, see :func:`~napari_jsn.networks.patients.read_groups`.

    Raises
    ------
    InputError
        If the folder holds no image that can be used, or the table does not fit it.
    """
    from napari_jsn.segmentation.segment import segment_many

    found = Scan(folder)
    if found.masks or not found.images:
        return read_joint_folder(folder, "training", groups)
    left_out, images, paths = list(found.left_out), [], []
    for path, image, problem in unmasked(found):
        if problem:
            left_out.append(LeftOut(path.relative_to(folder).as_posix(), problem))
        else:
            images.append(image)
            paths.append(path.relative_to(folder))
    joints, used = [], []
    for image, masks, path in zip(images, segment_many(images), paths, strict=True):
        if masks_problem(masks, image):
            left_out.append(LeftOut(path.as_posix(), "no two bones were found in it; add a mask, NAME_mask.png"))
            continue
        group = group_of(path)
        joints.append(LabelledJoint(image, masks, group, name=f"{group}/{path.stem}"))
        used.append(path)
    if not joints:
        raise InputError(refusal(folder, left_out), "data")
    others = [path.relative_to(folder) for path in found.images]
    return joint_folder(folder, joints, used, left_out, groups, others)


def notes_on_visits(found: JointFolder) -> list[str]:
    """Return notes where no joint has two images, and where images of several folders count as visits of one joint."""
    by_joint: dict[str, list[Path]] = {}
    for each, path in zip(found.joints, found.paths, strict=True):
        by_joint.setdefault(each.group, []).append(path)
    notes = []
    if all(len(paths) == 1 for paths in by_joint.values()):
        notes.append(
            "No joint has images of two visits, so none are paired. Put the images of each joint into a subfolder."
        )
    several = [
        sorted({path.parent.as_posix() for path in paths})
        for paths in by_joint.values()
        if not joint_named(paths[0]) and len({path.parent for path in paths}) > 1
    ]
    if several:
        notes.append(
            f"The images of {first_names(several[0])} folders count as visits of one joint, because no name states the "
            "joint. If they are several joints, name them: MCP2, PIP3."
        )
    return notes
