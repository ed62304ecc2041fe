"""Make the pictures of docs/web.md: the page with the simulated hand of the package, in Chromium.

Run ``python docs/make_web_pictures.py`` with the extra ``test`` and Debian's chromium and chromium-driver.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys

import napari_jsn as jsn

IMAGES = Path(__file__).parent / "images"
SIZE = (1440, 1340)
#: Grades that the reader gives in the picture.
GRADES = {"MCP2-L-jsn": 3, "PIP3-L-jsn": 3, "MCP4-L-erosion": 1}


def main() -> None:
    """Serve a temporary store, drop the sample hand, give some grades, and save two pictures."""
    serve = [sys.executable, "-m", "napari_jsn.cli", "serve", "--port", "0"]
    server = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        take_pictures(server.stdout.readline().strip())
    finally:
        server.terminate()
        server.wait()


def take_pictures(address: str) -> None:
    """Save ``web-start.png`` and ``web-patient.png``."""
    base = address.split("?")[0]
    with tempfile.TemporaryDirectory() as profile:
        options = ChromeOptions()
        sandbox = ["--no-sandbox"] if os.getuid() == 0 else []
        size = ",".join(map(str, SIZE))
        for argument in ("--headless=new", "--hide-scrollbars", f"--window-size={size}", f"--user-data-dir={profile}"):
            options.add_argument(argument)
        for argument in (*sandbox, "--lang=en", "--force-device-scale-factor=1"):
            options.add_argument(argument)
        driver = Chrome(options, Service("/usr/bin/chromedriver"))
        driver.implicitly_wait(120)
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": SIZE[0], "height": 740, "deviceScaleFactor": 1, "mobile": False},
        )
        driver.get(f"{address}&language=en")
        files = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
        driver.find_element("id", "files").send_keys("\n".join(map(str, files)))
        driver.find_element("id", "pseudonym").send_keys("P001")
        save(driver, IMAGES / "web-start.png")
        driver.find_element("id", "begin").click()
        driver.find_element("id", "grid")
        driver.find_element("id", "reader").click()
        driver.find_element("id", "name").send_keys("Reader A", Keys.ENTER)
        while driver.find_element("id", "reader-name").text != "Reader A":
            time.sleep(0.1)
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": SIZE[0], "height": SIZE[1], "deviceScaleFactor": 1, "mobile": False},
        )
        driver.get(f"{base}patient?id=P001&visit=2")
        for cell, grade in reversed(GRADES.items()):
            driver.find_element("id", cell).send_keys(str(grade))
        driver.find_element("css selector", "#both canvas")
        time.sleep(2)
        save(driver, IMAGES / "web-patient.png")
        driver.quit()


def save(driver: Chrome, target: Path) -> None:
    """Save what the window shows, with few colours: the pictures are part of the repository."""
    driver.save_screenshot(str(target))
    Image.open(target).convert("RGB").quantize(256).save(target, optimize=True)
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
