"""Joint images with masks to learn from: a folder of real ones, pairs at hand, and simulated ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.joint import BoneMasks
from napari_jsn.segmentation.canvas import SIDE, to_canvas
from napari_jsn.segmentation.training import public_joints

_IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".dcm")
_MASKS = (".png", ".bmp", ".tif", ".tiff")
#: What a mask's name may have that its image's has not.
_ENDINGS = ("_mask", "-mask", "_masks", "-masks", "_labels", "-labels", "")
#: Masks that overlap by more (intersection over union) are not those of two bones.
_SAME_REGION = 0.5
#: How far from the border, as a share of the image, masks drawn by hand cannot be believed.
_EDGE = 4 / 256
#: Width of a simulated joint image; the simulator varies it.
_SIMULATED_MM = 22.2


@dataclass(frozen=True)
class LabelledJoint:
    """An image of a joint and where its bones are.

    Attributes
    ----------
    image : (H, W) float32 array
        In [0, 1].
    masks : BoneMasks
    group : str
        Images of one group show one joint (or one patient): they are trained on together, or not at all.
    joint : str
        ``"PIP2"``; empty where it is not known.
    name : str
        What the image is called.
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
        How much of a pixel, of 255, belongs to the upper and the lower bone.
    groups, joints : tuple of str
        Of each image.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    groups: tuple[str, ...]
    joints: tuple[str, ...]

    def __len__(self) -> int:
        """How many images."""
        return len(self.images)

    def __add__(self, other: Samples) -> Samples:
        """These, then the others."""
        images, masks = (np.concatenate(parts) for parts in ((self.images, other.images), (self.masks, other.masks)))
        return Samples(images, masks, self.groups + other.groups, self.joints + other.joints)

    def of(self, chosen: Sequence[int]) -> Samples:
        """Some of them."""
        at = list(chosen)
        groups, joints = (tuple(names[k] for k in at) for names in (self.groups, self.joints))
        return Samples(self.images[at], self.masks[at], groups, joints)

    def split(self, share: float) -> tuple[Samples, Samples]:
        """Take about ``share`` of the groups away, the same ones whatever else is there: the rest, and those."""
        groups = sorted(set(self.groups), key=lambda group: (crc32(group.encode()), group))
        taken = set(groups[: max(1, round(share * len(groups)))])
        inside = [group in taken for group in self.groups]
        return self.of(np.flatnonzero(~np.array(inside)).tolist()), self.of(np.flatnonzero(inside).tolist())


def samples(joints: Iterable[LabelledJoint], side: int = SIDE) -> Samples:
    """Bring joint images of any size to the network's.

    Raises
    ------
    InputError
        If there is none.
    """
    images, masks, groups, names = [], [], [], []
    for each in joints:
        bones = (_to_the_border(mask) for mask in (each.masks.upper, each.masks.lower))
        planes = np.stack([each.image, *bones]).astype(np.float32)
        small = np.rint(255 * to_canvas(planes, side).numpy().clip(0, 1)).astype(np.uint8)
        images.append(small[:1])
        masks.append(small[1:])
        groups.append(each.group)
        names.append(each.joint)
    if not images:
        raise InputError("There are no joint images with masks of both bones to learn from.", "data")
    return Samples(np.stack(images), np.stack(masks), tuple(groups), tuple(names))


def _to_the_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Outlines drawn by hand round off where the image cuts a bone; the bone goes on to the border."""
    edge = round(_EDGE * max(mask.shape))
    return np.pad(mask[edge:-edge, edge:-edge], edge, mode="edge") if min(mask.shape) > 2 * edge > 0 else mask


def labelled_joints(folder: Path, part: str = "all") -> list[LabelledJoint]:
    """Read the images of a folder and of the folders in it that have masks.

    A mask (labels 1 upper, 2 lower, 3 both; PNG, BMP or TIFF) has the name of its image, or that name and ``_mask``.
    Images in one folder inside ``folder`` are one group; those in ``folder`` itself are one each. Images whose masks
    are empty or one and the same region are left out.

    Parameters
    ----------
    folder : Path
    part : {"all", "training", "test"}
        Of the public joints, see :mod:`~napari_jsn.segmentation.training.public_joints`, those never trained on or the
        others; any other folder has one part.

    Raises
    ------
    InputError
        If it is no folder, or a file in it cannot be read.
    """
    from napari_jsn.joint.read_masks import read_masks
    from napari_jsn.radiograph import read_radiograph

    pairs = _pairs(folder)
    public = public_joints.are_public(group for group, _, _ in pairs)
    found = []
    for group, image_path, mask_path in pairs:
        if public and part != "all" and public_joints.is_test(group) != (part == "test"):
            continue
        if public and public_joints.is_left_out(group, image_path.stem):
            continue
        image, masks = read_radiograph(image_path).pixels, read_masks(mask_path)
        if masks.shape != image.shape:
            raise InputError(f"{mask_path} has another shape than {image_path}: {masks.shape}, {image.shape}.", "data")
        if are_two_bones(masks):
            joint = public_joints.joint_of(group) if public else _joint_named(image_path)
            found.append(LabelledJoint(image, masks, group, joint, f"{group}/{image_path.stem}"))
    return found


def are_two_bones(masks: BoneMasks) -> bool:
    """Whether masks can be those of two bones: neither empty, nor the same region, nor halves of the image."""
    union = int((masks.upper | masks.lower).sum())
    both = int((masks.upper & masks.lower).sum())
    return bool(masks.upper.any() and masks.lower.any() and both <= _SAME_REGION * union and union < masks.upper.size)


def _pairs(folder: Path) -> list[tuple[str, Path, Path]]:
    """Group, image and mask, in the order of their names."""
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", "data")
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in _IMAGES or path.stem.endswith(_ENDINGS[:-1]):
            continue
        masks = (path.with_name(path.stem + ending + kind) for ending in _ENDINGS for kind in _MASKS)
        mask = next((mask for mask in masks if mask != path and mask.is_file()), None)
        if mask is not None and not (path.suffix.lower() in _MASKS and mask.stem == path.stem):
            inside = path.relative_to(folder).parts
            found.append((inside[0] if len(inside) > 1 else path.stem, path, mask))
    if not found:
        raise InputError(
            f"{folder} holds no image with a mask beside it. Call the mask NAME_mask.png where the image is NAME.png, "
            "or NAME.png where it is NAME.jpg.",
            "data",
        )
    return found


def _joint_named(path: Path) -> str:
    """The joint that a file's name or its folder's tells of."""
    words = path.stem.replace("-", "_").split("_") + path.parent.name.replace("-", "_").split("_")
    return next((word.upper() for word in words if word.upper() in anatomy.JOINTS), "")


def simulated_joints(count: int, seed: int, joints: Sequence[str] = anatomy.JOINTS) -> Iterable[LabelledJoint]:
    """Simulated joint images with masks: patient after patient, each joint at two visits."""
    from napari_jsn.simulation.joint_pair import joint_pairs

    size = 2 * SIDE
    pairs = joint_pairs(seed, joints, (size, size), _SIMULATED_MM / size)
    for k, pair in enumerate(islice(pairs, (count + 1) // 2)):
        group, joint = f"simulated {seed}/{k // len(joints)}", pair.fixed_truth.joint
        visits = [(pair.fixed, pair.fixed_masks), (pair.moving, pair.moving_masks)][: count - 2 * k]
        for visit, (image, masks) in enumerate(visits, 1):
            bones = BoneMasks(_smooth(masks.upper), _smooth(masks.lower))
            yield LabelledJoint(image, bones, group, joint, f"{group} {joint} {visit}")


def _smooth(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The outline as a reader would draw it: the pores and clefts that a projected surface has are part of the bone."""
    from scipy import ndimage

    return np.asarray(ndimage.binary_fill_holes(ndimage.median_filter(mask, 5)))


def simulated_samples(count: int, seed: int, cache: Path | None = None, side: int = SIDE) -> Samples:
    """Simulated joint images of all kinds as the network sees them, kept on disk for the next time.

    Parameters
    ----------
    count : int
    seed : int
    cache : Path, optional
        The folder to keep them in; by default the platform's for what can be made again.
    side : int
    """
    if cache is None:
        from platformdirs import user_cache_path

        cache = user_cache_path("napari-jsn", appauthor=False)
    path = cache / f"joints-{count}-{side}-{seed}-{simulator_version()}.npz"
    if path.is_file():
        with np.load(path) as kept:
            return Samples(kept["images"], kept["masks"], tuple(kept["groups"]), tuple(kept["joints"]))
    made = samples(simulated_joints(count, seed), side)
    _keep(made, path)
    return made


def simulator_version() -> str:
    """A name for the simulator as it is: what it drew before it was changed is not taken for its own."""
    from napari_jsn import simulation

    folder = Path(str(simulation.__file__)).parent
    content = b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in (".py", ".json"))
    return sha256(content).hexdigest()[:12]


def _keep(made: Samples, path: Path) -> None:
    import io

    from napari_jsn.common.files import write_files

    content = io.BytesIO()
    np.savez_compressed(
        content, images=made.images, masks=made.masks, groups=np.array(made.groups), joints=np.array(made.joints)
    )
    write_files(path.parent, {path.name: content.getvalue()})
