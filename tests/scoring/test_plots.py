import pytest

from napari_jsn.scoring import agreement
from napari_jsn.scoring.plots import agreement_plots, bland_altman_plot, confusion_plot, cumulative_plot
from tests.scoring.simulated import sheet


def test_one_matrix_a_reader_and_one_curve_a_reader():
    found = agreement(sheet(6, readers=("A", "B", "C"), scheme_name="svdh-fingers"), replicates=0)
    assert len(confusion_plot(found, "jsn").axes) == 3
    assert len(cumulative_plot(found).axes[0].lines) == 3


def test_what_is_absent_is_not_drawn():
    table = sheet(4, visits=(1,), scheme_name="svdh-fingers").query("kind == 'jsn'")
    drawn = agreement_plots(agreement(table, replicates=0))
    assert list(drawn) == ["confusions-jsn.png", "confusions-readers-jsn.png", "bland-altman-status.png"]
    assert all(content.startswith(b"\x89PNG") for content in drawn.values())


def test_one_plot_a_pair_of_readers():
    found = agreement(sheet(6, readers=("A", "B", "C"), scheme_name="svdh-fingers"), replicates=0)
    axes = confusion_plot(found, "erosion", with_consensus=False).axes
    assert [(each.get_ylabel(), each.get_xlabel()) for each in axes] == [
        ("grade of A", "grade of B"), ("grade of A", "grade of C"), ("grade of B", "grade of C")
    ]  # fmt: skip
    for of, points in (("status", 12), ("change", 6)):
        plots = bland_altman_plot(found, of).axes
        assert len(plots) == 3 and len(plots[0].lines[0].get_xdata()) == points
        both = found.sums.query("of == @of and kind == 'total'").pivot(
            index=["patient", "visit"], columns="reader", values="value"
        )
        assert plots[0].lines[1].get_ydata()[0] == pytest.approx((both["A"] - both["B"]).mean())
