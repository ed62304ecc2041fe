"""Tables as a workbook: numbers stay numbers, and no text is run."""

import io
import re
import zipfile

import pandas as pd
import pytest

pytest.importorskip("xlsxwriter")
from napari_jsn.export.workbook import workbook_bytes  # noqa: E402


def test_texts_are_never_formulas_or_links_and_nan_is_empty():
    texts = ["=1+1", "@SUM(A1)", "+1", "https://example.org", "<b>&", "07"]
    table = pd.DataFrame({"text": texts, "grade": [1.0, float("nan"), 3.0, 4.5, 0.0, 2.0], "edited": [True, False] * 3})
    with zipfile.ZipFile(io.BytesIO(workbook_bytes({"grades": table, "empty": table.iloc[:0]}))) as book:
        parts = {name: book.read(name).decode() for name in book.namelist() if name.endswith(".xml")}
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert "<f>" not in sheet and "hyperlink" not in sheet
    assert re.findall(r'<c r="B\d"(?: t="\w+")?><v>([\d.]+)</v>', sheet) == ["1", "3", "4.5", "0", "2"]
    assert "=1+1" in parts["xl/sharedStrings.xml"] and "&lt;b&gt;&amp;" in parts["xl/sharedStrings.xml"]
    assert 'name="grades"' in parts["xl/workbook.xml"] and 'name="empty"' in parts["xl/workbook.xml"]
