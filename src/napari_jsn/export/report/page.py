"""The whole report of a progression as one HTML page, with its style."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from napari_jsn import __version__
from napari_jsn.drawing.svg import tag
from napari_jsn.export.report import sections
from napari_jsn.export.report.plots import Scales
from napari_jsn.export.report.scores import scores_section
from napari_jsn.export.report.strips import strips_section
from napari_jsn.progression.progression import Progression

if TYPE_CHECKING:
    import pandas as pd

#: Content security policy: the page may not load anything.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def report_html(progression: Progression, keep_identity: bool = False, scores: pd.DataFrame | None = None) -> str:
    """Return the report of a progression as one HTML page, which loads nothing and prints on A4.

    The report names the patient by the pseudonym of the progression, and visits by weeks since baseline. It contains
    no date, file name or path. The same progression gives the same text.

    Parameters
    ----------
    progression : Progression
    keep_identity : bool
        Notes keep what was taken from the input, such as dates and names of files.
    scores : DataFrame, optional
        Grades to show too; see :func:`napari_jsn.export.report.scores.scores_section`.

    Returns
    -------
    str
    """
    scales = Scales.of(progression)
    return html_page(
        f"Joint space narrowing: {progression.patient_id}",
        sections.opening_section(progression, scales, keep_identity),
        "" if scores is None else scores_section(scores),
        sections.overview_section(progression, scales),
        sections.joints_section(progression, scales),
        sections.trends_section(progression, scales),
        sections.summary_section(progression, scales),
        strips_section(progression, scales, reliable=True),
        strips_section(progression, scales, reliable=False),
        sections.radiographs_section(progression, scales),
        sections.methods_section(progression, scales),
    )


def html_page(title: str, *content: str) -> str:
    """Return a whole HTML page with the style of the report, which loads nothing.

    Parameters
    ----------
    title : str
        Plain text.
    *content : str
        Sections in HTML.
    """
    head = tag("meta", charset="utf-8") + tag("title", escape(title))
    head += tag("meta", **{"http-equiv": "Content-Security-Policy"}, content=_POLICY)
    head += tag("meta", name="viewport", content="width=device-width, initial-scale=1") + tag("style", STYLE)
    main = tag("main", *content)
    footer = tag("footer", escape(sections.USE), f" Made by napari-jsn {escape(__version__)}.")
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>{main}{footer}</body></html>\n'


#: Style sheet for screen and A4.
STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 14px/1.45 system-ui, "Segoe UI", "Helvetica Neue", "Liberation Sans", "DejaVu Sans", sans-serif;
  color: #222; background: #fff; margin: 0 auto; padding: 28px 24px 48px; max-width: 1060px;
  font-variant-numeric: tabular-nums; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
h1 { font-size: 25px; font-weight: 600; margin: 0 0 2px; letter-spacing: -0.01em; }
h2 { font-size: 17px; font-weight: 600; margin: 34px 0 8px; padding-top: 12px; border-top: 1px solid #ddd; }
h3 { font-size: 14px; font-weight: 600; margin: 0 0 6px; }
h4 { font-size: 13px; font-weight: 600; margin: 0 0 3px; }
p { margin: 0 0 8px; max-width: 56em; }
ul { margin: 0 0 8px; padding-left: 1.2em; max-width: 52em; }
.note, .lead { color: #555; }
.use { color: #8a2b12; font-weight: 600; max-width: none; }
.facts { display: flex; flex-wrap: wrap; gap: 10px 34px; margin: 16px 0 4px; }
.facts div { min-width: 7em; }
.facts b { display: block; font-size: 20px; font-weight: 600; }
.facts span { color: #666; font-size: 12px; }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; }
th, td { text-align: left; padding: 3px 8px 3px 0; vertical-align: middle; }
thead th { color: #555; font-weight: 500; border-bottom: 1px solid #bbb; vertical-align: bottom; font-size: 11.5px; }
tbody th { font-weight: 600; vertical-align: top; }
tbody th.hand { font-size: 12.5px; padding-top: 12px; color: #555; font-weight: 600; }
.joints tbody tr:last-child > * { border-bottom: 1px solid #eee; }
.joints tbody th[rowspan] { border-bottom: 1px solid #eee; }
.joints tbody tr:not(:last-child) > th.hand { border-bottom: 1px solid #ddd; }
td.figure { font-weight: 600; white-space: nowrap; }
td.interval { white-space: nowrap; }
td.axis, th.axis { width: 250px; padding: 0 8px 0 0; }
svg { display: block; width: 100%; height: auto; font-family: inherit; }
svg.bar { height: 19px; }
th svg.bar { height: 15px; }
tr.failed td { color: #8a8a8a; font-weight: 400; }
td.reason, tr.failed td.reason, p.reason { color: #8a2b12; max-width: 22em; line-height: 1.3; }
div.hand { display: flex; flex-wrap: wrap; gap: 14px 28px; margin: 12px 0 22px; break-inside: avoid; }
div.hand figure { flex: 1 1 560px; max-width: 720px; margin: 0; }
div.hand .beside-hand { flex: 1 1 220px; font-size: 12.5px; }
svg.hand { background: #000; border-radius: 3px; }
dl.reasons { margin: 0; } dl.reasons dt { font-weight: 600; } dl.reasons dd { margin: 0 0 6px; color: #8a2b12; }
.legend { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 18px; margin: 8px 0; }
.legend { font-size: 12px; color: #555; }
.legend span { display: inline-flex; align-items: center; gap: 6px; }
.legend .scale { width: 150px; height: 11px; border: 1px solid #bbb; border-radius: 2px; }
.legend img { width: 150px; height: 11px; border: 1px solid #bbb; border-radius: 2px; }
.dot { display: inline-block; width: 11px; height: 11px; border-radius: 50%; border: 1px solid #777; }
.dot { margin-right: 6px; }
.box { display: inline-block; width: 14px; height: 12px; border: 2px dashed #8f8f8f; }
.trends { display: grid; grid-template-columns: repeat(5, 1fr); gap: 12px 14px; }
.trends figure { margin: 0; }
section { margin-bottom: 18px; }
figcaption { font-size: 11.5px; color: #555; }
.trends figcaption { font-weight: 600; color: #222; }
.beside { display: flex; flex-wrap: wrap; gap: 20px 40px; align-items: flex-start; }
.beside > * { flex: 1 1 300px; }
.beside > div { flex: 2 1 480px; }
.small { font-size: 12px; margin-top: 8px; }
.agreement { max-width: 330px; }
.strip { display: flex; gap: 14px; padding: 9px 0; border-top: 1px solid #eee; }
.strip .figures { flex: 0 0 178px; font-size: 12px; }
.strip .figures dl { display: grid; grid-template-columns: auto 1fr; gap: 0 8px; margin: 0; }
.strip .figures dt { color: #777; }
.strip .figures dd { margin: 0; white-space: nowrap; }
.strip.failed .figures dl { color: #8a8a8a; }
.strip p.reason { font-size: 11.5px; margin: 0 0 4px; }
.panels { display: grid; grid-template-columns: repeat(5, 1fr); gap: 8px; flex: 1; }
.panels figure { margin: 0; }
.panels svg { border-radius: 2px; }
.panels figcaption { font-size: 10.5px; margin-top: 2px; }
.plain td, .plain th { border-bottom: 1px solid #eee; }
footer { margin-top: 34px; padding-top: 10px; border-top: 1px solid #ddd; color: #666; font-size: 12px; }
@media (max-width: 720px) {
  .strip { flex-direction: column; } .strip .figures { flex-basis: auto; }
  .trends { grid-template-columns: repeat(2, 1fr); }
  .scroll { overflow-x: auto; }
}
@media print {
  @page { size: A4; margin: 14mm 13mm 15mm; }
  body { padding: 0; max-width: none; font-size: 10.5pt; }
  h1 { font-size: 18pt; } h2 { font-size: 13pt; margin-top: 18pt; }
  h2, h3, h4, .lead, .legend { break-after: avoid; }
  table { font-size: 8.6pt; } thead { display: table-header-group; } thead th { font-size: 8pt; }
  tr, tbody, .strip, figure, .facts, .legend, .beside, section, li, dd { break-inside: avoid; }
  .strip .figures { flex-basis: 38mm; font-size: 8.2pt; }
  .strip p.reason { font-size: 8pt; }
  .panels figcaption, figcaption { font-size: 7.6pt; }
  td.axis, th.axis { width: 50mm; } th, td { padding: 1.2pt 6pt 1.2pt 0; } svg.bar { height: 4.2mm; }
  div.hand { flex-wrap: nowrap; gap: 6mm; margin: 3mm 0 5mm; }
  div.hand figure { flex: 0 0 108mm; }
  div.hand .beside-hand { flex: 1 1 0; min-width: 0; font-size: 8.4pt; }
  .facts { gap: 4px 22px; flex-wrap: nowrap; } .facts b { font-size: 13pt; } .facts span { font-size: 8pt; }
  .beside { flex-wrap: nowrap; gap: 8mm; } .beside > *, .beside > div { flex-basis: 0; min-width: 0; }
  p, ul { orphans: 3; widows: 3; }
}
"""
