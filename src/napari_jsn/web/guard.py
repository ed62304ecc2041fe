"""Refuse requests that are not of the page itself, and add the headers that restrict what a browser may do."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Only scripts, styles and pictures of the page itself; no other address is reached, and no other page shows this one.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
#: The largest header "Authorization" or cookie that is looked at.
_LONGEST = 4096
#: At most this much of a refused request is read and dropped.
_MOST_DROPPED = 2_000_000_000


class Guard:
    """Passes requests on whose Host, Origin and token are right; refuses all others with a sentence.

    Host and Origin are checked before the token. The token stands in the address (``?token=``), in the cookie that the
    first page sets, or in a header ``Authorization: token ...``.

    Parameters
    ----------
    application : ASGI application
    netloc : str
        Host and port that the printed address has, such as ``127.0.0.1:8000``.
    token : str
    """

    def __init__(self, application: Application, netloc: str, token: str) -> None:
        self._application, self._netloc, self._token = application, netloc.lower(), token
        self._cookie = f"napari-jsn-{netloc.rpartition(':')[2]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        refused = self._refused(scope)
        by_query = not refused and self._in_query(scope)

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = [(name, value) for name, value in message["headers"] if name.decode() not in HEADERS]
                headers += [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                if b"cache-control" not in dict(headers):
                    headers.append((b"cache-control", b"no-store"))
                if by_query:
                    cookie = f"{self._cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/"
                    headers.append((b"set-cookie", cookie.encode()))
                message["headers"] = headers
            await send(message)

        if refused:
            await drain(receive)
            await _refuse(with_headers, refused)
        else:
            await self._application(scope, receive, with_headers)

    def _refused(self, scope: Scope) -> str:
        """Return why a request is refused; ``""`` if it is not."""
        hosts, origins = _headers(scope, b"host"), _headers(scope, b"origin")
        if [host.lower() for host in hosts] != [self._netloc]:
            return "This is not the address that the program printed. Open the printed address."
        if any(origin.lower() != f"http://{self._netloc}" for origin in origins):
            return "The request comes from another page. Open the address that the program printed."
        if not (self._in_query(scope) or self._in_headers(scope)):
            return "The request has no valid token. Open the address that the program printed, with its token."
        return ""

    def _in_query(self, scope: Scope) -> bool:
        query = scope.get("query_string", b"")[:_LONGEST].decode("latin-1")
        return any(map(self._is_token, parse_qs(query).get("token", [])))

    def _in_headers(self, scope: Scope) -> bool:
        for words in (header.split() for header in _headers(scope, b"authorization")):
            if len(words) == 2 and words[0].lower() in ("token", "bearer") and self._is_token(words[1]):
                return True
        for header in _headers(scope, b"cookie"):
            try:
                found = SimpleCookie(header[:_LONGEST]).get(self._cookie)
            except CookieError:
                continue
            if found is not None and self._is_token(found.value):
                return True
        return False

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode("utf-8", "replace"), self._token.encode())


def _headers(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == wanted]


async def drain(receive: Receive) -> None:
    """Read the rest of a request and drop it: a client that still sends would not see the answer."""
    got, more = 0, True
    while more and got < _MOST_DROPPED:
        message = await receive()
        got += len(message.get("body", b""))
        more = message["type"] == "http.request" and bool(message.get("more_body"))


async def _refuse(send: Send, sentence: str) -> None:
    body = f"{sentence}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
