"""A set of results is replaced as a whole; what others keep in the folder stays."""

import json
import os
import signal
import stat
import subprocess
import sys
from hashlib import sha256

import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import LOCK
from napari_jsn.common.output_folder import JOURNAL, RECORD, OutputFolder, problems_of_set

OLD = {"a.csv": b"old a", "b.html": b"old b", "c.dcm": b"old c"}
NEW = {"a.csv": b"new a", "b.html": b"new b"}
FACTS = {"software": "napari-jsn 0", "seconds": 1.0}


def write(folder, contents, names=()):
    with OutputFolder(folder, names) as output:
        output.write(contents, FACTS)
    return output


def held(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != RECORD
    }


def test_a_new_folder_gets_the_files_and_their_record(tmp_path):
    folder = tmp_path / "deep" / "results"
    with OutputFolder(folder, NEW) as output:
        assert output.write(NEW, FACTS) == [folder / "a.csv", folder / "b.html", folder / RECORD]
    assert held(folder) == NEW and output.note == "" and output.seconds >= 0
    record = json.loads((folder / RECORD).read_text())
    assert record == {**FACTS, "files": {name: sha256(content).hexdigest() for name, content in NEW.items()}}
    assert problems_of_set(folder) == []


@pytest.mark.parametrize("inside", ["notes.txt", "films/one.dcm", "bones-v01-L-seg.dcm", ".hidden"])
def test_the_old_set_goes_as_a_whole_and_files_of_others_stay(tmp_path, inside):
    (tmp_path / inside).parent.mkdir(exist_ok=True)
    (tmp_path / inside).write_bytes(b"mine")
    write(tmp_path, OLD)
    write(tmp_path, NEW)
    assert held(tmp_path) == {**NEW, inside: b"mine"} and problems_of_set(tmp_path) == []


def test_the_set_of_another_command_stays_in_folder_and_record(tmp_path):
    def run(command, contents):
        with OutputFolder(tmp_path) as output:
            output.write(contents, {**FACTS, "command": command})
        return output.note

    run("agreement", {"pairs.csv": b"1", "totals.csv": b"2", "notes.csv": b"3"})
    run("consensus", {"consensus.csv": b"4", "notes.csv": b"5"})
    run("template", {"sheet.csv": b"6"})
    assert run("consensus", {"consensus.csv": b"7"}) == ""
    assert held(tmp_path) == {"pairs.csv": b"1", "totals.csv": b"2", "sheet.csv": b"6", "consensus.csv": b"7"}
    record = json.loads((tmp_path / RECORD).read_text())
    runs = {each["command"]: list(each["files"]) for each in (record, *record["earlier_runs"])}
    assert runs == {"consensus": ["consensus.csv"], "template": ["sheet.csv"], "agreement": ["pairs.csv", "totals.csv"]}
    assert problems_of_set(tmp_path) == []
    (tmp_path / "totals.csv").unlink()
    assert problems_of_set(tmp_path) == ["totals.csv is missing."]


def test_a_file_of_the_old_set_that_somebody_has_changed_stays(tmp_path):
    write(tmp_path, OLD)
    (tmp_path / "c.dcm").write_bytes(b"corrected")
    output = write(tmp_path, NEW)
    assert held(tmp_path) == {**NEW, "c.dcm": b"corrected"}
    assert "c.dcm is not the file that run.json describes" in output.note


@pytest.mark.parametrize("fault", ["missing", "changed", "no record", "record cut short"])
def test_an_incomplete_set_is_reported_and_replaced(tmp_path, fault):
    write(tmp_path, OLD)
    place = tmp_path / ("c.dcm" if fault in ("missing", "changed") else RECORD)
    if fault == "missing":
        place.unlink()
    elif fault == "changed":
        place.write_bytes(b"other")
    elif fault == "record cut short":
        place.write_bytes(place.read_bytes()[:20])
    else:
        place.unlink()
        earlier = {"c.dcm": [sha256(b"old c").hexdigest()]}
        (tmp_path / JOURNAL).write_text(json.dumps({"key": "", "earlier": earlier}) + "\n")
    assert len(problems_of_set(tmp_path)) == 1
    output = write(tmp_path, NEW)
    assert "incomplete" in output.note and problems_of_set(tmp_path) == []
    assert ("c.dcm" in held(tmp_path)) == (fault in ("changed", "record cut short"))


@pytest.mark.parametrize("name", ["a.csv", RECORD, "bones-v02-L-seg.dcm", "sub/truth.csv"])
def test_a_folder_with_the_name_of_a_file_is_refused_before_the_work(tmp_path, name):
    (tmp_path / name / "kept").mkdir(parents=True)
    with pytest.raises(InputError, match="is a folder, but a file of this name") as caught:
        OutputFolder(tmp_path, ["a.csv", "bones-*-seg.dcm", "sub/truth.csv"]).__enter__()
    assert caught.value.argument == "out" and (tmp_path / name / "kept").is_dir()


def test_a_file_with_the_name_of_a_folder_is_refused(tmp_path):
    (tmp_path / "SIM0001").write_text("")
    with pytest.raises(InputError, match="is a file, but a folder of this name"):
        OutputFolder(tmp_path, ["SIM0001/radiographs.csv"]).__enter__()


@pytest.mark.parametrize("content", ['{"software": "other 2.0"}', '{"epochs": 3}', "[1, 2]"])
def test_a_record_of_another_program_is_refused(tmp_path, content):
    (tmp_path / RECORD).write_text(content)
    with pytest.raises(InputError, match="not written by this program"):
        write(tmp_path, NEW)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {RECORD: content}


@pytest.mark.parametrize("name", ["../outside.csv", "/etc/hosts", "sub/../../outside.csv"])
def test_a_record_cannot_name_files_outside(tmp_path, name):
    folder = tmp_path / "out"
    write(folder, OLD)
    (tmp_path / "outside.csv").write_bytes(b"x")
    record = json.loads((folder / RECORD).read_text())
    record["files"][name] = sha256(b"x").hexdigest()
    (folder / RECORD).write_text(json.dumps(record))
    write(folder, NEW)
    assert (tmp_path / "outside.csv").read_bytes() == b"x"


@pytest.mark.parametrize("name", ["Röntgen.png", "hand\udcff.png", "two\nlines.csv"])
def test_names_of_any_characters(tmp_path, name):
    with OutputFolder(tmp_path) as output:
        output.write({name: b"x"}, {**FACTS, "inputs": [{"path": f"/films/{name}"}]})
    assert list(held(tmp_path)) == [name] and problems_of_set(tmp_path) == []
    write(tmp_path, NEW)
    assert held(tmp_path) == NEW


def test_one_writer_is_admitted(tmp_path):
    write(tmp_path, OLD)
    with OutputFolder(tmp_path) as first:
        with pytest.raises(InputError, match=r"Another run is writing to .* Wait until it has ended") as caught:
            OutputFolder(tmp_path).__enter__()
        assert caught.value.argument == "out"
        first.write(NEW, FACTS)
    write(tmp_path, OLD)
    assert sorted(path.name for path in tmp_path.iterdir()) == [*OLD, RECORD]


def test_temporary_files_of_dead_runs_are_removed(tmp_path):
    for name in (".napari-jsn-0123456789ab.part", ".napari-jsn-ba9876543210.part", LOCK, ".napari-jsn-mine.part"):
        (tmp_path / name).write_text("")
    write(tmp_path, NEW)
    assert held(tmp_path) == {**NEW, ".napari-jsn-mine.part": b""}


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_failure_leaves_the_old_set(tmp_path, monkeypatch, failure, at):
    write(tmp_path, OLD)
    calls = []

    def fail(file):
        calls.append(file)
        if len(calls) == at:  # the files, the record and the journal
            raise failure

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises((InputError, KeyboardInterrupt)) as caught:
        write(tmp_path, NEW)
    if isinstance(failure, OSError):
        assert caught.value.argument == "out" and "No space left" in str(caught.value)
    assert held(tmp_path) == OLD and problems_of_set(tmp_path) == []


def test_a_folder_that_was_not_needed_is_removed(tmp_path):
    with pytest.raises(KeyboardInterrupt), OutputFolder(tmp_path / "deep" / "out"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_links_and_the_working_directory(tmp_path, monkeypatch):
    write(tmp_path / "real", OLD)
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", NEW)
    assert (tmp_path / "link").is_symlink() and held(tmp_path / "real") == NEW
    monkeypatch.chdir(tmp_path / "real")
    assert write(".", OLD).path.samefile(tmp_path / "real") and held(tmp_path / "real") == OLD


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs permissions of POSIX")
def test_a_parent_that_cannot_be_written(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    before = tmp_path.stat().st_mtime_ns
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        write(folder, OLD)
        write(folder, NEW)
        assert tmp_path.stat().st_mtime_ns == before  # holds for root, too: no name was made beside the folder
    finally:
        tmp_path.chmod(stat.S_IRWXU)
    assert held(folder) == NEW


KILLED = """
import itertools, sys
from napari_jsn.common.output_folder import OutputFolder
for turn in itertools.count():
    with OutputFolder(sys.argv[1]) as output:
        output.write({f"{k}.csv": b"%d" % turn for k in range(turn % 20 + 1)}, {"software": "napari-jsn 0"})
    print("ready", flush=True)
"""


def check_killed(folder, waits):
    """Kill a writer after each of these times; return how often the set was whole, and how often it was incomplete."""
    counted = {"whole": 0, "incomplete": 0}
    for wait in waits:
        process = subprocess.Popen([sys.executable, "-c", KILLED, folder], stdout=subprocess.PIPE)
        process.stdout.readline()
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        process.stdout.close()
        if (folder / RECORD).exists():  # then all files are of one set
            assert problems_of_set(folder) == []
            names = json.loads((folder / RECORD).read_text())["files"]
            assert len({(folder / name).read_bytes() for name in names}) == 1
            counted["whole"] += 1
        else:
            assert problems_of_set(folder) != []
            counted["incomplete"] += 1
        write(folder, OLD)
        assert held(folder) == OLD and problems_of_set(folder) == []
    return counted


@pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")
def test_a_killed_process_leaves_one_set_or_one_that_is_called_incomplete(tmp_path):
    check_killed(tmp_path / "results", (0.0, 0.0023, 0.0071))
