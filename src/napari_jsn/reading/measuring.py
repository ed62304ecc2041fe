"""Measure single joints of a progression again, after their boxes or masks were changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

from napari_jsn.anatomy import JOINTS, bones_of
from napari_jsn.common.device import device_name
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, Silent, Stages
from napari_jsn.patient.labels import side_order
from napari_jsn.progression.distortion import with_distortion_reasons
from napari_jsn.progression.joint_course import JointCourse, narrowings_of
from napari_jsn.progression.joint_views import make_joint_views
from napari_jsn.progression.measure import measuring_models, register_views, scaled
from napari_jsn.progression.narrowing import ChangedJoint, JointView, MeasuredHand, Narrowing, PlaceOfJoint
from napari_jsn.progression.progression import Progression
from napari_jsn.registration.result import WIDE_MM, Registration

#: Shares of the time that are needed to find bones and to register.
_SHARES = (0.4, 0.6)


def measure_again(
    progression: Progression,
    changed: Mapping[PlaceOfJoint, ChangedJoint],
    segmentation: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
) -> Progression:
    """Return a progression in which the joints that were changed are measured again, at all visits.

    All figures of a joint follow from its registrations between all pairs of visits. Other joints, the notes and the
    scales of the hands, towards which the scales of the bones are shrunk, stay as they are. When aborted, the
    progression is returned as it was.

    Parameters
    ----------
    progression : Progression
    changed : mapping of (visit, side, joint) to ChangedJoint
    segmentation : str
        Name of the model that finds the bones.
    device : str, optional
    progress : Progress, optional

    Raises
    ------
    InputError
        If a place has no radiograph, masks do not fit their image, or the models are not those of the progression.

    Examples
    --------
    >>> from dataclasses import replace
    >>> import napari_jsn as jsn
    >>> from napari_jsn.progression.narrowing import ChangedJoint
    >>> from napari_jsn.reading import measure_again
    >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2", "MCP3"])
    >>> joint = progression.narrowings[0].baseline.joint
    >>> moved = replace(joint, box=joint.box + 2, edited=True)
    >>> again = measure_again(progression, {(1, "L", "MCP2"): ChangedJoint(moved)})
    >>> again.table()["changed_by_hand"].tolist()
    [True, False]
    """
    where, progress = device_name(device), progress or Silent()
    _check(progression, changed, segmentation)
    stages = Stages(progress, _SHARES)
    wanted = list(dict.fromkeys((side, joint) for _, side, joint in changed))
    made = _views(progression, changed, segmentation, where, stages.next("Finding the bones"))
    if made is None:
        return progression
    views = {key: view for key, view in made.items() if view.has_both_bones}
    visits = max(hand.visit for hand in progression.hands)
    pairs = [
        (side or None, name, (first - 1, second - 1))
        for side, name in wanted
        for first, second in combinations(range(1, visits + 1), 2)
        if {(1, side or None, name), (first, side or None, name), (second, side or None, name)} <= set(views)
    ]
    registered = register_views(pairs, views, progression.method, where, stages.next("Registering the joints"))
    if len(registered) < len(pairs):
        return progression
    registered = scaled(registered, views, progression.hand_scales)
    narrowings = _merged(progression, _narrowings(progression, wanted, made, registered, visits))
    hands = tuple(_hand(hand, wanted, made) for hand in progression.hands)
    return replace(progression, hands=hands, narrowings=tuple(narrowings), device=where)


def _check(progression: Progression, changed: Mapping[PlaceOfJoint, ChangedJoint], segmentation: str) -> None:
    places = {(hand.visit, hand.side or "") for hand in progression.hands}
    for visit, side, name in changed:
        bones_of(name)
        if (visit, side) not in places:
            raise InputError(
                f"There is no radiograph of visit {visit}, side {side or 'unknown'}, so {name} cannot be measured "
                "there.",
                "changed",
            )
    used = measuring_models(segmentation, progression.method)
    if any(progression.models.get(name) != identity for name, identity in used.items()):
        raise InputError(
            "The patient was measured with other models or by another version, so single joints cannot be measured "
            "again. Measure the whole patient again.",
            "segmentation",
        )


def _views(
    progression: Progression,
    changed: Mapping[PlaceOfJoint, ChangedJoint],
    model: str,
    device: str,
    progress: Progress,
) -> dict[tuple[int, str | None, str], JointView] | None:
    """Return the views of the joints that are measured again, those of changed joints newly made; None if aborted."""
    wanted = {(side, joint) for _, side, joint in changed}
    views: dict[tuple[int, str | None, str], JointView] = {}
    radiographs = {}
    for hand in progression.hands:
        radiographs[hand.visit, hand.side or ""] = hand.radiograph
        for view in hand.joints:
            if (hand.side or "", view.joint.name) in wanted:
                views[hand.visit, hand.side, view.joint.name] = view
    keys: list[tuple[int, str | None, str]] = []
    requests, painted, edited = [], {}, []
    for (visit, side, name), change in changed.items():
        views.pop((visit, side or None, name), None)
        if change.joint is None:
            continue
        if change.masks is not None:
            painted[len(keys)] = change.masks
        keys.append((visit, side or None, name))
        edited.append(change.joint.edited)
        # a box that is marked as edited is not moved onto the bones
        requests.append((radiographs[visit, side], replace(change.joint, name=name, side=side or None, edited=True)))
    made = make_joint_views(requests, painted, model, device, progress)
    if made is None:
        return None
    for key, view, by_hand in zip(keys, made, edited, strict=True):
        views[key] = replace(view, joint=replace(view.joint, edited=by_hand))
    return views


def _narrowings(
    progression: Progression,
    wanted: list[tuple[str, str]],
    views: Mapping[tuple[int, str | None, str], JointView],
    registered: Mapping[tuple[str | None, str, tuple[int, int]], Registration],
    visits: int,
) -> list[Narrowing]:
    wide_mm = next((row.wide_mm for row in progression.narrowings), WIDE_MM)
    narrowings = []
    for side, name in wanted:
        course = JointCourse(
            name,
            side or None,
            {hand.visit: hand for hand in progression.hands if (hand.side or "") == side},
            {visit: view for (visit, *joint), view in views.items() if joint == [side or None, name]},
            {ends: one for (*joint, ends), one in registered.items() if joint == [side or None, name]},
        )
        narrowings += narrowings_of(course, visits, True, wide_mm)
    return narrowings


def _merged(progression: Progression, new: list[Narrowing]) -> list[Narrowing]:
    """Return all narrowings in order; only those that are new are checked for a distortion of the radiographs."""
    replaced = {(row.side, row.joint) for row in new}
    others = [row for row in progression.narrowings if (row.side, row.joint) not in replaced]
    checked = with_distortion_reasons([*others, *new])[len(others) :]
    return sorted([*others, *checked], key=lambda row: (side_order(row.side), JOINTS.index(row.joint), row.visit))


def _hand(
    hand: MeasuredHand, wanted: list[tuple[str, str]], views: Mapping[tuple[int, str | None, str], JointView]
) -> MeasuredHand:
    names = {name for side, name in wanted if side == (hand.side or "")}
    if not names:
        return hand
    kept = {view.joint.name: view for view in hand.joints if view.joint.name not in names}
    kept |= {name: views[hand.visit, hand.side, name] for name in names if (hand.visit, hand.side, name) in views}
    missing = {*hand.missing, *names} - set(kept)
    return replace(
        hand,
        joints=tuple(kept[name] for name in JOINTS if name in kept),
        missing=tuple(name for name in JOINTS if name in missing),
    )
