"""A server that is killed while grades are being saved: at most the one under way is lost."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from tests.web.conftest import Client, fill

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")]
SITES = [f"{kind}{ray}" for kind in ("MCP", "PIP") for ray in (2, 3, 4, 5)]


def start(place):
    process = subprocess.Popen(
        [sys.executable, "-m", "napari_jsn.cli", "serve", "--port", "0", "--store", str(place)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    address, token = process.stdout.readline().strip().split("/?token=")
    client = Client(int(address.rpartition(":")[2]))
    client.ask("GET", f"/?token={token}", headers={"Authorization": None})
    return process, client, {"Authorization": None}


@pytest.mark.parametrize("after", [7, 23, 41])
def test_killed_while_fifty_grades_are_saved(tmp_path, after):
    place = tmp_path / "trial.db"
    fill(place)
    process, client, headers = start(place)
    cells = [
        (visit, side, site, kind) for visit in (1, 2) for side in "RL" for site in SITES for kind in ("jsn", "erosion")
    ]
    wanted = {cell: (k * 3 + 1) % 5 for k, cell in enumerate(cells[:50])}
    answered, stopped = {}, threading.Event()
    assert client.ask("POST", "/reader", {"name": "A"}, headers)[0] == 200

    def save():
        for (visit, side, site, kind), grade in wanted.items():
            content = {"patient": "P001", "visit": visit, "side": side, "site": site, "kind": kind, "grade": grade}
            try:
                status, _, _ = client.ask("POST", "/grade", content, headers)
            except OSError:
                break
            assert status == 200
            answered[visit, side, site, kind] = grade
            if len(answered) == after:
                stopped.set()

    saving = threading.Thread(target=save)
    saving.start()
    assert stopped.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    saving.join()
    process, client, headers = start(place)
    try:
        assert client.ask("POST", "/reader", {"name": "A"}, headers)[0] == 200
        shown = {}
        for visit in (1, 2):
            _, content, _ = client.ask("GET", f"/table?id=P001&visit={visit}", headers=headers)
            for key, cell in json.loads(content)["cells"].items():
                if cell["state"] == "edited":
                    site, side, kind = key.split("-")
                    shown[visit, side, site, kind] = int(cell["text"])
        assert after <= len(answered) <= 50
        assert {cell: shown.get(cell) for cell in answered} == answered
        more = {cell: grade for cell, grade in shown.items() if cell not in answered}
        assert len(more) <= 1 and all(wanted[cell] == grade for cell, grade in more.items())
    finally:
        process.terminate()
        process.wait(20)
