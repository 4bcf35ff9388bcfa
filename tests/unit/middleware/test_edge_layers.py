"""Each layer's own effect: identity, addresses, security headers, CORS, bodies, timing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from backstay.config.http import HttpSettings
from backstay.errors import BackstayError, ConfigurationError
from backstay.middleware.security_headers import SECURITY_HEADERS
from backstay.utils.stages import mark
from tests.unit.middleware.asgi import Headers, ask, behind, hello, raises

PROXY = ("10.0.0.0/8",)


async def _state(headers: Headers, peer: str = "10.0.0.1", **settings: Any) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(scope["state"])
        await hello(scope, receive, send)

    response = await ask(behind(app, **settings), headers=headers, client=(peer, 1))
    seen["hsts"] = "strict-transport-security" in response.headers
    seen["response_id"] = response.headers["x-request-id"]
    return seen


async def test_a_request_id_is_believed_from_a_trusted_proxy_only() -> None:
    given = [(b"x-request-id", b"from-the-proxy")]
    assert (await _state(given, trusted_proxies=PROXY))["response_id"] == "from-the-proxy"
    assert (await _state(given, "192.0.2.1", trusted_proxies=PROXY))["response_id"] != "from-the-proxy"
    assert (await _state(given))["response_id"] != "from-the-proxy"


@pytest.mark.parametrize("given", [b"", b"a" * 65, b"a b", b"a\r\nb", b"a\xff"])
async def test_a_malformed_request_id_is_replaced(given: bytes) -> None:
    state = await _state([(b"x-request-id", given)], trusted_proxies=PROXY)
    assert len(state["response_id"]) == 32


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (b"203.0.113.7", "203.0.113.7"),
        (b"6.6.6.6, 203.0.113.7", "203.0.113.7"),
        (b"203.0.113.7, 10.0.0.2", "203.0.113.7"),
        (b"203.0.113.7:4711, 10.0.0.2:80", "203.0.113.7"),
        (b"[2001:db8::1]:80", "2001:db8::1"),
        (b"203.0.113.7, nonsense, 10.0.0.2", "10.0.0.2"),
        (b"203.0.113.7, ::ffff:10.0.0.3", "203.0.113.7"),
        (b"", "10.0.0.1"),
        (b"10.9.9.9, " * 3000 + b"10.0.0.2", "10.9.9.9"),
    ],
)
async def test_the_client_is_the_right_most_hop_that_is_not_trusted(forwarded: bytes, address: str) -> None:
    state = await _state([(b"x-forwarded-for", forwarded)], trusted_proxies=PROXY)
    assert state["client_ip"] == address


async def test_forwarding_headers_of_strangers_are_ignored() -> None:
    forged = [
        (b"x-forwarded-for", b"203.0.113.7"),
        (b"forwarded", b"for=203.0.113.7;proto=https"),
        (b"x-forwarded-proto", b"https"),
        (b"x-real-ip", b"203.0.113.7"),
    ]
    state = await _state(forged, "192.0.2.1", trusted_proxies=PROXY)
    assert (state["client_ip"], state["hsts"]) == ("192.0.2.1", False)


async def test_only_the_configured_forwarding_header_is_read() -> None:
    both = [(b"forwarded", b'for="[2001:db8::9]:1";proto=https'), (b"x-forwarded-for", b"203.0.113.7")]
    assert (await _state(both, trusted_proxies=PROXY))["client_ip"] == "203.0.113.7"
    state = await _state(both, trusted_proxies=PROXY, forwarding_header="forwarded")
    assert (state["client_ip"], state["hsts"]) == ("2001:db8::9", True)


async def test_hsts_follows_the_scheme_that_the_client_spoke() -> None:
    assert (await _state([(b"x-forwarded-proto", b"https")], trusted_proxies=PROXY))["hsts"]
    assert not (await _state([(b"x-forwarded-proto", b"http")], trusted_proxies=PROXY))["hsts"]


async def test_security_headers_are_on_every_response_and_yield_to_the_application() -> None:
    for app in (hello, raises(BackstayError("not_found")), raises(ValueError())):
        headers = (await ask(behind(app))).headers
        assert all(headers[name.decode()] == value.decode() for name, value in SECURITY_HEADERS)

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        own = [(b"content-security-policy", b"default-src 'self'"), (b"server", b"mine")]
        await send({"type": "http.response.start", "status": 304, "headers": own})
        await send({"type": "http.response.body"})

    response = await ask(behind(page))
    policies = [value for name, value in response.raw_headers if name == b"content-security-policy"]
    assert policies == [b"default-src 'self'"]
    assert "server" not in response.headers


@pytest.mark.parametrize(
    "header",
    [
        (b"x-a", b"1\r\nset-cookie: a=b"),
        (b"x a", b"1"),
        (b"", b"1"),
        (b"x-a", b"\x00"),
        (b"content-length", b"x"),
    ],
)
async def test_a_header_that_could_split_the_response_becomes_an_error(header: tuple[bytes, bytes]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [header]})

    assert (await ask(behind(app))).status == 500


@pytest.mark.parametrize(
    "origin",
    [
        b"null", b"https://app.example.evil", b"https://evil-app.example", b"https://appxexample", b"http://app.example",
        b"https://app.example:8443", b"HTTPS://APP.EXAMPLE", b"https://sub.app.example", b"https://app.example/",
        b"https://app.example, https://evil", b"",
    ],
)  # fmt: skip
async def test_an_origin_that_is_not_listed_is_never_echoed(origin: bytes) -> None:
    app = behind(hello, cors_origins=("https://app.example",), cors_credentials=True)
    for method in ("GET", "OPTIONS"):
        headers = [(b"origin", origin), (b"access-control-request-method", b"GET")]
        response = await ask(app, method, headers=headers)
        assert not [name for name in response.headers if name.startswith("access-control-")]
        assert response.headers["vary"] == "Origin"


async def test_a_listed_origin_may_read_answers_and_errors() -> None:
    origin = [(b"origin", b"https://app.example")]
    for app in (hello, raises(BackstayError("not_found")), raises(ValueError())):
        guarded = behind(app, cors_origins=("https://app.example",), cors_credentials=True)
        headers = (await ask(guarded, headers=origin)).headers
        assert headers["access-control-allow-origin"] == "https://app.example"
        assert headers["access-control-allow-credentials"] == "true"
        assert headers["cross-origin-resource-policy"] == "cross-origin"
        assert headers["vary"] == "Origin"


async def test_a_preflight_is_answered_before_the_application() -> None:
    app = behind(raises(ValueError()), cors_origins=("https://app.example",))
    headers = [(b"origin", b"https://app.example"), (b"access-control-request-method", b"PATCH")]
    response = await ask(app, "OPTIONS", headers=headers)
    assert response.status == 204
    assert "PATCH" in response.headers["access-control-allow-methods"]
    allowed = response.headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "apikey", "prefer", "if-match", "x-client-info"} <= set(allowed)


def test_unsafe_origins_are_refused_at_start() -> None:
    for settings in (
        {"cors_origins": ("*",), "cors_credentials": True},
        {"cors_origins": ("*", "https://app.example")},
        {"cors_origins": ("null",)},
    ):
        with pytest.raises(ConfigurationError, match="cors_origins"):
            behind(hello, **settings)


async def test_the_wildcard_never_comes_with_credentials() -> None:
    response = await ask(behind(hello, cors_origins=("*",)), headers=[(b"origin", b"https://any")])
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers


async def test_a_body_over_the_limit_is_refused_announced_or_not() -> None:
    app = behind(hello, max_body_bytes=1024)
    announced = await ask(app, "POST", headers=[(b"content-length", b"1025")])
    streamed = await ask(app, "POST", body=[b"x" * 600, b"x" * 600])
    exact = await ask(app, "POST", body=[b"x" * 600, b"x" * 424])
    assert [announced.status, streamed.status, exact.status] == [413, 413, 200]


async def test_a_client_that_leaves_in_its_body_gets_a_400() -> None:
    response = await ask(behind(hello), "POST", body=())
    assert (response.status, response.problem["code"]) == (400, "body_incomplete")


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"identity, gzip", b"zstd"])
async def test_a_coded_body_is_refused(coding: bytes) -> None:
    assert (await ask(behind(hello), "POST", headers=[(b"content-encoding", coding)])).status == 415


async def test_a_body_that_stalls_is_refused() -> None:
    async def stalled() -> Message:
        await asyncio.sleep(5)
        return {"type": "http.request"}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await behind(hello, body_timeout_seconds=0.05)(scope, stalled, send)

    response = await ask(app, "POST")
    assert (response.status, response.headers["connection"]) == (408, "close")


@pytest.mark.parametrize(
    ("headers", "scope", "status"),
    [
        ([(b"host", b"b")], {}, 400),
        ([(b"content-length", b"1"), (b"transfer-encoding", b"chunked")], {}, 400),
        ([(b"transfer-encoding", b"chunked")], {"http_version": "1.0"}, 400),
        ([], {"raw_path": b"/a/%2e%2e/b"}, 400),
        ([], {"raw_path": b"/%00"}, 400),
        ([], {"raw_path": b"/" + b"a" * 20_000}, 414),
        ([], {"method": "TRACE"}, 405),
        ([(b"x", b"a")] * 100, {}, 431),
        ([(b"x", b"a" * 40_000)], {}, 431),
        ([], {"http_version": "2"}, 200),
    ],
)
async def test_the_guard_holds_under_any_server(headers: Headers, scope: dict[str, Any], status: int) -> None:
    response = await ask(behind(hello), headers=headers, **scope)
    assert response.status == status
    assert len(response.headers["x-request-id"]) == 32


async def test_stages_are_shown_in_development_only() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        mark(scope["state"], "controller")
        await hello(scope, receive, send)

    shown = (await ask(behind(app, development=True))).headers["server-timing"]
    assert [part.partition(";")[0] for part in shown.split(", ")] == [
        "middleware", "controller", "response", "total",
    ]  # fmt: skip
    failed = await ask(behind(raises(BackstayError("not_found")), development=True))
    assert "server-timing" in failed.headers
    assert "server-timing" not in (await ask(behind(app))).headers


def test_trusted_proxies_that_are_no_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        HttpSettings(trusted_proxies=("everyone",))
