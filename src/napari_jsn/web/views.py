"""What the page shows of a patient: the table of grades, the figures, and the radiographs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.drawing.svg import plain, signed
from napari_jsn.progression.labels import Unit, visit_labels
from napari_jsn.progression.progression import Progression
from napari_jsn.reading import Cell, Item, ScoreTable, score_table, shipped_method, statement
from napari_jsn.scoring import Scheme
from napari_jsn.web.pictures import (
    hand_of,
    hands_json,
    image_json,
    image_of,
    joint_json,
    joint_of_image,
    joints_of_item,
    part_with_joints,
    view_of,
)

Words = Mapping[str, str]
Pixels = NDArray[np.floating[Any]]
#: Scheme of the table outside of sessions.
SCHEME = "talk-15"
#: Shown in a cell that has no grade.
_NONE = "\u2013"


def patient_view(item: Item, visit: int | None, words: Words, scheme: str | Scheme = SCHEME) -> dict[str, Any]:
    """Return all that the page of a patient shows at one visit, by default the last one.

    Of an item of a session that hides figures, or has only some of the visits, only radiographs and grades are shown.
    """
    table = score_table(item, scheme)
    measured = measured_view(item)
    shown = visit if visit in table.visits else table.visits[-1] if measured else table.visits[0]
    if measured is None:
        labels = {image.number: words["image"].format(number=image.number) for image in item.images}
        if not item.blinded:
            labels = {number: _visit(item.visit(number), {}, words) for number in labels}
    else:
        labels = {number: _visit(number, visit_labels(measured), words) for number in table.visits}
    cells = {cell_key(cell): cell_view(cell, table, words) for cell in table.of_visit(shown)}
    figures = figures_view(item, shown, words) if measured else {}
    with_figures = {each["side"]: each["with_figures"] for each in _sides(table, shown, figures, words)}
    return {
        "patient": item.code,
        "visit": shown,
        "visits": [{"number": each, "label": labels[each]} for each in table.visits],
        "measured": measured is not None,
        "sides": _sides(table, shown, figures, words),
        "groups": [
            {"title": title, "rows": [_row(site, table, cells, figures, with_figures) for site in sites]}
            for title, sites in groupby(table.scheme.rows, lambda site: site.rstrip("12345"))
        ],
        "cells": cells,
        "totals": totals_view(table, shown),
        "figures": figures,
        "hands": [*map(image_json, item.images)] if measured is None else hands_json(measured),
        "models": table.models(),
        "statements": [statement(model) for model in table.models()],
        "can_score": measured is not None and bool(shipped_method()),
        "edited": len(table.edited(shown)),
        "can_undo": item.can_undo,
        "can_redo": item.can_redo,
        "notes": [str(note) for note in measured.notes] if measured else [],
        "unit": words[f"unit_{Unit.of(measured).name}"] if measured else "",
    }  # fmt: skip


def measured_view(item: Item) -> Progression | None:
    """Return the measurement of an item whose images are all visits in order; None if figures cannot be shown."""
    if item.blinded or any(item.visit(image.number) != image.number for image in item.images):
        return None
    progression = item.progression
    return progression if {hand.visit for hand in progression.hands} == {one.number for one in item.images} else None


def pixels_view(item: Item, visit: int, side: str, joint: str) -> tuple[Pixels, Pixels]:
    """Return the pixels of a radiograph, or of one joint of it, and the part that decides how they are shown at first.

    Raises
    ------
    InputError
        If there is no such radiograph, or the joint was not found on it.
    """
    measured = measured_view(item)
    if measured is None:
        image = image_of(item, visit, side)
        pixels = joint_of_image(image, joint).pixels if joint else image.radiograph.pixels
        boxes = [one.joint.box for one in image.joints.values() if one.joint is not None]
    else:
        hand = hand_of(measured, visit, side)
        pixels = view_of(hand, joint).image.pixels if joint else hand.radiograph.pixels
        boxes = [view.joint.box for view in hand.joints]
    return pixels, pixels if joint else part_with_joints(pixels, boxes)


def joint_views(item: Item, visit: int, side: str, joint: str) -> list[dict[str, Any]]:
    """Return what the page draws over the pictures of a joint: at the first visit and at one other, or of all images.

    Raises
    ------
    InputError
        If there is no such radiograph, or the joint was not found on it.
    """
    measured = measured_view(item)
    if measured is None:
        return joints_of_item(item, side, joint)
    found = []
    for each in dict.fromkeys((1, visit)):
        place = (each, side, joint)
        row = next((row for row in measured.narrowings if (row.visit, row.side, row.joint) == place), None)
        view = view_of(hand_of(measured, each, side), joint)
        found.append({"visit": each, **joint_json(view, row)})
    return found


def table_view(item: Item, visit: int, words: Words, scheme: str | Scheme = SCHEME) -> dict[str, Any]:
    """Return what may change in the table of one visit by an edit."""
    table = score_table(item, scheme)
    return {
        "visit": visit,
        "reader": item.reader,
        "cells": {cell_key(cell): cell_view(cell, table, words) for cell in table.of_visit(visit)},
        "totals": totals_view(table, visit),
        "edited": len(table.edited(visit)),
        "can_undo": item.can_undo,
        "can_redo": item.can_redo,
    }


def cell_key(cell: Cell) -> str:
    """Return the name of a cell in the page: ``"MCP2-L-jsn"``."""
    return f"{cell.site}-{cell.side}-{cell.kind}"


def cell_view(cell: Cell, table: ScoreTable, words: Words) -> dict[str, Any]:
    """Return what the page shows in a cell, and what a screen reader says."""
    name = ", ".join(filter(None, (cell.site, side_label(cell.side, words), words[cell.kind])))
    if not cell.scored:
        return {"state": "x", "text": "X", "label": f"{name}: {words['not_in_scheme']}"}
    if not cell.in_view:
        return {"state": "none", "text": "", "label": f"{name}: {words['no_radiograph']}"}
    text, mark = _value(cell.value)
    parts = [_spoken(cell.value, words)]
    initial = ""
    if cell.edited:
        initial = _value(cell.initial)[0] if cell.initial is not None else ""
        parts.append(words["edited_by"].format(reader=table.reader))
        parts.append(words["model_gave"].format(grade=_spoken(cell.initial, words)) if cell.initial is not None else "")
    elif cell.initial is not None:
        parts.append(words["by_model"].format(model=cell.model))
    state = "edited" if cell.edited else "model" if cell.initial is not None else "empty"
    return {
        "state": state, "text": text, "mark": mark, "initial": initial, "site": cell.site, "side": cell.side,
        "kind": cell.kind, "highest": table.scheme.highest[cell.kind],
        "label": f"{name}: {', '.join(filter(None, parts))}",
    }  # fmt: skip


def totals_view(table: ScoreTable, visit: int) -> dict[str, dict[str, Any]]:
    """Return the sums over both hands by kind; a sum is only stated where all cells have a grade."""
    totals = {}
    for kind in ("erosion", "jsn"):
        value, graded, cells = table.total(visit, kind)
        totals[kind] = {"sum": f"{value:g}" if graded else _NONE, "graded": graded, "cells": cells}
    return totals


def figures_view(item: Item, visit: int, words: Words) -> dict[str, dict[str, str]]:
    """Return the narrowing of each joint since the first visit, by ``"MCP2-L"``."""
    progression = item.progression
    unit = Unit.of(progression)
    out_of_date = set(item.out_of_date)
    shown = {}
    for row in progression.narrowings:
        if row.visit != visit:
            continue
        jsn = unit.jsn(row)
        low, high = jsn.ci95
        known = math.isfinite(jsn.value)
        old = (row.joint, row.side, row.visit) in out_of_date
        shown[f"{row.joint}-{row.side}"] = {
            "value": signed(jsn.value, unit.decimals) if known else "",
            "interval": f"{signed(low, unit.decimals)} {words['to']} {signed(high, unit.decimals)}" if known else "",
            "state": "failed" if not row.reliable else "old" if old else row.state,
            "state_label": words["out_of_date"] if old and row.reliable else words[f"state_{row.state}"],
            "reason": row.reason,
            "by_hand": words["by_hand"] if row.changed_by_hand else "",
            "jsw": " \u2192 ".join(plain(unit.jsw(view), unit.decimals) for view in (row.baseline, row.followup)),
        }
    return shown


def side_label(side: str, words: Words) -> str:
    """Return the name of a side; ``""`` where it is not known."""
    return {"R": words["right"], "L": words["left"]}.get(side, words["hand"])


def _sides(table: ScoreTable, visit: int, figures: Mapping[str, Any], words: Words) -> list[dict[str, Any]]:
    """Return the sides of the table: name, whether there is a radiograph, whether there are figures in mm."""
    in_view = {cell.side for cell in table.of_visit(visit) if cell.in_view}
    return [
        {
            "side": side, "label": side_label(side, words), "in_view": side in in_view,
            "with_figures": bool(figures) and side in in_view,
        }
        for side in table.sides
    ]  # fmt: skip


def _row(
    site: str, table: ScoreTable, cells: Mapping[str, Any], figures: Mapping[str, Any], with_figures: Mapping[str, bool]
) -> dict[str, Any]:
    sides = [
        {
            "side": side,
            "with_figures": with_figures[side],
            "cells": [{"key": key, **cells[key]} for key in (f"{site}-{side}-erosion", f"{site}-{side}-jsn")],
            "figure": figures.get(f"{site}-{side}"),
        }
        for side in table.sides
    ]
    return {"site": site, "sides": sides}


def _visit(visit: int, labels: Mapping[int, str], words: Words) -> str:
    label = labels.get(visit, str(visit)).replace("week", words["week"])
    return words["visit"].format(visit=label)


def _value(scored: tuple[float | None, str, str] | None) -> tuple[str, str]:
    """Return a grade as a cell shows it, and its mark."""
    if scored is None:
        return _NONE, ""
    grade, mark, reason = scored
    if grade is None:
        return ("X" if reason else _NONE), ""
    return f"{grade:g}", mark


def _spoken(scored: tuple[float | None, str, str] | None, words: Words) -> str:
    if scored is None:
        return words["no_grade"]
    grade, mark, reason = scored
    if grade is None:
        return words["not_scored"].format(reason=words.get(f"reason_{reason}", reason))
    return ", ".join(filter(None, (f"{grade:g}", words.get(f"mark_{mark}", mark) if mark else "")))
