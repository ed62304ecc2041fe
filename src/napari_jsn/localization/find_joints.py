"""``find_joints``: find the finger joints of whole-hand radiographs with a network and the shape of the mean hand."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_jsn.common.device import compute_in_batches, device_name
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.localization.found_joints import FoundJoints

if TYPE_CHECKING:
    import torch

    from napari_jsn.radiograph import Radiograph


def find_joints(
    radiograph: Any, model: str = "default", device: str | None = None, sides: Sequence[str] | None = None
) -> FoundJoints:
    """Find the finger joints of the hands on a radiograph: MCP1-5, IP1, PIP2-5 and DIP2-5.

    The fingers must point up, within 45 degrees. At most one hand of each side is found; a note counts further ones.

    Parameters
    ----------
    radiograph : Radiograph, path or (H, W) array
        A posteroanterior view, bone bright; a path is read by :func:`napari_jsn.read_radiograph`.
    model : str
        ``"default"``, the name of your own model, or the path of a ``.safetensors`` file.
    device : str, optional
        ``"cpu"`` or ``"cuda"``; by default a GPU if there is one.
    sides : sequence of {"L", "R"}, optional
        The hands that the radiograph shows, if known; a single side names the hand found whatever it looks like. By
        default the side that the radiograph states, else the side that the image shows.

    Returns
    -------
    FoundJoints
        A sequence of :class:`~napari_jsn.joint.Joint` in anatomical order, right hand first. Boxes are rotated with
        the finger. Their side is 22.2 mm where the pixel size is known, else as large as 22.2 mm are on an average
        adult's hand. ``missing`` lists the joints out of view, ``reasons`` what is doubtful; an image without a hand
        raises no error.

    Raises
    ------
    InputError
        If it is no image, or there is no such model, device or side.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> joints = jsn.find_joints(baseline)
    >>> len(joints), joints[0].name, joints[0].side
    (14, 'MCP1', 'L')
    """
    return find_joints_many([radiograph], model, device, sides, argument="radiograph")[0]


def find_joints_many(
    radiographs: Sequence[Any],
    model: str = "default",
    device: str | None = None,
    sides: Sequence[str] | None = None,
    progress: Progress | None = None,
    argument: str = "radiographs",
) -> list[FoundJoints]:
    """Find the joints of many radiographs; see :func:`find_joints`.

    Parameters
    ----------
    radiographs : sequence of Radiographs, paths or (H, W) arrays
    model, device, sides
        As for :func:`find_joints`; the sides are the same for all.
    progress : Progress, optional
        Updated after every radiograph; when aborted, the results so far are returned.
    argument : str
        The name of the argument that an error carries.
    """
    from napari_jsn.networks.weights import model_identity
    from napari_jsn.radiograph import as_radiograph

    if sides is not None and (not isinstance(sides, Sequence) or not sides or not all(s in ("L", "R") for s in sides)):
        raise InputError(f"Sides are 'L', 'R' or both, not {reprlib.repr(sides)}. Give one or both of them.", "sides")
    loaded = [as_radiograph(each, argument=argument) for each in radiographs]
    if not loaded:
        return []
    progress = progress or Silent()
    device = device_name(device)
    identity = model_identity("localization", model)

    def find(some: Sequence[Radiograph], used: torch.device) -> list[FoundJoints]:
        return [replace(_joints_of(each, model, str(used), sides), model=identity) for each in some]

    return compute_in_batches(loaded, 1, device, find, progress, "Finding the joints")


def _joints_of(radiograph: Radiograph, model: str, device: str, sides: Sequence[str] | None) -> FoundJoints:
    """Return the joints of one radiograph, without the identity of the model."""
    from napari_jsn.localization.further_hands import further_hands, is_something_beside
    from napari_jsn.localization.network import build_joint_net
    from napari_jsn.localization.polarity import bones_are_dark
    from napari_jsn.localization.search import find_rotation, search_hands
    from napari_jsn.localization.sides import joints_of_hands, no_hand
    from napari_jsn.networks.load import load_network
    from napari_jsn.radiograph.resampling import Thumbnail

    network = load_network("localization", model, device, build_joint_net).network
    pixels, spacing_mm = radiograph.pixels, radiograph.spacing_mm
    hands, to_radiograph = search_hands(pixels, spacing_mm, network, device)
    if hands:
        others = further_hands(pixels, hands, to_radiograph, network, device)
        beside = is_something_beside(pixels, [*hands, *others], to_radiograph)
        joints = joints_of_hands(hands, to_radiograph, radiograph, sides, others, beside)
        if bones_are_dark(pixels, joints):
            joints = replace(joints, reasons=(*joints.reasons, Reason(ReasonCode.BONES_DARK)))
    else:
        joints = no_hand(find_rotation(pixels, spacing_mm, network, device))
    return replace(joints, thumbnail=Thumbnail.of(radiograph))
