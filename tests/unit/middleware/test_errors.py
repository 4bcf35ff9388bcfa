"""Every failure in one form, with the status of its kind and nothing internal in it."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.errors import CATALOGUE, BackstayError, FieldProblem, Kind
from backstay.middleware.exchange import CONTEXT
from backstay.middleware.framework_errors import install_handlers
from backstay.middleware.problem import STATUS
from backstay.models.access.caller import SERVICE, Caller
from backstay.services.context import Context
from tests.unit.middleware.asgi import ask, behind, hello, raises


class _As:
    """Stands where authentication stands."""

    def __init__(self, app: ASGIApp, caller: Caller) -> None:
        self._app = app
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"][CONTEXT] = Context(self._caller)
        await self._app(scope, receive, send)


def test_every_kind_has_a_status() -> None:
    assert set(STATUS) == set(Kind)


@pytest.mark.parametrize("code", CATALOGUE)
async def test_every_entry_of_the_catalogue_is_answered_with_what_its_status_asks_for(code: str) -> None:
    response = await ask(behind(raises(BackstayError(code)), authenticate=partial(_As, caller=SERVICE)))
    assert response.status == STATUS[CATALOGUE[code].kind]
    assert response.problem["code"] == code
    assert response.problem["status"] == response.status
    asked = {401: "www-authenticate", 405: "allow", 429: "retry-after", 503: "retry-after"}
    if response.status in asked:
        assert asked[response.status] in response.headers
    is_of_the_protocol = code.startswith("PGRST") or len(code) == 5
    assert ("proxy-status" in response.headers) == is_of_the_protocol


async def test_a_caller_who_is_nobody_is_told_to_sign_in() -> None:
    app = raises(BackstayError("42501"))
    assert (await ask(behind(app))).status == 401
    assert (await ask(behind(app, authenticate=partial(_As, caller=SERVICE)))).status == 403


async def test_details_of_fields_and_text_that_is_not_unicode_reach_the_client() -> None:
    problems = [FieldProblem("name", "too_long", "\ud800 is too long")]
    response = await ask(behind(raises(BackstayError("unprocessable", details=problems))))
    assert response.status == 422
    assert response.problem["details"] == [
        {"path": "name", "code": "too_long", "message": "\ud800 is too long"}
    ]


async def test_nothing_of_an_unknown_exception_reaches_the_client(capsys: pytest.CaptureFixture[str]) -> None:
    secret = b"canary-of-the-token"
    response = await ask(
        behind(raises(ValueError(f"private {secret.decode()}"))),
        headers=[(b"authorization", b"Bearer " + secret)],
    )
    assert response.status == 500
    assert response.problem["code"] == "internal_error"
    assert b"private" not in response.body
    logged = "".join(capsys.readouterr())
    assert "request_failed" in logged
    assert "ValueError" in logged
    assert secret.decode() not in logged


async def test_the_cause_is_shown_to_who_debugs_in_development_and_without_the_requests_secrets() -> None:
    secret = [
        (b"authorization", b"Bearer canary-of-the-token"),
        (b"cookie", b"a=canary-1"),
        (b"cookie", b"canary-2"),
    ]
    for app in (raises(RuntimeError("the cause, canary-of-the-token canary-1 canary-2")), _fastapi()):
        for development, debug in ((True, True), (True, False), (False, True)):
            response = await ask(
                behind(app, development=development, debug=debug), path="/crash", headers=secret
            )
            assert response.status == 500
            assert ("cause" in response.problem) is (development and debug)
            assert b"canary" not in response.body
    shown = await ask(behind(_fastapi(), development=True, debug=True), path="/unavailable")
    assert shown.problem["cause"] == "RuntimeError: the cause"
    refused = await ask(behind(raises(BackstayError("not_found")), development=True, debug=True))
    assert "cause" not in refused.problem


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/problem+json"),
        (b"*/*", "application/problem+json"),
        (b"application/json, */*", "application/problem+json"),
        (b"application/json", "application/json"),
        (b"application/json, */*;q=0", "application/json"),
        (b"text/csv", "application/problem+json"),
    ],
)
async def test_the_content_type_follows_accept(accept: bytes | None, content_type: str) -> None:
    headers = [(b"accept", accept)] if accept is not None else []
    response = await ask(behind(raises(BackstayError("not_found"))), headers=headers)
    assert response.headers["content-type"] == content_type


async def test_a_head_request_gets_no_body() -> None:
    response = await ask(behind(raises(BackstayError("not_found"))), "HEAD")
    assert response.status == 404
    assert response.body == b""
    assert int(response.headers["content-length"]) > 0


async def test_a_request_over_its_deadline_is_stopped() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(5)

    app = behind(slow, request_timeout_seconds=0.05)
    responses = await asyncio.gather(*(ask(app) for _ in range(5)), ask(behind(hello)))
    assert [response.status for response in responses] == [504] * 5 + [200]
    assert (await ask(app)).status == 504


async def test_what_is_cancelled_from_outside_says_that_the_node_leaves() -> None:
    started = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        started.set()
        await asyncio.sleep(5)

    sent: list[int] = []

    async def asked() -> None:
        async def send(message: dict[str, object]) -> None:
            sent.append(int(str(message.get("status", 0))))

        scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": "/", "query_string": b""}
        await behind(slow)({**scope, "headers": [(b"host", b"a")]}, None, send)  # type: ignore[arg-type]

    task = asyncio.create_task(asked())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sent[0] == 503


class _Item(BaseModel):
    name: str
    size: int


def _fastapi() -> FastAPI:
    app = FastAPI()
    install_handlers(app)

    @app.post("/items")
    async def post(item: _Item) -> _Item:
        return item

    @app.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418, "short and stout", {"X-Pot": "1"})

    @app.get("/structured")
    async def structured() -> None:
        raise HTTPException(409, {"field": "taken"})

    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError("private")

    @app.get("/unavailable")
    async def unavailable() -> None:
        raise BackstayError("overloaded") from RuntimeError("the cause")

    @app.get("/stream")
    async def stream(request: Request) -> str:
        return str(len(await request.body()))

    return app


async def test_fastapi_routers_answer_in_the_same_form() -> None:
    app = behind(_fastapi())
    missing = await ask(app, path="/nowhere")
    assert (missing.status, missing.problem["code"]) == (404, "not_found")
    method = await ask(app, "DELETE", "/items")
    assert (method.status, method.headers["allow"]) == (405, "POST")
    teapot = await ask(app, path="/teapot")
    assert (teapot.status, teapot.problem["message"]) == (418, "short and stout")
    assert teapot.headers["x-pot"] == "1"
    structured = await ask(app, path="/structured")
    assert structured.problem["details"] == {"field": "taken"}
    assert structured.problem["code"] == "conflict"


async def test_fastapi_validation_names_each_field_and_does_not_repeat_the_value() -> None:
    response = await ask(
        behind(_fastapi()),
        "POST",
        "/items",
        [(b"content-type", b"application/json")],
        [b'{"size": "canary-value"}'],
    )
    assert response.status == 422
    assert {detail["path"] for detail in response.problem["details"]} == {"body.name", "body.size"}
    assert b"canary-value" not in response.body


async def test_fastapi_crashes_are_answered_and_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    for path, status in (("/crash", 500), ("/unavailable", 503)):
        response = await ask(behind(_fastapi()), path=path)
        assert response.status == status
        assert response.problem["request_id"] == response.headers["x-request-id"]
        logged = "".join(capsys.readouterr())
        assert logged.count("request_failed") == 1
        assert "the cause" in logged or path == "/crash"


async def test_a_limit_met_while_fastapi_reads_the_body_keeps_its_status() -> None:
    app = behind(_fastapi(), max_body_bytes=1024)
    json_type = [(b"content-type", b"application/json")]
    response = await ask(app, "POST", "/items", json_type, [b"x" * 800, b"x" * 800])
    assert response.status == 413
