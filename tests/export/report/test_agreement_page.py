"""The page of the agreement of readers."""

import re

import pytest

from napari_jsn.export.report.agreement_page import agreement_html
from napari_jsn.scoring import agreement
from napari_jsn.scoring.plots import agreement_plots
from tests.scoring.simulated import sheet


@pytest.fixture(scope="module")
def found():
    return agreement(sheet(6, readers=("A", "<b>B"), scheme_name="svdh-fingers", sessions=("1", "2")), replicates=20)


def test_the_page_has_the_figures_of_the_tables(found):
    page = agreement_html(found, ["A note."], agreement_plots(found))
    row = found.pairs.iloc[0]
    assert f"{row['kappa_quadratic']:.2f} [{row['kappa_quadratic_low']:.2f}, {row['kappa_quadratic_high']:.2f}]" in page
    intra = found.intra_totals.query("of == 'change'").iloc[0]
    assert (
        f">{intra['sdc']:.2f} [{intra['sdc_low']:.2f}, {intra['sdc_high']:.2f}]<" in page
        and "A note." in page
        and "For research use only" in page
    )
    assert "&lt;b&gt;B" in page and "<b>B" not in page and "nan" not in re.sub('base64,[^"]*', "", page)


def test_the_page_loads_nothing(found):
    page = agreement_html(found, pictures=agreement_plots(found))
    sources = re.findall(r'(?:src|href)="([^"]{0,40})', page)
    assert len(sources) == 7 and all(source.startswith("data:image/png;base64,") for source in sources)


def test_sections_without_rows_are_left_out():
    page = agreement_html(agreement(sheet(4, visits=(1,), scheme_name="svdh-fingers"), replicates=0))
    assert (
        "Readers against each other" in page and "sessions" not in page.split("Definitions")[0] and "Plots" not in page
    )
