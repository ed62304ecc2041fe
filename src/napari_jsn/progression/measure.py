"""``measure``: every joint of every visit, from whole radiographs to one progression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from napari_jsn.anatomy import JOINTS, MEASURED_JOINTS, bones_of
from napari_jsn.common.device import device_name
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.common.stages import Stages
from napari_jsn.joint import BoneMasks, Joint
from napari_jsn.networks.weights import model_identity
from napari_jsn.patient.find_hands import Hand, Place, find_on_films, open_study
from napari_jsn.progression.hand_scale import with_hand_scale
from napari_jsn.progression.joint_course import JointCourse, rows_of
from napari_jsn.progression.joint_views import views_of
from napari_jsn.progression.notes import notes_of
from napari_jsn.progression.pairwise import Ends
from napari_jsn.progression.progression import JointView, MeasuredHand, Narrowing, Progression
from napari_jsn.registration.methods import load_method
from napari_jsn.registration.register import register_many
from napari_jsn.registration.result import Registration

#: Share of the time that finding joints, finding bones and registering take.
_SHARES = (0.25, 0.3, 0.45)
_STOPPED = "Stopped before all joints were measured."

#: Visit, side and joint.
_Which = tuple[int, str | None, str]
#: Side, joint and two visits by index.
_Pair = tuple[str | None, str, Ends]


def measure(
    baseline: Any,
    *followups: Any,
    joints: Sequence[str] = MEASURED_JOINTS,
    method: str = "refined",
    spacing_mm: Any = None,
    localization: str = "default",
    segmentation: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
    boxes: Mapping[Place, Sequence[Joint]] | None = None,
    masks: Mapping[_Which, BoneMasks] | None = None,
) -> Progression:
    """Measure how much each finger joint narrowed from the baseline to every later visit.

    Finds the joints and their bones, registers each joint between all pairs of visits, and follows it over time.

    Parameters
    ----------
    baseline : path, Radiograph, (H, W) array, Patient or folder
        The first radiograph; or a study, or the folder of one, which holds all visits. A visit of two films is a
        sequence of both.
    *followups : path, Radiograph or (H, W) array
        Later visits, in order.
    joints : sequence of str
        Names of :data:`napari_jsn.anatomy.JOINTS`.
    method : str
        Of registration: ``"refined"``, ``"pipoc"``, ...
    spacing_mm : float or (row, col), optional
        Size of a pixel of all films; by default what each file states. Without any, figures are in pixels.
    localization, segmentation : str
        Names of the models.
    device : str, optional
        ``"cpu"`` or ``"cuda"``; by default CUDA where there is one.
    progress : Progress, optional
        When aborted, joints that were not measured are left out, and a note says so.
    boxes : mapping of (visit, side) to sequence of Joint, optional
        Joints in place of those that would be found on a film. Boxes marked ``edited`` are kept exactly.
    masks : mapping of (visit, side, joint) to BoneMasks, optional
        Bones drawn by hand on the joint image that the joint's box cuts out, in place of those that would be found.

    Returns
    -------
    Progression
        One row for each joint and follow-up visit.

    Raises
    ------
    InputError
        A ValueError whose message names the input and says what to do.

    References
    ----------
    Wang et al., A deep registration method for accurate quantification of joint space narrowing progression in
    rheumatoid arthritis, CMIG 108:102273 (2023).
    """
    names, boxes, masks = _checked(joints), dict(boxes or {}), dict(masks or {})
    load_method(method)  # a wrong name is refused before anything is read
    where = device_name(device)
    study = open_study(baseline, followups, spacing_mm)
    stages = Stages(progress or Silent(), _SHARES)
    found = find_on_films(study, boxes, localization, where, stages.next("Finding the joints"))
    if found is None:
        return Progression((), (), study.patient, (*study.notes, _STOPPED), {}, method, where)
    films, notes = found
    wanted = [(film, joint) for film in films for joint in film.joints if joint.name in names]
    seen = views_of(
        [(film.radiograph, joint) for film, joint in wanted],
        {k: masks[key] for k, (film, joint) in enumerate(wanted) if (key := (*film.place, joint.name)) in masks},
        segmentation,
        where,
        stages.next("Finding the bones"),
    )
    views = {(*film.place, joint.name): view for (film, joint), view in zip(wanted, seen or [], strict=False)}
    visits = len(study.visits)
    pairs = [
        (side, name, (first - 1, second - 1))
        for side in dict.fromkeys(film.side for film in films)
        for name in names
        for first, second in combinations(range(1, visits + 1), 2)
        if (1, side, name) in views and (first, side, name) in views and (second, side, name) in views
    ]
    registered = _register(pairs, views, method, where, stages.next("Registering the joints"))
    complete = seen is not None and len(registered) == len(pairs)
    rows: list[Narrowing] = []
    for side in sorted({film.side for film in films}, key=lambda side: "RL".find(side or "") % 3):
        for name in names if seen is not None else ():
            course = JointCourse(
                name,
                side,
                {film.visit: film for film in films if film.side == side},
                {visit: view for (visit, of, joint), view in views.items() if (of, joint) == (side, name)},
                {ends: one for (of, joint, ends), one in registered.items() if (of, joint) == (side, name)},
            )
            rows += rows_of(course, visits, complete)
    notes = (*notes, *notes_of(films, rows), *(() if complete else (_STOPPED,)))
    models = {"segmentation": model_identity("segmentation", segmentation)}
    if any(film.place not in boxes for film in films):
        models = {"localization": model_identity("localization", localization), **models}
    measured = tuple(_film(film, views, names) for film in films)
    return Progression(measured, tuple(rows), study.patient, notes, models, method, where)


def _checked(joints: Sequence[str]) -> tuple[str, ...]:
    """Joint names in anatomical order."""
    names = (joints,) if isinstance(joints, str) else tuple(joints)
    for name in names:
        bones_of(name)
    if not names:
        raise InputError("No joints are named. Name one or more, or leave joints out for all.", "joints")
    return tuple(name for name in JOINTS if name in names)


def _register(
    pairs: Sequence[_Pair],
    views: Mapping[_Which, JointView],
    method: str,
    device: str,
    progress: Progress,
) -> dict[_Pair, Registration]:
    """Register joints between visits, all in batches; fewer when aborted."""
    ends = [(views[i + 1, side, name], views[j + 1, side, name]) for side, name, (i, j) in pairs]
    fixed, moving = ([view[k] for view in ends] for k in (0, 1))
    results = register_many(
        [view.image for view in fixed],
        [view.image for view in moving],
        # what is doubtful about bones that were found is told once a film, not once a pair
        [BoneMasks(view.masks.upper, view.masks.lower) for view in fixed],
        [BoneMasks(view.masks.upper, view.masks.lower) for view in moving],
        method=method,
        device=device,
        progress=progress,
    )
    return _with_hand_scales(dict(zip(pairs, results, strict=False)))


def _with_hand_scales(registered: dict[_Pair, Registration]) -> dict[_Pair, Registration]:
    drawn: dict[_Pair, Registration] = {}
    for side, ends in dict.fromkeys((side, ends) for side, _, ends in registered):
        of_hand = [pair for pair in registered if (pair[0], pair[2]) == (side, ends)]
        drawn |= zip(of_hand, with_hand_scale([registered[pair] for pair in of_hand]), strict=True)
    return drawn


def _film(film: Hand, views: Mapping[_Which, JointView], names: Sequence[str]) -> MeasuredHand:
    joints = tuple(views[*film.place, name] for name in names if (*film.place, name) in views)
    missing = tuple(name for name in film.missing if name in names)
    return MeasuredHand(film.visit, film.day, film.side, film.radiograph, joints, missing, film.reasons)
