"""Read a folder of joint images and the masks beside them; every image is used, or left out with a reason."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.common.search_folder import search_folder
from napari_jsn.joint import BoneMasks
from napari_jsn.networks.inputs import LeftOut, content_hash, joined_patients, left_out_lines
from napari_jsn.networks.patients import group_of, patient_named, read_groups, stated_patients
from napari_jsn.segmentation.segment import LEAST_SIDE
from napari_jsn.segmentation.training import public_joints
from napari_jsn.segmentation.training.data import LabelledJoint

#: File name extensions of images, of images that may themselves be labels, and of files that are no images.
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".dcm")
_LOSSLESS = (".png", ".bmp", ".tif", ".tiff")
_NO_IMAGES = (".csv", ".txt", ".md", ".json", ".xlsx", ".xls", ".xml", ".html", ".pdf", ".log", ".ini", ".db", ".py")
#: What the name of a mask adds to the name of its image; of one bone alone: the second pattern.
_MASK = re.compile(r"(.+?)[ _.-](masks?|labels?|bones?|seg(?:mentation)?)", re.IGNORECASE)
_ONE_BONE = re.compile(
    r"(.+?)(?:[ _.-]masks?)?[ _.-](upper|lower|distal|proximal)(?:[ _.-](?:masks?|bones?))?", re.IGNORECASE
)
_UPPER = ("upper", "distal")
#: Largest overlap (intersection over union) of the masks of two bones.
_SAME_REGION = 0.5
#: The least share of an image that a bone covers; in the public and the simulated joint images it is 5 %.
_LEAST_SHARE = 0.01
#: An image of so few intensities, or fewer, is a mask.
_FEW_INTENSITIES = 4

_NO_MASK = "no mask beside it; name the mask NAME_mask.png, or NAME.png where the image is NAME.jpg"
_TWO_FILES = "or save two black and white masks, NAME_upper.png and NAME_lower.png"
_LABELS = f"give the labels 1 (upper bone), 2 (lower bone) and 3 (both), {_TWO_FILES}"


@dataclass(frozen=True)
class JointFolder:
    """The joint images of a folder that can be used, and what was left out."""

    joints: list[LabelledJoint]
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def labelled_joints(folder: Path, part: str = "all") -> list[LabelledJoint]:
    """Return the joint images of :func:`read_joint_folder` alone."""
    return read_joint_folder(folder, part).joints


def read_joint_folder(folder: Path, part: str = "all", groups: Path | None = None) -> JointFolder:
    """Read the images of a folder and its subfolders that have masks.

    A mask (labels 1 upper, 2 lower, 3 both; PNG, BMP or TIFF) has the name of its image, or that name and ``_mask``;
    or there are two black and white masks, ``_upper`` and ``_lower``. Images in one subfolder are one group; those in
    ``folder`` itself are one group each.

    Parameters
    ----------
    folder : Path
    part : {"all", "training", "test"}
        Of the public joints, see :mod:`~napari_jsn.segmentation.training.public_joints`: those kept for testing, or the
        others. Ignored for all other joints.
    groups : Path, optional
        Table of the patients, see :func:`~napari_jsn.networks.patients.read_groups`.

    Raises
    ------
    InputError
        If it is no folder, no image in it can be used, or the table does not fit it.
    """
    from napari_jsn.radiograph import read_radiograph

    found = Scan(folder)
    joints, paths, left_out = [], [], list(found.left_out)
    for path in found.images:
        name = path.relative_to(folder).as_posix()
        group = group_of(path.relative_to(folder))
        public = public_joints.are_public([group])
        reason = _not_chosen(group, path, part) if public else ""
        try:
            if not reason:
                bones = found.bones(path)
                image = read_radiograph(path).pixels
                reason = image_problem(image) or masks_problem(bones, image)
        except InputError as error:
            reason = _phrase(error, *found.files(path))
        if reason:
            left_out.append(LeftOut(name, reason))
            continue
        joint = public_joints.joint_of(group) if public else _joint_named(path)
        joints.append(LabelledJoint(image, bones, group, joint, f"{group}/{path.stem}"))
        paths.append(path.relative_to(folder))
    if not joints:
        raise InputError(refusal(folder, left_out), "data")
    others = [path.relative_to(folder) for path in (*found.images, *found.masks)]
    stated = None if groups is None else stated_patients(paths, read_groups(groups), others)
    joints = with_patients(joints, stated)
    return JointFolder(joints, left_out, one_group_note(folder, joints))


def with_patients(joints: list[LabelledJoint], stated: list[str] | None = None) -> list[LabelledJoint]:
    """Return joint images with the patient of each, by a table or by the names of their groups; copies share one."""
    images = [content_hash(each.image) for each in joints]
    if stated is None:
        groups = [each.group for each in joints]
        known = {group: patient_named(group) for group in groups if not public_joints.are_public([group])}
    else:
        groups, known = stated, {}
    patients = joined_patients(groups, images, known)
    return [replace(each, patient=patient) for each, patient in zip(joints, patients, strict=True)]


def one_group_note(folder: Path, joints: list[LabelledJoint]) -> list[str]:
    """Return a note where all images are one group, so that none of them can choose the best epoch."""
    if len({each.patient for each in joints}) > 1:
        return []
    tops = {each.group for each in joints}
    inside = folder / next(iter(tops))
    deeper = len(tops) == 1 and inside.is_dir() and any(path.is_dir() for path in inside.iterdir())
    advice = (
        f"If its subfolders are patients, give {inside}" if deeper else "Give a folder with one subfolder per patient"
    )
    return [
        f"All {len(joints)} images count as one group, so none of them chooses the best epoch. {advice}, or name the "
        "patients with --groups."
    ]


#: Files and folders that a folder of training data may contain.
_MOST_ENTRIES = 1_000_000


class Scan:
    """The files of a folder: images, and the masks of each by their names.

    Raises
    ------
    InputError
        If there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not os.path.isdir(folder):  # False where the path is too long
            raise InputError(f"There is no folder {folder}.", "data")
        self.folder = folder
        self.images: list[Path] = []
        self.left_out: list[LeftOut] = []
        self._masks: dict[Path, list[Path]] = {}
        self._pairs: dict[Path, dict[bool, Path]] = {}
        found = sorted(search_folder(folder, _MOST_ENTRIES, "data").files)  # in folders that are links, too
        files = [path for path in found if _is_shown(path.relative_to(folder))]
        readable = [path for path in files if path.suffix.lower() in IMAGES]
        self._leave_out(
            [path for path in files if path.suffix.lower() not in (*IMAGES, *_NO_IMAGES)],
            "not an image of a known format (PNG, JPEG, BMP, TIFF, DICOM)",
        )
        stems = {(path.parent, path.stem.casefold()) for path in readable}
        masks = {path: base for path in readable if (base := _base(path, stems)) is not None}
        plain = [path for path in readable if path not in masks]
        lossy = {(path.parent, path.stem.casefold()) for path in plain if path.suffix.lower() not in _LOSSLESS}
        for path in plain:
            if path.suffix.lower() in _LOSSLESS and (path.parent, path.stem.casefold()) in lossy:
                masks[path] = path.stem, ""
            else:
                self.images.append(path)
        self._assign(masks)

    def _assign(self, masks: dict[Path, tuple[str, str]]) -> None:
        images = {(path.parent, path.stem.casefold()): path for path in reversed(self.images)}
        without, second = [], []
        for path, (base, bone) in masks.items():
            image = images.get((path.parent, base.casefold()))
            if image is None:
                without.append(path)
            elif not bone:
                self._masks.setdefault(image, []).append(path)
            elif self._pairs.setdefault(image, {}).setdefault(bone in _UPPER, path) != path:
                second.append(path)
        for image, found in self._masks.items():
            found.sort(key=_rank)
            second += [*found[1:], *self._pairs.pop(image, {}).values()]
            del found[1:]
        self._leave_out(without, "a mask without its image")
        self._leave_out(second, "a second mask of one image")

    @property
    def masks(self) -> list[Path]:
        """All masks that have an image."""
        pairs = [path for pair in self._pairs.values() for path in pair.values()]
        return [found[0] for found in self._masks.values()] + pairs

    def files(self, image: Path) -> list[Path]:
        """Return an image and its masks."""
        return [image, *self._masks.get(image, ()), *self._pairs.get(image, {}).values()]

    def bones(self, image: Path) -> BoneMasks:
        """Return the masks of an image.

        Raises
        ------
        InputError
            If there are none, or they cannot be read; the message does not name the file.
        """
        from napari_jsn.radiograph.image_file import read_labels

        if image in self._masks:
            return bones_of_labels(read_labels(self._masks[image][0]))
        pair = self._pairs.get(image, {})
        if not pair:
            raise InputError(_NO_MASK)
        if len(pair) < 2:
            raise InputError(f"a mask of the {'upper' if True in pair else 'lower'} bone only; give both bones")
        upper, lower = (_one_bone(read_labels(pair[which])) for which in (True, False))
        return BoneMasks(upper, lower)

    def _leave_out(self, paths: list[Path], reason: str) -> None:
        self.left_out += [LeftOut(path.relative_to(self.folder).as_posix(), reason) for path in paths]


def bones_of_labels(labels: NDArray[Any]) -> BoneMasks:
    """Return masks of two bones from labels 1, 2 and 3; halves of an image are no bones.

    Raises
    ------
    InputError
        With a phrase that says what the labels are instead, and how to convert them.
    """
    values = {float(value) for value in np.unique(labels)}
    if values == {0.0}:
        raise InputError("its mask is empty; draw both bones")
    if values <= {0.0, 1.0}:
        raise InputError("its mask has the upper bone only (label 1); draw the lower bone as label 2")
    if values <= {0.0, 2.0}:
        raise InputError("its mask has the lower bone only (label 2); draw the upper bone as label 1")
    if values <= {0.0, 1.0, 255.0, 65535.0}:
        raise InputError(f"its mask is black and white and does not say which bone is which; {_LABELS}")
    if not values <= {0.0, 1.0, 2.0, 3.0}:
        shown = ", ".join(f"{value:g}" for value in sorted(values)[:5])
        raise InputError(f"its mask has the values {shown}{', ...' if len(values) > 5 else ''}; {_LABELS}")
    return BoneMasks.from_labels(labels)


def _one_bone(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the region of a black and white mask of one bone."""
    values = np.unique(labels)
    if len(values) > 2 or (len(values) == 2 and values[0] != 0):
        raise InputError(f"the mask of a bone is not black and white; {_LABELS}")
    return np.asarray(labels != 0)


def are_two_bones(masks: BoneMasks) -> bool:
    """Return whether masks show two bones: neither is empty, and they are not the same region or image halves."""
    return not _bones_problem(masks)


def image_problem(image: NDArray[np.float32]) -> str:
    """Return why a joint image cannot be learned from; empty where it can."""
    if min(image.shape) < LEAST_SIDE:
        return f"the image has less than {LEAST_SIDE} pixels each way; cut a larger crop around the joint"
    count = len(np.unique(image))
    if count <= _FEW_INTENSITIES:
        return f"the image has {count} {'intensity' if count == 1 else 'intensities'} only, as a mask has"
    return ""


def masks_problem(masks: BoneMasks, image: NDArray[np.float32]) -> str:
    """Return why the masks of an image cannot be learned from; empty where they can."""
    if masks.shape != image.shape:
        return f"its mask has another shape, {masks.shape} instead of {image.shape}; save both at the same size"
    if problem := _bones_problem(masks):
        return problem
    share = min(float(masks.upper.mean()), float(masks.lower.mean()))
    if share < _LEAST_SHARE:
        return f"the mask of a bone covers only {share:.1%} of the image; draw the whole bone"
    upper, lower = (float(np.nonzero(mask)[0].mean()) for mask in (masks.upper, masks.lower))
    if upper >= lower:
        return (
            "its upper (distal) bone does not lie above the lower one; exchange labels 1 and 2, or turn image and mask"
        )
    return ""


def _bones_problem(masks: BoneMasks) -> str:
    if not (masks.upper.any() and masks.lower.any()):
        return "a bone has no mask; draw both bones"
    union = int((masks.upper | masks.lower).sum())
    both = int((masks.upper & masks.lower).sum())
    if both > _SAME_REGION * union:
        return "the masks of both bones are the same region; draw each bone alone"
    if union == masks.upper.size:
        return "its masks are halves of the image; draw the outlines of the bones"
    return ""


def _not_chosen(group: str, path: Path, part: str) -> str:
    """Return why an image of the public joints is not used; empty where it is."""
    if part != "all" and public_joints.is_test(group) != (part == "test"):
        return "a public joint kept for testing" if part == "training" else "a public joint that models are trained on"
    return "a public joint with wrong masks, or a copy" if public_joints.is_left_out(group, path.stem) else ""


def _base(path: Path, stems: set[tuple[Path, str]]) -> tuple[str, str] | None:
    """Return the name of the image that a file is a mask of by its own name, and the bone where it is of one alone.

    None where the file is an image.
    """
    named = _MASK.fullmatch(path.stem)
    half = _ONE_BONE.fullmatch(path.stem)
    is_half = half is not None and (path.parent, half[1].casefold()) in stems
    if half and is_half and (named is None or (path.parent, named[1].casefold()) not in stems):
        return half[1], half[2].casefold()
    return (named[1], "") if named else None


def _rank(mask: Path) -> tuple[bool, bool, str]:
    """Return the place of a mask among several of one image: that named ``_mask`` comes first."""
    named = _MASK.fullmatch(mask.stem)
    return (
        mask.suffix.lower() not in _LOSSLESS,
        named is None or not named[2].casefold().startswith("mask"),
        mask.name,
    )


def _is_shown(path: Path) -> bool:
    return not any(part.startswith((".", "__MACOSX")) or part == "Thumbs.db" for part in path.parts)


def _phrase(error: InputError, *paths: Path) -> str:
    """Return the message of an error as a phrase that may hold for several files."""
    text = str(error)
    for path in paths:
        text = text.replace(str(path), "the image" if path == paths[0] else "its mask")
    return text.rstrip(".").strip()


def refusal(folder: Path, left_out: list[LeftOut]) -> str:
    """Return why a folder cannot be trained on of which no image is left."""
    if not left_out:
        return f"{folder} holds no image. Put joint images into it, each with its mask: NAME_mask.png beside NAME.png."
    if all(each.reason == _NO_MASK for each in left_out):
        return (
            f"{folder} holds no image with a mask beside it. Name the mask NAME_mask.png where the image is NAME.png, "
            "or NAME.png where it is NAME.jpg."
        )
    return f"{folder} holds no image that can be used. {'. '.join(left_out_lines(left_out))}."


def _joint_named(path: Path) -> str:
    """Return the joint that is part of a file's or its folder's name; empty without one."""
    words = path.stem.replace("-", "_").split("_") + path.parent.name.replace("-", "_").split("_")
    return next((word.upper() for word in words if word.upper() in anatomy.JOINTS), "")


def unmasked(found: Scan) -> Iterator[tuple[Path, NDArray[np.float32], str]]:
    """Yield the images of a folder without masks: path, intensities, and why it cannot be used or an empty text."""
    from napari_jsn.radiograph import read_radiograph

    for path in found.images:
        try:
            image = read_radiograph(path).pixels
            yield path, image, image_problem(image)
        except InputError as error:
            yield path, np.zeros((0, 0), np.float32), _phrase(error, path)
