"""Give a one-stage model the networks of a two-stage model, which then grade the regions of its joints.

The networks are the same; on regions they see the joints of one hand. The U-Net stays as it is. Fit the
probabilities again afterwards: ``python -m napari_jsn.evaluation.calibration grade-probabilities --model FILE``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from torch import Tensor

from napari_jsn.common.errors import InputError
from napari_jsn.networks import weights
from napari_jsn.scoring.one_stage.network import ARCHITECTURES, HandNet, build_hand_net

#: Entries of the card of the one-stage model that no longer hold.
_FITTED = ("card_sha256", "sha256", "temperature", "context", "totals", "confusions", "figures", "limits", "parameters")
_PROGRAM = "python -m napari_jsn.evaluation.calibration one-stage-regions"
_REGIONS = "regions."


def joined(unet: dict[str, Tensor], two_stage: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of a one-stage network."""
    found = {key: value for key, value in unet.items() if not key.startswith(_REGIONS)}
    return {**found, **{f"{_REGIONS}{key}": value for key, value in two_stage.items()}}


def card_of(one: dict[str, Any], two: dict[str, Any], command: str, parameters: int) -> dict[str, Any]:
    """Return the card: what the U-Net says, and that it and the networks of regions learned from the data of both."""
    architecture = {
        key: list(value) if isinstance(value, tuple) else value for key, value in ARCHITECTURES["one-stage"].items()
    }
    images = dict(one.get("images", {}))
    images["trained_on"] = sorted({*images.get("trained_on", ()), *two.get("images", {}).get("trained_on", ())})
    data = list(one["training_data"])
    data += [each for each in two["training_data"] if each["source"] not in {known["source"] for known in data}]
    return {
        **{key: value for key, value in one.items() if key not in _FITTED},
        "architecture": {"class": f"{HandNet.__module__}.{HandNet.__name__}", **architecture},
        "training_data": data,
        "images": images,
        "figures": {},
        "parameters": parameters,
        "licence": two.get("licence", one.get("licence", weights.LICENCE)),  # its images include all with other terms
        "command": command,
        "parts": {
            "unet": one.get("parts", {}).get("unet", {"sha256": one["sha256"], "command": one["command"]}),
            "regions": {"sha256": two["sha256"], "command": two["command"]},
        },
        "limits": "Damage was learned on simulated hands. Each hand is graded by itself, on regions as coarse as the "
        "canvas. Whether the grades are right on real films is not known.",
    }


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--unet", type=Path, required=True, help=".safetensors file of the one-stage model")
    parser.add_argument("--two-stage", type=Path, required=True, help=".safetensors file of the two-stage model")
    parser.add_argument("--out", type=Path, required=True, help="folder of the joined model")


def main(options: argparse.Namespace) -> None:
    """Read both models and write the joined one."""
    try:
        (unet, one), (kinds, two) = (weights.load("scoring", str(path)) for path in (options.unet, options.two_stage))
    except InputError as error:
        raise SystemExit(str(error)) from None
    network = build_hand_net(ARCHITECTURES["one-stage"])
    try:
        network.load_state_dict(joined(unet, kinds))
    except RuntimeError:
        raise SystemExit(
            "The models do not fit: --unet takes a one-stage model, --two-stage a two-stage one, both of this version."
        ) from None
    command = f"{_PROGRAM} --unet {options.unet.name} --two-stage {options.two_stage.name} --out {options.out.name}"
    parameters = sum(each.numel() for each in network.parameters())
    options.out.mkdir(parents=True, exist_ok=True)
    print(weights.save(options.out, weights.halved(network.state_dict()), card_of(one, two, command, parameters)))
