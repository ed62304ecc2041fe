"""A patient with three visits: captions and layers say which of them they show."""

import pytest
from qtpy.QtTest import QTest

from napari_jsn.reading import Reading
from napari_jsn.store import open_store
from napari_jsn.viewer.layers.read_layer import layer_metadata
from tests.progression import made_up

from .test_messages import choose_image


@pytest.fixture
def three(tmp_path):
    path = tmp_path / "three.db"
    with open_store(path, "A") as store:
        store.save(made_up.progression(visits=3))
    return str(path)


def captions(window):
    return [text for text in window.viewer.layers["margins"].features["text"] if text.strip() and " mm" not in text]


def shows(window):
    return {layer.name: layer_metadata(layer)["shows"] for layer in window.viewer.layers}


def test_captions_and_layers_name_the_visits(window, three):
    code = made_up.progression(visits=3).patient_id
    window.open(three, code)
    plain = {number: window.widget.reading.images.itemText(number - 1) for number in (1, 2, 3)}
    for number in (2, 3):
        choose_image(window, f"visit {number}")
        pair = f"{plain[1]}; {plain[number]}"
        window.keys("S")
        assert [text.split(", aligned")[0] for text in captions(window)] == list(plain.values())
        assert shows(window)["baseline"] == "baseline"
        assert shows(window)["follow-up"] == f"{plain[2]}, {plain[3]}"
        assert shows(window)["follow-up aligned"] == plain[number]
        for name in ("transformed", "original loss spectrum", "transformed loss spectrum", "difference"):
            assert shows(window)[name] == pair
        window.keys("D")
        assert captions(window)[0] == f"{plain[number]} minus baseline"
        window.keys("B")
        assert captions(window)[0].startswith(f"baseline and {plain[number]} in turns")
        window.keys("L")
        assert captions(window)[:2] == ["F: baseline", f"G': {plain[number]}, transformed"]
        window.keys("H")
        assert (shows(window)["baseline"], shows(window)["follow-up"]) == ("baseline", plain[number])
        assert not shows(window)["difference"]
    window.widget.flow.close()
    assert not any(shows(window).values())


def test_the_room_of_the_trend_is_that_of_the_sites_in_score_mode(window, three):
    window.open(three, made_up.progression(visits=3).patient_id)
    trend = window.widget.reading.trend
    window.qtbot.wait_until(lambda: not trend.isHidden(), timeout=5000)
    window.keys("G")
    window.qtbot.wait_until(trend.isHidden, timeout=5000)
    assert window.widget.reading.scores.totals.text().startswith("narrowing\u00a0")
    window.keys("G")
    window.qtbot.wait_until(lambda: not trend.isHidden(), timeout=5000)


def test_the_current_joint_stays_in_view_where_the_trend_takes_room(window, three):
    window.viewer.window._qt_window.resize(1366, 700)
    window.viewer.window.show()
    window.open(three, made_up.progression(visits=3).patient_id)
    table, trend = window.widget.reading.table, window.widget.reading.trend
    trend.hide()
    window.keys("P")  # the last joint
    window.qtbot.wait_until(lambda: not trend.isHidden(), timeout=5000)
    window.qtbot.wait(50)
    assert table.currentRow() == table.rowCount() - 1
    assert table.viewport().rect().contains(table.visualItemRect(table.currentItem()).center())


def test_a_blinded_session_names_images(window, three):
    with open_store(three, "A") as store:
        code = Reading.new(store, "paired", "paired", seed=2).work_list()[0].code
    window.open(three, code, "paired")
    window.keys("D")
    QTest.qWait(10)
    assert captions(window)[0] == "image 3 minus image 1" and shows(window)["difference"] == "image 1; image 3"
    window.keys("L")  # there is no such view
    assert window.position.view == "difference"
