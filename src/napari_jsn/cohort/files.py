"""The files of a cohort: table of joints (CSV and Parquet), patients, arms, report and logs; made part by part."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_jsn.cohort.arms import arm_statistics
from napari_jsn.cohort.measure import Cohort
from napari_jsn.cohort.report import cohort_html
from napari_jsn.common.csv_files import csv_bytes
from napari_jsn.common.lazy_module import LazyModule
from napari_jsn.common.output_folder import OutputFolder
from napari_jsn.export.decisions import Figure, decisions_of_figures, insert_decisions
from napari_jsn.export.progression_files import DAY
from napari_jsn.progression.progression import Decision
from napari_jsn.store import Store

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = LazyModule("pandas")

JOINTS, PARQUET, PATIENTS, ARMS, REPORT, SCORES = (
    "joints.csv", "joints.parquet", "patients.csv", "arms.csv", "report.html", "scores.csv",
)  # fmt: skip
LOGS = "logs"
NAMES = (JOINTS, PARQUET, PATIENTS, ARMS, REPORT, SCORES)
#: Columns of the table of joints that the report needs.
_SHOWN = ["patient", "joint", "side", "visit", "jsn_mm", "jsn_sd_mm", "state", "reliable", "reasons"]
_FACTS = ("arm", "age", "sex")


def write_cohort(
    output: OutputFolder, store: Store, cohort: Cohort, shown_store: str, record: Mapping[str, Any], keep_identity: bool
) -> list[Path]:
    """Write all files of a cohort as one set.

    Parameters
    ----------
    output : OutputFolder
        Open.
    store : Store
    cohort : Cohort
    shown_store : str
        How the report's commands name the store.
    record : mapping
        Content of ``run.json``.
    keep_identity : bool
        Whether the table has the days of the visits.
    """
    output.report()
    output.begin("cohort")
    measured = [each for each in cohort.patients if each.state == "measured"]
    stated = [name for name in _FACTS if any(getattr(each, name) for each in cohort.patients)]
    facts = {each.patient: {name: getattr(each, name) for name in stated} for each in measured}
    parts = _tables(store, list(facts), facts, stated, keep_identity)
    shown = _write_tables(output.path, parts)
    written = [name for name in (JOINTS, PARQUET) if (output.path / name).exists()]
    arms = list(dict.fromkeys(each.arm for each in measured if each.arm))
    statistics = None
    contents = {PATIENTS: csv_bytes(cohort.table())}
    if len(arms) > 1 and len(shown):
        sound = shown[shown["reliable"].astype(bool)]
        statistics = arm_statistics(sound, arms)
        contents[ARMS] = csv_bytes(statistics)
    scores = store.scores()
    scores = scores[scores["patient"].isin(list(facts))]
    if len(scores):
        contents[SCORES] = csv_bytes(scores)
    page = cohort_html(shown, cohort.patients, cohort.total, shown_store, arms if len(arms) > 1 else (), statistics)
    contents[REPORT] = page.encode()
    output.add(contents)
    written += contents
    names = {each.source: f"{LOGS}/{each.patient}.log" for each in cohort.patients}
    for group in _groups(store.cohort_logs(list(names)), 500):
        output.add({names[source]: text.encode() for source, text in group if _is_file_name(names[source])})
    output.finish(record, [name for name in (JOINTS, PARQUET) if name in written])
    return [output.path / name for name in (*written, "run.json")]


def _is_file_name(name: str) -> bool:
    """Return whether a pseudonym can be the name of a file on every system."""
    inner = name.removeprefix(f"{LOGS}/")
    return not any(letter in '/\\:*?"<>|' or ord(letter) < 32 for letter in inner) and len(inner.encode()) < 200


def _groups(items: Iterable[Any], size: int) -> Iterable[list[Any]]:
    group: list[Any] = []
    for each in items:
        group.append(each)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _tables(
    store: Store, patients: Sequence[str], facts: Mapping[str, Mapping[str, str]], stated: Sequence[str], days: bool
) -> Iterable[pd.DataFrame]:
    """Yield the tables of the patients in parts, with what the table of the cohort states, and decisions of readers."""
    decisions = _decisions(store, set(patients))
    out_of_date = {tuple(row) for row in store.out_of_date().itertuples(index=False, name=None)}
    for part in store.tables_in_parts(patients):
        table = part if days else part.drop(columns=DAY, errors="ignore")
        keys = list(zip(table["patient"], table["joint"], table["side"], table["visit"], strict=True))
        if out_of_date:
            place = table.columns.get_loc("changed_by_hand") + 1
            table.insert(place, "out_of_date", [key in out_of_date for key in keys])
        if decisions:
            insert_decisions(table, _decisions_of_rows(keys, decisions))
        for k, name in enumerate(stated, start=1):
            table.insert(k, name, [facts[patient][name] for patient in table["patient"]])
        yield table


def _decisions(store: Store, patients: set[str]) -> dict[str, list[Decision]]:
    """Return the decisions of all readers by patient."""
    found: dict[str, list[Decision]] = {}
    for row in store.decisions().itertuples():
        if row.patient in patients:
            one = Decision(row.joint, row.side, row.visit, row.decision, row.comment, row.reader, row.session)
            found.setdefault(row.patient, []).append(one)
    return found


def _decisions_of_rows(
    keys: Sequence[tuple[str, str, str, int]], decisions: Mapping[str, Sequence[Decision]]
) -> list[Sequence[Decision]]:
    """Return the decisions on each row, which is named by patient, joint, side and visit."""
    figures: dict[str, list[Figure]] = {}
    for patient, joint, side, visit in keys:
        if patient in decisions:
            figures.setdefault(patient, []).append((side, joint, visit))
    found = {patient: decisions_of_figures(own, decisions[patient]) for patient, own in figures.items()}
    return [found.get(patient, {}).get((side, joint, visit), ()) for patient, joint, side, visit in keys]


def _write_tables(folder: Path, parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Write the table of joints as CSV and, if pyarrow is installed, as Parquet; return the columns of the report."""
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError:
        pyarrow = None
    shown: list[pd.DataFrame] = []
    columns: list[str] = []
    schema: Any = None
    new = {name: folder / f".{name}.part" for name in (JOINTS, PARQUET)}
    with ExitStack() as stack:
        csv = stack.enter_context(new[JOINTS].open("wb"))
        writer: Any = None
        for table in parts:
            columns = columns or list(table.columns)
            table = table.reindex(columns=columns)
            text = csv_bytes(table)
            csv.write(text if not shown else text.split(b"\n", 1)[1])
            shown.append(_for_report(table))
            if pyarrow is not None:
                table = _plain_types(table)
                if writer is None:
                    schema = pyarrow.Schema.from_pandas(table, preserve_index=False).remove_metadata()
                    writer = stack.enter_context(parquet.ParquetWriter(new[PARQUET], schema))
                writer.write_table(pyarrow.Table.from_pandas(table, schema=schema, preserve_index=False))
        if not columns:
            csv.write(csv_bytes(pd.DataFrame(columns=_SHOWN)))
        csv.flush()
        os.fsync(csv.fileno())
    for name, path in new.items():
        if path.exists():
            os.replace(path, folder / name)
    if not shown:
        return pd.DataFrame(columns=[*_SHOWN, "arm"])
    return pd.concat(shown, ignore_index=True)


def _for_report(table: pd.DataFrame) -> pd.DataFrame:
    kept = table[_SHOWN].assign(arm=table.get("arm", ""))
    numbers = {"jsn_mm": "float32", "jsn_sd_mm": "float32", "visit": "int16"}
    return kept.astype(numbers)


def _plain_types(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns have one type in every part: a pixel size may be a number or two."""
    texts = [name for name, kind in table.dtypes.items() if kind.kind not in "fbiu" or str(name).endswith("spacing_mm")]
    return table.assign(**{str(name): table[name].astype(str) for name in texts})
