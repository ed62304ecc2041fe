"""``ScoreTable``: the grades of one patient as a table of sites by side and kind, as models and a reader gave them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_jsn.common.errors import InputError
from napari_jsn.reading.commands import Scored
from napari_jsn.reading.grades.model_scores import statement
from napari_jsn.reading.item import Item
from napari_jsn.reading.orders import Planned
from napari_jsn.scoring import Grade, Scheme
from napari_jsn.scoring import scheme as scheme_of
from napari_jsn.scoring.automatic.score import METHODS
from napari_jsn.scoring.schemes import SIDES

if TYPE_CHECKING:
    import pandas as pd

    from napari_jsn.progression.progression import Progression
    from napari_jsn.store import Store

#: Columns of :meth:`ScoreTable.frame`.
COLUMNS = (
    "patient", "visit", "side", "site", "kind", "grade", "mark", "not_scored", "by", "edited", "model", "model_grade",
    "model_not_scored", "model_statement",
)  # fmt: skip
#: Visit, side, site and kind.
Place = tuple[int, str, str, str]


@dataclass(frozen=True)
class Cell:
    """One site of one hand at one visit, for one kind of score.

    Attributes
    ----------
    visit : int
        Number of the image in the item, from 1.
    side, site, kind : str
    scored : bool
        Whether the scheme scores this site for this kind; an interface shows X where it does not.
    in_view : bool
        Whether there is a radiograph of this hand.
    own : (grade, mark, reason) or None
        What the reader gave.
    initial : (grade, mark, reason) or None
        What the model gave.
    model : str
        Which model gave ``initial``; ``""`` if none did.
    """

    visit: int
    side: str
    site: str
    kind: str
    scored: bool = True
    in_view: bool = True
    own: Scored | None = None
    initial: Scored | None = None
    model: str = ""

    @property
    def editable(self) -> bool:
        """Whether a reader can grade this cell."""
        return self.scored and self.in_view

    @property
    def edited(self) -> bool:
        """Whether the reader gave a grade or a reason."""
        return self.own is not None

    @property
    def value(self) -> Scored | None:
        """What holds: what the reader gave, else what the model gave."""
        return self.own if self.own is not None else self.initial

    @property
    def place(self) -> Place:
        """Visit, side, site and kind."""
        return self.visit, self.side, self.site, self.kind


@dataclass(frozen=True)
class ScoreTable:
    """The grades of an item in a scheme, cell by cell.

    Attributes
    ----------
    scheme : Scheme
    patient : str
    reader : str
    visits : tuple of int
    sides : tuple of str
        Right first; one side ``""`` where the side is not known.
    cells : dict
        By visit, side, site and kind, in the order of the table.

    Examples
    --------
    >>> import tempfile
    >>> import napari_jsn as jsn
    >>> from napari_jsn.reading import Reading, score_table
    >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"], patient_id="P001")
    >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", reader="A") as store:
    ...     store.save(progression)
    ...     item = Reading(store).open("P001")
    ...     item.score(1, "L", "MCP2", "jsn", 2)
    ...     table = score_table(item)
    >>> table.cells[1, "L", "MCP2", "jsn"].value, table.cells[1, "L", "DIP2", "jsn"].scored
    ((2.0, '', ''), False)
    """

    scheme: Scheme
    patient: str
    reader: str
    visits: tuple[int, ...]
    sides: tuple[str, ...]
    cells: dict[Place, Cell] = field(repr=False)

    def of_visit(self, visit: int) -> Iterator[Cell]:
        """Yield the cells of one visit."""
        return (cell for cell in self.cells.values() if cell.visit == visit)

    def edited(self, visit: int | None = None) -> list[Cell]:
        """Return the cells that the reader changed, of one visit or of all."""
        return [cell for cell in self.cells.values() if cell.edited and visit in (None, cell.visit)]

    def total(self, visit: int, kind: str) -> tuple[float, int, int]:
        """Return the sum of the grades of one visit and kind, the number of cells with a grade, and of all cells."""
        cells = [cell for cell in self.of_visit(visit) if cell.kind == kind and cell.editable]
        grades = [cell.value[0] for cell in cells if cell.value is not None and cell.value[0] is not None]
        return float(sum(grades)), len(grades), len(cells)

    def models(self) -> tuple[str, ...]:
        """Return the models that gave grades."""
        return tuple(dict.fromkeys(cell.model for cell in self.cells.values() if cell.model))

    def frame(self) -> pd.DataFrame:
        """Return one row for each cell that can be graded: the grade that holds, who gave it, and that of the model.

        ``model_statement`` is the first line of the model's card, where the model gave a grade or a reason.
        """
        import pandas as pd

        statements = {model: statement(model) for model in self.models()}
        rows = []
        for cell in self.cells.values():
            if not cell.editable:
                continue
            grade, mark, reason = cell.value or (None, "", "")
            model_grade, _, model_reason = cell.initial or (None, "", "")
            by = self.reader if cell.edited else cell.model
            rows.append(
                (self.patient, *cell.place, _number(grade), mark, reason, by, cell.edited, cell.model,
                 _number(model_grade), model_reason, statements.get(cell.model, ""))
            )  # fmt: skip
        return pd.DataFrame(rows, columns=list(COLUMNS))


def score_table(item: Item, scheme: str | Scheme = "talk-15") -> ScoreTable:
    """Return the table of grades of an item: the reader's own, and those of the model.

    In a blinded session the grades of models are hidden.

    Parameters
    ----------
    item : Item
    scheme : str or Scheme
    """
    chosen = scheme_of(scheme)
    own, (model, initial) = item.scores(), _of_models(item)
    there = {(image.number, image.side) for image in item.images}
    visits = tuple(sorted({number for number, _ in there}))
    sides = SIDES if any(side for _, side in there) else ("",)
    cells: dict[Place, Cell] = {}
    for visit in visits:
        for site in chosen.rows:
            for side in sides:
                for kind in ("erosion", "jsn"):
                    place = (visit, side, site, kind)
                    given = initial.get(place)
                    cells[place] = Cell(
                        *place, chosen.has(site, kind), (visit, side) in there, own.get(place), given,
                        "" if given is None else model,
                    )  # fmt: skip
    return ScoreTable(chosen, item.code, item.reader, visits, sides, cells)


def grades_of(store: Store, progression: Progression, scheme: str | Scheme = "talk-15") -> pd.DataFrame | None:
    """Return the grades that a store has of a measured patient, of its reader and of the model; None without any.

    Grades of sessions are left out. See :meth:`ScoreTable.frame` for the columns.

    Parameters
    ----------
    store : Store
        Opened with the name of the reader, or without one for the grades of the model only.
    progression : Progression
    scheme : str or Scheme
    """
    patient, visits = progression.patient_id, sorted({hand.visit for hand in progression.hands})
    item = Item(store, Planned(patient, patient, tuple(visits)), "", False, progression=progression)
    frame = score_table(item, scheme).frame()
    return frame if (frame["by"] != "").any() else None


def give_grade(
    item: Item,
    place: Place,
    grade: float | None,
    mark: str = "",
    not_scored: str = "",
    scheme: str | Scheme = "talk-15",
) -> None:
    """Save a grade of the reader, a mark, or the reason why the site is not scored.

    Raises
    ------
    InputError
        If the scheme does not score the site, there is no radiograph of the hand, or the grade is not allowed.
    """
    cell = _cell(score_table(item, scheme), place)
    highest = scheme_of(scheme).highest[cell.kind]
    checked = Grade(cell.kind, grade, not_scored or None, mark or None, highest)  # type: ignore[arg-type]
    item.score(
        cell.visit, cell.side, cell.site, cell.kind,
        None if checked.value is None else float(checked.value), str(checked.mark or ""), str(checked.not_scored or ""),
    )  # fmt: skip


def back_to_initial(item: Item, place: Place, scheme: str | Scheme = "talk-15") -> None:
    """Remove the reader's grade of a cell, so that the model's holds again."""
    cell = _cell(score_table(item, scheme), place)
    if cell.edited:
        item.score(cell.visit, cell.side, cell.site, cell.kind, None)


def all_back_to_initial(item: Item, visit: int | None = None, scheme: str | Scheme = "talk-15") -> int:
    """Remove the reader's grades of one visit, or of all, in one step that undo takes back; return how many."""
    places = [cell.place for cell in score_table(item, scheme).edited(visit)]
    item.remove_scores(places)
    return len(places)


def _cell(table: ScoreTable, place: Place) -> Cell:
    cell = table.cells.get(place)
    visit, side, site, kind = place
    if cell is None or not cell.scored:
        raise InputError(f"{site} is not scored for {kind} in the scheme {table.scheme.name}.", "site")
    if not cell.in_view:
        raise InputError(f"There is no radiograph of side {side or 'unknown'} at visit {visit}.", "side")
    return cell


def _of_models(item: Item) -> tuple[str, dict[Place, Scored]]:
    """Return the preferred model that gave grades, and its grades."""
    for model in METHODS:
        if given := item.scores_of(model):
            return model, given
    return "", {}


def _number(grade: float | None) -> float:
    return math.nan if grade is None else grade
