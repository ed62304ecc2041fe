"""Open the database of a store: an SQLite file, or any server that SQLAlchemy reaches by a URL."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    NoSuchModuleError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.orm import Session

from napari_jsn.common.errors import InputError
from napari_jsn.store.schema import SCHEMA_VERSION, Base, Info

#: Seconds that a writer waits for another one.
_WAIT_S = 30.0
#: Number of the lock of PostgreSQL that one writer of a store holds at a time.
_WRITERS = 6071924
#: The driver begins no transaction by itself: here a writer begins one that locks at once (BEGIN IMMEDIATE).
_SQLITE = {"timeout": _WAIT_S, "isolation_level": None}
#: File systems of network drives, on which the write-ahead log of SQLite does not work.
_NETWORK = {
    "nfs",
    "nfs4",
    "cifs",
    "smb",
    "smb2",
    "smb3",
    "smbfs",
    "afs",
    "9p",
    "fuse.sshfs",
    "davfs",
    "ncpfs",
    "vboxsf",
}


def open_database(place: str | os.PathLike[str], create: bool = True) -> Engine:
    """Return an engine on the database of a store, which is made if it does not exist.

    Parameters
    ----------
    place : path or str
        Path of an SQLite file, or a URL of SQLAlchemy such as ``postgresql+psycopg://user@host/name``.
    create : bool
        Whether a new store may be made.

    Raises
    ------
    InputError
        If the database cannot be opened, is none of this program, or has another version.
    """
    url = _url(place)
    engine = _connected(url, create)
    try:
        _check_schema(engine, create, _shown(url))
    except DatabaseError as error:
        engine.dispose()
        raise InputError(_not_opened(url, error), "store") from error
    return engine


def check_place(place: str | os.PathLike[str]) -> None:
    """Raise an error if a store could not be opened or made here; nothing is made.

    Raises
    ------
    InputError
        As :func:`open_database`; and if the folder of a new file cannot be written.
    """
    url = _url(place)
    path = None if _is_server(url) else Path(str(url.database))
    if path is not None:
        _check_file(path, True)
    if path is not None and not path.exists():
        if not os.access(path.parent, os.W_OK):
            raise InputError(f"The folder {path.parent} cannot be written, so no store can be made in it.", "store")
        return
    engine = _connected(url, True)
    try:
        _check_schema(engine, True, _shown(url), make=False)
    except DatabaseError as error:
        raise InputError(_not_opened(url, error), "store") from error
    finally:
        engine.dispose()


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """Open a transaction that writes; another writer waits. It is kept whole or not at all.

    Raises
    ------
    InputError
        If the database cannot be written.
    """
    try:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            if engine.dialect.name == "sqlite":
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            elif engine.dialect.name == "postgresql":  # what another writer changed is looked up before it is replaced
                session.connection().exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")
            yield session
    except StatementError as error:  # of the database, or of a value that no database can hold
        if isinstance(error.orig, InputError):
            raise error.orig from error
        raise InputError(
            f"The store could not be written: {_cause(error)}. Nothing of this step was saved. Try it again.", "store"
        ) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a transaction that only reads."""
    try:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            if engine.dialect.name == "sqlite":
                session.connection().exec_driver_sql("BEGIN")
            yield session
    except StatementError as error:
        if isinstance(error.orig, InputError):
            raise error.orig from error
        raise InputError(f"The store could not be read: {_cause(error)}.", "store") from error


def _connected(url: URL, create: bool) -> Engine:
    if not _is_server(url):
        _check_file(Path(str(url.database)), create)
    try:
        engine = create_engine(url, connect_args={} if _is_server(url) else _SQLITE)
    except (NoSuchModuleError, ModuleNotFoundError, ImportError) as error:
        raise InputError(_missing_driver(url), "store") from error
    if not _is_server(url):
        _prepare_sqlite(engine, Path(str(url.database)))
    return engine


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True) if _is_server(url) else str(url.database)


def _not_opened(url: URL, error: SQLAlchemyError) -> str:
    return (
        f"The store {_shown(url)} cannot be opened: {_cause(error)}. Give the path of a store, or a URL that can be "
        "reached."
    )


def _url(place: Any) -> URL:
    try:
        text = os.fsdecode(place)
    except TypeError as error:
        raise InputError(
            f"The store is a {type(place).__name__}. Give the path of a file, or a URL as text.", "store"
        ) from error
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).expanduser()))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise InputError("The URL of the store cannot be read. Give driver://user@host/name.", "store") from error
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise InputError("A store needs a file. Give the path of one.", "store")
    return url


def _is_server(url: URL) -> bool:
    return url.get_backend_name() != "sqlite"


def _missing_driver(url: URL) -> str:
    if url.get_backend_name() == "postgresql":
        return "A store on PostgreSQL needs a driver. Install it with: pip install 'napari-jsn[postgres]'"
    return f"There is no driver for {url.drivername} databases. Install one, or give the path of a file."


def _check_file(path: Path, create: bool) -> None:
    """Refuse what is no SQLite file before SQLite writes beside it."""
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder. Give the path of a file for the store.", "store")
        if not path.exists():
            if not create:
                raise InputError(f"There is no store {path}. Give the path of a store.", "store")
            if not path.parent.is_dir():
                raise InputError(f"There is no folder {path.parent} for the store. Make it, or give another.", "store")
            return
        if not path.is_file():
            raise InputError(f"{path} is no regular file. Give the path of a file for the store.", "store")
        with path.open("rb") as file:
            begin = file.read(16)
    except OSError as error:
        raise InputError(f"The store {path} cannot be opened: {error.strerror}.", "store") from error
    if begin and not begin.startswith(b"SQLite format 3"):
        raise InputError(f"{path} is no store: it is no SQLite file. Give another path.", "store")


def _prepare_sqlite(engine: Engine, path: Path) -> None:
    journal = "DELETE" if _on_network(path) else "WAL"

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA busy_timeout = {int(1000 * _WAIT_S)}")
        cursor.execute(f"PRAGMA journal_mode = {journal}")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()


def _on_network(path: Path) -> bool:
    """Return whether a file lies on a network drive, as far as the system states it."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except (OSError, IndexError):
        return str(path).startswith("\\\\")  # a share of Windows
    folder = path.expanduser().resolve().parent
    inside = [(point, kind) for point, kind in mounts if folder.is_relative_to(point.replace("\\040", " "))]
    return bool(inside) and max(inside, key=lambda each: len(each[0]))[1] in _NETWORK


def _check_schema(engine: Engine, create: bool, shown: str, make: bool = True) -> None:
    tables = set(inspect(engine).get_table_names())
    if "info" not in tables:
        if tables:
            raise InputError(f"{shown} is no store of napari-jsn: it has other tables. Give another path.", "store")
        if not create:
            raise InputError(f"{shown} is no store of napari-jsn: it is empty. Give the path of a store.", "store")
        if not make:
            return
        _make(engine)
    with reading(engine) as session:
        stated = session.scalar(select(Info.value).where(Info.name == "schema"))
    if stated != str(SCHEMA_VERSION):
        raise InputError(
            f"The store {shown} has version {stated} of the tables, but this program reads version {SCHEMA_VERSION}. "
            "Open it with the version of napari-jsn that made it.",
            "store",
        )


def _make(engine: Engine) -> None:
    """Make the tables; where another process makes them at the same time, its tables are used."""
    try:
        with writing(engine) as session:
            Base.metadata.create_all(session.connection())
            if session.get(Info, "schema") is None:
                session.add_all(
                    [Info(name="schema", value=str(SCHEMA_VERSION)), Info(name="key", value=secrets.token_hex(32))]
                )
    except SQLAlchemyError:
        if "info" not in inspect(engine).get_table_names():
            raise


def _cause(error: SQLAlchemyError) -> str:
    """Return the first line of what the driver says."""
    text = str(getattr(error, "orig", None) or error).strip().splitlines()
    return text[0].rstrip(".") if text else "unknown cause"
