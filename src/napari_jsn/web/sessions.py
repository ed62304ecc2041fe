"""What the page shows of reading sessions: those of a reader, and the work list of one."""

from __future__ import annotations

from typing import Any

from napari_jsn.reading import Reading
from napari_jsn.reading.reading import session_states
from napari_jsn.store import Store


def sessions_of(store: Store) -> list[dict[str, Any]]:
    """Return the sessions of the store's reader: name, order, numbers of items, date of the lock."""
    if not store.reader:
        return []
    return [
        {"name": name, "order": order, "items": items, "done": done, "locked": locked}
        for name, reader, order, _, items, _, done, locked in session_states(store)
        if reader == store.reader
    ]


def session_view(reading: Reading) -> dict[str, Any]:
    """Return what the page of a session shows: its items and their states, and the next one."""
    items = reading.work_list()
    following = reading.next()
    return {
        "session": reading.session,
        "order": reading.order,
        "blinded": reading.blinded,
        "locked": reading.locked,
        "items": [{"code": item.code, "title": item.title, "state": item.state} for item in items],
        "done": sum(item.state == "done" for item in items),
        "next": None if following is None else following.code,
    }
