"""Draw the tables of a store: ``python tools/store_schema.py`` writes docs/store-schema.md and its picture.

Both are made of ``napari_jsn.store.schema`` only; a test compares them with it.
"""

from __future__ import annotations

import inspect
from html import escape
from pathlib import Path

from sqlalchemy import Table

from napari_jsn.store.schema import SCHEMA_VERSION, Base

DOCS = Path(__file__).parents[1] / "docs"
PAGE, PICTURE = DOCS / "store-schema.md", DOCS / "images" / "store-schema.svg"
#: Sizes of the drawing in pixels.
WIDTH, GAP, LINE, MARGIN = 190, 70, 16, 12


def page() -> str:
    """Return the page with one section a table."""
    parts = [
        f"# Tables of a store, version {SCHEMA_VERSION}",
        "Made by `python tools/store_schema.py`. How to use a store is in [store](store.md).",
        "![The tables and which row belongs to which](images/store-schema.svg)",
    ]
    documents = {mapper.local_table.name: inspect.getdoc(mapper.class_) or "" for mapper in Base.registry.mappers}
    for table in Base.metadata.sorted_tables:
        parts += [f"## {table.name}", " ".join(documents[table.name].replace("``", "`").split())]
        rows = ["| column | type | |", "|---|---|---|"]
        for column in table.columns:
            keys = [f"row of `{key.column.table.name}`" for key in column.foreign_keys]
            notes = (["key"] if column.primary_key else []) + keys + (["may be empty"] if column.nullable else [])
            rows.append(f"| `{column.name}` | {str(column.type).lower()} | {', '.join(notes)} |")
        parts.append("\n".join(rows))
    return "\n\n".join(parts).replace(":class:`napari_jsn.", "`napari_jsn.") + "\n"


def picture() -> str:
    """Return the drawing: a table stands to the right of those whose rows own its rows."""
    tables = Base.metadata.sorted_tables
    depth: dict[str, int] = {}
    for table in tables:
        depth[table.name] = max((depth[owner] + 1 for owner in _owners(table)), default=0)
    tops = dict.fromkeys(range(max(depth.values()) + 1), MARGIN)
    places: dict[str, tuple[int, int]] = {}
    for table in tables:
        column = depth[table.name]
        places[table.name] = (MARGIN + column * (WIDTH + GAP), tops[column])
        tops[column] += _height(table) + 2 * LINE
    width, height = MARGIN + len(tops) * (WIDTH + GAP) - GAP + MARGIN, max(tops.values())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for table in tables:
        x, y = places[table.name]
        for owner in _owners(table):
            left, top = places[owner]
            start, end = (left + WIDTH, top + LINE / 2), (x, y + LINE / 2)
            middle = (start[0] + end[0]) / 2
            path = f"M{start[0]},{start[1]} C{middle},{start[1]} {middle},{end[1]} {end[0]},{end[1]}"
            parts.append(f'<path d="{path}" fill="none" stroke="#5b7083"/>')
    for table in tables:
        x, y = places[table.name]
        parts.append(
            f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{_height(table)}" fill="#f6f8fa" stroke="#5b7083"/>'
        )
        parts.append(f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{LINE}" fill="#dbe4ec" stroke="#5b7083"/>')
        parts.append(f'<text x="{x + 6}" y="{y + 12}" font-weight="bold">{escape(table.name)}</text>')
        for k, column in enumerate(table.columns, start=1):
            text = f"{column.name}  {str(column.type).lower()}"
            parts.append(f'<text x="{x + 6}" y="{y + 12 + k * LINE}">{escape(text)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _owners(table: Table) -> list[str]:
    return [key.column.table.name for column in table.columns for key in column.foreign_keys]


def _height(table: Table) -> int:
    return LINE * (len(table.columns) + 1) + 4


def main() -> None:
    """Write page and drawing."""
    PAGE.write_text(page(), "utf-8")
    PICTURE.write_text(picture(), "utf-8")


if __name__ == "__main__":
    main()
