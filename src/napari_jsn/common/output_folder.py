"""The folder of a run's results: one writer, whole sets of files with a record (``run.json``), nothing of others.

While a set is replaced, ``run.json`` is absent, and the journal lists what belongs to the old and to the new set. So a
run that has died is recognised, and the next run knows which files are its own.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import (
    PartFiles,
    check_folder,
    interrupt_deferred,
    locked_folder,
    sync_folder,
    written_errors,
)
from napari_jsn.common.run_record import file_sha256

#: The record of the run; it is removed first and written last.
RECORD = "run.json"
#: Lists the files of an unfinished set, one JSON object a line.
JOURNAL = ".napari-jsn-files.jsonl"
#: First words of what ``run.json`` states in ``software``.
_SOFTWARE = "napari-jsn "
#: Largest record and journal that are read.
_MAX_BYTES = 200_000_000


class OutputFolder:
    """The folder that one run writes its results to; use it in a ``with`` block, before the long work begins.

    While the block runs, no other run is admitted to the folder. The set of an earlier run of the same command is
    replaced as a whole. Files stay that other commands, other programs or people have written, or that somebody has
    changed since, unless a file of the new set has the same name.

    Parameters
    ----------
    folder : path
        Created if it does not exist; removed if nothing was written to it.
    names : iterable of str
        Files that will be written, as for :func:`~napari_jsn.common.files.check_folder`.
    argument : str
        Name of the argument in errors.

    Attributes
    ----------
    path : Path
    note : str
        That the folder holds an unfinished or changed set, which this run replaces; else empty.

    Raises
    ------
    InputError
        On entry: if the folder cannot be written, a folder has the name of a file, ``run.json`` is of another program,
        or another run writes to the folder.

    Examples
    --------
    >>> import json, tempfile
    >>> from napari_jsn.common.output_folder import OutputFolder, problems_of_set
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with OutputFolder(place, ["widths.csv"]) as output:
    ...         written = output.write({"widths.csv": b"jsw_mm"}, {"software": "napari-jsn 1.0"})
    ...     [path.name for path in written], list(json.loads(written[1].read_text())["files"]), problems_of_set(place)
    (['widths.csv', 'run.json'], ['widths.csv'], [])
    """

    def __init__(self, folder: str | os.PathLike[str], names: Iterable[str] = (), argument: str = "out") -> None:
        self.path: Path = Path(folder)
        self.note: str = ""
        self._names, self._argument = tuple(names), argument
        self._started = time.monotonic()
        self._journal: list[dict[str, Any]] = []
        self._records: list[dict[str, Any]] = []
        self._earlier: dict[str, list[str]] = {}
        self._files: dict[str, str] = {}

    def __enter__(self) -> OutputFolder:
        check_folder(self.path, self._argument, (RECORD, *self._names))
        with ExitStack() as stack:
            stack.enter_context(locked_folder(self.path, self._argument))
            with written_errors(self.path, self._argument):
                self._read()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    @property
    def seconds(self) -> float:
        """Seconds since this object was made, which a record states as the duration of the run."""
        return round(time.monotonic() - self._started, 2)

    def _read(self) -> None:
        record = _read_record(self.path / RECORD)
        if record is not None and not _is_ours(record):
            raise InputError(
                f"{self.path / RECORD} was not written by this program. Move it, or give another folder.",
                self._argument,
            )
        self._journal = _read_journal(self.path / JOURNAL)
        before = self._journal[0].get("records", []) if self._journal and record is None else []
        self._records = [each for each in before if isinstance(each, dict)] if record is None else _records_of(record)
        self._earlier = _merged(*map(_files_of, self._records), *map(_files_of, self._journal))
        if problems := problems_of_set(self.path) if record is not None or self._earlier else []:
            self.note = f"{self.path} holds an incomplete set of files: {problems[0]} This run replaces it."

    def write(self, contents: Mapping[str, bytes], record: Mapping[str, Any]) -> list[Path]:
        """Replace the set of an earlier run by these files and their record: all of them, or, on an error, none.

        Parameters
        ----------
        contents : mapping of str to bytes
        record : mapping
            Content of ``run.json``; the hash of every file is added. See :mod:`napari_jsn.common.run_record`.

        Returns
        -------
        list of Path
            The files in the given order, ``run.json`` last.

        Raises
        ------
        InputError
            If a file cannot be written.
        """
        self.report()
        check_folder(self.path, self._argument, contents)
        files = {name: sha256(content).hexdigest() for name, content in contents.items()}
        kept = self._runs_of_others(record.get("command"), files)
        with written_errors(self.path, self._argument), PartFiles(self.path) as parts:
            for name, content in {**contents, RECORD: _record_bytes(record, files, kept)}.items():
                parts.add(name, content)
            with interrupt_deferred():
                self.begin(kept=[{"files": files}])
                self._remove_earlier(files, kept)
                parts.rename()
                self._end()
        return [self.path / name for name in (*contents, RECORD)]

    def report(self) -> None:
        """Log the note as a warning, if there is one."""
        if self.note:
            logging.getLogger("napari_jsn").warning("%s", self.note)

    def unfinished(self, key: str) -> list[dict[str, Any]]:
        """Return what :meth:`add` was called with by the run of this key that has not finished; empty if none has."""
        known = bool(self._journal) and self._journal[0].get("key") == key != ""
        return self._journal[1:] if known else []

    def begin(self, key: str = "", kept: Iterable[Mapping[str, Any]] = ()) -> None:
        """Begin a set that is written in steps: from now on the folder has no ``run.json``.

        Parameters
        ----------
        key : str
            By which :meth:`unfinished` knows this run.
        kept : iterable of mapping
            Steps of an unfinished run that stay.
        """
        kept = [dict(step) for step in kept]
        lines = [{"key": key, "records": self._records, "earlier": self._earlier}, *kept]
        with written_errors(self.path, self._argument), PartFiles(self.path) as parts:
            parts.add(JOURNAL, b"".join(map(_line, lines)))
            parts.rename()
            (self.path / RECORD).unlink(missing_ok=True)
            sync_folder(self.path)
        self._files = {name: digest for step in kept for name, digest in step.get("files", {}).items()}

    def add(self, contents: Mapping[str, bytes], **facts: Any) -> None:
        """Write the files of one step, which may lie in folders below; the facts are kept with them in the journal."""
        with written_errors(self.path, self._argument), PartFiles(self.path) as parts:
            for name, content in contents.items():
                (self.path / name).parent.mkdir(parents=True, exist_ok=True)
                parts.add(name, content)
            self._list({name: sha256(content).hexdigest() for name, content in contents.items()}, **facts)
            parts.rename()

    def finish(self, record: Mapping[str, Any], others: Iterable[str] = ()) -> Path:
        """End the set: remove what is left of earlier sets, and write the record.

        Parameters
        ----------
        record : mapping
        others : iterable of str
            Further files of the set, which were not written by :meth:`add`.
        """
        files = {**self._files, **{name: _digest(self.path / name) for name in others}}
        kept = self._runs_of_others(record.get("command"), files)
        with written_errors(self.path, self._argument), PartFiles(self.path) as parts:
            self._remove_earlier(files, kept)
            parts.add(RECORD, _record_bytes(record, files, kept))
            parts.rename()
            self._end()
        return self.path / RECORD

    def _runs_of_others(self, command: object, files: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the records of other commands, with those of their files that are there and not in the new set."""
        kept = []
        for record in self._records:
            listed = _files_of(record).items()
            own = {name: digests[0] for name, digests in listed if name not in files} if listed else {}
            own = {name: digest for name, digest in own.items() if _digest(self.path / name) == digest}
            if own and record.get("command") != command:
                kept.append({**record, "files": own})
        return kept

    def _remove_earlier(self, files: Mapping[str, str], kept: Iterable[Mapping[str, Any]]) -> None:
        """Remove what earlier sets have and this one has not, unless somebody has changed it."""
        stay = {*files, *(name for record in kept for name in _files_of(record))}
        for name, digests in self._earlier.items():
            if name not in stay and _digest(self.path / name) in digests:
                (self.path / name).unlink()
                self._remove_empty(PurePosixPath(name).parent)

    def _end(self) -> None:
        sync_folder(self.path)
        (self.path / JOURNAL).unlink(missing_ok=True)

    def _list(self, files: Mapping[str, str], **facts: Any) -> None:
        with (self.path / JOURNAL).open("ab") as journal:
            journal.write(_line({"files": files, **facts}))
            journal.flush()
            os.fsync(journal.fileno())
        self._files |= files

    def _remove_empty(self, folder: PurePosixPath) -> None:
        while folder.parts and not any((self.path / folder).iterdir()):
            (self.path / folder).rmdir()
            folder = folder.parent


def problems_of_set(folder: str | os.PathLike[str]) -> list[str]:
    """Return what is wrong with the set of results in a folder, one sentence each; empty if it is whole.

    Every file is compared with the hash that ``run.json`` states.

    Parameters
    ----------
    folder : path

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     problems_of_set(folder)
    ['There is no run.json: a run was stopped before it had written all files.']
    """
    folder = Path(folder)
    record = _read_record(folder / RECORD)
    if record is None:
        return [f"There is no {RECORD}: a run was stopped before it had written all files."]
    if "files" not in record or not _is_ours(record):
        return [f"{RECORD} is damaged, or of another program."]
    listed = _merged(*map(_files_of, _records_of(record)))
    found = {name: _digest(folder / name) for name in listed}
    return [
        f"{name} is not the file that {RECORD} describes." if found[name] else f"{name} is missing."
        for name, digests in listed.items()
        if found[name] not in digests
    ]


def _records_of(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the record of the last run without the others, then those of earlier runs of other commands."""
    earlier = record.get("earlier_runs")
    others = [each for each in earlier if isinstance(each, dict)] if isinstance(earlier, list) else []
    return [{name: value for name, value in record.items() if name != "earlier_runs"}, *others]


def _is_ours(record: Mapping[str, Any]) -> bool:
    """Return whether a record is of this program; one that was cut short or damaged counts as such."""
    return record.get("damaged") is True or str(record.get("software", "")).startswith(_SOFTWARE)


def _read_record(path: Path) -> dict[str, Any] | None:
    """Return the content of a record; None if there is none."""
    try:
        content = json.loads(_read_bytes(path))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        return {"damaged": True}
    return content if isinstance(content, dict) else {}


def _read_journal(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a journal up to the first that is damaged."""
    lines: list[dict[str, Any]] = []
    try:
        for line in _read_bytes(path).splitlines(keepends=True):
            content = json.loads(line) if line.endswith(b"\n") else None
            if not isinstance(content, dict):
                break
            lines.append(content)
    except (FileNotFoundError, ValueError, RecursionError):
        pass
    return lines


def _read_bytes(path: Path) -> bytes:
    if path.exists() and (not path.is_file() or path.stat().st_size > _MAX_BYTES):
        raise ValueError
    return path.read_bytes()


def _record_bytes(record: Mapping[str, Any], files: Mapping[str, str], others: list[dict[str, Any]]) -> bytes:
    """Return the content of ``run.json``, with the records of runs of other commands whose files are still there."""
    content = {**record, "files": files, **({"earlier_runs": others} if others else {})}
    return f"{json.dumps(content, indent=2, allow_nan=False)}\n".encode()


def _line(content: Mapping[str, Any]) -> bytes:
    return f"{json.dumps(content)}\n".encode()


def _files_of(content: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return names and hashes that a record or a line of a journal lists; names that lead out of the folder are not."""
    found: dict[str, list[str]] = {}
    for listed in (content.get("files"), content.get("earlier")):
        for name, digests in listed.items() if isinstance(listed, dict) else ():
            path = PurePosixPath(name)
            if path.parts and not path.is_absolute() and ".." not in path.parts and "\\" not in name:
                found.setdefault(name, []).extend([digests] if isinstance(digests, str) else map(str, digests))
    return found


def _merged(*parts: Mapping[str, list[str]]) -> dict[str, list[str]]:
    merged: dict[str, list[str]] = {}
    for part in parts:
        for name, digests in part.items():
            merged[name] = sorted({*merged.get(name, ()), *digests})
    return merged


def _digest(path: Path) -> str:
    """Return the SHA-256 of a regular file; empty if there is none, or a link in its place."""
    return file_sha256(path) if path.is_file() and not path.is_symlink() else ""
