"""Fit the temperatures and the errors of totals of a network for scores again, and write them to the card of the model.

A training fits them itself. Run this after a change of the fit, or on a model that was trained before there was one.
They are fitted to simulated patients that were not trained on; a network that learned on a user's own radiographs is
refused.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import write_files
from napari_jsn.networks import weights
from napari_jsn.scoring.automatic.score import is_one_stage, load_grader
from napari_jsn.scoring.training.one_stage_task import OneStageTask
from napari_jsn.scoring.training.task import ScoringTask

#: Entry of the card of a network whose grades were learned on simulated hands.
_SIMULATED = "simulator"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--model", default="default", help="name of the model, or path of its .safetensors file")
    parser.add_argument("--cache", type=Path, help="folder of the simulated patients; by default the cache")


def main(options: argparse.Namespace) -> None:
    """Fit, print, and write the card."""
    path = weights.find("scoring", options.model).with_suffix(".json")
    card = weights.read_card(path)
    if _SIMULATED not in card:
        raise SystemExit(f"{path.name} does not say that its grades were learned on simulated hands. Train it again.")
    try:
        fitted = fit(options.model, card, options.cache)
    except InputError as error:
        raise SystemExit(str(error)) from None
    write_files(path.parent, {path.name: weights.card_bytes({**card, **fitted})})
    print(json.dumps(fitted, indent=2))


def fit(model: str, card: dict[str, Any], cache: Path | None = None) -> dict[str, Any]:
    """Return what the training of a model fits at its end, for its card."""
    whole_hands = is_one_stage(model)
    grader: Any = load_grader("one-stage" if whole_hands else "two-stage", model, "cpu")
    task = (OneStageTask if whole_hands else ScoringTask)(card["preset"], cache=cache)
    return task.calibration(grader.network)
