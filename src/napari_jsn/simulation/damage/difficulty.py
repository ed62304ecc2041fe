"""The difficulty of simulated radiographs: one file of versions, each with a hash that reports print.

Its figures come from outside: the definitions of the grades, published widths, and measurements on real images. No
figure of a network sets one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

from napari_jsn.common.errors import InputError
from napari_jsn.simulation.exposure.detector import Detector
from napari_jsn.simulation.shapes.hand_bones import FIRST_BONES
from napari_jsn.simulation.visit import PoseFactors

#: Version of the simulator without grades; that of the joints which the segmentation and registration networks are
#: trained on; and the one that is drawn with grades by default.
FIRST, OF_JOINTS, NEWEST = 1, 3, 5
#: Version whose parts about damage the first one has, which draws damage since the second one exists.
_DAMAGE_OF_FIRST = 2


@dataclass(frozen=True)
class CourseSettings:
    """How damage goes on after baseline.

    Attributes
    ----------
    healthy, damaged : float
        Probability that a joint without and with damage progresses.
    closes : bool
        Whether bones also move together where a joint surface is lost after baseline.
    """

    healthy: float = 0.25
    damaged: float = 0.25
    closes: bool = False


@dataclass(frozen=True)
class Difficulty:
    """One version of the difficulty.

    Attributes
    ----------
    version : int
    sha256 : str
        Of its content.
    content : dict
    """

    version: int
    sha256: str
    content: dict[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return f"Simulated images: difficulty version {self.version}, SHA-256 {self.sha256[:16]}."

    def part(self, name: str) -> dict[str, Any]:
        """Return one part; parts about damage that the first version does not state are those of the second."""
        found: dict[str, Any] = self.content.get(name) or difficulty(_DAMAGE_OF_FIRST).content[name]
        return found

    @property
    def pose(self) -> PoseFactors:
        """Factors of the positioning of a hand."""
        return PoseFactors(**self.part("pose"))

    @property
    def joint_pose(self) -> PoseFactors:
        """Factors of the motion of a single joint between two visits."""
        return PoseFactors(**self.content.get("joint_pose", {}))

    @property
    def course(self) -> CourseSettings:
        """Progression of drawn damage."""
        return CourseSettings(**self.content.get("course", {}))

    @property
    def children(self) -> float:
        """Share of children among the hands that the network for joints is trained on."""
        return float(self.content.get("training", {}).get("children", 0.0))

    @property
    def bones(self) -> int:
        """Version of the outlines of the bones and of their trabeculae."""
        return int(self.content.get("bones", {"version": FIRST_BONES})["version"])

    def device(self, drawn: Detector) -> Detector:
        """Return a drawn device with the noise and the blur of this version."""
        noise = self.part("noise")
        return replace(
            drawn,
            quanta_per_mm2=drawn.quanta_per_mm2 * noise["dose_factor"],
            blur_mm=drawn.blur_mm * noise["blur_factor"],
        )


@cache
def difficulty(version: int = NEWEST) -> Difficulty:
    """Return a version of the difficulty.

    Raises
    ------
    InputError
        If there is no such version.

    Examples
    --------
    >>> from napari_jsn.simulation.damage.difficulty import difficulty
    >>> difficulty(1).version
    1
    """
    text = files("napari_jsn.simulation.damage").joinpath("difficulty.json").read_text(encoding="utf-8")
    versions = json.loads(text)
    if str(version) not in versions:
        raise InputError(
            f"There is no difficulty version {version!r}. Choose one of: {', '.join(versions)}.", "difficulty"
        )
    content = versions[str(version)]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return Difficulty(version, digest, content)
