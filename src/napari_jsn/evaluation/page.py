"""Sections of a documentation page that a command writes, between two markers; the rest of the page stays as it is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def put_section(page: Path, name: str, lines: Sequence[str]) -> Path:
    """Write the section ``name`` of a page, in place of what was between its markers, else at the page's end.

    The file is replaced as a whole: nothing is left half-written.
    """
    begin, end = f"<!-- made by {name}: do not edit -->", f"<!-- end of {name} -->"
    section = "\n".join([begin, "", *lines, "", end])
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    if begin in text and end in text:
        before, _, rest = text.partition(begin)
        text = before + section + rest.partition(end)[2]
    else:
        text = f"{text.rstrip()}\n\n{section}\n".lstrip()
    page.parent.mkdir(parents=True, exist_ok=True)
    part = page.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, page)
    return page
