"""Read what a request asks for, with limits; what is wrong becomes a sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from napari_jsn.common.errors import InputError
from napari_jsn.web.guard import drain
from napari_jsn.web.labels import chosen_language
from napari_jsn.web.uploads import MOST_BYTES, MOST_FILES, Upload, too_much
from napari_jsn.web.workplace import checked_reader

#: The largest body that is no upload, and what an upload may have beside its files.
_MOST_JSON = _BESIDE_FILES = 64_000
READER, LANGUAGE = "napari-jsn-reader", "napari-jsn-language"


def language_of(request: Request) -> str:
    """Return the language of the page."""
    asked = request.query_params.get("language") or request.cookies.get(LANGUAGE, "")
    return chosen_language(asked, request.headers.get("accept-language", "")[:200])


def reader_of(request: Request) -> str:
    """Return the reader whom the browser named; ``""`` if none."""
    try:
        return checked_reader(unquote(request.cookies.get(READER, "")))
    except InputError:
        return ""


def named_reader(request: Request) -> str:
    """Return the reader.

    Raises
    ------
    InputError
        If the browser has not named one.
    """
    reader = reader_of(request)
    if not reader:
        raise InputError("Every change has the name of its reader. Give your name first.", "reader")
    return reader


def reader_cookie(name: str) -> dict[str, Any]:
    """Return the arguments of the cookie that keeps the reader's name."""
    return {"key": READER, "value": quote(name), "httponly": True, "samesite": "strict", "path": "/"}


async def json_of(request: Request) -> dict[str, Any]:
    """Return the object that a request sends.

    Raises
    ------
    InputError
        If it is too large, or no object of JSON.
    """
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise InputError("The request is no JSON. Load the page again.", "body")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_JSON:
            raise InputError("The request is too large. Load the page again.", "body")
    content = json_text(body)
    if not isinstance(content, dict):
        raise InputError("The request is no object of JSON. Load the page again.", "body")
    return content


def json_text(text: str | bytes) -> Any:
    """Return what a text of JSON holds; None if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def text_in(content: Mapping[str, Any], name: str, default: str | None = None, most: int = 200) -> str:
    """Return a text of a request.

    Raises
    ------
    InputError
        If it is not there, no text, or too long.
    """
    value = content.get(name, default)
    if not isinstance(value, str) or len(value) > most:
        raise InputError(f"The request lacks {name}. Load the page again.", name)
    return value


def number_in(content: Mapping[str, Any], name: str) -> int:
    """Return a whole number of a request, which may be written as text.

    Raises
    ------
    InputError
        If it is none.
    """
    value = content.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 7:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"The request lacks the number {name}. Load the page again.", name)
    return value


async def upload_of(request: Request) -> tuple[list[Upload], dict[str, str]]:
    """Return the files and the texts of an upload.

    Raises
    ------
    InputError
        If it is too large, or damaged.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        await drain(request.receive)
        raise InputError("The request is no upload of files. Drop radiographs on the page.", "files")
    limit, stated = MOST_BYTES + _BESIDE_FILES, request.headers.get("content-length", "0")
    got, ended = 0, False

    async def counted() -> Any:
        nonlocal got, ended
        message = await request.receive()
        got += len(message.get("body", b""))
        ended = not message.get("more_body")
        if got > limit:
            raise too_much()
        return message

    try:
        if stated.isdigit() and int(stated) > limit:
            raise too_much()
        form = await Request(request.scope, counted).form(
            max_files=MOST_FILES, max_fields=10, max_part_size=_BESIDE_FILES
        )
    except (HTTPException, MultiPartException, ValueError, KeyError, AssertionError, UnicodeError) as error:
        if not ended:
            await drain(request.receive)
        if isinstance(error, InputError):
            raise
        detail = str(getattr(error, "detail", getattr(error, "message", ""))).rstrip(".")
        raise InputError(
            f"The upload is damaged or has too many parts{f' ({detail})' if detail else ''}. Send it again, with at "
            f"most {MOST_FILES} files.",
            "files",
        ) from error
    files, texts = [], {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if value.filename or value.size:
                files.append(Upload(value.filename or "", value.file))
        else:
            texts[name] = value
    return files, texts
