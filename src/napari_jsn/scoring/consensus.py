"""Consensus of several readers: one grade an item, with its probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted
from napari_jsn.scoring.dawid_skene import Floats, dawid_skene
from napari_jsn.scoring.grades import HIGHEST, KINDS
from napari_jsn.scoring.long_table import ITEM, long_table

if TYPE_CHECKING:
    import pandas as pd

#: The name of the consensus among readers.
CONSENSUS_NAME = "consensus"
METHODS = ("dawid-skene", "majority", "median", "mean")
#: Probabilities that differ by less are tied.
_TIED = 1e-6
#: A reader with fewer grades of a kind is named in a note, because the confusions are then not well known.
_FEW_GRADES = 50
_GRADES = max(HIGHEST.values()) + 1
PROBABILITIES = [f"p_{grade}" for grade in range(_GRADES)]


@dataclass(frozen=True)
class Consensus:
    """Consensus grades, and how the readers differ from them.

    Attributes
    ----------
    labels : DataFrame
        ``patient visit side site kind grade p_0 .. p_5 readers tie``, one row an item; ``readers`` counts the readers
        who graded it.
    confusions : DataFrame
        ``reader kind consensus given probability``: how often a reader gives a grade where another is the consensus.
        For Dawid-Skene these are the fitted confusions.
    fits : DataFrame
        ``kind method items readers iterations converged log_likelihood ties``.
    notes : tuple of str
        Ties, convergence, readers with few grades, items without a grade.
    """

    labels: pd.DataFrame
    confusions: pd.DataFrame
    fits: pd.DataFrame
    notes: tuple[str, ...]


def consensus(scores: pd.DataFrame, method: str = "dawid-skene", smoothing: float = 0.0) -> pd.DataFrame:
    """Return one grade an item from the grades of several readers.

    Parameters
    ----------
    scores : DataFrame
        Long table with the columns ``patient visit side site kind grade reader``; ``session``, ``mark`` and
        ``not_scored`` may be absent. Every session of a reader is one vote.
    method : str
        ``"dawid-skene"``, ``"majority"``, ``"median"`` or ``"mean"``. Narrowing and erosion are separate.
    smoothing : float
        For Dawid-Skene: pseudo-counts that draw the confusions of each reader towards the diagonal.

    Returns
    -------
    DataFrame
        ``patient visit side site kind grade p_0 .. p_5 readers tie``. ``p_0 ..`` are probabilities of the grades, or
        shares of the votes for the other methods. Where the two most probable grades are tied, the lower one is taken
        and ``tie`` is True. Notes are in ``attrs["notes"]``.

    Raises
    ------
    InputError
        If the method is unknown or the table is wrong.

    Examples
    --------
    >>> import pandas as pd
    >>> from napari_jsn.scoring import consensus
    >>> rows = [("A", 2), ("B", 2), ("C", 3)]
    >>> scores = pd.DataFrame(rows, columns=["reader", "grade"]).assign(
    ...     patient="P1", visit=1, side="L", site="MCP2", kind="jsn"
    ... )
    >>> consensus(scores, method="majority")[["site", "grade", "readers"]].values.tolist()
    [['MCP2', 2.0, 3]]
    """
    found = find_consensus(scores, method, smoothing)
    found.labels.attrs["notes"] = found.notes
    return found.labels


def find_consensus(scores: pd.DataFrame, method: str = "dawid-skene", smoothing: float = 0.0) -> Consensus:
    """Return the consensus with the readers' confusions and the notes; see :func:`consensus`.

    Examples
    --------
    >>> import pandas as pd
    >>> from napari_jsn.scoring import find_consensus
    >>> scores = pd.DataFrame({"reader": ["A", "B"], "grade": [1, 3]}).assign(
    ...     patient="P1", visit=1, side="L", site="MCP2", kind="jsn"
    ... )
    >>> find_consensus(scores, "majority").notes
    ('jsn: 1 tie; the lower grade is taken.',)
    """
    import pandas as pd

    if method not in METHODS:
        raise InputError(f"There is no consensus method {method!r}. Choose one of: {', '.join(METHODS)}.", "method")
    if isinstance(smoothing, bool) or not isinstance(smoothing, (int, float)) or not 0 <= smoothing < np.inf:
        raise InputError(f"The smoothing is {smoothing!r}. Give a number that is not negative.", "smoothing")
    table = long_table(scores)
    known = table[table["grade"].notna()]
    if known.empty:
        raise InputError("No row of the table of scores has a grade. Give a table with grades.", "scores")
    notes = list(table.attrs["notes"])
    unknown = len(table[ITEM].drop_duplicates()) - len(known[ITEM].drop_duplicates())
    if unknown:
        notes.append(f"{counted(unknown, 'item')} without any grade left out.")
    parts = [_of_kind(known[known["kind"] == kind], kind, method, smoothing, notes) for kind in KINDS]
    labels, confusions, fits = (pd.concat(each, ignore_index=True) for each in zip(*filter(None, parts)))
    return Consensus(labels, confusions, fits, tuple(notes))


def _of_kind(
    rows: pd.DataFrame, kind: str, method: str, smoothing: float, notes: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame] | None:
    import pandas as pd

    if rows.empty:
        return None
    items = rows.groupby(ITEM, sort=False).ngroup().to_numpy()
    readers, names = pd.factorize(rows["reader"].astype(object))
    votes = np.zeros((items.max() + 1, len(names), HIGHEST[kind] + 1))
    np.add.at(votes, (items, readers, rows["grade"].to_numpy(int)), 1)
    shares = votes.sum(axis=1) / votes.sum(axis=(1, 2))[:, None]
    fit = dawid_skene(votes, smoothing) if method == "dawid-skene" else None
    p = shares if fit is None else fit.probabilities
    two = np.sort(p, axis=1)[:, -2:]
    tie = two[:, 1] - two[:, 0] < _TIED
    grade = np.argmax(p >= two[:, 1:] - _TIED, axis=1).astype(float)
    if method in ("median", "mean"):
        average: Callable[[pd.Series], float] = np.median if method == "median" else np.mean
        grade = rows.groupby(items)["grade"].agg(average).to_numpy(float)
        tie = np.zeros(len(grade), bool)
    labels = rows[ITEM].iloc[np.unique(items, return_index=True)[1]].reset_index(drop=True)
    labels["grade"] = grade
    for place, name in enumerate(PROBABILITIES):
        labels[name] = p[:, place] if place < p.shape[1] else 0.0
    labels["readers"] = (votes.sum(axis=2) > 0).sum(axis=1)
    labels["tie"] = tie
    _note(notes, kind, rows, tie, fit is not None and not fit.converged, fit is not None)
    confusions = _observed(votes, p) if fit is None else fit.confusions
    fits = {
        "kind": kind,
        "method": method,
        "items": len(labels),
        "readers": len(names),
        "iterations": 0 if fit is None else fit.iterations,
        "converged": fit is None or fit.converged,
        "log_likelihood": np.nan if fit is None else fit.log_likelihood,
        "ties": int(tie.sum()),
    }
    return labels, _long(confusions, names, kind), pd.DataFrame([fits])


def _note(notes: list[str], kind: str, rows: pd.DataFrame, tie: Floats, not_converged: bool, modelled: bool) -> None:
    if tie.any():
        notes.append(f"{kind}: {counted(int(tie.sum()), 'tie')}; the lower grade is taken.")
    if not_converged:
        notes.append(f"{kind}: EM did not converge; the probabilities may still change.")
    if not modelled:
        return
    counts = rows["reader"].value_counts(sort=False)
    for name, count in counts[counts < _FEW_GRADES].items():
        notes.append(f"{kind}: reader {name} has only {counted(int(count), 'grade')}, so the confusions are uncertain.")
    if len(counts) < 3:
        notes.append(f"{kind}: only {counted(len(counts), 'reader')}; Dawid-Skene needs at least three readers.")


def _observed(votes: Floats, p: Floats) -> Floats:
    """Return the share of each given grade among the items of each consensus grade."""
    counts = np.einsum("ic,irg->rcg", p, votes)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(counts / counts.sum(axis=2, keepdims=True))


def _long(confusions: Floats, names: pd.Index, kind: str) -> pd.DataFrame:
    import pandas as pd

    readers, grades = confusions.shape[:2]
    index = pd.MultiIndex.from_product(
        [list(names), [kind], range(grades), range(grades)], names=["reader", "kind", "consensus", "given"]
    )
    return pd.DataFrame({"probability": confusions.reshape(readers * grades * grades)}, index=index).reset_index()
