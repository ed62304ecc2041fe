"""The page in Chromium: drop, find, grade by keyboard, reset, download; narrow screens and screen readers."""

import io
import json
import re
import time

import pandas as pd
import pytest

import napari_jsn as jsn
from napari_jsn.reading import statement
from tests.web.browser import chromium, complaints, needs_chromium, resize, save_downloads, violations
from tests.web.conftest import TOKEN, Client, serving
from tests.web.page import by_id, drop, keys, name_reader, saved, shown, until

pytestmark = needs_chromium
#: Milliseconds until something is painted.
FIRST_PAINT_MS = 1500


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


@pytest.fixture
def page(browser, running):
    """The browser at the page of the shared server, without a reader, as wide as a desktop."""
    resize(browser, 1440, 1000)
    browser.base = f"http://127.0.0.1:{running[0]}/"
    browser.get(f"{browser.base}?token={TOKEN}&language=en")
    browser.delete_cookie("napari-jsn-reader")
    complaints(browser)
    yield browser
    assert complaints(browser) == []


def test_drop_find_measure_abort_and_delete(browser, tmp_path):
    files = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    resize(browser, 1440, 1000)
    with serving(tmp_path / "trial.db") as (port, work):
        browser.get(f"http://127.0.0.1:{port}/?token={TOKEN}&language=en")
        assert "token" not in browser.current_url
        painted = until(
            lambda: browser.execute_script(
                "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
            )
        )
        assert painted < FIRST_PAINT_MS
        drop(browser, files)
        by_id(browser, "pseudonym").send_keys("P7")
        by_id(browser, "begin").click()
        until(lambda: by_id(browser, "work-bar").is_displayed())
        by_id(browser, "abort").click()
        until(lambda: by_id(browser, "upload-error").text == "Aborted. Nothing was stored.", 60)
        assert len(work.store("").patients()) == 0 and not any(each.is_dir() for each in work.uploads.folder.iterdir())
        begun = time.monotonic()
        by_id(browser, "begin").click()
        until(lambda: "/patient" in browser.current_url and browser.find_elements("css selector", "#grid td.mm b"), 120)
        print(f"first paint {painted:.0f} ms, drop to table {time.monotonic() - begun:.1f} s")
        truth = (
            pd.read_csv(files[0].parents[1] / "truth.csv").query("visit == 2").set_index("joint")["jsn_projected_mm"]
        )
        row = browser.find_element("css selector", "tr[data-site='MCP2']").text
        figure = float(re.search(r"[+\u2212]\d\.\d\d", row)[0].replace("\u2212", "-"))
        assert abs(figure - truth["MCP2"]) < 0.1
        assert {state for state, _ in shown(browser).values()} == {"model"}
        assert statement("two-stage") in browser.find_element("class name", "model").text
        drop_twice = Client(port).upload([("a.dcm", files[0].read_bytes())], {"patient": "P7"})
        assert drop_twice[0] == 400
        browser.get(f"http://127.0.0.1:{port}/")
        browser.find_element("css selector", "[data-delete='P7']").click()
        by_id(browser, "delete-yes").click()
        until(lambda: not browser.find_elements("css selector", "[data-delete='P7']"))
        assert not any(each.is_dir() for each in work.uploads.folder.iterdir())


def test_sixty_cells_by_keyboard_five_reset_reloaded_and_downloaded(page):
    wanted = {}
    for visit, count in ((1, 40), (2, 20)):
        page.get(f"{page.base}patient?id=P001&visit={visit}")
        first = until(lambda: page.find_elements("css selector", "#grid button.cell[tabindex='0']"))[0]
        first.send_keys("0")
        if visit == 1:  # the name is asked before the first grade
            until(lambda: by_id(page, "name-dialog").is_displayed())
            keys(page, *"Dr. Keys", "\n")
            until(lambda: not by_id(page, "name-dialog").is_displayed())
        order = [each.get_attribute("id") for each in page.find_elements("css selector", "#grid button.cell")]
        for done, place in enumerate(order[:count]):
            page.execute_script("arguments[0].focus()", by_id(page, place))
            grade = str((3 * done + visit) % (6 if place.endswith("erosion") else 5))
            keys(page, grade)
            wanted[visit, place] = ("edited", grade)
        saved(page)
        reset = order[3:8] if visit == 1 else []
        for place in reset:
            page.execute_script("arguments[0].focus()", by_id(page, place))
            keys(page, "\ue017")  # Delete
            del wanted[visit, place]
        saved(page)
    assert len(wanted) == 55
    table = {}
    for visit in (1, 2):
        page.get(f"{page.base}patient?id=P001&visit={visit}")
        cells = shown(page)
        marked = {place for place, (state, _) in cells.items() if state == "edited"}
        assert marked == {place for number, place in wanted if number == visit}
        assert {place: cells[place] for place in marked} == {
            p: w for (number, p), w in wanted.items() if number == visit
        }
        table |= {(visit, place): cell for place, cell in cells.items()}
    save_downloads(page)
    by_id(page, "downloads").click()
    page.find_element("css selector", "[data-download='csv']").click()
    until(lambda: list(page.folder.glob("P001-scores*.csv")))
    assert page.current_url.endswith("/patient?id=P001&visit=2")
    got = pd.read_csv(io.BytesIO(until(lambda: next(page.folder.glob("*.csv")).read_bytes())), keep_default_na=False)
    for row in got.to_dict("records"):
        state, text = table[row["visit"], f"{row['site']}-{row['side']}-{row['kind']}"]
        assert (str(row["edited"]) == "True") == (state == "edited")
        assert text == (f"{float(row['grade']):g}" if row["grade"] != "" else "\u2013")
        assert row["by"] == {"edited": "Dr. Keys", "model": "two-stage"}.get(state, "")
    by_id(page, "reset-all").click()
    by_id(page, "reset-yes").click()
    until(lambda: not [1 for state, _ in shown(page).values() if state == "edited"])


def test_the_keys_of_the_table(page):
    page.get(f"{page.base}patient?id=P001&visit=2")
    name_reader(page, "Arrow")
    by_id(page, "MCP2-L-jsn").click()
    until(lambda: by_id(page, "cell-dialog").is_displayed())
    assert by_id(page, "cell-title").text == "MCP2, left, JSN" and page.switch_to.active_element.text == "2"
    page.find_element("css selector", "[data-mark='luxation']").click()
    until(lambda: shown(page)["MCP2-L-jsn"] == ("edited", "4"))
    assert page.switch_to.active_element.get_attribute("id") == "MCP2-L-jsn"
    assert by_id(page, "MCP2-L-jsn").get_attribute("aria-label").endswith("the model gave 2")
    keys(page, "\ue015", "\ue012", "3")  # down, left
    assert page.switch_to.active_element.get_attribute("id") == "MCP3-L-erosion"
    saved(page)
    keys(page, "9")
    until(lambda: "0-5" in by_id(page, "message").text)
    keys(page, "x")
    until(lambda: by_id(page, "cell-dialog").is_displayed())
    assert page.switch_to.active_element.text == "not visible"
    keys(page, "\ue007")
    until(lambda: shown(page)["MCP3-L-erosion"] == ("edited", "X"))
    saved(page)
    by_id(page, "undo").click()
    until(lambda: shown(page)["MCP3-L-erosion"] == ("edited", "3"))
    by_id(page, "redo").click()
    until(lambda: shown(page)["MCP3-L-erosion"] == ("edited", "X"))
    by_id(page, "reset-all").click()
    assert "2 grades of Arrow" in by_id(page, "reset-text").text
    by_id(page, "reset-yes").click()
    until(lambda: shown(page)["MCP2-L-jsn"] == ("model", "2") and shown(page)["MCP3-L-erosion"] == ("empty", "\u2013"))


def pixels_of(driver, place):
    return driver.execute_script(f"return document.querySelector('{place} canvas').toDataURL()")


def test_radiograph_zoom_levels_blink_and_joint(page):
    page.get(f"{page.base}patient?id=P001&visit=2")
    until(lambda: page.find_elements("css selector", "#stage g[role='button']"))
    time.sleep(0.5)
    seen = [pixels_of(page, "#stage")]
    for press in ("zoom-in", "zoom-fit", "blink", "blink"):
        by_id(page, press).click()
        time.sleep(1.0 if press == "blink" and len(seen) == 3 else 0.1)
        seen.append(pixels_of(page, "#stage"))
    assert seen[0] != seen[1] and seen[0] == seen[2] != seen[3] and seen[4] == seen[0]
    page.execute_script(
        "const s = document.getElementById('level'); s.value = 200; s.dispatchEvent(new Event('input'))"
    )
    assert pixels_of(page, "#stage") != seen[0]
    by_id(page, "standard").click()
    assert pixels_of(page, "#stage") == seen[0]
    joint = page.find_element("css selector", "#stage g[data-joint='MCP2']")
    assert "MCP2" in joint.get_attribute("aria-label")
    page.execute_script("arguments[0].focus()", joint)
    keys(page, "\ue007")
    until(lambda: len(page.find_elements("css selector", "#both canvas")) == 2)
    assert "MCP2" in by_id(page, "joint-title").text and "mm" in by_id(page, "joint-figure").text
    until(lambda: page.find_elements("css selector", "tr.chosen[data-site='MCP2']"))
    by_id(page, "outlines").click()
    assert len(page.find_elements("css selector", "#both polyline")) >= 4
    reached = page.execute_script("return performance.getEntriesByType('resource').map((each) => each.name)")
    assert reached and all(address.startswith(page.base) for address in reached)


@pytest.mark.parametrize("width", [1440, 390])
def test_four_views_have_no_serious_violation_and_fit_the_screen(page, width):
    from tests.web.browser import AXE

    if not (AXE / "axe.min.js").is_file():
        pytest.skip("axe-core is not installed: make test-services")
    resize(page, width, 900)
    name_reader(page, "Axe")
    page.get(f"{page.base}patient?id=P001&visit=2")
    page.execute_script("document.getElementById('MCP2-L-jsn').focus()")
    keys(page, "4")  # a changed cell beside the model's
    saved(page)
    for view, address in (
        ("start", ""),
        ("patient", "patient?id=P001&visit=2"),
        ("choices", None),
        ("help", "help"),
        ("error", "patient?id=none"),
    ):
        if address is not None:
            page.get(page.base + address)
        if view == "patient":
            until(lambda: page.find_elements("css selector", "#stage g[role='button']"))
            page.execute_script("document.getElementById('PIP3-L-jsn').focus()")
            until(lambda: page.find_elements("css selector", "#both canvas"))
        if view == "choices":
            by_id(page, "PIP3-L-jsn").click()
        assert violations(page) == [], view
        assert page.execute_script("return document.documentElement.scrollWidth") <= width, view
        assert "For research use only" in page.page_source
    complaints(page)  # the page of an error counts as one


def test_the_hand_that_was_chosen_last_is_shown(page):
    page.get(f"{page.base}patient?id=P001&visit=2")
    until(lambda: page.find_elements("css selector", "#stage g[role='button']"))
    for side, joint in (("L", "MCP2"), ("R", "MCP2"), ("L", "PIP3")):
        page.execute_script(f"document.getElementById('{joint}-{side}-jsn').focus()")
        until(lambda side=side: by_id(page, "stage").get_attribute("data-shown") == f"2{side}")
    page.get(f"{page.base}patient?id=P001&visit=2")  # pixels are fetched again
    page.execute_script(
        "for (const id of ['MCP2-L-jsn', 'MCP2-R-jsn', 'PIP3-L-jsn', 'PIP3-R-jsn', 'MCP2-L-erosion', 'PIP3-R-jsn'])"
        " document.getElementById(id).focus();"
    )
    until(lambda: page.find_elements("css selector", "#stage g.chosen polygon"))
    time.sleep(1.5)
    assert by_id(page, "stage").get_attribute("data-shown") == "2R"
    assert by_id(page, "shown").text.endswith("right") and by_id(page, "joint-title").text == "PIP3 right"
    assert page.find_element("css selector", "#hands button[aria-pressed='true']").text == "right"


def test_names_in_a_store_are_never_markup(browser, tmp_path):
    from dataclasses import replace

    from tests.web.conftest import patient_of_both_hands

    name = "<img src=x onerror=\"document.title='run'\">{{7*7}}</script><script>document.title='run'</script>"
    with jsn.open_store(tmp_path / "trial.db", "</script><b>") as store:
        store.save(replace(patient_of_both_hands("P"), patient_id=name, notes=(name,)))
    with serving(tmp_path / "trial.db") as (port, _):
        browser.get(f"http://127.0.0.1:{port}/?token={TOKEN}")
        link = browser.find_element("css selector", ".list a")
        assert link.text == name
        link.click()
        until(lambda: browser.find_elements("css selector", "#stage g[role='button']"))
        assert "run" not in browser.title.split("<img")[0] and "49" not in browser.title
        assert (
            json.loads(browser.execute_script("return document.getElementById('view').textContent"))["patient"] == name
        )
        complaints(browser)


def test_image_files_without_a_date_are_asked_for_and_a_visit_is_added(browser, tmp_path, monkeypatch):
    from functools import partial

    from napari_jsn.web import workplace as workplace_module
    from tests.web.test_visits import png

    first, second = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    folder = browser.folder.parent / "images"  # which the user of Chromium can read
    folder.mkdir(exist_ok=True)
    (folder / "second.png").write_bytes(png(second))
    (folder / "first.dcm").write_bytes(first.read_bytes())
    monkeypatch.setattr(
        workplace_module, "measure_patient", partial(workplace_module.measure_patient, joints=["MCP2", "PIP3"])
    )
    with serving(tmp_path / "trial.db") as (port, _):
        resize(browser, 390, 844)
        browser.get(f"http://127.0.0.1:{port}/?token={TOKEN}&language=de")
        browser.delete_cookie("napari-jsn-reader")  # of other tests: cookies do not regard ports
        drop(browser, [folder / "first.dcm"])
        by_id(browser, "pseudonym").send_keys("P8")
        by_id(browser, "begin").click()
        until(lambda: browser.find_elements("id", "grid"), 120)
        by_id(browser, "MCP2-L-jsn").click()  # a digit in the dialog of choices is a grade, and no part of a name
        until(lambda: by_id(browser, "cell-dialog").is_displayed())
        keys(browser, "3")
        until(lambda: by_id(browser, "name-dialog").is_displayed())
        keys(browser, "R", "\n")
        until(lambda: shown(browser)["MCP2-L-jsn"] == ("edited", "3"))
        assert by_id(browser, "reader-name").text == "R"
        saved_text = by_id(browser, "saved")
        until(lambda: saved_text.text in ("Gespeichert", ""))
        drop(browser, [folder / "second.png"])  # anywhere on the page
        until(lambda: by_id(browser, "add-dialog").is_displayed())
        by_id(browser, "begin").click()
        until(lambda: by_id(browser, "facts").is_displayed())
        assert by_id(browser, "facts-text").text.startswith("Einige Röntgenbilder")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        assert browser.switch_to.active_element.get_attribute("data-fact") == "acquired"
        by_id(browser, "facts-0-visit").send_keys("1")
        by_id(browser, "facts-0-side").send_keys("l")
        size = f"{jsn.read_radiograph(second).spacing_mm:.4f}".replace(".", ",")
        by_id(browser, "facts-0-spacing_mm").send_keys(size)
        by_id(browser, "begin").click()
        until(lambda: "Visit 1 has a radiograph" in by_id(browser, "upload-error").text)
        assert by_id(browser, "facts-0-side").get_attribute("value") == "L"  # what was typed is still there
        by_id(browser, "facts-0-visit").send_keys("\b2")
        by_id(browser, "begin").click()
        until(lambda: len(browser.find_elements("css selector", ".tabs a")) == 2, 120)
        row = until(lambda: browser.find_element("css selector", "tr[data-site='MCP2']").text)
        assert re.search(r"[+\u2212]\d\.\d\d", row)
        assert "nicht gemessen" in browser.find_element("css selector", "tr[data-site='DIP2']").text
        by_id(browser, "downloads").click()
        browser.find_element("css selector", "[data-download='sr']").click()  # which cannot refer to an image file
        until(lambda: "DICOM" in by_id(browser, "message").text)
        complaints(browser)
        browser.find_element("css selector", ".tabs a").click()
        until(lambda: shown(browser).get("MCP2-L-jsn") == ("edited", "3"))


def test_a_blinded_session_by_keyboard(page, running):
    from napari_jsn.reading import Reading

    with jsn.open_store(running[2], "Blind") as store:
        Reading.new(store, "trial", "single", seed=2)
    page.get(page.base)
    name_reader(page, "Blind")
    until(lambda: page.find_elements("link text", "trial"))[0].send_keys("\n")
    until(lambda: page.find_elements("css selector", "a.button"))[0].send_keys("\n")
    until(lambda: page.find_elements("css selector", "#stage g[role='button']"))
    assert page.find_element("tag name", "h1").text == "Item 001"
    assert "P001" not in page.page_source and "(week" not in page.page_source
    page.execute_script("document.getElementById('MCP2-L-jsn').focus()")
    keys(page, "2", "\ue015", "1")
    saved(page)
    until(lambda: page.find_elements("css selector", "#both canvas"))
    from tests.web.browser import AXE

    if (AXE / "axe.min.js").is_file():
        assert violations(page) == []
    by_id(page, "finish").send_keys("\n")
    until(lambda: page.find_element("tag name", "h1").text == "Item 002")
    by_id(page, "finish").send_keys("\n")
    until(lambda: "/session" in page.current_url)
    assert "2 of 2 items done" in page.find_element("tag name", "main").text
    with jsn.open_store(running[2]) as store:
        rows = store.scores("P001").query("reader == 'Blind'")
        assert rows[["session", "site", "grade"]].values.tolist() == [["trial", "MCP2", 2.0], ["trial", "MCP3", 1.0]]
