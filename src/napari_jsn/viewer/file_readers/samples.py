"""Sample data of the plugin: simulated images, whose true narrowing is known.

The joint pair is simulated when it is opened. Simulating whole hands would take too long, so these are shipped as
files, made by ``tools/make_samples.py``.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any

from napari_jsn.viewer.layers.read_layer import FIXED, FIXED_MASKS, KEY, MOVING, MOVING_MASKS

LayerData = tuple[Any, dict[str, Any], str]


def joint_pair_mcp() -> list[LayerData]:
    """Return the layers of an index MCP joint at two visits with its masks; the metadata have the true narrowing."""
    from napari_jsn.simulation.joint_pair import sample_pair
    from napari_jsn.viewer.layers.registration import BONES_STYLE

    pair = sample_pair()
    placement = {"scale": (pair.spacing_mm,) * 2, "units": ("mm", "mm")}
    truth = {
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
        limits = float(image.min()), float(image.max())
        image_options = {"name": name, "metadata": {KEY: {"role": role, **truth}}, "contrast_limits": limits}
        mask_options = {"name": f"{name} bones", "metadata": {KEY: {"role": mask_role}}, **BONES_STYLE}
        layers.append((image, {**image_options, **placement}, "image"))
        layers.append((masks.labels, {**mask_options, **placement}, "labels"))
    return layers


def hand_pair() -> list[LayerData]:
    """Return the layers of a left hand at baseline and after 52 weeks."""
    return _shipped("hand_pair")


def both_hands() -> list[LayerData]:
    """Return the layers of both hands on one radiograph, at four visits."""
    return _shipped("both_hands")


def _shipped(name: str) -> list[LayerData]:
    from napari_jsn.patient.read import read_patient
    from napari_jsn.viewer.layers.patient import patient_layers

    with as_file(files("napari_jsn") / "samples" / name) as folder:
        return patient_layers(read_patient(folder, split=False))
