"""What a user does on the page in Chromium: waits, types, drops files, and reads the table."""

import time
from contextlib import suppress

try:
    from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
except ImportError:  # the tests are skipped
    NoSuchElementException = StaleElementReferenceException = LookupError


def until(find, seconds=60):
    end = time.monotonic() + seconds
    while True:
        with suppress(StaleElementReferenceException, NoSuchElementException):  # while another page is loaded
            if found := find():
                return found
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.03)


def by_id(driver, name):
    return driver.find_element("id", name)


def keys(driver, *pressed):
    for key in pressed:
        driver.switch_to.active_element.send_keys(key)


def name_reader(driver, name):
    by_id(driver, "reader").click()
    by_id(driver, "name").send_keys(name, "\n")
    until(lambda: by_id(driver, "reader-name").text == name)


def saved(driver):
    until(lambda: by_id(driver, "saved").text in ("Saved", ""))


def shown(driver):
    """The state and the text of all cells that can be graded."""
    cells = driver.find_elements("css selector", "#grid button.cell")
    return {
        each.get_attribute("id"): (each.get_attribute("data-state"), each.find_element("class name", "value").text)
        for each in cells
    }


def drop(driver, paths):
    """Drop files on the page: Selenium cannot drag from other programs, so the event is made of chosen files."""
    driver.execute_script(
        "const input = Object.assign(document.createElement('input'), {type: 'file', multiple: true, id: 'dropped'});"
        "document.body.append(input);"
    )
    by_id(driver, "dropped").send_keys("\n".join(map(str, paths)))
    driver.execute_script(
        "const input = document.getElementById('dropped'), data = new DataTransfer();"
        "for (const file of input.files) data.items.add(file);"
        "document.getElementById('drop').dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, "
        "cancelable: true}));"
        "input.remove();"
    )
