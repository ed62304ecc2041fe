"""Files are written all or none."""

import os

import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import check_folder, read_bytes, write_files

OLD, NEW = {"a.csv": b"old a", "b.png": b"old b"}, {"a.csv": b"new a", "b.png": b"new b"}


def held(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_are_written_into_a_new_folder_in_the_order_given(tmp_path):
    folder = tmp_path / "deep" / "results"
    assert write_files(folder, NEW) == [folder / "a.csv", folder / "b.png"]
    assert held(folder) == NEW


def test_files_of_the_same_names_are_replaced(tmp_path):
    write_files(tmp_path, {**OLD, "other.txt": b"stays"})
    write_files(tmp_path, NEW)
    assert held(tmp_path) == {**NEW, "other.txt": b"stays"}


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_while_writing_leaves_what_was_there(tmp_path, monkeypatch, failure):
    write_files(tmp_path, OLD)

    written = []

    def fail(descriptor):
        written.append(descriptor)
        if len(written) == 2:
            raise failure

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises((InputError, KeyboardInterrupt)) as caught:
        write_files(tmp_path, NEW)
    if isinstance(failure, OSError):
        assert caught.value.argument == "out" and "No space left" in str(caught.value)
    assert held(tmp_path) == OLD


def test_temporary_files_of_dead_runs_are_removed_and_no_file_of_others(tmp_path):
    for name in (".napari-jsn-0123456789ab.part", ".napari-jsn-1.part", "a.part"):
        (tmp_path / name).write_bytes(b"x")
    write_files(tmp_path, NEW)
    assert held(tmp_path) == {**NEW, ".napari-jsn-1.part": b"x", "a.part": b"x"}


def test_nothing_is_written_where_a_name_is_taken_by_a_folder(tmp_path):
    (tmp_path / "b.png").mkdir()
    with pytest.raises(InputError, match=r"b\.png is a folder"):
        write_files(tmp_path, NEW)
    assert [path.name for path in tmp_path.iterdir()] == ["b.png"]


@pytest.mark.parametrize("name", ["taken", "taken/deeper", "taken/deeper/still"])
def test_a_file_is_no_folder(tmp_path, name):
    (tmp_path / "taken").write_text("text")
    with pytest.raises(InputError, match="taken is a file") as caught:
        check_folder(tmp_path / name)
    assert caught.value.argument == "out"


def test_checking_makes_nothing(tmp_path):
    assert check_folder(tmp_path / "new" / "deep") == tmp_path / "new" / "deep"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_closed_folder_is_reported(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written to"):
        check_folder(tmp_path / "new")


def unwritable():
    yield "a" * 300
    yield "deep/" + "a" * 300 + "/deeper"
    yield "nul\0l"
    yield "half \ud800 a character"
    if os.path.isdir("/proc/self"):
        yield "/proc/results"
        yield "/proc/self/results/deep"


@pytest.mark.parametrize("name", list(unwritable()), ids=ascii)
def test_folders_that_no_file_system_makes_are_found_before_long_work(tmp_path, name):
    with pytest.raises(InputError, match=r"Give another (folder|name)\.$") as caught:
        check_folder(tmp_path / name)
    assert caught.value.argument == "out" and len(str(caught.value)) < 400
    assert list(tmp_path.iterdir()) == []


def pipe(folder):
    os.mkfifo(folder / "table.csv")
    return folder / "table.csv"


def large(folder):
    (folder / "table.csv").touch()
    os.truncate(folder / "table.csv", 2**33)
    return folder / "table.csv"


@pytest.mark.skipif(os.name != "posix", reason="the system has no pipes in folders")
@pytest.mark.parametrize(
    "make",
    [pipe, large, lambda folder: "/dev/zero", lambda folder: "/dev/tty", lambda folder: folder, lambda folder: "a\0"],
)
def test_what_could_wait_or_never_end_is_not_read(tmp_path, make):
    with pytest.raises(OSError):
        read_bytes(make(tmp_path))


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="no such file system")
@pytest.mark.parametrize("name", ["/proc/kmsg", "/proc/self/mem", "/proc/self/pagemap"])
def test_files_of_the_system_that_state_no_size_are_empty(name):
    assert not os.path.exists(name) or read_bytes(name) == b""
