"""What can be opened as a store, and what is refused in a sentence."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.store import open_store
from napari_jsn.store.database import check_place, open_database, reading
from napari_jsn.store.schema import Info


def write(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder, "is a folder"),
        (lambda folder: folder / "none" / "trial.db", "no folder"),
        (lambda folder: write(folder / "text.db", b"patient,joint\n1,MCP2\n"), "no SQLite file"),
        (lambda folder: write(folder / "short.db", b"SQLite format 3\0" + bytes(40)), "cannot be opened|no store"),
        (lambda folder: "mongodb://host/name", "no driver"),
        (lambda folder: "sqlite://", "needs a file"),
        (lambda folder: "http:///:::", "cannot be read|no driver"),
        (lambda folder: "postgresql://nobody@127.0.0.1:1/none", "cannot be opened"),
    ],
)
def test_what_is_no_store_is_refused(tmp_path, make, message):
    with pytest.raises(InputError, match=message) as refused:
        open_store(make(tmp_path))
    assert refused.value.argument == "store"


def test_other_databases_and_versions_are_refused(tmp_path):
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE patients (id INTEGER)")
    other.close()
    with pytest.raises(InputError, match="it has other tables"):
        open_store(tmp_path / "other.db")
    open_store(tmp_path / "later.db").close()
    later = sqlite3.connect(tmp_path / "later.db")
    later.execute("UPDATE info SET value = '99' WHERE name = 'schema'")
    later.commit()
    later.close()
    with pytest.raises(InputError, match="version 99 of the tables, but this program reads version"):
        open_store(tmp_path / "later.db")


def test_a_password_is_not_shown(tmp_path):
    with pytest.raises(InputError) as refused:
        open_store("postgresql://reader:secret@127.0.0.1:1/trial")
    assert "secret" not in str(refused.value)


def test_a_store_is_made_once(place):
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(open_store, [place] * 4))
    keys = set()
    for store in stores:
        with reading(store._engine) as session:
            keys.add(session.get(Info, "key").value)
    assert len(keys) == 1 and len(keys.pop()) == 64
    for store in stores:
        store.close()


def test_sqlite_is_set_up_for_several_programs(tmp_path):
    engine = open_database(tmp_path / "trial.db")
    with engine.connect() as connection:
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("foreign_keys", "journal_mode")]
    engine.dispose()
    assert values == [1, "wal"]


def test_a_file_on_a_network_drive_has_no_write_ahead_log(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_jsn.store.database._on_network", lambda path: True)
    engine = open_database(tmp_path / "trial.db")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
    engine.dispose()


def test_a_store_that_must_exist(tmp_path):
    with pytest.raises(InputError, match="There is no store"):
        open_database(tmp_path / "none.db", create=False)
    assert not (tmp_path / "none.db").exists()


def test_a_place_is_checked_without_making_a_store(place, tmp_path):
    check_place(place)
    check_place(tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists() and not (tmp_path / "trial.db").exists()
    with pytest.raises(InputError):  # still empty
        open_store(place, create=False)
    open_store(place).close()
    check_place(place)


@pytest.mark.parametrize(
    "name", ["none/new.db", "text.db", ".", "later.db", "n" * 300, "text.db/x", "postgresql://reader@127.0.0.1:1/trial"]
)
def test_a_place_that_cannot_hold_a_store(tmp_path, name):
    (tmp_path / "text.db").write_text("not a database, but long enough")
    open_store(tmp_path / "later.db").close()
    with sqlite3.connect(tmp_path / "later.db") as connection:
        connection.execute("UPDATE info SET value = '99' WHERE name = 'schema'")
    connection.close()
    with pytest.raises(InputError) as refused:
        check_place(name if "://" in name else tmp_path / name)
    assert refused.value.argument == "store"


@pytest.mark.parametrize(
    ("place", "reader"), [(None, "A"), (3, "A"), ("postgresql://u@host:port/x", "A"), ("x.db", 3), ("x.db", b"A")]
)
def test_wrong_places_and_readers(tmp_path, monkeypatch, place, reader):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        open_store(place, reader)
