"""The page: a number of pairs in every row, the targets, the plots, no partial file."""

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.known_motion import interval_rows
from benchmarks.methods_compared import OURS, PIPOC, BenchmarkRow
from benchmarks.report import write_page
from napari_jsn.evaluation.settings import Settings


def known_row(test, method, n=40):
    error_mm = 0.01 * np.random.default_rng(len(test)).standard_normal(n)
    half = np.full(n, 0.02)
    data = {
        "error_mm": error_mm,
        "half_width_mm": half,
        "covered": np.abs(error_mm) < half,
        "reliable": np.ones(n, bool),
    }
    return BenchmarkRow(
        f"known motion, {test}", method, n, 0.0, 0.01, 0.0, 1.0, 0.95, 20.0, "all |well|", "target", True, data
    )


@pytest.fixture
def rows():
    rows = [known_row(test, method) for test in ("easy", "roll", "hard") for method in (OURS, PIPOC)]
    change = np.linspace(-0.5, 0.5, 9)
    data = {"truth_mm": change, "found_mm": change, "reliable": np.arange(9) > 2}
    rows += [
        BenchmarkRow("injected change", OURS, 9, data=data),
        BenchmarkRow("time", OURS, 64, ms=20.0),
        BenchmarkRow("time", PIPOC, 64, ms=4.0),
    ]
    return rows + interval_rows(rows)


def test_the_page_has_n_the_targets_and_the_plots(rows, tmp_path):
    page = write_page(rows, Settings(), "python -m benchmarks", ["itk-elastix is left out."], tmp_path)
    text = page.read_text()
    for expected in ("python -m benchmarks", "seed 2023", "itk-elastix is left out.", "all \\|well\\|", "torch "):
        assert expected in text
    table = [line for line in text.split("## All figures")[1].splitlines() if line.startswith("|")][2:]
    assert len(table) == len(rows)
    assert all(line.split("|")[3].strip(" *").isdigit() for line in table)
    pictures = {path.name for path in (tmp_path / "images").iterdir()}
    assert pictures == {f"benchmarks-{name}.png" for name in ("errors", "injected", "intervals", "time")}
    assert all(f"images/{name}" in text for name in pictures)
    assert not list(tmp_path.glob("*.part"))


def test_coverage_is_over_easy_and_roll_together(rows):
    found = {(row.test, row.method): row for row in rows}
    row = found["95 % interval, easy and roll", OURS]
    assert row.n == 80
    assert row.reached is (0.93 <= row.covered <= 0.98)
    assert found["correct results called reliable", OURS].reliable == 1


def test_without_the_real_images_it_says_so(monkeypatch, capsys):
    monkeypatch.setenv("NAPARI_JSN_DATA", "")
    assert main(["--quick"]) == 2
    assert "NAPARI_JSN_DATA" in capsys.readouterr().err
