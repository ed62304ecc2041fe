"""Joint images to learn registration from: visits of one joint, real or simulated, as the network sees them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.joint import BoneMasks
from napari_jsn.segmentation.training.data import (
    LabelledJoint,
    are_two_bones,
    labelled_joints,
    samples,
    simulator_version,
)

#: Side of the images, in pixels, and width of a simulated joint image.
SIDE, _SIMULATED_MM = 128, 22.2
_IMAGES, _MASKS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".dcm"), ("mask", "masks", "labels")
#: Distances from outlines are kept in quarters of a pixel, up to 31 px.
_PER_PX = 4.0


@dataclass(frozen=True)
class Visits:
    """Joint images and the pairs among them.

    Attributes
    ----------
    images : (N, S, S) uint8 array
    outside : (N, 2, S, S) uint8 array
        Distance from each bone's outline in quarters of a pixel, above 128 outside.
    groups : tuple of str
        Of each image: those of one group show one joint.
    pairs : (M, 2) int array
        Images of two visits.
    between : (M, 2, 3, 3) float32 array
        Where each bone of the first lies in the second; NaN where that is not known.
    """

    images: NDArray[np.uint8]
    outside: NDArray[np.uint8]
    groups: tuple[str, ...]
    pairs: NDArray[np.int64]
    between: NDArray[np.float32]

    def __len__(self) -> int:
        """How many images."""
        return len(self.images)

    def split(self, share: float) -> tuple[Visits, Visits]:
        """Take about ``share`` of the groups away, the same ones always: the rest, and those."""
        taken = some_of(self.groups, share)
        inside = np.array([group in taken for group in self.groups])
        return self._of(~inside), self._of(inside)

    def _of(self, chosen: NDArray[np.bool_]) -> Visits:
        number = np.cumsum(chosen) - 1
        kept = chosen[self.pairs].all(axis=1) if len(self.pairs) else np.zeros(0, bool)
        groups = tuple(np.array(self.groups, dtype=object)[chosen])
        return Visits(
            self.images[chosen], self.outside[chosen], groups, number[self.pairs[kept]], self.between[kept]
        )  # fmt: skip


def some_of(groups: Iterable[str], share: float) -> set[str]:
    """About ``share`` of the groups, always the same ones."""
    each = sorted(set(groups), key=lambda group: (crc32(group.encode()), group))
    return set(each[: max(1, round(share * len(each)))])


def real_visits(joints: Iterable[LabelledJoint]) -> Visits:
    """Images with masks; every two of a group are a pair whose motion is not known.

    Raises
    ------
    InputError
        If there is none.
    """
    small = samples(joints, SIDE)
    by_group: dict[str, list[int]] = {}
    for k, group in enumerate(small.groups):
        by_group.setdefault(group, []).append(k)
    pairs = [pair for members in by_group.values() for pair in combinations(members, 2)]
    between = np.full((len(pairs), 2, 3, 3), np.nan, np.float32)
    masks = small.masks >= 128
    outside = np.stack([_distances(each) for each in masks])
    return Visits(small.images[:, 0], outside, small.groups, np.array(pairs, np.int64).reshape(-1, 2), between)


def simulated_visits(count: int, seed: int, cache: Path | None = None) -> Visits:
    """Pairs of simulated joints of all kinds, whose motion is known; kept on disk for the next time.

    Parameters
    ----------
    count : int
        How many pairs.
    seed : int
    cache : Path, optional
        The folder to keep them in; by default the platform's for what can be made again.
    """
    if cache is None:
        from platformdirs import user_cache_path

        cache = user_cache_path("napari-jsn", appauthor=False)
    path = cache / f"visits-{count}-{SIDE}-{seed}-{simulator_version()}.npz"
    if path.is_file():
        with np.load(path) as kept:
            return Visits(kept["images"], kept["outside"], tuple(kept["groups"]), kept["pairs"], kept["between"])
    made = _simulate(count, seed)
    _keep(made, path)
    return made


def _simulate(count: int, seed: int, joints: Sequence[str] = anatomy.JOINTS) -> Visits:
    from napari_jsn.simulation.joint_pair import joint_pairs

    size = 2 * SIDE
    found, between = [], []
    small = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25], [0, 0, 1.0]])  # from these pixels to twice as large ones
    for k, pair in enumerate(islice(joint_pairs(seed, joints, (size, size), _SIMULATED_MM / size), count)):
        group = f"simulated {seed}/{k // len(joints)}"
        for image, masks in ((pair.fixed, pair.fixed_masks), (pair.moving, pair.moving_masks)):
            bones = BoneMasks(*(_smooth(mask) for mask in (masks.upper, masks.lower)))
            found.append(LabelledJoint(image, bones, group, pair.fixed_truth.joint))
        truth = [bone.matrix for bone in (pair.moving_truth.upper, pair.moving_truth.lower)]
        between.append([small @ matrix @ np.linalg.inv(small) for matrix in truth])
    seen = real_visits(found)
    return Visits(
        seen.images, seen.outside, seen.groups, np.arange(2 * count).reshape(-1, 2), np.array(between, np.float32)
    )  # fmt: skip


def _smooth(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The outline as a reader would draw it."""
    from scipy import ndimage

    return np.asarray(ndimage.binary_fill_holes(ndimage.median_filter(mask, 5)))


def _distances(masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Signed distance from each outline, negative inside, as it is kept."""
    from scipy import ndimage

    planes = []
    for mask in masks:
        if not mask.any() or mask.all():
            raise InputError("A mask to learn from is empty or covers its whole image.", "data")
        beyond, within = ndimage.distance_transform_edt(~mask), ndimage.distance_transform_edt(mask)
        planes.append(np.where(mask, 0.5 - within, beyond - 0.5))
    return np.rint(128 + _PER_PX * np.stack(planes)).clip(0, 255).astype(np.uint8)


def distances_px(kept: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Distances in pixels as they were kept."""
    return (kept.astype(np.float32) - 128) / np.float32(_PER_PX)


def _keep(made: Visits, path: Path) -> None:
    import io

    from napari_jsn.common.files import write_files

    content = io.BytesIO()
    arrays = {name: getattr(made, name) for name in ("images", "outside", "pairs", "between")}
    np.savez_compressed(content, groups=np.array(made.groups), **arrays)
    write_files(path.parent, {path.name: content.getvalue()})


def joint_images(folder: Path) -> list[LabelledJoint]:
    """The joint images of a folder with the masks beside them, or, where there is none, with those found in them.

    Images of one folder inside ``folder`` show one joint at several visits. Of the public joints those meant for
    testing are left out.

    Raises
    ------
    InputError
        If the folder holds no image.
    """
    from napari_jsn.radiograph import read_radiograph
    from napari_jsn.segmentation.segment import segment_many

    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _IMAGES]
    stems = [path.with_suffix("") for path in paths]
    if not paths or len(set(stems)) < len(stems) or any(stem.name.endswith(_MASKS) for stem in stems):
        return labelled_joints(folder, "training")
    images = [read_radiograph(path).pixels for path in paths]
    inside = [path.relative_to(folder).parts for path in paths]
    groups = [parts[0] if len(parts) > 1 else path.stem for parts, path in zip(inside, paths, strict=True)]
    return [
        LabelledJoint(image, masks, group, name=f"{group}/{path.stem}")
        for image, masks, group, path in zip(images, segment_many(images), groups, paths, strict=True)
        if are_two_bones(masks)
    ]
