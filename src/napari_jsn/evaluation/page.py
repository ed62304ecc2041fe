"""Write the parts of documentation pages that a command makes; the rest of a page does not change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from napari_jsn.common.files import write_files

#: The command ``napari-jsn evaluate`` writes between these two lines of a page.
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def put_section(page: Path, name: str, lines: Sequence[str]) -> Path:
    """Write the section ``name`` of a page between its markers; a new section is added at the end.

    The file is replaced as a whole, so a stopped run never leaves a part of it.
    """
    begin, end = f"<!-- made by {name}: do not edit -->", f"<!-- end of {name} -->"
    section = "\n".join([begin, "", *lines, "", end])
    text = _put_between(page.read_text(encoding="utf-8") if page.exists() else "", begin, end, section)
    return write_files(page.parent, {page.name: text.encode()})[0]


def replace_measured(text: str, measured: str) -> str:
    """Return the text of a page with new content between the lines BEGIN and END; added at the end if missing."""
    return _put_between(text, BEGIN, END, f"{BEGIN}\n{measured.strip()}\n{END}")


def _put_between(text: str, begin: str, end: str, section: str) -> str:
    if begin in text and end in text:
        return re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: section, text, count=1, flags=re.DOTALL)
    return f"{text.rstrip()}\n\n{section}\n".lstrip()
