"""Where the page is served, what is refused at the start, and what remains of it."""

import builtins
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from napari_jsn.cli import main
from napari_jsn.common.errors import InputError
from napari_jsn.web import server
from napari_jsn.web.workplace import Workplace


def ended(capsys, *words):
    with pytest.raises(SystemExit) as end:
        main(["serve", *words])
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "192.168.1.5", "10.0.0.1", "example.org", "128.0.0.1", "fe80::1", "127.1", "localhost.", "*"],
)
def test_addresses_that_other_computers_reach_are_refused(capsys, host):
    code, error = ended(capsys, "--host", host)
    assert code == 2 and "reverse proxy" in error and error.count("\n") == 1


def test_an_empty_address_is_refused(capsys):
    assert ended(capsys, "--host", "") == (2, "Error: --host: This is empty. Give a value, or leave it out.\n")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.9.1"])
def test_addresses_of_the_loopback_are_taken(host):
    server.check_host(host)
    try:
        server.bound(host, 0).close()
    except InputError:
        assert host == "::1"  # a computer without IPv6


def test_a_port_or_a_store_that_is_in_use_is_refused(capsys, tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        code, error = ended(capsys, "--port", str(other.getsockname()[1]))
    assert code == 2 and "another port" in error
    with Workplace(str(tmp_path / "trial.db")):
        code, error = ended(capsys, "--store", str(tmp_path / "trial.db"), "--port", "0")
        assert code == 2 and "Another napari-jsn serve" in error
    (tmp_path / "text.db").write_text("no store")
    for place in (tmp_path / "text.db", tmp_path, tmp_path / "none" / "trial.db", "nodriver://host/name"):
        code, error = ended(capsys, "--store", str(place), "--port", "0")
        assert code == 2 and "Traceback" not in error and error.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir() if "trial.db" not in path.name) == ["text.db"]


@pytest.mark.parametrize("library", ["starlette", "uvicorn", "jinja2", "python_multipart", "xlsxwriter"])
def test_without_the_extra_one_sentence_says_how_to_install_it(capsys, monkeypatch, library):
    load = builtins.__import__

    def without(name, *arguments, **options):
        if name.split(".")[0] == library:
            raise ImportError(name)
        return load(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    code, error = ended(capsys, "--port", "0")
    assert code == 2 and "pip install 'napari-jsn[web]'" in error and error.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGTERM")
def test_the_command_prints_one_line_and_leaves_no_temporary_store(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "napari_jsn.cli", "serve", "--port", "0"],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    try:
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", address)
        (folder,) = tmp_path.glob("napari-jsn-*")
        assert folder.stat().st_mode & 0o777 == 0o700 == (folder / "radiographs").stat().st_mode & 0o777
        with urlopen(Request(address)) as answer:
            assert "Temporary store" in answer.read().decode()
        time.sleep(2.5)  # it is ended while it loads libraries
    finally:
        process.terminate()
        assert process.wait(60) == 0
    assert list(tmp_path.glob("napari-jsn-*")) == [] and process.stdout.read() == ""


def test_what_a_killed_server_did_not_complete_is_removed(tmp_path):
    place = tmp_path / "trial.db"
    with Workplace(str(place)):
        pass
    folder = tmp_path / "trial.db-radiographs"
    assert not folder.exists()
    for name, owner in (("begun", ""), ("kept", "P001")):
        (folder / name / "radiographs").mkdir(parents=True)
        if owner:
            (folder / name / "patient").write_text(owner)
    with Workplace(str(place)) as work:
        assert [path.name for path in folder.iterdir() if path.is_dir()] == ["kept"]
        work.uploads.delete("P001")
    assert not folder.exists() and Path(place).exists()
