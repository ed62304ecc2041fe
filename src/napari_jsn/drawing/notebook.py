"""Make the HTML that shows a result in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from napari_jsn.common.notes import written_notes

#: Longest side of a picture in a notebook, in pixels.
LONGEST_SIDE = 480


def table_html(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table; every cell is escaped.

    Examples
    --------
    >>> from napari_jsn.drawing.notebook import table_html
    >>> table_html(["joint"], [["MCP2"]])
    '<table><tr><th>joint</th></tr><tr><td>MCP2</td></tr></table>'
    """
    lines = ["".join(f"<th>{escape(str(cell))}</th>" for cell in head)]
    lines += ["".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def picture_html(picture: str, width: int = LONGEST_SIDE, caption: str = "") -> str:
    """Return HTML that shows an SVG picture ``width`` pixels wide, with a caption below it."""
    caption_html = f"<div>{escape(caption)}</div>" if caption else ""
    return f'<div style="width:{width}px">{picture}{caption_html}</div>'


def result_html(title: str, *parts: str, notes: Sequence[str] = ()) -> str:
    """Return HTML with a title, the parts side by side, and a list of notes below them, as results hold them."""
    items = "".join(f"<li>{escape(note)}</li>" for note in written_notes(notes))
    notes_html = f"<ul>{items}</ul>" if items else ""
    row = f'<div style="display:flex;flex-wrap:wrap;gap:16px;align-items:flex-start">{"".join(parts)}</div>'
    return f"<div><p><b>{escape(title)}</b></p>{row}{notes_html}</div>"
