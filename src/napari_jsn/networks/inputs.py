"""The images that a training is given: which are used, which are left out and why, and of which patient each is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError

#: Digits of a hash that are kept, and names that are shown of each kind.
_DIGITS, _SHOWN = 16, 3


@dataclass(frozen=True)
class UsedImage:
    """An image that is trained on or validated on.

    Attributes
    ----------
    name : str
        Path in the folder, or name of the layer.
    image, labels : str
        Hashes of the pixels, and of the masks or points; see :func:`content_hash`.
    patient : str
    validated : bool
        True if the image is validated on, and so chooses the best epoch if that is kept; False if it is trained on.
    """

    name: str
    image: str
    labels: str
    patient: str
    validated: bool


@dataclass(frozen=True)
class LeftOut:
    """A file that is not used, and why: a phrase that may hold for several files."""

    name: str
    reason: str


@dataclass(frozen=True)
class Inputs:
    """All real images of a training.

    Attributes
    ----------
    images : tuple of UsedImage
        In the order in which they are used, which a resumed training must keep.
    left_out : tuple of LeftOut
    notes : tuple of str
        Sentences about all of them.
    folder, groups : str
        Absolute paths of the folder and of the table of patients; empty without.
    layout : str
        Of that table, where it has scores: a name or the absolute path of a file; empty without.
    """

    images: tuple[UsedImage, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    folder: str = ""
    groups: str = ""
    layout: str = ""

    def lines(self) -> list[str]:
        """Return lines for the user: how many images are used, and what is left out and why; empty without images."""
        if not (self.images or self.left_out):
            return []
        lines = []
        for used, validated in (("training", False), ("validation", True)):
            part = [each for each in self.images if each.validated == validated]
            patients = len({each.patient for each in part})
            groups = f" of {patients} {'group' if patients == 1 else 'groups'}" if part else ""
            lines.append(f"Images for {used}: {len(part)}{groups}")
        return [*lines, *left_out_lines(self.left_out), *(f"Note: {note}" for note in self.notes)]

    def record(self) -> dict[str, Any]:
        """Return plain values for a resume file."""
        images = [[each.name, each.image, each.labels, each.validated] for each in self.images]
        return {"folder": self.folder, "groups": self.groups, "layout": self.layout, "images": images}

    def card(self) -> dict[str, Any]:
        """Return what a model card keeps: hashes of the images that are trained on and of those validated on.

        ``all_known`` is True where no other real image was learned from.
        """
        trained, validated = (
            sorted({each.image for each in self.images if each.validated == which}) for which in (False, True)
        )
        return {"trained_on": trained, "validated_on": validated, "left_out": len(self.left_out), "all_known": True}


def inputs_of(task: object) -> Inputs:
    """Return the real images of a task; none where it does not state them."""
    return getattr(task, "inputs", None) or Inputs()


def left_out_lines(left_out: Iterable[LeftOut]) -> list[str]:
    """Return one line for each reason: how many files, and the first names."""
    by_reason: dict[str, list[str]] = {}
    for each in left_out:
        by_reason.setdefault(each.reason, []).append(each.name)
    return [f"Left out: {first_names(names)}: {reason}" for reason, names in by_reason.items()]


def with_left_out(error: InputError, left_out: Iterable[LeftOut], notes: Iterable[str] = ()) -> InputError:
    """Return an error about too few images that also says which were left out and why."""
    lines = [*left_out_lines(left_out), *(note.removesuffix(".") for note in notes)]
    return InputError(" ".join([str(error), *(f"{line}." for line in lines)]), error.argument)


def first_names(names: Sequence[str]) -> str:
    """Return the first of some names, and how many there are: ``"5 (a.png, b.png, c.png, ...)"``."""
    shown = ", ".join(names[:_SHOWN])
    return f"{len(names)} ({shown}{', ...' if len(names) > _SHOWN else ''})"


def content_hash(*arrays: NDArray[Any]) -> str:
    """Return a hash of arrays that does not depend on how they were stored in a file.

    Intensities are compared in steps of 1/65535.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_jsn.networks.inputs import content_hash
    >>> content_hash(np.array([[0.5]])) == content_hash(np.array([[0.5]], np.float32))
    True
    """
    digest = sha256()
    for array in arrays:
        array = np.asarray(array)
        if array.dtype.kind == "f" and (array.size == 0 or (np.nanmin(array) >= 0 and np.nanmax(array) <= 1)):
            array = np.rint(65535 * np.nan_to_num(array, nan=0.0)).astype("<u2")
        elif array.dtype.kind == "f":
            array = array.astype("<f4")
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:_DIGITS]


@dataclass
class _Union:
    """Sets of names that belong together."""

    parents: dict[str, str] = field(default_factory=dict)

    def find(self, name: str) -> str:
        self.parents.setdefault(name, name)
        while self.parents[name] != name:
            name = self.parents[name]
        return name

    def join(self, one: str, other: str) -> None:
        first, second = sorted((self.find(one), self.find(other)))
        self.parents[second] = first


def joined_patients(groups: Sequence[str], images: Sequence[str], patients: Mapping[str, str]) -> list[str]:
    """Return the patient of each image, so that no two images of one patient can be on both sides of a split.

    Parameters
    ----------
    groups : sequence of str
        Of each image: images of one group always stay together.
    images : sequence of str
        Hash of each image: copies of one image stay together.
    patients : mapping of str to str
        The patient of a group, where it is known; groups of one patient stay together.
    """
    union = _Union()
    first: dict[str, str] = {}
    for group, image in zip(groups, images, strict=True):
        union.join(group, first.setdefault(f"image {image}", group))
        if group in patients:
            union.join(group, first.setdefault(f"patient {patients[group]}", group))
    return [union.find(group) for group in groups]
