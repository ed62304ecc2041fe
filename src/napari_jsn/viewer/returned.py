"""Show the results that a form of magicgui returns as layers: registrations, bones, joints and progressions."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from magicgui import register_type
from napari.utils._magicgui import find_viewer_ancestor
from napari.utils.notifications import show_warning

from napari_jsn.joint import BoneMasks
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.progression.progression import Progression
from napari_jsn.registration.result import Registration
from napari_jsn.viewer.hands_widget.boxes import Box
from napari_jsn.viewer.hands_widget.layers import HandLayers, show_found
from napari_jsn.viewer.layers.bones import bones_entry, check_not_edited, show_found_bones
from napari_jsn.viewer.layers.radiograph import read_radiograph_layer, separate_layers
from napari_jsn.viewer.layers.read_layer import pixels_of, spacing_of
from napari_jsn.viewer.layers.registration import PairLayers, placement_of, show_registration

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Image

_Result = TypeVar("_Result")

_UNKNOWN_LAYERS = (
    "It is not known which layers it was computed from. Compute it with the functions of napari_jsn.viewer.functions."
)

#: The image layers that a result was computed from, by the identity of the result: not all results can be hashed.
_inputs: dict[int, tuple[Image, ...]] = {}


def remember_inputs(result: _Result, *layers: Image) -> _Result:
    """Return the result; keep the layers that it was computed from for as long as it exists."""
    _inputs[id(result)] = layers
    weakref.finalize(result, _inputs.pop, id(result), None)
    return result


def register_types() -> None:
    """Let every form that returns a result of this package add its layers to the viewer."""
    register_type(Registration, return_callback=_callback(_show_registration))
    register_type(BoneMasks, return_callback=_callback(_show_bones))
    register_type(Progression, return_callback=_callback(_show_progression))
    register_type(FoundJoints, return_callback=_callback(_show_joints))


def _callback(show: Callable[..., None]) -> Callable[[Any, Any, type], None]:
    """Return the function that magicgui calls with form, result and type of the result."""

    def on_return(form: Any, result: Any, return_type: type) -> None:
        viewer = find_viewer_ancestor(form)
        if viewer is None or result is None:
            return
        images = _inputs.get(id(result))
        if images is None:  # the values of the form may be others, because a call can replace them
            show_warning(f"This {return_type.__name__} is not shown. {_UNKNOWN_LAYERS}")
        else:
            show(viewer.layers, result, *images)

    return on_return


def _show_registration(layers: LayerList, result: Registration, fixed: Image, moving: Image) -> None:
    # a result of other shape has square pixels in place of those of the layer
    same_grid = result.transformed.shape == np.shape(pixels_of(fixed))
    pair = PairLayers.of(fixed, moving, None if same_grid else spacing_of(fixed))
    show_registration(layers, result, pair, {})


def _show_bones(layers: LayerList, result: BoneMasks, image: Image) -> None:
    check_not_edited(layers, image)
    show_found_bones(layers, result, bones_entry(image), placement_of(image))


def _show_progression(layers: LayerList, result: Progression, baseline: Image, followup: Image) -> None:
    separate_layers((baseline, followup), layers.units)
    pair = enumerate((baseline, followup), start=1)
    radiographs = [read_radiograph_layer(layer, visit).loaded() for visit, layer in pair]
    HandLayers(layers, result, radiographs).show()


def _show_joints(layers: LayerList, result: FoundJoints, image: Image) -> None:
    radiograph = read_radiograph_layer(image, 1, copy=False)
    show_found(layers, [Box(1, joint, radiograph) for joint in result])
