"""``find_joints``: the finger joints of whole-hand radiographs, found by a network and the shape that hands have."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.device import device_name
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.localization.found_joints import FoundJoints

if TYPE_CHECKING:
    from napari_jsn.localization.network import JointNet


def find_joints(
    radiograph: Any, model: str = "default", device: str | None = None, sides: Sequence[str] | None = None
) -> FoundJoints:
    """Find the finger joints of the hands on a radiograph: MCP1-5, IP1, PIP2-5 and DIP2-5.

    Fingers point up, within 45 degrees. One hand of each side is found on a film.

    Parameters
    ----------
    radiograph : Radiograph, path or (H, W) array
        A posteroanterior view, bone bright; a path is read by :func:`napari_jsn.read_radiograph`.
    model : str
        ``"default"``, the name of a model of one's own, or the path of a ``.safetensors`` file.
    device : str, optional
        ``"cpu"`` or ``"cuda"``; by default a GPU if there is one.
    sides : sequence of {"L", "R"}, optional
        The hands that the film shows, where the caller knows: one names the hand found whatever it looks like. By
        default what the radiograph states, else what the picture shows.

    Returns
    -------
    FoundJoints
        A sequence of :class:`~napari_jsn.joint.Joint` in anatomical order, right hand first. Boxes turn with the
        finger and are 22.2 mm a side where the pixel size is known, else as large as 22.2 mm are on an average
        adult's hand. Joints out of view are in ``missing``, what is doubtful in ``reasons``; whatever the picture
        shows, nothing is raised.

    Raises
    ------
    InputError
        If it is no image, or there is no such model, device or side.
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
        As for :func:`find_joints`; the sides hold for all.
    progress : Progress, optional
        Told of every radiograph; when aborted, what is found so far comes back.
    argument : str
        The name that a refusal carries.
    """
    from napari_jsn.localization.search import hands_on, lies_turned
    from napari_jsn.localization.sides import no_hand, told

    if sides is not None and (not sides or not set(sides) <= {"L", "R"}):
        raise InputError(f"Sides are 'L', 'R' or both, not {sides!r}.", "sides")
    films = [_radiograph(each, argument) for each in radiographs]
    if not films:
        return []
    progress = progress or Silent()
    on = device_name(device)
    network = _network(model, on)
    found: list[FoundJoints] = []
    for film in films:
        if progress.aborted:
            break
        hands, square = hands_on(film.pixels, film.spacing_mm, network, on)
        if hands:
            found.append(told(hands, square, film, sides))
        else:
            found.append(no_hand(lies_turned(film.pixels, film.spacing_mm, network, on)))
        progress.update(len(found), len(films), "Finding the joints")
    return found


def _radiograph(given: Any, argument: str) -> Any:
    from napari_jsn.radiograph import Radiograph, read_radiograph

    if isinstance(given, (str, os.PathLike)):
        return read_radiograph(given)
    if isinstance(given, Radiograph):
        return given
    from napari_jsn.radiograph.intensity import to_intensities

    pixels: NDArray[np.float32] = to_intensities(given, argument, "The radiograph")
    return Radiograph(pixels)


def _network(model: str, device: str) -> JointNet:
    """The network of a model; read again only when its file has changed."""
    from napari_jsn.networks import weights

    path = weights.find("localization", model)
    return _read(os.fspath(path), path.stat().st_mtime_ns, device)


@lru_cache(maxsize=4)
def _read(path: str, changed: int, device: str) -> JointNet:
    from napari_jsn.localization.network import build
    from napari_jsn.networks import weights

    state, card = weights.load("localization", path)
    try:
        network = build({key: value for key, value in card["architecture"].items() if key != "class"})
        network.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise InputError(
            f"{os.path.basename(path)} does not fit the network that its card describes. Get both files again, "
            "or train anew.",
            "model",
        ) from error
    return network.eval().to(device)
