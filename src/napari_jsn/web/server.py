"""Serve the page on the loopback of this computer, at a printed address that carries a random token."""

from __future__ import annotations

import ipaddress
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from napari_jsn.common.device import device_name
from napari_jsn.common.errors import InputError

if TYPE_CHECKING:
    from uvicorn import Server

#: Seconds that requests which are under way have at the end.
_GRACE_S = 2


def serve(
    store: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    printed: Callable[[str], None] = print,
    device: str = "auto",
) -> None:
    """Serve the page until Ctrl-C or SIGTERM.

    Parameters
    ----------
    store : str, optional
        SQLite file, which is made if it does not exist, or URL of a database; by default a store in a private
        temporary folder, which is removed at the end.
    host : str
        Address of the loopback.
    port : int
        0 takes any free one.
    printed : callable
        Called with the address of the page, token included, when the page can be opened.
    device : str
        Where to compute.

    Raises
    ------
    InputError
        If the address is not the loopback or is in use, the store cannot be opened, or the extra is not installed.
    """
    check_host(host)
    require_web()
    if device != "auto":
        device_name(device)  # refuses one that is not there, before the page is served
    from uvicorn import Config, Server

    from napari_jsn.web.app import make_app
    from napari_jsn.web.guard import Guard
    from napari_jsn.web.workplace import Workplace

    with bound(host, port) as listening, Workplace(store, device) as workplace:
        netloc = f"{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        token = secrets.token_urlsafe(32)
        app = Guard(make_app(workplace), netloc, token)
        server = Server(
            Config(
                app, http="h11", ws="none", lifespan="off", log_level="warning", access_log=False, server_header=False,
                proxy_headers=False, timeout_graceful_shutdown=_GRACE_S,
            )
        )  # fmt: skip
        workplace.ending = lambda: server.should_exit
        with _stopped_by_signals(server):
            printed(f"http://{netloc}/?token={token}")
            server.run(sockets=[listening])


@contextmanager
def _stopped_by_signals(server: Server) -> Iterator[None]:
    """End the server, and not the process, at Ctrl-C, SIGTERM and SIGHUP: what is temporary must be removed.

    uvicorn has handlers of its own while it runs; afterwards it sends itself the signal again.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_host(host: str) -> None:
    """Refuse an address at which other computers could reach the page.

    Raises
    ------
    InputError
        If it is not an address of the loopback.
    """
    try:
        inside = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise InputError(
            f"The page is served to this computer only, so it cannot listen on {host!r}. Leave --host out; for other "
            "computers, put a reverse proxy in front that encrypts and asks for a password, as docs/web.md shows.",
            "host",
        )


def require_web() -> None:
    """Check that the libraries of the page are installed.

    Raises
    ------
    InputError
        If one is not.
    """
    try:
        import jinja2  # noqa: F401
        import python_multipart  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
        import xlsxwriter  # noqa: F401
    except ImportError as error:
        raise InputError(
            "The web page needs libraries that are not installed. Install them with: pip install 'napari-jsn[web]'",
            "web",
        ) from error


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address of the loopback.

    Raises
    ------
    InputError
        If it cannot listen there.
    """
    address = "127.0.0.1" if host == "localhost" else host
    listening = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"The page cannot listen on {host}, port {port}: {why}. Give another port, or 0 for any free one.", "port"
        ) from error
    return listening
