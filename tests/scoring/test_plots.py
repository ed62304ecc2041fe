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


LONG = "Prof. Dr. Wilhelmina van der Heijde-Sharp (Leiden)"


@pytest.mark.parametrize("names", [("$a_$", "_b"), (LONG, LONG + " 2"), ("\u65e5\u672c", "x\ny"), (r"$\frac$", "<b>")])
def test_names_of_readers_are_drawn_as_they_are(names, recwarn):
    found = agreement(sheet(4, readers=names, scheme_name="svdh-fingers"), replicates=0)
    assert all(content.startswith(b"\x89PNG") for content in agreement_plots(found).values())
    assert not [each for each in recwarn if "Glyph" in str(each.message)]
    shown = [text.get_text() for text in cumulative_plot(found).axes[0].get_legend().get_texts()]
    assert len(shown) == 3 and all(len(line) <= 41 for text in shown for line in text.splitlines())
    labels = {each.get_xlabel() for each in confusion_plot(found, "jsn").axes}
    assert len(labels) == 2 and all(len(line) <= 28 for text in labels for line in text.splitlines())
    assert all("$" not in text.replace(r"\$", "") for text in labels)
