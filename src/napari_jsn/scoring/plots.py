"""Draw the agreement of readers: confusion matrices against the consensus, and changes of totals."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from napari_jsn.scoring.agreement import Agreement
from napari_jsn.scoring.consensus import CONSENSUS_NAME
from napari_jsn.scoring.grades import KINDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 150


def agreement_plots(found: Agreement) -> dict[str, bytes]:
    """Return PNG files by name: ``confusions-jsn.png``, ``confusions-erosion.png``, ``cumulative-change.png``.

    A file is left out where the table has nothing to draw.
    """
    drawn = {f"confusions-{kind}.png": confusion_plot(found, kind) for kind in KINDS}
    drawn["cumulative-change.png"] = cumulative_plot(found)
    return {name: _png(figure) for name, figure in drawn.items() if figure is not None}


def confusion_plot(found: Agreement, kind: str) -> Figure | None:
    """Draw a confusion matrix of each reader against the consensus: shares of each consensus grade, and counts."""
    from matplotlib.figure import Figure

    table = found.confusions
    table = table[(table["reader_a"] == CONSENSUS_NAME) & (table["kind"] == kind)]
    readers = list(dict.fromkeys(table["reader_b"]))
    if not readers:
        return None
    figure = Figure(figsize=(3.2 * len(readers) + 0.4, 3.4), layout="constrained")
    for place, reader in enumerate(readers):
        axes = figure.add_subplot(1, len(readers), place + 1)
        own = table[table["reader_b"] == reader]
        shares, counts = (own.pivot(index="grade_a", columns="grade_b", values=name) for name in ("share", "n"))
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts.to_numpy()):
            share = shares.iloc[row, column]
            if count:
                axes.text(
                    column, row, f"{share:.2f}\n{count}", ha="center", va="center", fontsize=7,
                    color="white" if share > 0.5 else "black",
                )  # fmt: skip
        axes.set_xticks(range(len(counts)))
        axes.set_yticks(range(len(counts)))
        axes.set_xlabel(f"grade of {reader}")
        axes.set_ylabel("consensus")
    figure.suptitle(f"{KINDS[kind]}: share of each consensus grade, and number of sites", fontsize=9)
    return figure


def cumulative_plot(found: Agreement) -> Figure | None:
    """Draw the cumulative probability of the change of totals of each reader; None without changes."""
    from matplotlib.figure import Figure

    changes = found.sums[found.sums["of"] == "change"]
    if changes.empty:
        return None
    kinds = list(dict.fromkeys(changes["kind"]))
    kind = "total" if "total" in kinds else kinds[0]
    changes = changes[changes["kind"] == kind].dropna(subset="value")
    figure = Figure(figsize=(5.2, 3.8), layout="constrained")
    axes = figure.add_subplot()
    for reader, own in changes.groupby("reader", sort=False):
        values = np.sort(own["value"].to_numpy(float))
        axes.plot((np.arange(len(values)) + 0.5) / len(values), values, "o-", ms=3, lw=0.8, label=f"{reader}")
    sdc = found.totals[(found.totals["of"] == "change") & (found.totals["kind"] == kind)]["sdc"]
    if len(sdc):
        axes.axhspan(-sdc.iloc[0], sdc.iloc[0], color="#0b5fa5", alpha=0.1, lw=0, label="within the SDC of one reader")
    axes.set_xlabel("cumulative probability")
    axes.set_ylabel(f"change, {KINDS.get(kind, 'all kinds')}")
    axes.legend(fontsize=8, frameon=False)
    return figure


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI, metadata={"Software": None})
    return content.getvalue()
