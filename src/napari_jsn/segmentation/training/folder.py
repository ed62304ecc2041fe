"""Read a folder of joint images and the masks beside them; every image is used, or left out with a reason."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.common.search_folder import search_folder
from napari_jsn.joint import BoneMasks
from napari_jsn.networks.inputs import LeftOut, content_hash, joined_patients, left_out_lines
from napari_jsn.networks.patients import group_of, joint_named, patient_named, read_groups, stated_patients
from napari_jsn.segmentation.training import public_joints
from napari_jsn.segmentation.training.data import LabelledJoint
from napari_jsn.segmentation.training.mask_checks import bones_of_labels, image_problem, masks_problem, one_bone

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

_NO_MASK = "no mask beside it; name the mask NAME_mask.png, or NAME.png where the image is NAME.jpg"


@dataclass(frozen=True)
class JointFolder:
    """The joint images of a folder that can be used, and what was left out."""

    joints: list[LabelledJoint]
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)


def labelled_joints(folder: Path, part: str = "all") -> list[LabelledJoint]:
    """Return the joint images of :func:`read_joint_folder` alone."""
    return read_joint_folder(folder, part).joints


def read_joint_folder(folder: Path, part: str = "all", groups: Path | None = None) -> JointFolder:
    """Read the images of a folder and its subfolders that have masks.

    A mask (labels 1 upper, 2 lower, 3 both; PNG, BMP or TIFF) has the name of its image, or that name and ``_mask``;
    or there are two black and white masks, ``_upper`` and ``_lower``. Images in one subfolder are one group, or one for
    each joint where the names state the joints; those in ``folder`` itself are one group each.

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
    return joint_folder(folder, joints, paths, left_out, groups, others)


def joint_folder(
    folder: Path,
    joints: list[LabelledJoint],
    paths: list[Path],
    left_out: list[LeftOut],
    groups: Path | None,
    others: list[Path],
) -> JointFolder:
    """Return the images that were read, with the patient and the joint of each.

    Parameters
    ----------
    folder : Path
    joints : list of LabelledJoint
        Their groups are the folders below ``folder``.
    paths : list of Path
        Of the images in ``folder``.
    left_out : list of LeftOut
    groups : Path, optional
        Table of the patients.
    others : list of Path
        Further files that the table may name.
    """
    stated = None if groups is None else stated_patients(paths, read_groups(groups), others)
    found = with_patients(joints, stated)
    notes = one_group_note(folder, found)
    if any(public_joints.are_public([each.group]) for each in joints):
        notes.append("The public joints are split by joint, because their data set does not name the patients.")
    named = [(each.group, joint_named(path)) for each, path in zip(joints, paths, strict=True)]
    found = [
        replace(each, group=each.group if public_joints.are_public([each.group]) else "/".join(filter(None, name)))
        for each, name in zip(found, named, strict=True)
    ]
    return JointFolder(found, left_out, notes, paths)


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
        f"{f'All {len(joints)} images count' if len(joints) > 1 else 'The only image counts'} as one group, so none "
        f"chooses the best epoch. {advice}, or name the patients with --groups."
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
        upper, lower = (one_bone(read_labels(pair[which])) for which in (True, False))
        return BoneMasks(upper, lower)

    def _leave_out(self, paths: list[Path], reason: str) -> None:
        self.left_out += [LeftOut(path.relative_to(self.folder).as_posix(), reason) for path in paths]


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
