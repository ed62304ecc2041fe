"""A set of files is replaced as a whole."""

import os
import signal
import subprocess
import sys

import pytest

from napari_jsn.common import file_set
from napari_jsn.common.errors import InputError
from napari_jsn.common.file_set import write_set

OLD = {"a.csv": b"old a", "b.html": b"old b", "c.dcm": b"old c"}
NEW = {"a.csv": b"new a", "b.html": b"new b"}


def ours(name):
    return name in OLD


def held(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture(params=["exchanged", "one by one"])
def either_method(request, monkeypatch):
    if request.param == "one by one":
        monkeypatch.setattr(file_set, "_exchange", lambda one, two: False)


def test_a_new_folder_is_made(tmp_path):
    folder = tmp_path / "deep" / "results"
    assert write_set(folder, NEW) == [folder / "a.csv", folder / "b.html"]
    assert held(folder) == NEW
    assert [path.name for path in folder.parent.iterdir()] == ["results"]


def test_the_old_set_goes_as_a_whole_and_other_files_stay(tmp_path, either_method):
    folder = tmp_path / "results"
    write_set(folder, {**OLD, "notes.txt": b"mine", "film.dcm": b"a radiograph"})
    write_set(folder, NEW, ours)
    assert held(folder) == {**NEW, "notes.txt": b"mine", "film.dcm": b"a radiograph"}
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_folder_with_folders_or_the_working_directory(tmp_path, monkeypatch):
    folder = tmp_path / "results"
    write_set(folder, OLD)
    (folder / "films").mkdir()
    (folder / "films" / "one.dcm").write_bytes(b"film")
    write_set(folder, NEW, ours)
    assert held(folder) == NEW and (folder / "films" / "one.dcm").read_bytes() == b"film"
    monkeypatch.chdir(folder)
    write_set(".", OLD, ours)
    assert held(folder) == OLD and os.path.samefile(folder, ".")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    write_set(tmp_path / "real", OLD)
    (tmp_path / "link").symlink_to("real")
    write_set(tmp_path / "link", NEW, ours)
    assert (tmp_path / "link").is_symlink() and held(tmp_path / "real") == NEW


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_set(tmp_path, monkeypatch, failure):
    folder = tmp_path / "results"
    write_set(folder, OLD)

    def fail(file):
        raise failure

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises((InputError, KeyboardInterrupt)) as caught:
        write_set(folder, NEW, ours)
    if isinstance(failure, OSError):
        assert caught.value.argument == "out" and "No space left" in str(caught.value)
    assert held(folder) == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "taken").write_text("text")
    with pytest.raises(InputError, match="taken is a file"):
        write_set(tmp_path / "taken", NEW)


KILLED = """
import itertools, sys
from napari_jsn.common.file_set import write_set
for turn in itertools.count():
    write_set(sys.argv[1], {f"{k}.csv": b"%d" % turn for k in range(20)}, lambda name: name.endswith(".csv"))
    print("ready", flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the folder may not be swapped in one step")
def test_a_killed_process_leaves_one_whole_set(tmp_path):
    folder = tmp_path / "results"
    for wait in (0.0, 0.0023, 0.0071):
        process = subprocess.Popen([sys.executable, "-c", KILLED, folder], stdout=subprocess.PIPE)
        process.stdout.readline()
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        process.stdout.close()
        sets = held(folder)
        assert len(sets) == 20 and len(set(sets.values())) == 1
