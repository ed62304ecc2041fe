"""The key is made once, for its owner only, and codes depend on it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from napari_jsn.common.secret_key import LENGTH, key_file, keyed_code, secret_key


@pytest.fixture
def key(tmp_path, monkeypatch):
    path = tmp_path / "new folder" / "key"
    monkeypatch.setenv("NAPARI_JSN_KEY", str(path))
    return path


def test_it_is_made_once_for_its_owner_only(key):
    made = secret_key()
    assert made == secret_key() == key.read_bytes() and len(made) == LENGTH
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and os.listdir(key.parent) == [key.name]


def test_it_lies_beside_the_settings_of_the_user(monkeypatch, tmp_path):
    monkeypatch.delenv("NAPARI_JSN_KEY")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path in key_file().parents and "napari-jsn" in str(key_file())


def test_processes_that_start_together_agree(key):
    code = "from napari_jsn.common.secret_key import secret_key; print(secret_key().hex())"
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    keys = {process.communicate(timeout=60)[0] for process in running}
    assert keys == {f"{key.read_bytes().hex()}\n"}


def test_a_file_system_without_links(key, monkeypatch):
    def refuse(*arguments):
        raise PermissionError(1, "no links")

    monkeypatch.setattr(os, "link", refuse)
    assert secret_key() == key.read_bytes() == secret_key() and os.listdir(key.parent) == [key.name]


@pytest.mark.parametrize("texts", [("a",), ("a", "b"), ("\udcff", "")])
def test_codes_need_the_key(key, texts):
    code = keyed_code(*texts)
    assert code == keyed_code(*texts) != keyed_code(*texts, "")
    key.unlink()
    assert keyed_code(*texts) != code


@pytest.mark.parametrize("fault", ["short", "folder", "parent is a file"])
def test_a_key_that_cannot_be_read_or_made(tmp_path, monkeypatch, fault):
    path = tmp_path / "key"
    if fault == "short":
        path.write_bytes(b"key")
    elif fault == "folder":
        path.mkdir()
    else:
        (tmp_path / "file").write_text("")
        path = tmp_path / "file" / "key"
    monkeypatch.setenv("NAPARI_JSN_KEY", str(path))
    with pytest.raises(OSError):
        secret_key()
    assert Path(os.environ["NAPARI_JSN_KEY"]) == path
