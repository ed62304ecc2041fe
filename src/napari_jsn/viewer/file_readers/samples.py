"""Sample data for the viewer: simulated, so that nobody's radiograph is shipped and the truth is known.

A joint pair is simulated when it is opened. Whole hands would take too long: they are shipped, made by
``tools/make_samples.py``.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any

from napari_jsn.viewer.layers.roles import FIXED, FIXED_MASKS, KEY, MOVING, MOVING_MASKS

LayerData = tuple[Any, dict[str, Any], str]


def joint_pair_mcp() -> list[LayerData]:
    """An index MCP joint at two visits with its bone masks; the true narrowing is in the metadata."""
    from napari_jsn.simulation.joint_pair import sample_pair
    from napari_jsn.viewer.layers.registration import BONES_LOOK

    pair = sample_pair()
    place = {"scale": (pair.spacing_mm,) * 2, "units": ("mm", "mm")}
    noted = {
        "joint": pair.fixed_truth.joint,
        "side": pair.fixed_truth.side,
        "spacing_mm": pair.spacing_mm,
        "spacing_source": "simulated",
        "true_jsn_mm": pair.jsn_mm,
        "true_jsn_projected_mm": pair.jsn_projected_mm,
    }
    layers: list[LayerData] = []
    for name, image, masks, role, mask_role in (
        ("baseline", pair.fixed, pair.fixed_masks, FIXED, FIXED_MASKS),
        ("follow-up", pair.moving, pair.moving_masks, MOVING, MOVING_MASKS),
    ):
        look = {"contrast_limits": (float(image.min()), float(image.max()))}
        layers.append((image, {"name": name, "metadata": {KEY: {"role": role, **noted}}, **place, **look}, "image"))
        options = {"name": f"{name} bones", "metadata": {KEY: {"role": mask_role}}, **BONES_LOOK, **place}
        layers.append((masks.labels, options, "labels"))
    return layers


def hand_pair() -> list[LayerData]:
    """A left hand at baseline and after 52 weeks."""
    return _shipped("hand_pair")


def both_hands() -> list[LayerData]:
    """Both hands on one film, at four visits."""
    return _shipped("both_hands")


def _shipped(name: str) -> list[LayerData]:
    from napari_jsn.patient.read import read_patient
    from napari_jsn.viewer.layers.patient import study_layers

    with as_file(files("napari_jsn") / "samples" / name) as folder:
        return study_layers(read_patient(folder, split=False))
