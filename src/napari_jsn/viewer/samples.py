"""Sample data for the viewer: drawn, so that nobody's radiograph is shipped and the truth is known."""

from __future__ import annotations

from typing import Any

from napari_jsn.viewer.roles import FIXED, FIXED_MASKS, KEY, MOVING, MOVING_MASKS


def drawn_joint_pair() -> list[tuple[Any, dict[str, Any], str]]:
    """A drawn joint at two visits with its bone masks; the narrowing put into it is in the metadata."""
    from napari_jsn.simulation.drawn import drawn_pair
    from napari_jsn.viewer.layers import BONES_LOOK

    pair = drawn_pair()
    place = {"scale": (pair.spacing_mm,) * 2, "units": ("mm", "mm")}
    noted = {"spacing_mm": pair.spacing_mm, "spacing_source": "drawn", "true_jsn_mm": pair.jsn_mm}
    layers = []
    for name, image, masks, role, mask_role in (
        ("baseline", pair.fixed, pair.fixed_masks, FIXED, FIXED_MASKS),
        ("follow-up", pair.moving, pair.moving_masks, MOVING, MOVING_MASKS),
    ):
        layers.append((image, {"name": name, "metadata": {KEY: {"role": role, **noted}}, **place}, "image"))
        options = {"name": f"{name} bones", "metadata": {KEY: {"role": mask_role}}, **BONES_LOOK, **place}
        layers.append((masks.labels, options, "labels"))
    return layers
