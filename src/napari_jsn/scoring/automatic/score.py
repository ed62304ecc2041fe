"""``score``: grades of joint damage of a patient's hands by a network."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError, renamed_arguments
from napari_jsn.common.progress import Progress, Silent, Stages
from napari_jsn.joint import Joint
from napari_jsn.patient.patient import Hand, Patient, Place
from napari_jsn.scoring.automatic.result import Scores, SiteScore
from napari_jsn.scoring.graded_joints import GradedJoints, Grader, why_not_scored
from napari_jsn.scoring.grades import NotScored
from napari_jsn.scoring.schemes import SIDES, Scheme
from napari_jsn.scoring.schemes import scheme as scheme_of

#: The methods, each with the name of its shipped model.
METHODS = {"two-stage": "default", "one-stage": "one-stage"}
#: What is said of a model whose card makes no statement.
UNKNOWN = "What this network learned on is not known. Not a medical device."
_SHARES = (0.7, 0.3)
_STOPPED = "Stopped before all visits were scored."


def score(
    patient: Any,
    method: str = "two-stage",
    scheme: str | Scheme = "svdh-fingers",
    *,
    spacing_mm: Any = None,
    model: str | None = None,
    localization: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
    boxes: Mapping[Place, Sequence[Joint]] | None = None,
    patient_id: str | None = None,
) -> Scores:
    """Grade joint space narrowing and erosion of the finger joints on every radiograph of a patient.

    The shipped networks learned on simulated hands. They are not validated on patients, and this is not a medical
    device. Sites of the wrist are not scored, because they are not modelled.

    Parameters
    ----------
    patient : Patient, folder, path, Radiograph or (H, W) array
        All radiographs of a patient, or a single one; or a list of the radiographs of one visit.
    method : {"two-stage", "one-stage"}
        Grade the image of each joint, or the whole hand at once.
    scheme : str or Scheme
        ``"svdh-fingers"``, ``"svdh-hands"``, ``"talk-15"``, or a file.
    spacing_mm : float or (row, col), optional
        Pixel size of all radiographs; by default the one that each file states.
    model : str, optional
        Name or file of a network; by default the shipped one of the method.
    localization : str
        Model that finds the joints.
    device : str, optional
        ``"cpu"`` or ``"cuda"``.
    progress : Progress, optional
        When aborted, visits that were not scored are left out, and a note says so.
    boxes : mapping of (visit, side) to sequence of Joint, optional
        Joints to use instead of those that a search would find.
    patient_id : str, optional
        Pseudonym of the patient.

    Returns
    -------
    Scores

    Raises
    ------
    InputError
        If an argument is invalid, a file cannot be read, there is no such method, scheme or model, or no radiograph
        shows a hand that can be scored, unless the hands of a Patient were found before.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> scores = jsn.score(next(jsn.sample_folder("hand_pair").glob("*.dcm")), patient_id="P07")
    >>> scores
    <Scores P07: 19 of 19 sites scored, 1 visit>
    """
    from napari_jsn.common.device import device_name
    from napari_jsn.networks.weights import model_identity
    from napari_jsn.patient.find_hands import find_hands

    used = scheme_of(scheme)
    where = device_name(device)
    grader = load_grader(method, model, where)
    read = _patient(patient, spacing_mm, patient_id)
    known = read.hands_found  # of a patient that was measured, nothing is refused
    stages = Stages(progress or Silent(), _SHARES)
    with renamed_arguments(model="localization"):
        read = find_hands(read, boxes, localization, where, stages.next("Finding the joints"), compared=False)
    statement = statement_of(grader.card)
    limits = str(grader.card.get("limits") or "")
    unscored = {
        f"{hand.label.capitalize()}: {each}" for hand in read.hands if why_not_scored(hand) for each in hand.reasons
    }
    notes = [statement, *([limits] if limits else []), *(note for note in read.notes if note not in unscored)]
    if read.hands_found and not known:
        _check_any_hand(read.hands)
    sites: list[SiteScore] = []
    stage = stages.next("Scoring")
    visits = read.visits if read.hands_found else ()
    done = 0
    for done, visit in enumerate(visits, start=1):
        if stage.aborted:
            done -= 1
            break
        found, said = _sites_of_visit(visit.number, visit.hands, used, grader)
        sites += found
        notes += said
        stage.update(done, len(visits))
    if done < len(read.visits):
        notes.append(_STOPPED)
    localized = sorted({hand.found.model for hand in read.hands if hand.found and hand.found.model})
    models = {"localization": ", ".join(localized)} if localized else {}
    name = METHODS[method] if model is None else model
    models["scoring"] = model_identity("scoring", name)
    unique = tuple(dict.fromkeys(notes))
    return Scores(
        tuple(sites),
        read.patient_id,
        unique,
        statement,
        method,
        used,
        read.hands,
        models,
        grader.card,
        where,
        name,
    )


def load_grader(method: str, model: str | None, device: str) -> Grader:
    """Load a method with a model.

    Raises
    ------
    InputError
        If there is no such method or model, or the model is one of another method.
    """
    if method not in METHODS:
        raise InputError(f"There is no scoring method {method!r}. Choose one of: {', '.join(METHODS)}.", "method")
    from napari_jsn.networks import weights

    name = METHODS[method] if model is None else model
    if model is None and name not in weights.names("scoring"):
        raise InputError(
            f"There is no network for the method {method} here. Train one (napari-jsn train scoring --preset "
            f"{name}), and name it as the model.",
            "method",
        )
    one_stage = is_one_stage(name)
    if one_stage != (method == "one-stage"):
        other = "one-stage" if one_stage else "two-stage"
        raise InputError(f"The model {name!r} is one of the method {other}. Choose that method.", "model")
    if one_stage:
        from napari_jsn.scoring.one_stage.grader import OneStageGrader

        return OneStageGrader(name, device)
    from napari_jsn.scoring.two_stage.grader import TwoStageGrader

    return TwoStageGrader(name, device)


def statement_of(card: Mapping[str, Any]) -> str:
    """Return what the card of a network states first: what it learned on, and that it is not validated.

    Examples
    --------
    >>> from napari_jsn.scoring.automatic.score import statement_of
    >>> statement_of({})
    'What this network learned on is not known. Not a medical device.'
    """
    from napari_jsn.networks.weights import STATEMENT

    return str(card.get(STATEMENT) or UNKNOWN)


def is_one_stage(model: str) -> bool:
    """Return whether a model, a name or a file, is one of the one-stage method.

    Raises
    ------
    InputError
        If there is no such model.
    """
    from napari_jsn.networks import weights

    card = weights.read_card(weights.find("scoring", model).with_suffix(".json"))
    return card.get("preset") in ("one-stage", "paper")


def _patient(given: Any, spacing_mm: Any, patient_id: str | None) -> Patient:
    """Return the input of :func:`score` as a patient."""
    from dataclasses import replace

    from napari_jsn.patient.read import patient_from_radiographs, read_patient
    from napari_jsn.progression.measure import with_spacing

    if isinstance(given, Patient):
        patient = with_spacing(given, spacing_mm)
        return patient if patient_id is None else replace(patient, patient_id=patient_id)
    if isinstance(given, (str, os.PathLike)) and os.path.isdir(given):
        return read_patient(given, split=False, spacing_mm=spacing_mm, patient_id=patient_id)
    return patient_from_radiographs(given, split=False, spacing_mm=spacing_mm, patient_id=patient_id)


def _sites_of_visit(
    visit: int, hands: Sequence[Hand], scheme: Scheme, grader: Grader
) -> tuple[list[SiteScore], list[str]]:
    """Return the scores of all sites of the hands of a visit, and notes."""
    notes: list[str] = []
    used: dict[str, Hand] = {}
    for hand in hands:
        side = hand.side or next(iter(hand.found.sides if hand.found else ()), None)
        if why := why_not_scored(hand):
            notes.append(f"{hand.label.capitalize()}: not scored. {why}")
        else:
            notes += [f"{hand.label.capitalize()}: {each.sentence}" for each in hand.reasons]
        if side is not None:
            used[side] = hand
    graded = [hand for hand in used.values() if not why_not_scored(hand)]
    found = grader.grade(graded) if graded else GradedJoints({})
    for side, joint in found.refused:
        notes.append(
            f"Visit {visit}: {joint} {side} is not scored, because it does not look like a joint that can be graded "
            "(an implant, a missing bone, or another place)."
        )
    sites = []
    for kind in scheme.kinds:
        for side in (each for each in SIDES if each in used):
            for site in scheme.sites[kind]:
                probabilities = _within(found.probabilities.get((side, site, kind), ()), scheme.highest[kind])
                reason = "" if probabilities else NotScored.NOT_VISIBLE if site in JOINTS else NotScored.NOT_MODELLED
                sites.append(SiteScore(visit, side, site, kind, probabilities, str(reason)))
    return sites, notes


def _check_any_hand(hands: Sequence[Hand]) -> None:
    """Refuse radiographs none of which shows a hand that can be scored, with a sentence for each.

    Raises
    ------
    InputError
    """
    why = [why_not_scored(hand) for hand in hands]
    if all(why):
        paths = [hand.radiograph.path for hand in hands]
        names = [
            f"{hand.label.capitalize()}{'' if path is None else f' ({path})'}"
            for hand, path in zip(hands, paths, strict=True)
        ]
        each = [f"{name}: {text}" for name, text in zip(names, why, strict=True)]
        raise InputError(" ".join(["There is no hand that can be scored.", *each]), "followup")


def _within(probabilities: tuple[float, ...], highest: int) -> tuple[float, ...]:
    """Return probabilities up to the highest grade of a scheme; those of higher grades are added to the highest."""
    if len(probabilities) <= highest + 1:
        return probabilities
    return (*probabilities[:highest], sum(probabilities[highest:]))
