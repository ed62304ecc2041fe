"""The command ``napari-jsn read``: read a patient of a store in a window of napari."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer


def read(
    store: Annotated[
        str, typer.Option(metavar="STORE", help="SQLite file, or URL such as postgresql://user@host/name.")
    ],
    patient: Annotated[
        str, typer.Option(metavar="ID", help="Pseudonym of the patient; by default the one read last, or the next.")
    ] = "",
    joint: Annotated[str, typer.Option(metavar="NAME", help="Joint to show, for example MCP2.")] = "",
    side: Annotated[str, typer.Option(metavar="L|R", help="Side of the joint.")] = "",
    reader: Annotated[str, typer.Option(metavar="NAME", help="Who reads; the window asks if it is not given.")] = "",
    session: Annotated[str, typer.Option(metavar="NAME", help="Reading session of the reader.")] = "",
) -> None:
    """Read a patient of a store in napari: images of every joint at all visits, decisions, scores, report."""
    _check(store, patient, joint, side, reader, session)
    try:
        from napari_jsn.viewer.read_patient.launch import run_window
    except ImportError as error:
        from napari_jsn.common.errors import InputError

        raise InputError("The window needs Qt. Install it with: pip install 'napari-jsn[all]'", "store") from error
    run_window(store, patient, joint, side, reader, session)


def _check(store: str, patient: str, joint: str, side: str, reader: str, session: str) -> None:
    """Refuse what cannot be read before a window opens."""
    from napari_jsn.anatomy import bones_of
    from napari_jsn.common.errors import InputError
    from napari_jsn.store import open_store

    if joint:
        bones_of(joint)
    if side not in ("", "L", "R"):
        raise InputError(f"There is no side {side!r}. Give L or R.", "side")
    if session and not reader:
        raise InputError("A session belongs to a reader. Name the reader.", "reader")
    with open_store(store, reader, create=False) as opened:
        known = list(opened.visits())
        if session:
            stored = opened.session(session)
            if stored is None:
                raise InputError(f"The reader {reader} has no session {session}.", "session")
            known = [str(item[0]) for item in stored.plan]
    if patient and patient not in known:
        raise InputError(f"The store has no patient {patient}.", "patient")
    if not known:
        raise InputError("The store has no patient with radiographs. Save measurements first.", "store")
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise InputError("A window needs a display, and this session has none.", "store")
