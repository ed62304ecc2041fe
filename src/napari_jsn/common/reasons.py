"""Reasons why a figure has failed: a code each, with a general and a specific sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class ReasonCode(Enum):
    """Every kind of failure; the value is the general sentence, without figures and names.

    The member's name is the code that tables, reports and DICOM objects show. No code parses sentences.

    Examples
    --------
    >>> from napari_jsn import ReasonCode
    >>> ReasonCode.OUT_OF_VIEW.name, ReasonCode.OUT_OF_VIEW.value
    ('OUT_OF_VIEW', 'A bone is partly out of view.')
    """

    # masks and bones of a joint image
    MASKS_SAME_REGION = "Both masks of an image are the same region."
    MASKS_EXCHANGED = "The upper bone's mask lies below the lower bone's."
    MASKS_DIFFER = "The bones' masks do not cover the same parts of the bones in both images."
    MASKS_ARE_HALVES = "The masks are halves of the image; a margin needs the outlines of the bones."
    MASKS_OFF_BONES = "The masks do not lie on the bones of an image."
    MASKS_CONTRADICT_BONES = "The masks contradict the bones that were found in an image."
    BONE_NOT_FOUND = "A bone was not found."
    BONE_UNCERTAIN = "A bone is uncertain."
    OUTLINE_UNCERTAIN = "The outline of a bone is uncertain."
    BONE_IN_PIECES = "A bone was found in several pieces."
    BONES_NOT_FACING = "The two bones do not face each other."
    GAP_IMPLAUSIBLE = "The two bones overlap too much or lie too far apart."
    # registration
    REGION_TOO_SMALL = "A bone's region is too small to register."
    OUT_OF_VIEW = "A bone is partly out of view."
    UPSIDE_DOWN = "An image seems to be upside down: the distal end must be up."
    CLIPPED = "Parts of a bone or of the joint space have one intensity in an image: saturated, or metal."
    EXPOSURES_DIFFER = "The intensities of the two images do not correspond: saturated, or processed in another way."
    MIRRORED = "The follow-up corresponds better when it is mirrored: mirrored, or of the other hand."
    MOTION_TOO_LARGE = "A bone was rotated or scaled to the limit of the method."
    NOT_SIMILAR = "The two images are not similar: not the same joint, or seen from another angle."
    NO_IMPROVEMENT = "Registration did not bring the images closer."
    DIRECTIONS_DISAGREE = "Registration forward and backward disagree."
    MODELS_DISAGREE = "The motion models of registration disagree."
    TOO_LITTLE_DETAIL = "There is too little detail along the joint axis."
    MARGIN_DISPLACED = "A joint-facing margin is still displaced after registration."
    STILL_DISPLACED = "The bones are still displaced against each other after registration."
    PEAK_LOW = "The correlation peak of a bone is too low."
    MATCHES_SCATTER = "The parts of a bone do not agree on one motion."
    # joint space width
    MARGIN_NOT_FOUND = "A margin cannot be distinguished from the structure of the bone."
    NARROWER_THAN_RESOLVED = "The joint space is narrower than the image resolves."
    WIDTH_IMPLAUSIBLE = "The joint space is implausibly wide."
    MARGINS_UNEVEN = "The margins are uneven."
    # joints on a radiograph
    NO_HAND = "No finger joints were found on a radiograph."
    HAND_ROTATED = "A hand does not point up."
    HAND_TOO_COARSE = "A hand has too few pixels to measure its joints."
    SIDE_CONTRADICTED = "The lead letter contradicts the hand's anatomy: its side is uncertain."
    BONES_DARK = "The bones are darker than the soft tissue: the image is a negative."
    VIEW_OBLIQUE = "A hand seems to be seen from the side or obliquely."
    HAND_INCOMPLETE = "Many joints of a hand were not found although they should be in the picture."
    JOINTS_UNCERTAIN = "The joints of a hand are uncertain."
    NAMES_AMBIGUOUS = "The names of a hand's joints are ambiguous."
    # progression
    NO_RADIOGRAPH = "There is no radiograph of this hand at the baseline or at this visit."
    JOINT_NOT_IN_VIEW = "The joint is not in view at the baseline or at this visit."
    SCALE_DRIFTS = "The scale of the bones drifts across the hand: a radiograph is distorted, or the hand was tilted."
    SCALE_VARIES = "The scale of the bones changes from the middle outwards: a lens distorted a radiograph."
    STRETCHED = "A radiograph is stretched in one direction, or the fingers were bent between the visits."
    NOT_CONNECTED = "No registration that has not failed leads from the baseline to this visit."
    CLOSURE_OPEN = "The registrations between three visits do not add up."
    JSW_CONTRADICTS = "The change of the joint space width contradicts the narrowing."


@dataclass(frozen=True)
class Reason:
    """Why one figure has failed.

    Parameters
    ----------
    code : ReasonCode
    sentence : str
        What was found in this case, with its figures; by default the general sentence of the code.

    Examples
    --------
    >>> from napari_jsn.common.reasons import Reason, ReasonCode
    >>> print(Reason(ReasonCode.OUT_OF_VIEW))
    A bone is partly out of view.
    >>> Reason(ReasonCode.CLOSURE_OPEN, "The registrations do not add up (closure 0.20 mm).").code.name
    'CLOSURE_OPEN'
    """

    code: ReasonCode
    sentence: str = ""

    def __post_init__(self) -> None:
        if not self.sentence:
            object.__setattr__(self, "sentence", self.code.value)

    def __str__(self) -> str:
        return self.sentence

    def about(self, subject: str) -> Reason:
        """Return the same reason with its sentence put after a subject.

        Examples
        --------
        >>> from napari_jsn import Reason, ReasonCode
        >>> print(Reason(ReasonCode.OUT_OF_VIEW).about("Visit 2, left"))
        Visit 2, left: a bone is partly out of view.
        """
        return Reason(self.code, f"{subject}: {self.sentence[:1].lower()}{self.sentence[1:]}")


class WithReasons:
    """Base of results that can fail: they have ``reasons``, which are empty where nothing shows a failure."""

    reasons: tuple[Reason, ...]

    @property
    def reliable(self) -> bool:
        """Whether nothing shows that the result has failed."""
        return not self.reasons

    @property
    def reason(self) -> str:
        """Why it has failed, in sentences; empty where it has not."""
        return sentences(self.reasons)


def sentences(reasons: Iterable[Reason]) -> str:
    """Return all sentences in one line; empty where there are none."""
    return " ".join(reason.sentence for reason in reasons)


def codes(reasons: Iterable[Reason]) -> str:
    """Return the names of all codes, each once, separated by spaces; empty where there are none."""
    return " ".join(dict.fromkeys(reason.code.name for reason in reasons))


def general_sentences(reasons: Iterable[Reason]) -> str:
    """Return the general sentences in one line, each once; empty where there are none."""
    return " ".join(dict.fromkeys(reason.code.value for reason in reasons))
