"""The command ``napari-jsn serve``: read, measure and score radiographs in a browser of this computer."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from napari_jsn.cli.options import Device, Supplies
from napari_jsn.cli.terminal import one_line, say


def serve(
    store: Annotated[
        str | None,
        typer.Option(
            metavar="STORE",
            help="SQLite file, made if it does not exist, or URL of a database; by default a temporary store.",
        ),
        Supplies("place"),
    ] = None,
    host: Annotated[str, typer.Option(help="Address of this computer's loopback.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any free one.")] = 8000,
    device: Device = "auto",
) -> None:
    """Serve a page to read, measure and score radiographs in a browser, until Ctrl-C."""
    from napari_jsn.web.server import serve as serve_page

    def printed(address: str) -> None:
        say(one_line(address))
        sys.stdout.flush()

    serve_page(store, host, port, printed, device)
