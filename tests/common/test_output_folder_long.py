"""Many writers of one folder, and writers that are killed: old set or new set, and all files of others."""

import json
import signal
import subprocess
import sys
import time

import pytest

from napari_jsn.common.output_folder import RECORD, problems_of_set
from tests.common.test_output_folder import check_killed

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")]

WRITER = """
import sys
from napari_jsn.common.errors import InputError
from napari_jsn.common.output_folder import OutputFolder
folder, name, written = sys.argv[1], sys.argv[2], 0
while written < 50:
    try:
        with OutputFolder(folder) as output:
            contents = {f"{k}.csv": f"{name} {written}".encode() for k in range(8 + written % 5)}
            output.write(contents, {"software": "napari-jsn 0", "command": "measure"})
            written += 1
    except InputError as error:
        print(error, flush=True)
"""
OTHER = """
import sys
from pathlib import Path
for number in range(20_000):
    Path(sys.argv[1], f"others-{number}.csv").write_text(str(number))
    if number % 1000 == 0:
        print(number, flush=True)
"""


def start(code, *words):
    return subprocess.Popen([sys.executable, "-c", code, *map(str, words)], stdout=subprocess.PIPE, text=True)


def test_files_of_others_stay_during_200_writes(tmp_path):
    other = start(OTHER, tmp_path)
    writers = [start(WRITER, tmp_path, name) for name in "abcd"]
    refused = [line for writer in writers for line in writer.communicate()[0].splitlines()]
    other.communicate()
    assert [process.returncode for process in (other, *writers)] == [0] * 5
    lost = [k for k in range(20_000) if (tmp_path / f"others-{k}.csv").read_text() != str(k)]
    assert lost == [] and problems_of_set(tmp_path) == []
    ours = json.loads((tmp_path / RECORD).read_text())["files"]
    assert {path.name for path in tmp_path.iterdir() if not path.name.startswith("others-")} == {RECORD, *ours}
    assert len({(tmp_path / name).read_bytes() for name in ours}) == 1
    assert all(line.startswith("Another run is writing to ") for line in refused)
    print(f"\n200 writes, {len(refused)} refusals, 20,000 files of others, {len(lost)} lost")


def test_writers_killed_at_20_moments(tmp_path):
    counted = check_killed(tmp_path / "results", [0.0037 * k for k in range(20)])
    print(f"\nkilled at 20 moments: {counted['whole']} whole sets, {counted['incomplete']} called incomplete, 0 mixed")
    assert sum(counted.values()) == 20


@pytest.mark.parametrize("written", [1, 2, 3])
def test_a_killed_simulation_goes_on(tmp_path, written):
    words = ["simulate", "--patients", "2", "--visits", "2", "--rows", "720", "--columns", "540", "--spacing-mm", "0.4"]
    command = [sys.executable, "-m", "napari_jsn.cli", *words, "--masks", "--out"]
    subprocess.run([*command, tmp_path / "whole"], check=True, capture_output=True)
    process = subprocess.Popen([*command, tmp_path / "killed"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(list((tmp_path / "killed").glob("SIM*/*.dcm"))) < written and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed" / RECORD).exists()
    again = subprocess.run([*command, tmp_path / "killed"], check=True, capture_output=True, text=True)
    assert "Going on after" in again.stderr or written == 1
    one, two = (
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "whole", tmp_path / "killed")
    )
    assert json.loads(one.pop(RECORD))["files"] == json.loads(two.pop(RECORD))["files"] and one == two
