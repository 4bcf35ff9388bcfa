"""The documentation page and the prebuilt documents: local, cached, and closed to everything else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from backstay.controllers.openapi.docs_page import DocsPage, JsonDocument
from backstay.errors import BackstayError

Answer = tuple[int, dict[str, str], bytes]


async def ask(application: Any, path: str, method: str = "GET", **headers: str) -> Answer:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    await application({"type": "http", "method": method, "path": path, "headers": raw}, receive, send)
    start, body = sent
    named = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], named, body["body"]


@pytest.fixture(scope="module")
def page() -> DocsPage:
    return DocsPage(title="Atlas <&>")


async def test_the_page_loads_nothing_from_elsewhere_and_runs_no_inline_script(page: DocsPage) -> None:
    status, headers, body = await ask(page, "/docs")
    text = body.decode()
    assert status == 200
    assert "http://" not in text
    assert "https://" not in text
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert "<title>Atlas &lt;&amp;&gt;</title>" in text
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")


async def test_everything_the_page_names_is_served(page: DocsPage) -> None:
    _, _, body = await ask(page, "/docs")
    names = re.findall(r'(?:src|href)="(/docs/[^"?]+)', body.decode())
    assert len(names) == 4
    for name in names:
        status, headers, content = await ask(page, name)
        assert status == 200
        assert "immutable" in headers["cache-control"]
        assert len(content) == int(headers["content-length"])


async def test_swagger_ui_is_new_enough_for_openapi_3_1(page: DocsPage) -> None:
    _, _, script = await ask(page, "/docs/assets/swagger-ui-bundle.js")
    version = re.search(rb'PACKAGE_VERSION:"(\d+)\.', script)
    assert version is not None
    assert int(version[1]) >= 5


@pytest.mark.parametrize(
    "path",
    [
        "/docs/",
        "/docs/assets/",
        "/docs/assets/../docs_page.py",
        "/docs/assets/redoc.standalone.js",
        "/docs/x",
    ],
)
async def test_any_other_name_is_not_found(page: DocsPage, path: str) -> None:
    with pytest.raises(BackstayError) as caught:
        await ask(page, path)
    assert caught.value.code == "not_found"


async def test_a_known_etag_is_answered_with_304_and_no_body() -> None:
    document = JsonDocument({"openapi": "3.1.0"})
    _, headers, body = await ask(document, "/openapi.json")
    assert json.loads(body) == {"openapi": "3.1.0"}
    assert headers["etag"].startswith('"')
    for tag in (headers["etag"], f'"x", W/{headers["etag"]}', "*"):
        status, again, nothing = await ask(document, "/openapi.json", if_none_match=tag)
        assert (status, nothing) == (304, b"")
        assert again["etag"] == headers["etag"]
    status, _, _ = await ask(document, "/openapi.json", if_none_match='"other"')
    assert status == 200


async def test_head_has_the_length_and_no_body() -> None:
    status, headers, body = await ask(JsonDocument({}), "/openapi.json", method="HEAD")
    assert (status, headers["content-length"], body) == (200, "2", b"")


async def test_other_methods_are_refused_with_those_allowed() -> None:
    with pytest.raises(BackstayError) as caught:
        await ask(JsonDocument({}), "/openapi.json", method="POST")
    assert caught.value.code == "method_not_allowed"
    assert caught.value.allow == ("GET", "HEAD")
