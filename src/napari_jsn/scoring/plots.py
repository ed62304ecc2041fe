"""Draw the agreement of readers: confusion matrices, differences of totals, and changes of totals."""

from __future__ import annotations

import io
import itertools
import warnings
from typing import TYPE_CHECKING

import numpy as np

from napari_jsn.common.statistics import bland_altman
from napari_jsn.drawing.labels import plain_label
from napari_jsn.scoring.agreement import Agreement
from napari_jsn.scoring.consensus import CONSENSUS_NAME
from napari_jsn.scoring.grades import KINDS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_DPI = 150
#: Matrices or plots side by side, and the least patients of a Bland-Altman plot.
_ACROSS, _LEAST = 4, 3


#: Names of the plots of an agreement; a * stands for any text.
PICTURES = ("confusions-*.png", "bland-altman-*.png", "cumulative-change.png")


def agreement_plots(found: Agreement) -> dict[str, bytes]:
    """Return PNG files by name: confusion matrices, Bland-Altman plots and cumulative probability of change.

    ``confusions-jsn.png`` compares readers with the consensus, ``confusions-readers-jsn.png`` with each other; the same
    of ``erosion``. A file is left out where the table has nothing to draw.
    """
    drawn: dict[str, Figure | None] = {}
    for kind in KINDS:
        drawn[f"confusions-{kind}.png"] = confusion_plot(found, kind)
        drawn[f"confusions-readers-{kind}.png"] = confusion_plot(found, kind, with_consensus=False)
    for of in ("status", "change"):
        drawn[f"bland-altman-{of}.png"] = bland_altman_plot(found, of)
    drawn["cumulative-change.png"] = cumulative_plot(found)
    return {name: _png(figure) for name, figure in drawn.items() if figure is not None}


def confusion_plot(found: Agreement, kind: str, with_consensus: bool = True) -> Figure | None:
    """Draw the confusion matrices of readers: shares of each grade of the first one, and counts.

    Parameters
    ----------
    found : Agreement
    kind : str
        ``"jsn"`` or ``"erosion"``.
    with_consensus : bool
        Each reader against the consensus, or each pair of readers.

    Returns
    -------
    Figure or None
        None without a matrix.
    """
    from matplotlib.figure import Figure

    table = found.confusions
    table = table[((table["reader_a"] == CONSENSUS_NAME) == with_consensus) & (table["kind"] == kind)]
    pairs = list(dict.fromkeys(zip(table["reader_a"], table["reader_b"])))
    if not pairs:
        return None
    across = min(len(pairs), _ACROSS)
    down = -(-len(pairs) // across)
    figure = Figure(figsize=(3.2 * across + 0.4, 3.1 * down + 0.4), layout="constrained")
    for place, (first, second) in enumerate(pairs):
        axes = figure.add_subplot(down, across, place + 1)
        own = table[(table["reader_a"] == first) & (table["reader_b"] == second)]
        shares, counts = (own.pivot(index="grade_a", columns="grade_b", values=name) for name in ("share", "n"))
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts.to_numpy()):
            share = shares.iloc[row, column]
            if count:
                axes.text(
                    column, row, f"{share:.2f}\n{count}", ha="center", va="center", fontsize=7,
                    color="white" if share > 0.6 else "black",
                )  # fmt: skip
        axes.set_xticks(range(len(counts)))
        axes.set_yticks(range(len(counts)))
        axes.set_xlabel(plain_label(f"grade of {second}"), fontsize=9)
        axes.set_ylabel("consensus" if with_consensus else plain_label(f"grade of {first}"), fontsize=9)
    whose = "consensus grade" if with_consensus else "grade of the first reader"
    figure.suptitle(f"{KINDS[kind]}: share of each {whose}, and number of sites", fontsize=9)
    return figure


def bland_altman_plot(found: Agreement, of: str) -> Figure | None:
    """Draw the differences of the totals of each pair of readers against their means, with the limits of agreement.

    ``of`` is ``"status"`` (all visits together; the limits are those of each visit's pairs pooled) or ``"change"``.
    """
    from matplotlib.figure import Figure

    sums = found.sums[found.sums["of"] == of]
    if sums.empty:
        return None
    sums = sums[sums["kind"] == _widest_kind(sums)]
    wide = sums.pivot(index=["patient", "visit"], columns="reader", values="value")
    pairs = [pair for pair in itertools.combinations(wide.columns, 2) if len(wide[list(pair)].dropna()) >= _LEAST]
    if not pairs:
        return None
    across = min(len(pairs), _ACROSS)
    down = -(-len(pairs) // across)
    figure = Figure(figsize=(3.6 * across + 0.3, 3.0 * down + 0.3), layout="constrained")
    for place, (first, second) in enumerate(pairs):
        both = wide[[first, second]].dropna()
        limits = bland_altman(both[first], both[second])
        axes = figure.add_subplot(down, across, place + 1)
        axes.plot(both.mean(axis=1), both[first] - both[second], "o", ms=3, color="#0b5fa5", alpha=0.6)
        for height, name in ((limits.bias, "mean"), (limits.limits[0], "-1.96 SD"), (limits.limits[1], "+1.96 SD")):
            axes.axhline(height, color="#222222", lw=0.9, ls="-" if name == "mean" else "--")
            axes.annotate(
                f"{name} {height:+.1f}", (1, height), xycoords=("axes fraction", "data"), xytext=(-2, 2),
                textcoords="offset points", ha="right", va="bottom", fontsize=7,
            )  # fmt: skip
        axes.margins(y=0.15)
        axes.set_xlabel(f"mean of {plain_label(first)}\nand {plain_label(second)}", fontsize=8)
        axes.set_ylabel(f"{plain_label(first)}\n- {plain_label(second)}", fontsize=8)
        axes.tick_params(labelsize=7)
    what = "total at each visit" if of == "status" else "change of the total, first to last visit"
    figure.suptitle(f"{what} ({_kind_title(_widest_kind(sums))}), with limits of agreement", fontsize=9)
    return figure


def _widest_kind(sums: pd.DataFrame) -> str:
    """Return ``"total"`` where both kinds were graded, else the kind that was."""
    kinds = list(dict.fromkeys(sums["kind"]))
    return "total" if "total" in kinds else str(kinds[0])


def _kind_title(kind: str) -> str:
    return KINDS.get(kind, "all kinds")


def cumulative_plot(found: Agreement) -> Figure | None:
    """Draw the cumulative probability of the change of totals of each reader; None without changes."""
    from matplotlib.figure import Figure

    changes = found.sums[found.sums["of"] == "change"]
    if changes.empty:
        return None
    kind = _widest_kind(changes)
    changes = changes[changes["kind"] == kind].dropna(subset="value")
    figure = Figure(figsize=(5.2, 3.8), layout="constrained")
    axes = figure.add_subplot()
    for reader, own in changes.groupby("reader", sort=False):
        values = np.sort(own["value"].to_numpy(float))
        # A label that begins with an underscore is left out of a legend, so a space is before it.
        axes.plot(
            (np.arange(len(values)) + 0.5) / len(values),
            values,
            "o-",
            ms=3,
            lw=0.8,
            label=" " + plain_label(reader, 40),
        )
    sdc = found.totals[(found.totals["of"] == "change") & (found.totals["kind"] == kind)]["sdc"]
    if len(sdc):
        axes.axhspan(-sdc.iloc[0], sdc.iloc[0], color="#0b5fa5", alpha=0.1, lw=0, label="within the SDC of one reader")
    axes.set_xlabel("cumulative probability")
    axes.set_ylabel(f"change, {_kind_title(kind)}")
    axes.legend(fontsize=8, frameon=False)
    return figure


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a letter that the font lacks is drawn as a box
        figure.savefig(content, format="png", dpi=_DPI, metadata={"Software": None})
    return content.getvalue()
