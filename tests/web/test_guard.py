"""Requests that are not of the page are refused with a sentence: other address, other page, no token."""

import pytest

from tests.web.conftest import TOKEN

PATHS = (
    "/",
    "/patient?id=P001",
    "/static/page.js",
    "/table?id=P001&visit=1",
    "/nothing",
    "/pixels?id=P001&visit=1&side=L",
)


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_everything_is_refused(client, path):
    for headers in ({"Authorization": None}, {"Authorization": f"token {TOKEN}x"}, {"Authorization": "token "}):
        status, content, _ = client.ask("GET", path, headers=headers)
        assert status == 403 and b"no valid token" in content and content.count(b"\n") == 1
    status, content, _ = client.ask("POST", "/delete", {"patient": "P001"}, {"Authorization": None})
    assert status == 403


def test_the_address_sets_a_cookie_that_scripts_cannot_read_and_other_pages_cannot_send(client):
    status, _, headers = client.ask("GET", f"/?token={TOKEN}", headers={"Authorization": None})
    assert status == 200
    assert "HttpOnly; SameSite=Strict; Path=/" in headers["set-cookie"]
    for path in PATHS[:4]:
        assert client.ask("GET", path, headers={"Authorization": None})[0] == 200
    client.cookies = {name: f"{value}x" for name, value in client.cookies.items()}
    assert client.ask("GET", "/", headers={"Authorization": None})[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": "[::1]:{port}"},
        {"Host": ""},
        {"Host": None},
        {"Host": ["127.0.0.1:{port}", "evil.example"]},
        {"Host": "127.0.0.1:{port}.evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost:{port}"},
        {"Origin": ""},
    ],
)
@pytest.mark.parametrize("token", [f"token {TOKEN}", None])
def test_another_address_or_page_is_refused_whatever_the_token(client, headers, token):
    def filled(value):
        if isinstance(value, list):
            return [each.format(port=client.port) for each in value]
        return value and value.format(port=client.port)

    sent = {name: filled(value) for name, value in headers.items()} | {"Authorization": token}
    for method, path, body in (("GET", "/", None), ("POST", "/undo", {"patient": "P001", "visit": 1})):
        status, content, _ = client.ask(method, path, body, sent)
        assert status in (400, 403), content  # 400: a request that is no valid HTTP
        assert b"token" not in content.split(b"with its token")[0] or b"printed" in content
        assert status == 400 or b"Open the" in content


@pytest.mark.parametrize("path", [*PATHS, "/help", "/download?id=P001&what=csv", "/download?id=P001&what=none"])
def test_every_answer_restricts_the_browser(client, path):
    for headers in ({}, {"Authorization": None}):
        _, _, got = client.ask("GET", path, headers=headers)
        policy = dict(part.split(" ", 1) for part in got["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert got["x-content-type-options"] == "nosniff" and got["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static/....//app.py",
        "/static//etc/passwd",
        "/static/..\\app.py",
        "/../../etc/passwd",
        "/static/templates/base.html",
    ],
)
def test_no_path_leads_to_other_files(client, path):
    status, content, _ = client.ask("GET", path)
    assert status in (400, 404) and b"import" not in content and b"root:" not in content


def test_texts_of_a_request_never_become_markup(client):
    for name in ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "a'b"):
        status, content, _ = client.get("/patient", id=name)
        assert (
            status == 404 and b"<script>alert" not in content and b"<img src=x" not in content and b"49" not in content
        )
        _, content, _ = client.get("/help", language=name, x=name)
        assert b"<script>alert" not in content and b"<img src=x" not in content
