"""Cohorts that are killed, and a cohort of 10,000 patients that sleep."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest

from napari_jsn.cli import main

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")]


def cohort(trial, place, out):
    words = ("cohort", trial, "--store", place / "t.db", "--out", out, "--workers", 2, "--joints", "MCP2")
    command = [sys.executable, "-m", "napari_jsn.cli", *map(str, words), "--pseudonyms"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def workers_of(process):
    """The processes of a cohort that measure."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return [each for each in children if "spawn_main" in " ".join(each.cmdline())]
    except psutil.Error:
        return []


def table(out):
    found = pd.read_csv(out / "joints.csv").sort_values(["patient", "joint"], ignore_index=True)
    return found


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """Six simulated patients of two visits, their table, and how long that took."""
    place = tmp_path_factory.mktemp("trial")
    with pytest.raises(SystemExit):
        main(["simulate", "--out", str(place / "trial"), "--patients", "6", "--hands", "left", "--seed", "3", "-q"])
    started = time.perf_counter()
    assert cohort(place / "trial", place, place / "out").wait(timeout=3600) == 0
    return place / "trial", table(place / "out"), time.perf_counter() - started


def test_killed_workers_and_clients(trial, tmp_path):
    folder, whole, seconds = trial
    draw = random.Random(6)
    for k in range(12):
        place = tmp_path / str(k)
        place.mkdir()
        process = cohort(folder, place, place / "out")
        time.sleep(draw.uniform(0.2, 0.95) * seconds)
        if k % 2:
            os.kill(process.pid, signal.SIGKILL)
            process.wait(timeout=60)
        elif found := workers_of(process):
            found[draw.randrange(len(found))].kill()
        if k % 2 or process.wait(timeout=3600) != 0:
            assert cohort(folder, place, place / "out").wait(timeout=3600) == 0
        pd.testing.assert_frame_equal(table(place / "out"), whole)


def test_ten_thousand_sleeping_patients(tmp_path, capsys):
    words = ("10000", "2", "8", "0.02", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "tests.cohort.sleeping", *words], capture_output=True, text=True, timeout=3600
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    with capsys.disabled():
        print(f"\n10,000 patients: {found}")
    assert found["measured"] == 10_000 and found["counts"]["figures"] == 200_000
    assert found["client_memory_mb"] < 1000
    figures = pd.read_csv(tmp_path / "out" / "joints.csv", usecols=["patient", "jsn_mm"])
    assert len(figures) == 200_000 and figures["patient"].nunique() == 10_000
    assert found["client_cpu_s"] / 10_000 < 0.020
