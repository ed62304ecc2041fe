"""Search hands on radiographs and on their negatives, and count how often the polarity is recognised.

The radiographs are simulated ones, and real ones from the folder that ``NAPARI_JSN_DATA`` names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_jsn.evaluation.hands.simulated import SimulatedHand
from napari_jsn.localization.find_joints import find_joints
from napari_jsn.localization.polarity import bones_are_dark
from napari_jsn.radiograph import read_radiograph

#: Folders of real whole hands.
_FOLDERS = ("hands", "more-hands", "adult-hands", "adult-films")


@dataclass(frozen=True)
class Searched:
    """One radiograph or negative that was searched.

    Attributes
    ----------
    real, negative, hand, dark : bool
        Whether it is a real one, whether it is the negative, whether a hand was found, and whether its bones are dark.
    """

    real: bool
    negative: bool
    hand: bool
    dark: bool


def find_negatives(hands: Sequence[SimulatedHand]) -> list[Searched]:
    """Search the radiographs of hands, all real radiographs, and the negatives of both."""
    paths = [(False, path) for hand in hands for path in hand.paths] + [(True, path) for path in _real()]
    return [searched for real, path in paths for searched in _searched(path, real)]


def negatives_lines(found: Sequence[Searched]) -> list[str]:
    """Return the table of radiographs and negatives."""
    from napari_jsn.evaluation.page import table

    rows = []
    for real, negative in ((False, False), (False, True), (True, False), (True, True)):
        here = [each for each in found if (each.real, each.negative) == (real, negative)]
        if here:
            name = f"{'real' if real else 'simulated'}, {'negative' if negative else 'as they are'}"
            dark = sum(each.dark for each in here)
            rows.append((name, str(len(here)), str(sum(each.hand for each in here)), str(dark)))
    columns = ("radiographs", "number", "a hand was found", "bones are dark")
    return ["## Negatives", "", *table(columns, rows), ""]


def _searched(path: Path, real: bool) -> Iterator[Searched]:
    radiograph = read_radiograph(path)
    for negative in (False, True):
        shown = radiograph.inverted() if negative else radiograph
        joints = find_joints(shown)
        yield Searched(real, negative, len(joints) > 0, bones_are_dark(shown.pixels, joints))


def _real() -> Iterator[Path]:
    root = os.environ.get("NAPARI_JSN_DATA", "")
    for folder in _FOLDERS if root else ():
        images = (p for p in (Path(root) / folder).rglob("*") if p.suffix.lower() in (".png", ".jpg", ".tif"))
        yield from sorted(images)
