import os
import socket
import stat
from pathlib import Path

import pytest

from napari_jsn.common import search_folder as module
from napari_jsn.common.errors import InputError
from napari_jsn.common.search_folder import MAX_DEPTH, search_folder


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("text")
    return path


def found(folder, what="files", **options):
    paths = getattr(search_folder(folder, **options), what)
    return sorted(path.relative_to(folder).as_posix() for path in paths)


@pytest.mark.parametrize("depth", [0, 4, 8, MAX_DEPTH])
def test_files_are_found_at_any_depth_up_to_the_limit(tmp_path, depth):
    write(tmp_path.joinpath(*"a" * depth, "IM1"))
    assert found(tmp_path) == ["/".join([*"a" * depth, "IM1"])]
    assert found(tmp_path, "too_deep") == []


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, MAX_DEPTH + 2, MAX_DEPTH + 5])
def test_deeper_folders_are_listed(tmp_path, depth):
    write(tmp_path.joinpath(*"a" * depth, "IM1"))
    assert found(tmp_path) == []
    assert found(tmp_path, "too_deep") == ["/".join("a" * (MAX_DEPTH + 1))]


@pytest.mark.parametrize("target", ["..", ".", "b", "../a/b"])
def test_links_that_lead_back_are_followed_once(tmp_path, target):
    write(tmp_path / "a" / "b" / "IM1")
    (tmp_path / "a" / "Link").symlink_to(target, target_is_directory=True)
    (tmp_path / "B").symlink_to("a/Link/b", target_is_directory=True)
    assert found(tmp_path) == ["a/b/IM1"]


def test_links_to_files_and_folders_elsewhere_are_followed(tmp_path):
    write(tmp_path / "store" / "IM1")
    write(tmp_path / "other" / "deep" / "IM2")
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "one").symlink_to(tmp_path / "store" / "IM1")
    (tmp_path / "p" / "two").symlink_to(tmp_path / "other")
    assert found(tmp_path / "p") == ["one", "two/deep/IM2"]


def test_only_regular_files_are_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.dcm")
    (tmp_path / "link.dcm").symlink_to(tmp_path / "nothing")
    (tmp_path / "itself.dcm").symlink_to(tmp_path / "itself.dcm")
    (tmp_path / "null.dcm").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        (tmp_path / "visit.dcm").mkdir()
        write(tmp_path / "visit.dcm" / "IM1")
        assert found(tmp_path) == ["visit.dcm/IM1"]
        assert found(tmp_path, "not_files") == ["itself.dcm", "link.dcm", "null.dcm", "pipe.dcm", "s"]


def test_hidden_folders_and_those_of_systems_are_not_searched(tmp_path):
    for name in (".git/a", ".DS_Store", "lost+found/b", "$RECYCLE.BIN/c", "d"):
        write(tmp_path / name)
    assert found(tmp_path) == ["d"]
    assert found(tmp_path, "hidden") == [".DS_Store", ".git"]


@pytest.mark.parametrize("number", [4, 7, 50])
def test_too_many_files_are_refused(tmp_path, number):
    for each in range(number):
        write(tmp_path / "a" / f"{each}")
    assert len(found(tmp_path, most_entries=number + 1)) == number
    with pytest.raises(InputError, match=f"contains more than {number} files and folders") as error:
        search_folder(tmp_path, number)
    assert error.value.argument == "folder"


@pytest.mark.skipif(not os.path.ismount("/proc"), reason="needs the files by which Linux shows processes")
@pytest.mark.parametrize("place", ["/proc", "/proc/self", "/sys/class"])
def test_folders_of_the_operating_system_are_refused_and_not_searched_by_links(tmp_path, place):
    with pytest.raises(InputError, match=f"{place} belongs to the operating system"):
        search_folder(Path(place))
    write(tmp_path / "IM1")
    (tmp_path / "link").symlink_to(place)
    assert found(tmp_path) == ["IM1"] and found(tmp_path, "not_files") == ["link"]


@pytest.mark.parametrize("place", ["", "a", "a/b"])
@pytest.mark.parametrize("call", ["scandir", "stat"])  # without the right to read, or to search
def test_a_folder_that_cannot_be_searched_is_refused(tmp_path, monkeypatch, place, call):
    write(tmp_path / "a" / "b" / "IM1")
    closed, opened = tmp_path / place, getattr(os, call)

    def refuse(path, *args, **kwargs):
        if (path if call == "scandir" else path.parent) == closed:
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(module.os, call, refuse)
    with pytest.raises(InputError) as error:
        search_folder(tmp_path)
    assert f"{closed} cannot be searched (Permission denied)" in str(error.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may search every folder")
def test_a_folder_without_permission(tmp_path):
    (tmp_path / "a").mkdir(mode=0)
    with pytest.raises(InputError, match="cannot be searched"):
        search_folder(tmp_path)
    (tmp_path / "a").chmod(stat.S_IRWXU)
