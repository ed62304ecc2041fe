"""Which images a model learned from: the hashes that its card keeps, compared with those of the images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from napari_jsn.networks.inputs import first_names
from napari_jsn.networks.weights import is_shipped

Item = TypeVar("Item")

#: What a model did with an image.
NEVER, TRAINED, CHOSE, VALIDATED, UNKNOWN = (
    "never learned from", "trained on", "chose the best epoch", "validated on", "not known"
)  # fmt: skip

KINDS = NEVER, TRAINED, CHOSE, VALIDATED, UNKNOWN


def learned_from(card: Mapping[str, Any], path: Path, image: str) -> str:
    """Return what a model did with an image: one of :data:`KINDS`.

    An image that is validated on chooses the best epoch, unless the model keeps the last one.

    Parameters
    ----------
    card : mapping
        Of the model.
    path : path
        Of the card. The models that come with the program were trained on public images alone, of which those for
        testing were left out.
    image : str
        Hash of the image, see :func:`~napari_jsn.networks.inputs.content_hash`.
    """
    images = card.get("images") or {}
    if image in images.get("trained_on", ()):
        return TRAINED
    if image in images.get("validated_on", ()):
        return VALIDATED if card.get("epochs", {}).get("kept") == "last" else CHOSE
    return NEVER if images.get("all_known") or is_shipped(path) else UNKNOWN


def by_learned(
    name: str, items: Sequence[Item], kinds: Sequence[str]
) -> list[tuple[str, str, list[Item]]]:  # fmt: skip
    """Return items by what the model did with them: name of the set, kind, items; empty sets are left out."""
    sets = [
        (
            name if kind in (NEVER, UNKNOWN) else f"{name}, {kind}",
            kind,
            [item for item, own in zip(items, kinds, strict=True) if own == kind],
        )
        for kind in KINDS
    ]
    return [each for each in sets if each[2]]


def sentence(kind: str, names: Sequence[str]) -> str:
    """Return what is said of the images of one kind."""
    # an image that is a group of its own has the name twice
    shown = first_names([name.partition("/")[0] if len(set(name.split("/"))) == 1 else name for name in names])
    return {
        NEVER: f"The model never learned from {shown} of the images.",
        TRAINED: f"The model was trained on {shown} of the images: these figures are too high.",
        CHOSE: f"The best epoch of the model was chosen on {shown} of the images: these figures are too high.",
        VALIDATED: f"The model was validated on {shown} of the images, but kept its last epoch and did not learn from "
        "them.",
        UNKNOWN: f"The card of the model does not state whether it was trained on {shown} of the images.",
    }[kind]
