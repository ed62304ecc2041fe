"""Agreement of readers: grade by grade, and of their totals."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted
from napari_jsn.common.statistics import resampled_sums
from napari_jsn.scoring.consensus import CONSENSUS_NAME, find_consensus
from napari_jsn.scoring.grades import HIGHEST, KINDS
from napari_jsn.scoring.long_table import ITEM, long_table
from napari_jsn.scoring.measures import LEVELS, MEASURES, Floats, Measure, alpha, coincidences
from napari_jsn.scoring.schemes import Scheme, scheme
from napari_jsn.scoring.total_agreement import DIFFERENCE_COLUMNS, TOTAL_COLUMNS, TotalAgreement, total_agreement

if TYPE_CHECKING:
    import pandas as pd

#: With fewer patients than this, items are resampled instead of patients.
_MIN_PATIENTS = 5


@dataclass(frozen=True)
class Agreement:
    """Agreement of readers.

    Attributes
    ----------
    pairs : DataFrame
        ``reader_a reader_b kind n patients exact balanced within_one within_one_balanced kappa_linear
        kappa_quadratic``, and the ends of the 95 % interval of each measure (``exact_low``, ``exact_high``, ...). Both
        balanced measures average over the grades of ``reader_a``.
    intra : DataFrame
        The same of two sessions of one reader: ``reader session_a session_b kind n ...``.
    against_consensus : DataFrame
        The same of each reader against the consensus; ``reader_a`` is ``"consensus"``.
    confusions : DataFrame
        ``reader_a reader_b kind grade_a grade_b n share``: confusion matrices of readers, and of readers against the
        consensus. ``share`` is that of the items with ``grade_a``.
    alpha : DataFrame
        Krippendorff's alpha of all readers: ``kind level readers items alpha alpha_low alpha_high``.
    totals : DataFrame
        ICC, SEM and SDC of sums over sites; see :class:`TotalAgreement`.
    differences : DataFrame
        Bland-Altman figures of the sums for each pair of readers.
    sums : DataFrame
        The sums themselves.
    intra_totals, intra_differences : DataFrame
        The same as ``totals`` and ``differences`` of the sessions of one reader, with the column ``reader``; the
        "readers" that are compared are sessions.
    notes : tuple of str
    """

    pairs: pd.DataFrame
    intra: pd.DataFrame
    against_consensus: pd.DataFrame
    confusions: pd.DataFrame
    alpha: pd.DataFrame
    totals: pd.DataFrame
    differences: pd.DataFrame
    sums: pd.DataFrame
    intra_totals: pd.DataFrame
    intra_differences: pd.DataFrame
    notes: tuple[str, ...]


def agreement(
    scores: pd.DataFrame,
    scheme_name: str | Scheme | None = None,
    missing: str = "complete",
    method: str = "dawid-skene",
    replicates: int = 1000,
    seed: int = 0,
) -> Agreement:
    """Return the agreement of readers.

    Parameters
    ----------
    scores : DataFrame
        Long table with the columns ``patient visit side site kind grade reader``; ``session``, ``mark`` and
        ``not_scored`` may be absent.
    scheme_name : str or Scheme, optional
        The scheme of the totals. Without one, sums are those over the sites that every reader graded.
    missing : str
        The rule for sites without a grade, with a scheme; a key of :data:`napari_jsn.scoring.MISSING_RULES`.
    method : str
        Method of the consensus.
    replicates : int
        Replicates of the bootstrap, which resamples patients. 0 leaves the intervals out.
    seed : int
        Seed of the bootstrap.

    Raises
    ------
    InputError
        If the table is wrong, or fewer than two readings of one item are in it.

    Examples
    --------
    >>> import pandas as pd
    >>> from napari_jsn.scoring import agreement
    >>> rows = [(p, r, g) for p, grades in enumerate([(0, 0), (1, 2), (3, 3)]) for r, g in zip("AB", grades)]
    >>> scores = pd.DataFrame(rows, columns=["patient", "reader", "grade"]).assign(
    ...     visit=1, side="L", site="MCP2", kind="jsn"
    ... )
    >>> found = agreement(scores, replicates=0).pairs
    >>> float(round(found["exact"][0], 3)), float(found["within_one"][0])
    (0.667, 1.0)
    """
    import pandas as pd

    replicates, seed = _whole(replicates, "replicates"), _whole(seed, "seed")
    if scheme_name is None and missing != "complete":
        raise InputError(f"The rule {missing} needs a scheme. Give one, or leave the rule out.", "missing")
    used = None if scheme_name is None else scheme(scheme_name)
    table = long_table(scores, used)
    notes = list(table.attrs["notes"])
    if (table["reader"].astype(str) == CONSENSUS_NAME).any():
        raise InputError(f"A reader is named {CONSENSUS_NAME!r}, like the consensus. Rename the reader.", "scores")
    known = table[table["grade"].notna()]
    compared = _one_reading(table, notes)
    between = compared[compared["grade"].notna()]
    draw = _Bootstrap(replicates, seed, notes)
    wide = between.pivot(index=[*ITEM, "session"], columns="reader", values="grade")
    pairs, confusions = _pairs(wide, draw)
    intra = _intra(known, draw)
    if pairs.empty and intra.empty:
        raise InputError(
            "No item of the table of scores has two readings. Give the grades of at least two readers or sessions.",
            "scores",
        )
    _note_apart(wide, notes)
    agreed = find_consensus(known, method)
    notes += [note for note in agreed.notes if note not in notes]
    lower = np.ceil(agreed.labels["grade"] - 0.5)  # of a mean or median between two grades the lower one, as of ties
    label = agreed.labels.assign(grade=lower).set_index(ITEM)["grade"]
    against, of_consensus = _against(wide, label, draw)
    sums = total_agreement(compared, used, missing, notes, replicates, seed)
    return Agreement(
        pairs,
        intra,
        against,
        pd.concat([confusions, of_consensus], ignore_index=True),
        _alphas(between, draw),
        sums.totals,
        sums.differences,
        sums.sums,
        *_intra_totals(table, used, missing, notes, replicates, seed),
        tuple(dict.fromkeys(notes)),
    )


def _whole(value: Any, name: str) -> int:
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = -1
    if number < 0:
        raise InputError(f"The argument {name} is {value!r}. Give a whole number from 0.", name)
    return number


def _note_apart(wide: pd.DataFrame, notes: list[str]) -> None:
    """Note the readers who have no item in common with another reader, and how many pairs have none."""
    graded = wide.notna().to_numpy(float)
    common = graded.T @ graded
    np.fill_diagonal(common, 0)
    alone = [str(name) for name, others in zip(wide.columns, common) if not others.any()]
    if alone and len(wide.columns) > 1:
        whom = "these readers are" if len(alone) > 1 else "this reader is"
        notes.append(
            f"No item of {', '.join(alone)} was graded by another reader, so {whom} not compared; patients, visits or "
            "sites may have different names."
        )
    elif apart := int((common[np.triu_indices(len(common), 1)] == 0).sum()):
        notes.append(f"{counted(apart, 'pair')} of readers without a common item not compared.")


class _Bootstrap:
    """Intervals by resampling of patients; every call draws with the same seed."""

    def __init__(self, replicates: int, seed: int, notes: list[str]) -> None:
        self._replicates, self._seed, self._notes = replicates, seed, notes

    def intervals(self, matrices: Floats, patients: Any, measures: Mapping[str, Measure]) -> dict[str, float]:
        """Return each measure of the sum of the items' matrices, and the ends of its interval."""
        codes = np.unique(np.asarray(patients, dtype=object).astype(str), return_inverse=True)[1]
        count = int(codes.max()) + 1
        if count < _MIN_PATIENTS:
            codes, count = np.arange(len(matrices)), len(matrices)
            note = f"Fewer than {_MIN_PATIENTS} patients: intervals resample items and may be too narrow."
            if self._replicates and note not in self._notes:
                self._notes.append(note)
        grades = matrices.shape[1]
        each = np.zeros((count, grades * grades))
        np.add.at(each, codes, matrices.reshape(len(matrices), -1))
        whole = each.sum(axis=0).reshape(grades, grades)
        found = {name: float(measure(whole)) for name, measure in measures.items()}
        sampled: dict[str, list[Floats]] = {name: [] for name in measures}
        for drawn in resampled_sums(each, self._replicates, self._seed):
            sums = drawn.reshape(len(drawn), grades, grades)
            for name, measure in measures.items():
                sampled[name].append(measure(sums))
        for name in measures:
            values = np.concatenate(sampled[name]) if sampled[name] else np.array([np.nan])
            values = values[np.isfinite(values)]
            low, high = np.quantile(values, [0.025, 0.975]) if len(values) else (np.nan, np.nan)
            found |= {f"{name}_low": float(low), f"{name}_high": float(high)}
        return found


def _one_reading(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Return the rows that compare readers: equal sessions of all readers of an item, or else each reader's first one.

    Sessions that only date a reading, one an item and reader, do not separate items.
    """
    if not table.duplicated([*ITEM, "reader"]).any():
        return table.assign(session="")
    rows = table.assign(session=table["session"].astype(str))
    of_item = rows.groupby(ITEM, sort=False)["reader"].transform("nunique")
    of_session = rows.groupby([*ITEM, "session"], sort=False)["reader"].transform("nunique")
    if (of_item == of_session).all():
        return rows
    notes.append("Readers have different sessions; the first session of each is compared with those of the others.")
    kept = rows.sort_values("session", kind="stable").drop_duplicates([*ITEM, "reader"]).sort_index()
    return kept.assign(session="")


def _matrices(first: Floats, second: Floats, kind: str) -> Floats:
    """Return one matrix an item, with a one at its two grades."""
    grades = HIGHEST[kind] + 1
    found = np.zeros((len(first), grades, grades))
    found[np.arange(len(first)), first.astype(int), second.astype(int)] = 1
    return found


def _compared(wide: pd.DataFrame, a: Any, b: Any, kind: str, draw: _Bootstrap) -> tuple[dict[str, Any], Floats] | None:
    """Return the measures of two columns of grades and their confusion matrix; None without common items."""
    both = wide[[a, b]].dropna()
    both = both[both.index.get_level_values("kind") == kind]
    if both.empty:
        return None
    matrices = _matrices(both[a].to_numpy(), both[b].to_numpy(), kind)
    patients = both.index.get_level_values("patient")
    measured = draw.intervals(matrices, patients, MEASURES)
    return {"kind": kind, "n": len(both), "patients": patients.nunique(), **measured}, matrices.sum(axis=0)


def _columns(*first: str) -> list[str]:
    ends = [f"{name}_{end}" for name in MEASURES for end in ("low", "high")]
    return [*first, "kind", "n", "patients", *MEASURES, *ends]


def _pairs(wide: pd.DataFrame, draw: _Bootstrap) -> tuple[pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    rows, confusions = [], []
    for (a, b), kind in itertools.product(itertools.combinations(wide.columns, 2), KINDS):
        found = _compared(wide, a, b, kind, draw)
        if found is not None:
            rows.append({"reader_a": a, "reader_b": b, **found[0]})
            confusions.append(_long(found[1], a, b, kind))
    return pd.DataFrame(rows, columns=_columns("reader_a", "reader_b")), _joined(confusions)


def _intra(known: pd.DataFrame, draw: _Bootstrap) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for reader, own in known.groupby("reader", sort=False):
        if own["session"].nunique() < 2:
            continue
        wide = own.pivot(index=ITEM, columns="session", values="grade")
        for (a, b), kind in itertools.product(itertools.combinations(wide.columns, 2), KINDS):
            found = _compared(wide, a, b, kind, draw)
            if found is not None:
                rows.append({"reader": reader, "session_a": a, "session_b": b, **found[0]})
    return pd.DataFrame(rows, columns=_columns("reader", "session_a", "session_b"))


def _intra_totals(
    table: pd.DataFrame, used: Scheme | None, missing: str, notes: list[str], replicates: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the agreement of the totals of each reader's own sessions."""
    import pandas as pd

    parts: list[TotalAgreement] = []
    for reader, own in table.groupby("reader", sort=False):
        sessions = own["session"].astype(str)
        repeated = own.assign(reader=sessions).groupby(ITEM)["reader"].transform("nunique") == sessions.nunique()
        if sessions.nunique() < 2 or not repeated.any():  # sessions that only date a reading repeat nothing
            continue
        of_sessions = own.assign(reader=sessions, session="")[repeated]
        found = total_agreement(of_sessions, used, missing, notes, replicates, seed)
        parts.append(
            TotalAgreement(*(each.assign(reader=reader) for each in (found.totals, found.differences, found.sums)))
        )
    named = [part for part in parts if len(part.totals) or len(part.differences)]
    empty = pd.DataFrame()
    if not named:
        return empty.reindex(columns=["reader", *TOTAL_COLUMNS]), empty.reindex(columns=["reader", *DIFFERENCE_COLUMNS])
    totals = pd.concat([part.totals for part in named], ignore_index=True)
    differences = pd.concat([part.differences for part in named], ignore_index=True)
    return totals[["reader", *TOTAL_COLUMNS]], differences[["reader", *DIFFERENCE_COLUMNS]]


def _against(wide: pd.DataFrame, label: pd.Series, draw: _Bootstrap) -> tuple[pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    keys = wide.index.droplevel("session")
    with_label = pd.DataFrame({0: label.reindex(keys).to_numpy()}, index=wide.index)
    rows, confusions = [], []
    for reader, kind in itertools.product(wide.columns, KINDS):
        found = _compared(with_label.assign(**{"1": wide[reader]}), 0, "1", kind, draw)
        if found is not None:
            rows.append({"reader_a": CONSENSUS_NAME, "reader_b": reader, **found[0]})
            confusions.append(_long(found[1], CONSENSUS_NAME, reader, kind))
    return pd.DataFrame(rows, columns=_columns("reader_a", "reader_b")), _joined(confusions)


def _alphas(between: pd.DataFrame, draw: _Bootstrap) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for kind in KINDS:
        own = between[between["kind"] == kind]
        if own["reader"].nunique() < 2:
            continue
        items = own.groupby([*ITEM, "session"], sort=False).ngroup().to_numpy()
        votes = np.zeros((items.max() + 1, HIGHEST[kind] + 1))
        np.add.at(votes, (items, own["grade"].to_numpy(int)), 1)
        patients = own["patient"].to_numpy(object)[np.unique(items, return_index=True)[1]]
        twice = votes.sum(axis=1) > 1
        if not twice.any():
            continue
        found = draw.intervals(coincidences(votes[twice]), patients[twice], _ALPHAS)
        for level in LEVELS:
            values = {"alpha": found[level], "alpha_low": found[f"{level}_low"], "alpha_high": found[f"{level}_high"]}
            readers = own["reader"].nunique()
            rows.append({"kind": kind, "level": level, "readers": readers, "items": int(twice.sum()), **values})
    return pd.DataFrame(rows, columns=["kind", "level", "readers", "items", "alpha", "alpha_low", "alpha_high"])


def _of_level(level: str) -> Measure:
    return lambda matrices: alpha(matrices, level)


_ALPHAS = {level: _of_level(level) for level in LEVELS}


def _long(confusion: Floats, a: Any, b: Any, kind: str) -> pd.DataFrame:
    import pandas as pd

    first, second = np.indices(confusion.shape).reshape(2, -1)
    found = pd.DataFrame({"reader_a": a, "reader_b": b, "kind": kind, "grade_a": first, "grade_b": second})
    found["n"] = confusion.reshape(-1).astype(int)
    of_grade = confusion.sum(axis=1)[first]
    return found.assign(share=found["n"] / np.where(of_grade > 0, of_grade, np.nan))


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    columns = ["reader_a", "reader_b", "kind", "grade_a", "grade_b", "n", "share"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
