from napari_jsn.scoring import agreement
from napari_jsn.scoring.plots import agreement_plots, confusion_plot, cumulative_plot
from tests.scoring.simulated import sheet


def test_one_matrix_a_reader_and_one_curve_a_reader():
    found = agreement(sheet(6, readers=("A", "B", "C"), scheme_name="svdh-fingers"), replicates=0)
    assert len(confusion_plot(found, "jsn").axes) == 3
    assert len(cumulative_plot(found).axes[0].lines) == 3


def test_what_is_absent_is_not_drawn():
    table = sheet(4, visits=(1,), scheme_name="svdh-fingers").query("kind == 'jsn'")
    drawn = agreement_plots(agreement(table, replicates=0))
    assert list(drawn) == ["confusions-jsn.png"] and drawn["confusions-jsn.png"].startswith(b"\x89PNG")
