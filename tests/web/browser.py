"""Chromium for the tests of the page: headless, as an unprivileged user, driven by Selenium."""

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

#: Names a folder with ``axe.min.js``, which `make test-services` installs; without it these tests are skipped.
AXE = Path(os.environ.get("NAPARI_JSN_TEST_AXE", "") or Path(__file__).parents[2] / "output/axe/node_modules/axe-core")
USER = "nobody"


def missing():
    """Return why the tests in Chromium cannot run; "" if they can."""
    if os.environ.get("NAPARI_JSN_TEST_CHROMIUM") != "1":
        return "Tests in Chromium run by: make test-services"
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed"
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    return ""


needs_chromium = pytest.mark.skipif(bool(missing()), reason=missing() or "Chromium is there")


@contextmanager
def chromium(size=(1440, 1000)):
    """Give a driver of Chromium, whose ``folder`` has the downloads."""
    from selenium.webdriver import ChromeOptions, Remote
    from selenium.webdriver.remote.file_detector import UselessFileDetector

    # not in a folder of pytest, which only its own user can enter
    home = Path(tempfile.mkdtemp(prefix="napari-jsn-chromium-"))
    downloads = home / "downloads"
    downloads.mkdir()
    as_user = []
    if os.getuid() == 0:
        entry = pwd.getpwnam(USER)
        for folder in (home, downloads):
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        as_user = ["runuser", "-u", USER, "--"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"HOME": str(home), "TMPDIR": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    log = (home / "log").open("wb")
    process = subprocess.Popen(
        [*as_user, shutil.which("chromedriver"), f"--port={port}"], env=environment, cwd=home, stdout=log, stderr=log
    )  # fmt: skip
    try:
        _wait_for(f"http://127.0.0.1:{port}/status")
        options = ChromeOptions()
        for argument in (
            "--headless=new", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage", "--lang=en",
            "--hide-scrollbars",
            f"--user-data-dir={home / 'profile'}", f"--window-size={size[0]},{size[1]}",
        ):  # fmt: skip
            options.add_argument(argument)
        if os.environ.get("NAPARI_JSN_TEST_NO_SANDBOX") == "1":  # containers without user namespaces
            options.add_argument("--no-sandbox")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = Remote(f"http://127.0.0.1:{port}", options=options)
        driver.file_detector = UselessFileDetector()  # files lie on this machine
        driver.folder = downloads
        try:
            yield driver
        finally:
            with suppress(Exception):
                driver.quit()
    finally:
        process.terminate()
        process.wait(10)
        log.close()
        shutil.rmtree(home, ignore_errors=True)


def save_downloads(driver):
    """Save downloads in the folder of the driver from now on."""
    allowed = {"behavior": "allow", "downloadPath": str(driver.folder)}
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)


def resize(driver, width, height):
    """Give the page this size; windows of headless Chromium cannot be narrower than 500 pixels."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )


def violations(driver):
    """Return what axe-core finds on the page: ``(impact, rule, elements)``, serious and critical ones only."""
    driver.execute_script((AXE / "axe.min.js").read_text("utf-8"))
    found = driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document).then((r) => done(JSON.stringify(r.violations.map((v) => "
        "[v.impact, v.id, v.nodes.map((n) => n.html.slice(0, 160))]))), "
        "(e) => done(JSON.stringify([['critical', String(e), []]])));"
    )
    return [each for each in json.loads(found) if each[0] in ("serious", "critical")]


def picture(driver, path, whole=True):
    """Save a picture of the page, whole or as the window shows it."""
    import base64

    taken = driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": whole})
    Path(path).write_bytes(base64.b64decode(taken["data"]))


def complaints(driver):
    """Return what Chromium wrote to its console since the last call: errors of scripts, what the policy refused."""
    commands = driver.command_executor._commands  # the class of remote drivers lacks the command of Chromium
    commands["getLog"] = ("POST", "/session/$sessionId/se/log")
    return [each["message"] for each in driver.execute("getLog", {"type": "browser"})["value"]]


def _wait_for(address, seconds=30):
    end = time.monotonic() + seconds
    while True:
        try:
            with urlopen(address):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
