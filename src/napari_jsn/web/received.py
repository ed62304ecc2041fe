"""Radiographs that a page sent, with what it states about them; what is missing is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from napari_jsn.common.errors import InputError
from napari_jsn.patient.patient import Patient
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE, StatedFacts, read_table
from napari_jsn.patient.read import patient_from_radiographs, read_patient
from napari_jsn.patient.stated_facts import FileFacts, facts_of_files, state_facts
from napari_jsn.web.jobs import Asks
from napari_jsn.web.labels import labels
from napari_jsn.web.uploads import Upload

#: Name of the text that asks for what files do not state.
_ASK = "facts_ask"


@dataclass(frozen=True)
class Sent:
    """What a page sends.

    Attributes
    ----------
    files : sequence of Upload
    patient : str
        Pseudonym; ``""``: made of the identity in the files.
    to : str
        The patient of the store to whom visits are added; ``""`` for a new one.
    spacing_mm : str
        Pixel size of all radiographs as it was typed.
    facts : object
        What the reader stated about the files (JSON), or None if nothing has been asked.
    """

    files: Sequence[Upload]
    patient: str = ""
    to: str = ""
    spacing_mm: str = ""
    facts: object = None


@dataclass(frozen=True)
class Received:
    """Radiographs in their private folder, and what was stated about them, checked."""

    folder: Path
    to: str
    pseudonym: str | None
    spacing_mm: float | None
    stated: dict[str, StatedFacts] | None

    def patient(self) -> tuple[Patient, list[int] | None]:
        """Return the radiographs as a patient whose joints have not been searched, and the numbers of stated visits.

        Raises
        ------
        Asks
            If date, side or pixel size of an image file are not known, or the order of the visits.
        InputError
            If a file cannot be read, or what was stated is contradictory.
        """
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        _check_table(self.folder, files)
        if self.stated is None:
            self._ask()
        single = len(files) == 1
        stated = self.stated or {}
        if stated and not single:
            state_facts(self.folder, stated)
        visits = {row.visit for row in (stated.values() if single else read_table(self.folder).values())}
        numbers = None if not visits or None in visits else sorted(each for each in visits if each is not None)
        name, size = self.to or self.pseudonym, self.spacing_mm
        if not single:
            return read_patient(self.folder, split=False, patient_id=name, spacing_mm=size), numbers
        path = files[0]
        facts = {str(path): row for row in stated.values()}
        one = patient_from_radiographs(path, split=False, patient_id=name, spacing_mm=size, stated=facts)
        return one, numbers

    def _ask(self) -> None:
        facts = self._facts()
        dated = all(each.acquired is not None for each in facts) or all(each.visit is not None for each in facts)
        single = len(facts) == 1 and facts[0].is_dicom and not self.to
        if not ((dated or single) and all(single or each.complete for each in facts)):
            raise self._asks(labels("en")[_ASK], facts, _ASK)

    def asks(self, error: InputError) -> InputError:
        """Return an error as a question, if it is one that facts of the files answer and nothing has been asked yet."""
        return self._asks(str(error), self._facts()) if error.argument == "facts" and self.stated is None else error

    def _facts(self) -> list[FileFacts]:
        facts = facts_of_files(self.folder, all_visits=not self.to)
        return [one if self.spacing_mm is None else replace(one, spacing_mm=self.spacing_mm) for one in facts]

    @staticmethod
    def _asks(sentence: str, facts: Sequence[FileFacts], label: str = "") -> Asks:
        return Asks(
            sentence,
            [
                {
                    "name": each.name, "dicom": each.is_dicom, "visit": "" if each.visit is None else str(each.visit),
                    "acquired": "" if each.acquired is None else each.acquired.isoformat(), "side": each.side,
                    "spacing_mm": _text(each),
                }
                for each in facts
            ],
            label,
        )  # fmt: skip


def _check_table(folder: Path, files: Sequence[Path]) -> None:
    """Refuse a ``radiographs.csv`` that names files that were not sent, which could lie anywhere on this computer."""
    sent = {path.relative_to(folder).as_posix() for path in files}
    missing = next((name for name in read_table(folder) if name not in sent), None)
    if missing is not None:
        raise InputError(
            f"{RADIOGRAPHS_TABLE} names the file {missing[:60]!r}, which was not sent. Send it too, or remove its "
            "line.",
            "files",
        )


def _text(facts: FileFacts) -> str:
    size = facts.spacing_mm
    if size is None:
        return ""
    return f"{size:.5g}" if isinstance(size, float) else " x ".join(f"{each:.5g}" for each in size)
